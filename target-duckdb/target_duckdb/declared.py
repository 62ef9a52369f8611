"""Knows the streams of a run under their latest schemas, and which of them lists the live keys of another."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from target_duckdb.errors import UnknownStreamError
from target_duckdb.metadata import DELETED_AT
from target_duckdb.streams import History, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_duckdb.shapes import Shape


class DeclaredStreams:
    """The streams of which a SCHEMA came."""

    def __init__(self, live_keys_suffix: str) -> None:
        self._suffix = live_keys_suffix
        self._streams: dict[str, Stream] = {}
        self._marking: set[str] = set()
        """The streams whose tap marks deletes, in a property that it does not declare."""
        self._version = int(time.time() * 1000)

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._streams.values())

    def __getitem__(self, name: str) -> Stream:
        """Return a stream; raise UnknownStreamError if there is none of that name."""
        if name not in self._streams:
            raise UnknownStreamError(f"a record for stream {name!r} came before its SCHEMA")
        return self._streams[name]

    def get(self, name: str) -> Stream | None:
        """Return a stream, or None if there is none of that name."""
        return self._streams.get(name)

    def declare(self, shape: Shape) -> Stream | None:
        """Take a stream's schema; return the stream under the one that it had until now, if that differs."""
        if shape.stream in self._marking:
            shape = shape.with_column(DELETED_AT)
        former = self._streams.get(shape.stream)
        if former and former.shape == shape:
            return None
        self._streams[shape.stream] = Stream(shape, former.history if former else History(self.new_version()))
        return former

    def mark(self, name: str) -> Stream | None:
        """Add the deletion column to a stream; return what `declare` returns."""
        stream = self[name]
        if name in self._marking:
            return None
        self._marking.add(name)
        return self.declare(stream.shape)

    def base(self, name: str) -> Stream | None:
        """Return the stream whose live keys another one lists, or None."""
        if not (self._suffix and name.endswith(self._suffix)):
            return None
        base = self._streams.get(name.removesuffix(self._suffix))
        if base is None or not base.shape.keys:
            return None
        return base if set(base.shape.keys) == set(self[name].shape.keys) else None

    def new_version(self) -> int:
        """Return a version for records that carry none, of one stream between two activations."""
        self._version += 1
        return self._version
