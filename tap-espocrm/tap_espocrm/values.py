"""Turns a record as EspoCRM sends it into one as its schema promises; touches no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tap_espocrm.field_types import DATETIME, DECIMAL, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = Any
"""What a decoded JSON document may be: the boundary where types begin."""

Row = dict[str, Json]


def to_iso(value: object) -> object:
    """Give a UTC datetime of EspoCRM its `T` and `Z`; anything else passes as it came."""
    if isinstance(value, str) and value[4:5] == "-" and value[10:11] == " " and value[13:14] == ":":
        return f"{value[:10]}T{value[11:]}Z"
    return value


def to_espo(value: str) -> str:
    """Write an ISO datetime in UTC the way EspoCRM compares it: `2026-11-21 22:28:17`."""
    return value[:19].replace("T", " ")


class Conversion:
    """What has to be done to each record of a stream: keep the selected, convert datetimes and decimals."""

    def __init__(self, properties: Mapping[str, Schema], selected: frozenset[str]) -> None:
        self.selected = tuple(name for name in properties if name in selected)
        self._names = frozenset(self.selected)
        formats = {name: properties[name].get("format") for name in self.selected}
        self.datetimes = tuple(n for n, f in formats.items() if f == DATETIME["format"])
        self.decimals = tuple(n for n, f in formats.items() if f == DECIMAL["format"])

    def apply(self, row: Row) -> Row:
        """Make the record that is written; a property that did not come is not invented."""
        record = row.copy()
        for name in row.keys() - self._names:
            del record[name]
        for name in self.datetimes:
            value = record.get(name)
            if value is not None:
                record[name] = to_iso(value)
        for name in self.decimals:
            value = record.get(name)
            if value is not None and not isinstance(value, str):
                record[name] = repr(value)
        if not isinstance(record.get("id", ""), str):
            record["id"] = str(record["id"])
        return record
