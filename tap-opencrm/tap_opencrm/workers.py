"""Threads that ask OpenCRM while the main thread writes, and that let a run end at once."""

from __future__ import annotations

from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_Task = tuple["Future[Any]", "Callable[[], Any]"]


class Workers:
    """So many threads that work off calls in the order they were submitted."""

    def __init__(self, count: int, name: str) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        # Daemons, because a run that is told to stop must not wait for an answer that may take a minute.
        self._threads = [Thread(target=self._work, name=name, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(
        self, call: Callable[_Given, _Result], *args: _Given.args, **kwargs: _Given.kwargs
    ) -> Future[_Result]:
        """Have a call made, and return what will be its result."""
        future: Future[_Result] = Future()
        self._tasks.put((future, lambda: call(*args, **kwargs)))
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Forget the calls that nobody has begun."""
        while True:
            try:
                self._tasks.get_nowait()
            except Empty:
                break
        for _thread in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        while task := self._tasks.get():
            future, call = task
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 # handed to the thread that waits for the result
                future.set_exception(error)
