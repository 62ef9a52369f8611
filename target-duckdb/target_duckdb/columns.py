"""From JSON schema to columns: one row per type, and the lattice along which columns widen."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from target_duckdb.errors import InvalidSchemaError
from target_duckdb.references import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json: TypeAlias = Any  # a value out of a JSON text
INT64 = 2**63 - 1
EXACT_IN_DOUBLE = 2**53

FORMATS = {
    "date-time": "TIMESTAMPTZ",
    "date": "DATE",
    "time": "TIME",
    "uuid": "UUID",
    "singer.decimal": "DECIMAL",
    "x-singer.decimal": "DECIMAL",
}
REMEDY = (
    "; describe its properties in the tap's catalog, or with Meltano in the `schema` extra of its extractor"
)
BOUNDS = {"minimum": 0, "maximum": 0, "exclusiveMinimum": 1, "exclusiveMaximum": -1}
"""Rules that bound an integer, and what is to be added to get the last one that they permit."""
SCALARS = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
NATIVE_TYPES = {
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "BIGINT",
    "SMALLINT": "BIGINT",
    "INT": "BIGINT",
    "INTEGER": "BIGINT",
    "BIGINT": "BIGINT",
    "HUGEINT": "HUGEINT",
    "REAL": "DOUBLE",
    "FLOAT": "DOUBLE",
    "DOUBLE": "DOUBLE",
    "DATE": "DATE",
    "TIME": "TIME",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMPTZ": "TIMESTAMPTZ",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
    "UUID": "UUID",
    "JSON": "JSON",
    "TEXT": "VARCHAR",
    "VARCHAR": "VARCHAR",
    "BLOB": "BLOB",
}
DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\((\d+),\s*(\d+)\)", re.IGNORECASE)
DEFAULT_PRECISION, DEFAULT_SCALE = 38, 9
STEPS = Decimal("1e-38"), Decimal("1e38")
"""Of no other step are there decimals; written out some would take a million digits."""
TEMPORAL = frozenset({"TIMESTAMPTZ", "TIMESTAMP", "DATE", "TIME"})


@dataclass(frozen=True)
class Column:
    """One property of a stream as a column of its table."""

    property: str
    type: str
    comment: str = ""


@dataclass(frozen=True)
class TableColumn:
    """One column as the database has it."""

    name: str
    type: str
    comment: str = ""
    has_default: bool = False  # or is generated, which DuckDB does not tell apart


def columns_of(schema: Mapping[str, Any]) -> tuple[Column, ...]:
    """Return the columns that hold the properties of a JSON schema."""
    properties = resolve(schema, schema).get("properties")
    if not isinstance(properties, dict):
        message = f"it has no properties{REMEDY}"
        raise InvalidSchemaError(message)
    rules = {name: resolve(rule, schema) for name, rule in properties.items()}
    return tuple(Column(name, column_type(rule), describe(rule)) for name, rule in rules.items())


def describe(rule: Json) -> str:
    """Return title and description of a property, for the column's comment."""
    if not isinstance(rule, dict):
        return ""
    words = [rule[key] for key in ("title", "description") if isinstance(rule.get(key), str) and rule[key]]
    return ": ".join(dict.fromkeys(words))


def column_type(rule: Json) -> str:
    """Return the DuckDB type that holds every value a property's schema permits."""
    if not isinstance(rule, dict):
        return "JSON"
    return _native_type(rule.get("x-sql-datatype")) or _type_of_rule(rule)


def _type_of_rule(rule: Mapping[str, Any]) -> str:
    branches = [branch for key in ("anyOf", "oneOf") for branch in _list(rule, key)]
    if branches and "type" not in rule:
        return _join_branches([branch for branch in branches if not _is_null(branch)])
    kinds = sorted(_kinds(rule))
    if not kinds:
        return _type_of_values(_list(rule, "enum") or ([rule["const"]] if "const" in rule else []))
    return _join([_scalar_type(kind, rule) for kind in kinds])


