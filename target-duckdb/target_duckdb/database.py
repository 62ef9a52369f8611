"""DuckDB in memory, with the warehouse attached, and so locked, only as long as a transaction takes."""

from __future__ import annotations

import fcntl
import logging
import math
import os
import re
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from target_duckdb.address import REMOTE, advice, hide, is_file, is_lake, is_remote, shown
from target_duckdb.doublewrite import HEADERS, DoubleWrite, is_at
from target_duckdb.errors import DatabaseError, OutOfMemoryError, RowGroupError
from target_duckdb.interruption import Interrupted
from target_duckdb.sql import OVERWRITTEN, WAREHOUSE, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from target_duckdb.settings import Settings

HOLDER = re.compile(r"Conflicting lock is held in (.*?) \(PID (\d+)\)")
NO_ROOM = re.compile("failed to pin block|could not allocate block")  # what a COMMIT says without memory
SESSION = (
    "TimeZone = 'UTC'",
    "preserve_insertion_order = false",  # with it, and little memory, DuckDB works in one thread
    "max_vacuum_tasks = 0",  # else a commit may write all row groups anew; compaction does that when it pays
)
ROW_GROUP = 61_440
"""Half of DuckDB's own: a batch leaves two that are not full, and one thread compresses those while the
others wait. A million contacts in four batches take a third less time so, and 2 % more room."""
SMALL_ROW_GROUP, FEW_ROWS = 24_576, 3 * ROW_GROUP
"""For batches in which the largest stream has so many rows that each thread fills hardly one of the usual
size: five streams in turn take a quarter less time so, and 6 % more room."""
SMALLEST_ROW_GROUP = 12_288
"""For tables of which a row group does not fit into memory; one that is full goes to the file at once."""
LARGEST_ROW_GROUP = 122_880
"""DuckDB's own, which a table may have that somebody else made."""
MEMORY, MORE_MEMORY = "400MB", "1600MB"
"""Enough for tables of some 350 columns of text, or of 2,500 if nobody has set a limit."""
MAGIC = slice(8, 12)
BIRTH_SECONDS = 1.0  # DuckDB has the lock of a file that it makes after less than a millisecond
NO_STUB = math.inf
FIRST_WAIT, LONGEST_WAIT, SHORT_WAIT = 0.02, 1.0, 2.0
LOGGER = logging.getLogger("target-duckdb")


