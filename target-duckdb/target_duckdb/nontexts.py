"""Numbers and structures where a text is declared: learnt when first seen, then put in quotes in passing.

DuckDB would write them anew. A tap that sends one sends it with every record, and looking at those value by
value takes ten times as long.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from msgspec import Struct

    from target_duckdb.batches import Shape

    Mender = Callable[[Struct, bytes], bytes | None]

AS_IT_IS = re.compile(rb'"|(null|true|false|0|-?[1-9][0-9]{0,17})?\Z')
"""What DuckDB stores under a text as it came: a text, nothing, and what it writes the only way there is."""
NUMBER = re.compile(rb"[-+.0-9eE]+")
ESCAPED = re.compile(rb"\\u00[2-7]")  # letters as no tap writes them


def stays(raw: bytes) -> bool:
    """Return whether DuckDB stores a value under a text as it came."""
    return AS_IT_IS.match(raw) is not None


def text_columns(shape: Shape) -> tuple[int, ...]:
    """Return which columns outside the key hold texts."""
    return tuple(
        index
        for index, column in enumerate(shape.columns)
        if column.type == "VARCHAR" and index not in shape.key_indexes
    )


def mender(shape: Shape, columns: Iterable[int]) -> Mender:
    """Return what makes a line's values under some columns texts, or None of a line that must be taken apart.

    The columns are those that the line's guard has left as they came.
    """
    places = [(f"c{index}", _written(shape.columns[index].property)) for index in columns]

    def mend(message: Struct, line: bytes) -> bytes | None:
        record = message.record  # type: ignore[attr-defined] # the guard made it
        for field, name in places:
            raw = bytes(getattr(record, field))
            if not stays(raw):
                mended = _quote(line, name, raw)
                if mended is None:
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


def _quote(line: bytes, name: bytes, raw: bytes) -> bytes | None:
    """Return a line with a value as text; None if it is not plain where the value stands."""
    before, _, after = line.partition(name)
    start = after.find(raw)
    if name in after or after[:start].strip() != b":" or not _has_one_spelling(name, line):
        return None
    if NUMBER.fullmatch(raw):
        text = b'"%b"' % raw
    elif b"\\u" in raw:
        return None  # perhaps half a surrogate pair
    else:
        try:
            text = json.dumps(raw.decode(), ensure_ascii=False).encode()
        except UnicodeDecodeError:
            return None
    return b"".join((before, name, after[:start], text, after[start + len(raw) :]))
