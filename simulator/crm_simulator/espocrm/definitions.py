"""The entity types of this EspoCRM, read from the compact table `entities.txt`.

A field token is `name:type` and marks, then `/length`, `=link.field`, `>Entity`, `{column>attribute,...}`.
Marks: ! required, ~ not stored, % utility, # read only, ^ not loaded, @ custom, $ decimal, & not directly,
- disabled. A link token is `name`, one of `>` belongsTo, `*` hasMany, `^` hasChildren, `?` belongsToParent or
`-` hasOne, then `Entity`, `.foreign`, `/relation`, `[Entity|...]` and `{column>attribute,...}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

MARKS = {
    "!": "required",
    "~": "notStorable",
    "%": "utility",
    "#": "readOnly",
    "^": "noLoad",
    "@": "isCustom",
    "$": "decimal",
    "&": "directAccessDisabled",
    "-": "disabled",
}
LINK_TYPES = {
    ">": "belongsTo",
    "*": "hasMany",
    "^": "hasChildren",
    "?": "belongsToParent",
    "-": "hasOne",
}
GROUPS = {
    "+stamps": "createdAt:datetime# modifiedAt:datetime# createdBy:link# modifiedBy:link#",
    "+owner": "assignedUser:link teams:linkMultiple",
}
COMMON_LINKS = {
    "createdBy": "createdBy>User",
    "modifiedBy": "modifiedBy>User",
    "assignedUser": "assignedUser>User",
    "teams": "teams*Team/entityTeam",
}
_FIELD = re.compile(
    r"(\w+):(\w+)([!~%#^@$&-]*)(?:/(\d+))?(?:=(\w+)\.(\w*))?(?:>(\w+))?(?:\{(.*)\})?",
)
_LINK = re.compile(r"(\w+)([>*^?-])(\w*)(?:\.(\w+))?(?:/(\w+))?(?:\[(.*)\])?(?:\{(.*)\})?")


@dataclass(frozen=True)
class Field:
    """A field as an administrator sees it; one field may have several attributes."""

    name: str
    type: str
    marks: frozenset[str] = frozenset()
    length: int | None = None
    source: tuple[str, str] | None = None
    entity: str | None = None
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """A relation of one entity type to another."""

    name: str
    type: str
    entity: str = ""
    foreign: str = ""
    relation: str = ""
    entities: tuple[str, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Entity:
    """An entity type: its scope, its fields and its links."""

    name: str
    flags: dict[str, str]
    order: tuple[str, str]
    text: tuple[str, ...]
    fields: dict[str, Field]
    links: dict[str, Link]
    extra: dict[str, tuple[str, ...]]

    def has(self, flag: str) -> bool:
        """Tell whether the scope carries a flag."""
        return flag in self.flags


@cache
def entities() -> dict[str, Entity]:
    """Read the table once."""
    text = files("crm_simulator.espocrm").joinpath("entities.txt").read_text("utf-8")
    blocks = re.split(r"^\[(\w+)\]\n", text, flags=re.MULTILINE)[1:]
    return {name: _entity(name, block) for name, block in zip(blocks[::2], blocks[1::2], strict=True)}


def _entity(name: str, block: str) -> Entity:
    parts: dict[str, list[str]] = {}
    key = ""
    for line in block.splitlines():
        head, rest = line[:8].strip(), line[8:]
        key = head or key
        parts.setdefault(key, []).extend(rest.split())
    fields = {item.name: item for item in _fields(parts.get("fields", []))}
    links = {item.name: item for item in map(_link, parts.get("links", []))}
    implied = {key: _link(token) for key, token in COMMON_LINKS.items() if key in fields and key not in links}
    flags = dict(_flag(token) for token in parts.get("scope", ["-"])[1:])
    flags["module"] = parts["scope"][0]
    order = parts.get("order", ["id", "asc"])
    extra = {
        key: tuple(parts.get(key, ())) for key in ("list", "listing", "select", "read", "never", "always")
    }
    return Entity(
        name,
        flags,
        (order[0], order[1] if order[1:] else ""),
        tuple(parts.get("text", ["name"])),
        fields,
        implied | links,
        extra,
    )


def _flag(token: str) -> tuple[str, str]:
    name, _, value = token.partition("=")
    return name, value


def _fields(tokens: list[str]) -> list[Field]:
    expanded = [part for token in tokens for part in GROUPS.get(token, token).split()]
    return [parse_field(token) for token in expanded]


def parse_field(token: str) -> Field:
    """Read the token of one field."""
    found = _FIELD.fullmatch(token)
    if found is None:
        raise ValueError(f"not a field: {token}")
    name, kind, marks, length, link, foreign, entity, columns = found.groups()
    return Field(
        name,
        kind,
        frozenset(MARKS[mark] for mark in marks),
        int(length) if length else None,
        (link, foreign or "") if link else None,
        entity,
        _columns(columns),
    )


def _link(token: str) -> Link:
    found = _LINK.fullmatch(token)
    if found is None:
        raise ValueError(f"not a link: {token}")
    name, symbol, entity, foreign, relation, entities_, columns = found.groups()
    return Link(
        name,
        LINK_TYPES[symbol],
        entity or "",
        foreign or "",
        relation or "",
        tuple(entities_.split("|")) if entities_ else (),
        _columns(columns),
    )


def _columns(text: str | None) -> dict[str, str]:
    pairs = (part.partition(">") for part in text.split(",")) if text else ()
    return {name: attribute or name for name, _, attribute in pairs}
