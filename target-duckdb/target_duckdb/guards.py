"""What a record must look like so that DuckDB reads it without a loss: one msgspec type per table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Raw

from target_duckdb.columns import EXACT_IN_DOUBLE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from target_duckdb.columns import Column
    from target_duckdb.shapes import Shape

Form: TypeAlias = Any  # a type, a union of types, an annotated type
INTEGER = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
EXACT = Annotated[int, Meta(ge=-EXACT_IN_DOUBLE, le=EXACT_IN_DOUBLE)]
TEXT = str | int | bool | None
INTEGER_AS_TEXT = Annotated[str, Meta(pattern=r"^-?(0|[1-9][0-9]{0,17})\Z")]
EXPONENT = "[eE][-+]?[0-9]{1,2}"
FRACTION = rf"(0|[1-9][0-9]{{0,99}})(\.[0-9]{{1,99}}({EXPONENT})?|{EXPONENT})"
POINTED = rf"\.[0-9]{{1,99}}({EXPONENT})?"
NUMBER_AS_TEXT = Annotated[str, Meta(pattern=rf"^-?(0|[1-9][0-9]{{0,14}}|{FRACTION}|{POINTED})\Z")]
"""Texts that DuckDB reads as the number that they tell: an integer exactly, else as the nearest double."""
ACCEPTED: dict[str, Any] = {
    "VARCHAR": TEXT,
    "BIGINT": INTEGER | INTEGER_AS_TEXT | None,
    "HUGEINT": INTEGER | None,
    "DOUBLE": float | EXACT | NUMBER_AS_TEXT | None,
    "BOOLEAN": bool | Literal[0, 1, "true", "True", "TRUE", "false", "False", "FALSE"] | None,
    "JSON": Raw,
}
JSON_KEY = dict[str, Raw] | list[Raw] | str | int | float | bool
"""Anything but null, which `Raw` permits, too."""
LIGHT = frozenset({"VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMPTZ"})


class Envelope(msgspec.Struct, gc=False):
    """Any Singer message, its contents left as they came."""

    type: str = ""
    stream: str = ""
    record: Raw = Raw()
    schema: Raw = Raw()
    value: Raw = Raw()
    key_properties: list[str] | None = None
    version: int | None = None
    encoding: Raw = Raw()
    manifest: list[str] | None = None


def record_type(
    shape: Shape, *, is_careful: bool, strays: Sequence[str] = (), misfits: Collection[int] = ()
) -> type[msgspec.Struct]:
    """Return the type of a RECORD message of one stream in which every value fits its column.

    msgspec checks the JSON types, the bounds of integers, the presence of keys and the absence of unknown
    properties while it scans the line; whatever it refuses is looked at value by value. Making Python texts
    would be a third of the work, so unless it is careful it does not look at texts: `sql.doubts` does. At the
    columns of misfits it does not look at all.
    """
    keys = set(shape.key_indexes)
    needed: list[Any] = [_key(index, shape.columns[index]) for index in sorted(keys)]
    others = [
        (f"c{index}", Raw, Raw()) if index in misfits else _field(index, column, is_careful=is_careful)
        for index, column in enumerate(shape.columns)
        if index not in keys
    ]
    fields = {f"c{index}": column.property for index, column in enumerate(shape.columns)}
    unknown = {f"s{number}": name for number, name in enumerate(strays)}
    record = msgspec.defstruct(
        "Record",
        [*needed, *others, *((field, Raw, Raw()) for field in unknown)],
        rename=fields | unknown,
        forbid_unknown_fields=True,
        gc=False,
    )
    parts: list[Any] = [
        ("type", Literal["RECORD"]),
        ("record", record),
        ("version", int | None, None),
    ]
    return msgspec.defstruct("Message", parts, tag_field="stream", tag=shape.stream, gc=False)


def _accepted(column: Column) -> Form:
    if column.type.startswith("DECIMAL"):
        return str | INTEGER | None
    return ACCEPTED.get(column.type, str | None)


def _field(index: int, column: Column, *, is_careful: bool) -> tuple[str, Any, Any]:
    accepted = _accepted(column) if is_careful or column.type not in LIGHT else Raw
    return (f"c{index}", accepted, Raw() if accepted is Raw else None)


def _key(index: int, column: Column) -> tuple[str, Any]:
    if column.type == "DOUBLE":
        return (f"c{index}", EXACT)  # a fraction may be another one's double
    accepted = _accepted(column)
    return (f"c{index}", JSON_KEY if accepted is Raw else _without_none(accepted))


def _without_none(accepted: Form) -> Form:
    parts = [part for part in accepted.__args__ if part is not type(None)]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole | part
    return whole
