"""What a stream no longer holds: ACTIVATE_VERSION and live keys become deletes, within reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_duckdb import sql
from target_duckdb.columns import Column, TableColumn
from target_duckdb.sql import quote

if TYPE_CHECKING:
    from target_duckdb.batches import Activation, Shape
    from target_duckdb.database import Database
    from target_duckdb.settings import Settings
    from target_duckdb.tables import Tables

DELETED_AT = Column("_sdc_deleted_at", "TIMESTAMPTZ", "When the record was found to be gone from the source")
TABLE_VERSION = Column("_sdc_table_version", "BIGINT", "The version of the stream that the record came with")
SMALL_TABLE = 100


class Deleter:
    """Applies activations."""

    def __init__(self, database: Database, tables: Tables, settings: Settings) -> None:
        self.run = database.run
        self.changes = database.changes
        self.tables = tables
        self.settings = settings
        self.withheld: list[str] = []

    def activate(self, activation: Activation) -> int:
        """Delete what an activation leaves behind and return the number of the stream's rows that went."""
        columns = self.tables.prepare(activation.shape, (TABLE_VERSION,))
        version = quote(columns[TABLE_VERSION.property].name)
        stale = f"(t.{version} IS NULL OR t.{version} < {activation.version})"
        if activation.base is None:
            return self._delete(activation.shape, stale, is_keyless=not activation.shape.keys)
        self._delete_dead(activation.base, activation.shape, columns, activation.version)
        return self.changes(f"DELETE FROM {activation.shape.table.sql} t WHERE {stale}")

    def purge(self, shape: Shape, columns: dict[str, TableColumn]) -> int:
        """Remove the rows that came marked as deleted, where deletes are hard."""
        if not self.settings.hard_delete or DELETED_AT.property not in columns:
            return 0
        marked = quote(columns[DELETED_AT.property].name)
        return self.changes(f"DELETE FROM {shape.table.sql} t WHERE t.{marked} IS NOT NULL")

    def _delete_dead(
        self, base: Shape, live: Shape, live_columns: dict[str, TableColumn], version: int
    ) -> int:
        columns = self.tables.prepare(base, (DELETED_AT,))
        alive = f"l.{quote(live_columns[TABLE_VERSION.property].name)} = {version}"
        match = " AND ".join(
            f"l.{quote(live_columns[key].name)} = t.{quote(columns[key].name)}" for key in base.keys
        )
        is_alive = f"EXISTS (SELECT 1 FROM {live.table.sql} l WHERE {alive} AND {match})"
        marked = quote(columns[DELETED_AT.property].name)
        self.run(f"UPDATE {base.table.sql} t SET {marked} = NULL WHERE t.{marked} IS NOT NULL AND {is_alive}")
        return self._delete(base, f"NOT {is_alive}", is_keyless=False)

    def _delete(self, shape: Shape, condition: str, *, is_keyless: bool) -> int:
        columns = self.tables.prepare(shape, (DELETED_AT,))
        marked = quote(columns[DELETED_AT.property].name)
        table = shape.table.sql
        known, gone = self.run(
            f"SELECT count(*), count(*) FILTER ({condition}) FROM {table} t WHERE t.{marked} IS NULL"
        )[0]
        lost = (
            max(0, 2 * gone - known) if is_keyless else gone
        )  # a stream without keys is replaced row for row
        before = gone if is_keyless else known
        if before >= SMALL_TABLE and lost > before * self.settings.max_delete_fraction:
            self.withheld.append(
                f"{shape.stream}: {lost} of {before} rows are gone from the source, more than max_delete_fraction"
                f" ({self.settings.max_delete_fraction:g}) permits; none of them was deleted"
            )
            return 0
        if self.settings.hard_delete:
            return self.changes(f"DELETE FROM {table} t WHERE {condition}")
        return self.changes(f"UPDATE {table} t SET {marked} = now() WHERE t.{marked} IS NULL AND {condition}")
