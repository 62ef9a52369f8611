"""Filters: from `where` items to a test of rows, and to the stretch of an index that holds all that pass."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crm_simulator.espocrm.refusals import Refusal, bad_request, broken
from crm_simulator.espocrm.switches import unborn
from crm_simulator.espocrm.tables import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

    Test = Callable[[Row], bool]
    Item = dict[str, Any]

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "after": operator.gt,
    "before": operator.lt,
    "equals": operator.eq,
    "greaterThan": operator.gt,
    "greaterThanOrEquals": operator.ge,
    "lessThan": operator.lt,
    "lessThanOrEquals": operator.le,
    "on": operator.eq,
}
ALIASES = {
    "=": "equals",
    "!=": "notEquals",
    ">": "greaterThan",
    "<": "lessThan",
    ">=": "greaterThanOrEquals",
} | {"<=": "lessThanOrEquals"}
_NUMBERS = {"int", "float", "decimal"}
_ZONED = {"on", "after", "before", "between", "today", "past", "future"}
_SUBQUERIES = {"not", "subQueryIn", "subQueryNotIn", "subQueryFilterAll", "subQuery"}
_DATETIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(?:Z|[+-]\d\d:?\d\d)?")
GARBAGE = ""
"""What MariaDB makes of a text that is no moment: something before all moments."""


@dataclass
class Filters:
    """Compiles filters for one user's view of one entity type."""

    store: Store
    entity: str
    hidden: frozenset[str]

    def test(self, items: Sequence[Item]) -> Test:
        """Compile items that must all pass."""
        tests = [self._item(item) for item in items]
        if len(tests) == 1:
            return tests[0]
        return lambda row: all(test(row) for test in tests)

    def _item(self, item: Item) -> Test:
        kind = item.get("type")
        if not isinstance(kind, str):
            raise broken()
        kind = ALIASES.get(kind, kind)
        if kind in _SUBQUERIES:
            raise self._refuse("Sub-queries are forbidden in where.")
        if kind in {"and", "or"}:
            return self._group(kind, item.get("value"))
        attribute = item.get("attribute", item.get("field"))
        self._check(attribute)
        compiler = _COMPILERS.get(kind)
        if compiler is None and kind not in COMPARISONS:
            raise bad_request(f"Unknown where item type '{kind}'.")
        if not isinstance(attribute, str):
            raise bad_request(f"Bad where item '{kind}'.")
        self._know(kind, attribute)
        return compiler(self, attribute, item) if compiler else self._compare(kind, attribute, item)

    def _group(self, kind: str, value: object) -> Test:
        items = list(value.values()) if isinstance(value, dict) else value
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise bad_request(f"Bad where item '{kind}'.")
        tests = [self._item(item) for item in items]
        if kind == "or":
            return lambda row: any(test(row) for test in tests)
        return lambda row: all(test(row) for test in tests)

    def _refuse(self, reason: str) -> Refusal:
        if self.store.switches.since("9.0"):
            return bad_request(f"{reason} {reason}")
        return Refusal(403, reason)

    def _check(self, attribute: object) -> None:
        if not isinstance(attribute, str):
            return
        if ":" in attribute or "(" in attribute:
            raise self._refuse("Complex expressions are forbidden in where.")
        if "." in attribute:
            raise self._refuse("Relation paths are forbidden in where.")
        if attribute in self.hidden:
            raise self._refuse(f"Forbidden attribute '{attribute}' in where.")

    def _know(self, kind: str, attribute: str) -> None:
        if kind in _LINK_KINDS:
            if self.store.schema.link(self.entity, attribute) is None:
                raise bad_request(f"Bad where item '{kind}'.")
            return
        schema = self.store.schema
        known = schema.attributes(self.entity).keys() | schema.entities[self.entity].fields
        if attribute not in known or attribute in unborn(self.store.switches, self.entity):
            raise bad_request(f"Not existing attribute '{attribute}' in where.")

    def reader(self, attribute: str) -> Callable[[Row], Any]:
        """Give the function that reads an attribute of a row."""
        if attribute not in self.store.schema.attributes(self.entity):
            return lambda row: row.get(attribute)
        return self.store.records.getter(self.entity, attribute)

    def type_of(self, attribute: str) -> str:
        """Tell what an attribute holds."""
        known = self.store.schema.attributes(self.entity).get(attribute)
        return known.type if known else "text"

    def value(self, kind: str, attribute: str, item: Item) -> Any:  # noqa: ANN401 - of the attribute's type
        """Read the value of an item as the attribute's type."""
        value = item.get("value")
        if self.type_of(attribute) == "datetime" and item.get("dateTime") and kind in _ZONED:
            return _zoned(value, item.get("timeZone"))
        return self.plain(attribute, value)

    def plain(self, attribute: str, value: object) -> Any:  # noqa: ANN401 - of the attribute's type
        """Read a value as the attribute's type."""
        kind = self.type_of(attribute)
        if value is None or isinstance(value, list | dict):
            return None
        strict = self.store.switches.database == "postgresql"
        return _READERS.get(kind, _plain_text)(str(value), strict)

    def comparable(self, attribute: str) -> Callable[[Row], Any]:
        """Give the function that reads an attribute as filters compare it."""
        read, kind = self.reader(attribute), self.type_of(attribute)
        if kind == "decimal":
            return lambda row: None if (value := read(row)) is None else float(value)
        if kind == "text" and self.store.switches.database == "mariadb":
            return lambda row: fold(value) if isinstance(value := read(row), str) else value
        return read

    def _compare(self, kind: str, attribute: str, item: Item) -> Test:
        if "value" not in item:
            raise bad_request(f"Bad where item '{kind}'.")
        value, compare, read = (
            self.value(kind, attribute, item),
            COMPARISONS[kind],
            self.comparable(attribute),
        )
        if value is None:
            return (lambda row: read(row) is None) if kind == "equals" else (lambda _row: False)
        return lambda row: (found := read(row)) is not None and compare(found, value)


