"""DuckDB in memory: runs statements with as much memory as there is, and ends them after a signal."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import duckdb

from target_duckdb.address import hide
from target_duckdb.errors import DatabaseError, OutOfMemoryError
from target_duckdb.interruption import Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_duckdb.settings import Settings

VERSION: str = duckdb.__version__
NO_ROOM = re.compile("failed to pin block|could not allocate block")  # what a COMMIT says without memory
SESSION = (
    "TimeZone = 'UTC'",
    "preserve_insertion_order = false",  # with it, and little memory, DuckDB works in one thread
    "max_vacuum_tasks = 0",  # else a commit may rewrite all row groups; compaction does that when it pays
)
ROW_GROUP = 61_440
"""Half of DuckDB's own: a batch leaves two that are not full, and one thread compresses those while the
others wait. A million contacts in four batches take a third less time so, and 2 % more room."""
SMALL_ROW_GROUP = 24_576
"""For batches of which each thread would fill hardly one of the usual size, and where memory is scarce."""
SMALLEST_ROW_GROUP = 12_288
"""For tables of which a row group does not fit into memory; one that is full goes to the file at once."""
MEMORY, MORE_MEMORY = "400MB", "1600MB"
"""Enough for tables of some 350 columns of text, or of 2,500 if nobody has set a limit."""
LOGGER = logging.getLogger("target-duckdb")


class Session:
    """One in-memory DuckDB."""

    def __init__(self, settings: Settings, spill: str) -> None:
        self.settings = settings
        self.largest_row_group = ROW_GROUP
        """Of what is written from now on."""
        self._memory_limit = settings.memory_limit or MEMORY
        self.is_final = False
        """Whether nothing is given up any more."""
        self._is_hurried = self._is_leisurely = self._is_given_up = False
        config: dict[str, Any] = {"memory_limit": self._memory_limit, "temp_directory": spill}
        if settings.threads:
            config["threads"] = settings.threads
        try:
            self._connection = duckdb.connect(config=config)
            for setting in SESSION:
                self.run(f"SET {setting}")
        except (duckdb.Error, DatabaseError) as error:
            raise DatabaseError(f"DuckDB does not accept the settings: {_first_line(error)}") from error

    def close(self) -> None:
        """Close DuckDB."""
        self._connection.close()

    def run(self, statement: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows.

        Raises DatabaseError with DuckDB's first line, OutOfMemoryError if that says so, and Interrupted.
        """
        try:
            return self._connection.execute(statement, parameters).fetchall()
        except duckdb.InterruptException as error:
            raise Interrupted from error
        except (duckdb.Error, UnicodeError) as error:  # its own message may be no UTF-8
            line = hide(_first_line(error), self.settings.path)
            if isinstance(error, duckdb.OutOfMemoryException) or NO_ROOM.search(line):
                raise OutOfMemoryError(
                    f"memory_limit {self._memory_limit} is too small, raise it; a table needs the more the"
                    f" more columns it has ({line})"
                ) from error
            raise DatabaseError(line) from error

    def changes(self, statement: str) -> int:
        """Run a statement that changes rows and return how many it changed."""
        return int(self.run(statement)[0][0])

    def run_at_leisure(self, statement: str) -> None:
        """Run what another run may as well do; raise DatabaseError if this one has to hurry."""
        self._is_leisurely = True
        try:
            if not self._is_hurried:
                self.run(statement)
        except (DatabaseError, Interrupted):
            if not self._is_hurried:
                raise
        finally:
            self._is_leisurely = False
        if self._is_hurried:
            raise DatabaseError("asked to stop; a later run will do it")

    def hurry(self) -> None:
        """Be done soon: give up a statement that may as well run later."""
        self._is_hurried = True
        if self._is_leisurely:
            self._connection.interrupt()

    def give_up(self) -> None:
        """Have what runs end with Interrupted, unless it is final."""
        self._is_given_up = True
        if not self.is_final:
            self._connection.interrupt()

    def make_final(self) -> None:
        """Let nothing be given up from now on; raise Interrupted if all was to be already."""
        self.is_final = True
        if self._is_given_up:
            raise Interrupted

    def find_memory(self) -> bool:
        """Make do with less, at the price of speed and room, or take more; return whether that is new."""
        if self.largest_row_group > SMALLEST_ROW_GROUP:
            is_first = self.largest_row_group == ROW_GROUP
            self.largest_row_group = SMALL_ROW_GROUP if is_first else SMALLEST_ROW_GROUP
            self.run("SET threads = 1")
            return True
        if self.settings.memory_limit or self._memory_limit == MORE_MEMORY:
            return False
        LOGGER.warning(
            "a table needs more than %s of memory: taking up to %s; memory_limit sets another limit",
            MEMORY,
            MORE_MEMORY,
        )
        self._memory_limit = MORE_MEMORY
        self.run(f"SET memory_limit = '{MORE_MEMORY}'")
        return True


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
