"""A copy of the models in PostgreSQL, for tools that speak nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

from target_duckdb.publish.database import PublishError, in_memory, one_line
from target_duckdb.publish.exports import changed
from target_duckdb.publish.sql import exchange, qualified, recast
from target_duckdb.sql import literal, quote

if TYPE_CHECKING:
    from pathlib import Path

    from target_duckdb.publish.database import Connection
    from target_duckdb.publish.exports import Model

SHAPE = """
SELECT string_agg(format('%s %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) AS shape
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE attrelid = to_regclass({relation}) AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
"""
UNREACHABLE = "the files are published, but PostgreSQL cannot be reached as DUCKDB_PUBLISH_POSTGRES says"
ERROR = re.compile("(ERROR|FATAL): .*")
LONGEST_NAME = 63  # bytes
INCOMING = "__incoming"
"""What is added to the schema's name while its next version arrives."""


def serve(copy: Path, address: str, schema: str, models: list[Model], *, extension: str) -> None:
    """Copy models from a read copy into a PostgreSQL schema of the same name, shown in one transaction.

    A table that kept its columns stays, with its grants and the views on it: only its rows are exchanged.
    """
    with in_memory(copy.parent) as connection:
        load_extension(connection, extension)
        connection.execute(f"ATTACH {literal(str(copy))} AS copy (READ_ONLY)")
        try:
            connection.execute(f"ATTACH {literal(address)} AS served (TYPE postgres)")
        except duckdb.Error:  # the message would repeat the address, and the password in it
            raise PublishError(UNREACHABLE) from None
        try:
            bring(connection, schema, models)
            show(connection, schema, [model.name for model in models])
        except duckdb.Error as error:
            why = reason(error).replace(address, "…")
            raise PublishError(f"the files are published, but PostgreSQL refused the copy: {why}") from None


def check_schema(schema: str) -> None:
    """Raise PublishError for a name so long that PostgreSQL would cut off what marks the next version."""
    longest = LONGEST_NAME - len(INCOMING)
    if len(schema.encode()) > longest:
        raise PublishError(
            f"the schema {schema} has a name of more than {longest} bytes: too long for PostgreSQL"
        )


def reason(error: Exception) -> str:
    """Return what PostgreSQL says is wrong; in the message it comes after the whole statement."""
    found = ERROR.search(str(error))
    return found[0] if found else one_line(error)


def load_extension(connection: Connection, extension: str) -> None:
    """Load DuckDB's postgres extension; raises PublishError where it cannot be had."""
    try:
        if not extension:
            connection.execute("INSTALL postgres")
        connection.execute(f"LOAD {literal(extension or 'postgres')}")
    except duckdb.Error as error:
        raise PublishError(
            "the files are published, but nothing was copied to PostgreSQL: "
            f"DuckDB has no postgres extension here ({one_line(error)})"
        ) from None


def execute(connection: Connection, statement: str) -> None:
    """Run a statement in PostgreSQL itself."""
    connection.execute(f"CALL postgres_execute('served', {literal(statement)})")


def bring(connection: Connection, schema: str, models: list[Model]) -> None:
    """Write the models into a schema of their own: the slow part, which nobody sees or waits for."""
    incoming = schema + INCOMING
    execute(connection, f"DROP SCHEMA IF EXISTS {quote(incoming)} CASCADE; CREATE SCHEMA {quote(incoming)}")
    connection.execute("CALL pg_clear_cache()")
    for model in models:
        relation = qualified("served", incoming, model.name)
        query = recast(qualified("copy", schema, model.name), changed(model.columns))
        connection.execute(f"CREATE TABLE {relation} AS {query}")
        for statement in comments(qualified(incoming, model.name), model):
            execute(connection, statement)


def comments(table: str, model: Model) -> list[str]:
    """Return the statements that describe a table and its columns."""
    described = [(f"TABLE {table}", model.description)]
    described += [(f"COLUMN {table}.{quote(column.name)}", column.description) for column in model.columns]
    return [f"COMMENT ON {what} IS {literal(text)}" for what, text in described if text]


def show(connection: Connection, schema: str, names: list[str]) -> None:
    """Exchange the rows of the tables that kept their columns, replace the others, all in one transaction."""
    statements = [f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"]
    for name in names:
        old, new = qualified(schema, name), qualified(schema + INCOMING, name)
        if shape(connection, old) == shape(connection, new):
            statements += exchange(old, new)
        else:
            moved = f"ALTER TABLE {new} SET SCHEMA {quote(schema)}"
            statements += [f"DROP TABLE IF EXISTS {old} CASCADE", moved]
    statements.append(f"DROP SCHEMA {quote(schema + INCOMING)} CASCADE")
    execute(connection, "; ".join(statements))


def shape(connection: Connection, relation: str) -> str | None:
    """Return the columns of a PostgreSQL table with their types, or None if there is no such table."""
    query = SHAPE.format(relation=literal(relation))
    found = connection.execute(f"FROM postgres_query('served', {literal(query)})").fetchall()
    return str(found[0][0]) if found[0][0] else None
