"""The read copy: the working file compacted, in a format older readers open, checked before it is shown."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from target_duckdb.names import folded
from target_duckdb.publish.database import (
    PublishError,
    connect,
    copy_working_file,
    in_memory,
    one_line,
)
from target_duckdb.publish.sql import count, qualified
from target_duckdb.publish.views import relocate_views
from target_duckdb.sql import literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from target_duckdb.publish.database import Connection

# Catalog names that no user's schema will have: where a name is both, DuckDB calls it ambiguous.
SOURCE, COPY = "publish: source", "publish: copy"

TABLES = """
SELECT database_name, schema_name, table_name FROM duckdb_tables()
WHERE database_name = current_catalog() AND NOT internal AND NOT temporary ORDER BY ALL
"""
SCHEMAS = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_catalog() AND NOT internal"

LEDGER = """
SELECT 1 FROM duckdb_columns() WHERE database_name = current_catalog()
AND schema_name = '_load' AND table_name = 'runs' AND column_name = 'committed_at'
"""
LOADED = (
    "SELECT strftime(max(committed_at)::TIMESTAMPTZ AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') FROM _load.runs"
)

FOREIGN_KEYS = (
    "; DuckDB 1.5 does not copy referenced rows first, nor does 2.0 within one table: drop the constraint"
)

Counts = dict[tuple[str, str], int]
"""Rows by schema and table."""


def write_read_copy(
    source: Path, copy: Path, *, schemas: tuple[str, ...], wait_seconds: float, storage_version: str
) -> list[str]:
    """Write the read copy of a working file; return the views that work neither there nor here."""
    raw = copy.parent.with_name("raw.duckdb")
    catalog = copy_working_file(source, raw, wait_seconds=wait_seconds)
    with in_words_of(source, raw), in_memory(copy.parent) as connection:
        connection.execute(f"ATTACH {literal(str(raw))} AS {qualified(SOURCE)}")
        connection.execute(f"USE {qualified(SOURCE)}")
        drop_other_schemas(connection, schemas)
        expected = counts(connection)
        attach_copy(connection, copy, storage_version)
        connection.execute(f"COPY FROM DATABASE {qualified(SOURCE)} TO {qualified(COPY)}")
        connection.execute(f"USE {qualified(COPY)}")
        broken = relocate_views(connection, catalog)
        connection.execute(f"CHECKPOINT {qualified(COPY)}")  # closing would, too, but hide what went wrong
    check(copy, expected)
    for leftover in (raw, raw.with_name(f"{raw.name}.wal")):
        leftover.unlink(missing_ok=True)
    return broken


@contextmanager
def in_words_of(source: Path, raw: Path) -> Iterator[None]:
    """Turn what DuckDB says of our copy of a database into a PublishError about the database itself."""
    try:
        yield
    except duckdb.Error as error:
        said = one_line(error).replace(str(raw), str(source))
        advice = FOREIGN_KEYS if "foreign key" in said else ""
        raise PublishError(f"cannot publish {source}: {said}{advice}") from None


def attach_copy(connection: Connection, copy: Path, storage_version: str) -> None:
    """Create and attach the file of the read copy."""
    connection.execute(
        f"ATTACH {literal(str(copy))} AS {qualified(COPY)} (STORAGE_VERSION {literal(storage_version)})"
    )


def drop_other_schemas(connection: Connection, schemas: tuple[str, ...]) -> None:
    """Drop from our byte copy every schema that is not to be published; an empty choice keeps them all."""
    if not schemas:
        return
    present = schemas_of(connection)
    chosen = {spelt(schema, present) for schema in schemas}
    if missing := chosen - set(present):
        raise PublishError(f"the working file has no schema {', '.join(sorted(missing))}")
    kept = chosen | {"main"}
    for schema in sorted(set(present) - kept):
        before = tables_of(connection, kept)
        connection.execute(f"DROP SCHEMA {qualified(SOURCE, schema)} CASCADE")
        if lost := sorted(before - tables_of(connection, kept)):
            raise PublishError(
                f"{'.'.join(lost[0])} needs what is in schema {schema}, such as a sequence or macro of a"
                " default: publish that schema, too (schemas), or drop the default; nothing was published"
            )


def tables_of(connection: Connection, schemas: Collection[str]) -> set[tuple[str, str]]:
    """Return schema and name of every table in some schemas of the current database."""
    tables = connection.execute(TABLES).fetchall()
    return {(schema, table) for _, schema, table in tables if schema in schemas}


def schemas_of(connection: Connection) -> list[str]:
    """Return the schemas of the current database."""
    return [str(row[0]) for row in connection.execute(SCHEMAS).fetchall()]


def spelt(schema: str, present: Iterable[str]) -> str:
    """Return a schema's name as the database spells it, or unchanged if it has none of that name."""
    return {folded(name): name for name in present}.get(folded(schema), schema)


def counts(connection: Connection) -> Counts:
    """Return the number of rows of every table of the current database."""
    tables = connection.execute(TABLES).fetchall()
    return {
        (schema, table): int(connection.execute(count(qualified(catalog, schema, table))).fetchall()[0][0])
        for catalog, schema, table in tables
    }


def check(copy: Path, expected: Counts) -> None:
    """Open the finished copy and count its rows; raises PublishError if a table lacks any."""
    with connect(copy, wait_seconds=0, read_only=True) as connection:
        found = counts(connection)
    if found != expected:
        table = ".".join(next(iter(dict(set(expected.items()) ^ set(found.items())))))
        raise PublishError(f"the copy of {table} is incomplete; nothing was published")


def check_name(what: str, catalog: str, schemas: Iterable[str]) -> None:
    """Refuse a file named like a schema in it: DuckDB calls `crm.account` ambiguous in crm.duckdb."""
    for schema in schemas:
        if folded(schema) == folded(catalog):
            raise PublishError(f"{what} called {catalog} could not be queried: it holds a schema {schema}")


def inspect(connection: Connection) -> dict[str, object]:
    """Return what a manifest says about the whole: when data was last loaded, which DuckDB published it."""
    (version,) = connection.execute("SELECT version()").fetchall()[0]
    known = connection.execute(LEDGER).fetchall()
    loaded = connection.execute(LOADED).fetchall()[0][0] if known else None
    return {"loaded_at": loaded, "duckdb": version}
