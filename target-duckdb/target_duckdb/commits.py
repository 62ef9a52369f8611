"""Commits a batch: rows of every stream, schema changes, ledger and STATE in one transaction."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from target_duckdb import sql
from target_duckdb.batches import Activation, Declaration, Segment, Swap, Tally
from target_duckdb.compaction import compact
from target_duckdb.deletes import Deleter
from target_duckdb.ledger import Ledger
from target_duckdb.metadata import DELETED_AT, TABLE_VERSION, VALUES
from target_duckdb.sql import quote
from target_duckdb.staging import Stager
from target_duckdb.tables import EXACT_IN_DOUBLE, Tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from target_duckdb.batches import Batch, Shape
    from target_duckdb.columns import Column, TableColumn
    from target_duckdb.database import Database
    from target_duckdb.settings import Settings
    from target_duckdb.staging import Stage


class Committer:
    """Brings batches into the warehouse."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.started = int(time.time() * 1000)
        self.ledger = Ledger(database, settings.default_target_schema)
        self.stager = Stager(database, settings.on_invalid_value, has_metadata=settings.add_record_metadata)
        self.tables = Tables(
            database,
            self.ledger,
            is_frozen=settings.schema_evolution == "freeze",
            is_overwriting=settings.load_method == "overwrite",
        )
        self.deleter = Deleter(database, self.tables, settings)
        self.tallies: dict[str, Tally] = {}

    @property
    def rows_in(self) -> int:
        """How many records have been committed or are being so."""
        return sum(tally.rows_in for tally in list(self.tallies.values()))

    def commit(self, batch: Batch) -> None:
        """Commit a batch; after an error nothing of it is there."""
        stages = {step.path: self._stage(step) for step in batch.steps if isinstance(step, Segment)}
        with self.database.transaction(partial(compact, self.database) if batch.is_final else None):
            self.ledger.open()
            self.tables.open()
            self._prepare(batch, stages)
            for step in batch.steps:
                if isinstance(step, Segment):
                    self._load(step, stages[step.path])
                elif isinstance(step, Activation):
                    self._activate(step)
                elif isinstance(step, Swap):
                    self.tables.swap(step.shape)
            self._close_ledger(batch)
        self.ledger.commits += 1
        self._tidy(batch, stages)

    def _prepare(self, batch: Batch, stages: dict[Path, Stage]) -> None:
        """Change all tables before any row: DuckDB does not commit an ALTER that follows a write."""
        segments = [step for step in batch.steps if isinstance(step, Segment)]
        for segment in segments:
            self.tables.prepare(segment.shape, self._extra(segment))
            if segment.base:
                self.tables.prepare(segment.base, (DELETED_AT,))
        for step in batch.steps:
            if isinstance(step, Activation):
                self.deleter.prepare(step)
            elif isinstance(step, Declaration):
                self.tables.prepare(step.shape)
                self._tally(step.shape)
        for segment in segments:
            self._hold_exactly(segment, stages[segment.path])

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

    def _tidy(self, batch: Batch, stages: dict[Path, Stage]) -> None:
        for stage in stages.values():
            self.stager.drop(stage)
        for step in batch.steps:
            if isinstance(step, Activation) and step.base:
                self.deleter.forget(step.base.stream)

    def _tally(self, shape: Shape) -> Tally:
        if shape.stream not in self.tallies:
            self.tallies[shape.stream] = Tally(shape.stream, self.tables.place(shape))
        return self.tallies[shape.stream]

    def _activate(self, step: Activation) -> None:
        if step.base:
            self._tally(step.base).deleted += self.deleter.delete_dead(step, step.base)
        self._tally(step.shape).deleted += self.deleter.activate(step)

    def _load(self, segment: Segment, stage: Stage) -> None:
        started, shape, tally = time.monotonic(), segment.shape, self._tally(segment.shape)
        extra = self._extra(segment)
        columns = self.tables.prepare(shape, extra)
        if stage.rejects:
            self.ledger.note_rejects(tally, stage.rejects)
        replaced = self._replace(segment, stage, columns, extra)
        tally.rows_in += segment.rows + segment.records_rejected
        tally.rejected += segment.records_rejected
        tally.values_rejected += segment.values_rejected
        tally.updated += replaced
        tally.inserted += stage.staged - replaced
        tally.superseded += segment.rows - stage.staged
        tally.deleted += self.deleter.purge(shape, columns)
        tally.seconds += segment.seconds + time.monotonic() - started

    def _hold_exactly(self, segment: Segment, stage: Stage) -> None:
        """Turn into text the columns of doubles that would round a staged integer."""
        columns = self.tables.prepare(segment.shape, self._extra(segment))
        for index, column in enumerate(segment.shape.columns):
            kept = columns[column.property]
            if (column.type, kept.type) == ("BIGINT", "DOUBLE") and self.database.run(
                f"SELECT 1 FROM {quote(stage.rows)} WHERE abs(c{index}::HUGEINT) > {EXACT_IN_DOUBLE} LIMIT 1"
            ):
                self.tables.hold_as_text(segment.shape, kept)

    def _extra(self, segment: Segment) -> Sequence[Column]:
        if self.settings.add_record_metadata:
            return tuple(VALUES)
        return (TABLE_VERSION,) if segment.version is not None else ()

    def _replace(
        self, segment: Segment, stage: Stage, columns: dict[str, TableColumn], extra: Sequence[Column]
    ) -> int:
        shape, table = segment.shape, self.tables.landing(segment.shape).sql
        facts = {"received": segment.received, "started": self.started, "version": segment.version or "NULL"}
        values = {columns[column.property].name: VALUES[column].format(**facts) for column in extra}
        for index, column in enumerate(shape.columns):
            kept = columns[column.property]
            values[kept.name] = sql.convert_sql(f"s.c{index}", column.type, kept.type)
        replaced = 0
        if shape.keys:
            match = sql.match_sql({columns[key].name: values[columns[key].name] for key in shape.keys})
            replaced = self.database.changes(
                f"DELETE FROM {table} t USING {quote(stage.rows)} s WHERE {match}"
            )
        self.database.run(sql.insert_sql(table, values, stage.rows))
        return replaced
