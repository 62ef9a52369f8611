"""Records as OpenCRM writes them into JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from crm_simulator.opencrm.php import day_first, format_stored, is_zero, naive_sentinel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulator.opencrm.modules import Kind
    from crm_simulator.opencrm.store import Record, Table
    from crm_simulator.opencrm.switches import OpenCRMSwitches

Style = Literal["basic", "full", "single"]

_TIMESTAMPS = ("createdtime", "modifiedtime")
_NUMERIC = ("flag", "int", "money", "ref")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")
_MOST_FORMATS = 8


@dataclass(frozen=True)
class Format:
    """Everything that decides how a record is written."""

    style: Style
    zero_dates: str
    zone: str
    timestamps: bool
    empty_values: str
    numbers: str
    single_names: str
    line_shape: str
    date_time: str | None = None
    date: str | None = None


def make_format(
    style: Style, switches: OpenCRMSwitches, date_time: str | None = None, date: str | None = None
) -> Format:
    """Take down how records are to be written under the switches and the overrides of one request."""
    return Format(
        style,
        switches.zero_dates,
        switches.timezone,
        switches.timestamps,
        switches.empty_values,
        switches.numbers,
        switches.single_names,
        switches.line_shape,
        date_time,
        date,
    )


def write_row(table: Table, number: int, record: Record, form: Format) -> bytes:
    """Write one row of a list: its id, then its fields, which are kept for the next time."""
    tail = record.rendered.get(form)
    if tail is None:
        tail = encode(fields(table, record, form))[1:]
        if len(record.rendered) >= _MOST_FORMATS:
            record.rendered.clear()
        record.rendered[form] = tail
    name = "id" if form.style == "full" or table.module.name == "user" else "crmid"
    return (b'{"%s":%d,%s' if form.numbers == "number" else b'{"%s":"%d",%s') % (name.encode(), number, tail)


def write_single(table: Table, number: int, record: Record, form: Format) -> bytes:
    """Write the answer to a single read.

    The shape of product lines is not documented: `product_lines`, a list of objects or an object of objects
    keyed "1", "2", … is assumed.
    """
    name = table.module.name
    head: dict[str, object] = {"id": str(number)} if name == "user" else {"crmid": str(number)}
    if name != "user":
        head |= {"record_id": str(number), "record_module": table.module.internal, "permission": "Edit"}
    body = fields(table, record, form)
    if form.single_names == "query":
        body = {table.module.query_names.get(field, field): value for field, value in body.items()}
    if table.module.has_lines:
        lines = [dict(line) for line in record.lines]
        body["product_lines"] = (
            lines if form.line_shape == "list" else {str(place): line for place, line in enumerate(lines, 1)}
        )
    return encode(head | body)


def fields(table: Table, record: Record, form: Format) -> dict[str, object]:
    """Give the fields of a record as a format has them."""
    names = table.module.basic if form.style == "basic" else record.values
    kinds = table.kinds
    return {
        name: _value(record.values[name], kinds.get(name, "text"), form)
        for name in names
        if name in record.values and (form.timestamps or name not in _TIMESTAMPS)
    }


def with_user_names(record: Record, names: Mapping[str, str], chosen: set[str]) -> Record:
    """Put user names in the place of user ids in the chosen fields."""
    changed = {
        name: names[value] for name, value in record.values.items() if name in chosen and value in names
    }
    return replace(record, values={**record.values, **changed}, rendered={})


def encode(value: object) -> bytes:
    """Write JSON as PHP does: ASCII only and every slash escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def _value(stored: str, kind: Kind, form: Format) -> object:
    if kind in {"date", "datetime"}:
        stored = _date(stored, kind, form)
    if not stored and form.empty_values == "null":
        return None
    if form.numbers == "number" and kind in _NUMERIC and _NUMBER.fullmatch(stored):
        return float(stored) if "." in stored else int(stored)
    return stored


def _date(stored: str, kind: Kind, form: Format) -> str:
    pattern = form.date_time if kind == "datetime" else form.date
    if pattern is None:
        return stored if kind == "datetime" else day_first(stored)
    if form.zero_dates == "php" and (is_zero(stored) or not _DATE.fullmatch(stored)):
        return naive_sentinel(stored, pattern, form.zone)
    return stored if is_zero(stored) else format_stored(stored, pattern, form.zone)
