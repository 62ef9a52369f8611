"""Gives back the space that deleted rows leave: DuckDB reuses it, but never returns it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from target_duckdb.errors import DatabaseError
from target_duckdb.sql import WAREHOUSE, literal

if TYPE_CHECKING:
    from target_duckdb.database import Database

FREE_SHARE = 0.2
LOGGER = logging.getLogger("target-duckdb")


def compact(database: Database) -> None:
    """Put a fresh copy in the place of an attached warehouse of which much is free.

    The old file stays locked until the new one has its name, so nobody writes to it in between. A copy that
    fails, for want of disk perhaps, leaves everything as it was.
    """
    database.run(f"CHECKPOINT {WAREHOUSE}")
    query = "SELECT total_blocks, free_blocks FROM pragma_database_size() WHERE database_name = ?"
    total, free = database.run(query, [WAREHOUSE])[0]
    if free < total * FREE_SHARE:
        return
    path = Path(database.settings.path).resolve()
    fresh = path.with_name(path.name + ".compact")
    try:
        fresh.unlink(missing_ok=True)
        _copy(database, fresh)
        fresh.chmod(path.stat().st_mode)
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        fresh.replace(path)
    except (DatabaseError, OSError) as error:
        LOGGER.warning("the database could not be compacted: %s", error)
        fresh.unlink(missing_ok=True)


def _copy(database: Database, fresh: Path) -> None:
    tags = database.run(
        "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = ?", [WAREHOUSE]
    )
    version = literal(tags[0][0].rstrip("+"))
    database.run(f"ATTACH {literal(str(fresh))} AS compact (STORAGE_VERSION {version})")
    try:
        database.run(f"COPY FROM DATABASE {WAREHOUSE} TO compact")
    finally:
        database.run("DETACH compact")
