"""Commits a batch: rows of every stream, schema changes, ledger and STATE in one transaction."""

from __future__ import annotations

import copy
import logging
import math
import time
from typing import TYPE_CHECKING, TypeAlias

from target_duckdb.batches import Activation, Declaration, Swap
from target_duckdb.compaction import compact, tidy
from target_duckdb.deletes import Deleter
from target_duckdb.errors import DatabaseError, OddError, OutOfMemoryError, RowGroupError
from target_duckdb.inserts import Inserter
from target_duckdb.ledger import Ledger, Tally
from target_duckdb.metadata import DELETED_AT
from target_duckdb.segments import Segment
from target_duckdb.staging import Stager, check_segment, rejects_sql
from target_duckdb.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from target_duckdb.batches import Batch
    from target_duckdb.database import Database
    from target_duckdb.errors import LoadError
    from target_duckdb.settings import Settings
    from target_duckdb.shapes import Shape
    from target_duckdb.staging import Stage

LOGGER = logging.getLogger("target-duckdb")
COMPACT_EVERY = 25
"""Commits: each that replaces rows leaves space behind, and the next has more to look through."""
Counts: TypeAlias = tuple[dict[str, Tally], list[str], set[str], set[str]]
"""Tallies, deletes withheld, streams with unversioned records, incomplete lists of live keys."""


