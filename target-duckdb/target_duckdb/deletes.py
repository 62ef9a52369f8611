"""What a stream no longer holds: ACTIVATE_VERSION and live keys become deletes, within reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_duckdb.casts import convert_sql, read_type, value_sql
from target_duckdb.columns import TableColumn, widen
from target_duckdb.errors import DatabaseError
from target_duckdb.metadata import DELETED_AT, MARK_OF_TEXT, TABLE_VERSION
from target_duckdb.sql import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_duckdb.batches import Activation
    from target_duckdb.database import Database
    from target_duckdb.settings import Settings
    from target_duckdb.shapes import Shape
    from target_duckdb.staging import Stage
    from target_duckdb.tables import Tables

SMALL_TABLE = 100
MARKS = {"VARCHAR": MARK_OF_TEXT, "JSON": MARK_OF_TEXT.format(v="({v} ->> '$')")}
NUMBERS = frozenset({"BIGINT", "HUGEINT", "DOUBLE"})


class Deleter:
    """Applies activations."""

    def __init__(self, database: Database, tables: Tables, settings: Settings) -> None:
        self.run = database.run
        self.changes = database.changes
        self.tables = tables
        self.settings = settings
        self.withheld: list[str] = []
        self.unversioned: set[str] = set()
        """The streams of which records came without a version in this run; else such rows are older."""
        self._spared: dict[str, dict[tuple[TableColumn, ...], str]] = {}
        self._count = 0

    def spare(self, shape: Shape, stage: Stage) -> None:
        """Remember the keys of records that came while their stream's live keys were being listed."""
        columns = [shape.columns[index] for index in shape.key_indexes]
        key = tuple(TableColumn(column.property, column.type) for column in columns)
        if not key:
            return
        tables = self._spared.setdefault(shape.stream, {})
        if key not in tables:
            self._count += 1
            name = f"spared{self._count}"
            listed = ", ".join(f"c{index} {column.type}" for index, column in enumerate(key))
            self.run(f"CREATE TABLE {quote(name)} ({listed})")
            tables[key] = name
        values = ", ".join(f"c{index}" for index in shape.key_indexes)
        self.run(f"INSERT INTO {quote(tables[key])} SELECT {values} FROM {quote(stage.rows)}")

    def forget(self, stream: str) -> None:
        """Forget the keys that were to be spared."""
        for name in self._spared.pop(stream, {}).values():
            self.run(f"DROP TABLE {quote(name)}")

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
        version = version_sql("t", columns[TABLE_VERSION.property])
        if activation.base is None:
            is_none_older = "false" if activation.shape.stream in self.unversioned else "true"
            is_older = f"coalesce({version} < {activation.version}, {is_none_older})"
            return self._delete(activation.shape, is_older, version)
        place = self.tables.landing(activation.shape).sql
        return self.changes(
            f"DELETE FROM {place} t WHERE coalesce({version} NOT IN {activation.listed}, true)"
        )

    def delete_dead(self, activation: Activation, base: Shape) -> int:
        """Delete the rows of a base stream whose keys are not alive, bring back those that are."""
        live = activation.shape
        columns, live_columns = (
            self.tables.prepare(base, (DELETED_AT,)),
            self.tables.prepare(live, (TABLE_VERSION,)),
        )
        match = [same_sql("l", live_columns[key], "t", columns[key]) for key in base.keys]
        match.append(f"{version_sql('l', live_columns[TABLE_VERSION.property])} IN {activation.listed}")
        is_alive = f"EXISTS (SELECT 1 FROM {self.tables.landing(live).sql} l WHERE {' AND '.join(match)})"
        is_not_spared = self._is_not_spared(base, columns)
        mark = columns[DELETED_AT.property]
        self.run(
            f"UPDATE {self.tables.landing(base).sql} t SET {quote(mark.name)} = NULL"
            f" WHERE t.{quote(mark.name)} IS NOT NULL AND {is_alive}{is_not_spared}"
        )
        return self._delete(base, f"NOT {is_alive}{is_not_spared}")

    def _is_not_spared(self, base: Shape, columns: dict[str, TableColumn]) -> str:
        """Return the condition on rows that came before, by what is left of a key that changed meanwhile."""
        parts = []
        for key, name in self._spared.get(base.stream, {}).items():
            match = [
                same_sql("f", TableColumn(f"c{index}", part.type), "t", columns[part.name])
                for index, part in enumerate(key)
                if part.name in base.keys
            ]
            parts.append(
                f" AND NOT EXISTS (SELECT 1 FROM {quote(name)} f WHERE {' AND '.join(match) or 'true'})"
            )
        return "".join(parts)

    def purge(self, shape: Shape, columns: dict[str, TableColumn]) -> int:
        """Remove the rows that came marked as deleted, where deletes are hard."""
        is_keeping = not self.settings.hard_delete or self.settings.load_method == "append-only"
        if is_keeping or DELETED_AT.property not in columns:
            return 0
        is_marked = f"{mark_sql(columns[DELETED_AT.property])} IS NOT NULL"
        return self.changes(f"DELETE FROM {self.tables.landing(shape).sql} t WHERE {is_marked}")

    def _delete(self, shape: Shape, condition: str, version: str = "NULL") -> int:
        columns = self.tables.prepare(shape, (DELETED_AT,))
        marked = quote(columns[DELETED_AT.property].name)
        is_known = f"{mark_sql(columns[DELETED_AT.property])} IS NULL"
        table = self.tables.landing(shape).sql
        counted = f"SELECT count(*), count(*) FILTER ({condition}) FROM {table} t"
        counts = self.run(f"{counted} WHERE {is_known} GROUP BY {version}")
        if self._is_too_many(shape, counts):
            return 0
        try:
            if self.settings.hard_delete:
                return self.changes(f"DELETE FROM {table} t WHERE {condition}")
            return self.changes(f"UPDATE {table} t SET {marked} = now() WHERE {is_known} AND {condition}")
        except DatabaseError as error:
            if "foreign key" not in str(error):
                raise
            place = self.tables.landing(shape)
            raise DatabaseError(
                f"{shape.stream}: rows that are gone from the source cannot leave {place.schema}.{place.name}"
                " because a foreign key of another table refers to it: drop that, or set hard_delete to false"
            ) from error

    def _is_too_many(self, shape: Shape, counts: Sequence[tuple[int, int]]) -> bool:
        """Return whether a delete goes too far, by how many rows there are and how many would go.

        Without keys all rows come again, and what counts is how many fewer there are than in the largest of
        the versions that go: there are several after a run that was stopped, or whose delete was withheld.
        """
        known, gone = sum(known for known, _ in counts), sum(gone for _, gone in counts)
        before, lost = known, gone
        if not shape.keys:
            before = max((gone for _, gone in counts), default=0)
            lost = max(0, before - (known - gone))
        if before < SMALL_TABLE or lost <= before * self.settings.max_delete_fraction:
            return False
        self.withheld.append(
            f"{shape.stream}: {lost} of {before} rows are gone from the source, more than max_delete_fraction"
            f" ({self.settings.max_delete_fraction:g}) permits; none was deleted, all else is committed"
        )
        return True


