"""Lists: which rows, how many, and with which attributes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.ordering import Ordering
from crm_simulator.espocrm.refusals import bad_request, broken, forbidden
from crm_simulator.espocrm.spans import Span, Spans
from crm_simulator.espocrm.switches import unborn
from crm_simulator.espocrm.tables import SortedIndex
from crm_simulator.espocrm.where import Filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crm_simulator.espocrm.acl import Viewer
    from crm_simulator.espocrm.definitions import Entity
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
_EXTRAS = frozenset({"id", "createdById", "assignedUserId", "isStarred"})
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
        size, offset = self._size(), self.search.offset
        self._ordering.check()
        index = self._index()
        span, tests = self._span(), self._tests()
        start, stop = index.span(span.low, span.high)
        descending = self._ordering.is_descending
        if not tests:
            first = min(offset, stop - start)
            here = (start, stop - first) if descending else (start + first, stop)
            found = list(islice(index.ids(*here, descending=descending), size + 1))
            return found[:size], stop - start if self._counts else _follow(found, size)
        passing = self._passing(index.ids(start, stop, descending=descending), tests)
        if self._counts:
            everything = list(passing)
            return everything[offset : offset + size], len(everything)
        found = list(islice(passing, offset, offset + size + 1))
        return found[:size], _follow(found, size)

    def names(self) -> tuple[str, ...]:
        """Name the attributes of each row; `=` before a name stands for null."""
        schema = self.store.schema
        hidden = self.viewer.hidden(self.entity) | unborn(self.store.switches, self.entity)
        if self.search.select is None:
            return tuple(name for name in schema.shown(self.entity, _SHOWN) if name not in hidden)
        wanted = _EXTRAS.union(
            self.search.select, self._kind.extra["always"], self._default_order_attributes()
        )
        wanted &= set(schema.shown(self.entity, _SELECTABLE))
        wanted |= self._parent_names(lambda parts: parts <= wanted)
        nulls = self._parent_names(lambda parts: not parts <= wanted) - wanted
        known = schema.attributes(self.entity)
        names = (f"={name}" if name in nulls else name for name in known if name in wanted or name in nulls)
        return tuple(name for name in names if name.removeprefix("=") not in hidden)

    def _index(self) -> SortedIndex:
        table, order = self.store.table(self.entity), self._ordering.order()
        if self.within is None:
            return table.sorted_by(order)
        return SortedIndex(order, (table.live[each] for each in self.within if each in table.live))

    @property
    def _kind(self) -> Entity:
        return self.store.schema.entities[self.entity]

    @property
    def _ordering(self) -> Ordering:
        return Ordering(self.store, self.viewer, self.entity, self.search)

    def _default_order_attributes(self) -> set[str]:
        if self.search.order_by is not None:
            return set()
        known = self.store.schema.attributes(self.entity).items()
        return {name for name, attribute in known if attribute.field.name == self._kind.order[0]}

    def _parent_names(self, fits: Callable[[set[str]], bool]) -> frozenset[str]:
        """Name the names of parents whose id and type fit; names come always, null without those two."""
        parents = (field.name for field in self._kind.fields.values() if field.type == "linkParent")
        names = frozenset(f"{name}Name" for name in parents if fits({f"{name}Id", f"{name}Type"}))
        return names & set(self.store.schema.shown(self.entity, _SHOWN))

    @property
    def _counts(self) -> bool:
        uncounted = (
            self._kind.has("uncounted") or self.entity in _NEVER_COUNTED | self.store.switches.uncounted
        )
        return self.counted and not self.search.quick and (self.within is not None or not uncounted)

    @property
    def _filters_apply(self) -> bool:
        return bool(self.search.where) and not self.store.switches.ignore_where

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
        if not self._filters_apply:
            return Span()
        if not self._ordering.is_keyed:
            return Span(exact=False)
        return Spans(self._filters(), self._ordering.attribute, self._ordering.fold).of(self.search.where)

    def _tests(self) -> list[Test]:
        tests = []
        test = self._filters().test(self.search.where)
        if self._filters_apply and not self._span().exact:
            tests.append(test)
        visible = self.viewer.sees(self.entity)
        if visible is not None:
            tests.append(visible)
        return [*tests, *self._named_filters()]

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
        known = self.store.schema.attributes(self.entity)
        readers = [self.store.records.getter(self.entity, name) for name in self._kind.text if name in known]
        wanted = text.strip("*%").casefold()
        return lambda row: any(str(read(row) or "").casefold().startswith(wanted) for read in readers)

    def _passing(self, ids: Iterable[str], tests: list[Test]) -> Iterator[str]:
        live = self.store.table(self.entity).live
        return (identity for identity in ids if all(test(live[identity]) for test in tests))


def _follow(found: list[str], size: int) -> int:
    return MORE if len(found) > size else NO_MORE
