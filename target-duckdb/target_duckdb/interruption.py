"""A signal's wish to stop: one for the process, asked by whatever takes long."""

from __future__ import annotations

import math
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


class Interrupted(Exception):  # noqa: N818 - not an error: what has come so far is committed
    """Somebody wants the run to stop during something long."""


class Interruption:
    """A signal's wish to stop: heeded at once while waiting for input, else after the lines at hand."""

    def __init__(self) -> None:
        self.is_waiting = False
        self.since = math.inf
        """When the first signal came, by the monotonic clock."""
        self._listeners: list[Callable[[], None]] = []

    @property
    def is_wanted(self) -> bool:
        """Whether a signal has come."""
        return self.since < math.inf

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        self.since = min(self.since, time.monotonic())
        for listener in self._listeners:
            listener()
        if self.is_waiting:
            self.is_waiting = False
            raise Interrupted

    def take_signals(self) -> None:
        """Be called when the process is asked to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self)

    def tell(self, listener: Callable[[], None]) -> None:
        """Call somebody when a signal comes, at once if it has come."""
        self._listeners.append(listener)
        if self.is_wanted:
            listener()

    def is_overdue(self, patience: float) -> bool:
        """Return whether a signal has come so many seconds ago."""
        return self.is_wanted and time.monotonic() >= self.since + patience  # asking is cheaper than the time

    def check(self, patience: float = 0) -> None:
        """Raise Interrupted if a signal has come so many seconds ago."""
        if self.is_overdue(patience):
            raise Interrupted


STOP = Interruption()
"""The one of this process."""
