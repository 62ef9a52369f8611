"""Knows when a batch is due: at how many rows, bytes or seconds; not what the rows are."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from target_duckdb.settings import Settings

FIRST_ROWS, FIRST_BYTES, GROWTH = 61_440, 64 << 20, 3
"""Of each step in the first batch, mostly one for each stream, so that DuckDB begins soon; every further one
may be three times as large. Twice as large means a commit more in a million rows, 2 % of the CPU time."""
GROWING = 10  # batches; from then on only the settings count


class Pace:
    """How much has been read since a batch was cut, beside how much the next one may hold."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bytes = 0
        self._since = math.inf  # nothing waits
        self._batches = 0

    def read(self, size: int) -> None:
        """Take note of bytes read."""
        self._bytes += size

    @property
    def has_begun(self) -> bool:
        """Whether a record of the batch has come."""
        return self._since < math.inf

    def begin(self) -> None:
        """Take note that the first record of a batch has come."""
        self._since = time.monotonic()

    def cut(self) -> None:
        """Take note of a batch's end."""
        self._bytes, self._since = 0, math.inf
        self._batches += 1

    def is_due(self, rows: int, steps: int, patience: int = 1) -> bool:
        """Return whether a batch of so many rows in so many steps is as large or old as it may get.

        With more patience it may get so many times as large and old.
        """
        part = max(1, steps) * GROWTH ** min(self._batches, GROWING)
        most_rows = min(self._settings.batch_size_rows, FIRST_ROWS * part)
        most_bytes = min(self._settings.batch_size_bytes, FIRST_BYTES * part)
        age = time.monotonic() - self._since
        return (
            rows >= patience * most_rows
            or self._bytes >= patience * most_bytes
            or (rows > 0 and age >= patience * self._settings.max_batch_age_seconds)
        )
