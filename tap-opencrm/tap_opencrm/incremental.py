"""What is due in an incremental run, and where the next one begins: pure functions of times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_opencrm.dates import Zone


def parse_moment(text: str | None) -> datetime | None:
    """Return an ISO date-time as a moment; one without an offset is in UTC."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass
class Bookmark:
    """Where an incremental stream stands: what is due now, and what it has seen."""

    reached: datetime | None
    start_date: datetime | None
    lookback: timedelta
    newest: datetime | None = None

    def __post_init__(self) -> None:
        self._due_from = self.due_from.isoformat() if self.due_from else ""

    @property
    def due_from(self) -> datetime | None:
        """The moment from which records are due; None if all are."""
        moments = [self.reached - self.lookback] if self.reached else []
        moments += [self.start_date] if self.start_date else []
        return max(moments).astimezone(UTC) if moments else None

    def is_due(self, modified: str | None) -> bool:
        """Tell whether a record is due, given when it was modified (ISO, UTC); without that it always is."""
        if modified is None:
            return True
        if not self.newest or modified > self._newest:
            self._see(modified)
        return modified >= self._due_from

    def _see(self, modified: str) -> None:
        self._newest = modified
        self.newest = datetime.fromisoformat(modified)

    def next(self, started: datetime) -> datetime | None:
        """Return the next bookmark: the newest record seen, but never later than the start of the reading."""
        seen = [moment for moment in (self.reached, self.newest) if moment]
        return min(max(seen), started) if seen else None


def days_between(first: datetime, last: datetime, zone: Zone) -> Iterator[date]:
    """Yield the days from one moment to another, and one more at both ends for servers of another zone."""
    day = first.astimezone(zone).date() - timedelta(days=1)
    while day <= last.astimezone(zone).date() + timedelta(days=1):
        yield day
        day += timedelta(days=1)
