"""A stream of the run: the records on their way into the spool."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_duckdb.guards import record_type
from target_duckdb.misfits import mender
from target_duckdb.segments import Segment
from target_duckdb.sql import LEAST_OBJECT
from target_duckdb.strays import keep, learn
from target_duckdb.values import Rewriter, reject_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from msgspec import Struct

    from target_duckdb.misfits import Mender
    from target_duckdb.shapes import Shape
    from target_duckdb.spool import Spool

CAREFUL_ROWS = 4_096
"""So many records of a stream have all their texts looked at. For more it is cheaper to have DuckDB say which
texts are doubtful; for fewer that is dear, because a statement that does so takes twice as long to plan."""


@dataclass
class History:
    """What a run knows of a stream across all its schemas."""

    version: int  # of live keys that come without one
    sequence: int = 0  # what the next segment begins with at least
    activated: int | None = None
    rows: int = 0  # written to segments
    covered: int = 0  # of which, as the tap has said since, all came before something else
    is_versioned: bool = False  # whether its rows have versions
    is_unversioned: bool = False  # whether records came without one
    is_swept: bool = False  # whether its live keys are being listed
    counted: int | None = None  # the version under which its live keys did, if none has come since then
    is_early: bool = False  # whether live keys came when there was nothing yet that they belong to


class Stream:
    """A stream under one schema."""

    def __init__(self, shape: Shape, history: History) -> None:
        self.shape = shape
        self.history = history
        self.is_careful = CAREFUL_ROWS > 0
        self.strays: tuple[str, ...] = ()
        self.misfits: tuple[int, ...] = ()
        self.guard = self._guard()
        self._rows = 0
        self.lines: list[bytes] = []
        self.segment: Segment | None = None
        self.was_opened = False
        self._spool: Spool | None = None
        self._rewriter = Rewriter(shape)
        self.mend: Mender | None = None

    def _guard(self) -> type[Struct] | None:
        if self.shape.is_renamed:
            return None
        return record_type(self.shape, is_careful=self.is_careful, strays=self.strays, misfits=self.misfits)

    @property
    def is_whole(self) -> bool:
        """Whether the tap has said something after the last record: it did not end in the midst of them."""
        return self._received == self.history.covered

    def cover(self) -> None:
        """Take note that the tap says something after the records that came."""
        self.history.covered = self._received

    @property
    def _received(self) -> int:
        return self.history.rows + len(self.lines)

    @property
    def may_relax(self) -> bool:
        """Whether looking at texts no longer pays."""
        return self.is_careful and self.guard is not None and self._rows >= CAREFUL_ROWS

    def relax(self) -> None:
        """Look at texts no longer."""
        self.is_careful = False
        self.guard = self._guard()
        if self.segment:
            self.segment.is_checked = False

    def beware(self) -> None:
        """Look at texts, too, from now on."""
        self.is_careful = True
        self.guard = self._guard()

    def open(self, spool: Spool, base: Shape | None) -> Segment:
        """Begin a segment."""
        self.was_opened = True
        self._spool = spool
        known, path = self.history, spool.new_file()
        received = max(int(time.time() * 1_000_000), known.sequence)
        rejects = path.with_suffix(".rejects")
        version = known.version if known.is_versioned else None
        self.segment = Segment(self.shape, path, rejects, received=received, version=version, base=base)
        self.segment.is_fresh = known.is_swept
        self.segment.is_checked = self.is_careful or self.guard is None
        self.segment.strays, self.segment.misfits = self.strays, self.misfits
        return self.segment

    def write(self, segment: Segment) -> None:
        """Write the waiting lines to the segment."""
        if self.lines:
            block = b"".join(self.lines)
            longest = len(block) if len(block) <= LEAST_OBJECT else max(map(len, self.lines))
            self._write(segment, block, len(self.lines), longest)
            self.lines.clear()

    def write_block(self, segment: Segment, block: bytes, rows: int) -> None:
        """Write whole lines to the segment, after those that wait."""
        self.write(segment)
        self._write(segment, block, rows, len(block))

    def _write(self, segment: Segment, block: bytes, rows: int, longest: int) -> None:
        self._rows += rows
        self.history.rows += rows
        segment.rows += rows
        segment.longest = max(segment.longest, longest)
        if self._spool:
            self._spool.write(segment.path, block)

    def rewrite(self, line: bytes, segment: Segment) -> bool:
        """Take a record value by value; return whether others like it will pass from now on."""
        made = self._rewriter.rewrite(line)
        segment.reject([reject_line(rejection) for rejection in made.rejections])
        if made.line is None:
            segment.records_rejected += 1
        else:
            self.lines.append(made.line + b"\n")
        strays = learn(self.shape, self.strays, made.undeclared)
        misfits = tuple(sorted({*self.misfits, *made.misfits}))
        if (strays, misfits) == (self.strays, self.misfits):
            return False
        self.strays = segment.strays = strays
        self.misfits = misfits
        self.mend = mender(self.shape, misfits) if misfits else None
        if segment.is_checked:  # so is every line that it has
            segment.misfits = misfits
        return True

    def renew(self) -> None:
        """Let records pass that are like those that were just taken apart."""
        self.guard = self._guard()

    def keep_strays(self, records: Iterable[Struct], segment: Segment) -> None:
        """Keep the undeclared properties of records that passed."""
        segment.reject(list(keep(self.shape, self.strays, records)))

    def close(self) -> None:
        """End the segment."""
        if self.segment and self._spool:
            self.history.sequence = self.segment.received + self.segment.rows
            self._spool.end(self.segment.path)
        self.segment = None
