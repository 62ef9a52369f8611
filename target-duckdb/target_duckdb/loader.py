"""Decides what is committed when: keeps the streams and cuts batches."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from target_duckdb.batches import Activation, Batch, Declaration, Segment, Swap, hold_back
from target_duckdb.columns import INT64
from target_duckdb.commit_queue import CommitQueue
from target_duckdb.errors import DeleteGuardError, UnknownStreamError
from target_duckdb.hot import HotStreams
from target_duckdb.metadata import DELETED_AT
from target_duckdb.pace import Pace
from target_duckdb.parquet import is_exact
from target_duckdb.progress import Progress
from target_duckdb.shapes import shape_of
from target_duckdb.spool import Spool
from target_duckdb.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from msgspec import Struct

    from target_duckdb.batches import Shape, Step
    from target_duckdb.files import ParquetFile
    from target_duckdb.guards import Envelope
    from target_duckdb.settings import Settings


LOGGER = logging.getLogger("target-duckdb")
MARK = f'"{DELETED_AT.property}"'.encode()
WAITING_BYTES = 1 << 20
"""What a core may still have in its cache when lines of several streams are joined and written."""


class Load:
    """One run: messages go in, batches are committed, STATE comes out."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.spool = Spool(settings.temp_directory)
        with ExitStack() as undo:
            undo.callback(self.spool.close)
            self.commits = CommitQueue(settings, self.spool.path / "spill")
            undo.pop_all()
        self.streams: dict[str, Stream] = {}
        self.hot = HotStreams()
        self.progress = Progress()
        self._version = int(time.time() * 1000)
        self._marking: set[str] = set()
        self._steps: list[Step] = []
        self._open: dict[Stream, None] = {}
        """The streams that may have a segment."""
        self._loose: dict[Stream, None] = {}
        """The streams that may have lines that wait."""
        self._written: dict[Stream, None] = {}
        """The streams that have been written to since the last pause."""
        self._spooled = 0
        self._pace = Pace(settings)
        self._waiting = 0
        self._covered = 0
        self._held = 0
        self._state: bytes | None = None

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
            self.commits.hurry()

    @property
    def _is_overwriting(self) -> bool:
        return self.settings.load_method == "overwrite"

    # Messages

    def schema(self, message: Envelope) -> None:
        """Take a SCHEMA message."""
        shape = shape_of(message, self.settings)
        self._declare(shape.with_column(DELETED_AT) if shape.stream in self._marking else shape)

    def _declare(self, shape: Shape) -> None:
        known = self.streams.get(shape.stream)
        if known and known.shape == shape:
            return
        self.streams[shape.stream] = Stream(shape, self._next_version() if known is None else known.version)
        if known:
            self._seal(known)
            self.hot.remove(known)
            self.streams[shape.stream].succeed(known)

    def _next_version(self) -> int:
        """Return a version for records that carry none, of one stream between two activations."""
        self._version += 1
        return self._version

    def _known(self, name: str, *, is_marking: bool) -> Stream:
        """Return a stream; taps mark deletes in a property that they do not declare."""
        if name not in self.streams:
            raise UnknownStreamError(f"a record for stream {name!r} came before its SCHEMA")
        if is_marking and name not in self._marking:
            self._marking.add(name)
            self._declare(self.streams[name].shape.with_column(DELETED_AT))
        return self.streams[name]

    def block(self, stream: Stream, block: bytes, rows: int) -> None:
        """Take a block of lines that are records of one stream and fit."""
        self._count(stream, len(stream.lines) + rows)
        stream.write_block(self._segment(stream), block, rows)

    def record(self, message: Envelope, line: bytes) -> None:
        """Take a RECORD message that the quick way did not: a stream's first, or one that does not fit."""
        stream = self._known(message.stream, is_marking=MARK in line)
        if stream.segment is None and not stream.lines:
            self._begin(stream, message.version)
        self._loose[stream] = None
        passed = None if stream in self.hot else self.hot.add(stream, line)
        if passed and stream.strays:
            self.keep_strays([passed])
        if passed is None:
            segment = self._segment(stream)
            if (strays := stream.rewrite(line, segment)) != stream.strays:
                self.hot.remove(stream)
                stream.let_pass(strays, segment)

    def keep_strays(self, records: Sequence[Struct]) -> None:
        """Keep the undeclared properties of records that passed."""
        for stream, own in list(self.hot.with_strays(records)):
            stream.keep_strays(own, self._segment(stream))

    def parquet(self, file: ParquetFile) -> bool:
        """Take the rows of a Parquet file as they are; return whether that is possible."""
        stream = self._known(file.stream, is_marking=DELETED_AT.property in file.types)
        if not file.rows or not is_exact(stream.shape, file.types):
            return False
        path = self.spool.new_file(".parquet")
        for part in file.copy(path).parts(self.settings.batch_size_rows):
            self._write_stream(stream)
            self._begin(stream, part.version)
            self._segment(stream, part).add(part)
            self._count(stream, part.rows)
            self.pause(part.size)
        return True

    def _begin(self, stream: Stream, version: int | None) -> None:
        """Take note of what a stream's first record tells about it."""
        base = self._base(stream.shape.stream)
        stream.is_early = stream.is_early or base is None
        if base and not base.is_swept:
            if any(step.base == base.shape for step in self._steps if isinstance(step, Activation)):
                self.flush()  # what is spared now is not what was spared before
            self._seal(base)
            base.is_swept = True
        stream.is_versioned = stream.is_versioned or version is not None or base is not None
        stream.is_unversioned = stream.is_unversioned or version is None

    def state(self, value: bytes) -> None:
        """Take a STATE message; a batch that is due is cut here, so that its STATE covers all of it."""
        self._state = value
        self._covered = self._rows()
        if self._is_due():
            self.flush()

    def activate(self, message: Envelope) -> None:
        """Take an ACTIVATE_VERSION message.

        Live keys count at once. Any other stream's old versions go at the end of the run, because Singer taps
        announce a version before they send it.
        """
        if not self.settings.process_activate_version_messages or self.settings.load_method != "upsert":
            return
        stream = self.streams.get(message.stream)
        if stream is None:
            self._leave_aside(message.stream, "came before its SCHEMA")
        elif message.version is None or not -INT64 <= message.version <= INT64:
            self._leave_aside(message.stream, "has no valid version")
        elif (base := self._base(message.stream)) is None:
            stream.activated = message.version
            stream.is_versioned = True
        else:
            self._sweep(stream, base, message.version)

    def _leave_aside(self, name: str, reason: str) -> None:
        LOGGER.warning("ACTIVATE_VERSION of stream %r %s: left aside, nothing is deleted", name, reason)

    def _sweep(self, stream: Stream, base: Stream, version: int) -> None:
        """Have live keys count; those that came without a version are as much alive as the others."""
        for part in (stream, base):
            self._seal(part)
        self.hot.remove(stream)
        if stream.is_early:
            self._leave_aside(stream.shape.stream, f"had keys before the SCHEMA of {base.shape.stream!r}")
        else:
            self._steps.append(Activation(stream.shape, version, base.shape, stream.version))
        base.is_swept = stream.is_early = False
        stream.version = self._next_version()

    def _base(self, name: str) -> Stream | None:
        suffix = self.settings.live_keys_suffix
        base = self.streams.get(name.removesuffix(suffix)) if suffix and name.endswith(suffix) else None
        if base is None or not base.shape.keys:
            return None
        return base if set(base.shape.keys) == set(self.streams[name].shape.keys) else None

    # Pace

    def pause(self, size: int) -> None:
        """Take note of bytes read; a batch that waits for a STATE in vain is cut anyway."""
        self._pace.read(size)
        self._waiting += size
        if self._waiting >= WAITING_BYTES:
            self._write_lines()
        for stream in self._written:
            if stream.may_relax and not self._is_doubtful(stream):
                self.hot.remove(stream)
                stream.relax()
        self._written.clear()
        if self.progress.is_due():
            committer = self.commits.committer
            self.progress.say(committer.rows_in + self._rows(), committer.ledger.commits)
        if self._is_due(1 if self._covered == self._rows() else 2):
            self.flush()
        self.commits.check()

    def finish(self, *, is_complete: bool = True) -> None:
        """Commit what is left; if the input was complete, with what counts only then."""
        if is_complete:
            for stream in self.streams.values():
                self._seal(stream)
                if not stream.was_opened:
                    self._steps.append(Declaration(stream.shape))
                if self._is_overwriting:
                    self._steps.append(Swap(stream.shape))
                elif stream.activated is not None and not stream.is_unversioned:
                    self._steps.append(Activation(stream.shape, stream.activated))
        self.flush(is_final=is_complete)
        self.commits.finish()
        committer = self.commits.committer
        self.progress.finish(committer.tallies.values())
        if committer.deleter.withheld:
            raise DeleteGuardError("; ".join(committer.deleter.withheld))

    def _rows(self) -> int:
        return self._spooled + sum(len(stream.lines) for stream in self._loose)

    def _count(self, stream: Stream, rows: int) -> None:
        """Take note of rows that are written to a stream's segment."""
        self._spooled += rows
        self._written[stream] = None

    def _is_due(self, patience: int = 1) -> bool:
        return self._pace.is_due(self._rows() - self._held, len(self._steps), patience)

    # Batches

    def _is_doubtful(self, stream: Stream) -> bool:
        return stream.shape.stream in self.commits.committer.stager.doubtful

    def _segment(self, stream: Stream, file: ParquetFile | None = None) -> Segment:
        """Return the segment that takes a stream's records, or the rows of a file."""
        if stream.segment and stream.segment.takes(file):
            return stream.segment
        stream.close()
        base = self._base(stream.shape.stream)
        segment = stream.open(self.spool, base.shape if base else None)
        self._open[stream] = None
        self._steps.append(segment)
        return segment

    def _write_lines(self) -> None:
        """Write the lines that wait; from now on only the streams of the quick way can have some at once."""
        self._waiting = 0
        for stream in self._loose:
            self._write_stream(stream)
        self._loose = dict.fromkeys(self.hot)

    def _write_stream(self, stream: Stream) -> None:
        if stream.lines:
            self._count(stream, len(stream.lines))
            stream.write(self._segment(stream))

    def _seal(self, stream: Stream) -> None:
        self._write_stream(stream)
        stream.close()

    def flush(self, *, is_final: bool = False) -> None:
        """Cut a batch and have it committed while reading goes on.

        Rows without a key are held back until a STATE covers them: a tap that resumes from the last STATE
        would send them again, and nothing could tell.
        """
        is_covered = is_final or self._covered == self._rows()
        self._write_lines()
        for stream in self._open:
            stream.close()
            if not stream.is_careful and self._is_doubtful(stream):
                self.hot.remove(stream)
                stream.beware()
        self._open.clear()
        ready, held = (self._steps, []) if is_covered else hold_back(self._steps)
        batch = Batch(tuple(ready), None if held else self._state, is_final)
        self._steps = held
        self._pace.cut()
        self._held = self._spooled = sum(step.rows for step in held if isinstance(step, Segment))
        self._covered = -1 if held else 0
        self.commits.add(batch)
