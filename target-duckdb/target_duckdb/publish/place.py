"""The private place where the next version is made: one publisher at a time, leftovers gone at the start."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from target_duckdb.publish.database import PAUSE_SECONDS, BusyError
from target_duckdb.publish.swap import directory_mode, remove

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

if sys.platform == "win32":
    import msvcrt

    def _lock(stream: IO[str]) -> None:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(stream: IO[str]) -> None:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


LOCK, FOLDERS = "lock", "folders"
"""What stays in a private place: who is at work there, and which folders were made for it."""


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
    """Remove whatever a publisher, dead or alive, left behind, except what is to stay."""
    for path in place.iterdir():
        if path.name not in {LOCK, FOLDERS}:
            remove(path)


def admit(place: Path, made: Iterable[Path], mode: int) -> None:
    """Let whoever may read the files into the folders made for them, now or by an earlier run.

    A folder that has been replaced since then, or whose mode somebody has changed, stays as it is.
    """
    known = known_folders(place / FOLDERS) | {str(path.absolute()): identity(path) for path in made}
    ours = [path for path in map(Path, known) if path.is_dir() and identity(path) == known[str(path)]]
    for path in ours:
        path.chmod(directory_mode(mode))
    if known:
        record = {str(path): identity(path) for path in ours}
        (place / FOLDERS).write_text(json.dumps(record), "utf-8")


def known_folders(record: Path) -> dict[str, list[int]]:
    """Return the folders on record with their identity then; none if the record is missing or illegible."""
    try:
        return dict(json.loads(record.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def identity(folder: Path) -> list[int]:
    """Return what tells a folder from another, and its mode."""
    found = folder.stat()
    return [found.st_dev, found.st_ino, stat.S_IMODE(found.st_mode)]
