"""Knows how the rows of a segment come into their table, in the place of those of the same key; not when."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from target_duckdb import sql
from target_duckdb.casts import convert_sql, respelt_sql
from target_duckdb.columns import EXACT_IN_DOUBLE
from target_duckdb.errors import DatabaseError, OddError, OutOfMemoryError
from target_duckdb.metadata import DELETED_AT, MARK_OF_TEXT, TABLE_VERSION, VALUES, is_metadata
from target_duckdb.sql import quote
from target_duckdb.staging import query_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from target_duckdb.columns import Column, TableColumn
    from target_duckdb.database import Database
    from target_duckdb.segments import Segment
    from target_duckdb.settings import Settings
    from target_duckdb.shapes import Shape
    from target_duckdb.sql import Table
    from target_duckdb.staging import Stage
    from target_duckdb.tables import Tables

LOGGER = logging.getLogger("target-duckdb")
DUPLICATE = re.compile('Duplicate key "([^:]+):')
NOT_PERMITTED = re.compile(
    "(NOT NULL|CHECK) constraint failed.*|Violates foreign key constraint|.*generated column.*"
)
"""What DuckDB says of rows that what somebody added to a table does not permit, without their values."""
NOT_FOUND = re.compile(
    '^(Catalog Error: .*(Function|Sequence) with name .*|Binder Error: Catalog ".*) does not exist.*'
)
"""What it says where that is a default, index or generated column which calls a macro, found only while its
schema is searched, or spells the name of the file."""


@dataclass(frozen=True)
class Inserted:
    """What came of the rows of a segment."""

    replaced: int  # rows of the same keys that are there no longer
    is_unversioned: bool  # whether some came without a version, where others have one


class Inserter:
    """Inserts segments straight from the spool if nothing odd is known of their stream, else from a stage."""

    def __init__(self, database: Database, tables: Tables, settings: Settings, started: int) -> None:
        self.run = database.run
        self.changes = database.changes
        self.tables = tables
        self.settings = settings
        self.started = started
        self._odd: set[str] = set()
        """The streams that have to be staged."""
        self._warned: set[tuple[Table, str]] = set()
        """The columns of keys that have been warned of."""
        self._sent: dict[tuple[Table, str], str] = {}
        """The type that the latest SCHEMA gives a key column, which may differ from the table's."""

    def is_straight(self, segment: Segment) -> bool:
        """Whether a segment may go into its table without being staged."""
        return not (
            self.settings.add_record_metadata
            or self.settings.load_method == "overwrite"
            or segment.shape.stream in self._odd
            or segment.is_fresh
            or segment.base
            or (segment.rejects.exists() and self.settings.on_invalid_value == "fail")
        )

    def declare(self, shape: Shape) -> None:
        """Make the table fit a stream of which no record came."""
        self.tables.prepare(shape, self._metadata)

    def prepare(self, segment: Segment) -> dict[str, TableColumn]:
        """Make the table fit a segment and return the column of each property."""
        former = self.tables.columns(self.tables.landing(segment.shape))
        columns = self.tables.prepare(segment.shape, self._extra(segment))
        if self.settings.load_method == "upsert":
            self._compare_keys(segment.shape, {column.name: column.type for column in former}, columns)
        return columns

    def _compare_keys(self, shape: Shape, former: dict[str, str], columns: dict[str, TableColumn]) -> None:
        """Warn of a key that may not be the text that it was."""
        for column in (shape.columns[index] for index in shape.key_indexes):
            name, place = columns[column.property].name, self.tables.landing(shape)
            was = self._sent.get((place, name), former.get(name, column.type))
            self._sent[place, name] = column.type
            condition = respelt_sql(quote(name), was, column.type, columns[column.property].type)
            if condition is None or (place, name) in self._warned:
                continue
            if self.run(f"SELECT 1 FROM {place.sql} WHERE {condition} LIMIT 1"):
                self._warned.add((place, name))
                LOGGER.warning(
                    "%s: key %r was %s and is %s by its SCHEMA: rows whose key is spelt otherwise than"
                    " before come a second time",
                    shape.stream,
                    name,
                    was,
                    column.type,
                )

    def hold_exactly(self, segment: Segment, stage: Stage | None) -> None:
        """Turn into text the columns of doubles that would round a staged integer."""
        columns = self.prepare(segment)
        for index, column in enumerate(segment.shape.columns):
            kept = columns[column.property]
            if (column.type, kept.type) != ("BIGINT", "DOUBLE"):
                continue
            if stage is None:
                self._refuse(segment)
            elif self.run(
                f"SELECT 1 FROM {quote(stage.rows)} WHERE abs(c{index}::HUGEINT) > {EXACT_IN_DOUBLE} LIMIT 1"
            ):
                self.tables.hold_as_text(segment.shape, kept)

    def insert(self, segment: Segment, stage: Stage | None) -> Inserted:
        """Insert a segment from its stage or straight; raise OddError if it has to be staged."""
        return self._insert_stage(segment, stage) if stage else self._insert_spooled(segment)

    def _insert_spooled(self, segment: Segment) -> Inserted:
        """Insert a segment as it is spooled, and look afterwards what that did."""
        columns, table = self.prepare(segment), self.tables.landing(segment.shape)
        if self._has_rowid(table):
            self._refuse(segment)
        last = self.run(f"SELECT coalesce(max(rowid), -1) FROM {table.sql}")[0][0]
        query = sql.plain_sql(query_of(segment, has_metadata=False))
        values = self._values(segment, columns)
        try:
            rows = self.changes(sql.insert_sql(table.sql, values, query))
        except OutOfMemoryError:
            raise
        except DatabaseError as error:
            if NOT_FOUND.match(str(error)):  # DuckDB 1.5 may not come back from a second try in the process
                self._complain(segment, error)
            self._refuse(segment)
        keys = [columns[key].name for key in segment.shape.keys]
        distinct, missing = self.run(sql.arrivals_sql(table.sql, keys, last))[0] if keys else (rows, 0)
        if rows != segment.rows or distinct != rows or missing:
            self._refuse(segment)
        is_unversioned = self._is_unversioned(segment, f"{table.sql} WHERE rowid > {last} AND", columns)
        replaced = self._replace_spooled(segment, keys, values, last) if keys and last >= 0 else 0
        return Inserted(replaced, is_unversioned)

    def _replace_spooled(self, segment: Segment, keys: list[str], values: dict[str, str], last: int) -> int:
        """Delete the rows that came again after the one of a number, and return how many they are."""
        table = self.tables.landing(segment.shape)
        if unwritten := self._unwritten(table, values):
            came_again = f"{sql.has_any_sql(unwritten)} AND {sql.came_again_sql(table.sql, keys, last)}"
            if self.run(f"SELECT 1 FROM {table.sql} t WHERE {came_again} LIMIT 1"):
                self._refuse(segment)  # an UPDATE would hold in memory what is to stay
        return self.changes(sql.replaced_sql(table.sql, keys, last))

    def _insert_stage(self, segment: Segment, stage: Stage) -> Inserted:
        columns, table = self.prepare(segment), self.tables.landing(segment.shape)
        values, rows = self._values(segment, columns), quote(stage.rows)
        replaced = 0
        try:
            keys = [columns[key].name for key in segment.shape.keys]
            match = sql.match_sql({name: values[name] for name in keys})
            join = self._keep(table, keys, values, f"EXISTS (SELECT 1 FROM {rows} s WHERE {match})")
            if keys:
                replaced = self.changes(f"DELETE FROM {table.sql} t USING {rows} s WHERE {match}")
            self.run(sql.insert_sql(table.sql, values, rows, join))
        except DatabaseError as error:
            self._complain(segment, error)
        return Inserted(replaced, self._is_unversioned(segment, f"{rows} WHERE", None))

    def _unwritten(self, table: Table, written: Collection[str]) -> list[str]:
        """Return the columns that a segment does not have, and whose values stay when its rows come again.

        They are those of an earlier SCHEMA, or somebody has added them. What has a default gets that again.
        """
        return [
            column.name
            for column in self.tables.columns(table)
            if column.name not in written and not column.has_default and not is_metadata(column.name)
        ]

    def _keep(self, table: Table, keys: Sequence[str], values: dict[str, str], condition: str) -> str:
        """Keep what rows of a condition have in columns that nobody writes to; return the join with it."""
        unwritten = self._unwritten(table, values)
        if not unwritten or not keys or self._has_rowid(table):
            return ""
        if not self.changes(sql.keep_sql(table.sql, keys, unwritten, condition)):
            return ""
        join = sql.kept_join_sql(values[key] for key in keys)
        values |= {column: f"k.c{place}" for place, column in enumerate(unwritten)}
        return join

    def _has_rowid(self, table: Table) -> bool:
        """Return whether a column of a table hides the numbers of its rows."""
        return any(column.name.casefold() == "rowid" for column in self.tables.columns(table))

    def _complain(self, segment: Segment, error: DatabaseError) -> NoReturn:
        """Raise what to say of rows that do not go into their table, with what to do if that is known."""
        table = self.tables.landing(segment.shape)
        reason = _reason(str(error), f"{table.schema}.{table.name}")
        if reason is None:
            raise error
        raise DatabaseError(f"{segment.shape.stream}: {reason}") from error

    def _refuse(self, segment: Segment) -> NoReturn:
        self._odd.add(segment.shape.stream)
        raise OddError(segment.shape.stream)

    @property
    def _metadata(self) -> tuple[Column, ...]:
        """The columns that every table has beside those of its stream."""
        return tuple(VALUES) if self.settings.add_record_metadata else ()

    def _extra(self, segment: Segment) -> tuple[Column, ...]:
        return self._metadata or ((TABLE_VERSION,) if segment.version is not None else ())

    def _values(self, segment: Segment, columns: dict[str, TableColumn]) -> dict[str, str]:
        """Return the expression of each column over a stage or query s of the segment."""
        listed = segment.version if segment.base else None  # live keys may come without a version
        version = "NULL" if listed is None else listed
        facts = {"received": segment.received, "started": self.started, "version": version}
        values = {
            columns[extra.property].name: VALUES[extra].format(**facts) for extra in self._extra(segment)
        }
        for index, column in enumerate(segment.shape.columns):
            kept = columns[column.property]
            value = convert_sql(f"s.c{index}", column.type, kept.type)
            if (column.property, kept.type) == (DELETED_AT.property, "VARCHAR"):
                value = MARK_OF_TEXT.format(v=value)  # as it is where the schema does not have it
            values[kept.name] = value
        if segment.version is not None and TABLE_VERSION.property not in segment.shape.keys:
            kept = columns[TABLE_VERSION.property]  # also if the tap has a property of that name
            message_version = VALUES[TABLE_VERSION].format(**facts)
            values[kept.name] = convert_sql(message_version, TABLE_VERSION.type, kept.type)
        return values

    def _is_unversioned(self, segment: Segment, source: str, columns: dict[str, TableColumn] | None) -> bool:
        """Return whether some of the rows in a source have no version, where others have one."""
        if segment.version is None or segment.base:
            return False
        name = columns[TABLE_VERSION.property].name if columns else "version"
        return bool(self.run(f"SELECT 1 FROM {source} {quote(name)} IS NULL LIMIT 1"))


def _reason(error: str, table: str) -> str | None:
    """Return why a table does not take rows, and what to do, if that lies in how somebody made it."""
    if found := DUPLICATE.search(error):
        return (
            f"a unique index or constraint on {found[1]!r} of {table} does not permit these rows; if that is"
            " their key, drop the index and run again: DuckDB replaces rows beside a PRIMARY KEY, but not"
            " beside a UNIQUE INDEX"
        )
    if found := NOT_FOUND.match(error) or NOT_PERMITTED.search(error):
        return (
            f"{table} does not permit these rows ({found[0]}): drop what somebody has added to it, or load"
            " into another schema (default_target_schema)"
        )
    return None
