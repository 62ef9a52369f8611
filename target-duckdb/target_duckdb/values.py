"""The tolerant way: one record that did not fit, value by value, nothing lost.

Every value of such a record is stored exactly, or set to NULL and handed back with its raw text and a reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING

import msgspec

from target_duckdb.columns import DECIMAL, INT64, Json
from target_duckdb.errors import InvalidLineError, MissingKeyError
from target_duckdb.metadata import DELETED_AT
from target_duckdb.misfits import is_misfit, mendable
from target_duckdb.rawjson import SURROGATE, depth, parse_object, readable
from target_duckdb.sql import ENVELOPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from target_duckdb.columns import Column
    from target_duckdb.shapes import Shape

    Converter = Callable[[str, str], str]

MAX_DEPTH = 100
UNDECLARED = "not in the schema"
INT128 = 2**127 - 1
WIDE = Context(prec=200)
NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,4})?")
WHOLE = re.compile(r"[-+]?[0-9]+")
SHORT = re.compile(r"-?[1-9][0-9]{0,17}|0")
"""Integers that fit every column of integers."""
TRUTHS = {
    **dict.fromkeys(("true", "1", '"true"', '"True"', '"TRUE"', '"1"'), "true"),
    **dict.fromkeys(("false", "0", '"false"', '"False"', '"FALSE"', '"0"'), "false"),
}
LETTERS = r'[^"\\\x00-\x1f\ud800-\udfff]*'
PLAIN = re.compile(rf'"{LETTERS}(?:\\(?:["\\/bfnrt]|u(?![dD])[0-9a-fA-F]{{4}}){LETTERS})*"')
"""Texts that any JSON parser reads as the same: without control characters and surrogates."""
HOLD_EMPTY = frozenset({"VARCHAR", "JSON", "BLOB"})
"""Types that have a value for the empty text."""


class Rejected(ValueError):  # noqa: N818 - a verdict on a value, not a failure of the program
    """A value that its column cannot hold; the argument is the reason."""


@dataclass(frozen=True)
class Rejection:
    """One value that was not stored, as it came."""

    key: str
    property: str | None
    raw: str
    reason: str


@dataclass(frozen=True)
class Rewritten:
    """A record made to fit: its new line (none if it cannot be stored) and what had to be left out."""

    line: bytes | None
    rejections: list[Rejection]
    undeclared: list[str]
    """The properties that the schema does not have."""
    misfits: list[int]
    """The columns, by number, of which it had a value that can be mended in passing."""


class Rewriter:
    """Takes the records of a stream apart and puts them together so that DuckDB reads them without a loss."""

    def __init__(self, shape: Shape) -> None:
        self._stream = shape.stream
        self._keys = shape.keys
        self._columns = [
            (column, f"{json.dumps(field)}:", converter_of(column.type, is_key=column.property in shape.keys))
            for field, column in zip(shape.fields, shape.columns, strict=True)
        ]
        self._mendable = [(index, shape.columns[index], form) for index, form in mendable(shape).items()]
        self._key_parts = [(index, json.dumps(shape.columns[index].property)) for index in shape.key_indexes]

    def rewrite(self, line: bytes) -> Rewritten:
        """Return a RECORD line that DuckDB reads without a loss, with the values that had to be left out."""
        envelope = parse_object(line)
        if "record" not in envelope:
            raise InvalidLineError("a RECORD without a record")
        raws = parse_object(_encoded(envelope["record"]))
        self._require_keys(raws)
        misfits = [
            index
            for index, column, form in self._mendable
            if is_misfit(_encoded(raws.get(column.property, "null")), column.type, form)
        ]
        kept, rejected = self._take(raws)
        rejected.extend((name, raw, UNDECLARED) for name, raw in raws.items() if raw != "null")
        is_whole = all(kept[index] != "null" for index, _ in self._key_parts)
        if not is_whole:
            rejected.append((None, envelope["record"], "its key has no valid value"))
        found = []
        if rejected:
            key = self._key(kept)
            found = [Rejection(key, name, readable(raw), reason) for name, raw, reason in rejected]
        return Rewritten(self._line(kept, envelope) if is_whole else None, found, list(raws), misfits)

    def _take(self, raws: dict[str, str]) -> tuple[list[str], list[tuple[str | None, str, str]]]:
        """Take the declared properties out of a record; return what is kept of each, and what is not."""
        kept: list[str] = []
        rejected: list[tuple[str | None, str, str]] = []
        for column, _, convert in self._columns:
            raw = raws.pop(column.property, "null")
            if raw == "null" or (convert is _text and PLAIN.fullmatch(raw)):  # most are
                kept.append(raw)
                continue
            try:
                kept.append(_convert(raw, column.type, convert))
            except Rejected as verdict:
                kept.append(_mark(raw, column))
                if kept[-1] == "null":
                    rejected.append((column.property, raw, str(verdict)))
        return kept, rejected

    def _require_keys(self, raws: Mapping[str, str]) -> None:
        missing = [key for key in self._keys if raws.get(key, "null") == "null"]
        if missing:
            names = ", ".join(repr(key) for key in missing)
            raise MissingKeyError(f"a record of {self._stream!r} has no value for its key {names}")

    def _key(self, kept: Sequence[str]) -> str:
        if not self._key_parts:
            return "null"
        parts = (f"{name}:{_normal(kept[index])}" for index, name in self._key_parts)
        return "{" + ",".join(parts) + "}"

    def _line(self, kept: Iterable[str], envelope: Mapping[str, str]) -> bytes:
        parts = [name + raw for (_, name, _), raw in zip(self._columns, kept, strict=True)]
        rest = "".join(
            f',"{name}":{_kept_or_null(envelope[name], column_type)}'
            for name, column_type in ENVELOPE.items()
            if name in envelope
        )
        return f'{{"record":{{{",".join(parts)}}}{rest}}}'.encode()


def _encoded(raw: str) -> bytes:
    return raw.encode("utf-8", "surrogateescape")


def _mark(raw: str, column: Column) -> str:
    """Return what is kept of a value that does not fit: of a mark of deletion a text, which DuckDB rejects.

    It marks the record all the same, as any text does that is no time.
    """
    is_mark = (column.property, column.type) == (DELETED_AT.property, DELETED_AT.type)
    return json.dumps(readable(raw)) if is_mark and raw not in {"false", "0"} else "null"


def reject_line(rejection: Rejection) -> bytes:
    """Return a rejection as a line for DuckDB to read."""
    parts = {"key": rejection.key, "raw": rejection.raw, "reason": rejection.reason}
    if rejection.property is not None:
        parts["property"] = readable(rejection.property)
    return json.dumps(parts, ensure_ascii=False).encode() + b"\n"


def _normal(raw: str) -> str:
    """Return a value as it is written in whatever way its record came."""
    return json.dumps(_decoded(raw), ensure_ascii=False) if raw.startswith('"') else raw


def _kept_or_null(raw: str, column_type: str) -> str:
    try:
        return _convert(raw, column_type, converter_of(column_type))
    except Rejected:
        return "null"


def _convert(raw: str, column_type: str, convert: Converter) -> str:
    if raw == "null" or (raw == '""' and column_type not in HOLD_EMPTY):
        return "null"
    if not PLAIN.fullmatch(raw) and (SURROGATE.search(raw) or _has_lone_surrogate(raw)):
        raise Rejected("not valid Unicode")
    return convert(raw, column_type)


def _has_lone_surrogate(raw: str) -> bool:
    return "\\ud" in raw.lower() and bool(SURROGATE.search(json.dumps(_decoded(raw), ensure_ascii=False)))


def _decoded(raw: str) -> Json:
    try:
        return json.loads(raw, strict=False)
    except (ValueError, RecursionError) as error:
        raise Rejected("not valid JSON") from error


def _text(raw: str, _column_type: str) -> str:
    if PLAIN.fullmatch(raw):
        return raw
    if raw.startswith('"'):
        return json.dumps(_decoded(raw), ensure_ascii=False)
    return json.dumps(raw, ensure_ascii=False)


def _only_text(raw: str, column_type: str) -> str:
    if not raw.startswith('"'):
        raise Rejected(f"not a valid {column_type}")
    return _text(raw, column_type)


def _number(raw: str, column_type: str) -> str:
    text = str(_decoded(raw)).strip() if raw.startswith('"') else raw
    if not NUMBER.fullmatch(text):
        raise Rejected(f"not a valid {column_type}")
    return text


def _integer(raw: str, column_type: str) -> str:
    if SHORT.fullmatch(raw):
        return raw
    number = Decimal(_number(raw, column_type))
    limit = INT64 if column_type == "BIGINT" else INT128
    if abs(number) > limit + 1 or not -limit - 1 <= number <= limit:
        raise Rejected(f"too large for {column_type}")
    if number != number.to_integral_value():
        raise Rejected("not a whole number")
    return str(int(number))


def _double(raw: str, column_type: str) -> str:
    """Return the nearest double of a fraction, and of an integer the very same or none: it may be an id."""
    number = _number(raw, column_type)
    value = float(number)
    if value in {float("inf"), float("-inf")}:
        raise Rejected(f"too large for {column_type}")
    if WHOLE.fullmatch(number) and Decimal(number) != Decimal(value):
        raise Rejected(f"more digits than a {column_type} holds")
    return repr(value)


def _double_key(raw: str, column_type: str) -> str:
    """Return the double of a key, if no other number is the same double."""
    written, number = _double(raw, column_type), _number(raw, column_type)
    is_whole = float(written).is_integer() and "e" not in number.lower()
    if Decimal(number) != Decimal(float(written) if is_whole else written):
        raise Rejected(f"more digits than a {column_type} holds")
    return written


def _exact(raw: str, column_type: str) -> str:
    if raw.startswith('"') or WHOLE.fullmatch(raw):
        return _text(raw, column_type)  # DuckDB says whether it fits, as of those that pass by
    match = DECIMAL.fullmatch(column_type)
    precision, scale = (int(match[1]), int(match[2])) if match else (38, 9)
    number = Decimal(_number(raw, column_type))
    if number.adjusted() >= precision - scale and number != 0:
        raise Rejected(f"too large for {column_type}")
    if number != number.quantize(Decimal(1).scaleb(-scale), context=WIDE):
        raise Rejected(f"more than {scale} decimals")
    return f'"{number:f}"'


def _boolean(raw: str, column_type: str) -> str:
    if raw not in TRUTHS:
        raise Rejected(f"not a valid {column_type}")
    return TRUTHS[raw]


def _structure(raw: str, _column_type: str) -> str:
    if raw.count("[") + raw.count("{") > MAX_DEPTH and depth(raw) > MAX_DEPTH:
        raise Rejected(f"nested deeper than {MAX_DEPTH} levels")
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        raise Rejected("not valid JSON") from error
    return raw


CONVERTERS: dict[str, Converter] = {
    "BIGINT": _integer,
    "HUGEINT": _integer,
    "DOUBLE": _double,
    "DECIMAL": _exact,
    "BOOLEAN": _boolean,
    "JSON": _structure,
    "TIMESTAMPTZ": _only_text,
    "TIMESTAMP": _only_text,
    "DATE": _only_text,
    "TIME": _only_text,
    "UUID": _only_text,
    "BLOB": _only_text,
}


def converter_of(column_type: str, *, is_key: bool = False) -> Converter:
    """Return what makes a raw value fit a column of a type, or raises Rejected."""
    if is_key and column_type == "DOUBLE":
        return _double_key
    return CONVERTERS.get(column_type.partition("(")[0], _text)
