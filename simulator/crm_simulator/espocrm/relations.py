"""Many-to-many relations: pairs of ids with columns, seen from both sides."""

from __future__ import annotations

from typing import Any

Columns = dict[str, Any]


class Relation:
    """The pairs of one relation."""

    def __init__(self) -> None:
        self._forward: dict[str, dict[str, Columns]] = {}
        self._backward: dict[str, dict[str, Columns]] = {}

    def add(self, left: str, right: str, columns: Columns) -> None:
        """Pair two ids; the columns are one object for both sides."""
        self._forward.setdefault(left, {})[right] = columns
        self._backward.setdefault(right, {})[left] = columns

    def remove(self, left: str, right: str) -> bool:
        """Part two ids; tells whether they were a pair."""
        self._backward.get(right, {}).pop(left, None)
        return self._forward.get(left, {}).pop(right, None) is not None

    def of(self, identity: str, *, backward: bool) -> dict[str, Columns]:
        """Give the other ids an id is paired with."""
        return (self._backward if backward else self._forward).get(identity, {})
