"""JSON lines as values and back, with every number as it was written and what UTF-8 cannot hold."""

from __future__ import annotations

import json
import math
from decimal import Decimal, InvalidOperation
from typing import Any, Self

import msgspec

from target_duckdb.errors import InvalidLineError
from target_duckdb.rawjson import UNREADABLE


class Written(Decimal):
    """A number that Python would write in another way than it came, with an exponent mostly."""

    text: str

    def __new__(cls, text: str) -> Self:
        """Return what a text says."""
        number = super().__new__(cls, text)
        number.text = text
        return number


class Constant(float):
    """Such as NaN, which JSON does not have as a number: passed on as it came, and rejected by the loader."""

    text: str

    def __new__(cls, text: str) -> Self:
        """Return what a text says, as nearly as a float can."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def _read_number(text: str) -> Decimal | Constant:
    try:
        number = Decimal(text)
        return number if str(number) == text else Written(text)
    except InvalidOperation:  # an exponent of 19 digits
        return Constant(text)


def _write(value: object) -> msgspec.Raw | str:
    return msgspec.Raw(value.text.encode()) if isinstance(value, Written | Constant) else str(value)


DECODE = msgspec.json.Decoder(float_hook=_read_number).decode
ENCODE = msgspec.json.Encoder(decimal_format="number", enc_hook=_write).encode


def decoded(line: bytes) -> Any:  # noqa: ANN401 - whatever it holds
    """Return what a line holds, also if msgspec refuses it: a line that went unmapped could tell secrets."""
    try:
        return DECODE(line)
    except UNREADABLE:
        pass
    text = line.decode("utf-8", "surrogateescape")
    try:
        return json.loads(text, parse_float=_read_number, parse_constant=Constant, strict=False)
    except ValueError:
        return None
    except RecursionError as error:
        raise InvalidLineError("nested too deeply to be mapped") from error


def encoded(message: dict[str, Any]) -> bytes:
    """Return a message as a line."""
    try:
        return ENCODE(message)
    except UnicodeEncodeError:  # half a surrogate pair
        return ENCODE(_escaped(message))


def _escaped(value: Any) -> Any:  # noqa: ANN401 - whatever a message holds
    """Return a value that can be written: the texts that UTF-8 cannot hold are escaped."""
    if isinstance(value, dict):
        parts = (json.dumps(name).encode() + b":" + ENCODE(_escaped(each)) for name, each in value.items())
        return msgspec.Raw(b"{" + b",".join(parts) + b"}")
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return msgspec.Raw(json.dumps(value).encode()) if isinstance(value, str) else value


def with_constants(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record in which what a map computed goes as it is, too; numbers that came are no floats."""
    if float not in map(type, record.values()):
        return record
    return {
        name: Constant(json.dumps(value)) if _is_constant(value) else value for name, value in record.items()
    }


def _is_constant(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def exact(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record in which what a map computed can be compared to numbers that came, too."""
    if float not in map(type, record.values()):
        return record
    return {
        name: Decimal(repr(value)) if type(value) is float and math.isfinite(value) else value
        for name, value in record.items()
    }
