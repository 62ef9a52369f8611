"""The tables of the warehouse: made when first needed, widened in place, never narrowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_duckdb import sql
from target_duckdb.columns import Column, TableColumn, assign_names, comment_of, widen
from target_duckdb.errors import DatabaseError
from target_duckdb.sql import WAREHOUSE, literal, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_duckdb.batches import Shape
    from target_duckdb.database import Database
    from target_duckdb.ledger import Ledger
    from target_duckdb.sql import Table

TYPE_NAMES = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
EXACT_IN_DOUBLE = 2**53


class Tables:
    """Keeps tables in step with schemas."""

    def __init__(self, database: Database, ledger: Ledger, *, is_frozen: bool) -> None:
        self.run = database.run
        self.ledger = ledger
        self.is_frozen = is_frozen

    def prepare(self, shape: Shape, extra: Sequence[Column] = ()) -> dict[str, TableColumn]:
        """Make a table fit its stream and return the column of each property."""
        columns = [*shape.columns, *extra]
        existing = {column.name: column for column in self.columns(shape.table)}
        names = assign_names(columns, existing.values())
        wanted = {column.property: TableColumn(names[column.property], column.type) for column in columns}
        if not existing:
            self._create(shape, columns, names)
            return wanted
        for column in columns:
            current = existing.get(names[column.property])
            wanted[column.property] = self._evolve(shape, column, current, names[column.property])
        return wanted

    def columns(self, table: Table) -> list[TableColumn]:
        """Return the columns of a table, none if there is no such table."""
        rows = self.run(
            "SELECT column_name, data_type, coalesce(comment, '') FROM duckdb_columns()"
            " WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index",
            [WAREHOUSE, table.schema, table.name],
        )
        return [TableColumn(name, TYPE_NAMES.get(kind, kind), comment) for name, kind, comment in rows]

    def _create(self, shape: Shape, columns: Sequence[Column], names: dict[str, str]) -> None:
        table = shape.table
        listed = ", ".join(f"{quote(names[column.property])} {column.type}" for column in columns)
        self.run(f"CREATE SCHEMA IF NOT EXISTS {WAREHOUSE}.{quote(table.schema)}")
        self.run(f"CREATE TABLE {table.sql} ({listed})")
        self.ledger.note_change(table, None, "create table")
        for column in columns:
            self._comment(table, column, names[column.property], "")

    def _comment(self, table: Table, column: Column, name: str, current: str) -> None:
        comment = comment_of(column, name)
        if comment and comment != current:
            self.run(f"COMMENT ON COLUMN {table.sql}.{quote(name)} IS {literal(comment)}")

    def _evolve(self, shape: Shape, column: Column, current: TableColumn | None, name: str) -> TableColumn:
        table = shape.table
        wanted = column.type if current is None else self._widened(table, current, column.type)
        if current is None or wanted != current.type:
            self._refuse_if_frozen(shape, name, current, wanted)
        if current is None:
            self.run(f"ALTER TABLE {table.sql} ADD COLUMN {quote(name)} {wanted}")
            self.ledger.note_change(table, name, "add column", None, wanted)
        elif wanted != current.type:
            using = sql.convert_sql(quote(name), current.type, wanted)
            self.run(f"ALTER TABLE {table.sql} ALTER COLUMN {quote(name)} TYPE {wanted} USING {using}")
            self.ledger.note_change(table, name, "widen column", current.type, wanted)
        self._comment(table, column, name, current.comment if current else "")
        return TableColumn(name, wanted)

    def _widened(self, table: Table, current: TableColumn, wanted: str) -> str:
        widened = widen(current.type, wanted)
        if widened == "DOUBLE" and current.type == "BIGINT":
            largest = self.run(f"SELECT max(abs({quote(current.name)}::HUGEINT)) FROM {table.sql}")[0][0]
            return widened if (largest or 0) <= EXACT_IN_DOUBLE else "VARCHAR"
        return widened

    def _refuse_if_frozen(self, shape: Shape, name: str, current: TableColumn | None, wanted: str) -> None:
        if self.is_frozen:
            change = (
                f"it would be a new column {wanted}"
                if current is None
                else f"{current.type} would become {wanted}"
            )
            raise DatabaseError(f"{shape.stream}: {name!r}: {change}, and schema_evolution is freeze")
