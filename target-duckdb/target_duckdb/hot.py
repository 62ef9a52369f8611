"""The quick way: one decoder that knows the streams now flowing and checks their records as it scans."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import msgspec

from target_duckdb.rawjson import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from target_duckdb.streams import Stream

FEW, MANY = 32, 512
"""How many streams one decoder knows. Few at first: the decoder is rebuilt for each new stream, and most taps
send one after the other. Many once an evicted stream returns."""


class HotStreams:
    """The streams whose records pass undecoded; the decoder is rebuilt when they change."""

    def __init__(self) -> None:
        self.decode: Callable[[bytes], msgspec.Struct] = _refuse
        self.decode_lines: Callable[[bytes], list[msgspec.Struct]] = _refuse
        self.append: dict[type, Callable[[bytes], None]] = {}
        self._streams: dict[type, Stream] = {}
        self.has_strays = False
        self.mends = False
        """Whether some lines need a change before they are handed on."""
        self._most = FEW
        self._former: set[str] = set()

    def __iter__(self) -> Iterator[Stream]:
        return iter(list(self._streams.values()))

    def __contains__(self, stream: Stream) -> bool:
        return stream.guard in self._streams

    def add(self, stream: Stream, line: bytes) -> msgspec.Struct | None:
        """Let a stream's records pass from now on; return this first one if it does."""
        if stream.guard is None:
            return None
        if stream.shape.stream in self._former:
            self._most = MANY
        if len(self._streams) >= self._most:
            self._former |= {former.shape.stream for former in self}
            self._streams.clear()
        self._streams[stream.guard] = stream
        self._renew()
        try:
            record = self.decode(line)
        except UNREADABLE:
            return None
        mended = stream.mend(record, line) if stream.mend else line
        if mended is None:
            return None
        stream.lines.append(mended)
        return record

    def remove(self, stream: Stream) -> None:
        """Have a stream's next record looked at."""
        if stream.guard and self._streams.pop(stream.guard, None):
            self._renew()

    def owner(self, records: Iterable[msgspec.Struct]) -> Stream | None:
        """Return the stream of decoded records if all are of one."""
        kinds = set(map(type, records))
        return self._streams[kinds.pop()] if len(kinds) == 1 else None

    def mend(self, record: msgspec.Struct, line: bytes) -> bytes | None:
        """Return the line of a decoded record as its stream takes it, None if it must be looked at."""
        mend = self._streams[type(record)].mend
        return mend(record, line) if mend else line

    def with_strays(self, records: Iterable[msgspec.Struct]) -> Iterator[tuple[Stream, list[msgspec.Struct]]]:
        """Yield the streams that have undeclared properties, each with its own of the records."""
        for guard, stream in self._streams.items():
            if stream.strays and (own := [record for record in records if type(record) is guard]):
                yield stream, own

    def distribute(self, records: Iterable[msgspec.Struct], lines: Iterable[bytes]) -> None:
        """Hand each line to the stream of the record that it was decoded as."""
        append = self.append
        for record, line in zip(records, lines, strict=True):
            append[type(record)](line)

    def _renew(self) -> None:
        self.append = {guard: stream.lines.append for guard, stream in self._streams.items()}
        self.has_strays = any(stream.strays for stream in self)
        self.mends = any(stream.mend for stream in self)
        guards = list(self._streams)
        if guards:
            decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(reduce(or_, guards))
            self.decode, self.decode_lines = decoder.decode, decoder.decode_lines
        else:
            self.decode = self.decode_lines = _refuse


def _refuse(_line: bytes) -> Any:  # noqa: ANN401 - it returns nothing at all
    raise msgspec.DecodeError
