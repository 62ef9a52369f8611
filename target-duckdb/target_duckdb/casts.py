"""The expressions by which DuckDB turns what was spooled into values of columns, exactly or not at all.

DuckDB's own casts are too lenient for that: they drop zones and whatever follows a time or a day, have a
year 0, round decimals and take BST for Bangladesh. So a text is matched before it is cast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_duckdb.columns import DECIMAL
from target_duckdb.metadata import DELETED_AT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_duckdb.columns import Column

AS_TEXT = frozenset({"TIMESTAMPTZ", "TIMESTAMP", "DATE", "TIME", "UUID", "BLOB"})
SPELT, TEXTS = AS_TEXT - {"BLOB"}, frozenset({"VARCHAR", "JSON"})
DAY, HOUR = "[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}", "[0-9]{{1,2}}:[0-9]{{2}}(:[0-9]{{2}}(\\.[0-9]*)?)?"
UTC, SHIFT = " ?([Zz]|UTC)", "[-+](0[0-9]|1[0-5])(:?[0-5][0-9])?"
GLOB_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
USUAL = (  # much cheaper than a regular expression; for ? the cast wants digits; NZ is New Zealand
    "(ends_with({v}, 'Z') AND NOT ends_with({v}, 'NZ') AND NOT ends_with({v}, ' Z')"
    " OR ends_with({v}, '+00:00') AND NOT ends_with({v}, ' +00:00'))"
    " AND {v} GLOB '[0-9]???-??-?[0-9][T ]??:??:??*'"
)
WITH_SECONDS = r"regexp_replace(upper({v}), '^((.{{10}}[T ] *)?[0-9]+:[0-9]+)( ?[-+UZ])', '\1:00\3')"
JOINED = WITH_SECONDS.replace(
    "{v}", rf"regexp_replace({{v}}, '^(?:({DAY}[Tt ] *{HOUR}) ([Zz]|{SHIFT})|(?s:.*))$', '\1\4')"
)
"""A time with its zone right behind it, nothing of any other text: DuckDB takes no blank before a zone, and
1.5 thinks about one for most of a millisecond, so that it must not see it."""
BLANKLESS = "CASE WHEN contains({v}, ' ') THEN replace({v}, ' ', '') ELSE {v} END"
STAMPED = (  # DuckDB takes BST for Bangladesh, 99 hours for a zone, has a year 0, wants seconds
    f"CASE WHEN {{v}} >= '0001' THEN CASE WHEN {USUAL} THEN TRY_CAST({{v}} AS TIMESTAMPTZ)"
    f" WHEN regexp_full_match({{v}}, '{DAY}([Tt ] *{HOUR}([Zz]| ?UTC|{SHIFT})?)?')"
    f" THEN coalesce(TRY_CAST({{v}} AS TIMESTAMPTZ), TRY_CAST({WITH_SECONDS} AS TIMESTAMPTZ))"
    f" ELSE TRY_CAST({JOINED} AS TIMESTAMPTZ) END END"
)
READERS = {
    "TIMESTAMPTZ": STAMPED,
    "TIMESTAMP": f"CAST({STAMPED} AS TIMESTAMP)",  # DuckDB drops a zone; the session's, and ours, is UTC
    "DATE": (
        f"CASE WHEN {{v}} >= '0001' AND ({{v}} GLOB '{GLOB_DAY}'"
        f" OR regexp_full_match({{v}}, '{DAY}[Tt ]00:00(:00(\\.0*)?)?({UTC}| ?[-+][0-9:]+)?'))"
        " THEN TRY_CAST({v}[:10] AS DATE) END"
    ),
    "TIME": (  # DuckDB drops a zone and whatever else follows
        f"CASE WHEN regexp_full_match({{v}}, '{HOUR}({UTC})?') THEN TRY_CAST({WITH_SECONDS} AS TIME)"
        f" WHEN regexp_full_match({{v}}, '{HOUR} ?{SHIFT}') THEN CAST(TRY_CAST("
        f"{WITH_SECONDS.replace('{v}', BLANKLESS)} AS TIMETZ) AT TIME ZONE 'UTC' AS TIME) END"
    ),
    "UUID": "TRY_CAST({v} AS UUID)",
    "BLOB": (  # RFC 2045 breaks lines, DuckDB takes no break
        "coalesce(TRY(from_base64({v})),"
        " TRY(from_base64(translate({v}, ' ' || chr(9) || chr(10) || chr(13), ''))))"
    ),
}
REWRITTEN = r"-?((0|[1-9][0-9]*)\.[0-9]+|[1-9](\.[0-9]+)?e[-+]?[0-9]{{1,3}})"
DOUBTFUL = (  # mostly one comparison and a look at one letter; CASE keeps DuckDB from computing the rest
    "CASE WHEN {v} < ':' THEN CASE WHEN {v} >= '-'"
    f" THEN regexp_full_match({{v}}, '{REWRITTEN}') ELSE false END"
    " WHEN {v} LIKE '{{%' OR {v} LIKE '[%' THEN json_valid({v}) ELSE false END"
)
IS_SHORT = "{v} = trunc({v}) AND abs({v}) < 9.2e18"
NUMBER_TO_TEXT = f"CASE WHEN {IS_SHORT} THEN {{v}}::BIGINT::VARCHAR ELSE {{v}}::VARCHAR END"
NUMBER_TO_JSON = f"CASE WHEN {IS_SHORT} THEN to_json({{v}}::BIGINT) ELSE to_json({{v}}) END"
DECIMAL_TO_TEXT = "regexp_replace({v}::VARCHAR, '(\\.[0-9]*[1-9])0+$|([0-9])\\.0+$', '\\1\\2')"
STAMP_TO_TEXT = "strftime({v}, '%Y-%m-%dT%H:%M:%S.%f')"
INSTANT_TO_TEXT = "strftime({v}, '%Y-%m-%dT%H:%M:%S.%fZ')"
CONVERTERS = {  # equal numbers become equal texts, whatever their column was: they may be keys
    ("DOUBLE", "VARCHAR"): NUMBER_TO_TEXT,
    ("FLOAT", "VARCHAR"): NUMBER_TO_TEXT,
    ("DOUBLE", "JSON"): NUMBER_TO_JSON,
    ("FLOAT", "JSON"): NUMBER_TO_JSON,
    ("DECIMAL", "VARCHAR"): DECIMAL_TO_TEXT,
    ("DECIMAL", "JSON"): f"CAST({DECIMAL_TO_TEXT} AS JSON)",
    ("BLOB", "VARCHAR"): "to_base64({v})",
    ("TIMESTAMPTZ", "VARCHAR"): INSTANT_TO_TEXT,
    ("TIMESTAMPTZ", "JSON"): f"to_json({INSTANT_TO_TEXT})",
    ("TIMESTAMP", "VARCHAR"): STAMP_TO_TEXT,
    ("TIMESTAMP", "JSON"): f"to_json({STAMP_TO_TEXT})",
    ("JSON", "VARCHAR"): "CASE json_type({v}) WHEN 'VARCHAR' THEN {v} ->> '$' ELSE CAST({v} AS VARCHAR) END",
}


def read_type(column_type: str) -> str:
    """Return the type as which `read_json` shall read a column of this type."""
    return "VARCHAR" if column_type in AS_TEXT or column_type.startswith("DECIMAL") else column_type


def value_sql(column_type: str, value: str) -> str:
    """Return the expression that turns a value as read into the column's type, NULL where it does not fit."""
    if match := DECIMAL.fullmatch(column_type):
        return decimal_sql(int(match[1]), int(match[2]), value)
    return READERS.get(column_type, "{v}").format(v=value)


