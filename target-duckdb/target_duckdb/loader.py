"""Knows what each Singer message does to the streams and the open batch; of records, marks of deletion."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from target_duckdb.batches import Activation, Declaration, Swap
from target_duckdb.columns import INT64
from target_duckdb.commit_queue import CommitQueue
from target_duckdb.declared import DeclaredStreams
from target_duckdb.hot import HotStreams
from target_duckdb.metadata import DELETED_AT
from target_duckdb.open_batch import OpenBatch
from target_duckdb.parquet import is_exact
from target_duckdb.progress import Progress
from target_duckdb.rawjson import parse_object
from target_duckdb.shapes import shape_of
from target_duckdb.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from msgspec import Struct

    from target_duckdb.files import ParquetFile
    from target_duckdb.guards import Envelope
    from target_duckdb.settings import Settings
    from target_duckdb.streams import Stream


LOGGER = logging.getLogger("target-duckdb")
MARK = f'"{DELETED_AT.property}"'.encode()
"""What a line with a mark of deletion holds, beside some others; most hold nothing like it."""


class Load:
    """One run: messages go in, batches are committed, STATE comes out."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.spool = Spool(settings.temp_directory)
        with ExitStack() as undo:
            undo.callback(self.spool.close)
            self.commits = CommitQueue(settings, self.spool.path / "spill")
            undo.pop_all()
        self.streams = DeclaredStreams(settings.live_keys_suffix)
        self.hot = HotStreams()
        self.batch = OpenBatch(settings, self.spool, self.streams, self.hot)
        self.progress = Progress()
        self._announced: set[str] = set()
        """The streams of which a version has been activated."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave nothing behind but what was committed."""
        with ExitStack() as stack:
            stack.callback(self.spool.close)
            stack.callback(self.commits.close)
            self.hurry()

    def hurry(self) -> None:
        """Be done soon."""
        self.commits.hurry()

    def is_failure(self, error: BaseException) -> bool:
        """Return whether an error is why a batch is not there, whatever is being read when it comes out."""
        return self.commits.is_failure(error)

    @property
    def _heeds_versions(self) -> bool:
        """Whether versions and live keys delete anything."""
        return self.settings.process_activate_version_messages and self.settings.load_method == "upsert"

    def schema(self, message: Envelope) -> None:
        """Take a SCHEMA message."""
        self._retire(self.streams.declare(shape_of(message, self.settings)))

    def block(self, stream: Stream, block: bytes, rows: int) -> None:
        """Take a block of lines that are records of one stream and fit."""
        self.batch.write_block(stream, block, rows)

    def record(self, message: Envelope, line: bytes) -> None:
        """Take a RECORD message that the quick way did not: a stream's first, or one that does not fit."""
        if MARK in line and _is_marked(message):
            self._retire(self.streams.mark(message.stream))
        stream = self.streams[message.stream]
        if stream.segment is None and not stream.lines:
            self._begin(stream, message.version)
        self.batch.let_wait(stream)
        passed = None if stream in self.hot else self.hot.add(stream, line)
        if passed and stream.strays:
            self.keep_strays([passed])
        if passed is None:
            segment = self.batch.segment(stream)
            if stream.rewrite(line, segment):
                self.hot.remove(stream)
                stream.renew()

    def keep_strays(self, records: Sequence[Struct]) -> None:
        """Keep the undeclared properties of records that passed."""
        for stream, own in list(self.hot.with_strays(records)):
            stream.keep_strays(own, self.batch.segment(stream))

    def parquet(self, file: ParquetFile) -> bool:
        """Take the rows of a Parquet file as they are; return whether that is possible."""
        if DELETED_AT.property in file.types:
            self._retire(self.streams.mark(file.stream))
        stream = self.streams[file.stream]
        if not file.rows or not is_exact(stream.shape, file.types):
            return False
        path = self.spool.new_file(".parquet")
        for part in file.copy(path).parts(self.settings.batch_size_rows):
            self.batch.write(stream)
            self._begin(stream, part.version)
            self.batch.write_file(stream, part)
            self.pause(part.size)
        return True

    def state(self, value: bytes) -> None:
        """Take a STATE message; a batch that is due is cut here, so that its STATE covers all of it."""
        self.batch.cover(value)
        for name in self._announced:
            self.streams[name].cover()
        if self.batch.is_due:
            self.flush()

    def activate(self, message: Envelope) -> None:
        """Take an ACTIVATE_VERSION message.

        Live keys count at once. Any other stream's old versions go at the end of the run, because Singer taps
        announce a version before they send it; and not if its records were the last that came: a tap that
        fails in the midst of them closes its output as one that has sent them all.
        """
        if not self._heeds_versions:
            return
        stream = self.streams.get(message.stream)
        if stream is None:
            _leave_aside(message.stream, "came before its SCHEMA")
        elif message.version is None or not -INT64 <= message.version <= INT64:
            _leave_aside(message.stream, "has no valid version")
        elif (base := self.streams.base(message.stream)) is None:
            stream.history.activated = message.version
            stream.history.is_versioned = True
            stream.cover()
            self._announced.add(message.stream)
        else:
            self._sweep(stream, base, message.version)

    def _retire(self, former: Stream | None) -> None:
        """Be done with a stream under a schema that no longer holds."""
        if former:
            self.batch.seal(former)
            self.hot.remove(former)

    def _begin(self, stream: Stream, version: int | None) -> None:
        """Take note of what a segment's first record tells about its stream."""
        base, known = self.streams.base(stream.shape.stream), stream.history
        known.is_early = known.is_early or base is None
        known.counted = None
        if base and not base.history.is_swept and self._heeds_versions:
            if self.batch.sweeps(base.shape):
                self.flush()  # what is spared now is not what was spared before
            self.batch.seal(base)
            base.history.is_swept = True
        known.is_versioned = known.is_versioned or version is not None or base is not None
        known.is_unversioned = known.is_unversioned or version is None

    def _sweep(self, stream: Stream, base: Stream, version: int) -> None:
        """Have live keys count; those that came without a version are as much alive as the others.

        Said again of the same list it counts for nothing: what has come since then was not to be listed.
        """
        known = stream.history
        if known.counted == version:
            return
        known.counted = version
        for part in (stream, base):
            self.batch.seal(part)
        self.hot.remove(stream)
        if known.is_early:
            _leave_aside(stream.shape.stream, f"had keys before the SCHEMA of {base.shape.stream!r}")
        else:
            self.batch.add(Activation(stream.shape, version, base.shape, known.version))
            known.activated = None
        base.history.is_swept = known.is_early = False
        known.version = self.streams.new_version()

    def pause(self, size: int) -> None:
        """Take note of bytes read; a batch that waits for a STATE in vain is cut anyway."""
        self.batch.read(size)
        for stream in self.batch.written():
            if stream.may_relax and not self._is_doubtful(stream):
                self.hot.remove(stream)
                stream.relax()
        if self.progress.is_due():
            rows, commits = self.commits.progress
            self.progress.say(rows + self.batch.rows, commits)
        if self.batch.is_due:
            self.flush()
        self.commits.check()

    def flush(self, *, is_final: bool = False) -> None:
        """Cut a batch and have it committed while reading goes on."""
        for stream in self.batch.close():
            if not stream.is_careful and self._is_doubtful(stream):
                self.hot.remove(stream)
                stream.beware()
        self.commits.add(self.batch.cut(is_final=is_final))

    def finish(self, *, is_complete: bool = True) -> None:
        """Commit what is left; if the input was complete, with what counts only then."""
        if is_complete:
            for stream in self.streams:
                self._end(stream)
        self.flush(is_final=is_complete)
        self.commits.finish()
        if self.batch.rows:
            LOGGER.warning(
                "stopped before a STATE covered all of %d records without a key: none of them is committed,"
                " the next run reads them again",
                self.batch.rows,
            )
        self.progress.finish(self.commits.tallies)
        self.commits.check_deletes()

    def _end(self, stream: Stream) -> None:
        """Have count what counts only once all records of a stream are there."""
        self.batch.seal(stream)
        if not stream.was_opened:
            self.batch.add(Declaration(stream.shape))
        known, name = stream.history, stream.shape.stream
        if known.activated is not None and (base := self.streams.base(name)):
            _leave_aside(name, f"came before the SCHEMA of {base.shape.stream!r}")
        if self.settings.load_method == "overwrite":
            self.batch.add(Swap(stream.shape))
        elif known.activated is None or known.is_unversioned:
            return
        elif stream.is_whole:
            self.batch.add(Activation(stream.shape, known.activated))
        else:
            _leave_aside(name, "came before records, and after those neither it nor a STATE")

    def _is_doubtful(self, stream: Stream) -> bool:
        return self.commits.is_doubtful(stream.shape.stream)


def _is_marked(message: Envelope) -> bool:
    """Return whether a record has a mark of deletion, which is no value and no member of a member."""
    record = bytes(message.record)
    return bool(record) and DELETED_AT.property in parse_object(record)


def _leave_aside(name: str, reason: str) -> None:
    LOGGER.warning("ACTIVATE_VERSION of stream %r %s: left aside, nothing is deleted", name, reason)
