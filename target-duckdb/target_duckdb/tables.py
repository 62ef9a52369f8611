"""The tables of the warehouse: made when first needed, widened in place, never narrowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from target_duckdb import lake
from target_duckdb.casts import convert_sql
from target_duckdb.columns import EXACT_IN_DOUBLE, Column, TableColumn, widen
from target_duckdb.errors import DatabaseError
from target_duckdb.names import assign_names, comment_of, folded, free_name, name_comment, original_name
from target_duckdb.sql import WAREHOUSE, Table, literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from target_duckdb.database import Database
    from target_duckdb.ledger import Ledger
    from target_duckdb.shapes import Shape

TYPE_NAMES = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
NEW = "__new"
IN_THE_WAY = re.compile("depends? on it|constraint specified|by the generated column")
LANDING = "being loaded, to take the place of "
"""Marks a landing table: this text, the name of the table it will replace, the nonce of its run."""
BY = re.compile("\nby [0-9a-f-]{36}$")


class Tables:
    """Keeps tables in step with schemas."""

    def __init__(self, database: Database, ledger: Ledger, *, is_frozen: bool, is_overwriting: bool) -> None:
        self.run, self._admit_alter = database.run, database.admit_alter
        self.is_lake = database.is_lake
        self.ledger = ledger
        self.is_frozen = is_frozen
        self.is_overwriting = is_overwriting
        self._places: dict[str, Table] = {}
        self._landings: dict[Table, Table] = {}
        self._created: set[Table] = set()
        self._schemas: dict[bytes, str] = {}
        self._views: set[Table] = set()
        self._renewed: set[str] = set()
        self._renewing: set[str] = set()
        self._columns: dict[Table, list[TableColumn]] = {}
        self._owners: dict[str, dict[str, str]] = {}
        self._comments: dict[Table, str] = {}
        self._sizes: dict[Table, int] = {}
        """How many rows the tables had when the transaction began."""

    def open(self) -> None:
        """Read the catalogue, once per transaction: others may have been at work in between."""
        self._columns, self._owners, self._renewing, self._comments, self._sizes = {}, {}, set(), {}, {}
        here = "WHERE database_name = ? AND NOT internal"
        schemas = self.run("SELECT schema_name FROM duckdb_schemas() WHERE database_name = ?", [WAREHOUSE])
        self._schemas = {folded(name): name for (name,) in schemas}
        views = self.run(f"SELECT schema_name, view_name FROM duckdb_views() {here}", [WAREHOUSE])
        self._views = {Table(schema, name) for schema, name in views}
        rows = self.run(
            f"SELECT schema_name, table_name, comment, estimated_size FROM duckdb_tables() {here}",
            [WAREHOUSE],
        )
        for schema, name, comment, size in rows:
            self._comments[Table(schema, name)] = comment or ""
            self._sizes[Table(schema, name)] = size or 0
            owner, owners = _owner(comment or ""), self._owners.setdefault(schema, {})
            if owner is None:
                owners.setdefault(name, name)
            else:
                owners[owner] = name
        if rows:  # else it would take ten milliseconds to find nothing
            self._read_columns(here)

    def _read_columns(self, here: str) -> None:
        rows = self.run(
            "SELECT schema_name, table_name, column_name, data_type, coalesce(comment, ''),"
            " column_default IS NOT NULL"
            f" FROM duckdb_columns() {here} ORDER BY column_index",
            [WAREHOUSE],
        )
        for schema, name, column, kind, comment, has_default in rows:
            found = TableColumn(column, TYPE_NAMES.get(kind, kind), comment, has_default)
            self._columns.setdefault(Table(schema, name), []).append(found)

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
        if not self.is_overwriting:
            return place
        if place not in self._landings:
            owners = self._owners.get(place.schema, {})
            left = owners.get(LANDING + place.name)  # by a run that failed
            name = left or free_name(place.name + NEW, self._taken(place.schema))
            self._landings[place] = Table(place.schema, name)
        return self._landings[place]

    def _taken(self, schema: str) -> set[str]:
        """Return the names that no new table of a schema can have."""
        known = {*self._places.values(), *self._landings.values(), *self._views}
        here = {table.name.casefold() for table in known if table.schema == schema}
        return here | {name.casefold() for name in self._owners.get(schema, {}).values()}

    def _find_place(self, shape: Shape) -> Table:
        schema = self._schemas.get(folded(shape.table.schema), shape.table.schema)
        wanted, owners = Table(schema, shape.table.name), self._owners.get(schema, {})
        own = Table(schema, owners.get(shape.stream, ""))
        if own.name and own not in self._places.values():  # else another took it and has not yet signed
            return own
        if folded(wanted.name) in {folded(view.name) for view in self._views if view.schema == schema}:
            raise DatabaseError(
                f"{shape.stream}: {schema}.{wanted.name} is a view: rename it, or load into another schema"
            )
        alike = (name for name in owners.values() if folded(name) == folded(wanted.name))
        wanted = Table(schema, next(alike, wanted.name))  # DuckDB has one of them at most
        is_there = owners.get(wanted.name) == wanted.name and wanted not in self._places.values()
        if is_there and self.ledger.streams_of(wanted) <= {shape.stream}:
            return wanted  # somebody else's, or ours and not yet signed
        return Table(schema, free_name(shape.table.name, self._taken(schema)))

    def prepare(self, shape: Shape, extra: Sequence[Column] = ()) -> dict[str, TableColumn]:
        """Make a table fit its stream and return the column of each property."""
        table = self.landing(shape)
        if self.is_overwriting and shape.stream not in self._renewed | self._renewing:
            self.run(f"DROP TABLE IF EXISTS {table.sql}")
            for known in (self._columns, self._comments, self._sizes):
                known.pop(table, None)
            self._renewing.add(shape.stream)
        elif self.is_overwriting and self._comments.get(table) != self._landing_comment(shape):
            raise DatabaseError(
                f"{shape.stream}: another run loads {table.schema}.{self.place(shape).name} anew as well;"
                " nothing of this batch is committed. Run again when that has ended"
            )
        own = {column.property for column in shape.columns}
        columns = [*shape.columns, *(column for column in extra if column.property not in own)]
        existing = {column.name: column for column in self.columns(table)}
        names = assign_names(columns, existing.values(), lake.RESERVED if self.is_lake else ())
        if not existing:
            self._create(shape, columns, names)
            existing = {
                name: TableColumn(name, column.type, comment_of(column, TableColumn(name, column.type)))
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
        if self.is_overwriting:
            self._compare(shape, found.values())
        return found

    def _compare(self, shape: Shape, fresh: Iterable[TableColumn]) -> None:
        """Refuse columns that a table does not have in which it would be replaced, if it shall not change."""
        former = {column.name: column for column in self.columns(self.place(shape))}
        for column in fresh:
            current = former.get(column.name)
            if former and (current is None or current.type != column.type):
                self._refuse_if_frozen(shape, column.name, current, column.type)

    def hold_as_text(self, shape: Shape, column: TableColumn) -> TableColumn:
        """Turn a column into text because it cannot hold exactly what is to come."""
        table = self.landing(shape)
        if table not in self._created:
            self._refuse_if_frozen(shape, column.name, column, "VARCHAR")
        self._alter(shape, column, "VARCHAR")
        wider = TableColumn(column.name, "VARCHAR", column.comment)
        self._columns[table] = [
            wider if known.name == column.name else known for known in self._columns[table]
        ]
        return wider

    def columns(self, table: Table) -> list[TableColumn]:
        """Return the columns of a table, none if there is no such table."""
        return self._columns.get(table, [])

    def swap(self, shape: Shape) -> None:
        """Put a table that was loaded anew in the place of the old one, whose comment it gets."""
        self.prepare(shape)
        place, landing, comment = self.place(shape), self.landing(shape), self._signed(shape)
        self._refuse_to_narrow(shape)
        for change in differences(self.columns(place), self.columns(landing)):
            self.ledger.note_change(place, *change)
        self._drop(shape)
        self.run(f"ALTER TABLE {landing.sql} RENAME TO {quote(place.name)}")
        self._columns[place] = self._columns.pop(landing)
        self._comments[place] = self._comments.pop(landing)
        self._note(place, comment)

    def _drop(self, shape: Shape) -> None:
        """Remove the table that is replaced."""
        place = self.place(shape)
        try:
            self.run(f"DROP TABLE IF EXISTS {place.sql}")
        except DatabaseError as error:
            if "main key table" not in str(error):
                raise
            raise DatabaseError(
                f"{shape.stream}: {place.schema}.{place.name} cannot be replaced, because a foreign key of"
                " another table refers to it: drop that, or load with another load_method"
            ) from error

    def _enter(
        self, table: Table, column: str | None, change: str, old: str | None = None, new: str | None = None
    ) -> None:
        """Enter a change of a table; for a landing table `swap` enters the difference instead."""
        if not self.is_overwriting:
            self.ledger.note_change(table, column, change, old, new)

    def _refuse_to_narrow(self, shape: Shape) -> None:
        kept = {column.name for column in self.columns(self.landing(shape))}
        for column in self.columns(self.place(shape)):
            if self.is_frozen and column.name not in kept:
                raise DatabaseError(
                    f"{shape.stream}: {column.name!r}: it would be gone, and schema_evolution is freeze"
                )

    def _create(self, shape: Shape, columns: Sequence[Column], names: dict[str, str]) -> None:
        table = self.landing(shape)
        listed = ", ".join(f"{quote(names[column.property])} {column.type}" for column in columns)
        if folded(table.schema) not in self._schemas:
            self.run(f"CREATE SCHEMA IF NOT EXISTS {WAREHOUSE}.{quote(table.schema)}")
            self._schemas[folded(table.schema)] = table.schema
        self.run(f"CREATE TABLE {table.sql} ({listed})")
        self._created.add(table)
        self._enter(table, None, "create table")
        for column in columns:
            self._comment(table, column, TableColumn(names[column.property], column.type))

    def _sign(self, shape: Shape) -> None:
        """Write down whose a table is, where its name does not tell."""
        place, landing = self.place(shape), self.landing(shape)
        self._note(landing, self._signed(shape) if landing == place else self._landing_comment(shape))

    def _landing_comment(self, shape: Shape) -> str:
        return f"{LANDING}{self.place(shape).name}\nby {self.ledger.nonce}"

    def _signed(self, shape: Shape) -> str:
        """Return the comment of a stream's table."""
        place = self.place(shape)
        comment = self._comments.get(place, "")
        if shape.stream in {place.name, original_name(comment)}:
            return comment
        return "\n".join(filter(None, [comment, name_comment(shape.stream)]))

    def _note(self, table: Table, comment: str) -> None:
        if comment != self._comments.get(table, ""):
            self._comments[table] = comment
            self.run(f"COMMENT ON TABLE {table.sql} IS {literal(comment)}")

    def _comment(self, table: Table, column: Column, current: TableColumn) -> str:
        comment = comment_of(column, current) or current.comment
        if comment != current.comment:
            self.run(f"COMMENT ON COLUMN {table.sql}.{quote(current.name)} IS {literal(comment)}")
        return comment

    def _evolve(self, shape: Shape, column: Column, current: TableColumn | None, name: str) -> TableColumn:
        table = self.landing(shape)
        wanted = column.type if current is None else self._widened(table, current, column.type)
        if table not in self._created and (current is None or wanted != current.type):
            self._refuse_if_frozen(shape, name, current, wanted)
        if current is None:
            self._admit_alter(table, self._sizes.get(table, 0))
            self.run(f"ALTER TABLE {table.sql} ADD COLUMN {quote(name)} {wanted}")
            self._enter(table, name, "add column", None, wanted)
        elif wanted != current.type:
            self._alter(shape, current, wanted)
        comment = self._comment(table, column, current or TableColumn(name, wanted))
        return TableColumn(name, wanted, comment)

    def _alter(self, shape: Shape, column: TableColumn, wanted: str) -> None:
        table = self.landing(shape)
        self._admit_alter(table, self._sizes.get(table, 0))
        try:
            for statement in self._alter_sql(shape, column, wanted):
                self.run(statement)
        except DatabaseError as error:
            if not IN_THE_WAY.search(str(error)):
                raise
            raise DatabaseError(
                f"{shape.stream}: {column.name!r}: {column.type} would become {wanted}, which an index or"
                f" constraint of {table.schema}.{table.name} does not permit: drop it, run again, and make it"
                f" anew ({error})"
            ) from error
        self._enter(table, column.name, "widen column", column.type, wanted)

    def _alter_sql(self, shape: Shape, column: TableColumn, wanted: str) -> list[str]:
        table, name = self.landing(shape), quote(column.name)
        using = convert_sql(name, column.type, wanted)
        if not self.is_lake:
            return [f"ALTER TABLE {table.sql} ALTER COLUMN {name} TYPE {wanted} USING {using}"]
        taken = {known.name for known in self.columns(table)} | {known.property for known in shape.columns}
        fresh = free_name(column.name + NEW, set(map(str.casefold, taken)))
        return lake.rewrite_sql(table, column, fresh, wanted, using)

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


def _owner(comment: str) -> str | None:
    """Return what the comment of a table says whose it is, if it does."""
    return BY.sub("", comment) if comment.startswith(LANDING) else original_name(comment)


def differences(
    former: Sequence[TableColumn], fresh: Sequence[TableColumn]
) -> Iterator[tuple[str | None, str, str | None, str | None]]:
    """Yield what changes where a table takes the place of another: column, change, old and new type."""
    if not former:
        yield None, "create table", None, None
        return
    old, new = ({column.name: column.type for column in columns} for columns in (former, fresh))
    for name in {**old, **new}:
        if name not in new:
            yield name, "drop column", old[name], None
        elif name not in old:
            yield name, "add column", None, new[name]
        elif old[name] != new[name]:
            yield name, "replace column", old[name], new[name]
