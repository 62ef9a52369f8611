"""Commits a batch: rows of every stream, schema changes, ledger and STATE in one transaction."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from target_duckdb import sql
from target_duckdb.batches import Activation, Segment, Tally
from target_duckdb.deletes import DELETED_AT, TABLE_VERSION, Deleter
from target_duckdb.ledger import Ledger
from target_duckdb.sql import quote
from target_duckdb.staging import Stager
from target_duckdb.tables import Tables

if TYPE_CHECKING:
    from target_duckdb.batches import Batch
    from target_duckdb.columns import TableColumn
    from target_duckdb.database import Database
    from target_duckdb.settings import Settings
    from target_duckdb.staging import Stage


class Committer:
    """Brings batches into the warehouse."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.ledger = Ledger(database, settings.default_target_schema)
        self.stager = Stager(database, settings.on_invalid_value)
        self.tables = Tables(database, self.ledger, is_frozen=settings.schema_evolution == "freeze")
        self.deleter = Deleter(database, self.tables, settings)
        self.tallies: dict[str, Tally] = {}

    def commit(self, batch: Batch) -> None:
        """Commit a batch; after an error nothing of it is there."""
        stages = {
            step.path: self.stager.stage(step)
            for step in batch.steps
            if isinstance(step, Segment) and step.path
        }
        with self.database.transaction():
            self.ledger.open()
            for step in batch.steps:
                if isinstance(step, Segment):
                    self._load(step, stages[step.path])
                else:
                    self._activate(step)
            touched = {step.shape.stream for step in batch.steps}
            rows_in = sum(tally.rows_in for tally in self.tallies.values())
            self.ledger.close(batch, [self.tallies[name] for name in sorted(touched)], rows_in)
        self.ledger.commits += 1
        for stage in stages.values():
            self.stager.drop(stage)

    def _tally(self, step: Segment | Activation) -> Tally:
        return self.tallies.setdefault(step.shape.stream, Tally(step.shape))

    def _activate(self, step: Activation) -> None:
        tally = self._tally(step)
        tally.deleted += self.deleter.activate(step)

    def _load(self, segment: Segment, stage: Stage) -> None:
        started, shape, tally = time.monotonic(), segment.shape, self._tally(segment)
        extra = (TABLE_VERSION,) if segment.version is not None else ()
        columns = self.tables.prepare(shape, extra)
        if stage.rejects:
            self.ledger.note_rejects(shape, stage.rejects)
        replaced = self._replace(segment, stage, columns)
        tally.rows_in += segment.rows + segment.records_rejected
        tally.rejected += segment.records_rejected
        tally.values_rejected += segment.values_rejected
        tally.updated += replaced
        tally.inserted += stage.staged - replaced
        tally.superseded += segment.rows - stage.staged
        tally.deleted += self.deleter.purge(shape, columns)
        tally.seconds += time.monotonic() - started

    def _replace(self, segment: Segment, stage: Stage, columns: dict[str, TableColumn]) -> int:
        shape, table = segment.shape, segment.shape.table.sql
        values = {
            columns[column.property].name: sql.convert_sql(
                f"s.c{index}", column.type, columns[column.property].type
            )
            for index, column in enumerate(shape.columns)
        }
        if segment.version is not None:
            values[columns[TABLE_VERSION.property].name] = f"coalesce(s.version, {segment.version})"
        replaced = 0
        if shape.keys:
            match = sql.match_sql({name: values[name] for name in (columns[key].name for key in shape.keys)})
            replaced = self.database.changes(
                f"DELETE FROM {table} t USING {quote(stage.rows)} s WHERE {match}"
            )
        self.database.run(sql.insert_sql(table, values, stage.rows))
        return replaced
