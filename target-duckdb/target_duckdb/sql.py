"""The SQL of records between spool and table, and of the ledger, built from names and types."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_duckdb.casts import DOUBTFUL, column_sql, read_type, value_sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from target_duckdb.columns import Column

WAREHOUSE = "warehouse"
LEDGER_SCHEMA = "_load"
KEPT = "kept"
OVERWRITTEN = (  # the size of blocks, and the numbers of those of metadata that are not full
    "SELECT block_size, coalesce((SELECT list(block_id)"
    f" FROM pragma_metadata_info('{WAREHOUSE}') WHERE free_blocks > 0), [])"
    f" FROM pragma_database_size() WHERE database_name = '{WAREHOUSE}'"
)
LEAST_OBJECT = 1 << 20  # bytes that DuckDB sets aside for a line, however short it is
ENVELOPE = {"time_extracted": "VARCHAR", "version": "BIGINT"}
PLACE = "schema_name VARCHAR, table_name VARCHAR"
LEDGER_TABLES = {
    "runs": (
        "run_id VARCHAR, nonce VARCHAR, target_schema VARCHAR, version VARCHAR, duckdb_version VARCHAR,"
        " started_at TIMESTAMPTZ, committed_at TIMESTAMPTZ, commits BIGINT, rows_in BIGINT, status VARCHAR"
    ),
    "streams": (
        f"run_id VARCHAR, {PLACE}, stream VARCHAR, rows_in BIGINT, rows_inserted BIGINT, rows_updated BIGINT,"
        " rows_superseded BIGINT, rows_rejected BIGINT, rows_deleted BIGINT, values_rejected BIGINT,"
        " seconds DOUBLE, committed_at TIMESTAMPTZ"
    ),
    "state": "target_schema VARCHAR, run_id VARCHAR, value JSON, committed_at TIMESTAMPTZ",
    "rejected_values": (
        f"run_id VARCHAR, {PLACE}, stream VARCHAR, key JSON, property VARCHAR, raw VARCHAR, reason VARCHAR,"
        " rejected_at TIMESTAMPTZ"
    ),
    "schema_changes": (
        f"run_id VARCHAR, {PLACE}, column_name VARCHAR, change VARCHAR, old_type VARCHAR, new_type VARCHAR,"
        " changed_at TIMESTAMPTZ"
    ),
}
LEDGER = (
    "CREATE SCHEMA IF NOT EXISTS {ledger}",
    *(f"CREATE TABLE IF NOT EXISTS {{ledger}}.{name} ({columns})" for name, columns in LEDGER_TABLES.items()),
)


@dataclass(frozen=True)
class Table:
    """A table of the warehouse."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        """The table's full name, quoted."""
        return f"{WAREHOUSE}.{quote(self.schema)}.{quote(self.name)}"


