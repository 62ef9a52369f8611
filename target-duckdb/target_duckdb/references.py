"""Puts into a JSON schema what it refers to; knows nothing of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Rule: TypeAlias = Any  # a schema, or what somebody sent in place of one
BRANCHES = ("anyOf", "oneOf")


def resolve(rule: Rule, root: Mapping[str, Any], seen: tuple[str, ...] = ()) -> Rule:
    """Return a schema with the targets of its `$ref` and the members of its `allOf` put into it.

    Only references into the same schema (`#/definitions/…`) have a target here. One that leads nowhere, to
    itself or elsewhere permits anything.
    """
    if not isinstance(rule, dict):
        return rule
    own = {name: value for name, value in rule.items() if name not in {"$ref", "allOf"}}
    for name in BRANCHES:
        if isinstance(own.get(name), list):
            own[name] = [resolve(branch, root, seen) for branch in own[name]]
    reference = rule.get("$ref")
    members = rule.get("allOf")
    parts = [resolve(part, root, seen) for part in members] if isinstance(members, list) else []
    if isinstance(reference, str) and reference not in seen:
        parts.append(resolve(_target(reference, root), root, (*seen, reference)))
    merged: dict[str, Any] = {}
    for part in [*parts, own]:
        if isinstance(part, dict):
            sides = (side.get("properties") for side in (merged, part))
            both = [properties for properties in sides if isinstance(properties, dict) and properties]
            merged |= part | ({"properties": {**both[0], **both[1]}} if len(both) > 1 else {})
    return merged


def _target(reference: str, root: Mapping[str, Any]) -> Rule:
    """Return what a JSON pointer (RFC 6901) points to."""
    place, _, pointer = reference.partition("#/")
    found: Rule = None if place or not pointer else root
    for step in pointer.split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    return found
