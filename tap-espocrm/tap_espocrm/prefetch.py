"""Lets an iterator work ahead in a thread, so that the server is asked while its last answer is written."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")

_LOOK_AROUND_SECONDS = 0.1


class _Ended(Generic[Item]):
    """The last thing a worker says: how it ended."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.failure = failure


def prefetched(items: Iterable[Item], ahead: int = 1) -> Iterator[Item]:
    """Yield the items of an iterable that is read `ahead` items in advance."""
    handed: queue.Queue[Item | _Ended[Item]] = queue.Queue(ahead)
    is_abandoned = threading.Event()
    worker = threading.Thread(target=_work, args=(items, handed, is_abandoned), name="prefetch", daemon=True)
    worker.start()
    try:
        while not isinstance(item := handed.get(), _Ended):
            yield item
        if item.failure is not None:
            raise item.failure
    finally:
        is_abandoned.set()


def _work(
    items: Iterable[Item], handed: queue.Queue[Item | _Ended[Item]], is_abandoned: threading.Event
) -> None:
    last: _Ended[Item] = _Ended()
    try:
        for item in items:
            if not _hand(item, handed, is_abandoned):
                return
    except BaseException as error:  # noqa: BLE001  # every failure belongs to whoever consumes the items
        last = _Ended(error)
    _hand(last, handed, is_abandoned)


def _hand(
    item: Item | _Ended[Item], handed: queue.Queue[Item | _Ended[Item]], is_abandoned: threading.Event
) -> bool:
    while not is_abandoned.is_set():
        try:
            handed.put(item, timeout=_LOOK_AROUND_SECONDS)
        except queue.Full:
            continue
        return True
    return False
