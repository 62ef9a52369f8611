"""The entity types of one CRM, which administrators may change while it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crm_simulator.espocrm.attributes import attributes_of
from crm_simulator.espocrm.definitions import Entity, Link, entities, parse_field
from crm_simulator.espocrm.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crm_simulator.espocrm.attributes import Attribute

Side = tuple[str, str]
"""An entity type and the name of its link."""


class Schema:
    """Entity types, their attributes and links."""

    def __init__(self) -> None:
        self.entities: dict[str, Entity] = dict(entities())
        self.options: dict[tuple[str, str], tuple[object, ...]] = dict(OPTIONS)
        self.on_change: list[Callable[[], None]] = []

    def add_field(self, entity: str, token: str, options: Sequence[object] = ()) -> None:
        """Add a field, or give one another type: `cScore:int@` (see definitions.py)."""
        field = parse_field(token)
        known = self.entities[entity]
        self.entities[entity] = replace(known, fields={**known.fields, field.name: field})
        if options:
            self.options[entity, field.name] = tuple(options)
        self._changed()

    def remove_field(self, entity: str, name: str) -> None:
        """Take a field away; what rows hold of it is shown no more."""
        known = self.entities[entity]
        fields = {key: field for key, field in known.fields.items() if key != name}
        self.entities[entity] = replace(known, fields=fields)
        self._changed()

    def attributes(self, entity: str) -> dict[str, Attribute]:
        """Give the attributes of an entity type by name."""
        return attributes_of(self.entities[entity])

    def shown(self, entity: str, presences: set[str]) -> tuple[str, ...]:
        """Name the attributes with one of these presences."""
        known = self.attributes(entity).items()
        return tuple(name for name, attribute in known if attribute.presence in presences)

    def link(self, entity: str, name: str) -> Link | None:
        """Find a link of an entity type; the attachments of a field count as one."""
        known = self.entities[entity]
        if name in known.links:
            return known.links[name]
        field = known.fields.get(name)
        if field is not None and field.type == "attachmentMultiple":
            return Link(name, "hasChildren", "Attachment", "parent", "attachments")
        return None

    def is_many_to_many(self, link: Link) -> bool:
        """Tell whether the pairs of a link are rows of a table of their own."""
        return link.type == "hasMany" and self.foreign_type(link) in {"hasMany", ""}

    def is_parental(self, link: Link) -> bool:
        """Tell whether a link leads to records that name their parent with its type."""
        return link.type == "hasChildren" or self.foreign_type(link) == "belongsToParent"

    def foreign_type(self, link: Link) -> str:
        """Give the type of the link that leads back, empty if there is none."""
        other = self.entities.get(link.entity)
        back = other.links.get(link.foreign) if other else None
        return back.type if back else ""

    def sides(self, entity: str, link: Link) -> tuple[tuple[Side, ...], bool]:
        """Name a relation the same from both sides; also tells whether this is its second side."""
        here = (entity, link.name)
        if self.foreign_type(link) != "hasMany":
            return (here,), False
        there = (link.entity, link.foreign)
        return ((here, there), False) if here <= there else ((there, here), True)

    def _changed(self) -> None:
        for react in self.on_change:
            react()
