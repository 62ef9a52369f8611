"""A database file of which DuckDB has not written the headers yet: it can neither open nor replace it.

A full disk or a kill leaves one. A young one may be of a process that is just making its file.
"""

from __future__ import annotations

import fcntl
import math
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from target_duckdb.doublewrite import HEADERS, is_at

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = slice(8, 12)
BIRTH_SECONDS = 1.0  # DuckDB has the lock of a file that it makes after less than a millisecond
GLANCE = 0.02
NO_STUB = math.inf


def is_being_made(path: Path) -> bool:
    """Return whether another process may be making the file, and not hold its lock yet."""
    return _stub_seconds(path) < BIRTH_SECONDS


def remove_stub(path: Path) -> None:
    """Remove a stub, once it is too old to be just made: what a process loads into a removed file is lost."""
    while (seconds := _stub_seconds(path)) < BIRTH_SECONDS:
        time.sleep(GLANCE)
    if seconds == NO_STUB:
        return
    with suppress(OSError), path.open("r+b") as file:  # or DuckDB says what is wrong with it
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the lock that DuckDB takes
        if _is_stub(file.read(HEADERS)) and is_at(file.fileno(), path):
            path.unlink()


def _stub_seconds(path: Path) -> float:
    """Return how old a stub is, NO_STUB for any other file."""
    try:
        with path.open("rb") as file:
            seconds = abs(time.time() - os.fstat(file.fileno()).st_mtime)  # clocks go back, too
            return seconds if _is_stub(file.read(HEADERS)) else NO_STUB
    except OSError:
        return NO_STUB


def _is_stub(begun: bytes) -> bool:
    return len(begun) < HEADERS and (not begun or begun[MAGIC] == b"DUCK")
