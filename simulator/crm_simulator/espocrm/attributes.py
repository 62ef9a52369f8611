"""Which attributes a record has, what they hold and in which answers they come."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from crm_simulator.espocrm.definitions import Entity, Field

Presence = Literal["list", "listing", "select", "read", "never"]
"""In every answer; in every list but in no single read; in a list only when selected; only in a single read;
in no answer."""


@dataclass(frozen=True)
class Attribute:
    """One member of a record's JSON; `kind` names what makes it (see rows.py), `type` what it holds."""

    name: str
    field: Field
    kind: str
    type: str
    presence: Presence


_Parts = tuple[tuple[str, str, str, str, Presence], ...]
"""(prefix, suffix, kind, type, presence) of each attribute of a field."""

_LINK: _Parts = (("", "Id", "stored", "id", "list"), ("", "Name", "link_name", "text", "list"))
_FILE: _Parts = (("", "Id", "stored", "id", "list"), ("", "Name", "link_name", "text", "list"))
_RANGE_INT: _Parts = (("from", "", "stored", "int", "list"), ("to", "", "stored", "int", "list"))
_RANGE_FLOAT: _Parts = (("from", "", "stored", "float", "list"), ("to", "", "stored", "float", "list"))
_MULTIPLE: _Parts = (
    ("", "Ids", "link_ids", "array", "select"),
    ("", "Names", "link_names", "object", "select"),
)
_CHANNEL: _Parts = (
    ("", "", "stored", "text", "list"),
    ("", "IsOptedOut", "channel_flag", "bool", "list"),
    ("", "IsInvalid", "channel_flag", "bool", "list"),
    ("", "Data", "channel_data", "array", "read"),
)
_MONEY: _Parts = (
    ("", "", "stored", "float", "list"),
    ("", "Currency", "stored", "text", "list"),
    ("", "Converted", "converted", "float", "list"),
)
PARTS: dict[str, _Parts] = {
    "address": tuple(
        ("", part, "stored", "text", "list") for part in ("Street", "City", "State", "Country", "PostalCode")
    ),
    "attachmentMultiple": (*_MULTIPLE, ("", "Types", "link_types", "object", "select")),
    "base": (),
    "currency": _MONEY,
    "datetimeOptional": (
        ("", "", "stored", "datetime", "list"),
        ("", "Date", "stored", "date", "list"),
    ),
    "email": _CHANNEL,
    "file": _FILE,
    "foreign": (("", "", "foreign", "text", "list"),),
    "image": _FILE,
    "link": _LINK,
    "linkMultiple": _MULTIPLE,
    "linkOne": (("", "Id", "one_id", "id", "list"), ("", "Name", "one_name", "text", "list")),
    "linkParent": (
        ("", "Id", "stored", "id", "list"),
        ("", "Type", "stored", "text", "list"),
        ("", "Name", "parent_name", "text", "list"),
    ),
    "map": (),
    "personName": (
        ("", "", "person", "text", "list"),
        ("salutation", "", "stored", "text", "list"),
        ("first", "", "stored", "text", "list"),
        ("last", "", "stored", "text", "list"),
        ("middle", "", "stored", "text", "list"),
    ),
    "phone": _CHANNEL,
    "rangeCurrency": tuple(
        (prefix, suffix, kind, kind_type, "list")
        for prefix in ("from", "to")
        for _, suffix, kind, kind_type, _ in _MONEY
    ),
    "rangeFloat": _RANGE_FLOAT,
    "rangeInt": _RANGE_INT,
}
TYPES = {
    "array": "array",
    "arrayInt": "array",
    "autoincrement": "int",
    "bool": "bool",
    "checklist": "array",
    "currencyConverted": "float",
    "date": "date",
    "datetime": "datetime",
    "decimal": "decimal",
    "duration": "int",
    "enumFloat": "float",
    "enumInt": "int",
    "float": "float",
    "int": "int",
    "jsonArray": "array",
    "jsonObject": "object",
    "multiEnum": "array",
    "urlMultiple": "array",
}
"""What the one attribute of a field of this type holds; text where it is not listed."""

_ALWAYS = ("id", "deleted")


def attribute_name(prefix: str, name: str, suffix: str) -> str:
    """Join a field's name with a prefix or a suffix as EspoCRM does."""
    return f"{prefix}{name[0].upper()}{name[1:]}{suffix}" if prefix else f"{name}{suffix}"


@cache
def attributes_of(entity: Entity) -> dict[str, Attribute]:
    """List the attributes of an entity type, scalars first, links after them."""
    found = {name: _plain(name, "text" if name == "id" else "bool") for name in _ALWAYS}
    if entity.has("undeletable"):
        del found["deleted"]
    for item in sorted(entity.fields.values(), key=_is_link):
        found.update({attribute.name: attribute for attribute in _of_field(item)})
    found.update({attribute.name: attribute for attribute in _of_scope(entity)})
    for presence in ("list", "listing", "select", "read", "never"):
        for token in entity.extra[presence]:
            name, _, kind = token.partition(":")
            known = found.get(name) or _plain(name, kind or "text")
            found[name] = Attribute(name, known.field, known.kind, kind or known.type, presence)
    return found


def _is_link(item: Field) -> bool:
    return item.type.startswith(("link", "attachment", "file", "image"))


def _plain(name: str, kind: str, made: str = "stored", presence: Presence = "list") -> Attribute:
    return Attribute(name, Field(name, kind), made, kind, presence)


def _of_field(item: Field) -> list[Attribute]:
    found = [_part(item, part) for part in PARTS.get(item.type, (_scalar(item),))]
    if item.columns and item.type == "linkMultiple":
        found.append(_part(item, ("", "Columns", "link_columns", "object", "select")))
    return found


def _scalar(item: Field) -> tuple[str, str, str, str, Presence]:
    return ("", "", "stored", TYPES.get(item.type, "text"), "list")


def _part(item: Field, part: tuple[str, str, str, str, Presence]) -> Attribute:
    prefix, suffix, kind, type_, presence = part
    hidden = item.marks & {"notStorable", "noLoad"} and item.type not in {"email", "phone"}
    if kind == "stored" and type_ == "float" and "decimal" in item.marks:
        type_ = "decimal"
    name = attribute_name(prefix, item.name, suffix)
    return Attribute(name, item, kind, type_, "never" if hidden else presence)


def _of_scope(entity: Entity) -> list[Attribute]:
    found = []
    if entity.has("stream"):
        found += [
            _plain("isFollowed", "bool", "followed", "read"),
            _plain("followersIds", "array", "followers_ids", "read"),
            _plain("followersNames", "object", "followers_names", "read"),
        ]
    if entity.has("stars"):
        found.append(_plain("isStarred", "bool", "starred"))
    if entity.has("versioned"):
        found.append(_plain("versionNumber", "int"))
    return found