def mark_sql(column: TableColumn) -> str:
    """Return the expression that is NULL where a row of t is not marked as deleted."""
    return MARKS.get(column.type, "{v}").format(v=f"t.{quote(column.name)}")


def version_sql(table: str, column: TableColumn) -> str:
    """Return the expression of a row's version, NULL if it has none; the tap may have declared it a text."""
    value = f"{table}.{quote(column.name)}"
    if column.type == TABLE_VERSION.type:
        return value
    return f"TRY_CAST({convert_sql(value, column.type, 'VARCHAR')} AS {TABLE_VERSION.type})"


def same_sql(left: str, one: TableColumn, right: str, other: TableColumn) -> str:
    """Return whether two columns of a key are equal; if their types differ, whether they may mean the same.

    A text is read as the other's type, as texts in records are: a false match only keeps a row.
    """
    pairs = [(f"{left}.{quote(one.name)}", one.type), (f"{right}.{quote(other.name)}", other.type)]
    if one.type != other.type:
        pairs = [_text(value) if kind == "JSON" else (value, kind) for value, kind in pairs]
    kinds = {kind for _, kind in pairs}
    if len(kinds) > 1 and all(map(_is_number, kinds)):
        return " = ".join(f"CAST({value} AS DOUBLE)" for value, _ in pairs)
    if "VARCHAR" in kinds:
        wanted = next(iter(kinds - {"VARCHAR"}), "VARCHAR")
        return " = ".join(value if kind == wanted else _read(value, wanted) for value, kind in pairs)
    wanted = widen(one.type, other.type)
    return " = ".join(convert_sql(value, kind, wanted) for value, kind in pairs)


def _text(value: str) -> tuple[str, str]:
    return convert_sql(value, "JSON", "VARCHAR"), "VARCHAR"


def _is_number(kind: str) -> bool:
    return kind in NUMBERS or kind.startswith("DECIMAL")


def _read(value: str, wanted: str) -> str:
    return value_sql(wanted, value) if read_type(wanted) == "VARCHAR" else f"TRY_CAST({value} AS {wanted})"
