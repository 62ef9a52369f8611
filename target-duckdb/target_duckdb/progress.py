"""What a run tells while it goes on and when it is done; never on standard output, which belongs to STATE."""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from target_duckdb.errors import printable

if TYPE_CHECKING:
    from collections.abc import Collection

    from target_duckdb.ledger import Tally

LOGGER = logging.getLogger("target-duckdb")
METRICS = logging.getLogger("singer_sdk.metrics")
EVERY_SECONDS, EVERY_SECONDS_ON_A_TERMINAL = 30.0, 0.5
HEADINGS = ("stream", "in", "inserted", "updated", "duplicate", "rejected", "deleted", "seconds", "rows/s")


class Progress:
    """Speaks up now and then."""

    def __init__(self) -> None:
        self.started = self._spoken = time.monotonic()
        self._is_terminal = sys.stderr.isatty()
        self._pause = EVERY_SECONDS_ON_A_TERMINAL if self._is_terminal else EVERY_SECONDS

    def is_due(self) -> bool:
        """Return whether it is time to say something."""
        return time.monotonic() - self._spoken >= self._pause

    def say(self, rows: int, commits: int) -> None:
        """Say how far the run has come."""
        self._spoken = time.monotonic()
        speed = rows / (self._spoken - self.started)
        text = f"{rows:,} records read, {speed:,.0f}/s, {commits} commits"
        if self._is_terminal:
            _show(text)
        else:
            LOGGER.info("%s", text)

    def finish(self, tallies: Collection[Tally]) -> None:
        """Say what became of every stream."""
        if self._is_terminal:
            _show("")
        seconds = time.monotonic() - self.started
        if tallies:
            LOGGER.info("loaded in %.1f s\n%s", seconds, table(tallies))
        for tally in tallies:
            if tally.values_rejected:
                LOGGER.warning(
                    "%s values of stream %r are in no column, as they did not fit or are not in its schema:"
                    " they are in _load.rejected_values",
                    f"{tally.values_rejected:,}",
                    tally.stream,
                )
            tags = {"stream": tally.stream}
            METRICS.info("METRIC: %s", json.dumps(_point("counter", "record_count", tally.rows_in, tags)))
            METRICS.info(
                "METRIC: %s", json.dumps(_point("timer", "batch_processing_time", tally.seconds, tags))
            )


def _show(text: str) -> None:
    """Write a line in the place of the last one; that the terminal has gone is no reason to stop a load."""
    with suppress(OSError):
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _point(kind: str, metric: str, value: float, tags: dict[str, str]) -> dict[str, object]:
    return {"type": kind, "metric": metric, "value": value, "tags": tags}


def table(tallies: Collection[Tally]) -> str:
    """Return the table of what became of each stream."""
    rows = [HEADINGS, *(_row(tally) for tally in tallies)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _row(tally: Tally) -> tuple[str, ...]:
    counts = (tally.rows_in, tally.inserted, tally.updated, tally.superseded, tally.rejected, tally.deleted)
    speed = f"{tally.rows_in / tally.seconds:,.0f}" if tally.seconds else ""
    return (printable(tally.stream), *(f"{count:,}" for count in counts), f"{tally.seconds:.2f}", speed)
