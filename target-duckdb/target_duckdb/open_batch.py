"""Gathers what the next batch holds and knows when it is due; not how it is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_duckdb.batches import Activation, Batch, hold_back
from target_duckdb.pace import Pace
from target_duckdb.segments import Segment

if TYPE_CHECKING:
    from target_duckdb.batches import Step
    from target_duckdb.declared import DeclaredStreams
    from target_duckdb.files import ParquetFile
    from target_duckdb.hot import HotStreams
    from target_duckdb.settings import Settings
    from target_duckdb.shapes import Shape
    from target_duckdb.spool import Spool
    from target_duckdb.streams import Stream

WAITING_BYTES = 1 << 20
"""What a core may still have in its cache when lines of several streams are joined and written."""
AGAIN_COLUMNS = 1_024
"""Of the further segments that streams have because their schema changed: each column of each takes DuckDB
32 KB until the commit."""


class OpenBatch:
    """The batch that is being gathered: steps in the order in which their messages came."""

    def __init__(self, settings: Settings, spool: Spool, streams: DeclaredStreams, hot: HotStreams) -> None:
        self._spool = spool
        self._streams = streams
        self._hot = hot
        self._pace = Pace(settings)
        self._steps: list[Step] = []
        self._open: dict[Stream, None] = {}
        """The streams that may have a segment."""
        self._loose: dict[Stream, None] = {}
        """The streams that may have lines that wait."""
        self._written: dict[Stream, None] = {}
        """The streams that have been written to since somebody asked."""
        self._waiting = 0  # bytes read since lines were written
        self._spooled = 0
        self._held = self._held_columns = 0
        """Of what could not be committed at the last cut, for want of a STATE: to cut again is in vain."""
        self._streams_seen: set[str] = set()
        """The streams that have had a segment."""
        self._again_columns = 0
        self._covered = 0
        self._state: bytes | None = None

    @property
    def rows(self) -> int:
        """How many records there are."""
        return self._spooled + sum(len(stream.lines) for stream in self._loose)

    @property
    def is_covered(self) -> bool:
        """Whether no record came after the latest STATE."""
        return self._covered == self.rows

    @property
    def is_due(self) -> bool:
        """Whether the batch is as large or old as it may get; records may wait a while for their STATE."""
        patience = 1 if self.is_covered else 2
        is_full = self._again_columns - self._held_columns >= patience * AGAIN_COLUMNS
        return is_full or self._pace.is_due(self.rows - self._held, len(self._steps), patience)

    def sweeps(self, base: Shape) -> bool:
        """Return whether live keys of a stream come to count in this batch."""
        bases = (step.base for step in self._steps if isinstance(step, Activation))
        return any(known.stream == base.stream for known in bases if known)  # under whatever schema

    def add(self, step: Step) -> None:
        """Take a step other than a segment."""
        self._steps.append(step)

    def segment(self, stream: Stream, file: ParquetFile | None = None) -> Segment:
        """Return the segment that takes a stream's records, or the rows of a file."""
        if stream.segment and stream.segment.takes(file):
            return stream.segment
        stream.close()
        base = self._streams.base(stream.shape.stream)
        segment = stream.open(self._spool, base.shape if base else None)
        self._open[stream] = None
        self._steps.append(segment)
        self._see(stream.shape)
        return segment

    def let_wait(self, stream: Stream) -> None:
        """Take note that a stream may have lines that wait."""
        self._loose[stream] = None

    def write_block(self, stream: Stream, block: bytes, rows: int) -> None:
        """Write whole lines of a stream, after those that wait."""
        self._count(stream, len(stream.lines) + rows)
        stream.write_block(self.segment(stream), block, rows)

    def write_file(self, stream: Stream, file: ParquetFile) -> None:
        """Take the rows of a file as they are."""
        self.segment(stream, file).add(file)
        stream.history.rows += file.rows
        self._count(stream, file.rows)

    def write(self, stream: Stream) -> None:
        """Write the lines of a stream that wait."""
        if stream.lines:
            self._count(stream, len(stream.lines))
            stream.write(self.segment(stream))

    def seal(self, stream: Stream) -> None:
        """Have the next record of a stream go into another segment than those before."""
        self.write(stream)
        stream.close()

    def read(self, size: int) -> None:
        """Take note of bytes read."""
        self._pace.read(size)
        if not self._pace.has_begun and self.rows > self._held:
            self._pace.begin()
        self._waiting += size
        if self._waiting >= WAITING_BYTES:
            self.write_lines()

    def write_lines(self) -> None:
        """Write all lines that wait; from now on only the streams of the quick way can have some at once."""
        self._waiting = 0
        for stream in self._loose:
            self.write(stream)
        self._loose = dict.fromkeys(self._hot)

    def written(self) -> list[Stream]:
        """Return the streams that have been written to since this was asked before."""
        streams = list(self._written)
        self._written.clear()
        return streams

    def close(self) -> list[Stream]:
        """End all segments, and return their streams."""
        self.write_lines()
        streams = list(self._open)
        self._open.clear()
        for stream in streams:
            stream.close()
        return streams

    def cover(self, state: bytes) -> None:
        """Take a STATE, which covers all that came before."""
        self._state = state
        self._covered = self.rows
        self._held = self._held_columns = 0

    def cut(self, *, is_final: bool) -> Batch:
        """Return what can be committed of the batch, once it is closed, and begin the next with the rest.

        Rows without a key are held back until a STATE covers them: a tap that resumes from the last STATE
        would send them again, and nothing could tell.
        """
        ready, held = (self._steps, []) if is_final or self.is_covered else hold_back(self._steps)
        self._pace.cut()
        self._hold(held)
        self._covered = -1 if held else 0
        return Batch(tuple(ready), None if held else self._state, is_final)

    def _hold(self, steps: list[Step]) -> None:
        """Begin a batch with what the one before it could not have."""
        segments = [step for step in steps if isinstance(step, Segment)]
        self._steps, self._streams_seen, self._again_columns = steps, set(), 0
        for segment in segments:
            self._see(segment.shape)
        self._held_columns = self._again_columns
        self._held = self._spooled = sum(segment.rows for segment in segments)
        if self._held:
            self._pace.begin()

    def _see(self, shape: Shape) -> None:
        """Take note of a segment, and of its columns if its stream has had one."""
        if shape.stream in self._streams_seen:
            self._again_columns += len(shape.columns)
        self._streams_seen.add(shape.stream)

    def _count(self, stream: Stream, rows: int) -> None:
        """Take note of rows that are written to a stream's segment."""
        self._spooled += rows
        self._written[stream] = None
