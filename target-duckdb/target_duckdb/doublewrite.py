"""Keeps the blocks of a database file that DuckDB overwrites in place, and puts them back after a kill.

DuckDB writes to free blocks, and then a header that makes them count. Not so a block of metadata of which a
part is free: that it overwrites where it lies, 256 KB, and a process killed within that leaves half of it.
Nobody could open the file again ("Corrupt database file: computed checksum …", with DuckDB 1.5.6 as with
2.0.0). As long as no new header is there, the block as it was is the right one: databases call this a
doublewrite.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from target_duckdb.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import BinaryIO

SUFFIX = ".doublewrite"
HEADERS = 3 * 4096
"""Bytes before the first block: what never changes, and two headers of which a checkpoint renews one."""
CLOSED = -1
NUMBER = 8  # bytes of a position
DIGEST = 16
LOGGER = logging.getLogger("target-duckdb")


class DoubleWrite:
    """The copy of some blocks of one database file; it lies beside that as long as DuckDB may write there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.copy = path.with_name(path.name + SUFFIX)
        self._descriptor = CLOSED
        self._headers = b""
        self._kept: tuple[int, int] | None = None

    def restore(self) -> None:
        """Put back what a killed process left half written, unless somebody is at work in the file.

        A copy that is not whole, or of a file that has got a new header since, is removed.
        """
        if not self.copy.exists():
            return
        try:
            with self.path.open("r+b") as file:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the lock that DuckDB takes
                if is_at(file.fileno(), self.path):
                    _put_back(file, self.copy.read_bytes())
                    self.copy.unlink()
        except FileNotFoundError:
            self.copy.unlink(missing_ok=True)
        except OSError as error:
            LOGGER.debug("%s stays as it is: %s", self.copy, error)

    def open(self) -> None:
        """Open our own descriptor, before DuckDB opens the file if it exists and otherwise afterwards.

        The lock that DuckDB has on a file ends when any descriptor of it in this process is closed.
        """
        if self._descriptor == CLOSED:
            with suppress(FileNotFoundError, PermissionError):  # DuckDB makes it, or says what is wrong
                self._descriptor = os.open(self.path, os.O_RDONLY)

    @property
    def is_in_place(self) -> bool:
        """Whether the file that DuckDB has opened is still that of its name, now that it is locked.

        Another process may have compacted it in the moment between, and what is written to a file that has
        lost its name is gone.
        """
        return self._descriptor != CLOSED and is_at(self._descriptor, self.path)

    @property
    def is_due(self) -> bool:
        """Whether a header has been written since blocks were kept."""
        return self._descriptor != CLOSED and self._read(0, HEADERS) != self._headers

    def keep(self, block_size: int, numbers: Iterable[int]) -> None:
        """Keep the blocks of these numbers; raise DatabaseError where that cannot be written."""
        self._headers = self._read(0, HEADERS)
        positions = [HEADERS + number * block_size for number in numbers]
        packed = _pack(self._headers, {position: self._read(position, block_size) for position in positions})
        fresh = self.copy.with_name(self.copy.name + ".new")
        try:
            fresh.unlink(missing_ok=True)  # of a run that was killed, or a link that somebody put there
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
            self._kept = _identity(fresh)
            fresh.replace(self.copy)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink()
            raise DatabaseError(f"cannot write {self.copy}: {error.strerror}") from error

    def drop(self) -> None:
        """Forget what is kept, because all is written; what another process has put there by now stays."""
        with suppress(FileNotFoundError):
            if _identity(self.copy) == self._kept:
                self.copy.unlink()
        self._headers = b""

    def close(self) -> None:
        """End, after DuckDB has closed the file."""
        if self._descriptor != CLOSED:
            os.close(self._descriptor)
            self._descriptor = CLOSED

    def _read(self, position: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, position)


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is the one of a name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _pack(headers: bytes, blocks: dict[int, bytes]) -> bytes:
    """Return what a copy holds: a digest, the headers, and each block after its position and size."""
    content = headers + b"".join(
        _number(position) + _number(len(block)) + block for position, block in blocks.items()
    )
    return _digest(content) + content


def _unpack(packed: bytes) -> tuple[bytes, dict[int, bytes]]:
    """Return headers, and blocks by position; nothing of a copy that is not whole."""
    digest, content = packed[:DIGEST], packed[DIGEST:]
    if _digest(content) != digest:
        return b"", {}
    blocks, place = {}, HEADERS
    while place < len(content):
        position, size = (int.from_bytes(content[at : at + NUMBER]) for at in (place, place + NUMBER))
        place += 2 * NUMBER + size
        blocks[position] = content[place - size : place]
    return content[:HEADERS], blocks


def _number(number: int) -> bytes:
    return number.to_bytes(NUMBER)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST).digest()


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _put_back(file: BinaryIO, packed: bytes) -> None:
    """Write the blocks of a copy that differ, if the file still has the headers that it had."""
    headers, blocks = _unpack(packed)
    if file.read(HEADERS) != headers:
        return
    for position, block in blocks.items():
        file.seek(position)
        if file.read(len(block)) != block:
            file.seek(position)
            file.write(block)
            LOGGER.warning("a write that was cut short has been undone, at %d of %s", position, file.name)
    file.flush()
    os.fsync(file.fileno())
