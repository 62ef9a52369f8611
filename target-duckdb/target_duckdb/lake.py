"""What a DuckLake wants otherwise: tables are Parquet files, and few columns change their type in place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from target_duckdb.sql import literal, quote

if TYPE_CHECKING:
    from target_duckdb.columns import Column, TableColumn
    from target_duckdb.sql import Table

LARGEST_INTEGER = "DECIMAL(38,0)"
RESERVED = frozenset(
    {
        "row_id",
        "begin_snapshot",
        "end_snapshot",
        "_ducklake_internal_row_id",
        "_ducklake_internal_snapshot_id",
    }
)
"""Names of columns that DuckLake refuses: those of the tables in which it keeps small inserts."""


def exact(column: Column) -> Column:
    """Return a column whose values a Parquet file holds: for HUGEINT, DuckDB writes doubles there."""
    return replace(column, type=LARGEST_INTEGER) if column.type == "HUGEINT" else column


def rewrite_sql(table: Table, column: TableColumn, fresh: str, wanted: str, using: str) -> list[str]:
    """Return the statements that put a new column of another type in the place of one, at the table's end.

    DuckLake refuses most changes of a type. Those it makes leave the files as they are and cast whatever is
    read from them: a day would become a time stamp in the time zone of each reader.
    """
    alter, name = f"ALTER TABLE {table.sql}", quote(column.name)
    return [
        f"{alter} ADD COLUMN {quote(fresh)} {wanted}",
        f"UPDATE {table.sql} SET {quote(fresh)} = {using}",
        f"{alter} DROP COLUMN {name}",
        f"{alter} RENAME COLUMN {quote(fresh)} TO {name}",
        *([f"COMMENT ON COLUMN {table.sql}.{name} IS {literal(column.comment)}"] if column.comment else []),
    ]
