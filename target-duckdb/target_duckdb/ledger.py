"""The schema `_load`: what each run did, committed together with what it did."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from target_duckdb import sql
from target_duckdb.errors import DatabaseError, SettingsError
from target_duckdb.session import VERSION
from target_duckdb.sql import LEDGER, LEDGER_SCHEMA, WAREHOUSE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_duckdb.batches import Batch
    from target_duckdb.database import Database
    from target_duckdb.sql import Table

SCHEMA = f"{WAREHOUSE}.{LEDGER_SCHEMA}"
OVERWRITING = "overwriting"
REPLACED = (
    "the database does not hold what this run has committed, somebody must have removed or replaced it;"
    " nothing of this batch is committed"
)


RUN_ID = "TARGET_DUCKDB_RUN_ID"


@dataclass
class Tally:
    """What became of a stream's rows: rows in = inserted + updated + superseded + rejected."""

    stream: str
    table: Table
    rows_in: int = 0
    inserted: int = 0
    updated: int = 0
    superseded: int = 0
    rejected: int = 0
    deleted: int = 0
    values_rejected: int = 0
    seconds: float = 0.0

    @property
    def is_balanced(self) -> bool:
        """Whether every row that came in is accounted for."""
        return self.rows_in == self.inserted + self.updated + self.superseded + self.rejected


def _given_run_id() -> str:
    """Return what the environment calls the run, if anything; raise SettingsError if that is no text."""
    try:
        return os.environb.get(RUN_ID.encode(), b"").decode()
    except UnicodeDecodeError as error:
        raise SettingsError(f"variable {RUN_ID} is not UTF-8") from error