def _plain_text(text: str, strict: bool) -> str:  # noqa: FBT001 - a row of a table of functions
    return text if strict else fold(text)


def _truth(text: str, _strict: bool) -> bool:  # noqa: FBT001 - same
    return text.lower() in {"true", "1"}


def _number(text: str, strict: bool) -> float:  # noqa: FBT001 - same
    try:
        return float(text)
    except ValueError:
        if strict:
            raise broken() from None
        return 0.0


def _day(text: str, strict: bool) -> str:  # noqa: FBT001 - same
    return _moment(text, strict)[:10]


def _moment(text: str, strict: bool) -> str:  # noqa: FBT001 - same
    found = _DATETIME.fullmatch(text.strip())
    if found is None:
        if strict:
            raise broken()
        return GARBAGE
    day, time = found.groups()
    return f"{day} {time or '00:00:00'}"


_READERS: dict[str, Callable[[str, bool], Any]] = {
    "bool": _truth,
    "date": _day,
    "datetime": _moment,
    **dict.fromkeys(_NUMBERS, _number),
}
"""How the value of a filter is read, by what the attribute holds."""


def _zoned(value: object, zone: object) -> Any:  # noqa: ANN401 - one moment or several
    if isinstance(value, list):
        return [_zoned(item, zone) for item in value]
    try:
        moment = datetime.fromisoformat(str(value)).replace(tzinfo=ZoneInfo(str(zone or "UTC")))
    except (ValueError, ZoneInfoNotFoundError):
        raise bad_request("Bad date-time in where.") from None
    return str(moment.astimezone(ZoneInfo("UTC")))[:19]


def _list(kind: str, item: Item) -> list[Any]:
    value = item.get("value")
    values = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(values, list):
        raise bad_request(f"Bad where item '{kind}'.")
    return values


def _in(filters: Filters, attribute: str, item: Item) -> Test:
    values = {filters.plain(attribute, value) for value in _list("in", item)}
    read = filters.comparable(attribute)
    return lambda row: read(row) in values


def _not_in(filters: Filters, attribute: str, item: Item) -> Test:
    values = {filters.plain(attribute, value) for value in _list("notIn", item)}
    read = filters.comparable(attribute)
    return lambda row: (found := read(row)) is not None and found not in values


