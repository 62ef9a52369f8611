"""Relating and parting records: what is stored for each kind of link, and what else that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.relations import Columns, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crm_simulator.espocrm.definitions import Link
    from crm_simulator.espocrm.schema import Side
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

PRIMARY = {
    ("Contact", "accountId"): "accounts",
    ("Opportunity", "contactId"): "contacts",
    ("Case", "contactId"): "contacts",
}
"""Attributes that name the first of the records of a many-to-many link."""
COLUMNS = {
    ("Contact", "title"): ("accounts", "role"),
    ("Contact", "accountIsInactive"): ("accounts", "isInactive"),
}
"""Attributes that are columns of the pair with the first record of a link."""
_PARTS = ("Ids", "Columns", "Names", "Types")


class Links:
    """The relations between the records of a store; none of its writes changes a modifiedAt."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._relations: dict[tuple[Side, ...], Relation] = {}

    def related(self, entity: str, identity: str, name: str) -> dict[str, Columns]:
        """Give the live records a record is related to, with the columns of each pair."""
        link = self.link(entity, name)
        found = self._related(entity, identity, link)
        live = self._store.table(link.entity).live if link.entity in self._store.schema.entities else {}
        return {other: dict(columns) for other, columns in found.items() if other in live}

    def relate(self, entity: str, identity: str, name: str, other: str, columns: Columns) -> None:
        """Relate two records."""
        link = self.link(entity, name)
        if self._store.schema.is_many_to_many(link):
            self._pair(entity, identity, link, other, columns)
        else:
            self._point(entity, identity, link, other, identity)

    def unrelate(self, entity: str, identity: str, name: str, other: str) -> None:
        """Part two records."""
        link = self.link(entity, name)
        if self._store.schema.is_many_to_many(link):
            self._part(entity, identity, link, other)
        else:
            self._point(entity, identity, link, other, None)

    def set(self, entity: str, identity: str, links: dict[str, dict[str, Any]]) -> bool:
        """Make link-multiples be what a save says; tells whether any changed."""
        moved = [name for name, parts in links.items() if self._set(entity, identity, name, parts)]
        return bool(moved)

    def follow_primaries(self, entity: str, row: Row, changed: Iterable[str]) -> None:
        """Pair a record with those that its attributes now name as first."""
        for (owner, name), link in PRIMARY.items():
            if owner == entity and name in changed and row.get(name):
                self._pair(entity, row["id"], self._store.schema.entities[entity].links[link], row[name], {})

    def pairs(self, entity: str, link: Link) -> tuple[Relation, bool]:
        """Give the pairs behind a many-to-many link and whether the entity type is their second side."""
        key, backward = self._store.schema.sides(entity, link)
        for side, _ in key:
            self._store.table(side)
        return self._relations.setdefault(key, Relation()), backward

    def seed(self, entity: str, identity: str, name: str, other: str, columns: Columns) -> None:
        """Pair two records while their tables are being filled."""
        key, backward = self._store.schema.sides(entity, self._store.schema.entities[entity].links[name])
        left, right = (other, identity) if backward else (identity, other)
        self._relations.setdefault(key, Relation()).add(left, right, columns)

    def link(self, entity: str, name: str) -> Link:
        """Find a link."""
        link = self._store.schema.link(entity, name)
        if link is None:
            raise KeyError(f"{entity} has no link {name}")
        return link

    def take(self, entity: str, fields: Row) -> dict[str, dict[str, Any]]:
        """Take the parts of link-multiples out of the fields of a save."""
        found: dict[str, dict[str, Any]] = {}
        for (owner, name), (link, column) in COLUMNS.items():
            if owner == entity and name in fields:
                found.setdefault(link, {}).setdefault("First", {})[column] = fields.pop(name)
        for name in list(fields):
            part = next((part for part in _PARTS if name.endswith(part)), None)
            link = name.removesuffix(part) if part else ""
            if part and link and self._store.schema.link(entity, link) is not None:
                found.setdefault(link, {})[part] = fields.pop(name)
        return found

    def _related(self, entity: str, identity: str, link: Link) -> dict[str, Columns]:
        if self._store.schema.is_many_to_many(link):
            pairs, backward = self.pairs(entity, link)
            return pairs.of(identity, backward=backward)
        if link.type in {"belongsTo", "belongsToParent"}:
            other = self._store.row(entity, identity).get(f"{link.name}Id")
            return {other: {}} if other else {}
        table = self._store.table(link.entity)
        found = table.grouped_by(f"{link.foreign}Id").get(identity, [])
        if self._store.schema.is_parental(link):
            found = [other for other in found if _is_parent(table.live[other], entity, link)]
        return {other: {} for other in found}

    def _pair(self, entity: str, identity: str, link: Link, other: str, columns: Columns) -> None:
        pairs, backward = self.pairs(entity, link)
        left, right = (other, identity) if backward else (identity, other)
        known = pairs.of(left, backward=False).get(right, {})
        pairs.add(left, right, known | columns)
        self._put_primary(entity, identity, link.name, (None, other))
        self._put_primary(link.entity, other, link.foreign, (None, identity))
        self._changed(entity, identity, link, other)

    def _part(self, entity: str, identity: str, link: Link, other: str) -> None:
        pairs, backward = self.pairs(entity, link)
        left, right = (other, identity) if backward else (identity, other)
        pairs.remove(left, right)
        self._put_primary(entity, identity, link.name, (other, None))
        self._put_primary(link.entity, other, link.foreign, (identity, None))
        self._changed(entity, identity, link, other)

    def _put_primary(
        self, entity: str, identity: str, link: str, change: tuple[str | None, str | None]
    ) -> None:
        name = _primary(entity, link)
        row = self._store.find(entity, identity)
        if name and row is not None and row.get(name) == change[0]:
            self._store.touch(entity, identity, {name: change[1]})

    def _changed(self, entity: str, identity: str, link: Link, other: str) -> None:
        self._store.records.changed(entity, identity, {})
        if link.entity in self._store.schema.entities:
            self._store.records.changed(link.entity, other, {})

    def _point(self, entity: str, identity: str, link: Link, other: str, value: str | None) -> None:
        if link.type == "belongsTo":
            self._store.touch(entity, identity, {f"{link.name}Id": other if value else None})
            return
        fields: Row = {f"{link.foreign}Id": value}
        if self._store.schema.is_parental(link):
            fields[f"{link.foreign}Type"] = entity if value else None
        self._store.touch(link.entity, other, fields)
        self._changed(entity, identity, link, other)

    def _set(self, entity: str, identity: str, name: str, parts: dict[str, Any]) -> bool:
        before = self.related(entity, identity, name)
        columns = parts.get("Columns") or {}
        wanted = parts.get("Ids")
        wanted = list(before) if wanted is None else wanted
        for other in set(before) - set(wanted):
            self.unrelate(entity, identity, name, other)
        for other in wanted:
            if other not in before or columns.get(other):
                self.relate(entity, identity, name, other, columns.get(other) or {})
        first = self._first(entity, identity, name)
        if first is not None and "First" in parts:
            self.relate(entity, identity, name, first, parts["First"])
        return self.related(entity, identity, name) != before

    def _first(self, entity: str, identity: str, link: str) -> str | None:
        name = _primary(entity, link)
        first = self._store.row(entity, identity).get(name) if name else None
        return str(first) if first else None


def _primary(entity: str, link: str) -> str | None:
    return next((name for (owner, name), via in PRIMARY.items() if (owner, via) == (entity, link)), None)


def _is_parent(row: Row, entity: str, link: Link) -> bool:
    if link.relation == "attachments" and row.get("field") not in {None, link.name}:
        return False
    return bool(row.get(f"{link.foreign}Type") == entity)
