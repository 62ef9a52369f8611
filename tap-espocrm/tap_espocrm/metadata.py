"""Turns EspoCRM's Metadata, access table and labels into entities with a schema; touches no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tap_espocrm.field_types import (
    ANY,
    BOOLEAN,
    CREDENTIALS,
    DECIMAL,
    FIELD_TYPES,
    INTEGER,
    NUMBER,
    OBJECT,
    TEXT,
    TEXTS,
    FieldType,
    Schema,
    attribute_name,
)
from tap_espocrm.labels import Labels, snake_case

Document = Mapping[str, Any]

#: Types of notStorable fields that no list fills: they hang on a link or on the single read.
_UNLISTED_TYPES = frozenset({"link", "linkParent", "text", "password"})
_SINGLE_READ_TYPES = frozenset({"jsonArray", "jsonObject", "datetime", "datetimeOptional"})
_CURRENCIES = frozenset({"currency", "rangeCurrency"})


@dataclass(frozen=True)
class Attribute:
    """One attribute of a record: what its value may be, and where EspoCRM delivers it."""

    name: str
    field_name: str
    schema: Schema
    is_cut_in_lists: bool = False
    is_only_in_single_reads: bool = False
    is_companion: bool = False
    """Whether the others of its field come only beside it."""


@dataclass(frozen=True)
class Entity:
    """An entity type as a stream: its attributes, how it is replicated and what was left out."""

    name: str
    stream: str
    title: str
    attributes: tuple[Attribute, ...]
    hidden_fields: tuple[str, ...] = ()
    unknown_types: Mapping[str, str] = field(default_factory=dict)
    password_fields: tuple[str, ...] = ()
    has_stream: bool = False
    is_ordered_by_stamp: bool = True

    @property
    def replication_key(self) -> str | None:
        """`modifiedAt`, where the entity has it, the role shows it and lists can be ordered by it."""
        has_stamp = any(
            a.name == "modifiedAt" and a.schema.get("format") == "date-time" for a in self.attributes
        )
        return "modifiedAt" if has_stamp and self.is_ordered_by_stamp else None

    def without_stamp(self) -> Entity:
        """Read the entity whole every time, by id."""
        return replace(self, is_ordered_by_stamp=False)

    @property
    def cut_attributes(self) -> frozenset[str]:
        """The long texts, which EspoCRM cuts in lists with a `select`."""
        return frozenset(a.name for a in self.attributes if a.is_cut_in_lists)

    @property
    def single_read_attributes(self) -> frozenset[str]:
        """What only `GET {Entity}/{id}` gives."""
        return frozenset(a.name for a in self.attributes if a.is_only_in_single_reads)

    def in_lists(self, selected: Iterable[str]) -> list[tuple[str, ...]]:
        """Group what to select in lists by field; the name of any linked record needs id and type."""
        wanted = set(selected) - self.single_read_attributes
        groups: dict[str, list[Attribute]] = {}
        for attribute in self.attributes:
            groups.setdefault(attribute.field_name, []).append(attribute)
        return [
            tuple(a.name for a in group if a.name in wanted or a.is_companion)
            for group in groups.values()
            if any(a.name in wanted for a in group)
        ]

    def schema(self, *, full_records: bool) -> Schema:
        """Build the JSON schema of the entity's records."""
        listed = (a for a in self.attributes if full_records or not a.is_only_in_single_reads)
        return {
            "type": "object",
            "title": self.title,
            "properties": {a.name: a.schema for a in listed},
            "required": ["id"],
        }


def candidates(metadata: Document, acl: Document, *, is_admin: bool) -> list[str]:
    """Name the entity types that exist, are switched on and may be read, by the access table."""
    table = acl.get("table") or {}
    definitions = metadata.get("entityDefs") or {}
    return sorted(
        name
        for name, scope in _objects(metadata.get("scopes")).items()
        if scope.get("entity")
        and not scope.get("disabled")
        and name in definitions
        and may_read(table.get(name, is_admin))
    )


