"""The tables of the warehouse: made when first needed, widened in place, never narrowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_duckdb import sql
from target_duckdb.columns import (
    Column,
    TableColumn,
    assign_names,
    comment_of,
    free_name,
    name_comment,
    original_name,
    widen,
)
from target_duckdb.errors import DatabaseError
from target_duckdb.sql import WAREHOUSE, Table, literal, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_duckdb.batches import Shape
    from target_duckdb.database import Database
    from target_duckdb.ledger import Ledger

TYPE_NAMES = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
EXACT_IN_DOUBLE = 2**53
NEW = "__new"


class Tables:
    """Keeps tables in step with schemas."""

    def __init__(self, database: Database, ledger: Ledger, *, is_frozen: bool, is_overwriting: bool) -> None:
        self.run = database.run
        self.ledger = ledger
        self.is_frozen = is_frozen
        self.is_overwriting = is_overwriting
        self._places: dict[str, Table] = {}
        self._renewed: set[str] = set()

    def place(self, shape: Shape) -> Table:
        """Return the table of a stream: of its name, or of one that DuckDB can tell from the others."""
        if shape.stream not in self._places:
            self._places[shape.stream] = self._find_place(shape)
        return self._places[shape.stream]

    def landing(self, shape: Shape) -> Table:
        """Return the table that takes a stream's rows: its own, or the one that will replace it."""
        place = self.place(shape)
        return Table(place.schema, place.name + NEW) if self.is_overwriting else place

    def _find_place(self, shape: Shape) -> Table:
        schema, wanted = shape.table.schema, shape.table.name
        rows = self.run(
            "SELECT table_name, coalesce(comment, '') FROM duckdb_tables() WHERE database_name = ? AND schema_name = ?"
            " UNION ALL SELECT view_name, '' FROM duckdb_views() WHERE database_name = ? AND schema_name = ?",
            [WAREHOUSE, schema, WAREHOUSE, schema],
        )
        owners = {original_name(comment) or name: name for name, comment in rows}
        here = {place.name for place in self._places.values() if place.schema == schema}
        taken = {name.casefold() for name in (*owners.values(), *here)}
        return Table(schema, owners.get(wanted) or free_name(wanted, taken))

    def prepare(self, shape: Shape, extra: Sequence[Column] = ()) -> dict[str, TableColumn]:
        """Make a table fit its stream and return the column of each property."""
        table = self.landing(shape)
        if self.is_overwriting and shape.stream not in self._renewed:
            self.run(f"DROP TABLE IF EXISTS {table.sql}")
            self._renewed.add(shape.stream)
        own = {column.property for column in shape.columns}
        columns = [*shape.columns, *(column for column in extra if column.property not in own)]
        existing = {column.name: column for column in self.columns(table)}
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

    def swap(self, shape: Shape) -> None:
        """Put a table that was loaded anew in the place of the old one."""
        self.prepare(shape)
        place = self.place(shape)
        self.run(f"DROP TABLE IF EXISTS {place.sql}")
        self.run(f"ALTER TABLE {self.landing(shape).sql} RENAME TO {quote(place.name)}")

    def _create(self, shape: Shape, columns: Sequence[Column], names: dict[str, str]) -> None:
        table = self.landing(shape)
        listed = ", ".join(f"{quote(names[column.property])} {column.type}" for column in columns)
        self.run(f"CREATE SCHEMA IF NOT EXISTS {WAREHOUSE}.{quote(table.schema)}")
        self.run(f"CREATE TABLE {table.sql} ({listed})")
        self.ledger.note_change(table, None, "create table")
        if self.place(shape).name != shape.table.name:
            self.run(f"COMMENT ON TABLE {table.sql} IS {literal(name_comment(shape.table.name))}")
        for column in columns:
            self._comment(table, column, names[column.property], "")

    def _comment(self, table: Table, column: Column, name: str, current: str) -> None:
        comment = comment_of(column, name)
        if comment and comment != current:
            self.run(f"COMMENT ON COLUMN {table.sql}.{quote(name)} IS {literal(comment)}")

    def _evolve(self, shape: Shape, column: Column, current: TableColumn | None, name: str) -> TableColumn:
        table = self.landing(shape)
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
            change = f"it would be a new column {wanted}" if current is None else f"{current.type} would become {wanted}"
            raise DatabaseError(f"{shape.stream}: {name!r}: {change}, and schema_evolution is freeze")
