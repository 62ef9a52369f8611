"""The EspoCRM of the simulator: one HTTP API over one store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from crm_simulator.crm import CRM
from crm_simulator.espocrm.about import show_public_labels, show_public_settings
from crm_simulator.espocrm.audit import Audit
from crm_simulator.espocrm.auth import API_ROOT, SECRET_HEADERS, Gate, Login
from crm_simulator.espocrm.calls import Call
from crm_simulator.espocrm.refusals import HTML, Refusal
from crm_simulator.espocrm.routes import route
from crm_simulator.espocrm.seeds import Seeds
from crm_simulator.espocrm.store import Store
from crm_simulator.espocrm.switches import EspoCRMSwitches
from crm_simulator.espocrm.users import USERS

if TYPE_CHECKING:
    from crm_simulator.clock import Clock
    from crm_simulator.messages import Request, Response

_ANONYMOUS = {"I18n", "Settings"}
_KINDS = {
    "api_key": "reader",
    "hmac": "signer",
    "limited": "limited",
    "norole": "norole",
    "token": "sales1",
    "basic": "sales1",
    "admin": "admin",
}


class EspoCRM(CRM):
    """An EspoCRM 9.2.7 with believable records; `switches` make it another one."""

    secret_names: ClassVar[frozenset[str]] = SECRET_HEADERS

    def __init__(self, *, seed: int, scale: float, clock: Clock) -> None:
        super().__init__(clock)
        self.switches = EspoCRMSwitches()
        self.store = Store(Seeds(seed, scale, clock.now(), self.switches), clock, self.switches)
        self.gate = Gate(self.store)
        self.audit = Audit(self.store)

    @property
    def credentials(self) -> dict[str, dict[str, Any]]:
        """Give the settings a tap needs, by kind of login."""
        return {kind: {"url": self.url, **_settings(kind)} for kind in _KINDS}

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        try:
            with self.store.lock:
                return self._answer(request)
        except Refusal as refusal:
            return refusal.response()

    def _answer(self, request: Request) -> Response:
        if not request.path.startswith(API_ROOT):
            raise Refusal(404, None, HTML)
        parts = request.segments[2:]
        if request.path.endswith("/") and parts:
            raise Refusal(404, None, HTML)
        if len(parts) == 1 and parts[0] in _ANONYMOUS and SECRET_HEADERS.isdisjoint(request.headers):
            return show_public_labels() if parts[0] == "I18n" else show_public_settings(self.store)
        login = self.gate.admit(request)
        self._check_maintenance(login)
        self.audit.note_login(login.viewer.id, request, login.method)
        handler, found = route(request.method, parts, self.switches.since)
        return handler(Call(request, login, self.store, self.gate, self.audit, found))

    def _check_maintenance(self, login: Login) -> None:
        if self.switches.maintenance and not login.viewer.is_admin:
            message = "The application currently is in maintenance mode."
            raise Refusal(503, "Application is in maintenance mode.", HTML, {"message": message})


def _settings(kind: str) -> dict[str, Any]:
    user = next(user for user in USERS if user.name == _KINDS[kind])
    if user.api_key is None:
        found: dict[str, Any] = {"username": user.name, "password": user.password}
        return found | {"basic_auth": True} if kind == "basic" else found
    secret = {"secret_key": user.secret_key} if user.secret_key else {}
    return {"api_key": user.api_key, **secret}
