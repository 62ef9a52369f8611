"""What a user may see: entity types, records, fields."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.roles import (
    ALL_PERMISSIONS,
    EVERYBODY,
    FIELDS,
    PERMISSIONS,
    ROLES,
    Access,
    spelled,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulator.espocrm.definitions import Entity
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row
    from crm_simulator.espocrm.users import User

_UNREADABLE: dict[str, tuple[str, ...]] = {
    "ActionHistoryRecord": ("authToken", "authLogRecord"),
    "Call": ("uid",),
    "Email": ("inboundEmails", "emailAccounts"),
    "Meeting": ("uid",),
    "User": (
        "password",
        "passwordConfirm",
        "authMethod",
        "apiKey",
        "secretKey",
        "token",
        "gender",
        "dashboardTemplate",
        "auth2FA",
    ),
}
"""Fields that only administrators read."""
_UNWRITABLE = {
    "EmailAccount": ("assignedUser",),
    "EmailFolder": ("assignedUser",),
    "User": ("avatarColor", "workingTimeCalendar"),
}
_ADMIN_ATTRIBUTES = {"User": frozenset({"layoutSetId"})}
"""Attributes that only administrators get although no table says so."""
_ADMIN_TABLE: Access = {
    **dict.fromkeys(
        ("Activities", "Calendar", "EmailAccountScope", "GlobalStream", "ImportEml", "Stream"), True
    ),
    **dict.fromkeys(
        ("Dashboard", "Export", "Formula", "LastViewed", "MassAction", "PortalUser", "Target"), False
    ),
    "Currency": "ynynn",
    "Extension": "annan",
    "Job": "annan",
    "Team": "anaay",
    "User": "anaay",
}
"""Where an administrator's rights are not simply all."""
_NO: dict[str, str] = {"read": "no", "edit": "no"}


@dataclass(frozen=True)
class Viewer:
    """A user who asks; knows what the user may do."""

    user: User
    id: str
    store: Store

    @property
    def is_admin(self) -> bool:
        """Tell whether the user may do everything."""
        return self.user.type == "admin"

    @cached_property
    def access(self) -> Access:
        """Give the letters of every scope the user has a say in."""
        if self.is_admin:
            scoped = (entity for entity in self.store.schema.entities.values() if not entity.has("unscoped"))
            return {entity.name: _admin_access(entity) for entity in scoped} | _ADMIN_TABLE
        granted = EVERYBODY | ROLES.get(self.user.role or "", {})
        return {name: level for name, level in granted.items() if name not in self.store.switches.denied}

    def level(self, entity: str, action: int = 0) -> str:
        """Give how far an action reaches: a(ll), t(eam), o(wn), y(es) or n(o); action 0 reads."""
        letters = self.access.get(entity, False)
        if isinstance(letters, bool):
            return "a" if letters else "n"
        return letters[action]

    def sees(self, entity: str) -> Callable[[Row], bool] | None:
        """Give the test of the rows of a type that the user may see; None where it is all of them."""
        if entity == "User" and not self.is_admin:
            return self._sees_user
        return self.reaches(entity, self.level(entity))

    def reaches(self, entity: str, level: str) -> Callable[[Row], bool] | None:
        """Give the test of the rows that a level reaches; None where it is all of them."""
        if level in {"a", "y"}:
            return None
        if level == "t":
            return lambda row: self._owns(row) or self._in_team(entity, row)
        return self._owns if level == "o" else lambda _row: False

    @cached_property
    def hidden_fields(self) -> dict[str, frozenset[str]]:
        """Give the fields the user may not read, by entity type."""
        if self.is_admin:
            return {}
        own = FIELDS.get(self.user.role or "", {})
        names = {*_UNREADABLE, *own, *self.store.switches.hidden_fields}
        switched = self.store.switches.hidden_fields
        return {
            name: frozenset({*_UNREADABLE.get(name, ()), *own.get(name, ()), *switched.get(name, ())})
            for name in names
        }

    def hidden(self, entity: str) -> frozenset[str]:
        """Give the attributes of a type the user may not read."""
        fields = self.hidden_fields.get(entity, frozenset())
        found = {name for field in fields for name in self._attributes_of(entity, field)}
        admin_only = frozenset() if self.is_admin else _ADMIN_ATTRIBUTES.get(entity, frozenset())
        return frozenset(found) | admin_only

    def answer(self) -> dict[str, Any]:
        """Write the user's rights as `App/user` gives them."""
        table = {name: spelled(letters) for name, letters in self.access.items()}
        granted = [
            name
            for name in self.access
            if name in self.store.schema.entities and self.store.schema.entities[name].has("entity")
        ]
        fields = {name: self._field_table(name) for name in granted}
        permissions = dict.fromkeys(ALL_PERMISSIONS, "no") | PERMISSIONS.get(self.user.role or "", {})
        return {
            "table": table,
            "fieldTable": fields,
            **(ALL_PERMISSIONS if self.is_admin else permissions),
            "fieldTableQuickAccess": {name: self._quick(name, rules) for name, rules in fields.items()},
        }

    def _quick(self, entity: str, rules: dict[str, dict[str, str]]) -> dict[str, Any]:
        """Write the rules of fields once more, by what they allow."""
        names = {
            "attributes": {field: self._attributes_of(entity, field) for field in rules},
            "fields": {field: [field] for field in rules},
        }
        return {
            kind: {action: _by_answer(rules, each, action) for action in ("read", "edit")}
            for kind, each in names.items()
        }

    def _attributes_of(self, entity: str, field: str) -> list[str]:
        known = self.store.schema.attributes(entity).items()
        return [
            name
            for name, attribute in known
            if attribute.field.name == field and attribute.kind != "converted"
        ]

    def _field_table(self, entity: str) -> dict[str, dict[str, str]]:
        if self.is_admin:
            return {}
        unwritable = {name: {"read": "yes", "edit": "no"} for name in _UNWRITABLE.get(entity, ())}
        return {name: dict(_NO) for name in sorted(self.hidden_fields.get(entity, ()))} | unwritable

    @cached_property
    def _teams(self) -> frozenset[str]:
        return frozenset(self.store.related("User", self.id, "teams"))

    def _owns(self, row: Row) -> bool:
        owners = (row.get("assignedUserId"), row.get("createdById"), row.get("userId"), row["id"])
        return self.id in owners

    def _in_team(self, entity: str, row: Row) -> bool:
        if entity == "Team":
            return row["id"] in self._teams
        if "teams" not in self.store.schema.entities[entity].links:
            return False
        return not self._teams.isdisjoint(self.store.related(entity, row["id"], "teams"))

    def _sees_user(self, row: Row) -> bool:
        if self.level("User") == "o":
            return bool(row["id"] == self.id)
        return row.get("type") != "api" and bool(row.get("isActive"))


def _admin_access(entity: Entity) -> str | bool:
    if entity.flags.get("acl") == "boolean":
        return True
    return "aaaay"


def _by_answer(
    rules: dict[str, dict[str, str]], names: dict[str, list[str]], action: str
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"yes": [], "no": []}
    for field, rule in rules.items():
        if (action, rule[action]) != ("edit", "yes"):
            found[rule[action]].extend(names[field])
    return found
