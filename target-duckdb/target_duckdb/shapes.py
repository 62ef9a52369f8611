"""The shape of a stream: its table, its columns, its key; and how a SCHEMA message gives it one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from target_duckdb import lake
from target_duckdb.address import is_lake
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


@dataclass(frozen=True)
class Shape:
    """A stream under one SCHEMA message."""

    stream: str
    table: Table
    columns: tuple[Column, ...]
    keys: tuple[str, ...]

    @cached_property
    def key_indexes(self) -> tuple[int, ...]:
        """Where the key's columns stand among the columns."""
        places = {column.property: index for index, column in enumerate(self.columns)}
        return tuple(places[key] for key in self.keys)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The names under which DuckDB finds the properties in a spooled record.

        They are the properties' own, unless DuckDB would confuse them: then records are rewritten.
        """
        names = [column.property for column in self.columns]
        if len({name.casefold() for name in names}) == len(names) and all(map(is_readable, names)):
            return tuple(names)
        return tuple(f"c{index}" for index in range(len(names)))

    @cached_property
    def is_renamed(self) -> bool:
        """Whether records must be rewritten because of their property names."""
        return any(field != column.property for field, column in zip(self.fields, self.columns, strict=True))

    def with_column(self, column: Column) -> Shape:
        """Return the shape with one column more, unless it has it."""
        if column.property in {known.property for known in self.columns}:
            return self
        return replace(self, columns=(*self.columns, column))


def is_readable(name: str) -> bool:
    """Return whether a decoder and DuckDB can find a property of that name."""
    return bool(name) and name.isprintable() and not {'"', "\\"} & set(name)  # msgspec takes none of these


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
