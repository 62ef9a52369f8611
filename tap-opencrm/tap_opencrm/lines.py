"""The product lines inside one sales record, whatever shape they have: pure functions.

The shape is not documented. It may be a list of objects, an object of objects by number, or numbered fields
(`productid1`, `quantity1`, `productid2`, …) beside the fields of the record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_opencrm.records import Row

_NUMBERED = re.compile(r"([a-z_]*[a-z_])(\d{1,3})", re.IGNORECASE)
_MARKS_A_LINE = re.compile(r"(?:hdn_?)?product_?(?:id|name)", re.IGNORECASE)


def find_lines(record: Row) -> list[Row]:
    """Return the lines of a sales record in their order."""
    for value in record.values():
        if lines := _objects(value):
            return lines
    return _numbered_lines(record)


def _objects(value: Any) -> list[Row]:  # noqa: ANN401 # the JSON boundary
    if isinstance(value, dict):
        value = list(value.values())
    is_lines = isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
    return list(value) if is_lines else []


def _numbered_lines(record: Row) -> list[Row]:
    numbers = sorted({number for name, number, _ in _numbered(record) if _MARKS_A_LINE.fullmatch(name)})
    lines: dict[int, Row] = {number: {} for number in numbers}
    for name, number, value in _numbered(record):
        if number in lines:
            lines[number][name] = value
    return list(lines.values())


def _numbered(record: Row) -> Iterator[tuple[str, int, Any]]:
    for key, value in record.items():
        if found := _NUMBERED.fullmatch(key):
            yield found[1], int(found[2]), value
