"""Gives back the space that deleted rows leave: DuckDB reuses it at best, and never returns it."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from target_duckdb.errors import DatabaseError, OutOfMemoryError
from target_duckdb.sql import WAREHOUSE, Table, literal

if TYPE_CHECKING:
    from target_duckdb.database import Database

WASTE = 0.3
TASKS, MANY_ROWS, MANY_COLUMNS = 100, 10_000, 300
"""Of merging row groups: how much at once, after how small a load, and of how wide a table within 400MB."""
FOREIGN_KEYS = (
    "a foreign key is in the way. DuckDB 1.5 does not copy referenced rows first, and 2.0 not within a table:"
    " drop the foreign key"
)
LOGGER = logging.getLogger("target-duckdb")


def tidy(database: Database, rows: int) -> bool:
    """After a load of some rows write all to the file, and return whether much of that is waste.

    If not, after a small load, DuckDB merges row groups that are not full; after a large one, which leaves
    few, that would be the larger part of the work and gain nothing.
    """
    _remove(_fresh(database))  # of a run that was killed
    is_merging = rows < MANY_ROWS and not _is_wide(database) and _living_share(database) > 1 - WASTE
    _checkpoint(database, TASKS if is_merging else 0)
    return _used_share(database) * _living_share(database) <= 1 - WASTE


def compact(database: Database) -> None:
    """Put a fresh copy in the place of the warehouse, which may take minutes: nothing depends on it.

    The old file is locked until the new one has its name, so nobody writes to it, or makes another copy, in
    between. A copy that fails, for want of disk or of time perhaps, leaves everything as it was; so does one
    that would not be for the same people.
    """
    fresh = _fresh(database)
    try:
        with database.holding():
            _replace(database, fresh)
    except (DatabaseError, OSError) as error:
        said = FOREIGN_KEYS if "foreign key" in str(error) else error
        LOGGER.warning("the database could not be compacted: %s", said)
        _remove(fresh)


def _fresh(database: Database) -> Path:
    path = Path(database.settings.path).resolve()
    return path.with_name(path.name + ".compact")


def _replace(database: Database, fresh: Path) -> None:
    path = Path(database.settings.path).resolve()
    fresh.touch(0o600)
    _give(fresh, path)  # or there is no use in a copy, which takes long
    fresh.unlink()
    _copy(database, fresh)
    _give(fresh, path)
    _sync(fresh)
    database.replace(fresh)
    with suppress(OSError):  # some systems cannot do so with a folder
        _sync(path.parent)


def _checkpoint(database: Database, tasks: int) -> None:
    """Write all to the file; merge row groups meanwhile, if there is memory for all columns of some."""
    database.run(f"SET max_vacuum_tasks = {tasks}")
    try:
        database.run(f"CHECKPOINT {WAREHOUSE}")
    except OutOfMemoryError as error:
        if not tasks:
            raise
        LOGGER.warning("row groups were not merged, and all else is done: %s", error)
        database.reopen()
        _checkpoint(database, 0)
    finally:
        database.run("SET max_vacuum_tasks = 0")


def _remove(fresh: Path) -> None:
    for path in (fresh, fresh.with_name(fresh.name + ".wal")):
        path.unlink(missing_ok=True)


def _give(fresh: Path, old: Path) -> None:
    """Let the same people use a new file: owner, group, mode, lists of access."""
    found = old.stat()
    try:
        os.chown(fresh, found.st_uid, found.st_gid)
    except PermissionError as error:
        owner = f"user {found.st_uid}, group {found.st_gid}"
        raise DatabaseError(f"only its owner can ({owner}), or a copy would be another's") from error
    shutil.copystat(old, fresh)
    os.utime(fresh)  # it has changed just now


def _sync(path: Path) -> None:
    """Have what is written, or renamed in a folder, survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_wide(database: Database) -> bool:
    query = "SELECT max(column_count) FROM duckdb_tables() WHERE database_name = ?"
    return int(database.run(query, [WAREHOUSE])[0][0] or 0) > MANY_COLUMNS


def _used_share(database: Database) -> float:
    """Return how much of the file is in use; only a checkpoint sets free what somebody dropped."""
    query = "SELECT total_blocks, used_blocks FROM pragma_database_size() WHERE database_name = ?"
    total, used = database.run(query, [WAREHOUSE])[0]
    return int(used) / max(int(total), 1)


def _living_share(database: Database) -> float:
    """Return how much of what tables store are rows that live."""
    query = "SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE database_name = ?"
    tables = database.run(query, [WAREHOUSE])
    stored = sum(int(rows) for _, _, rows in tables)
    if not stored:
        return 1.0
    counts = " UNION ALL ".join(
        f"SELECT count(*) AS n FROM {Table(schema, name).sql}" for schema, name, _ in tables
    )
    return int(database.run(f"SELECT sum(n) FROM ({counts})")[0][0]) / stored


def _copy(database: Database, fresh: Path) -> None:
    tags = database.run(
        "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = ?", [WAREHOUSE]
    )
    version = literal(tags[0][0].rstrip("+"))
    while not _is_copied(database, fresh, version):
        _remove(fresh)


def _is_copied(database: Database, fresh: Path, version: str) -> bool:
    """Copy the warehouse; return False if that needs more memory, which the next time there may be."""
    database.run(
        f"ATTACH {literal(str(fresh))} AS compact"
        f" (STORAGE_VERSION {version}, ROW_GROUP_SIZE {database.largest_row_group})"
    )
    try:
        database.run_at_leisure(f"COPY FROM DATABASE {WAREHOUSE} TO compact")
    except OutOfMemoryError:
        if database.find_memory():
            return False
        raise
    finally:
        database.run("DETACH compact")
    return True
