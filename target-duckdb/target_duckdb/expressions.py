"""Checks the expressions of stream maps, and explains why one fails."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from target_duckdb.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.exceptions import MappingError
    from singer_sdk.mapper import StreamMap

OPTIONS = frozenset({"__alias__", "__source__", "__key_properties__", "__else__"})
"""What a stream map has besides expressions."""
NAMING = frozenset({"NameNotDefined", "FunctionNotDefined", "AttributeDoesNotExist", "FeatureNotAvailable"})
"""Errors of an expression whose texts hold names and no values."""


def check_expressions(maps: Mapping[str, Any]) -> None:
    """Raise SettingsError for what the SDK would stumble over at the first SCHEMA or record."""
    for stream, rules in maps.items():
        for name, text in rules.items() if isinstance(rules, dict) else ():
            if isinstance(text, str) and name not in OPTIONS and not _is_expression(text):
                raise SettingsError(f"stream_maps: {stream}: {name}: {text!r} is no expression")


def _is_expression(text: str) -> bool:
    try:
        parts = ast.parse(text).body
    except (SyntaxError, ValueError):
        return False
    return bool(parts) and isinstance(parts[0], ast.Expr)


def latest(stream_map: StreamMap) -> str:
    """Return the expression that a map computed last."""
    return str(getattr(getattr(stream_map, "expr_evaluator", None), "expr", ""))


def reason(error: MappingError) -> str:
    """Return what the SDK says of a map, and why, unless that may hold a value of a record."""
    cause = error.__cause__
    if cause is None:
        return str(error)
    kind = type(cause).__name__
    return f"{error} {cause if kind in NAMING else kind}"
