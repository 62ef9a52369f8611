"""Knows which columns of a Parquet file hold what their table wants, and how to read them; not when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from target_duckdb.casts import column_sql, read_type, value_sql
from target_duckdb.columns import EXACT_IN_DOUBLE
from target_duckdb.sql import any_sql, literal, parquet_source_sql, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_duckdb.columns import Column
    from target_duckdb.shapes import Shape

Kind: TypeAlias = Any  # a type as DuckDB hands it to Python, whose parts it does not type
ROW_NUMBER = "file_row_number"
"""What `read_parquet` calls the number of a row; it skips all that a condition on it rules out."""
WHOLE = ("TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER")
INSTANTS = ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
CAST, TEXT = "CAST({v} AS {type})", "CAST({v} AS VARCHAR)"
READINGS: dict[str, dict[str, str]] = {
    "VARCHAR": dict.fromkeys((*WHOLE, "BIGINT", "BOOLEAN", "DATE", "TIME", *INSTANTS, "UUID"), CAST),
    "BIGINT": dict.fromkeys((*WHOLE, "BIGINT", "DOUBLE"), CAST),  # pandas has doubles where one is missing
    "HUGEINT": dict.fromkeys((*WHOLE, "BIGINT", "UBIGINT"), CAST),
    "DOUBLE": dict.fromkeys((*WHOLE, "FLOAT", "DOUBLE"), CAST) | {"DECIMAL": f"CAST({TEXT} AS {{type}})"},
    "DECIMAL": dict.fromkeys((*WHOLE, "BIGINT", "DOUBLE", "DECIMAL"), TEXT),
    "BOOLEAN": {"BOOLEAN": CAST},
    "DATE": dict.fromkeys(("DATE", *INSTANTS, "TIMESTAMP_NS"), CAST),
    "TIME": {"TIME": CAST},
    "TIMESTAMP": dict.fromkeys(("DATE", *INSTANTS, "TIMESTAMP_NS"), CAST),
    "TIMESTAMPTZ": dict.fromkeys(("DATE", *INSTANTS), CAST)
    | {"TIMESTAMP_NS": "CAST(CAST({v} AS TIMESTAMP) AS {type})"},
    "UUID": {"UUID": CAST},
    "BLOB": {"BLOB": CAST},
    "JSON": {"JSON": "nullif(json({v}), 'null')", "NESTED": "to_json({v})"},
}
"""By type of a table's column and of a Parquet column: what reads the very values that JSON would bring."""
NESTED = re.compile(r"(STRUCT|MAP)\(.*|.*\[\d*\]", re.DOTALL)
NOTHING = "INTEGER"
"""As what a column of Arrow's null type arrives, one without any value."""
CLEAR = "{v} NOT BETWEEN '0001-01-01' AND '9999-12-31'"
MIDNIGHT = "{v} <> date_trunc('day', {v})"
ODD = {
    "FLOAT": "NOT isfinite({v})",
    "DOUBLE": "NOT isfinite({v})",
    **dict.fromkeys(("DATE", *INSTANTS), CLEAR),
    "TIMESTAMP_NS": "(NOT isfinite({v}) OR epoch_ns({v}) % 1000 <> 0)",
}
"""By type of a Parquet column: which of its values JSON has none of, or not that clearly."""
ODD_FOR = {
    ("BIGINT", "DOUBLE"): f"({{v}} <> trunc({{v}}) OR abs({{v}}) > {EXACT_IN_DOUBLE})",
    ("DOUBLE", "DECIMAL"): f"abs(CAST({{v}} AS DOUBLE)) >= {EXACT_IN_DOUBLE}",
    **{("DATE", kind): MIDNIGHT for kind in (*INSTANTS, "TIMESTAMP_NS")},
}
"""By type of a table's column and of a Parquet column: which values go by way of JSON."""
ODD_JSON = "regexp_matches(to_json({v}), '(?i)nan|inf')"  # NaN and infinities, and perhaps more
BYTES = "BLOB"
FLOATING = re.compile(r"\b(DOUBLE|FLOAT)\b")


def is_exact(shape: Shape, types: Mapping[str, str]) -> bool:
    """Return whether a Parquet file with columns of these types has just what a stream's table wants."""
    columns = {column.property: column for column in shape.columns}
    return (
        not shape.is_renamed
        and ROW_NUMBER not in map(str.casefold, types)
        and types.keys() <= columns.keys()
        and set(shape.keys) <= types.keys()
        and all(exact_sql(columns[name], kind) is not None for name, kind in types.items())
    )


