"""The tables of the warehouse: made when first needed, widened in place, never narrowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_duckdb.casts import convert_sql
from target_duckdb.columns import Column, TableColumn, widen
from target_duckdb.errors import DatabaseError
from target_duckdb.names import assign_names, comment_of, free_name, name_comment, original_name
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
        self._renewing: set[str] = set()
        self._columns: dict[Table, list[TableColumn]] = {}
        self._owners: dict[str, dict[str, str]] = {}
        self._comments: dict[Table, str] = {}

    def open(self) -> None:
        """Read the catalogue, once per transaction: others may have been at work in between."""
        self._columns, self._owners, self._renewing, self._comments = {}, {}, set(), {}
        here = "WHERE database_name = ? AND NOT internal"
        rows = self.run(
            "SELECT schema_name, table_name, column_name, data_type, coalesce(comment, '')"
            f" FROM duckdb_columns() {here} ORDER BY column_index",
            [WAREHOUSE],
        )
        for schema, name, column, kind, comment in rows:
            found = TableColumn(column, TYPE_NAMES.get(kind, kind), comment)
            self._columns.setdefault(Table(schema, name), []).append(found)
            self._owners.setdefault(schema, {}).setdefault(name, name)
        rows = self.run(
            f"SELECT schema_name, table_name, comment FROM duckdb_tables() {here} AND comment <> ''",
            [WAREHOUSE],
        )
        for schema, name, comment in rows:
            self._comments[Table(schema, name)] = comment
            if (owner := original_name(comment)) is not None:
                del self._owners[schema][name]
                self._owners[schema][owner] = name

    def settle(self) -> None:
        """Take note that a transaction was committed."""
        self._renewed |= self._renewing

    def place(self, shape: Shape) -> Table:
        """Return the table of a stream: of the name it asks for, or of one that no other stream has."""
        if shape.stream not in self._places:
            self._places[shape.stream] = self._find_place(shape)
        return self._places[shape.stream]

    def landing(self, shape: Shape) -> Table:
        """Return the table that takes a stream's rows: its own, or the one that will replace it."""
        place = self.place(shape)
        return Table(place.schema, place.name + NEW) if self.is_overwriting else place

    def _find_place(self, shape: Shape) -> Table:
        schema, wanted = shape.table.schema, shape.table.name
        owners = self._owners.get(schema, {})
        here = {place.name for place in self._places.values() if place.schema == schema}
        taken = {name.casefold() for name in (*owners.values(), *here)}
        if shape.stream in owners:
            return Table(schema, owners[shape.stream])
        is_there = owners.get(wanted) == wanted and wanted not in here
        if is_there and self.ledger.streams_of(shape.table) <= {shape.stream}:
            return shape.table  # somebody else's, or ours and not yet signed
        return Table(schema, free_name(wanted, taken))

    def prepare(self, shape: Shape, extra: Sequence[Column] = ()) -> dict[str, TableColumn]:
        """Make a table fit its stream and return the column of each property."""
        table = self.landing(shape)
        if self.is_overwriting and shape.stream not in self._renewed | self._renewing:
            self.run(f"DROP TABLE IF EXISTS {table.sql}")
            self._columns.pop(table, None)
            self._comments.pop(table, None)
            self._renewing.add(shape.stream)
        own = {column.property for column in shape.columns}
        columns = [*shape.columns, *(column for column in extra if column.property not in own)]
        existing = {column.name: column for column in self.columns(table)}
        names = assign_names(columns, existing.values())
        if not existing:
            self._create(shape, columns, names)
            existing = {
                name: TableColumn(name, column.type, comment_of(column, name))
                for column, name in zip(columns, names.values(), strict=True)
            }
        self._sign(shape)
        found = {
            column.property: self._evolve(
                shape, column, existing.get(names[column.property]), names[column.property]
            )
            for column in columns
        }
        kept = [
            column for column in existing.values() if column.name not in {new.name for new in found.values()}
        ]
        self._columns[table] = [*kept, *found.values()]
        return found

    def hold_as_text(self, shape: Shape, column: TableColumn) -> TableColumn:
        """Turn a column into text because it cannot hold exactly what is to come."""
        table = self.landing(shape)
        self._refuse_if_frozen(shape, column.name, column, "VARCHAR")
        self.run(f"ALTER TABLE {table.sql} ALTER COLUMN {quote(column.name)} TYPE VARCHAR")
        self.ledger.note_change(table, column.name, "widen column", column.type, "VARCHAR")
        wider = TableColumn(column.name, "VARCHAR", column.comment)
        self._columns[table] = [
            wider if known.name == column.name else known for known in self._columns[table]
        ]
        return wider

    def columns(self, table: Table) -> list[TableColumn]:
        """Return the columns of a table, none if there is no such table."""
        return self._columns.get(table, [])

    def swap(self, shape: Shape) -> None:
        """Put a table that was loaded anew in the place of the old one."""
        self.prepare(shape)
        place = self.place(shape)
        self.run(f"DROP TABLE IF EXISTS {place.sql}")
        self.run(f"ALTER TABLE {self.landing(shape).sql} RENAME TO {quote(place.name)}")
        self._columns[place] = self._columns.pop(self.landing(shape))

    def _create(self, shape: Shape, columns: Sequence[Column], names: dict[str, str]) -> None:
        table = self.landing(shape)
        listed = ", ".join(f"{quote(names[column.property])} {column.type}" for column in columns)
        if table.schema not in {known.schema for known in self._columns}:
            self.run(f"CREATE SCHEMA IF NOT EXISTS {WAREHOUSE}.{quote(table.schema)}")
        self.run(f"CREATE TABLE {table.sql} ({listed})")
        self.ledger.note_change(table, None, "create table")
        for column in columns:
            self._comment(table, column, names[column.property], "")

    def _sign(self, shape: Shape) -> None:
        """Write down whose a table is, where its name does not tell."""
        table = self.landing(shape)
        comment = self._comments.get(table, "")
        if shape.stream in {self.place(shape).name, original_name(comment)}:
            return
        self._comments[table] = "\n".join(filter(None, [comment, name_comment(shape.stream)]))
        self.run(f"COMMENT ON TABLE {table.sql} IS {literal(self._comments[table])}")

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
            using = convert_sql(quote(name), current.type, wanted)
            self.run(f"ALTER TABLE {table.sql} ALTER COLUMN {quote(name)} TYPE {wanted} USING {using}")
            self.ledger.note_change(table, name, "widen column", current.type, wanted)
        current_comment = current.comment if current else ""
        self._comment(table, column, name, current_comment)
        return TableColumn(name, wanted, comment_of(column, name) or current_comment)

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
