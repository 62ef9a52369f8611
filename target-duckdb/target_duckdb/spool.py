"""Where records wait for DuckDB: a private directory of files that is gone when the process is."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from target_duckdb.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

PREFIX = "target-duckdb-"
OURS = re.compile(PREFIX + "[a-z0-9_]{8}")
PRIVATE = 0o700
LOCK, NEW = "lock", "new"
MOST_OPEN = 100
"""Files that stay open: a process may have 256 on macOS, and a tap may send a thousand streams in turn."""
BIRTH_SECONDS = 60  # a directory has its lock after less than a millisecond


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one line why something cannot be written."""
    try:
        yield
    except OSError as error:
        raise SpoolError(f"cannot write to {path} (temp_directory): {error.strerror}") from error


class Spool:
    """A directory of mode 0700 that its owner holds a lock on, so that leftovers can be told from work."""

    def __init__(self, parent: str | None) -> None:
        """Make the directory, after removing those of processes that were killed."""
        root = Path(parent or _usual_place())
        with writing(root), ExitStack() as undo:
            root.mkdir(parents=True, exist_ok=True)
            remove_leftovers(root)
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
            undo.callback(_remove, self.path)
            self._lock = undo.enter_context((self.path / NEW).open("wb"))
            fcntl.flock(self._lock, fcntl.LOCK_EX)  # not every file system has locks
            (self.path / NEW).rename(self.path / LOCK)
            undo.pop_all()
        self._count = 0
        self._files: dict[Path, BinaryIO] = {}
        """The open ones, the one written last at the end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def new_file(self, suffix: str = ".ndjson") -> Path:
        """Make a new file of mode 0600."""
        self._count += 1
        path = self.path / f"{self._count}{suffix}"
        with writing(path):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        return path

    def write(self, path: Path, block: bytes) -> None:
        """Write to the end of a file."""
        with writing(path):
            file = self._files.pop(path, None) or path.open("ab")
            self._files[path] = file
            file.write(block)
        if len(self._files) > MOST_OPEN:
            self.end(next(iter(self._files)))

    def end(self, path: Path) -> None:
        """Have all of a file written."""
        if file := self._files.pop(path, None):
            with writing(path):
                file.close()

    def close(self) -> None:
        """Remove the directory with all it holds."""
        for file in self._files.values():
            with suppress(OSError):  # nobody will read what could not be written
                file.close()
        _remove(self.path)
        self._lock.close()


def _usual_place() -> str:
    try:
        return tempfile.gettempdir()
    except OSError as error:  # it tries to write there
        raise SpoolError(
            f"no directory for temporary files can be written to ({error.strerror}): is the disk full?"
            " temp_directory names another"
        ) from error


def remove_leftovers(root: Path) -> None:
    """Remove spool directories whose process has gone."""
    for path in root.glob(PREFIX + "*"):
        if not _is_ours(path):
            continue
        try:
            with (path / LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            if not _is_stillborn(path):
                continue
        except OSError:
            continue
        _remove(path)


def _remove(path: Path) -> None:
    """Remove a directory, its lock last: without one nobody could tell that the rest is left over."""
    with suppress(OSError):
        for inside in path.iterdir():
            if inside.is_dir():
                shutil.rmtree(inside, ignore_errors=True)
            elif inside.name != LOCK:
                inside.unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    """Return whether a directory has the name, the mode and the owner of those that we make."""
    try:
        found = path.lstat()
    except OSError:
        return False
    is_private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == PRIVATE
    return is_private and found.st_uid == os.geteuid() and OURS.fullmatch(path.name) is not None


def _is_stillborn(path: Path) -> bool:
    """Return whether a directory is of a process that was killed before it held a lock."""
    try:
        is_old = time.time() - path.stat().st_mtime > BIRTH_SECONDS
        return is_old and {inside.name for inside in path.iterdir()} <= {NEW}
    except OSError:
        return False
