"""DuckDB as `publish` opens it: patiently, read-only where the file is not ours, in memory otherwise."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from target_duckdb.address import HOLDER
from target_duckdb.sql import literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Connection = duckdb.DuckDBPyConnection

LOCKED = re.compile(r"set lock on file|used by another process", re.IGNORECASE)
PAUSE_SECONDS = 0.1
ROOM = "publish: room"
"""The catalog of the in-memory database: DuckDB says `memory`, but a user may have a schema of that name."""


class PublishError(Exception):
    """Publishing failed; the message says why in one line."""

    exit_code = 1


class BusyError(PublishError):
    """Somebody else held a file for longer than we were told to wait."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again later


def one_line(error: Exception) -> str:
    """Return the first line of an error's message; for an error of the system, the file and what is wrong."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error).partition("\n")[0]


def connect(path: Path, *, wait_seconds: float, read_only: bool) -> Connection:
    """Open a database file, waiting while another process holds it; raises BusyError when time is up."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only)
        except duckdb.Error as error:
            if not LOCKED.search(str(error)):
                raise PublishError(f"cannot open {path}: {one_line(error)}") from None
            if time.monotonic() >= deadline:
                raise BusyError(f"{path} is {holder(error)} after {wait_seconds:g} s of waiting") from None
        time.sleep(PAUSE_SECONDS)


def holder(error: Exception) -> str:
    """Say who holds a file, as far as DuckDB's message tells."""
    found = HOLDER.search(str(error))
    return (
        f"still held by {found['program']} (PID {found['pid']})" if found else "still held by another process"
    )


def catalog_of(connection: Connection) -> str:
    """Return what DuckDB calls an open file: for `crm.v1.duckdb` it is `crm`."""
    return str(connection.execute("SELECT current_catalog()").fetchall()[0][0])


def copy_working_file(source: Path, copy: Path, *, wait_seconds: float) -> str:
    """Copy the working file byte by byte while no load can write it; return the name of its catalog.

    The file is locked while its bytes are copied, not while the copy is compacted. Closing any handle on it
    drops every POSIX lock that this process has on it, so the write-ahead log is copied first.
    """
    source = source.resolve()  # the log lies beside the file itself, not beside a link to it
    with connect(source, wait_seconds=wait_seconds, read_only=True) as connection:
        catalog = catalog_of(connection)
        log = source.with_name(source.name + ".wal")
        if log.exists():
            copy_bytes(log, copy.with_name(copy.name + ".wal"))
        copy_bytes(source, copy)
    return catalog


def copy_bytes(source: Path, copy: Path) -> None:
    """Copy a file; raises OSError that names the copy if there is no room for it."""
    with source.open("rb") as read, named(copy), copy.open("wb") as write:
        shutil.copyfileobj(read, write, 1 << 22)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Add a file's name to an error of the system that has none, as those of writing and closing."""
    try:
        yield
    except OSError as error:
        if error.filename:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def in_memory(temporary: Path) -> Iterator[Connection]:
    """Open an in-memory DuckDB that spills into our own directory and downloads nothing by itself."""
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.execute(f"SET temp_directory = {literal(str(temporary))}")
        connection.execute(f"ATTACH ':memory:' AS {quote(ROOM)}; USE {quote(ROOM)}; DETACH memory")
        yield connection


def binds(connection: Connection, statement: str) -> bool:
    """Run a definition; return False if DuckDB refuses it because what it names does not exist (yet).

    What it names may be a file. If there is no room for the definition itself, the checkpoint says so later.
    """
    connection.execute("BEGIN")
    try:
        connection.execute(statement)
    except duckdb.Error:
        connection.execute("ROLLBACK")
        return False
    connection.execute("COMMIT")
    return True
