"""From stored rows to what the API shows: names of related records, converted money, link-multiples, JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.computed import COMPUTED, MAKERS, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crm_simulator.espocrm.attributes import Attribute
    from crm_simulator.espocrm.schema import Schema
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

    Getter = Callable[[Row], Any]

_NAMES = frozenset({"name", "firstName", "middleName", "lastName", "userName"})
_MOST_KEPT = 250_000_000
"""How many bytes of written rows are kept."""
_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Records:
    """Shows rows; keeps the JSON of rows that were shown until something in it may have changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._getters: dict[tuple[str, str], Getter] = {}
        self._pages: dict[tuple[str, tuple[str, ...], int], dict[str, bytes]] = {}
        self._names: dict[tuple[str, object], str | None] = {}
        self._kept = 0
        self._dependents: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        self._sources: set[str] = set()

    def getter(self, entity: str, name: str) -> Getter:
        """Give the function that reads one attribute from a row of an entity type."""
        key = (entity, name)
        if key not in self._getters:
            self._getters[key] = self._make(entity, self._store.schema.attributes(entity)[name])
        return self._getters[key]

    def show(self, entity: str, row: Row, names: Iterable[str]) -> Row:
        """Show some attributes of a row."""
        return {name: self.getter(entity, name)(row) for name in names}

    def whole(self, entity: str, row: Row) -> Row:
        """Show every attribute that a list can give."""
        return self.show(entity, row, self._store.schema.shown(entity, {"list", "listing", "select"}))

    def name_of(self, entity: str, identity: object) -> str | None:
        """Give the name by which other records show one; it is kept until names change."""
        key = (entity, identity)
        if key not in self._names:
            self._names[key] = name_of(self._store, entity, identity)
        return self._names[key]

    def page(self, entity: str, ids: Iterable[str], names: tuple[str, ...], cut: int) -> bytes:
        """Write rows as the inside of a JSON array.

        `cut` is the longest text, 0 for any; a name that begins with `=` is an attribute written as null.
        """
        known = self._pages.setdefault((entity, names, cut), {})
        pen: _Pen | None = None
        live = self._store.table(entity).live
        written = []
        for identity in ids:
            text = known.get(identity)
            if text is None:
                pen = pen or self._pen(entity, names, cut)
                text = known[identity] = pen.write(live[identity])
                self._kept += len(text)
            written.append(text)
        if self._kept > _MOST_KEPT:
            self.forget()
        return b",".join(written)

    def _pen(self, entity: str, names: tuple[str, ...], cut: int) -> _Pen:
        known = self._store.schema.attributes(entity)
        plain = [name for name in names if not name.startswith("=") and self._is_stored(entity, name)]
        blank = {
            name.removeprefix("="): False if name in plain and known[name].type == "bool" else None
            for name in names
        }
        made = [
            (name, self.getter(entity, name))
            for name in names
            if not name.startswith("=") and name not in plain
        ]
        texts = [
            name for name in names if cut and name in plain and known[name].field.type in {"text", "wysiwyg"}
        ]
        return _Pen(blank, frozenset(plain), made, texts, cut)

    def _is_stored(self, entity: str, name: str) -> bool:
        return self._store.schema.attributes(entity)[name].kind == "stored" and (entity, name) not in COMPUTED

    def forget(self) -> None:
        """Forget all written rows."""
        self._pages.clear()
        self._names.clear()
        self._kept = 0

    def created(self, entity: str) -> None:
        """Take note that rows came in: link-multiples that may hold them have changed."""
        self._names.clear()
        for other in self._others(entity)[1]:
            self._forget_entity(other)

    def changed(self, entity: str, identity: str, changes: Iterable[str]) -> None:
        """Take note that attributes of a row changed, or what it is related to (no changes of its own)."""
        for (owner, _, _), known in self._pages.items():
            if owner == entity:
                known.pop(identity, None)
        changed = set(changes)
        showing, holding = self._others(entity)
        if self._is_shown_elsewhere(changed):
            others = showing
            self._names.clear()
        else:
            others = holding if any(name.endswith("Id") for name in changed) else frozenset()
        for other in others:
            self._forget_entity(other)

    def forget_schema(self) -> None:
        """Forget all that followed from the entity types as they were."""
        self.forget()
        self._getters.clear()
        self._dependents.clear()
        self._sources.clear()

    def _others(self, entity: str) -> tuple[frozenset[str], frozenset[str]]:
        """Name the entity types that may show a type's names, and those whose link-multiples may hold it."""
        if entity not in self._dependents:
            schema = self._store.schema
            showing = (name for name in schema.entities if shows(schema, name, entity))
            holding = (name for name in schema.entities if holds(schema, name, entity))
            self._dependents[entity] = (frozenset(showing), frozenset(holding))
        return self._dependents[entity]

    def _is_shown_elsewhere(self, changed: set[str]) -> bool:
        """Tell whether one of these attributes shows in rows of other types."""
        if not self._sources:
            fields = (
                field for entity in self._store.schema.entities.values() for field in entity.fields.values()
            )
            self._sources |= _NAMES | {field.source[1] for field in fields if field.source}
        return not self._sources.isdisjoint(changed)

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
        return MAKERS[attribute.kind](self._store, entity, attribute)


@dataclass(frozen=True)
class _Pen:
    """Writes rows of one entity type with one choice of attributes."""

    blank: Row
    plain: frozenset[str]
    made: list[tuple[str, Getter]]
    texts: list[str]
    cut: int

    def write(self, row: Row) -> bytes:
        shown_row = self.blank.copy()
        plain = self.plain
        for name, value in row.items():
            if name in plain:
                shown_row[name] = value
        for name, read in self.made:
            shown_row[name] = read(row)
        for name in self.texts:
            value = shown_row[name]
            if isinstance(value, str) and len(value) > self.cut:
                shown_row[name] = value[: self.cut]
        return _ENCODER.encode(shown_row).encode("ascii")


def _stored(attribute: Attribute) -> Getter:
    name = attribute.name
    if attribute.type == "bool":
        return lambda row: row.get(name, False)
    return lambda row: row.get(name)


def shows(schema: Schema, entity: str, other: str) -> bool:
    """Tell whether records of a type may show the names of another's."""
    known = schema.entities[entity]
    parental = any(field.type == "linkParent" for field in known.fields.values())
    return parental or any(link.entity == other for link in known.links.values())


def holds(schema: Schema, entity: str, other: str) -> bool:
    """Tell whether records of a type may list those of another."""
    kinds = {"link_ids", "one_id"}
    fields = (each.field.name for each in schema.attributes(entity).values() if each.kind in kinds)
    links = (schema.link(entity, field) for field in fields)
    return any(link is not None and link.entity == other for link in links)
