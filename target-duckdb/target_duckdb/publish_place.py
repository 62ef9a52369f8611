"""The private place where the next version is made: one publisher at a time, leftovers gone at the start."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from target_duckdb.publish_exports import MANIFEST
from target_duckdb.publish_files import PAUSE_SECONDS, BusyError, PublishError
from target_duckdb.publish_swap import remove

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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
MAGIC, MAGIC_AT = b"DUCK", 8
"""How a DuckDB file begins, after a checksum."""


def tell_apart(places: Mapping[str, Path]) -> None:
    """Raise PublishError if two settings name one file, which publishing would replace."""
    taken: dict[Path, str] = {}
    for name, path in places.items():
        here = path.parent.resolve() / path.name
        if other := taken.get(here):
            raise PublishError(f"{other} and {name} are one file: {path}")
        taken |= {here: name} | ({path.resolve(): name} if name == "database" else {})


def check_file(name: str, path: Path) -> None:
    """Raise PublishError if there is something that no publisher has put there: it would be replaced."""
    if not path.exists():
        return
    start = b""
    if is_file := path.is_file():
        with path.open("rb") as stream:
            start = stream.read(MAGIC_AT + len(MAGIC))
    if not is_file or (start and start[MAGIC_AT:] != MAGIC):
        what = "no DuckDB file" if is_file else "no regular file"
        raise PublishError(f"{name} {path} is {what} and would be replaced: name another, or remove it")


def check_directory(name: str, path: Path) -> None:
    """Raise PublishError if there is neither a link nor a directory of exports."""
    if path.is_symlink() or not path.exists() or (path / MANIFEST).is_file():
        return
    raise PublishError(
        f"{name} {path} is no folder of exports and would be replaced: name another, or remove it"
    )


@contextmanager
def workplace(target: Path, *, wait_seconds: float) -> Iterator[Path]:
    """Give an empty directory beside a published path, ours alone until we leave or die."""
    place = target.with_name(f".{target.name}.publish")
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
