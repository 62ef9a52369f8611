"""One request being answered, and the checks that most of them share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.query import Search, parse_query, read_search
from crm_simulator.espocrm.refusals import JSON, broken, forbidden, not_found
from crm_simulator.messages import Response

if TYPE_CHECKING:
    from crm_simulator.espocrm.acl import Viewer
    from crm_simulator.espocrm.audit import Audit
    from crm_simulator.espocrm.auth import Gate, Login
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row
    from crm_simulator.messages import Request

ACTIONS = ("read", "stream", "edit", "delete", "create")
NO_CONTROLLER = frozenset({"Currency", "ImportEml", "Reminder"})
NO_LIST = frozenset({"Preferences"})
ADMIN_CONTROLLERS = frozenset(
    {
        "AuthLogRecord",
        "AuthToken",
        "EmailQueueItem",
        "InboundEmail",
        "Job",
        "LeadCapture",
        "ScheduledJob",
        "ScheduledJobLogRecord",
    }
)
"""Controllers that let nobody but administrators in, whatever a role says."""
_HEADERS = {
    "Content-Type": JSON,
    "Cache-Control": "no-store, no-cache, must-revalidate, post-check=0, pre-check=0",
    "Expires": "0",
    "X-App-Timestamp": "1795299679",
}


def answer(body: bytes) -> Response:
    """Answer with JSON that is already written."""
    return Response(200, dict(_HEADERS), body)


def answer_value(value: object) -> Response:
    """Answer with a value."""
    return answer(json.dumps(value, separators=(",", ":")).encode("ascii"))


@dataclass(frozen=True)
class Call:
    """A request, who sent it, and the parts of its path."""

    request: Request
    login: Login
    store: Store
    gate: Gate
    audit: Audit
    parts: dict[str, str]

    @property
    def viewer(self) -> Viewer:
        """Give the user who asks."""
        return self.login.viewer

    @property
    def entity(self) -> str:
        """Give the entity type in the path."""
        return self.parts["entity"]

    @cached_property
    def params(self) -> dict[str, Any]:
        """Read the query string."""
        return parse_query(self.request.query)

    @cached_property
    def search(self) -> Search:
        """Read the search parameters."""
        return read_search(self.params, self.store.switches)

    @property
    def counted(self) -> bool:
        """Tell whether the request wants a total."""
        no_total = self.request.headers.get("x-no-total", "").lower() == "true"
        return not (no_total and self.store.switches.since("7.1"))

    @cached_property
    def body(self) -> dict[str, Any]:
        """Read the JSON object in the body."""
        value = self.request.json_body
        if not isinstance(value, dict):
            raise broken()
        return value

    def check_controller(self) -> None:
        """Refuse entity types that the API does not serve."""
        switches = self.store.switches
        missing = (
            self.entity not in self.store.schema.entities
            or self.entity in NO_CONTROLLER | switches.without_controller
        )
        if missing:
            raise not_found(f"Controller '{self.entity}' does not exist.")
        if self.entity in switches.broken or self.store.schema.entities[self.entity].has("disabled"):
            raise broken()

    def check_scope(self, action: str) -> None:
        """Refuse what the user's roles do not allow for the entity type at all."""
        if self.viewer.is_admin:
            return
        if self.entity in ADMIN_CONTROLLERS:
            raise forbidden(f"No access to '{self.entity}'.")
        scoped = self.entity == "EmailAccount" and self.viewer.level("EmailAccountScope") == "n"
        if scoped or self.viewer.level(self.entity, ACTIONS.index(action)) == "n":
            raise forbidden(f"No {action} access.")

    def find(self, action: str = "read") -> Row:
        """Find the record in the path, or refuse as the user's rights have it."""
        self.check_controller()
        self.check_scope(action)
        identity, table = self.parts["id"], self.store.table(self.entity)
        row = table.live.get(identity)
        if row is None and self.viewer.is_admin and action == "read":
            row = table.gone.get(identity)
        if row is None:
            raise not_found(f"Record {identity} does not exist.")
        level = self.viewer.level(self.entity, ACTIONS.index(action))
        reaches = self.viewer.reaches(self.entity, level)
        if reaches is not None and not reaches(row):
            raise forbidden(f"No '{action}' access.")
        return row
