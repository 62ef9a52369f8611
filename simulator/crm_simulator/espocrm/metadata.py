"""The Metadata that follows from the table of entity types; definitions are this simulator's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.attributes import attribute_name
from crm_simulator.espocrm.definitions import Entity, Field, Link, entities
from crm_simulator.espocrm.options import OPTIONS
from crm_simulator.espocrm.relations import link_of

if TYPE_CHECKING:
    from crm_simulator.espocrm.acl import Viewer

FIELD_TYPES: dict[str, dict[str, Any]] = {
    "address": {"actualFields": ["street", "city", "state", "country", "postalCode"]},
    "array": {},
    "arrayInt": {},
    "attachmentMultiple": {"actualFields": ["ids"], "notActualFields": ["names", "types"]},
    "autoincrement": {},
    "barcode": {},
    "base": {},
    "bool": {},
    "checklist": {},
    "colorpicker": {},
    "currency": {"actualFields": ["currency", ""]},
    "currencyConverted": {},
    "date": {},
    "datetime": {},
    "datetimeOptional": {"actualFields": ["", "date"]},
    "duration": {},
    "email": {"actualFields": ["isOptedOut", "isInvalid", "", "data"], "notActualFields": []},
    "enum": {},
    "enumFloat": {},
    "enumInt": {},
    "file": {"actualFields": ["id"], "notActualFields": ["name"]},
    "float": {},
    "foreign": {},
    "image": {"actualFields": ["id"], "notActualFields": ["name"]},
    "int": {},
    "jsonArray": {},
    "jsonObject": {},
    "link": {"actualFields": ["id"], "notActualFields": ["name"]},
    "linkMultiple": {"actualFields": ["ids"], "notActualFields": ["names"]},
    "linkOne": {"actualFields": ["id"], "notActualFields": ["name"]},
    "linkParent": {"actualFields": ["id", "type"], "notActualFields": ["name"]},
    "map": {},
    "multiEnum": {},
    "number": {},
    "password": {},
    "personName": {
        "actualFields": ["salutation", "first", "last", "middle"],
        "notActualFields": [""],
        "naming": "prefix",
    },
    "phone": {"actualFields": ["isOptedOut", "isInvalid", "", "data"], "notActualFields": []},
    "rangeCurrency": {"actualFields": ["from", "to"], "naming": "prefix"},
    "rangeFloat": {"actualFields": ["from", "to"], "naming": "prefix"},
    "rangeInt": {"actualFields": ["from", "to"], "naming": "prefix"},
    "text": {},
    "url": {},
    "urlMultiple": {},
    "varchar": {},
    "wysiwyg": {},
}
"""The field types that Metadata explains: from which parts their attributes are named."""
_NOT_STORED = {"notStorable": True}
_FLAGS = (("", "IsOptedOut", "bool", _NOT_STORED), ("", "IsInvalid", "bool", _NOT_STORED))
SUBFIELDS: dict[str, tuple[tuple[str, str, str, dict[str, Any]], ...]] = {
    "address": (
        ("", "Street", "text", {"maxLength": 255}),
        ("", "City", "varchar", {"maxLength": 100}),
        ("", "State", "varchar", {"maxLength": 100}),
        ("", "Country", "varchar", {"maxLength": 100}),
        ("", "PostalCode", "varchar", {"maxLength": 40}),
        ("", "Map", "map", {"notStorable": True, "readOnly": True}),
    ),
    "currency": (
        ("", "Currency", "enum", {"maxLength": 3}),
        ("", "Converted", "currencyConverted", {"readOnly": True}),
    ),
    "datetimeOptional": (("", "Date", "date", {}),),
    "email": _FLAGS,
    "personName": (
        ("salutation", "", "enum", {}),
        ("first", "", "varchar", {"maxLength": 100}),
        ("last", "", "varchar", {"maxLength": 100}),
        ("middle", "", "varchar", {"maxLength": 100}),
    ),
    "phone": _FLAGS,
    "rangeCurrency": (("from", "", "currency", {}), ("to", "", "currency", {})),
    "rangeFloat": (("from", "", "float", {}), ("to", "", "float", {})),
    "rangeInt": (("from", "", "int", {}), ("to", "", "int", {})),
}
"""The fields that come with a field of a type."""
_SCOPE_FLAGS = ("entity", "object", "stream", "importable", "isCustom", "disabled", "stars", "tab")
_VIRTUAL = frozenset({"Dashboard", "EmailAccountScope", "GlobalStream", "LastViewed", "Stream"})


def metadata(viewer: Viewer) -> dict[str, Any]:
    """Build what one user may see of the Metadata."""
    names = [name for name in entities() if viewer.is_admin or visible(viewer, name)]
    without = viewer.store.switches.without_modified_at
    return {
        "app": {"currency": {}, "record": {}},
        "clientDefs": {},
        "entityDefs": {name: entity_defs(entities()[name], bare=name in without) for name in names},
        "fields": FIELD_TYPES,
        "scopes": scopes(names),
        "streamDefs": {},
    }


def visible(viewer: Viewer, entity: str) -> bool:
    """Tell whether a user sees the definitions of an entity type."""
    return viewer.level(entity) != "n" or entity in _ALWAYS_VISIBLE


_ALWAYS_VISIBLE = frozenset({"Lead", "Opportunity", "Contact", "EmailAddress", "PhoneNumber"})


def scopes(names: list[str]) -> dict[str, dict[str, Any]]:
    """Build the scopes of entity types, and the few that are no entity types."""
    found = {name: _scope(entities()[name]) for name in names}
    return found | {name: {"entity": False} for name in sorted(_VIRTUAL)}


def _scope(entity: Entity) -> dict[str, Any]:
    scope: dict[str, Any] = {"entity": False}
    scope |= {flag: True for flag in _SCOPE_FLAGS if entity.has(flag)}
    if entity.flags["module"] != "-":
        scope["module"] = entity.flags["module"]
    if "acl" in entity.flags:
        scope["acl"] = {"true": True, "false": False}.get(entity.flags["acl"], entity.flags["acl"])
    for flag, key in (("type", "type"), ("status", "statusField")):
        if entity.flags.get(flag):
            scope[key] = entity.flags[flag]
    return scope


def entity_defs(entity: Entity, *, bare: bool = False) -> dict[str, Any]:
    """Build the definitions of one entity type; `bare` leaves modifiedAt out."""
    fields: dict[str, Any] = {}
    later: dict[str, Any] = {}
    for field in entity.fields.values():
        fields[field.name] = _field(entity, field)
        later |= _subfields(entity, field)
    collection: dict[str, Any] = {"orderBy": entity.order[0], "order": entity.order[1]}
    if entity.has("uncounted"):
        collection["countDisabled"] = True
    links = {link.name: _link(link) for link in _links(entity)}
    if bare:
        fields.pop("modifiedAt", None)
    return {"fields": fields | later, "links": links, "collection": collection}


def _links(entity: Entity) -> list[Link]:
    multiple = (
        link_of(entity.name, field.name) for field in entity.fields.values() if "ttachment" in field.type
    )
    return [*entity.links.values(), *(link for link in multiple if link and link.name not in entity.links)]


def _field(entity: Entity, field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {"type": field.type} | dict.fromkeys(sorted(field.marks), True)
    if field.length is not None:
        found["maxLength"] = field.length
    if field.source is not None:
        found |= {"link": field.source[0], "field": field.source[1]}
    if field.entity is not None:
        found["entity"] = field.entity
    if field.columns:
        found["columns"] = field.columns
    options = OPTIONS.get((entity.name, field.name))
    if options is not None:
        found["options"] = list(options)
    return found


def _subfields(entity: Entity, field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for prefix, suffix, kind, extra in SUBFIELDS.get(field.type, ()):
        name = attribute_name(prefix, field.name, suffix)
        if name in entity.fields or (kind == "map" and "notStorable" in field.marks):
            continue
        inherited = {"decimal": True} if kind == "currency" and "decimal" in field.marks else {}
        found[name] = {"type": kind, **extra, **inherited}
        options = OPTIONS.get((entity.name, name))
        if options is not None:
            found[name]["options"] = list(options)
    return found


def _link(link: Link) -> dict[str, Any]:
    found: dict[str, Any] = {"type": link.type}
    for key, value in (("entity", link.entity), ("foreign", link.foreign), ("relationName", link.relation)):
        if value:
            found[key] = value
    if link.entities:
        found["entityList"] = list(link.entities)
    if link.columns:
        found["columnAttributeMap"] = link.columns
    return found
