"""Finds the many-to-many links of a server's Metadata, each pair of entity types once; touches no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tap_espocrm.field_types import ANY, FIELD_TYPES, Schema, attribute_name
from tap_espocrm.labels import snake_case

Document = Mapping[str, Any]

#: Notes link to teams, portals and users only to say who may read them.
_ENTITIES_WITHOUT_LINKS = frozenset({"Note"})


@dataclass(frozen=True)
class LinkSide:
    """A link as one of its two entity types sees it."""

    entity: str
    link: str
    is_listed: bool
    """Whether lists give the linked ids (`<link>Ids`); otherwise each record has to be asked."""

    has_columns_attribute: bool
    is_field: bool
    column_attributes: Mapping[str, str]
    """By column: its attribute in a related list read from this side."""

    @property
    def ids(self) -> str:
        """The attribute that holds the linked ids."""
        return attribute_name(self.link, "ids")


@dataclass(frozen=True)
class Link:
    """A many-to-many link: the stream it becomes and the two sides it may be read from."""

    near: LinkSide
    far_entity: str
    columns: Mapping[str, Schema]
    far: LinkSide | None = None

    read_side: LinkSide | None = None

    def unlisted(self) -> Link:
        """Say that no list gives the ids after all."""
        return replace(self, near=replace(self.near, is_listed=False))

    def read_from(self, side: LinkSide) -> Link:
        """Read the pairs from this side's related lists."""
        return replace(self, read_side=side)

    @property
    def stream(self) -> str:
        """Name the stream: `contact__accounts`."""
        return f"{snake_case(self.near.entity)}__{snake_case(self.near.link)}"

    @property
    def keys(self) -> tuple[str, str]:
        """Name the two key columns: `contactId`, `accountId`; of an entity type with itself: `<link>Id`."""
        near, far = _id_name(self.near.entity), _id_name(self.far_entity)
        return near, far if far != near else attribute_name(self.near.link, "id")

    def schema(self) -> Schema:
        """Build the JSON schema of the link's pairs."""
        keys = {key: {"type": "string"} for key in self.keys}
        return {"type": "object", "properties": {**keys, **self.columns}, "required": list(self.keys)}


def find_links(metadata: Document, readable: Iterable[str], acl: Document) -> list[Link]:
    """List the many-to-many links of the readable entity types, sorted by stream name."""
    finder = _Finder(metadata, frozenset(readable) - _ENTITIES_WITHOUT_LINKS, acl)
    return sorted(finder.links(), key=lambda link: link.stream)


