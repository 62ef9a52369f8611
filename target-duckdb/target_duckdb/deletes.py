"""What a stream no longer holds: ACTIVATE_VERSION and live keys become deletes, within reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_duckdb.metadata import DELETED_AT, TABLE_VERSION
from target_duckdb.sql import quote

if TYPE_CHECKING:
    from target_duckdb.batches import Activation, Shape
    from target_duckdb.columns import TableColumn
    from target_duckdb.database import Database
    from target_duckdb.settings import Settings
    from target_duckdb.staging import Stage
    from target_duckdb.tables import Tables

SMALL_TABLE = 100


class Deleter:
    """Applies activations."""

    def __init__(self, database: Database, tables: Tables, settings: Settings) -> None:
        self.run = database.run
        self.changes = database.changes
        self.tables = tables
        self.settings = settings
        self.withheld: list[str] = []
        self._spared: set[str] = set()

    def spare(self, shape: Shape, stage: Stage) -> None:
        """Remember the keys of records that came while their stream's live keys were being listed."""
        name = quote(f"spared {shape.stream}")
        keys = ", ".join(f"c{index} AS k{place}" for place, index in enumerate(shape.key_indexes))
        verb = f"INSERT INTO {name}" if shape.stream in self._spared else f"CREATE TABLE {name} AS"
        self._spared.add(shape.stream)
        self.run(f"{verb} SELECT {keys} FROM {quote(stage.rows)}")

    def forget(self, stream: str) -> None:
        """Forget the keys that were to be spared."""
        self._spared.discard(stream)
        self.run(f"DROP TABLE IF EXISTS {quote(f'spared {stream}')}")

    def prepare(self, activation: Activation) -> None:
        """Give the tables of an activation the columns it needs."""
        self.tables.prepare(
            activation.shape, (TABLE_VERSION,) if activation.base else (TABLE_VERSION, DELETED_AT)
        )
        if activation.base:
            self.tables.prepare(activation.base, (DELETED_AT,))

    def activate(self, activation: Activation) -> int:
        """Delete what an activation leaves behind and return how many rows of the stream went."""
        columns = self.tables.prepare(activation.shape, (TABLE_VERSION,))
        version = quote(columns[TABLE_VERSION.property].name)
        if activation.base is None:
            return self._delete(
                activation.shape, f"(t.{version} IS NULL OR t.{version} < {activation.version})"
            )
        place = self.tables.landing(activation.shape).sql
        return self.changes(f"DELETE FROM {place} t WHERE t.{version} IS DISTINCT FROM {activation.version}")

    def delete_dead(self, activation: Activation, base: Shape) -> int:
        """Delete the rows of a base stream whose keys are not alive, bring back those that are."""
        live = activation.shape
        columns, live_columns = (
            self.tables.prepare(base, (DELETED_AT,)),
            self.tables.prepare(live, (TABLE_VERSION,)),
        )
        match = [f"l.{quote(live_columns[key].name)} = t.{quote(columns[key].name)}" for key in base.keys]
        match.append(f"l.{quote(live_columns[TABLE_VERSION.property].name)} = {activation.version}")
        is_alive = f"EXISTS (SELECT 1 FROM {self.tables.landing(live).sql} l WHERE {' AND '.join(match)})"
        marked = quote(columns[DELETED_AT.property].name)
        table = self.tables.landing(base).sql
        self.run(f"UPDATE {table} t SET {marked} = NULL WHERE t.{marked} IS NOT NULL AND {is_alive}")
        return self._delete(base, f"NOT {is_alive}{self._is_not_spared(base, columns)}")

    def _is_not_spared(self, base: Shape, columns: dict[str, TableColumn]) -> str:
        if base.stream not in self._spared:
            return ""
        match = " AND ".join(
            f"f.k{place} = t.{quote(columns[key].name)}" for place, key in enumerate(base.keys)
        )
        return f" AND NOT EXISTS (SELECT 1 FROM {quote(f'spared {base.stream}')} f WHERE {match})"

    def purge(self, shape: Shape, columns: dict[str, TableColumn]) -> int:
        """Remove the rows that came marked as deleted, where deletes are hard."""
        if not self.settings.hard_delete or DELETED_AT.property not in columns:
            return 0
        marked = quote(columns[DELETED_AT.property].name)
        return self.changes(f"DELETE FROM {self.tables.landing(shape).sql} t WHERE t.{marked} IS NOT NULL")

    def _delete(self, shape: Shape, condition: str) -> int:
        columns = self.tables.prepare(shape, (DELETED_AT,))
        marked = quote(columns[DELETED_AT.property].name)
        table = self.tables.landing(shape).sql
        known, gone = self.run(
            f"SELECT count(*), count(*) FILTER ({condition}) FROM {table} t WHERE t.{marked} IS NULL"
        )[0]
        if self._is_too_many(shape, known, gone):
            return 0
        if self.settings.hard_delete:
            return self.changes(f"DELETE FROM {table} t WHERE {condition}")
        return self.changes(f"UPDATE {table} t SET {marked} = now() WHERE t.{marked} IS NULL AND {condition}")

    def _is_too_many(self, shape: Shape, known: int, gone: int) -> bool:
        """Return whether a delete goes too far; without keys, where all rows come again, shrinking counts."""
        before, lost = (known, gone) if shape.keys else (gone, max(0, 2 * gone - known))
        if before < SMALL_TABLE or lost <= before * self.settings.max_delete_fraction:
            return False
        self.withheld.append(
            f"{shape.stream}: {lost} of {before} rows are gone from the source, more than max_delete_fraction"
            f" ({self.settings.max_delete_fraction:g}) permits; none was deleted, all else is committed"
        )
        return True
