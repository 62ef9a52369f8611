"""The SQL of `publish`: names, texts, Parquet, and CSV as RFC 4180 wants it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from target_duckdb.sql import literal, parquet_source_sql, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Column = tuple[str, str]
"""A column's name and its DuckDB type."""

LINE_END = "chr(13)"
"""DuckDB's CSV writer ends a line with a line feed alone; RFC 4180 wants a carriage return before it."""
BYTE_ORDER_MARK = "chr(65279)"
APOSTROPHE = "chr(39)"
MARKS = ("','", "chr(34)", "chr(10)", "chr(13)")
"""What makes quotes necessary around a field."""
NEVER_QUOTED = re.compile(
    r"BIGINT|BOOLEAN|DATE|DECIMAL\(\d+,\d+\)|DOUBLE|HUGEINT|INTEGER|TIMESTAMP( WITH TIME ZONE)?"
)
"""The types whose values hold none of these marks."""
HUGE = re.compile(r"""'([^']|'')*'|"([^"]|"")*"|\bU?HUGEINT\b(?=$|[,)\[])""")
"""The types that become doubles in Parquet and PostgreSQL; what is in quotes, or is a name, is no type."""
NUMBER = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|BIGNUM|DECIMAL\(.*\)|DOUBLE|FLOAT")
"""The types that hold numbers alone, which are no formulas even if they begin with a minus."""
MIXED = re.compile(r"JSON|UNION\(.*\)|VARIANT", re.DOTALL)
"""The types that may hold numbers among other values."""
FORMULA_STARTS = tuple(map(ord, "=+@-\t\r"))


def qualified(*names: str) -> str:
    """Return identifiers joined by dots."""
    return ".".join(map(quote, names))


def count(relation: str) -> str:
    """Return the query for the number of rows of a relation."""
    return f"SELECT count(*) FROM {relation}"


def exchange(old: str, new: str) -> list[str]:
    """Return the statements that put the rows of one table in the place of another's."""
    return [f"DELETE FROM {old}", f"INSERT INTO {old} SELECT * FROM {new}"]


def parquet_copy(query: str, path: str) -> str:
    """Return the statement that writes a query as Parquet, in the compression that every reader knows."""
    return f"COPY ({query}) TO {literal(path)} (FORMAT parquet, COMPRESSION snappy)"


def without_huge(kind: str, instead: str) -> str:
    """Return a type, which may be nested, with another in the place of HUGEINT and UHUGEINT."""
    return HUGE.sub(lambda found: found[0] if found[0].startswith(("'", '"')) else instead, kind)


def fit(relation: str, columns: Iterable[Column]) -> str:
    """Return the query that tells of each column whether another type would keep all its digits."""
    same = [
        f"coalesce(bool_and(TRY_CAST({quote(name)} AS {kind})::VARCHAR"
        f" IS NOT DISTINCT FROM {quote(name)}::VARCHAR), true)"
        for name, kind in columns
    ]
    return f"SELECT {', '.join(same)} FROM {relation}"


def recast(relation: str, columns: Iterable[Column]) -> str:
    """Return the query of a relation with other types for some of its columns."""
    casts = [f"CAST({quote(name)} AS {kind}) AS {quote(name)}" for name, kind in columns]
    return f"SELECT * REPLACE ({', '.join(casts)}) FROM {relation}" if casts else f"FROM {relation}"


def view_on_parquet(view: str, columns: Iterable[str], path: str) -> str:
    """Return the statement that defines a view on some columns of a Parquet file."""
    return f"CREATE VIEW {view} AS SELECT {', '.join(map(quote, columns))} FROM {parquet_source_sql(path)}"


def csv_copy(lines: str, path: str) -> str:
    """Return the statement that writes lines as they are: with quoting off, DuckDB changes nothing."""
    return (
        f"COPY ({lines}) TO {literal(path)} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
    )


def csv_lines(relation: str, columns: Sequence[Column], *, escape_formulas: bool, bom: bool) -> str:
    """Return a query whose one column holds the lines of a CSV file, header first."""
    header = ",".join(_quoted(_unrun(name) if escape_formulas else name) for name, _ in columns)
    fields = " || ',' || ".join(_csv_field(column, escape_formulas=escape_formulas) for column in columns)
    start = f"{BYTE_ORDER_MARK} || " if bom else ""
    first = f"{start}{literal(header)} || {LINE_END}"
    return f"SELECT {first} UNION ALL SELECT {fields} || {LINE_END} FROM {relation}"


def _unrun(text: str) -> str:
    """Return a text that no spreadsheet runs: https://owasp.org/www-community/attacks/CSV_Injection ."""
    return "'" + text if ord(text[0]) in FORMULA_STARTS else text


def _quoted(text: str) -> str:
    return quote(text) if set(text) & set('",\r\n') else text


def _csv_field(column: Column, *, escape_formulas: bool) -> str:
    """Return the SQL of one field: null is nothing, an empty text is two quotes."""
    name, kind = quote(column[0]), column[1]
    value = f"CAST({name} AS VARCHAR)"
    if NEVER_QUOTED.fullmatch(kind):
        return f"coalesce({value}, '')"
    special = " OR ".join(f"contains({value}, {mark})" for mark in MARKS)
    empty = f"{value} = ''"
    if escape_formulas and not NUMBER.fullmatch(kind):  # as _unrun
        is_text = f" AND TRY_CAST({value} AS DOUBLE) IS NULL" if MIXED.fullmatch(kind) else ""
        is_formula = f"ascii({value}) IN {FORMULA_STARTS}{is_text}"
        value = f"(CASE WHEN {is_formula} THEN {APOSTROPHE} ELSE '' END || {value})"
    quoted = f"""'"' || replace({value}, '"', '""') || '"'"""
    return f"CASE WHEN {name} IS NULL THEN '' WHEN {empty} OR {special} THEN {quoted} ELSE {value} END"
