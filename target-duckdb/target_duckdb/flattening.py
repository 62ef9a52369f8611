"""Flattening as the Singer SDK defines it, but rules and values that are not taken apart stay as they came.

The SDK knows few spellings of a rule: others it drops, breaks on or takes for texts, also where a stream map
names the property, and of arrays it makes texts. So it sees rules concealed, and values not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from singer_sdk.helpers._flattening import flatten_key

from target_duckdb.references import resolve

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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


def flatten(
    record: Mapping[str, Any],
    properties: Collection[str],
    options: FlatteningOptions,
    parents: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return a record with the members of objects that are no properties in their place."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        key = flatten_key(name, [*parents], options.separator, max_key_length=options.max_key_length)
        if isinstance(value, dict) and key not in properties and len(parents) < options.max_level:
            flat |= flatten(value, properties, options, (*parents, name))
        else:
            flat[key] = value
    return flat