def exact_sql(column: Column, kind: str) -> str | None:
    """Return the expression of a column's value in a Parquet file, or None if JSON must stand between.

    A text is read as one in a record is: exactly or, where it is no value of the column, as NULL.
    """
    name, wanted = quote(column.property), column.type
    if kind == "VARCHAR" and read_type(wanted) == "VARCHAR":
        return column_sql(column, name)
    reading = READINGS.get(_family(wanted), {}).get(_family(kind))
    if reading is None or (wanted == "JSON" and BYTES in kind):
        return f"CAST(NULL AS {wanted})" if kind == NOTHING else None
    if reading == TEXT:
        return value_sql(wanted, TEXT.format(v=name))
    return reading.format(v=name, type=wanted)


def odd_sql(column: Column, kind: str, *, is_key: bool) -> list[str]:
    """Return the conditions under which a column's value has to be looked at as JSON."""
    name, value = quote(column.property), exact_sql(column, kind)
    wanted, given = _family(column.type), _family(kind)
    is_floating = wanted == "JSON" and FLOATING.search(kind)
    known = (ODD.get(given), ODD_FOR.get((wanted, given)), ODD_JSON if is_floating else None)
    odd = [condition.format(v=name) for condition in known if condition]
    if kind == "VARCHAR" and wanted != "VARCHAR":
        odd.append(f"({name} <> '' AND {value_sql(column.type, name)} IS NULL)")
    elif wanted == "DECIMAL" or given not in READINGS.get(wanted, {}):
        odd.append(f"({name} IS NOT NULL AND {value} IS NULL)")
    if is_key:
        odd.append(f"{value} IS NULL")
    return odd


def _family(kind: str) -> str:
    """Return a type without its sizes and parts."""
    if NESTED.fullmatch(kind):
        return "NESTED"
    return kind.partition("(")[0]


def select_sql(shape: Shape, types: Mapping[str, str], source: str, more: Mapping[str, str]) -> str:
    """Return the query of a file's rows as columns c0, c1 and so on, and whether a row is odd."""
    values, odd = [], []
    for index, column in enumerate(shape.columns):
        kind = types.get(column.property)
        value = f"NULL::{column.type}" if kind is None else exact_sql(column, kind)
        values.append(f"{value} AS c{index}")
        if kind is not None:
            odd += odd_sql(column, kind, is_key=column.property in shape.keys)
    values += [f"{any_sql(odd)} AS flawed", *(f"{value} AS {name}" for name, value in more.items())]
    return f"SELECT {', '.join(values)} FROM {source}"


def source_sql(paths: Sequence[str], rows: tuple[int, int] | None) -> str:
    """Return the rows of Parquet files, or those from one number up to another of a single file."""
    source = parquet_source_sql(*paths)
    if rows is None:
        return source
    return f"{source} WHERE {ROW_NUMBER} >= {rows[0]} AND {ROW_NUMBER} < {rows[1]}"


def json_sql(types: Mapping[str, str], source: str, parse: Callable[[str], Kind]) -> str:
    """Return the query of a file's rows as JSON objects, bytes in base64 as JSON has them.

    Parsing the name of a type is up to a connection.
    """
    values = [
        f"{literal(name)}: {_written_sql(quote(name), parse(kind)) if BYTES in kind else quote(name)}"
        for name, kind in types.items()
    ]
    return f"SELECT to_json({{{', '.join(values)}}})::VARCHAR FROM {source}"


def _written_sql(value: str, kind: Kind) -> str:
    """Return an expression of a value with all bytes in it as base64."""
    write = WRITERS.get(kind.id) if BYTES in str(kind) else None
    return write(value, kind) if write else value


def _list_sql(value: str, kind: Kind) -> str:
    return f"list_transform({value}, lambda each: {_written_sql('each', kind.children[0][1])})"


def _map_sql(value: str, kind: Kind) -> str:
    return (
        f"map_from_entries(list_transform(map_entries({value}), lambda each: {_members_sql('each', kind)}))"
    )


def _struct_sql(value: str, kind: Kind) -> str:
    return f"CASE WHEN {value} IS NOT NULL THEN {_members_sql(value, kind)} END"


def _members_sql(value: str, kind: Kind) -> str:
    members = ((literal(name), member) for name, member in kind.children)
    parts = (
        f"{name}: {_written_sql(f'struct_extract({value}, {name})', member)}" for name, member in members
    )
    return f"{{{', '.join(parts)}}}"


WRITERS: dict[str, Callable[[str, Kind], str]] = {
    "blob": lambda value, _kind: f"to_base64({value})",
    "list": _list_sql,
    "array": _list_sql,
    "map": _map_sql,
    "struct": _struct_sql,
}
"""By DuckDB's name of a type: what writes its values as JSON has them."""
