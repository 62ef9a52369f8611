"""Checks records against their JSON schema: numbers exactly, and nothing is fetched that it refers to."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from jsonschema.exceptions import SchemaError, ValidationError  # type: ignore[import-untyped] # it has no stubs here
from jsonschema.validators import extend  # type: ignore[import-untyped] # nor here
from referencing import Registry
from referencing.exceptions import Unresolvable
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from target_duckdb.errors import InvalidSchemaError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Rule = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]

Json: TypeAlias = Any  # a value, or a rule, out of a JSON text
NAMING = frozenset({"required", "dependentRequired", "additionalProperties", "unevaluatedProperties"})
"""Rules about properties: what the validator says of them names properties only."""
SHOWN = 100
TYPES = DEFAULT_JSONSCHEMA_VALIDATOR.TYPE_CHECKER
RULES = DEFAULT_JSONSCHEMA_VALIDATOR.VALIDATORS
REFERENCES = ("$ref", "$dynamicRef")
UNCHECKABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    Unresolvable,
)
"""What the validator raises at a rule that it cannot apply, such as one that refers to itself."""


class RecordSchema:
    """The schema that a stream's records have to meet."""

    def __init__(self, stream: str, schema: Mapping[str, Json]) -> None:
        """Take a schema; raise InvalidSchemaError if it is not valid."""
        self.stream = stream
        plain = {
            name: rule for name, rule in schema.items() if name != "$schema"
        }  # no other rules than these
        try:
            VALIDATOR.check_schema(plain)
        except SchemaError as error:
            place = ".".join(map(str, error.absolute_path)) or "the schema"
            raise InvalidSchemaError(f"SCHEMA of stream {stream!r}: {place}: {error.message}") from error
        except UNCHECKABLE as error:
            raise InvalidSchemaError(f"SCHEMA of stream {stream!r} cannot be checked: {error!r}") from error
        self._validator = VALIDATOR(plain, registry=Registry())  # one that retrieves nothing

    def check(self, record: Mapping[str, Json]) -> None:
        """Raise InvalidValueError for a record that breaks a rule."""
        try:
            self._validator.validate(record)
        except ValidationError as error:
            place = ".".join(map(str, error.absolute_path)) or "the record"
            said = f"{place}: {_broken(error)}"
        except UNCHECKABLE as error:
            kind = type(error).__name__  # its text may hold a value of the record
            said = f"a record cannot be checked, {kind}: mend its schema, or do without"
        else:
            return
        raise InvalidValueError(f"{self.stream}: {said} (validate_records is on)") from None


def _broken(error: ValidationError) -> str:
    """Return which rule a record breaks; the validator's own words hold values of it, mostly."""
    if error.validator in NAMING:
        return str(error.message)[:SHOWN]
    rule = json.dumps(error.validator_value, default=str, ensure_ascii=False)
    return f'breaks "{error.validator}": {rule if len(rule) <= SHOWN else rule[:SHOWN] + "…"}'


def _is_number(_checker: object, value: Json) -> bool:
    """Return whether a value is a number of JSON; NaN and the infinities are not."""
    return bool(TYPES.is_type(value, "number")) and not (
        isinstance(value, float) and not math.isfinite(value)
    )


def _is_whole(_checker: object, value: Json) -> bool:
    """Return whether JSON Schema takes a value for an integer; 1.0 is one."""
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return bool(TYPES.is_type(value, "integer"))


def is_multiple(value: Json, step: Json) -> bool:
    """Return whether a number is a multiple of another; neither is written out, whatever its exponent."""
    (number, ten), (divisor, other) = _parts(value), _parts(step)
    if ten >= other:
        return number * pow(10, ten - other, divisor) % divisor == 0
    zeros = other - ten
    return number == 0 or (zeros <= number.bit_length() and number % (divisor * 10**zeros) == 0)


def _parts(value: Json) -> tuple[int, int]:
    """Return a number's digits as an integer, and by which power of ten to multiply it."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    _sign, digits, exponent = exact.as_tuple()
    return int(Decimal((0, digits, 0))), int(exponent)


def _multiple_of(validator: Json, step: Json, value: Json, _schema: Json) -> Iterator[ValidationError]:
    if validator.is_type(value, "number") and not is_multiple(value, step):
        yield ValidationError("not a multiple")


def _referring(known: Rule) -> Rule:
    """Return what checks a reference: one that leads nowhere or elsewhere permits anything."""

    def check(validator: Json, target: Json, value: Json, schema: Json) -> Iterator[ValidationError]:
        try:
            yield from known(validator, target, value, schema) or ()
        except Unresolvable:
            return

    return check


VALIDATOR = extend(
    DEFAULT_JSONSCHEMA_VALIDATOR,
    validators={"multipleOf": _multiple_of, **{name: _referring(RULES[name]) for name in REFERENCES}},
    type_checker=TYPES.redefine_many({"number": _is_number, "integer": _is_whole}),
)