class _Finder:
    def __init__(self, metadata: Document, readable: frozenset[str], acl: Document) -> None:
        self.definitions: Document = metadata.get("entityDefs") or {}
        self.readable = readable
        self.rules: Document = acl.get("fieldTable") or {}

    def links(self) -> Iterator[Link]:
        seen: set[tuple[str, str]] = set()
        for entity in sorted(self.readable):
            for name, facts in (self.definitions[entity].get("links") or {}).items():
                if (entity, name) in seen or not self._is_many_to_many(facts):
                    continue
                seen |= {(entity, name), (str(facts.get("entity")), str(facts.get("foreign")))}
                link = self._link(entity, name, facts)
                if link is not None:
                    yield link

    def _link(self, entity: str, name: str, facts: Document) -> Link | None:
        """Choose the side that names the stream and, where its lists give the ids, is read."""
        near, far = self._side(entity, name), self._far_side(facts)
        columns = self._columns(entity, name, facts)
        if far is None:
            return Link(near, str(facts.get("entity")), columns) if near.is_listed else None
        if self._is_hidden(near) or self._is_hidden(far):
            return None
        if _rank(far) > _rank(near):
            near, far = far, near
        return (
            Link(near, far.entity, columns, far) if near.is_listed or self._both_readable(near, far) else None
        )

    def _both_readable(self, near: LinkSide, far: LinkSide) -> bool:
        return {near.entity, far.entity} <= self.readable

    def _is_many_to_many(self, facts: Document) -> bool:
        if (
            facts.get("type") != "hasMany"
            or facts.get("disabled")
            or facts.get("entity") in _ENTITIES_WITHOUT_LINKS
        ):
            return False
        back = self._facts(str(facts.get("entity")), str(facts.get("foreign")))
        return back.get("type") == "hasMany" or ("relationName" in facts and not back)

    def _facts(self, entity: str, link: str) -> Document:
        found: Document = ((self.definitions.get(entity) or {}).get("links") or {}).get(link) or {}
        return found

    def _far_side(self, facts: Document) -> LinkSide | None:
        entity, link = str(facts.get("entity")), str(facts.get("foreign"))
        return self._side(entity, link) if self._facts(entity, link) else None

    def _side(self, entity: str, link: str) -> LinkSide:
        shown = ((self.definitions.get(entity) or {}).get("fields") or {}).get(link) or {}
        facts = self._facts(entity, link)
        back = self._facts(str(facts.get("entity")), str(facts.get("foreign")))
        return LinkSide(
            entity=entity,
            link=link,
            is_listed=entity in self.readable
            and shown.get("type") == "linkMultiple"
            and not shown.get("noLoad")
            and not self._rule(entity, link),
            has_columns_attribute=bool(shown.get("columns")),
            is_field=bool(shown),
            column_attributes=back.get("columnAttributeMap") or {},
        )

    def _is_hidden(self, side: LinkSide) -> bool:
        return self._rule(side.entity, side.link)

    def _rule(self, entity: str, link: str) -> bool:
        rule = (self.rules.get(entity) or {}).get(link) or {}
        return bool(rule.get("read") == "no")

    def _columns(self, entity: str, name: str, facts: Document) -> dict[str, Schema]:
        """Give the schema of the relation's own columns, wherever of the two sides declares them."""
        back = self._facts(str(facts.get("entity")), str(facts.get("foreign")))
        declared = {**(back.get("additionalColumns") or {}), **(facts.get("additionalColumns") or {})}
        shown: set[str] = set()
        for side in (self._side(entity, name), self._far_side(facts)):
            if side is not None:
                shown |= set(side.column_attributes)
                shown |= set(self._shown_columns(side)) if side.is_listed else set()
        named = {**self._named_columns(entity, facts), **self._named_columns(str(facts.get("entity")), back)}
        return {column: _column_schema(declared.get(column) or named.get(column)) for column in sorted(shown)}

    def _named_columns(self, entity: str, facts: Document) -> dict[str, Document]:
        """Find the field that a side of the link declares for each column."""
        fields: Document = (self.definitions.get(entity) or {}).get("fields") or {}
        names: Document = facts.get("columnAttributeMap") or {}
        return {column: fields[name] for column, name in names.items() if name in fields}

    def _shown_columns(self, side: LinkSide) -> Iterable[str]:
        fields = (self.definitions.get(side.entity) or {}).get("fields") or {}
        return (fields.get(side.link) or {}).get("columns") or ()


def _rank(side: LinkSide) -> tuple[bool, bool, bool, str]:
    # A field that is not loaded (`noLoad`) stands on the side with many: the other names the stream.
    return (
        side.is_listed,
        side.has_columns_attribute,
        side.is_listed or not side.is_field,
        _reverse(side.entity),
    )


def _reverse(text: str) -> str:
    """Make later letters rank lower: of two equal sides the alphabetically first names the stream."""
    return "".join(chr(0x10FFFF - ord(c)) for c in text)


def _id_name(entity: str) -> str:
    return entity[:1].lower() + entity[1:] + "Id"


def _column_schema(declared: Document | None) -> Schema:
    known = FIELD_TYPES.get(str(declared.get("type"))) if declared else None
    return known.parts[""] if known and "" in known.parts else ANY
