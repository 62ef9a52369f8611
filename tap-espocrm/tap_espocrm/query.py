"""Writes the search parameters of EspoCRM's lists in the `where[...]` dialect; touches no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

Where = Mapping[str, Any]
Parameters = tuple[tuple[str, str], ...]

Together = tuple[str, ...]
"""Attributes that are asked for in one request: the name of a linked record comes only beside its id."""


@dataclass(frozen=True)
class ListQuery:
    """One list request: which attributes of which rows, in what order."""

    order_by: str = "id"
    where: tuple[Where, ...] = ()
    select: tuple[Together, ...] = ()
    max_size: int = 200
    is_legacy: bool = False
    offset: int = 0

    def narrowed(self, *conditions: Where) -> ListQuery:
        """Ask for the rows that meet these conditions too."""
        return replace(self, where=(*self.where, *conditions))

    @property
    def selected(self) -> tuple[str, ...]:
        """The attributes of the `select`, each once."""
        return tuple(dict.fromkeys(name for group in self.select for name in group))

    def parameters(self) -> Parameters:
        """Write the query string's parameters, in a fixed order."""
        order = (
            [("sortBy", self.order_by), ("asc", "true")]
            if self.is_legacy
            else [("orderBy", self.order_by), ("order", "asc")]
        )
        pairs = [("maxSize", str(self.max_size)), *order]
        if self.offset:
            pairs.append(("offset", str(self.offset)))
        if self.select:
            pairs.append(("select", ",".join(self.selected)))
        for index, condition in enumerate(self.where):
            pairs.extend(_flatten(f"where[{index}]", condition))
        return tuple(pairs)

    def split(self, longest: int) -> list[ListQuery]:
        """Split a `select` too long for a URL into several, each with the attributes that join the rows."""
        if not self.select:
            return [self]
        always: Together = ("id",) if self.order_by == "id" else ("id", self.order_by)
        room = longest - len(urlencode(replace(self, select=(always,)).parameters()))
        parts: list[list[Together]] = [[always]]
        used = 0
        for group in self.select:
            length = sum(len(name) + len("%2C") for name in group)
            if used and used + length > room:
                parts.append([always])
                used = 0
            parts[-1].append(group)
            used += length
        return [replace(self, select=tuple(part)) for part in parts]


def equals(attribute: str, value: str) -> Where:
    """Write `attribute = value`."""
    return {"type": "equals", "attribute": attribute, "value": value}


def greater_than(attribute: str, value: str) -> Where:
    """Write `attribute > value`."""
    return {"type": "greaterThan", "attribute": attribute, "value": value}


def at_least(attribute: str, value: str) -> Where:
    """Write `attribute >= value`."""
    return {"type": "greaterThanOrEquals", "attribute": attribute, "value": value}


def is_null(attribute: str) -> Where:
    """Write `attribute is null`."""
    return {"type": "isNull", "attribute": attribute}


def is_not_null(attribute: str) -> Where:
    """Write `attribute is not null`."""
    return {"type": "isNotNull", "attribute": attribute}


def is_in(attribute: str, values: Sequence[str]) -> Where:
    """Write `attribute in (values)`."""
    return {"type": "in", "attribute": attribute, "value": list(values)}


def after(attribute: str, value: str, last_id: str) -> Where:
    """Write `(attribute, id) > (value, last_id)`: the rows behind the last one of a page."""
    tie = {"type": "and", "value": [equals(attribute, value), greater_than("id", last_id)]}
    return {"type": "or", "value": [greater_than(attribute, value), tie]}


def _flatten(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flatten(f"{prefix}[{key}]", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flatten(f"{prefix}[{index}]", inner)
    else:
        yield prefix, str(value)