class Ledger:
    """Writes the ledger of one run."""

    def __init__(self, database: Database, target_schema: str | None, *, is_overwriting: bool) -> None:
        self.run, self.look = database.run, database.look
        self._status = OVERWRITING if is_overwriting else "running"
        self.target_schema = target_schema or "main"
        self.run_id = _given_run_id() or str(uuid.uuid4())
        self.nonce = str(uuid.uuid4())
        self.started_at = _now()
        self.now = self.started_at
        self.commits = 0
        self._changes: list[list[object]] = []

    def open(self) -> None:
        """Begin the entries of a commit; refuse it if the run is no longer ours."""
        self.now, self._changes = _now(), []
        if not self.commits:
            for statement in LEDGER:
                self.run(statement.format(ledger=SCHEMA))
        found = self._namesakes()
        for nonce, started, status in found:
            if nonce != self.nonce:
                end = "finished" if status == "finished" else "stopped or still running"
                raise DatabaseError(
                    f"run {self.run_id!r} is in the ledger already, started {started} UTC, {end}; nothing of"
                    f" this batch is committed. Give each attempt an id of its own ({RUN_ID})"
                )
        if self.commits and not found:
            raise DatabaseError(REPLACED)
        if not found:
            ours = [
                self.run_id,
                self.nonce,
                self.target_schema,
                version("crm-target-duckdb"),
                VERSION,
            ]
            self._insert("runs", [*ours, self.started_at, self.now, 0, 0, self._status])

    def _namesakes(self) -> list[tuple[str, str, str]]:
        """Return nonce, start and status of the runs of our id, ours among them once it has committed."""
        query = f"SELECT nonce, strftime(started_at, '%Y-%m-%d %H:%M:%S'), status FROM {SCHEMA}.runs"
        try:
            return self.run(f"{query} WHERE run_id = ?", [self.run_id])
        except DatabaseError as error:
            if "does not exist" not in str(error):
                raise
            raise DatabaseError(REPLACED) from error

    def has_commit(self) -> bool:
        """Return whether the commit at hand is in the database, whatever DuckDB said."""
        query = f"SELECT 1 FROM {SCHEMA}.runs WHERE run_id = ? AND nonce = ? AND commits = ?"
        return bool(self.look(query, [self.run_id, self.nonce, self.commits + 1]))

    def streams_of(self, table: Table) -> set[str]:
        """Return the streams that have been loaded into a table."""
        query = f"SELECT DISTINCT stream FROM {SCHEMA}.streams WHERE schema_name = ? AND table_name = ?"
        return {stream for (stream,) in self.run(query, [table.schema, table.name])}

    def rival(self, tables: Iterable[Table]) -> str | None:
        """Return a run that has brought rows into one of some tables since ours began, if there is one.

        What is missing in what we have read may have come with it. What an overwriting run has loaded is not
        in the table before its end.
        """
        query = (
            f"SELECT s.run_id FROM {SCHEMA}.streams s JOIN {SCHEMA}.runs r USING (run_id)"
            f" WHERE schema_name = ? AND table_name = ? AND s.rows_in > 0 AND r.status <> '{OVERWRITING}'"
            " AND s.run_id <> ? AND s.committed_at >= ? LIMIT 1"
        )
        for table in tables:
            if found := self.run(query, [table.schema, table.name, self.run_id, self.started_at]):
                return str(found[0][0])
        return None

    def note_change(
        self, table: Table, column: str | None, change: str, old: str | None = None, new: str | None = None
    ) -> None:
        """Enter a change of a table's columns."""
        self._changes.append([self.run_id, table.schema, table.name, column, change, old, new, self.now])

    def note_rejects(self, tally: Tally, rejects: str) -> int:
        """Enter the values that were left out, as a table or query has them; return how many they are."""
        entered = self.run(
            f"INSERT INTO {sql.ledger_sql('rejected_values')}"
            f" SELECT ?, ?, ?, ?, key, property, raw, reason, ? FROM {rejects}",
            [self.run_id, tally.table.schema, tally.table.name, tally.stream, self.now],
        )
        return int(entered[0][0])

    def close(self, batch: Batch, touched: Iterable[Tally], rows_in: int) -> None:
        """Finish the entries of a commit."""
        self._note_streams(list(touched))
        self._insert("schema_changes", *self._changes)
        if batch.state is not None:
            self.run(f"DELETE FROM {SCHEMA}.state WHERE target_schema = ?", [self.target_schema])
            self._insert("state", [self.target_schema, self.run_id, batch.state.decode(), self.now])
        self.run(
            f"UPDATE {SCHEMA}.runs SET committed_at = ?, commits = ?, rows_in = ?, status = ?"
            " WHERE run_id = ?",
            [
                self.now,
                self.commits + 1,
                rows_in,
                "finished" if batch.is_final else self._status,
                self.run_id,
            ],
        )

    def _note_streams(self, tallies: list[Tally]) -> None:
        for tally in tallies:
            if not tally.is_balanced:
                raise DatabaseError(f"{tally.stream}: the rows do not add up, nothing is committed: {tally}")
        if self.commits:
            names = [tally.stream for tally in tallies]
            self.run(f"DELETE FROM {SCHEMA}.streams WHERE run_id = ? AND stream IN ?", [self.run_id, names])
        self._insert("streams", *(self._stream_row(tally) for tally in tallies))

    def _stream_row(self, tally: Tally) -> list[object]:
        where = [self.run_id, tally.table.schema, tally.table.name, tally.stream]
        counts = [
            tally.rows_in,
            tally.inserted,
            tally.updated,
            tally.superseded,
            tally.rejected,
            tally.deleted,
        ]
        return [*where, *counts, tally.values_rejected, tally.seconds, self.now]

    def _insert(self, table: str, *rows: list[object]) -> None:
        """Enter rows as one parameter: for each of them DuckDB looks for pandas, a tenth of a millisecond."""
        if rows:
            self.run(sql.insert_rows_sql(sql.ledger_sql(table), len(rows[0])), [json.dumps(rows)])


def _now() -> str:
    return datetime.now(UTC).isoformat()
