"""From a SCHEMA message to the shape of a stream: its table, its columns, its key."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from target_duckdb import lake
from target_duckdb.address import is_lake
from target_duckdb.batches import Shape
from target_duckdb.columns import REMEDY, columns_of, widen
from target_duckdb.errors import InvalidSchemaError
from target_duckdb.metadata import DELETED_AT, TABLE_VERSION
from target_duckdb.rawjson import SURROGATE
from target_duckdb.sql import Table

if TYPE_CHECKING:
    from target_duckdb.columns import Column
    from target_duckdb.guards import Envelope
    from target_duckdb.settings import Settings

RESERVED_SCHEMAS = frozenset({"_load", "information_schema", "pg_catalog", "system", "temp"})
QUALIFIED = re.compile(r"([^-]+-)?(?P<schema>[^-]+)-(?P<table>[^-]+)")

WRITTEN = {column.property: column.type for column in (TABLE_VERSION, DELETED_AT)}
"""The types of what we write into rows also where the tap has a property of that name."""


def shape_of(message: Envelope, settings: Settings) -> Shape:
    """Return the shape that a SCHEMA message gives its stream."""
    stream = message.stream
    if SURROGATE.search(stream):
        raise InvalidSchemaError(f"SCHEMA of stream {stream!r}: its name is not valid Unicode: rename it")
    try:
        rules = json.loads(bytes(message.schema).decode("utf-8", "surrogateescape"), strict=False)
        columns = tuple(map(_holding_ours, columns_of(rules if isinstance(rules, dict) else {})))
        if is_lake(settings.path):
            columns = tuple(map(lake.exact, columns))
    except (ValueError, RecursionError, InvalidSchemaError) as error:
        raise InvalidSchemaError(f"SCHEMA of stream {stream!r}: {error}") from error
    except (TypeError, AttributeError, ArithmeticError) as error:
        raise InvalidSchemaError(f"SCHEMA of stream {stream!r} is not a JSON schema: {error}") from error
    keys = tuple(dict.fromkeys(message.key_properties or ())) if settings.load_method != "append-only" else ()
    absent = set(keys) - {column.property for column in columns}
    if absent or not columns:
        missing = (
            f"key {sorted(absent)} is no property of it" if absent and columns else "it has no properties"
        )
        raise InvalidSchemaError(f"SCHEMA of stream {stream!r}: {missing}{REMEDY}")
    return Shape(stream, table_of(stream, settings.default_target_schema), columns, keys)


def _holding_ours(column: Column) -> Column:
    """Return a column in which there is room for what we write, where the tap declares one of ours."""
    ours = WRITTEN.get(column.property)
    return replace(column, type=widen(column.type, ours)) if ours else column


def table_of(stream: str, default_schema: str | None) -> Table:
    """Return the table that a stream asks for, by the rule of SQL targets of the Singer SDK.

    Taps of databases name a stream by schema and table, or by database, schema and table.
    """
    match = QUALIFIED.fullmatch(stream)
    if match and match["schema"].casefold() not in RESERVED_SCHEMAS:
        return Table(default_schema or match["schema"], match["table"])
    return Table(default_schema or "main", stream)
