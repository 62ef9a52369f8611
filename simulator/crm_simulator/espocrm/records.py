"""From stored rows to what the API shows: names of related records, converted money, link-multiples, JSON."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.attributes import Attribute, attributes
from crm_simulator.espocrm.computed import COMPUTED, MAKERS
from crm_simulator.espocrm.definitions import entities
from crm_simulator.espocrm.relations import link_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

    Getter = Callable[[Row], Any]

_NAMES = frozenset({"name", "firstName", "middleName", "lastName", "userName"})
_MOST_CACHED = 150_000


class Records:
    """Shows rows; keeps the JSON of rows that were shown until something in it may have changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._getters: dict[tuple[str, str], Getter] = {}
        self._pages: dict[tuple[str, tuple[str, ...], int], dict[str, bytes]] = {}
        self._cached = 0

    def getter(self, entity: str, name: str) -> Getter:
        """Give the function that reads one attribute from a row of an entity type."""
        key = (entity, name)
        if key not in self._getters:
            self._getters[key] = self._make(entity, attributes(entity)[name])
        return self._getters[key]

    def show(self, entity: str, row: Row, names: Iterable[str]) -> Row:
        """Show some attributes of a row."""
        return {name: self.getter(entity, name)(row) for name in names}

    def whole(self, entity: str, row: Row) -> Row:
        """Show every attribute that a list can give."""
        return self.show(entity, row, shown(entity, {"list", "select"}))

    def page(self, entity: str, ids: Iterable[str], names: tuple[str, ...], cut: int) -> bytes:
        """Write rows as the inside of a JSON array.

        `cut` is the longest text, 0 for any; a name that begins with `=` is an attribute written as null.
        """
        known = self._pages.setdefault((entity, names, cut), {})
        columns = [(name.removeprefix("="), self._column(entity, name)) for name in names]
        live = self._store.table(entity).live
        written = []
        for identity in ids:
            text = known.get(identity)
            if text is None:
                text = known[identity] = _write(entity, live[identity], columns, cut)
                self._cached += 1
            written.append(text)
        if self._cached > _MOST_CACHED:
            self.forget()
        return b",".join(written)

    def _column(self, entity: str, name: str) -> Getter:
        return _null if name.startswith("=") else self.getter(entity, name)

    def forget(self) -> None:
        """Forget all written rows."""
        self._pages.clear()
        self._cached = 0

    def created(self, entity: str) -> None:
        """Take note that rows came in: link-multiples that may hold them have changed."""
        for other in _dependents()[entity][1]:
            self._forget_entity(other)

    def changed(self, entity: str, identity: str, changes: Iterable[str]) -> None:
        """Take note that attributes of a row changed, or what it is related to (no changes of its own)."""
        for (owner, _, _), known in self._pages.items():
            if owner == entity:
                known.pop(identity, None)
        changed = set(changes)
        showing, holding = _dependents()[entity]
        if changed & _sources():
            others = showing
        else:
            others = holding if any(name.endswith("Id") for name in changed) else frozenset()
        for other in others:
            self._forget_entity(other)

    def _forget_entity(self, entity: str) -> None:
        for (owner, _, _), known in self._pages.items():
            if owner == entity:
                known.clear()

    def _make(self, entity: str, attribute: Attribute) -> Getter:
        special = COMPUTED.get((entity, attribute.name))
        if special is not None:
            return lambda row: special(self._store, row)
        if attribute.kind == "stored":
            return _stored(attribute)
        maker = MAKERS[attribute.kind]
        return lambda row: maker(self._store, entity, attribute, row)


def shown(entity: str, presences: set[str]) -> tuple[str, ...]:
    """Name the attributes with one of these presences."""
    return tuple(name for name, attribute in attributes(entity).items() if attribute.presence in presences)


def _null(_row: Row) -> None:
    return None


def _write(entity: str, row: Row, columns: list[tuple[str, Getter]], cut: int) -> bytes:
    shown_row = {name: read(row) for name, read in columns}
    if cut:
        _cut(entity, shown_row, cut)
    return json.dumps(shown_row, separators=(",", ":")).encode("ascii")


def _stored(attribute: Attribute) -> Getter:
    name = attribute.name
    if attribute.type == "bool":
        return lambda row: row.get(name, False)
    return lambda row: row.get(name)


def _cut(entity: str, row: Row, cut: int) -> None:
    known = attributes(entity)
    for name, value in row.items():
        if isinstance(value, str) and len(value) > cut and known[name].field.type in {"text", "wysiwyg"}:
            row[name] = value[:cut]


@cache
def _dependents() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Name, by entity type, the types that may show its names and those whose link-multiples may hold it."""
    return {name: (frozenset(_that_show(name)), frozenset(_that_hold(name))) for name in entities()}


def _that_show(entity: str) -> Iterator[str]:
    for name, other in entities().items():
        parental = any(field.type == "linkParent" for field in other.fields.values())
        if parental or any(link.entity == entity for link in other.links.values()):
            yield name


def _that_hold(entity: str) -> Iterator[str]:
    for name in entities():
        fields = (attribute.field.name for attribute in attributes(name).values() if attribute.kind == "link_ids")
        links = (link_of(name, field) for field in fields)
        if any(link is not None and link.entity == entity for link in links):
            yield name


@cache
def _sources() -> frozenset[str]:
    fields = (field for entity in entities().values() for field in entity.fields.values())
    return _NAMES | {field.source[1] for field in fields if field.source}
