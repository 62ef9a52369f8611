"""How fast, and how often in a day, OpenCRM may be asked."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

STATE_KEY = "request_budget"


@dataclass
class Pace:
    """Spaces requests evenly, over all threads."""

    per_second: float | None = None
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Sleep until the next request may start."""
        if not self.per_second:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + 1 / self.per_second
        time.sleep(start - now)


@dataclass
class Budget:
    """Counts the requests of a day (UTC) and says when they are used up."""

    per_day: int | None = None
    day: str = ""
    used: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self) -> bool:
        """Count one request; False if it must not be sent."""
        with self._lock:
            self._turn_the_page()
            if self.per_day is not None and self.used >= self.per_day:
                return False
            self.used += 1
            return True

    def resume(self, day: str, used: int) -> None:
        """Add what earlier runs have spent, if that was today."""
        with self._lock:
            self._turn_the_page()
            if day == self.day:
                self.used += used

    def write_to(self, state: MutableMapping[str, Any]) -> None:
        """Put into a Singer state what was spent today, where there is a limit to it."""
        if self.per_day is not None:
            state[STATE_KEY] = {"day": self.day, "used": self.used}

    def read_from(self, state: Mapping[str, Any]) -> None:
        """Take over what a Singer state says was spent today."""
        spent = state.get(STATE_KEY)
        if isinstance(spent, dict):
            self.resume(str(spent.get("day")), int(spent.get("used", 0)))

    def _turn_the_page(self) -> None:
        today = datetime.now(UTC).date().isoformat()
        if today != self.day:
            self.day, self.used = today, 0
