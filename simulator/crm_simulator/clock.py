"""The time both CRMs live by: real, shifted or standing still."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that tests can freeze, set and advance; moments are aware and in UTC."""

    def __init__(self, start: datetime | str | None = None, *, running: bool = True) -> None:
        self._lock = threading.Lock()
        self._running = running
        self._origin = _moment(start) if start is not None else datetime.now(UTC)
        self._started = time.monotonic()

    @classmethod
    def frozen(cls, start: datetime | str) -> Clock:
        """Make a clock that stands at `start` until it is moved."""
        return cls(start, running=False)

    def now(self) -> datetime:
        """Tell the time."""
        with self._lock:
            elapsed = time.monotonic() - self._started if self._running else 0.0
            return self._origin + timedelta(seconds=elapsed)

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the clock by a span, which may be negative."""
        with self._lock:
            self._origin += timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)

    def set(self, moment: datetime | str) -> None:
        """Put the clock to a moment; a running clock runs on from there."""
        with self._lock:
            self._origin = _moment(moment)
            self._started = time.monotonic()


def _moment(value: datetime | str) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
