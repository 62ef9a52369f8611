"""Many-to-many relations: pairs of ids with columns, seen from both sides."""

from __future__ import annotations

from typing import Any

from crm_simulator.espocrm.definitions import Link, entities

Columns = dict[str, Any]
Side = tuple[str, str]
"""An entity type and the name of its link."""


class Relation:
    """The pairs of one relation."""

    def __init__(self) -> None:
        self._forward: dict[str, dict[str, Columns]] = {}
        self._backward: dict[str, dict[str, Columns]] = {}

    def add(self, left: str, right: str, columns: Columns) -> None:
        """Pair two ids; the columns are one object for both sides."""
        self._forward.setdefault(left, {})[right] = columns
        self._backward.setdefault(right, {})[left] = columns

    def remove(self, left: str, right: str) -> bool:
        """Part two ids; tells whether they were a pair."""
        self._backward.get(right, {}).pop(left, None)
        return self._forward.get(left, {}).pop(right, None) is not None

    def of(self, identity: str, *, backward: bool) -> dict[str, Columns]:
        """Give the other ids an id is paired with."""
        return (self._backward if backward else self._forward).get(identity, {})


def link_of(entity_type: str, name: str) -> Link | None:
    """Find a link of an entity type; attachments of a field count as one."""
    entity = entities()[entity_type]
    if name in entity.links:
        return entity.links[name]
    field = entity.fields.get(name)
    if field is not None and field.type == "attachmentMultiple":
        return Link(name, "hasChildren", "Attachment", "parent", "attachments")
    return None


def is_many_to_many(link: Link) -> bool:
    """Tell whether the pairs of a link are rows of a table of their own."""
    if link.type != "hasMany":
        return False
    return foreign_type(link) in {"hasMany", ""}


def foreign_type(link: Link) -> str:
    """Give the type of the link that leads back, empty if there is none."""
    other = entities().get(link.entity)
    back = other.links.get(link.foreign) if other else None
    return back.type if back else ""


def sides(entity_type: str, link: Link) -> tuple[tuple[Side, ...], bool]:
    """Name a relation the same from both sides; also tells whether this is its second side."""
    here = (entity_type, link.name)
    if foreign_type(link) != "hasMany":
        return (here,), False
    there = (link.entity, link.foreign)
    return ((here, there), False) if here <= there else ((there, here), True)