def column_sql(column: Column, value: str) -> str:
    """Return `value_sql` of a column; an unreadable `_sdc_deleted_at` counts as deleted now."""
    read = value_sql(column.type, value)
    if (column.property, column.type) != (DELETED_AT.property, DELETED_AT.type):
        return read
    return f"coalesce({read}, CASE WHEN {value} <> '' THEN now() END)"


def decimal_sql(precision: int, scale: int, value: str) -> str:
    """Return an exact cast to DECIMAL.

    DuckDB rounds surplus digits in silence, so the text is matched first; and DuckDB 1.5 needs a hundred
    times longer to cast text to a decimal of more than 18 digits, so short ones go by way of a short decimal.
    """
    digits = f"[0-9]{{1,{precision - scale}}}" if precision > scale else "0"
    plain = rf"{digits}(\.[0-9]{{0,{scale}}}0*)?"
    pointed = rf"\.[0-9]{{1,{scale}}}0*" if scale else r"\.0+"
    shape = f"[-+]?({'|'.join([plain, pointed, *_exponent_shapes(precision, scale)])})"
    short = f"TRY_CAST({value} AS DECIMAL(18,{scale}))" if scale < 18 else "NULL"  # noqa: PLR2004 - an INT64 decimal
    whole = f"TRY_CAST({value} AS DECIMAL({precision},{scale}))"
    return f"CASE WHEN regexp_full_match({value}, '{shape}') THEN coalesce({short}, {whole}) END"


def _exponent_shapes(precision: int, scale: int) -> Iterator[str]:
    """Yield the shapes of numbers with an exponent that a decimal holds as they are.

    Python writes a decimal so that begins with seven zeros (0.00000001 is 1E-8, zero may be 0E-10), and a
    float of 17 digits or more. A shape for every large exponent would take long to compile.
    """
    yield r"0+(\.0*)?[eE][-+]?[0-9]{1,2}"
    for zeros in range(1, scale + 1):
        yield rf"[0-9](\.[0-9]{{0,{scale - zeros}}}0*)?[eE]-0?{zeros}"
    for least in (0, 16):
        if large := "|".join(map(str, range(least, precision - scale))):
            yield rf"[0-9](\.[0-9]{{0,{scale + least}}}0*)?[eE]\+?0?({large})"


def respelt_sql(value: str, old: str, new: str, kept: str) -> str | None:
    """Return the condition on which a value of one type is another text once its type is or was another.

    None where that cannot be: a time or UUID may come in several spellings, and is stored in one. `kept` is
    the column's present type, which holds both.
    """
    if old in SPELT and new in TEXTS:
        return "true"  # nobody knows how the next one is spelt
    if old in TEXTS and new in SPELT:
        return f"{convert_sql(value_sql(new, convert_sql(value, kept, 'VARCHAR')), new, kept)} <> {value}"
    return None


def convert_sql(value: str, old: str, new: str) -> str:
    """Return the expression that widens a value of one type to another."""
    if old == new:
        return value
    usual = "to_json({v})" if new == "JSON" else f"CAST({{v}} AS {new})"
    family = old.partition("(")[0], new
    return CONVERTERS.get(family, usual).format(v=value)
