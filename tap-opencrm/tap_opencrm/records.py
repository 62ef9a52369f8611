"""Rows as OpenCRM sends them become records that conform to the schema of their stream: pure functions."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_opencrm.dates import Zone, parse_date, parse_datetime
from tap_opencrm.errors import MissingIdError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Row = dict[str, Any]

EXTRA = "_extra"
UNPARSED = "_unparsed"
ID_KEYS = ("id", "crmid", "record_id")
_ENVELOPE = {"record_module", "permission"}  # what a single read says of itself
CUSTOM_FIELD = {
    "type": ["string", "null"],
    "description": "Custom field, found in sample records at discovery; always text.",
}

_SECRET = re.compile(r"passw|pwd|passphrase|user_hash|accesskey|secret", re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?\d{1,18}(?:\.0*)?")
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_PLAIN = {str, type(None)}
_TRUTH = {
    "": None,
    "1": True,
    "yes": True,
    "on": True,
    "true": True,
    "0": False,
    "no": False,
    "off": False,
    "false": False,
}


def is_custom(name: str) -> bool:
    """Tell whether a field was added by the users of this system, and is not one that the tap drops."""
    return name.startswith("cf_") and not is_secret(name)


def is_secret(name: str) -> bool:
    """Tell whether a field holds a password or the like, which the tap drops."""
    return _SECRET.search(name) is not None


def parse_integer(text: str) -> int | None:
    """Return a whole number, None for an empty text; raise ValueError if it is neither."""
    text = text.strip()
    if not text:
        return None
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text.partition(".")[0])


def parse_decimal(text: str) -> str | None:
    """Return an exact decimal as text, None for an empty text; raise ValueError if it is neither."""
    text = text.strip()
    if not text:
        return None
    if not _DECIMAL.fullmatch(text):
        raise ValueError(text)
    return text.removeprefix("+")


def parse_number(text: str) -> float | None:
    """Return a number, None for an empty text; raise ValueError if it is neither or has too many digits."""
    exact = parse_decimal(text)
    if exact is None:
        return None
    number = float(exact)
    if Decimal(repr(number)) != Decimal(exact):
        raise ValueError(text)  # 9007199254740993 would become 9007199254740992
    return number


def parse_boolean(text: str) -> bool | None:
    """Return what "0" and "1" stand for, None for an empty text; raise ValueError if it is neither."""
    known = text if text in _TRUTH else text.strip().lower()
    if known not in _TRUTH:
        raise ValueError(text)
    return _TRUTH[known]


def parse_reference(text: str) -> str | None:
    """Return the id of another record; "0" and an empty text mean that there is none."""
    text = text.strip()
    return None if text in {"", "0"} else text


def parse_modified(value: object, zone: Zone) -> str | None:
    """Return when a record was modified (ISO, UTC), None where it does not say."""
    try:
        return parse_datetime(value, zone) if isinstance(value, str) else None
    except ValueError:
        return None


def _converter(schema: Mapping[str, Any], zone: Zone, *, decode_html: bool) -> Callable[[str], object] | None:
    """Return what turns text into a value of this property; None where text stays as it is."""
    types = schema["type"]
    by_type: dict[str, Callable[[str], object]] = {
        "integer": parse_integer,
        "number": parse_number,
        "boolean": parse_boolean,
    }
    by_format: dict[str | None, Callable[[str], object]] = {
        "date": parse_date,
        "date-time": partial(parse_datetime, zone=zone),
        "x-singer.decimal": parse_decimal,
    }
    for name in types:
        if name in by_type:
            return by_type[name]
    if schema.get("format") in by_format:
        return by_format[schema["format"]]
    if "x-reference" in schema:
        return parse_reference
    return html.unescape if decode_html else None


def _text(value: object) -> str | None:
    """Return a JSON scalar as the text OpenCRM would have sent; raise ValueError for lists and objects."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    raise ValueError(value)


@dataclass
class Shape:
    """Turns rows into records of one stream and remembers what did not fit."""

    properties: Mapping[str, Mapping[str, Any]]
    zone: Zone
    decode_html: bool = False
    dropped: frozenset[str] = frozenset()
    unknown: set[str] = field(default_factory=set)
    unparsed: dict[str, int] = field(default_factory=dict)
    _known: frozenset[str] = field(init=False)
    _typed: list[tuple[str, Callable[[str], object]]] = field(init=False)

    def __post_init__(self) -> None:
        known = {
            name: _converter(schema, self.zone, decode_html=self.decode_html)
            for name, schema in self.properties.items()
            if name not in {EXTRA, UNPARSED} and not is_secret(name)
        }
        self._known = frozenset(known)
        self._typed = [(name, convert) for name, convert in known.items() if convert]

    def read(self, row: Row) -> Row:
        """Return a row as a record: known fields typed, the rest in `_extra`, misfits in `_unparsed`."""
        record: Row = {"id": "", **row}
        record["id"] = row_id(row)
        if unknown := row.keys() - self._known:
            self._put_rest(record, {name: record.pop(name) for name in row if name in unknown})
        if not _PLAIN.issuperset(map(type, record.values())):
            self._make_plain(record)
        for name, convert in self._typed:
            if (text := record.get(name)) is not None:
                try:
                    record[name] = convert(text)
                except ValueError:
                    self._set_aside(record, name, text)
        return record

    def _make_plain(self, record: Row) -> None:
        """Make text of what is not, as OpenCRM would have written it."""
        for name in self._known & record.keys():
            try:
                record[name] = _text(record[name])
            except ValueError:
                self._set_aside(record, name, record[name])

    def _set_aside(self, record: Row, name: str, value: object) -> None:
        record[name] = None
        record.setdefault(UNPARSED, {})[name] = value
        self.unparsed[name] = self.unparsed.get(name, 0) + 1

    def _put_rest(self, record: Row, rest: Row) -> None:
        extra = {
            name: value
            for name, value in rest.items()
            if name not in self.dropped
            and name not in _ENVELOPE
            and not is_secret(name)
            and not (name in ID_KEYS and str(value) == record["id"])
        }
        if extra:
            record[EXTRA] = extra
            self.unknown.update(extra)


def row_id(row: Row) -> str:
    """Return the id of a row, whatever the end point calls it."""
    for name in ID_KEYS:
        value = row.get(name)
        if isinstance(value, (str, int)) and value not in {"", "0", 0}:
            return str(value).strip()
    raise MissingIdError(
        f"a record came without {', '.join(ID_KEYS)}; its fields are {', '.join(sorted(row))}"
    )