def widen(current: str, wanted: str) -> str:
    """Return the narrowest type that holds the values of both, never losing one."""
    if current == wanted or wanted in NARROWER.get(current, ()):
        return current
    if current in NARROWER.get(wanted, ()):
        return wanted
    if current.startswith("DECIMAL") or wanted.startswith("DECIMAL"):
        return _widen_decimal(_own_type(current), wanted)
    own = _own_type(current)
    return "VARCHAR" if own == current else widen(own, wanted)


def _own_type(current: str) -> str:
    """Return the type of ours that holds the values of a column which somebody else made."""
    return "JSON" if NESTED.search(current) else OWN_TYPES.get(current, current)


NESTED = re.compile(r"\]$|^(STRUCT|MAP)\(")
OWN_TYPES = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"), "BIGINT"),
    "UBIGINT": "HUGEINT",
    "FLOAT": "DOUBLE",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
}


NARROWER: dict[str, frozenset[str]] = {
    "BIGINT": frozenset({"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"}),
    "HUGEINT": frozenset({"BIGINT"}),
    "TIMESTAMP": frozenset({"DATE"}),
    "TIMESTAMPTZ": frozenset({"DATE", "TIMESTAMP"}),
    "JSON": frozenset(
        {"BOOLEAN", "BIGINT", "HUGEINT", "DOUBLE", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "UUID"}
    ),
    "VARCHAR": frozenset(
        {
            "BOOLEAN",
            "BIGINT",
            "HUGEINT",
            "DOUBLE",
            "DATE",
            "TIME",
            "TIMESTAMP",
            "TIMESTAMPTZ",
            "UUID",
            "JSON",
            "BLOB",
        }
    ),
    "DOUBLE": frozenset({"BIGINT", "FLOAT", "TINYINT", "SMALLINT", "INTEGER"}),
}


def _native_type(wanted: Json) -> str | None:
    if not isinstance(wanted, str):
        return None
    if match := DECIMAL.fullmatch(wanted.strip()):
        return decimal(int(match[1]), int(match[2]))
    return NATIVE_TYPES.get(wanted.strip().upper().split("(")[0])


def _list(rule: Mapping[str, Any], key: str) -> list[Any]:
    """Return the list under a keyword; whatever else is there says nothing."""
    value = rule.get(key)
    return value if isinstance(value, list) else []


def _is_null(branch: Json) -> bool:
    """Return whether null is the only value that a branch permits."""
    if not isinstance(branch, dict):
        return False
    is_constant = "const" in branch and branch["const"] is None
    return branch.get("type") in ("null", ["null"]) or branch.get("enum") == [None] or is_constant


def _kinds(rule: Mapping[str, Any]) -> set[str]:
    kinds = [rule.get("type"), *_list(rule, "type")]
    return {kind for kind in kinds if isinstance(kind, str)} - {"null"}


def _scalar_type(kind: str, rule: Mapping[str, Any]) -> str:
    if kind == "string":
        return _string_type(rule)
    if kind == "integer":
        bounds = [(_number(rule, key), more) for key, more in BOUNDS.items()]
        fit = [-INT64 - 1 - more <= bound <= INT64 - more for bound, more in bounds if bound is not None]
        return "BIGINT" if all(fit) else "HUGEINT"
    if kind == "number":
        return _number_type(rule)
    return SCALARS.get(kind, "JSON")


def _number(rule: Mapping[str, Any], key: str) -> int | float | Decimal | None:
    """Return the number under a keyword, also if it is a text; whatever else is there says nothing."""
    value = rule.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None  # draft 4 has `exclusiveMinimum: true`
    with suppress(ArithmeticError):
        number = Decimal(value) if isinstance(value, str) else value
        return None if Decimal(number).is_nan() else number
    return None


