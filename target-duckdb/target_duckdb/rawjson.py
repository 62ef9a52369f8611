"""JSON texts taken apart without being decoded: what a value was written like is what counts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import msgspec

from target_duckdb.errors import InvalidLineError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

SURROGATE = re.compile("[\ud800-\udfff]")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s"\[\]{}:,]+', re.DOTALL)
VALUE = re.compile(r'("(?:[^"\\]|\\.)*"\s*:)|"(?:[^"\\]|\\.)*"?|[^\s"\[\]{}:,]+', re.DOTALL)
SHOWN = 200
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
RAWS = msgspec.json.Decoder(dict[str, msgspec.Raw])
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse_object(text: bytes) -> dict[str, str]:
    """Return the members of a JSON object as raw texts; of equal names the last counts.

    What msgspec refuses may still be taken apart: lone surrogates, bytes that are not UTF-8 (they come out as
    surrogates), control characters, NaN, thousands of levels.
    """
    try:
        return {name: bytes(raw).decode() for name, raw in RAWS.decode(text).items()}
    except UNREADABLE:
        return dict(_members(text.decode("utf-8", "surrogateescape").strip()))


def _members(text: str) -> Iterator[tuple[str, str]]:
    for start, colon, end in _places(text):
        name, value = text[start:colon].strip(), text[colon + 1 : end].strip()
        try:
            yield str(json.loads(name, strict=False)), value
            json.loads(value, strict=False)
        except RecursionError:
            continue
        except ValueError as error:
            raise InvalidLineError(f"not valid JSON near {readable(value or name)[:40]}") from error


def _places(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield where each member begins, has its colon and ends."""
    level, start, colon = 0, 1, -1
    for token in TOKEN.finditer(text):
        mark, here = token[0], token.start()
        level -= mark in {"]", "}"}
        if level == 1 and mark == ":" and colon < 0:
            colon = here
        elif (level == 1 and mark == ",") or (level == 0 and mark == "}"):
            if colon > 0:
                yield start, colon, here
            elif text[start:here].strip() or mark == ",":
                raise InvalidLineError("not a JSON object")
            start, colon = here + 1, -1
        level += mark in {"[", "{"}
        if level < 1 and here + 1 < len(text):
            raise InvalidLineError("not a JSON object")
    if level or not text.startswith("{"):
        raise InvalidLineError("not a JSON object")


def readable(raw: str) -> str:
    """Return a raw JSON text as it may be stored as text: what UTF-8 cannot hold is escaped."""
    return SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", raw).replace("\0", "\\u0000")


def redact(line: bytes) -> str:
    """Return the beginning of a line with its names, but without its values, fit for a terminal."""
    text = line.rstrip(b"\n")[:SHOWN].decode("utf-8", "replace")
    return printable(VALUE.sub(lambda found: found[0] if found[1] else "…", text))


def depth(raw: str) -> int:
    """Return how deep the arrays and objects of a JSON text are nested."""
    level = deepest = 0
    for character in STRING.sub("", raw):
        level += (character in "[{") - (character in "]}")
        deepest = max(deepest, level)
    return deepest
