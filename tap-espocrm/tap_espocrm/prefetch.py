"""Lets an iterator work ahead in a thread, so that the server is asked while its last answer is written."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")

_LOOK_AROUND_SECONDS = 0.1


class _End(Exception):  # not an error: the last thing a worker says
    """The iterable has no more items."""


def prefetched(items: Iterable[Item], ahead: int = 1) -> Iterator[Item]:
    """Yield the items of an iterable that is read `ahead` items in advance."""
    worker = _Worker(items, ahead)
    try:
        while True:
            yield worker.take()
    except _End:
        return
    finally:
        worker.is_abandoned.set()


class _Worker(Generic[Item]):
    """A thread that puts items, then its failure or the end, into a bounded queue."""

    def __init__(self, items: Iterable[Item], ahead: int) -> None:
        self.is_abandoned = threading.Event()
        self._queue: queue.Queue[Item | BaseException] = queue.Queue(ahead)
        threading.Thread(target=self._run, args=(items,), name="prefetch", daemon=True).start()

    def take(self) -> Item:
        """Wait for the next item, or raise what ended the work."""
        item = self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def _run(self, items: Iterable[Item]) -> None:
        try:
            for item in items:
                self._put(item)
            self._put(_End())
        except BaseException as error:  # every failure belongs to whoever consumes the items
            self._put(error)

    def _put(self, item: Item | BaseException) -> None:
        while not self.is_abandoned.is_set():
            try:
                self._queue.put(item, timeout=_LOOK_AROUND_SECONDS)
            except queue.Full:
                continue
            return
        raise _End
