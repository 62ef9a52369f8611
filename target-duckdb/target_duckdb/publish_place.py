"""The private place where the next version is made: one publisher at a time, leftovers gone at the start."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from target_duckdb.publish_files import PAUSE_SECONDS, BusyError
from target_duckdb.publish_swap import remove

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(stream: IO[str]) -> None:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(stream: IO[str]) -> None:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


LOCK = "lock"


def place_of(target: Path) -> Path:
    """Return the directory beside a published path where its next version is made."""
    return target.with_name(f".{target.name}.publish")


def is_marked(target: Path) -> bool:
    """Return whether a publisher has been at work here before."""
    return (place_of(target) / LOCK).is_file()


@contextmanager
def workplace(target: Path, *, wait_seconds: float) -> Iterator[Path]:
    """Give an empty directory beside a published path, ours alone until we leave or die."""
    place = place_of(target)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (place / LOCK).open("a+", encoding="utf-8") as stream:
        acquire(stream, target, wait_seconds)
        clear(place)
        try:
            yield place
        finally:
            clear(place)


def acquire(stream: IO[str], target: Path, wait_seconds: float) -> None:
    """Lock an open file, waiting for another publisher; raises BusyError when time is up."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            _lock(stream)
        except OSError:
            if time.monotonic() >= deadline:
                stream.seek(0)
                other = stream.read().strip() or "unknown"
                raise BusyError(f"{target} is being published by another process (PID {other})") from None
            time.sleep(PAUSE_SECONDS)
        else:
            stream.truncate(0)
            stream.write(str(os.getpid()))
            stream.flush()
            return


def clear(place: Path) -> None:
    """Remove whatever a publisher left behind, dead or alive, but the lock."""
    for path in place.iterdir():
        if path.name != LOCK:
            remove(path)
