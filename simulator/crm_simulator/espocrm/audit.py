"""What EspoCRM writes down about its users: logins, and every touch of a single record."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from crm_simulator.espocrm.moments import text_of

if TYPE_CHECKING:
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row
    from crm_simulator.messages import Request

_UNWATCHED = frozenset({"ActionHistoryRecord", "AuthLogRecord", "Notification"})
_KEPT = 5000
"""How many logins are remembered."""


class Audit:
    """Fills ActionHistoryRecord and AuthLogRecord."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._logins: deque[tuple[float, str, str, str, str]] = deque(maxlen=_KEPT)

    def write_down(self, action: str, entity: str, identity: str, user: str) -> None:
        """Keep a record of what somebody did to a single record."""
        store = self._store
        if not store.switches.action_history or entity in _UNWATCHED:
            return
        row: Row = {
            "id": store.new_id(),
            "createdAt": store.now(),
            "action": action,
            "ipAddress": "127.0.0.1",
        }
        row |= {"targetType": entity, "targetId": identity, "userId": user}
        store.table("ActionHistoryRecord").put(row | store.number("ActionHistoryRecord"))

    def note_login(self, user: str, request: Request, method: str) -> None:
        """Remember a request that was let in."""
        moment = self._store.clock.now().timestamp()
        self._logins.append((moment, user, request.path, request.method, method))

    def show_logins(self) -> None:
        """Bring the table of logins up to date."""
        self._store.table("AuthLogRecord").replace([self._login(*login) for login in self._logins])
        self._store.records.created("AuthLogRecord")

    def _login(self, moment: float, user: str, path: str, verb: str, method: str) -> Row:
        return {
            "id": f"{int(moment):08x}{int(moment * 1e6) % 16**9:09x}",
            "username": self._store.row("User", user).get("userName"),
            "userId": user,
            "ipAddress": "127.0.0.1",
            "createdAt": text_of(moment),
            "requestTime": round(moment, 4),
            "requestUrl": f"http://127.0.0.1{path}",
            "requestMethod": verb,
            "authenticationMethod": method,
            "authTokenIsActive": None,
        }