def _format(rule: Mapping[str, Any]) -> str:
    name = rule.get("format")
    return name if isinstance(name, str) else ""


def _string_type(rule: Mapping[str, Any]) -> str:
    if rule.get("contentEncoding") == "base64":
        return "BLOB"
    wanted = FORMATS.get(_format(rule), "VARCHAR")
    return _decimal_type(rule) if wanted == "DECIMAL" else wanted


def _decimal_type(rule: Mapping[str, Any]) -> str:
    """Return the decimal type that a rule asks for; without a scale its precision tells whole digits.

    A precision of all that there is tells no more than none.
    """
    precision, scale = (_digits_under(rule, key) for key in ("precision", "scale"))
    if scale is not None:
        return decimal(precision or DEFAULT_PRECISION, scale)
    if not precision or not 0 < precision < DEFAULT_PRECISION:
        return decimal(DEFAULT_PRECISION, DEFAULT_SCALE)
    decimals = min(DEFAULT_SCALE, DEFAULT_PRECISION - precision)
    return decimal(precision + decimals, decimals)


def _digits_under(rule: Mapping[str, Any], key: str) -> int | None:
    """Return how many digits a keyword asks for, more than there are if it is very many."""
    number, most = _number(rule, key), 2 * DEFAULT_PRECISION
    return None if number is None else int(max(min(number, most), -most))


def _number_type(rule: Mapping[str, Any]) -> str:
    step = _number(rule, "multipleOf")
    if FORMATS.get(_format(rule)) == "DECIMAL":
        return _decimal_type(rule)
    if step is None or not STEPS[0] <= step < STEPS[1]:
        return "DOUBLE"
    digits = len(f"{Decimal(str(step)).normalize():f}".partition(".")[2])
    return decimal(DEFAULT_PRECISION, digits) if digits <= DEFAULT_SCALE * 2 else "DOUBLE"


def decimal(precision: int, scale: int) -> str:
    """Return the name of a decimal type within DuckDB's limits.

    With a negative scale, as Oracle has it, numbers have so many digits more, all zero.
    """
    width, decimals = precision - min(scale, 0), min(max(scale, 0), DEFAULT_PRECISION)
    return f"DECIMAL({min(max(width, decimals, 1), DEFAULT_PRECISION)},{decimals})"


def _join_branches(branches: Iterable[Any]) -> str:
    types = [column_type(branch) for branch in branches]
    stamped = [name for name in types if name in TEMPORAL]
    if stamped and set(types) <= {stamped[0], "VARCHAR"}:
        return stamped[0]  # singer-python taps write a date as "a date-time or any string"
    return _join(types)


def _join(types: list[str]) -> str:
    joined = types[0] if types else "JSON"
    for name in types[1:]:
        joined = _mix(joined, name)
    return joined


def _mix(left: str, right: str) -> str:
    """Return the type for a property that may hold either; JSON keeps text and structure apart."""
    if left == right:
        return left
    return "JSON" if "JSON" in {left, right} else widen(left, right)


def _type_of_values(values: Iterable[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    names = {str: "VARCHAR", bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}
    return names.get(kinds.pop(), "JSON") if len(kinds) == 1 else "JSON"


def _widen_decimal(left: str, right: str) -> str:
    sizes = [_digits(name) for name in (left, right)]
    if "JSON" in {left, right}:
        return "JSON" if "VARCHAR" not in {left, right} else "VARCHAR"
    if None in sizes:
        return "VARCHAR"
    known = [size for size in sizes if size is not None]
    whole, scale = max(size[0] for size in known), max(size[1] for size in known)
    return f"DECIMAL({whole + scale},{scale})" if whole + scale <= DEFAULT_PRECISION else "VARCHAR"


def _digits(name: str) -> tuple[int, int] | None:
    if match := DECIMAL.fullmatch(name):
        return int(match[1]) - int(match[2]), int(match[2])
    return {"BIGINT": (19, 0)}.get(name)