def _not_equals(filters: Filters, attribute: str, item: Item) -> Test:
    value, read = filters.value("notEquals", attribute, item), filters.comparable(attribute)
    if value is None:
        return lambda row: read(row) is not None
    return lambda row: (found := read(row)) is not None and found != value


def _between(filters: Filters, attribute: str, item: Item) -> Test:
    values = _list("between", item)
    if len(values) != 2:  # noqa: PLR2004 - from and to
        raise bad_request("Bad where item 'between'.")
    low, high = (filters.value("between", attribute, item | {"value": value}) for value in values)
    read = filters.comparable(attribute)
    return lambda row: (found := read(row)) is not None and low <= found <= high


def _is_null(filters: Filters, attribute: str, _item: Item) -> Test:
    read = filters.reader(attribute)
    return lambda row: read(row) is None


def _is_not_null(filters: Filters, attribute: str, _item: Item) -> Test:
    read = filters.reader(attribute)
    return lambda row: read(row) is not None


def _is_true(filters: Filters, attribute: str, _item: Item) -> Test:
    read = filters.reader(attribute)
    return lambda row: read(row) is True


def _is_false(filters: Filters, attribute: str, _item: Item) -> Test:
    read = filters.reader(attribute)
    return lambda row: read(row) is not True


def _text(shape: Callable[[str], str]) -> Callable[[Filters, str, Item], Test]:
    def compile_item(filters: Filters, attribute: str, item: Item) -> Test:
        pattern = _pattern(shape(str(item.get("value", ""))))
        read = filters.reader(attribute)
        return lambda row: isinstance(found := read(row), str) and pattern.fullmatch(found) is not None

    return compile_item


def _pattern(like: str) -> re.Pattern[str]:
    text = "".join({"%": ".*", "_": "."}.get(part, re.escape(part)) for part in like)
    return re.compile(text, re.IGNORECASE | re.DOTALL)


def _linked_with(filters: Filters, attribute: str, item: Item) -> Test:
    value = item.get("value")
    wanted = {str(each) for each in (value if isinstance(value, list) else [value])}
    store, entity = filters.store, filters.entity
    return lambda row: not wanted.isdisjoint(store.related(entity, row["id"], attribute))


def _is_linked(filters: Filters, attribute: str, _item: Item) -> Test:
    store, entity = filters.store, filters.entity
    return lambda row: bool(store.related(entity, row["id"], attribute))


def _is_not_linked(filters: Filters, attribute: str, _item: Item) -> Test:
    store, entity = filters.store, filters.entity
    return lambda row: not store.related(entity, row["id"], attribute)


def _array_any(filters: Filters, attribute: str, item: Item) -> Test:
    value = item.get("value")
    wanted = value if isinstance(value, list) else [value]
    read = filters.reader(attribute)
    return lambda row: any(each in wanted for each in read(row) or ())


def _days(first: int, last: int) -> Callable[[Filters, str, Item], Test]:
    def compile_item(filters: Filters, attribute: str, item: Item) -> Test:
        count = int(str(item.get("value") or 1))
        today = filters.store.clock.now().date()
        low = str(today + timedelta(days=first * count))
        high = str(today + timedelta(days=last * count)) + " 23:59:59"
        read = filters.reader(attribute)
        return lambda row: (found := read(row)) is not None and low <= found <= high

    return compile_item


_COMPILERS: dict[str, Callable[[Filters, str, Item], Test]] = {
    "arrayAnyOf": _array_any,
    "between": _between,
    "contains": _text(lambda value: f"%{value}%"),
    "endsWith": _text(lambda value: f"%{value}"),
    "in": _in,
    "isFalse": _is_false,
    "isLinked": _is_linked,
    "isNotLinked": _is_not_linked,
    "isNotNull": _is_not_null,
    "isNull": _is_null,
    "isTrue": _is_true,
    "lastXDays": _days(-1, 0),
    "like": _text(lambda value: value),
    "linkedWith": _linked_with,
    "nextXDays": _days(0, 1),
    "notEquals": _not_equals,
    "notIn": _not_in,
    "startsWith": _text(lambda value: f"{value}%"),
    "today": _days(0, 0),
}
_LINK_KINDS = {"isLinked", "isNotLinked", "linkedWith"}
