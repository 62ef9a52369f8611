"""Gives back the space that deleted rows leave: DuckDB reuses it at best, and never returns it."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from target_duckdb.database import ROW_GROUP
from target_duckdb.errors import DatabaseError, OutOfMemoryError
from target_duckdb.sql import WAREHOUSE, Table, literal

if TYPE_CHECKING:
    from target_duckdb.database import Database

WASTE = 0.3
TASKS, MANY_ROWS = 100, 100_000
LOGGER = logging.getLogger("target-duckdb")


def compact(database: Database, rows: int) -> None:
    """After a load of some rows, put a fresh copy in the place of a warehouse of which much is waste.

    Before that, after a small load, DuckDB merges row groups that are not full; after a large one, which
    leaves few, that would be the larger part of the work and gain nothing.

    The old file stays locked until the new one has its name, so nobody writes to it in between. A copy that
    fails, for want of disk perhaps, leaves everything as it was.
    """
    path = Path(database.settings.path).resolve()
    fresh = path.with_name(path.name + ".compact")
    _remove(fresh)  # of a run that was killed
    _checkpoint(database, TASKS if rows < MANY_ROWS else 0)
    if _used_share(database) > 1 - WASTE:
        return
    try:
        _copy(database, fresh)
        _give(fresh, path.stat())
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        database.replace(fresh)
    except (DatabaseError, OSError) as error:
        LOGGER.warning("the database could not be compacted: %s", error)
        _remove(fresh)


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


def _give(fresh: Path, old: os.stat_result) -> None:
    """Let the same people use a new file, its owner too where the system lets us."""
    with suppress(PermissionError):
        os.chown(fresh, old.st_uid, old.st_gid)
    fresh.chmod(old.st_mode)


def _used_share(database: Database) -> float:
    """Return how much of the file holds living rows: blocks may be free, and rows dead inside others."""
    query = "SELECT total_blocks, used_blocks FROM pragma_database_size() WHERE database_name = ?"
    total, used = database.run(query, [WAREHOUSE])[0]
    query = "SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE database_name = ?"
    tables = database.run(query, [WAREHOUSE])
    stored = sum(int(rows) for _, _, rows in tables)
    if not stored:
        return int(used) / max(int(total), 1)
    counts = " UNION ALL ".join(
        f"SELECT count(*) AS n FROM {Table(schema, name).sql}" for schema, name, _ in tables
    )
    live = int(database.run(f"SELECT sum(n) FROM ({counts})")[0][0])
    return int(used) / int(total) * live / stored


def _copy(database: Database, fresh: Path) -> None:
    tags = database.run(
        "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = ?", [WAREHOUSE]
    )
    version = literal(tags[0][0].rstrip("+"))
    database.run(
        f"ATTACH {literal(str(fresh))} AS compact (STORAGE_VERSION {version}, ROW_GROUP_SIZE {ROW_GROUP})"
    )
    try:
        database.run(f"COPY FROM DATABASE {WAREHOUSE} TO compact")
    finally:
        database.run("DETACH compact")
