"""Flattening as the Singer SDK defines it, but rules and values that are not taken apart stay as they came.

The SDK knows few spellings of a rule: others it drops, breaks on or takes for texts, also where a stream map
names the property, and of arrays it makes texts. So it sees rules concealed, and values not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

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
OBJECTS = ("object", ["object"], ["object", "null"], ["null", "object"])


def conceal(schema: dict[str, Any], *, is_flattening: bool) -> dict[str, Any]:
    """Return a schema in which only the objects are to be seen that are taken apart."""
    whole = resolve(schema, schema) if REFERS & schema.keys() else schema
    return _concealed(whole, whole, is_flattening=is_flattening)


def _concealed(schema: dict[str, Any], root: dict[str, Any], *, is_flattening: bool) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
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
    return resolve(rule, root) if "'$ref'" in str(rule) else rule


def reveal(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what the SDK made of a schema with the rules as they came."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    return schema | {"properties": {name: _revealed(rule) for name, rule in properties.items()}}


def _revealed(rule: dict[str, Any]) -> Rule:
    if KEPT not in rule:
        return reveal(rule)  # an object, or what a stream map has made
    return _nullable(rule[KEPT]) if "null" in rule["type"] else rule[KEPT]


def _nullable(rule: Rule) -> Rule:
    """Return a rule that permits null, too, as a stream map wants it for whatever it computes."""
    words = {name: rule[name] for name in ("title", "description") if isinstance(rule, dict) and name in rule}
    return {**words, "anyOf": [rule, {"type": "null"}]}


def require(
    schema: dict[str, Any], came: Mapping[str, Any], options: FlatteningOptions | None
) -> dict[str, Any]:
    """Return a flat schema that requires of a record what the schema that came requires of its objects.

    The SDK goes on asking for the objects themselves, which are no longer there.
    """
    names = schema.get("required")
    if options is None or not isinstance(names, list):
        return schema
    flat = _required({**came, "required": names}, options, ())
    return schema | {"required": [name for name in flat if name in names or name in schema["properties"]]}


def _required(rule: Mapping[str, Any], options: FlatteningOptions, parents: tuple[str, ...]) -> Iterator[str]:
    names = rule.get("required")
    for name in names if isinstance(names, list) else ():
        member: Rule = rule["properties"].get(name) if isinstance(name, str) else None
        if len(parents) == options.max_level or not _is_object(member):
            yield flatten_key(name, [*parents], options.separator, max_key_length=options.max_key_length)
        elif "null" not in member["type"]:
            yield from _required(member, options, (*parents, name))


class Flattener:
    """Takes the objects of a stream's records apart."""

    def __init__(self, properties: Mapping[str, Rule], options: FlatteningOptions) -> None:
        """Take the properties as the SDK made them, their rules still concealed."""
        self._properties = properties
        self._options = options

    def flatten(self, record: Mapping[str, Any], parents: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return a record with the members of objects that are no properties in their place."""
        depth, separator = self._options.max_level, self._options.separator
        flat: dict[str, Any] = {}
        for name, value in record.items():
            key = flatten_key(name, [*parents], separator, max_key_length=self._options.max_key_length)
            if not isinstance(value, dict):
                flat[key] = value
            elif key not in self._properties and len(parents) < depth:
                flat |= self.flatten(value, (*parents, name))
            else:
                is_text = len(parents) == depth and KEPT not in self._properties.get(key, {KEPT})
                flat[key] = encoded(value).decode() if is_text else value
        return flat