def quote(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a string literal, for the places where DuckDB takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def files_sql(*paths: str) -> str:
    """Return the first arguments of a table function that shall read these files and nothing else.

    DuckDB would read all files that fit a name like `b[1]*`, and take a folder `id=7` for values of `id`.
    """
    return f"[{', '.join(literal(glob.escape(path)) for path in paths)}], hive_partitioning = false"


def source_sql(
    path: str, columns: Sequence[Column], fields: Sequence[str], longest: int, more: Sequence[str] = ()
) -> str:
    """Return the table function that reads a spool file.

    Without `records` DuckDB 1.5 looks at 20,480 lines first, a quarter of a second, to find out what we say.
    """
    record = ", ".join(
        f"{quote(field)} {read_type(column.type)}" for field, column in zip(fields, columns, strict=True)
    )
    shape = ", ".join(
        [f"'record': {literal(f'STRUCT({record})')}", *(f"'{name}': '{ENVELOPE[name]}'" for name in more)]
    )
    return (
        f"read_json({files_sql(path)}, format = 'newline_delimited', records = 'true',"
        f" columns = {{{shape}}}, maximum_object_size = {max(longest + 1024, LEAST_OBJECT)})"
    )


def select_sql(
    source: str, columns: Sequence[Column], fields: Sequence[str], odd: str, more: Sequence[str] = ()
) -> str:
    """Return the query of a spool file's records as columns c0, c1 and so on, and whether a record is odd."""
    values = [
        f"{column_sql(column, f'record.{quote(field)}')} AS c{index}"
        for index, (column, field) in enumerate(zip(columns, fields, strict=True))
    ]
    return f"SELECT {', '.join([*values, f'{odd} AS flawed', *more])} FROM {source}"


def stage_sql(name: str, query: str) -> str:
    """Return the statement that reads records into a staging table."""
    return f"CREATE OR REPLACE TABLE {quote(name)} AS {query}"


def any_sql(conditions: Iterable[str]) -> str:
    """Return whether one of some conditions holds; NULL does not."""
    return f"coalesce({' OR '.join(conditions) or 'false'}, false)"


def flaws(columns: Sequence[Column], fields: Sequence[str]) -> dict[int, str]:
    """Return, by column number, when a text is no value of its column; an empty text is not a bad one."""
    return {
        index: f"(record.{quote(field)} <> '' AND {value_sql(column.type, f'record.{quote(field)}')} IS NULL)"
        for index, (column, field) in enumerate(zip(columns, fields, strict=True))
        if read_type(column.type) != column.type
    }


def doubts(columns: Sequence[Column], fields: Sequence[str], keys: Collection[int]) -> list[str]:
    """Return when a text outside the key may have been a number or a structure that DuckDB wrote its own way.

    It writes a number as its double, in the shortest way, and an array or object without white space.
    """
    return [
        DOUBTFUL.format(v=f"record.{quote(field)}")
        for index, (column, field) in enumerate(zip(columns, fields, strict=True))
        if column.type == "VARCHAR" and index not in keys
    ]


def rejects_sql(source: str, columns: Sequence[Column], fields: Sequence[str], keys: Iterable[int]) -> str:
    """Return the query of every flawed value of a spool file: key, property, raw text, reason."""
    key = key_sql({columns[index].property: f"record.{quote(fields[index])}" for index in keys})
    return " UNION ALL ".join(
        f"SELECT {key} AS key, {literal(columns[index].property)} AS property,"
        f" record.{quote(fields[index])} AS raw, {literal(f'not a valid {columns[index].type}')} AS reason"
        f" FROM {source} WHERE {flaw}"
        for index, flaw in flaws(columns, fields).items()
    )


def keyless_rejects_sql(
    source: str, columns: Sequence[Column], fields: Sequence[str], keys: Iterable[int]
) -> str:
    """Return the query of the records of a spool file whose key has no valid value, whole."""
    names = {index: f"record.{quote(fields[index])}" for index in keys}
    key = key_sql({columns[index].property: name for index, name in names.items()})
    missing = " OR ".join(
        f"({value_sql(columns[index].type, name)}) IS NULL" for index, name in names.items()
    )
    return (
        f"SELECT {key} AS key, NULL AS property, to_json(record)::VARCHAR AS raw,"
        f" 'its key has no valid value' AS reason FROM {source} WHERE {missing}"
    )


def read_rejects_sql(path: str, longest: int) -> str:
    """Return the query of the values that were left out while spooling."""
    shape = "{'key': 'VARCHAR', 'property': 'VARCHAR', 'raw': 'VARCHAR', 'reason': 'VARCHAR'}"
    return (
        f"SELECT key::JSON AS key, property, raw, reason FROM read_json({files_sql(path)},"
        f" format = 'newline_delimited', records = 'true', columns = {shape},"
        f" maximum_object_size = {max(longest + 1024, LEAST_OBJECT)})"
    )


def parquet_source_sql(*paths: str) -> str:
    """Return the table function that reads Parquet files."""
    return f"read_parquet({files_sql(*paths)})"


def key_sql(fields: Mapping[str, str]) -> str:
    """Return the expression of a record's key as a JSON object."""
    if not fields:
        return "NULL::JSON"
    return "json_object(" + ", ".join(f"{literal(name)}, {value}" for name, value in fields.items()) + ")"


def keep_last_sql(stage: str, keys: Iterable[int]) -> str:
    """Return the statement that leaves the last arrival of each key in a staging table."""
    key = ", ".join(f"c{index}" for index in keys)
    last = f"SELECT max(rowid) FROM {quote(stage)} GROUP BY {key}"
    return f"DELETE FROM {quote(stage)} WHERE rowid NOT IN ({last})"


def count_sql(stage: str, keys: Sequence[int]) -> str:
    """Return the query of a staging table's rows, distinct keys, flawed rows and rows without a key."""
    distinct = distinct_sql([f"c{index}" for index in keys])
    missing = f"count(*) FILTER ({keyless_sql(keys)})"
    return f"SELECT count(*), {distinct}, count(*) FILTER (flawed), {missing} FROM {quote(stage)}"


def distinct_sql(names: Sequence[str]) -> str:
    """Return the aggregate that counts distinct keys; in a stream without a key every row counts."""
    key = ", ".join(names)
    return f"count(DISTINCT {f'({key})' if len(names) > 1 else key})" if names else "count(*)"


def keyless_sql(keys: Iterable[int]) -> str:
    """Return the condition under which a staged row has no key."""
    return " OR ".join(f"c{index} IS NULL" for index in keys) or "false"


def match_sql(keys: Mapping[str, str]) -> str:
    """Return the condition that joins a table to a staging table by key."""
    return " AND ".join(f"t.{quote(name)} = {value}" for name, value in keys.items())


def insert_sql(table: str, values: Mapping[str, str], source: str, join: str = "") -> str:
    """Return the statement that appends a staging table or a query, known as s, to a table."""
    names = ", ".join(map(quote, values))
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())} FROM {source} s{join}"


