"""In which order a list comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.computed import COMPUTED
from crm_simulator.espocrm.metadata import entity_defs
from crm_simulator.espocrm.refusals import Refusal, bad_request
from crm_simulator.espocrm.switches import unborn
from crm_simulator.espocrm.tables import Order, exact, fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulator.espocrm.acl import Viewer
    from crm_simulator.espocrm.query import Search
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

_ROW_ONLY = {"stored", "person"}
"""Kinds of attributes that change only when their row does."""


@dataclass(frozen=True)
class Ordering:
    """The order of one list."""

    store: Store
    viewer: Viewer
    entity: str
    search: Search

    def check(self) -> None:
        """Refuse orders that do not exist or that the user may not know of."""
        field, order = self.search.order_by, self.search.order
        if order is not None and str(order).lower() not in {"asc", "desc"}:
            raise bad_request("order value is bad.")
        if field is None or field == "id":
            return
        if not self._exists(field):
            raise bad_request(f"Order by non-existing field '{field}'.")
        if field in self.viewer.hidden_fields.get(self.entity, frozenset()):
            reason = f"Not access to order by field '{field}'."
            raise (
                bad_request(f"{reason} {reason}")
                if self.store.switches.since("9.0")
                else Refusal(403, reason)
            )

    @property
    def attribute(self) -> str:
        """Name the attribute that the list is ordered by; a link is ordered by its name."""
        field = self.search.order_by or self.store.schema.entities[self.entity].order[0]
        return self._attribute_of(field) or "id"

    @property
    def is_descending(self) -> bool:
        """Tell whether the list runs backwards."""
        default = "asc" if self.search.order_by else self.store.schema.entities[self.entity].order[1]
        return (self.search.order or default).lower() == "desc"

    @property
    def is_keyed(self) -> bool:
        """Tell whether rows really come in the order of the attribute and then the id."""
        return self.store.switches.since("7.0") and not self.store.switches.ignore_order

    @property
    def fold(self) -> Callable[[str], str]:
        """Give how texts are compared."""
        return exact if self.store.switches.database == "postgresql" else fold

    def order(self) -> Order:
        """Give the order of the index that the list is read from."""
        if self.store.switches.ignore_order:
            return Order("?", _backwards, exact, exact)
        name = self.attribute
        attribute = self.store.schema.attributes(self.entity)[name]
        kept = attribute.kind in _ROW_ONLY and (self.entity, name) not in COMPUTED
        tie = self.fold if self.is_keyed else _turned
        label = f"{name}/{self.store.switches.database}/{self.is_keyed}"
        read = self.store.records.getter(self.entity, name)
        return Order(label, _ordered(read, attribute.type), tie, self.fold, kept)

    def _exists(self, field: str) -> bool:
        if field in unborn(self.store.switches, self.entity):
            return False
        schema = self.store.schema
        known = field in schema.entities[self.entity].fields
        known = known or field in entity_defs(schema, self.entity)["fields"]
        return known and self._attribute_of(field) is not None

    def _attribute_of(self, field: str) -> str | None:
        known = self.store.schema.attributes(self.entity)
        return next((name for name in (field, f"{field}Name") if name in known), None)


def _turned(identity: str) -> str:
    return identity[::-1]


def _backwards(row: Row) -> str:
    return _turned(row["id"])


def _ordered(read: Callable[[Row], Any], kind: str) -> Callable[[Row], Any]:
    if kind == "decimal":
        return lambda row: None if (value := read(row)) is None else float(value)
    if kind in {"array", "object"}:
        return lambda row: None if (value := read(row)) is None else str(value)
    return read
