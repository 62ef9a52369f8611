"""Properties that records have and their schema does not: recognised once, then kept as they came.

Their records are not taken apart for that: a tap that sends one sends it with every record, and looking at
those value by value takes ten times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from target_duckdb.rawjson import readable
from target_duckdb.shapes import is_readable
from target_duckdb.values import UNDECLARED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from target_duckdb.shapes import Shape

MOST = 100
PLAIN_KEYS = frozenset({"VARCHAR", "BIGINT", "HUGEINT"})
"""Types of key columns whose values say at once how a rejected value names its record."""
ENCODE = msgspec.json.Encoder().encode


def learn(shape: Shape, known: tuple[str, ...], undeclared: Iterable[str]) -> tuple[str, ...]:
    """Return the undeclared properties that a stream's decoder may know, after those of one more record.

    DuckDB would take a name for a declared one that differs from it in nothing but case.
    """
    if not all(shape.columns[index].type in PLAIN_KEYS for index in shape.key_indexes):
        return known
    taken = {name.casefold() for name in (*known, *(column.property for column in shape.columns))}
    for name in undeclared:
        if name.casefold() not in taken and is_readable(name):
            known, taken = (*known, name), {*taken, name.casefold()}
    return known[:MOST]


def keep(shape: Shape, strays: tuple[str, ...], messages: Iterable[msgspec.Struct]) -> Iterator[bytes]:
    """Yield the rejected values of undeclared properties in decoded records, a line for each value."""
    keys = [(f"c{index}", shape.columns[index]) for index in shape.key_indexes]
    names = [(f"s{number}", name) for number, name in enumerate(strays)]
    for message in messages:
        record = message.record  # type: ignore[attr-defined] # the guard made it
        for field, name in names:
            raw = bytes(getattr(record, field))
            if raw and raw != b"null":
                key = {column.property: _text(getattr(record, place), column.type) for place, column in keys}
                text = ENCODE(key).decode() if key else "null"
                yield (
                    ENCODE({"key": text, "property": name, "raw": _readable(raw), "reason": UNDECLARED})
                    + b"\n"
                )


def _text(value: object, column_type: str) -> object:
    """Return a key's value as it is stored: a number may come as text, and a text as something else."""
    if column_type == "VARCHAR":
        return value if isinstance(value, str) else ENCODE(value).decode()
    return int(str(value))


def _readable(raw: bytes) -> str:
    is_plain = raw.isascii() and 0 not in raw
    return raw.decode() if is_plain else readable(raw.decode("utf-8", "surrogateescape"))
