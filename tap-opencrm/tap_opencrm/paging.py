"""Reads a list by offsets, right under every meaning `limit_end` may have and while rows come and go.

Nobody knows whether `limit_end` is an exclusive end, an inclusive end or a number of rows, how long a page
may be, or in which order rows come. So the next window starts where the rows received end, not where they
were asked to end. It repeats one row, the anchor: only where known rows turn up again is nothing skipped,
otherwise the scan steps back until it meets them. A page of nothing but the anchor is the end of the list.
Pure: knows no HTTP.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from tap_opencrm.errors import UnstableListError
from tap_opencrm.ids import Ids

MOST_STEPS_BACK = 64
_LEARNING_PAGES = 2
_MOST_STALLED_PAGES = 8

# What makes a row recognisable: its id and when it was changed, so that a row that moved is not taken for
# a sign of its old place.
Key = tuple[str, str]


@dataclass(frozen=True)
class Window:
    """The part of a list that one request asks for."""

    start: int
    end: int


@dataclass
class Scan:
    """The state of reading one list from the first row to the last, `lanes` pages at a time."""

    page_size: int
    expected: int | None = None
    lanes: int = 1
    seen: Ids = field(default_factory=Ids)
    waiting: deque[Window] = field(default_factory=deque)
    is_finished: bool = False
    has_drifted: bool = False
    _planned: int = 0
    _position: int = 0
    _furthest: int = 0
    _stride: int = 0
    _largest: int = 0
    _pages: int = 0
    _idle_pages: int = 0
    _stalled_pages: int = 0
    _steps_back: int = 0
    _distance: int = 0
    _ends_by_count: bool = False
    _anchor: Key | None = None
    _known: frozenset[Key] = frozenset()

    def next_windows(self) -> list[Window]:
        """Return the windows to ask for now; their pages are to be accepted in the order of `waiting`."""
        wanted: list[Window] = []
        while not self.is_finished and self._has_free_lane():
            wanted.append(self._window(self._planned))
            self.waiting.append(wanted[-1])
            self._planned += self._stride
        return wanted

    def accept(self, keys: list[Key]) -> list[bool]:
        """Take the page of the oldest waiting window; return which of its rows are new."""
        window = self.waiting.popleft()
        fresh = [self.seen.add(key[0]) for key in keys]
        self._idle_pages = 0 if any(fresh) else self._idle_pages + 1
        self.has_drifted |= window.start > 0 and keys[:1] != [self._anchor]
        if not self._is_connected(window, keys):
            self._step_back(window)
        elif self._is_end(keys):
            self._finish()
        else:
            self._move_on(window, keys)
        return fresh

    def go_on(self, expected: int) -> None:
        """Look for rows behind the last one, because the list has grown."""
        self.expected = expected
        self.is_finished = False
        self._planned = max(0, self._position - 1)

    def _has_free_lane(self) -> bool:
        if not self.waiting:
            return True
        lanes = self.lanes if self._pages >= _LEARNING_PAGES and not self._distance else 1
        return len(self.waiting) < lanes and self.expected is not None and self._planned < self.expected - 1

    def _window(self, start: int) -> Window:
        return Window(start, self.page_size if self._ends_by_count else start + self.page_size)

    def _is_connected(self, window: Window, keys: list[Key]) -> bool:
        return window.start == 0 or (bool(keys) and (self._anchor in keys or keys[0] in self._known))

    def _is_end(self, keys: list[Key]) -> bool:
        """Nothing but the anchor; or page after page ends with it, as where the server knows no limits."""
        self._stalled_pages = self._stalled_pages + 1 if keys and keys[-1] == self._anchor else 0
        return (
            len(keys) <= 1 and (not keys or self._stalled_pages > 0)
        ) or self._stalled_pages > _MOST_STALLED_PAGES

    def _move_on(self, window: Window, keys: list[Key]) -> None:
        self._pages += 1
        # Only a number of rows gives that many, and more than the window is wide.
        if len(keys) == window.end > window.end - window.start + 1:
            self._ends_by_count = True
        self._stride = max(1, (min(len(keys), self.page_size) if self._ends_by_count else len(keys)) - 1)
        self._anchor, self._known = keys[-1], frozenset(keys)
        self._position = window.start + len(keys)
        if self._position >= self._furthest:
            self._furthest, self._distance = self._position, 0
        if self._has_all(window, len(keys)):
            self._finish()
        elif not self.waiting:
            self._planned = self._position - 1
        self._guard(self._idle_pages > MOST_STEPS_BACK + 2 * len(self.seen) // self.page_size)

    def _has_all(self, window: Window, received: int) -> bool:
        if window.start == 0 and received > self.page_size + 1:
            return True  # more than any meaning allows: this server knows no limits and has sent everything
        is_short = received < (self._largest if self._pages > 1 else self.page_size)
        self._largest = max(self._largest, self._stride + 1)
        has_all = self.expected is not None and self._position >= self.expected
        return is_short and has_all and not self.has_drifted

    def _step_back(self, window: Window) -> None:
        self._steps_back += 1
        self._guard(self._steps_back > MOST_STEPS_BACK + self._pages // 4)
        self._distance = max(self.page_size - 1, self._distance * 2)
        self._planned = max(0, min(window.start, self._position) - self._distance)
        self.waiting.clear()

    def _guard(self, is_endless: bool) -> None:  # noqa: FBT001 # reads as a claim at its two places
        if is_endless:
            raise UnstableListError(
                "the order of the list changes from page to page, so that it cannot be read completely; "
                "set page_size to more than the number of records, or ask OpenCRM support"
            )

    def _finish(self) -> None:
        self.is_finished = True
        self.waiting.clear()
