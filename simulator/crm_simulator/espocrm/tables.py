"""The rows of one entity type, live and deleted, with indexes that follow every write."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Row = dict[str, Any]
"""Stored attributes by name; one that is missing is null (or false)."""
Key = tuple[Any, ...]


def fold(text: str) -> str:
    """Write a text as a collation without regard to case compares it."""
    folded = text.casefold()
    return text if folded == text else folded


def exact(text: str) -> str:
    """Write a text as a collation of bytes compares it."""
    return text


class SortedIndex:
    """The ids of a table in the order of one value and then the id; nulls come first."""

    def __init__(self, order: Order, rows: Iterable[Row]) -> None:
        self._value, self._tie, self._fold = order.value, order.tie, order.fold
        self.keys: list[Key] = sorted(self.key(row) for row in rows)

    def key(self, row: Row) -> Key:
        """Give a row its key; its last part is the id itself."""
        identity = row["id"]
        value = self._value(row)
        if value is None:
            return (0, "", self._tie(identity), identity)
        return (1, self._fold(value) if isinstance(value, str) else value, self._tie(identity), identity)

    def add(self, row: Row) -> None:
        """Let a row in; mostly it is the newest."""
        key = self.key(row)
        if not self.keys or self.keys[-1] < key:
            self.keys.append(key)
        else:
            insort(self.keys, key)

    def remove(self, row: Row) -> None:
        """Take a row out as it was when it came in."""
        key = self.key(row)
        at = bisect_left(self.keys, key)
        if at < len(self.keys) and self.keys[at] == key:
            del self.keys[at]

    def span(self, low: Key, high: Key | None) -> tuple[int, int]:
        """Find the positions after `low` and before `high`; a short key stands before all it begins."""
        start = bisect_right(self.keys, low)
        stop = bisect_left(self.keys, high) if high is not None else len(self.keys)
        return start, max(start, stop)

    def ids(self, start: int, stop: int, *, descending: bool = False) -> Iterator[str]:
        """Walk the ids between two positions."""
        places = range(stop - 1, start - 1, -1) if descending else range(start, stop)
        keys = self.keys
        return (keys[place][-1] for place in places)


@dataclass(frozen=True)
class Order:
    """By what rows are ordered; `name` tells one order from another."""

    name: str
    value: Callable[[Row], object]
    tie: Callable[[str], str]
    fold: Callable[[str], str]
    kept: bool = True
    """Whether the value changes only when the row does, so that an index can be kept."""


class Table:
    """All rows of one entity type."""

    def __init__(self) -> None:
        self.live: dict[str, Row] = {}
        self.gone: dict[str, Row] = {}
        self.revision = 0
        self._sorted: dict[str, SortedIndex] = {}
        self._groups: dict[str, tuple[int, dict[object, list[str]]]] = {}

    def put(self, row: Row) -> None:
        """Add a row, or put it in the place of the one with its id."""
        identity = row["id"]
        known = self.live.get(identity)
        self._unindex(known)
        self.live[identity] = row
        self.gone.pop(identity, None)
        self._index(row)

    def drop(self, row: Row) -> None:
        """Move a live row to the deleted ones."""
        self._unindex(self.live.pop(row["id"], None))
        self.gone[row["id"]] = row
        self.revision += 1

    def fill(self, rows: Iterable[Row]) -> None:
        """Add many new rows at once."""
        self.live.update((row["id"], row) for row in rows)
        self.forget_indexes()

    def replace(self, rows: Iterable[Row]) -> None:
        """Put rows in the place of all."""
        self.live.clear()
        self.fill(rows)

    def forget_indexes(self) -> None:
        """Let every index be made anew when it is wanted."""
        self._sorted.clear()
        self.revision += 1

    def sorted_by(self, order: Order) -> SortedIndex:
        """Give the index of an order, made when it is first wanted."""
        if not order.kept:
            return SortedIndex(order, self.live.values())
        if order.name not in self._sorted:
            self._sorted[order.name] = SortedIndex(order, self.live.values())
        return self._sorted[order.name]

    def grouped_by(self, attribute: str) -> dict[object, list[str]]:
        """Give the live ids by the value of an attribute."""
        revision, groups = self._groups.get(attribute, (-1, {}))
        if revision == self.revision:
            return groups
        groups = {}
        for row in self.live.values():
            groups.setdefault(row.get(attribute), []).append(row["id"])
        self._groups[attribute] = (self.revision, groups)
        return groups

    def _index(self, row: Row) -> None:
        self.revision += 1
        for index in self._sorted.values():
            index.add(row)

    def _unindex(self, row: Row | None) -> None:
        if row is not None:
            for index in self._sorted.values():
                index.remove(row)
