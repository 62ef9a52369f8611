"""The streams of product lines, which are inside the records of quotes, orders and invoices.

The shape of lines is not documented. They may be a list of objects, an object of objects by number, or
numbered fields (`productid1`, `quantity1`, `productid2`, …) beside the fields of the record.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from typing_extensions import override

from tap_opencrm.schemas import SCHEMA_FILES
from tap_opencrm.sweeps import SweepingStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers.types import Context

    from tap_opencrm.records import Row, Shape

_NUMBERED = re.compile(r"([a-z_]*[a-z_])(\d{1,3})", re.IGNORECASE)
_MARKS_A_LINE = re.compile(r"(?:hdn_?)?product_?(?:id|name)", re.IGNORECASE)


class LineStream(SweepingStream):
    """The product lines of one entity; written as its records are."""

    schema = StreamSchema(SCHEMA_FILES, key="lines")
    primary_keys = ("id",)
    state_partitioning_keys = ()

    @override
    def get_records(self, context: Context | None) -> Iterable[Row]:
        """None are read here: `write` is given them with the record they are in."""
        return ()

    def announce(self) -> None:
        """Write the schema, so that there is a table even without lines."""
        self._write_schema_message()

    def write(self, lines: list[Row], parent: Row) -> None:
        """Write the lines of one record."""
        for number, line in enumerate(lines, start=1):
            self._write_record_message(self._shape.read(_placed(line, number, parent)))

    @cached_property
    def _shape(self) -> Shape:
        return self.shape("lines")


def _placed(line: Row, number: int, parent: Row) -> Row:
    """Return a line with its place; its own id, where it has one, moves aside."""
    own = {("line_id" if name == "id" else name): value for name, value in line.items()}
    return own | {
        "id": f"{parent['id']}-{number}",
        "parent_id": parent["id"],
        "line_number": number,
        "parent_modifiedtime": parent["modified"],
    }


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
