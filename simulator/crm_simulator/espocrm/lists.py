"""Lists: which rows, in which order, how many, and with which attributes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.attributes import attributes
from crm_simulator.espocrm.definitions import entities
from crm_simulator.espocrm.records import shown
from crm_simulator.espocrm.refusals import Refusal, bad_request, broken, forbidden
from crm_simulator.espocrm.spans import Span, Spans
from crm_simulator.espocrm.switches import unborn
from crm_simulator.espocrm.tables import Order, SortedIndex, exact, fold
from crm_simulator.espocrm.where import Filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crm_simulator.espocrm.acl import Viewer
    from crm_simulator.espocrm.query import Search
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

    Test = Callable[[Row], bool]

MORE, NO_MORE = -1, -2
"""Totals of a list that was not counted: rows follow, or none."""
PRIMARY_FILTERS: dict[str, dict[str, dict[str, Any]]] = {
    "Account": {
        "customers": {"type": "equals", "attribute": "type", "value": "Customer"},
        "partners": {"type": "in", "attribute": "type", "value": ["Partner"]},
    },
    "Case": {"open": {"type": "notIn", "attribute": "status", "value": ["Closed", "Rejected", "Duplicate"]}},
    "Lead": {"actual": {"type": "notIn", "attribute": "status", "value": ["Converted", "Recycled", "Dead"]}},
    "Opportunity": {
        "open": {"type": "notIn", "attribute": "stage", "value": ["Closed Won", "Closed Lost"]},
        "won": {"type": "equals", "attribute": "stage", "value": "Closed Won"},
    },
    "Task": {"actual": {"type": "notIn", "attribute": "status", "value": ["Completed", "Canceled"]}},
}
_SHOWN = {"list", "listing"}
_SELECTABLE = {"list", "listing", "select"}
_NEVER_COUNTED = frozenset({"Notification"})
_EXTRAS = ("id", "createdById", "assignedUserId", "isStarred")
"""What comes beside the selected attributes, where a record has it."""


@dataclass(frozen=True)
class Listing:
    """One list of one entity type for one user."""

    store: Store
    viewer: Viewer
    entity: str
    search: Search
    counted: bool = True
    within: frozenset[str] | None = None
    """Only these ids, for lists of related records."""

    def body(self) -> bytes:
        """Write the answer."""
        ids, total = self.ids()
        rows = self.store.records.page(self.entity, ids, self.names(), self._cut())
        return b'{"total":%d,"list":[%s]}' % (total, rows)

    def ids(self) -> tuple[list[str], int]:
        """Give the ids of the page and the total."""
        size = self._size()
        index, descending = self._index()
        span = Span() if self._unfiltered else self._span()
        tests = self._tests()
        start, stop = index.span(span.low, span.high)
        if span.exact and not tests:
            first = min(self.search.offset, stop - start)
            here = (start, stop - first) if descending else (start + first, stop)
            found = list(islice(index.ids(*here, descending=descending), size + 1))
            return found[:size], stop - start if self._counts else _follow(found, size)
        candidates = self._passing(index.ids(start, stop, descending=descending), tests)
        if self._counts:
            everything = list(candidates)
            return everything[self.search.offset : self.search.offset + size], len(everything)
        found = list(islice(candidates, self.search.offset, self.search.offset + size + 1))
        return found[:size], _follow(found, size)

    def names(self) -> tuple[str, ...]:
        """Name the attributes of each row; `=` before a name stands for null."""
        hidden = self.viewer.hidden(self.entity) | unborn(self.store.switches, self.entity)
        if self.search.select is None:
            return tuple(name for name in shown(self.entity, _SHOWN) if name not in hidden)
        wanted = set(self.search.select) | set(_EXTRAS) | set(entities()[self.entity].extra["always"])
        if self.search.order_by is None:
            wanted |= self._default_order_attributes()
        wanted &= set(shown(self.entity, _SELECTABLE))
        nulls = self._parent_names(wanted)
        known = attributes(self.entity)
        names = (f"={name}" if name in nulls else name for name in known if name in wanted | nulls)
        return tuple(name for name in names if name.removeprefix("=") not in hidden)

    def _default_order_attributes(self) -> set[str]:
        field = entities()[self.entity].order[0]
        return {name for name, attribute in attributes(self.entity).items() if attribute.field.name == field}

    def _parent_names(self, wanted: set[str]) -> set[str]:
        """Name the parents' names that come although nobody asked, and then are null."""
        fields = entities()[self.entity].fields.values()
        parents = [field.name for field in fields if field.type == "linkParent"]
        listed = shown(self.entity, _SHOWN)
        full = {name for name in parents if {f"{name}Id", f"{name}Type"} <= wanted}
        wanted |= {f"{name}Name" for name in full if f"{name}Name" in listed}
        return {f"{name}Name" for name in parents if name not in full and f"{name}Name" in listed} - wanted

    @property
    def _counts(self) -> bool:
        uncounted = (
            entities()[self.entity].has("uncounted")
            or self.entity in _NEVER_COUNTED | self.store.switches.uncounted
        ) and self.within is None
        return self.counted and not uncounted and not self.search.quick

    @property
    def _unfiltered(self) -> bool:
        return self.store.switches.ignore_where or not self.search.where

    def _size(self) -> int:
        cap, size = self.store.switches.page_cap, self.search.max_size
        if (size is not None and size < 0) or self.search.offset < 0:
            raise broken()
        if size is not None and size > cap:
            raise forbidden(f"Max size should not exceed {cap}. Use offset and limit.")
        return cap if size is None else size

    def _cut(self) -> int:
        return 0 if self.search.select is None else self.store.switches.text_cut

    def _filters(self) -> Filters:
        return Filters(self.store, self.entity, self.viewer.hidden(self.entity))

    def _span(self) -> Span:
        order = self._order_name()
        filters = self._filters()
        return Spans(filters, order, self._fold()).of(self.search.where)

    def _tests(self) -> list[Test]:
        tests = []
        if self.search.where:
            test = self._filters().test(self.search.where)
            if not self.store.switches.ignore_where and not self._span().exact:
                tests.append(test)
        visible = self.viewer.sees(self.entity)
        if visible is not None:
            tests.append(visible)
        if self.within is not None:
            within = self.within
            tests.append(lambda row: row["id"] in within)
        tests += self._named_filters()
        return tests

    def _named_filters(self) -> Iterator[Test]:
        search, filters = self.search, self._filters()
        if search.primary is not None:
            item = PRIMARY_FILTERS.get(self.entity, {}).get(search.primary)
            if item is None:
                raise bad_request(f"No primary filter '{search.primary}' for '{self.entity}'.")
            yield filters.test([item])
        if "onlyMy" in search.bools:
            me = self.viewer.id
            yield lambda row: row.get("assignedUserId") == me
        if search.text:
            yield self._text_test(search.text)

    def _text_test(self, text: str) -> Test:
        known = attributes(self.entity)
        readers = [
            self.store.records.getter(self.entity, name)
            for name in entities()[self.entity].text
            if name in known
        ]
        wanted = text.strip("*%").casefold()
        return lambda row: any(str(read(row) or "").casefold().startswith(wanted) for read in readers)

    def _passing(self, ids: Iterable[str], tests: list[Test]) -> Iterator[str]:
        live = self.store.table(self.entity).live
        return (identity for identity in ids if all(test(live[identity]) for test in tests))

    def _fold(self) -> Callable[[str], str]:
        return exact if self.store.switches.database == "postgresql" else fold

    def _order_name(self) -> str:
        """Give the attribute that the list is ordered by."""
        field = self.search.order_by or entities()[self.entity].order[0]
        known = attributes(self.entity)
        return next((name for name in (field, f"{field}Name", f"{field}Date") if name in known), "id")

    def _index(self) -> tuple[SortedIndex, bool]:
        self._check_order()
        order_by = self.search.order_by
        direction = self.search.order or ("asc" if order_by else entities()[self.entity].order[1])
        name = self._order_name()
        if self.store.switches.ignore_order:
            order = Order("?", lambda row: row["id"][::-1], exact, exact)
        else:
            order = self._order(name)
        return self.store.table(self.entity).sorted_by(order), direction.lower() == "desc"

    def _order(self, name: str) -> Order:
        attribute = attributes(self.entity)[name]
        tie = self._fold() if self.store.switches.since("7.0") else _backwards
        read = self.store.records.getter(self.entity, name)
        kept = attribute.kind in {"stored", "person"}
        label = f"{name}/{self.store.switches.database}/{tie is _backwards}"
        return Order(label, _ordering(read, attribute.type), tie, self._fold(), kept)

    def _check_order(self) -> None:
        field, order = self.search.order_by, self.search.order
        if order is not None and str(order).lower() not in {"asc", "desc"}:
            raise bad_request("order value is bad.")
        if field is None or field == "id":
            return
        known = entities()[self.entity].fields
        derived = attributes(self.entity).get(field)
        if field not in known and (derived is None or derived.field.name == field[:-2]):
            raise bad_request(f"Order by non-existing field '{field}'.")
        hidden = self.viewer.hidden_fields.get(self.entity, frozenset())
        if field in hidden:
            reason = f"Not access to order by field '{field}'."
            raise (
                bad_request(f"{reason} {reason}")
                if self.store.switches.since("9.0")
                else Refusal(403, reason)
            )


def _follow(found: list[str], size: int) -> int:
    return MORE if len(found) > size else NO_MORE


def _backwards(identity: str) -> str:
    return identity[::-1]


def _ordering(read: Callable[[Row], Any], kind: str) -> Callable[[Row], Any]:
    if kind == "decimal":
        return lambda row: None if (value := read(row)) is None else float(value)
    if kind in {"array", "object"}:
        return lambda row: None if (value := read(row)) is None else str(value)
    return read
