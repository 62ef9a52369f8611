"""The warehouse: attached, and so locked, only as long as a transaction takes."""

from __future__ import annotations

import logging
import math
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from target_duckdb.address import HOLDER, REMOTE, advice, is_file, is_lake, is_remote, shown
from target_duckdb.doublewrite import DoubleWrite
from target_duckdb.errors import DatabaseError, RowGroupError
from target_duckdb.interruption import Interrupted
from target_duckdb.session import ROW_GROUP, SMALL_ROW_GROUP, VERSION, Session
from target_duckdb.sql import OVERWRITTEN, WAREHOUSE, literal
from target_duckdb.stubs import is_being_made, remove_stub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from target_duckdb.settings import Settings
    from target_duckdb.sql import Table

FEW_ROWS = 3 * ROW_GROUP
"""Batches in which the largest stream has no more rows get small row groups: five streams in turn take a
quarter less time so, and 6 % more room."""
LARGEST_ROW_GROUP = 122_880
"""DuckDB's own, which a table may have that somebody else made, with `ROW_GROUP_SIZE` even a larger one."""
VECTOR = 2_048  # rows; row groups are multiples of it
FIRST_WAIT, LONGEST_WAIT, SHORT_WAIT = 0.02, 1.0, 2.0
CLOSE_IT = (
    "; what was committed before is safe. Close that process, or let it read a published copy, and run again"
)
LOGGER = logging.getLogger("target-duckdb")


class Database(Session):
    """A session that attaches the warehouse to commit."""

    def __init__(self, settings: Settings, spill: str) -> None:
        self.patience = settings.lock_timeout_seconds
        """Seconds to wait for a locked file."""
        self._least_row_group = self._row_group = 0  # of the next transaction, and of that at hand
        self.is_in_doubt = False
        """Whether an error came after a COMMIT was tried: DuckDB may have committed all the same."""
        if not is_file(settings.path) and not is_remote(settings.path):
            raise DatabaseError(
                f"path {shown(settings.path)} is no local file: write where it is, as in"
                f" output/warehouse.duckdb; beside files, DuckDB writes to {', '.join(map(shown, REMOTE))}"
            )
        super().__init__(settings, spill)
        self._doublewrite = None if self.is_remote else DoubleWrite(Path(settings.path).resolve())

    @property
    def is_remote(self) -> bool:
        """Whether the warehouse is more than a file."""
        return is_remote(self.settings.path)

    @property
    def is_lake(self) -> bool:
        """Whether the warehouse is a DuckLake, whose tables are Parquet files."""
        return is_lake(self.settings.path)

    def hurry(self) -> None:
        """Be done soon: wait no longer for a locked file, nor for a statement that may as well run later."""
        self.patience = min(self.patience, SHORT_WAIT)
        super().hurry()

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
            self.is_final = False
            raise
        self._detach()  # may fail at a checkpoint, too
        self.is_in_doubt = self.is_final = False
        if self._doublewrite and is_tidy:
            self._doublewrite.drop()  # not after an error, which may have cut a write short too

    @contextmanager
    def _committing(self) -> Iterator[None]:
        self.run("BEGIN")
        try:
            yield
            self.make_final()
            self.is_in_doubt = True
            self.run("COMMIT")
        except BaseException:
            self.is_final = True  # a ROLLBACK shall not be interrupted either
            with suppress(DatabaseError, Interrupted):  # the first error is the one that counts
                self.run("ROLLBACK")
            raise

    def admit_alter(self, table: Table, rows: int) -> None:
        """Raise RowGroupError if a table has so many rows that an ALTER of it could not be committed.

        DuckDB 1.5 and 2.0 do not commit an ALTER and new rows ("Could not find node in column segment tree")
        where the last row group of a table is larger than those of the transaction; the next has large ones.
        """
        if self.is_remote or rows <= self._row_group:
            return
        largest = LARGEST_ROW_GROUP if rows <= LARGEST_ROW_GROUP else self._largest_row_group_of(table)
        if self._row_group < largest:
            self._least_row_group = largest
            raise RowGroupError("a table has larger row groups than this transaction")

    def _largest_row_group_of(self, table: Table) -> int:
        """Return how many rows the row groups of a table have, at least DuckDB's own number."""
        query = "SELECT max(start + count) FROM pragma_storage_info(?)"
        found = 0
        with suppress(DatabaseError):  # DuckDB 1.5 does not find a table with a quote in its name
            found = int(self.run(query, [table.sql])[0][0] or 0)
        return max(LARGEST_ROW_GROUP, math.ceil(found / VECTOR) * VECTOR)

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
        """Attach the warehouse again, after an error that DuckDB does not survive otherwise."""
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
        """Attach the warehouse to replace it, unless somebody else goes on using it."""
        self._attach(f"ROW_GROUP_SIZE {ROW_GROUP}", SHORT_WAIT, hint="")
        self.is_final = True  # what was to be committed is: there is nothing to give up
        try:
            yield
        finally:
            self._detach()
            self.is_final = False

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

    def _attach(self, option: str, seconds: float = math.inf, *, hint: str = CLOSE_IT) -> None:
        """Attach the warehouse, once others have closed it; say that they have not after some seconds."""
        path = self.settings.path
        if not self.is_remote:
            self._make_folder(Path(path).parent)
        started, wait = time.monotonic(), FIRST_WAIT
        while True:
            try:
                self._open(option)
            except DatabaseError as error:
                self._check_is_locked(error)
                patience = min(seconds, self.patience)
                left = started + patience - time.monotonic()
                if left <= 0:
                    raise DatabaseError(self._locked(error, patience) + hint) from error
            else:
                return
            time.sleep(min(wait, max(left, FIRST_WAIT)))
            wait = min(wait * 1.5, LONGEST_WAIT)

    def _open(self, option: str) -> None:
        if not (file := self._doublewrite):
            self.run(self._attach_sql(option))
            return
        is_in_place = False
        while not is_in_place:
            remove_stub(file.path)
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

    def _check_is_locked(self, error: DatabaseError) -> None:
        """Raise an error that waiting does not help."""
        path, cause = self.settings.path, str(error.__cause__)
        is_no_file = "is not a valid DuckDB database file" in cause and not self.is_remote
        if "Could not set lock" not in cause and not (is_no_file and is_being_made(Path(path))):
            hint = advice(cause, VERSION)
            raise DatabaseError(f"cannot open {shown(path)}: {error}{hint}") from error

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

    def _locked(self, error: DatabaseError, patience: float) -> str:
        found = HOLDER.search(str(error.__cause__))
        holder = f"process {found['pid']} ({found['program']})" if found else "another process"
        return f"{shown(self.settings.path)} is locked by {holder}, waited {patience:g} s for it"