def may_read(access: object) -> bool:
    """Read one line of the access table: true, or an object whose `read` is not `no`."""
    return access.get("read", "no") != "no" if isinstance(access, Mapping) else access is True


def build_entity(name: str, metadata: Document, acl: Document, labels: Document) -> Entity:
    """Describe one entity type from the documents of a server."""
    return _Builder(name, metadata, acl, labels).build()


class _Builder:
    """Walks over the fields of one entity type and collects its attributes."""

    def __init__(self, name: str, metadata: Document, acl: Document, labels: Document) -> None:
        self.name = name
        self.metadata = metadata
        self.definition: Document = metadata["entityDefs"][name] or {}
        self.fields = _objects(self.definition.get("fields"))
        self.links = _objects(self.definition.get("links"))
        self.scope = _objects(metadata.get("scopes")).get(name) or {}
        self.labels = Labels(name, labels)
        rules = (acl.get("fieldTable") or {}).get(name) or {}
        self.hidden = {f for f, rule in rules.items() if rule.get("read") == "no" and f in self.fields}
        self.context_only = _link_columns(self.links)
        self.unknown: dict[str, str] = {}

    def build(self) -> Entity:
        # The converted amount is a field of its own: it comes even where the role hides the amount.
        hidden = {a.name for f in self.hidden for a in self._field(f) if a.name != f"{f}Converted"}
        found: dict[str, Attribute] = {}
        for source in (self._fixed, self._stored, self._undeclared):
            for attribute in source():
                if attribute.name not in hidden:
                    found.setdefault(attribute.name, attribute)
        return Entity(
            name=self.name,
            stream=snake_case(self.name),
            title=self.labels.entity,
            attributes=tuple(found.values()),
            hidden_fields=tuple(sorted(self.hidden)),
            unknown_types=self.unknown,
            password_fields=tuple(
                f for f, d in self.fields.items() if d.get("type") == "password" and f in found
            ),
            has_stream=bool(self.scope.get("stream")),
        )

    def _fixed(self) -> Iterator[Attribute]:
        yield Attribute("id", "id", {"type": "string", "title": "Id"})
        yield Attribute("deleted", "deleted", {**BOOLEAN, "title": "Deleted"})

    def _stored(self) -> Iterator[Attribute]:
        whole = [f for f in self.fields if self._type(f).parts.keys() == {""}]
        # A part such as `billingAddressStreet` may be declared on its own: its own declaration knows more.
        for name in [*whole, *(f for f in self.fields if f not in set(whole))]:
            if name not in self.hidden and not self._is_left_out(name):
                yield from self._field(name)

    def _undeclared(self) -> Iterator[Attribute]:
        """What comes although no field declares it."""
        if self.definition.get("optimisticConcurrencyControl"):
            yield Attribute("versionNumber", "versionNumber", {**INTEGER, "title": "Version Number"})
        if self.scope.get("stars"):
            yield Attribute("isStarred", "isStarred", {**BOOLEAN, "title": "Is Starred"})
        if self.scope.get("stream"):
            for name, schema in (
                ("isFollowed", BOOLEAN),
                ("followersIds", TEXTS),
                ("followersNames", OBJECT),
            ):
                yield Attribute(name, name, schema, is_only_in_single_reads=True)
        for link, facts in self.links.items():
            if link not in self.fields:
                yield from _undeclared_link(link, facts)

    def _type(self, name: str) -> FieldType:
        declared = self.fields[name].get("type", "varchar")
        if declared in FIELD_TYPES:
            return FIELD_TYPES[declared]
        if declared == "foreign":
            return FieldType({"": self._foreign(self.fields[name])})
        return self._unknown_type(name, declared)

    def _unknown_type(self, name: str, declared: str) -> FieldType:
        self.unknown[name] = declared
        facts = (self.metadata.get("fields") or {}).get(declared) or {}
        parts = [*(facts.get("actualFields") or []), *(facts.get("notActualFields") or [])] or [""]
        return FieldType(dict.fromkeys(parts, ANY), is_prefixed=facts.get("naming") == "prefix")

    def _foreign(self, facts: Document) -> Schema:
        """Give the schema of the field that a `foreign` field looks at."""
        entity = (self.links.get(facts.get("link", "")) or {}).get("entity", "")
        seen = _objects((self.metadata["entityDefs"].get(entity) or {}).get("fields"))
        target = seen.get(facts.get("field", "")) or {}
        known = FIELD_TYPES.get(target.get("type", ""))
        if known is None or "" not in known.parts:
            return ANY
        return _money(target) if target.get("type") in _CURRENCIES else known.parts[""]

    def _is_left_out(self, name: str) -> bool:
        facts = self.fields[name]
        if facts.get("internal") or name in CREDENTIALS.get(self.name, ()):
            return True
        if facts.get("type") == "password" and not facts.get("isCustom"):
            return True
        if facts.get("notStorable"):
            return self._is_unlisted(name, facts)
        return bool(facts.get("noLoad")) and facts.get("type") == "linkMultiple"

    def _is_unlisted(self, name: str, facts: Document) -> bool:
        """Tell of a field without a column whether it exists only beside a link, or nowhere."""
        if facts.get("select") or facts.get("loaderClassName") or facts.get("type") in _SINGLE_READ_TYPES:
            return False
        return (
            bool(facts.get("utility"))
            or facts.get("type") in _UNLISTED_TYPES
            or name in self.context_only
            or (facts.get("type") != "foreign" and "link" in facts)
        )

    def _field(self, name: str) -> Iterator[Attribute]:
        facts = self.fields[name]
        known = self._type(name)
        is_single = bool(facts.get("notStorable")) and facts.get("type") in _SINGLE_READ_TYPES
        for part, base in self._parts(facts, known):
            schema = {**base, **self.labels.of(name, part, facts)}
            if known.is_varchar and isinstance(facts.get("maxLength"), int):
                schema["maxLength"] = facts["maxLength"]
            yield Attribute(
                attribute_name(name, part, is_prefixed=known.is_prefixed),
                name,
                schema,
                is_cut_in_lists=known.is_cut_in_lists and facts.get("dbType") != "varchar",
                is_only_in_single_reads=is_single or part in known.only_in_single_reads,
                is_companion=facts.get("type") == "linkParent" and part in {"id", "type"},
            )

    def _parts(self, facts: Document, known: FieldType) -> Iterator[tuple[str, Schema]]:
        is_money = facts.get("type") in _CURRENCIES
        for part, schema in known.parts.items():
            yield part, _money(facts) if is_money and part != "currency" else schema
        if facts.get("type") == "currency" and not facts.get("notStorable"):
            yield "converted", NUMBER
        if facts.get("columns"):
            yield "columns", OBJECT


def _money(facts: Document) -> Schema:
    return DECIMAL if facts.get("decimal") else NUMBER


def _link_columns(links: Document) -> frozenset[str]:
    """Name the attributes that a record has only as a member of a related list (`accountRole`)."""
    return frozenset(
        name for facts in links.values() for name in (facts.get("columnAttributeMap") or {}).values()
    )


def _undeclared_link(link: str, facts: Document) -> Iterator[Attribute]:
    parts: tuple[str, ...] = ()
    if facts.get("type") == "belongsTo" and not facts.get("utility"):
        parts = ("id",) if facts.get("noForeignName") else ("id", "name")
    elif facts.get("type") == "belongsToParent":
        parts = ("id", "type")
    for part in parts:
        yield Attribute(attribute_name(link, part), link, TEXT)


def _objects(found: object) -> dict[str, Document]:
    """Keep the objects of an object: PHP writes an empty one as an array."""
    items = found.items() if isinstance(found, Mapping) else ()
    return {key: value for key, value in items if isinstance(value, Mapping)}
