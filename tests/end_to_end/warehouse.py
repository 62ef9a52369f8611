"""Reads what a run left in DuckDB, as plain Python values."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DELETED = "_sdc_deleted_at"

Row = dict[str, Any]


@dataclass
class Landed:
    """One table of the warehouse: all rows, and which of them are marked as deleted."""

    types: dict[str, str]
    rows: list[Row]

    @property
    def live(self) -> list[Row]:
        return [row for row in self.rows if row.get(DELETED) is None]


class Warehouse:
    """A DuckDB file, opened to read it all and closed again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tables: dict[tuple[str, str], Landed] = {}
        if path.exists():
            with closing(duckdb.connect()) as connection:
                connection.execute(f"ATTACH '{path}' AS landed (READ_ONLY)")
                for schema, table in _names(connection):
                    self.tables[schema, table] = _read(connection, schema, table)

    def table(self, schema: str, name: str) -> Landed:
        return self.tables.get((schema, name)) or Landed({}, [])

    def ledger(self, name: str) -> list[Row]:
        return self.table("_load", name).rows


def is_torn(path: Path) -> bool:
    """Tell whether there is a block in a file of which a kill left half."""
    try:
        Warehouse(path)
    except duckdb.Error as error:
        if "Corrupt database file" not in str(error):
            raise
        return True
    return False


def _names(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'landed'"
    ).fetchall()


def _read(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> Landed:
    found = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?"
        " AND database_name = 'landed' ORDER BY column_index",
        [schema, table],
    ).fetchall()
    types = dict(found)
    fields = ", ".join(
        f"epoch_us({_quote(name)})" if kind.startswith("TIMESTAMP") else _quote(name)
        for name, kind in types.items()
    )
    rows = connection.execute(f"SELECT {fields} FROM landed.{_quote(schema)}.{_quote(table)}").fetchall()
    return Landed(types, [dict(zip(types, map(_plain, types.values(), row), strict=True)) for row in rows])


def _plain(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind.startswith("TIMESTAMP"):
        return EPOCH + timedelta(microseconds=value)
    return json.loads(value, parse_float=_number) if kind == "JSON" else value


def _number(text: str) -> float | Decimal:
    """Read a number of JSON without losing a digit."""
    return float(text) if Decimal(repr(float(text))) == Decimal(text) else Decimal(text)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