class Committer:
    """Brings batches into the warehouse."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        is_overwriting = settings.load_method == "overwrite"
        self.ledger = Ledger(database, settings.default_target_schema, is_overwriting=is_overwriting)
        self.stager = Stager(database, settings.on_invalid_value, has_metadata=settings.add_record_metadata)
        self.tables = Tables(
            database,
            self.ledger,
            is_frozen=settings.schema_evolution == "freeze",
            is_overwriting=is_overwriting,
        )
        self.inserter = Inserter(database, self.tables, settings, started=int(time.time() * 1000))
        self.deleter = Deleter(database, self.tables, settings)
        self.tallies: dict[str, Tally] = {}
        self._too_many_columns = math.inf
        self._tidied = 0
        self._is_wasteful = False
        self._incomplete: set[str] = set()
        """The streams of which records were rejected."""

    @property
    def rows_in(self) -> int:
        """How many records have been committed or are being so."""
        return sum(tally.rows_in for tally in list(self.tallies.values()))

    @property
    def commits(self) -> int:
        """How many batches, or halves of them, have been committed."""
        return self.ledger.commits

    @property
    def withheld(self) -> Sequence[str]:
        """What to say of the deletes that went too far."""
        return self.deleter.withheld

    def is_doubtful(self, stream: str) -> bool:
        """Return whether a text of a stream may have been something else, as DuckDB reads it."""
        return stream in self.stager.doubtful

    def commit(self, batch: Batch) -> None:
        """Commit a batch; after an error nothing of it is there.

        Its tables may need more memory than there is, each column of each some: then the batch is committed
        in two transactions, STATE with the last, and so are the batches after it that have as many columns.
        """
        halves = batch.halves() if batch.columns >= self._too_many_columns else None
        if halves is None:
            try:
                self._commit_whole(batch)
            except OutOfMemoryError:
                halves = batch.halves()
                if halves is None:
                    raise
                self._too_many_columns = batch.columns
        for half in halves or ():
            self.commit(half)

    def compact(self) -> None:
        """Give back the space of what is no more, if there is much of it."""
        if self._is_wasteful:
            self._is_wasteful = False
            compact(self.database)

    def _commit_whole(self, batch: Batch) -> None:
        segments = [step for step in batch.steps if isinstance(step, Segment)]
        straight = {segment.path for segment in segments if self.inserter.is_straight(segment)}
        while error := self._hindrance(batch, straight):
            if not isinstance(error, RowGroupError | OutOfMemoryError):
                straight = set()
        self.ledger.commits += 1
        for step in batch.steps:
            if isinstance(step, Activation) and step.base:
                self.deleter.forget(step.base.stream)
                self._incomplete.discard(step.shape.stream)

    def _hindrance(self, batch: Batch, straight: Collection[Path]) -> LoadError | None:
        """Try to commit a batch; return what went wrong if it may go right in another way."""
        before = self._counts()
        try:
            self._commit(batch, straight)
        except (OddError, RowGroupError, DatabaseError) as error:
            if not self._has_landed(error):
                self._recount(before)
                if not self._may_go_right(batch, error):
                    raise
                return error
        except BaseException:  # a wish to stop mostly: what is told at the end is what is there
            self._recount(before)
            raise
        self.tables.settle()
        return None

    def _counts(self) -> Counts:
        """Return what is known of the batches that are committed."""
        return copy.deepcopy(
            (self.tallies, self.deleter.withheld, self.deleter.unversioned, self._incomplete)
        )

    def _recount(self, before: Counts) -> None:
        """Forget what a batch that is not there has added."""
        self.tallies, self.deleter.withheld, self.deleter.unversioned, self._incomplete = before

    def _has_landed(self, error: LoadError) -> bool:
        """Return whether a batch is there in spite of an error: DuckDB may fail once it has committed."""
        if not self.database.is_in_doubt:
            return False
        try:
            has_landed = self.ledger.has_commit()
        except DatabaseError:
            return False
        if has_landed:
            LOGGER.warning("all is committed, but the database file could not be tidied up: %s", error)
        return has_landed

    def _may_go_right(self, batch: Batch, error: LoadError) -> bool:
        """Return whether there is another way to commit a batch, which is taken from now on."""
        if isinstance(error, OutOfMemoryError):
            return self._is_sparing(batch)
        return isinstance(error, OddError | RowGroupError)

    def _is_sparing(self, batch: Batch) -> bool:
        """Do with less memory, or find some; return whether that is new."""
        files = [step for step in batch.steps if isinstance(step, Segment) and step.files]
        for segment in files:
            check_segment(segment)  # DuckDB holds columns of a whole row group, which may have any size
        return bool(files) or (batch.halves() is None and self.database.find_memory())

    def _commit(self, batch: Batch, straight: Collection[Path]) -> None:
        stages: dict[Path, Stage] = {}
        try:
            for step in batch.steps:
                if isinstance(step, Segment) and step.path not in straight:
                    stages[step.path] = self._stage(step)
            self._commit_stages(batch, stages)
        finally:
            for stage in stages.values():
                self.stager.drop(stage)

    def _commit_stages(self, batch: Batch, stages: dict[Path, Stage]) -> None:
        is_turn = self.ledger.commits % COMPACT_EVERY == COMPACT_EVERY - 1
        is_tidying = batch.is_final or (is_turn and any(tally.updated for tally in self.tallies.values()))
        most = max((step.rows for step in batch.steps if isinstance(step, Segment)), default=0)
        with self.database.transaction(self._tidy if is_tidying else None, rows=most):
            self.tables.open()
            self.ledger.open()
            self._prepare(batch, stages)
            for step in batch.steps:
                if isinstance(step, Segment):
                    self._load(step, stages.get(step.path))
                elif isinstance(step, Activation):
                    self._activate(step)
                elif isinstance(step, Swap):
                    self._swap(step)
            self._close_ledger(batch)

    def _tidy(self) -> None:
        rows, self._tidied = self.rows_in - self._tidied, self.rows_in
        self._is_wasteful = tidy(self.database, rows)

    def _prepare(self, batch: Batch, stages: dict[Path, Stage]) -> None:
        """Change all tables before any row: DuckDB does not commit an ALTER that follows a write."""
        segments = [step for step in batch.steps if isinstance(step, Segment)]
        for segment in segments:
            self.inserter.prepare(segment)
            if segment.base:
                self.tables.prepare(segment.base, (DELETED_AT,))
        for step in batch.steps:
            if isinstance(step, Activation):
                self.deleter.prepare(step)
            elif isinstance(step, Declaration):
                self.inserter.declare(step.shape)
                self._tally(step.shape)
        for segment in segments:  # this prepares it again: a later SCHEMA may have taken a column of its own
            self.inserter.hold_exactly(segment, stages.get(segment.path))

    def _stage(self, segment: Segment) -> Stage:
        started = time.monotonic()
        stage = self.stager.stage(segment)
        if segment.is_fresh:
            self.deleter.spare(segment.shape, stage)
        segment.seconds = time.monotonic() - started
        return stage

    def _close_ledger(self, batch: Batch) -> None:
        touched = {step.shape.stream for step in batch.steps if not isinstance(step, Swap)}
        touched |= {step.base.stream for step in batch.steps if isinstance(step, Activation) and step.base}
        tallies = [self.tallies[name] for name in sorted(touched & self.tallies.keys())]
        self.ledger.close(batch, tallies, self.rows_in)

    def _tally(self, shape: Shape) -> Tally:
        if shape.stream not in self.tallies:
            self.tallies[shape.stream] = Tally(shape.stream, self.tables.place(shape))
        return self.tallies[shape.stream]

    def _activate(self, step: Activation) -> None:
        stream = step.base.stream if step.base else step.shape.stream
        if step.shape.stream in self._incomplete:
            LOGGER.warning("records of %r were rejected: nothing is deleted", step.shape.stream)
            return
        places = [self.tables.place(shape) for shape in (step.shape, step.base) if shape]
        if rival := self.ledger.rival(places):
            LOGGER.warning(
                "run %s has loaded %r since this one began: nothing is deleted, the next run will",
                rival,
                stream,
            )
            return
        if step.base:
            self._tally(step.base).deleted += self.deleter.delete_dead(step, step.base)
        self._tally(step.shape).deleted += self.deleter.activate(step)

    def _swap(self, step: Swap) -> None:
        place = self.tables.place(step.shape)
        if rival := self.ledger.rival([place]):
            raise DatabaseError(
                f"{step.shape.stream}: run {rival} has loaded {place.schema}.{place.name} since this one"
                " began, which would be lost: it is not replaced. Let runs of the same streams follow one"
                " another, and run again"
            )
        self.tables.swap(step.shape)

    def _load(self, segment: Segment, stage: Stage | None) -> None:
        started, shape, tally = time.monotonic(), segment.shape, self._tally(segment.shape)
        inserted = self.inserter.insert(segment, stage)
        if inserted.is_unversioned:
            self.deleter.unversioned.add(shape.stream)
        if left_out := stage.rejects_sql if stage else rejects_sql(segment):
            tally.values_rejected += self.ledger.note_rejects(tally, left_out)
        staged, rejected = (stage.staged, stage.rejected) if stage else (segment.rows, 0)
        if segment.records_rejected + rejected:
            self._incomplete.add(shape.stream)
        updated = min(inserted.replaced, staged)  # rows that came without a key may all have the same one
        tally.rows_in += segment.rows + segment.records_rejected
        tally.rejected += segment.records_rejected + rejected
        tally.updated += updated
        tally.inserted += staged - updated
        tally.superseded += segment.rows - rejected - staged
        tally.deleted += self.deleter.purge(shape, self.inserter.prepare(segment))
        tally.seconds += segment.seconds + time.monotonic() - started