def has_any_sql(columns: Sequence[str]) -> str:
    """Return the condition under which a row t has something in one of some columns."""
    return "(" + " OR ".join(f"t.{quote(column)} IS NOT NULL" for column in columns) + ")"


def keep_sql(table: str, keys: Sequence[str], columns: Sequence[str], condition: str) -> str:
    """Return the statement that keeps what the rows t of a condition have in some columns, by key.

    Of several rows of a key it keeps the latest. Nothing but keys is grouped, so that the rest may spill.
    """
    listed = [f"t.{quote(key)} AS k{place}" for place, key in enumerate(keys)]
    listed += [f"t.{quote(column)} AS c{place}" for place, column in enumerate(columns)]
    latest = f"SELECT max(t.rowid) FROM {table} t WHERE {condition} GROUP BY {', '.join(map(quote, keys))}"
    return (
        f"CREATE OR REPLACE TEMP TABLE {KEPT} AS SELECT {', '.join(listed)} FROM {table} t"
        f" WHERE {has_any_sql(columns)} AND t.rowid IN ({latest})"
    )


def kept_join_sql(keys: Iterable[str]) -> str:
    """Return what joins the rows s of a stage to what is kept, by the expressions of their keys."""
    match = " AND ".join(f"{key} = k.k{place}" for place, key in enumerate(keys))
    return f" LEFT JOIN temp.{KEPT} k ON {match}"


def ledger_sql(table: str) -> str:
    """Return a table of the ledger and its columns, for an INSERT; somebody may have added others."""
    columns = ", ".join(column.partition(" ")[0] for column in LEDGER_TABLES[table].split(", "))
    return f"{WAREHOUSE}.{LEDGER_SCHEMA}.{table} ({columns})"


def insert_rows_sql(table: str, width: int) -> str:
    """Return the statement that appends rows given as one parameter, a JSON array of arrays."""
    values = ", ".join(f"given ->> {place}" for place in range(width))
    return f"INSERT INTO {table} SELECT {values} FROM (SELECT unnest(?::JSON[]) AS given)"


def plain_sql(query: str) -> str:
    """Return a query that fails where a record of the given query is odd."""
    return f"(SELECT * REPLACE (CASE WHEN flawed THEN error('odd') ELSE c0 END AS c0) FROM ({query}))"


def arrivals_sql(table: str, keys: Sequence[str], last: int) -> str:
    """Return the query of how many distinct keys the rows after a row number have, and how many no key."""
    names = [quote(key) for key in keys]
    missing = " OR ".join(f"{name} IS NULL" for name in names)
    return f"SELECT {distinct_sql(names)}, count(*) FILTER ({missing}) FROM {table} WHERE rowid > {last}"


def came_again_sql(table: str, keys: Sequence[str], last: int) -> str:
    """Return the condition under which a row t of up to a row number has a key that came again after it."""
    match = " AND ".join(f"t.{quote(key)} = s.{quote(key)}" for key in keys)
    return f"t.rowid <= {last} AND EXISTS (SELECT 1 FROM {table} s WHERE s.rowid > {last} AND {match})"


def replaced_sql(table: str, keys: Sequence[str], last: int) -> str:
    """Return the statement that deletes the rows up to a row number whose keys came again after it."""
    names = ", ".join(map(quote, keys))
    match = " AND ".join(f"t.{quote(key)} = s.{quote(key)}" for key in keys)
    later = f"SELECT {names} FROM {table} WHERE rowid > {last}"
    return f"DELETE FROM {table} t USING ({later}) s WHERE t.rowid <= {last} AND {match}"
