"""Knows which members make up each Singer message; what else a message holds may be anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from target_duckdb.errors import InvalidLineError
from target_duckdb.guards import Envelope
from target_duckdb.rawjson import UNREADABLE, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

READ = msgspec.json.Decoder(Envelope).decode
MEMBERS = {
    "SCHEMA": ("stream", "schema", "key_properties"),
    "RECORD": ("stream", "record", "version"),
    "ACTIVATE_VERSION": ("stream", "version"),
    "STATE": ("value",),
    "BATCH": ("stream", "encoding", "manifest", "version"),
}
WHOLE = ("STATE", "BATCH")
"""Messages that count as they are or not at all; of the others odd parts are left aside."""


def read_envelope(line: bytes) -> Envelope:
    """Return the envelope of a message; raise one of UNREADABLE if the line is none."""
    try:
        return READ(line)
    except UNREADABLE as error:
        try:
            return _envelope_of(parse_object(line))
        except (*UNREADABLE, InvalidLineError, ValueError):
            raise error from None  # it says what is wrong with the line as it came


def _envelope_of(parts: Mapping[str, str]) -> Envelope:
    """Return the envelope of a message that holds what msgspec refuses, such as half a surrogate pair."""
    kind = json.loads(parts.get("type", "null"))
    if not isinstance(kind, str) or kind not in MEMBERS:
        raise InvalidLineError("not a Singer message")
    own = {name: parts[name] for name in MEMBERS[kind] if name in parts}
    if kind not in WHOLE:
        return _loose_envelope(kind, own)
    return READ(msgspec.json.encode({"type": kind} | {name: _raw(text) for name, text in own.items()}))


def _loose_envelope(kind: str, own: Mapping[str, str]) -> Envelope:
    stream, version, keys = (
        json.loads(own.get(name, "null")) for name in ("stream", "version", "key_properties")
    )
    if not isinstance(stream, str):
        raise InvalidLineError("its stream is no name")
    if not isinstance(keys, list | None) or not all(isinstance(key, str) for key in keys or ()):
        raise InvalidLineError("its key_properties are no list of names")
    return Envelope(
        kind,
        stream,
        record=_raw(own.get("record", "")),
        schema=_raw(own.get("schema", "")),
        key_properties=keys,
        version=version if type(version) is int else None,
    )


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode("utf-8", "surrogateescape"))
