"""Values of the wrong JSON type that convert exactly to their column's: recognised once, then converted.

Such as a number under a text, which DuckDB would spell its own way, a fraction under a decimal, which it
would read as a double, 2.0 under an integer, or "1" under a boolean. A tap that sends one sends it with every
record, and to take those apart value by value takes ten times as long.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from target_duckdb.columns import DECIMAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from msgspec import Struct

    from target_duckdb.shapes import Shape

    Mender = Callable[[Struct, bytes], bytes | None]

INTEGER = "0|-?[1-9][0-9]{0,17}"
NUMBER = re.compile(rb"[-+.0-9eE]+")
WHOLE = re.compile(rf"({INTEGER})\.0+".encode())
FRACTION = re.compile(rb"-?(?:0|([1-9][0-9]*))\.([0-9]+)")
ESCAPED = re.compile(rb"\\u00[2-7]")  # letters as no tap writes them


def _as_text(raw: bytes, _column_type: str) -> bytes | None:
    if NUMBER.fullmatch(raw):
        return b'"%b"' % raw
    if b"\\u" in raw:
        return None  # perhaps half a surrogate pair
    try:
        return json.dumps(raw.decode(), ensure_ascii=False).encode()
    except UnicodeDecodeError:
        return None


def _as_integer(raw: bytes, _column_type: str) -> bytes | None:
    if raw == b'""':
        return b"null"
    found = WHOLE.fullmatch(raw)
    return found and found[1]


def _as_decimal(raw: bytes, column_type: str) -> bytes | None:
    found, match = FRACTION.fullmatch(raw), DECIMAL.fullmatch(column_type)
    if not found or not match:
        return None
    precision, scale = int(match[1]), int(match[2])
    is_exact = len(found[1] or b"") <= precision - scale and len(found[2]) <= scale
    return b'"%b"' % raw if is_exact else None


def _as_boolean(raw: bytes, _column_type: str) -> bytes | None:
    return {b'""': b"null", b'"1"': b"true", b'"0"': b"false"}.get(raw)


class Form(NamedTuple):
    """What values of a column look like, as they came: those that stay, and what becomes of others."""

    stays: re.Pattern[bytes]
    mend: Callable[[bytes, str], bytes | None]
    """Returns the value that is meant, None if that is not plain."""


FORMS = {
    "VARCHAR": Form(re.compile(rf'"|(null|true|false|{INTEGER})?\Z'.encode()), _as_text),
    "BIGINT": Form(re.compile(rf'(null|{INTEGER}|"({INTEGER})")?\Z'.encode()), _as_integer),
    "HUGEINT": Form(re.compile(rf"(null|{INTEGER})?\Z".encode()), _as_integer),
    "BOOLEAN": Form(
        re.compile(rb'(null|true|false|0|1|"(true|True|TRUE|false|False|FALSE)")?\Z'), _as_boolean
    ),
    "DECIMAL": Form(re.compile(rf'"|(null|{INTEGER})?\Z'.encode()), _as_decimal),
}
"""By the beginning of the column's type. A value that neither stays nor can be mended is looked at."""


def mendable(shape: Shape) -> dict[int, Form]:
    """Return the columns in which a value may be mended, by number; a key is looked at instead."""
    found = ((index, FORMS.get(column.type.partition("(")[0])) for index, column in enumerate(shape.columns))
    return {index: form for index, form in found if form and index not in shape.key_indexes}


def is_misfit(raw: bytes, column_type: str, form: Form) -> bool:
    """Return whether a value can be mended and needs it."""
    return not form.stays.match(raw) and form.mend(raw, column_type) is not None


def mender(shape: Shape, columns: Iterable[int]) -> Mender:
    """Return what mends the values of a line under some columns, or returns None if it must be taken apart.

    The columns are those that the line's guard has left as they came.
    """
    forms = mendable(shape)
    places = [
        (f"c{index}", _written(shape.columns[index].property), shape.columns[index].type, *forms[index])
        for index in columns
    ]

    def mend(message: Struct, line: bytes) -> bytes | None:
        record = message.record  # type: ignore[attr-defined] # the guard made it
        for field, name, column_type, stays, read in places:
            raw = bytes(getattr(record, field))
            if not stays.match(raw):
                meant = read(raw, column_type)
                mended = meant and _replace(line, name, raw, meant)
                if not mended:
                    return None
                line = mended
        return line

    return mend


def _written(name: str) -> bytes:
    return json.dumps(name, ensure_ascii=False).encode()


def _has_one_spelling(name: bytes, line: bytes) -> bool:
    """Return whether a name in a line is the one meant, because that could not be written otherwise."""
    is_other = (b"\\u" in line and not name.isascii()) or (b"\\/" in line and b"/" in name)
    return not is_other and not ESCAPED.search(line)


def _replace(line: bytes, name: bytes, raw: bytes, meant: bytes) -> bytes | None:
    """Return a line with another value under a name, None if it is not plain where the value stands."""
    before, _, after = line.partition(name)
    start = after.find(raw)
    if name in after or after[:start].strip() != b":" or not _has_one_spelling(name, line):
        return None
    return b"".join((before, name, after[:start], meant, after[start + len(raw) :]))