class Database:
    """One in-memory DuckDB that stages, and the warehouse that it attaches to commit."""

    def __init__(self, settings: Settings, spill: str) -> None:
        self.settings = settings
        self.patience = settings.lock_timeout_seconds
        self._memory_limit = settings.memory_limit or MEMORY
        self.largest_row_group = ROW_GROUP
        """Of what is written from now on."""
        self._least_row_group = self._row_group = 0  # of the next transaction, and of that at hand
        self._is_hurried = self._is_leisurely = self._is_given_up = self._is_committing = False
        self.is_in_doubt = False
        """Whether an error came after a COMMIT was tried: DuckDB may have committed all the same."""
        if not is_file(settings.path) and not self.is_remote:
            raise DatabaseError(
                f"path {shown(settings.path)} is no local file: write where it is, as in"
                f" output/warehouse.duckdb; beside files, DuckDB writes to {', '.join(map(shown, REMOTE))}"
            )
        self._doublewrite = None if self.is_remote else DoubleWrite(Path(settings.path).resolve())
        config: dict[str, Any] = {"memory_limit": self._memory_limit, "temp_directory": spill}
        if settings.threads:
            config["threads"] = settings.threads
        try:
            self._connection = duckdb.connect(config=config)
            for setting in SESSION:
                self.run(f"SET {setting}")
        except (duckdb.Error, DatabaseError) as error:
            raise DatabaseError(f"DuckDB does not accept the settings: {_first_line(error)}") from error

    @property
    def is_remote(self) -> bool:
        """Whether the warehouse is more than a file."""
        return is_remote(self.settings.path)

    @property
    def is_lake(self) -> bool:
        """Whether the warehouse is a DuckLake, whose tables are Parquet files."""
        return is_lake(self.settings.path)

    def close(self) -> None:
        """Close DuckDB."""
        self._connection.close()

    def run(self, statement: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows."""
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
        """Be done soon: wait no longer for a locked file, nor for a statement that may as well run later."""
        self.patience = min(self.patience, SHORT_WAIT)
        self._is_hurried = True
        if self._is_leisurely:
            self._connection.interrupt()

    def give_up(self) -> None:
        """Have what runs end with Interrupted, unless it has begun to commit."""
        self._is_given_up = True
        if not self._is_committing:
            self._connection.interrupt()

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

    def changes(self, statement: str) -> int:
        """Run a statement that changes rows and return how many it changed."""
        return int(self.run(statement)[0][0])

    @contextmanager
    def transaction(self, finish: Callable[[], None] | None = None, *, rows: int = 0) -> Iterator[None]:
        """Attach the warehouse, and commit what is done meanwhile or leave no trace of it; then finish.

        `rows` is how many a table gets at most. What goes wrong after the COMMIT is told and changes nothing.
        """
        usual = SMALL_ROW_GROUP if SMALL_ROW_GROUP < rows <= FEW_ROWS else ROW_GROUP
        self._row_group = max(min(self.largest_row_group, usual), self._least_row_group)
        self._least_row_group = 0
        self._attach(f"ROW_GROUP_SIZE {self._row_group}")
        self.is_in_doubt = False
        try:
            self._keep_blocks()
            with self._committing():
                yield
            is_tidy = self._tidy(finish)
        except BaseException:
            with suppress(DatabaseError):  # the first error is the one that counts
                self._detach()
            self._is_committing = False
            raise
        self._detach()  # may fail at a checkpoint, too
        self.is_in_doubt = self._is_committing = False
        if self._doublewrite and is_tidy:
            self._doublewrite.drop()  # not after an error, which may have cut a write short too

    @contextmanager
    def _committing(self) -> Iterator[None]:
        self.run("BEGIN")
        try:
            yield
            self._begin_to_commit()
            self.run("COMMIT")
        except BaseException:
            self._is_committing = True  # this shall not be interrupted either
            with suppress(DatabaseError, Interrupted):  # the first error is the one that counts
                self.run("ROLLBACK")
            raise

    def _begin_to_commit(self) -> None:
        self._is_committing = True
        if self._is_given_up:
            raise Interrupted
        self.is_in_doubt = True

    def admit_alter(self, rows: int) -> None:
        """Raise RowGroupError if a table has so many rows that an ALTER of it could not be committed.

        DuckDB 1.5 and 2.0 do not commit an ALTER and new rows ("Could not find node in column segment tree")
        where the last row group of a table is larger than those of the transaction; the next has large ones.
        """
        if not self.is_remote and rows > self._row_group < LARGEST_ROW_GROUP:
            self._least_row_group = LARGEST_ROW_GROUP
            raise RowGroupError("a table has larger row groups than this transaction")

    def _tidy(self, finish: Callable[[], None] | None) -> bool:
        """Do what is left after a COMMIT, which writes a header if it is large; return whether that went."""
        try:
            self._keep_blocks()
            if finish and not self.is_remote:
                finish()
        except (DatabaseError, OSError) as error:
            LOGGER.warning("all is committed, but the database file could not be tidied up: %s", error)
            return False
        return True

    def reopen(self) -> None:
        """Attach the warehouse anew, after an error that DuckDB does not survive otherwise."""
        self._detach()
        self._attach(f"ROW_GROUP_SIZE {ROW_GROUP}")
        self._keep_blocks()

    def look(self, query: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """Return what a query finds in the warehouse as it is now, to which nothing is written meanwhile."""
        self._attach("READ_ONLY")
        try:
            return self.run(query, parameters)
        finally:
            self._detach()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Attach the warehouse to replace it, unless somebody else is using it."""
        self._open(f"ROW_GROUP_SIZE {ROW_GROUP}")
        self._is_committing = True  # what was to be committed is: there is nothing to give up
        try:
            yield
        finally:
            self._detach()
            self._is_committing = False

    def replace(self, fresh: Path) -> None:
        """Put another file in the place of the warehouse, all of which is written."""
        if self._doublewrite:
            self._doublewrite.drop()
            fresh.replace(self._doublewrite.path)

    def _keep_blocks(self) -> None:
        """Keep the blocks that DuckDB may overwrite from now on: those of metadata that are not full."""
        if self._doublewrite and self._doublewrite.is_due:
            self._doublewrite.keep(*self.run(OVERWRITTEN)[0])

    def _detach(self) -> None:
        self.run(f"DETACH {WAREHOUSE}")
        if self._doublewrite:
            self._doublewrite.close()

    def _attach(self, option: str) -> None:
        path = self.settings.path
        if not self.is_remote:
            self._make_folder(Path(path).parent)
        started, wait = time.monotonic(), FIRST_WAIT
        while True:
            try:
                self._open(option)
            except DatabaseError as error:
                cause = str(error.__cause__)
                if "Could not set lock" not in cause and not self._is_beginning(cause):
                    hint = advice(cause, duckdb.__version__)
                    raise DatabaseError(f"cannot open {shown(path)}: {error}{hint}") from error
                if time.monotonic() - started >= self.patience:
                    raise DatabaseError(self._busy(cause)) from error
            else:
                return
            time.sleep(min(wait, max(started + self.patience - time.monotonic(), FIRST_WAIT)))
            wait = min(wait * 1.5, LONGEST_WAIT)

    def _open(self, option: str) -> None:
        if not (file := self._doublewrite):
            self.run(self._attach_sql(option))
            return
        is_in_place = False
        while not is_in_place:
            _remove_stub(file.path)
            file.restore()
            file.open()
            try:
                self.run(self._attach_sql(option))
            except BaseException:
                file.close()
                raise
            file.open()
            if not (is_in_place := file.is_in_place):
                self._detach()

    def _is_beginning(self, cause: str) -> bool:
        """Return whether another process is just making the file, and has not got its lock yet."""
        is_stub = "is not a valid DuckDB database file" in cause and self._doublewrite
        return bool(is_stub) and _stub_seconds(Path(self.settings.path)) < BIRTH_SECONDS

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(
                f"cannot make the folder of {self.settings.path}: {error.strerror}"
            ) from error

    def _attach_sql(self, option: str) -> str:
        path, options = self.settings.path, [option, "TYPE duckdb"]  # DuckDB would attach a CSV file, too
        if self.is_remote:
            return f"ATTACH {literal(path)} AS {WAREHOUSE}"
        if not (Path(path).is_file() and Path(path).stat().st_size):
            options.append(f"STORAGE_VERSION {literal(self.settings.storage_compatibility_version)}")
        return f"ATTACH {literal(path)} AS {WAREHOUSE} ({', '.join(options)})"

    def _busy(self, cause: str) -> str:
        found = HOLDER.search(cause)
        holder = f"process {found[2]} ({found[1]})" if found else "another process"
        return (
            f"{shown(self.settings.path)} is locked by {holder}, waited {self.patience:g} s for it;"
            " what was committed before is safe. Close that process, or let it read a published copy,"
            " and run again"
        )


def _remove_stub(path: Path) -> None:
    """Remove a database file of which not even the headers are written, once it is too old to be just made.

    A full disk or a kill leaves one, and DuckDB neither opens it nor writes it anew. A young one may be of a
    process that has made it and does not hold its lock yet; what that loads into a removed file is lost.
    """
    while (seconds := _stub_seconds(path)) < BIRTH_SECONDS:
        time.sleep(FIRST_WAIT)
    if seconds == NO_STUB:
        return
    with suppress(OSError), path.open("r+b") as file:  # or DuckDB says what is wrong with it
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the lock that DuckDB takes
        if _is_stub(file.read(HEADERS)) and is_at(file.fileno(), path):
            path.unlink()


def _stub_seconds(path: Path) -> float:
    """Return how old a database file is of which not even the headers are written, NO_STUB for any other."""
    try:
        with path.open("rb") as file:
            seconds = abs(time.time() - os.fstat(file.fileno()).st_mtime)  # clocks go back, too
            return seconds if _is_stub(file.read(HEADERS)) else NO_STUB
    except OSError:
        return NO_STUB


def _is_stub(begun: bytes) -> bool:
    return len(begun) < HEADERS and (not begun or begun[MAGIC] == b"DUCK")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
