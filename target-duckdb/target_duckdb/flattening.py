"""Flattening as the Singer SDK defines it, but rules and values that are not taken apart stay as they came.

The SDK knows few spellings of a rule: others it drops, breaks on or takes for texts, also where a stream map
names the property, and of arrays it makes texts. So it sees rules concealed, and values not at all.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain, count
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from singer_sdk.helpers._flattening import flatten_key

from target_duckdb.exactjson import encoded
from target_duckdb.references import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.helpers._flattening import FlatteningOptions

Rule: TypeAlias = Any  # a schema, or what somebody sent in place of one
KEPT = "x-kept"
"""What holds a rule in the plain one that goes in its place."""
REFERS = frozenset({"$ref", "allOf"})
JSON_TEXT = {"type": ["string", "null"]}
"""The rule of an object at `flattening_max_depth`."""
OBJECTS = ("object", ["object"], ["object", "null"], ["null", "object"])


def conceal(schema: dict[str, Any], *, is_flattening: bool) -> dict[str, Any]:
    """Return a schema that shows only those objects which are taken apart."""
    whole = resolve(schema, schema) if REFERS & schema.keys() else schema
    return _concealed(whole, whole, is_flattening=is_flattening)


def _concealed(schema: dict[str, Any], root: dict[str, Any], *, is_flattening: bool) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        properties = {}  # a stream map may bring some
    return schema | {
        "properties": {
            name: _concealed(rule, root, is_flattening=True)
            if is_flattening and _is_object(rule)
            else {"type": "string", KEPT: _whole(rule, root)}
            for name, rule in properties.items()
        }
    }


def _is_object(rule: Rule) -> bool:
    """Return whether a rule is that of an object, or null, with properties."""
    if not isinstance(rule, dict) or not isinstance(rule.get("properties"), dict):
        return False
    return bool(rule["properties"]) and rule.get("type") in OBJECTS


def _whole(rule: Rule, root: dict[str, Any]) -> Rule:
    """Return a rule that refers to nothing: what it refers to may be flattened or left out."""
    # the text has a reference at any depth; to resolve a rule without one would only spell it otherwise
    return resolve(rule, root) if "'$ref'" in str(rule) else rule


def reveal(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what the SDK made of a schema with the rules as they came."""
    if "properties" not in schema:
        return schema
    return schema | {"properties": {name: _revealed(rule) for name, rule in schema["properties"].items()}}


def _revealed(rule: dict[str, Any]) -> Rule:
    if KEPT not in rule:
        return reveal(rule)  # an object, or what a stream map has made
    return _nullable(rule[KEPT]) if "null" in rule["type"] else rule[KEPT]


def _nullable(rule: Rule) -> Rule:
    """Return a rule that permits null, too, as a stream map wants it for whatever it computes."""
    words = {name: rule[name] for name in ("title", "description") if isinstance(rule, dict) and name in rule}
    return {**words, "anyOf": [rule, {"type": "null"}]}


class Member(NamedTuple):
    """What becomes of a declared property: a column, or if its members are taken apart those of them."""

    column: str
    rule: Rule
    members: dict[str, Member] | None = None

    def columns(self) -> Iterator[tuple[str, Rule]]:
        """Yield the names and rules of the columns that come of it."""
        if self.members is None:
            yield self.column, self.rule
        for member in (self.members or {}).values():
            yield from member.columns()


class Flattener:
    """Takes the objects of a stream's records apart; what is declared gives way to nothing else."""

    def __init__(self, schema: Mapping[str, Rule], options: FlatteningOptions) -> None:
        """Take a schema as the SDK mapped it, its rules still concealed."""
        self._options = options
        self._members = self._declared(schema, ())
        columns = [column for member in self._members.values() for column in member.columns()]
        self.properties = dict(columns)
        if len(columns) > len(self.properties):
            [(name, _), *_] = Counter(name for name, _ in columns).most_common(1)
            raise ValueError(f"two of its properties become {name!r}: set another flattening_separator")

    def _declared(self, schema: Mapping[str, Rule], parents: tuple[str, ...]) -> dict[str, Member]:
        found = {}
        for name, rule in schema["properties"].items():
            column, members = self._key(name, parents), None
            is_apart = KEPT not in rule and _is_object(rule)
            if is_apart and len(parents) < self._options.max_level:
                members = self._declared(rule, (*parents, name))
            found[name] = Member(column, JSON_TEXT if is_apart else _revealed(rule), members)
        return found

    def _key(self, name: str, parents: tuple[str, ...]) -> str:
        options = self._options
        return flatten_key(name, [*parents], options.separator, max_key_length=options.max_key_length)

    def flatten(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record with the members of objects in their place, and what no rule knows behind them."""
        flat: dict[str, Any] = {}
        strays = list(self._take(record, self._members, (), flat))
        for key, value in strays:
            flat[self._free(key, flat)] = value
        return flat

    def _free(self, key: str, flat: Mapping[str, Any]) -> str:
        names = chain([key], (f"{key}_{number}" for number in count(1)))
        return next(name for name in names if name not in flat and name not in self.properties)

    def _take(
        self,
        record: Mapping[str, Any],
        members: Mapping[str, Member],
        parents: tuple[str, ...],
        flat: dict[str, Any],
    ) -> Iterator[tuple[str, Any]]:
        """Put what is declared in its place, and yield the rest under its flat name."""
        for name, value in record.items():
            member = members.get(name)
            if member is None:
                yield self._key(name, parents), value
            elif member.members is None:
                is_text = member.rule is JSON_TEXT and isinstance(value, dict)
                flat[member.column] = encoded(value).decode() if is_text else value
            elif isinstance(value, dict):
                yield from self._take(value, member.members, (*parents, name), flat)
            else:
                yield member.column, value
