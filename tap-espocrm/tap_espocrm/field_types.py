"""What the tap knows about each field type of EspoCRM: one row per type, no code elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]

TEXT: Schema = {"type": ["string", "null"]}
BOOLEAN: Schema = {"type": ["boolean", "null"]}
INTEGER: Schema = {"type": ["integer", "null"]}
NUMBER: Schema = {"type": ["number", "null"]}
DECIMAL: Schema = {"type": ["string", "null"], "format": "x-singer.decimal"}
DATE: Schema = {"type": ["string", "null"], "format": "date"}
DATETIME: Schema = {"type": ["string", "null"], "format": "date-time"}
TEXTS: Schema = {"type": ["array", "null"], "items": {"type": ["string", "null"]}}
ARRAY: Schema = {"type": ["array", "null"]}
OBJECT: Schema = {"type": ["object", "null"]}
ANY: Schema = {"type": ["string", "number", "integer", "boolean", "array", "object", "null"]}


@dataclass(frozen=True)
class FieldType:
    """The attributes a field of this type has: for each part of its name, the schema of the value."""

    parts: Mapping[str, Schema]
    is_prefixed: bool = False
    is_varchar: bool = False
    is_cut_in_lists: bool = False
    only_in_single_reads: frozenset[str] = field(default_factory=frozenset)


def _varchar() -> FieldType:
    return FieldType({"": TEXT}, is_varchar=True)


def _long_text() -> FieldType:
    return FieldType({"": TEXT}, is_cut_in_lists=True)


def _contact_point() -> FieldType:
    return FieldType(
        {"": TEXT, "isOptedOut": BOOLEAN, "isInvalid": BOOLEAN, "data": ARRAY},
        only_in_single_reads=frozenset({"data"}),
    )


def _named() -> FieldType:
    return FieldType({"id": TEXT, "name": TEXT})


def _range(schema: Schema) -> FieldType:
    return FieldType({"from": schema, "to": schema}, is_prefixed=True)


#: A type that is not here (an extension's own) becomes a permissive column and one warning.
FIELD_TYPES: dict[str, FieldType] = {
    "address": FieldType(dict.fromkeys(("street", "city", "state", "country", "postalCode"), TEXT)),
    "array": FieldType({"": TEXTS}),
    "arrayInt": FieldType({"": ARRAY}),
    "attachmentMultiple": FieldType({"ids": TEXTS, "names": OBJECT, "types": OBJECT}),
    "autoincrement": FieldType({"": INTEGER}),
    "barcode": _varchar(),
    "base": FieldType({}),
    "bool": FieldType({"": BOOLEAN}),
    "checklist": FieldType({"": TEXTS}),
    "colorpicker": _varchar(),
    "currency": FieldType({"": NUMBER, "currency": TEXT}),
    "currencyConverted": FieldType({"": NUMBER}),
    "date": FieldType({"": DATE}),
    "datetime": FieldType({"": DATETIME}),
    "datetimeOptional": FieldType({"": DATETIME, "date": DATE}),
    "decimal": FieldType({"": DECIMAL}),
    "duration": FieldType({"": INTEGER}),
    "email": _contact_point(),
    "enum": _varchar(),
    "enumFloat": FieldType({"": NUMBER}),
    "enumInt": FieldType({"": INTEGER}),
    "file": _named(),
    "float": FieldType({"": NUMBER}),
    "foreignId": _varchar(),
    "id": _varchar(),
    "image": _named(),
    "int": FieldType({"": INTEGER}),
    "jsonArray": FieldType({"": ARRAY}),
    "jsonObject": FieldType({"": OBJECT}),
    "link": _named(),
    "linkMultiple": FieldType({"ids": TEXTS, "names": OBJECT}),
    "linkOne": _named(),
    "linkParent": FieldType({"id": TEXT, "type": TEXT, "name": TEXT}),
    "map": FieldType({}),
    "multiEnum": FieldType({"": TEXTS}),
    "number": _varchar(),
    "password": _varchar(),
    "personName": FieldType(
        {"": TEXT, **dict.fromkeys(("salutation", "first", "last", "middle"), TEXT)}, is_prefixed=True
    ),
    "phone": _contact_point(),
    "rangeCurrency": _range(NUMBER),
    "rangeFloat": _range(NUMBER),
    "rangeInt": _range(INTEGER),
    "text": _long_text(),
    "url": _varchar(),
    "urlMultiple": FieldType({"": TEXTS}),
    "varchar": _varchar(),
    "wysiwyg": _long_text(),
}

#: Fields of EspoCRM itself that hold a credential: they are never asked for.
CREDENTIALS: dict[str, frozenset[str]] = {
    "AuthToken": frozenset({"token", "hash", "secret"}),
    "LeadCapture": frozenset({"apiKey"}),
    "User": frozenset({"apiKey", "secretKey", "token"}),
    "UserData": frozenset({"auth2FATotpSecret"}),
    "Webhook": frozenset({"secretKey"}),
}


def attribute_name(field_name: str, part: str, *, is_prefixed: bool = False) -> str:
    """Name the attribute of a part: `account`, `id` make `accountId`; `budget`, `from` make `fromBudget`."""
    if not part:
        return field_name
    first, second = (part, field_name) if is_prefixed else (field_name, part)
    return first + second[:1].upper() + second[1:]
