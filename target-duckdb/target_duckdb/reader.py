"""Reads Singer messages as bytes: records pass undecoded, everything else is rare."""

from __future__ import annotations

import os
import select
from codecs import BOM_UTF8
from collections import Counter
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

from target_duckdb.envelopes import read_envelope
from target_duckdb.errors import InputError, InvalidLineError, LoadError, SpoolError
from target_duckdb.files import ParquetFile, batch_files
from target_duckdb.interruption import STOP, Interrupted
from target_duckdb.rawjson import UNREADABLE, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from msgspec import Struct

    from target_duckdb.files import BatchFile
    from target_duckdb.guards import Envelope
    from target_duckdb.loader import Load

BLOCK = 1 << 17
"""Bytes that fit a core's cache with all that is decoded from them: with twice as many reading takes 7 %
longer, with half as many it is no faster."""
HEARTBEAT = 1.0
IDLE = bytes([0xFF, 0xFE])  # no JSON begins like this; only its identity counts


def blocks(descriptor: int) -> Iterator[bytes]:
    """Yield what a file descriptor holds as blocks of whole lines, at once; an empty one now and then."""
    return unmarked(_blocks(descriptor))


def unmarked(given: Iterable[bytes]) -> Iterator[bytes]:
    """Yield blocks of lines without the byte order mark that tools of Windows put before the first."""
    rest = iter(given)
    for block in rest:
        yield block.removeprefix(BOM_UTF8)
        if block:
            break
    yield from rest


def _blocks(descriptor: int) -> Iterator[bytes]:
    rest: list[bytes] = []
    while block := _read(descriptor):
        if block is IDLE:
            yield b""
        elif end := block.rfind(b"\n") + 1:
            yield b"".join([*rest, memoryview(block)[:end]])
            rest = [block[end:]]
        else:
            rest.append(block)
    if not STOP.is_wanted and (last := b"".join(rest)):
        yield last + b"\n"


def _read(descriptor: int) -> bytes:
    """Return the next bytes, IDLE if there are none yet, nothing at the end."""
    try:
        STOP.is_waiting = True
        if STOP.is_wanted:
            return b""
        if not select.select([descriptor], [], [], HEARTBEAT)[0]:
            return IDLE
        return os.read(descriptor, BLOCK)
    except Interrupted:
        return b""
    except OSError as error:
        raise InputError(f"cannot read the input: {error.strerror}") from error
    finally:
        STOP.is_waiting = False


class Reader:
    """Hands each line of the input, or of a file that the input names, to the load."""

    def __init__(
        self, load: Load, file: BatchFile | None = None, place: Callable[[int], str] | None = None
    ) -> None:
        self.load = load
        self.file = file
        self._place = place or (file.place if file else "line {}".format)
        self.number = 0
        self.counts: Counter[str] = Counter()
        self._takers: dict[str, Callable[[Envelope, bytes], None]] = {
            "SCHEMA": lambda message, _line: load.schema(message),
            "RECORD": load.record,
            "STATE": self._state,
            "ACTIVATE_VERSION": lambda message, _line: load.activate(message),
            "BATCH": self._batch,
        }

    def read(self, given: Iterable[bytes]) -> None:
        """Read blocks of lines, each with its newline, until they end or a signal comes."""
        with suppress(Interrupted):
            self.read_blocks(given)

    def read_blocks(self, given: Iterable[bytes]) -> None:
        """Read blocks of lines; let out Interrupted, so that nothing is read of what comes after them."""
        for block in given:
            self._read_block(block)
            self.load.pause(len(block))

    def _read_block(self, block: bytes) -> None:
        """Read a block at once if it holds nothing but records that fit, one in a line, else line by line.

        BytesIO looks for newlines with memchr; counting or splitting bytes takes three times as long.
        """
        hot, others = self.load.hot, 0
        try:
            records = hot.decode_lines(block)
        except UNREADABLE:
            records = []
        count, stream = len(records), hot.owner(records)
        if stream and not stream.mend and sum(1 for _ in BytesIO(block)) == count:
            self.load.block(stream, block, count)
        else:
            lines = BytesIO(block).readlines()
            if (fit := self._fit(records, lines)) is None:
                records, others = [], self._read_lines(lines)
            else:
                hot.distribute(records, fit)
            count = len(lines)
        if hot.has_strays and records:
            self.load.keep_strays(records)
        self.counts["RECORD"] += count - others
        self.number += count

    def _fit(self, records: list[Struct], lines: list[bytes]) -> list[bytes] | None:
        """Return the lines as their streams take them, None if they must be read one by one."""
        if len(lines) != len(records):
            return None
        if not self.load.hot.mends:
            return lines
        fit: list[bytes] = []
        for record, line in zip(records, lines, strict=True):
            mended = self.load.hot.mend(record, line)
            if mended is None:
                return None
            fit.append(mended)
        return fit

    def _read_lines(self, lines: list[bytes]) -> int:
        """Read line by line, and return how many were no records."""
        hot, others = self.load.hot, 0
        decode, append = hot.decode, hot.append
        for place, line in enumerate(lines, 1):
            try:
                record = decode(line)
                fit = hot.mend(record, line) if hot.mends else line
            except UNREADABLE:
                fit = None
            if fit is None:
                others += self._read_other(line, self.number + place)
                decode, append = hot.decode, hot.append
            else:
                append[type(record)](fit)
                if hot.has_strays:
                    self.load.keep_strays([record])
        return others

    def _state(self, message: Envelope, line: bytes) -> None:
        value = bytes(message.value)
        if not value:
            raise InvalidLineError("a STATE without a value")
        try:
            value.decode()  # msgspec does not look into it, and the ledger keeps it as text
        except UnicodeDecodeError as error:
            raise InvalidLineError(f"a STATE that is not UTF-8 ({error}): {redact(line)}") from error
        self.load.state(value)

    def _batch(self, message: Envelope, _line: bytes) -> None:
        for file in batch_files(message):
            if not (isinstance(file, ParquetFile) and self.load.parquet(file)):
                Reader(self.load, file).read_blocks(file.lines())

    def _read_other(self, line: bytes, number: int) -> bool:
        if not line.strip():
            return True
        try:
            message = self._envelope(line)
            if message.type not in self._takers:
                raise InvalidLineError(f"unknown message type {message.type!r}")
            self._takers[message.type](message, line)
        except LoadError as error:
            if self.load.is_failure(error) or isinstance(error, SpoolError):
                raise  # what came before is not committed, or the disk is full: this line has no part in it
            raise type(error)(f"{self._place(number)}: {error}") from error
        if message.type == "RECORD":
            return False
        self.counts[message.type] += 1
        return True

    def _envelope(self, line: bytes) -> Envelope:
        try:
            return read_envelope(line)
        except UNREADABLE as error:
            if self.file:
                raise self.file.complaint(line) from error
            raise InvalidLineError(f"not a Singer message ({error}): {redact(line)}") from error
