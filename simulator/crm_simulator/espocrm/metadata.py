"""The Metadata that follows from the table of entity types; definitions are this simulator's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.attributes import attribute_name
from crm_simulator.espocrm.options import OPTIONS
from crm_simulator.espocrm.switches import unborn

if TYPE_CHECKING:
    from crm_simulator.espocrm.acl import Viewer
    from crm_simulator.espocrm.definitions import Entity, Field, Link
    from crm_simulator.espocrm.schema import Schema

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
    "datetimeOptional": (("", "Date", "date", {"disabled": True}),),
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
_INHERITED = frozenset({"directAccessDisabled", "notStorable"})
"""Marks of a field that its parts have too."""
_SCOPE_FLAGS = ("entity", "object", "stream", "importable", "isCustom", "disabled", "stars", "tab")
_BOOLEAN = {"entity": False, "acl": "boolean"}
_CLOSED = {"entity": False, "acl": False}
OTHER_SCOPES: dict[str, dict[str, Any]] = {
    "Activities": _BOOLEAN | {"module": "Crm"},
    "Calendar": _BOOLEAN | {"module": "Crm"},
    "Dashboard": _CLOSED,
    "EmailAccountScope": _BOOLEAN,
    "Formula": {},
    "GlobalStream": _BOOLEAN,
    "LastViewed": _CLOSED,
    "PortalUser": {},
    "Stream": _CLOSED,
}
"""Scopes that are no entity types."""
_FOR_ALL = frozenset({"ImportEml", "Reminder", "Target"})
_ADMIN_FIELDS = {
    "ActionHistoryRecord": {"authLogRecord", "authToken"},
    "Email": {"inboundEmails"},
    "User": {"dashboardTemplate", "layoutSet", "userData"},
}
"""Fields whose definitions only administrators see; what a role hides stays."""


def metadata(viewer: Viewer) -> dict[str, Any]:
    """Build what one user may see of the Metadata."""
    names = [name for name in viewer.store.schema.entities if visible(viewer, name)]
    defs = {name: seen_defs(viewer, name) for name in names}
    if "Lead" not in defs and "Opportunity" in defs:
        defs["Lead"] = {"fields": {"source": {"options": list(OPTIONS["Lead", "source"])}}}
    return {
        "app": {"currency": {}, "record": {}},
        "clientDefs": {},
        "entityDefs": defs,
        "fields": FIELD_TYPES,
        "scopes": scopes([viewer.store.schema.entities[name] for name in names]),
        "streamDefs": {},
    }


def visible(viewer: Viewer, entity: str) -> bool:
    """Tell whether a user sees the definitions of an entity type."""
    return viewer.is_admin or entity in viewer.access or entity in _FOR_ALL


def seen_defs(viewer: Viewer, name: str) -> dict[str, Any]:
    """Build the definitions of an entity type without what a user may not know of."""
    defs = entity_defs(viewer.store.schema, name)
    for field in unborn(viewer.store.switches, name):
        defs["fields"].pop(field, None)
    if viewer.is_admin:
        return defs
    links, fields = defs["links"], defs["fields"]
    secret = _ADMIN_FIELDS.get(name, set())
    secret = secret | {
        link for link, each in links.items() if link not in fields and _leads_away(viewer, each)
    }
    for kind in ("fields", "links"):
        defs[kind] = {key: value for key, value in defs[kind].items() if key not in secret}
    return defs


def _leads_away(viewer: Viewer, link: dict[str, Any]) -> bool:
    return "entity" in link and not visible(viewer, link["entity"])


def scopes(known: list[Entity]) -> dict[str, dict[str, Any]]:
    """Build the scopes of entity types, and the few that are no entity types."""
    return {each.name: _scope(each) for each in known if not each.has("unscoped")} | OTHER_SCOPES


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


def entity_defs(schema: Schema, name: str) -> dict[str, Any]:
    """Build the definitions of one entity type."""
    entity = schema.entities[name]
    fields: dict[str, Any] = {}
    later: dict[str, Any] = {}
    for field in entity.fields.values():
        fields[field.name] = _field(field)
        later |= _subfields(entity, field)
    fields |= later
    for (owner, field_name), options in schema.options.items():
        if owner == name and field_name in fields:
            fields[field_name]["options"] = list(options)
    collection: dict[str, Any] = {}
    if entity.order[0] != "id":
        collection = {"orderBy": entity.order[0]} | ({"order": entity.order[1]} if entity.order[1] else {})
    if entity.has("uncounted"):
        collection["countDisabled"] = True
    links = {link.name: _link(link) for link in entity.links.values()}
    return {"fields": fields, "links": links, "collection": collection}


def _field(field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {"type": field.type} | dict.fromkeys(sorted(field.marks), True)
    if field.length is not None:
        found["maxLength"] = field.length
    if field.source is not None:
        found |= {key: part for key, part in zip(("link", "field"), field.source, strict=True) if part}
    if field.entity is not None:
        found["entity"] = field.entity
    if field.columns:
        found["columns"] = field.columns
    return found


def _subfields(entity: Entity, field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for prefix, suffix, kind, extra in SUBFIELDS.get(field.type, ()):
        name = attribute_name(prefix, field.name, suffix)
        if name not in entity.fields and not (kind == "map" and "notStorable" in field.marks):
            found[name] = {"type": kind, **extra, **dict.fromkeys(sorted(_INHERITED & field.marks), True)}
    return found


def _link(link: Link) -> dict[str, Any]:
    parts = {
        "entity": link.entity,
        "foreign": link.foreign,
        "relationName": link.relation,
        "entityList": list(link.entities),
        "columnAttributeMap": link.columns,
    }
    return {"type": link.type} | {name: value for name, value in parts.items() if value}
