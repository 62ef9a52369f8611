"""How long to wait: between requests, and before one that failed is sent again."""

from __future__ import annotations

import random
import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from singer_sdk.exceptions import RetriableAPIError

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 300.0

_spread = random.SystemRandom()


class LaterError(RetriableAPIError):
    """Worth another attempt, perhaps not before the time the server names."""

    def __init__(self, message: str, seconds: float | None) -> None:
        super().__init__(message)
        self.seconds = seconds


class Pace:
    """Keeps requests of all threads at least so far apart."""

    def __init__(self, per_second: float | None) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, sleep: Callable[[float], None]) -> None:
        """Sleep until it is the caller's turn."""
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._gap
        if at > now:
            sleep(at - now)


def retry_seconds(attempt: int, error: Exception) -> float:
    """Wait as long as the server names, else twice as long each time, spread a little."""
    named = error.seconds if isinstance(error, LaterError) else None
    if named is not None:
        return min(named, LONGEST_RETRY_AFTER_SECONDS)
    wait = min(FIRST_RETRY_SECONDS * (1 << (attempt - 1)), LONGEST_RETRY_SECONDS)
    return wait * _spread.uniform(0.75, 1.25)


def retry_after(text: str) -> float | None:
    """Read `Retry-After`, in seconds or as a date."""
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
