"""Commits a batch while the next one is read, and lets a STATE out when what it covers is safe."""

from __future__ import annotations

import json
import logging
import re
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING

from target_duckdb.commits import Committer
from target_duckdb.database import Database
from target_duckdb.errors import DeleteGuardError, OutputError
from target_duckdb.interruption import STOP, Interrupted
from target_duckdb.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Collection
    from concurrent.futures import Future
    from pathlib import Path

    from target_duckdb.batches import Batch
    from target_duckdb.ledger import Tally
    from target_duckdb.settings import Settings

LOGGER = logging.getLogger("target-duckdb")
GRACE, GLANCE = 2.0, 0.25
"""Seconds after a signal in which what has come may still be committed, and how often it is looked at."""
NOT_ASCII = re.compile("[^\x00-\x7f]")


class CommitQueue:
    """One thread of its own that commits batches in the order in which they were cut.

    None waits for its turn but the one that is still read: one more would be a third of the spool more, and
    memory that nobody used for a while may cost the kernel eight times as much as what was just freed.
    """

    def __init__(self, settings: Settings, spill: Path) -> None:
        self.database = Database(settings, str(spill))
        self.committer = Committer(self.database, settings)
        self._is_overwriting = settings.load_method == "overwrite"
        self._worker = ThreadPoolExecutor(1, "duckdb")
        self._current: tuple[Future[None], Batch] | None = None
        self.failure: BaseException | None = None
        """The error of a batch that was not committed; raised while later input is read."""
        self._released: bytes | None = None

    @property
    def progress(self) -> tuple[int, int]:
        """How many records have been committed or are being so, and in how many commits."""
        return self.committer.rows_in, self.committer.commits

    @property
    def tallies(self) -> Collection[Tally]:
        """What became of the rows of each stream."""
        return self.committer.tallies.values()

    def is_doubtful(self, stream: str) -> bool:
        """Return whether a text of a stream may have been something else, as DuckDB reads it."""
        return self.committer.is_doubtful(stream)

    def is_failure(self, error: BaseException) -> bool:
        """Return whether an error is why a batch is not there."""
        return error is self.failure

    def check_deletes(self) -> None:
        """Raise DeleteGuardError if deletes were withheld."""
        if self.committer.withheld:
            raise DeleteGuardError("; ".join(self.committer.withheld))

    def hurry(self) -> None:
        """Be done soon."""
        self.database.hurry()

    def add(self, batch: Batch) -> None:
        """Have a batch committed once the one before it is; raise what went wrong with that.

        Rows of an `overwrite` count only once all are there and take the place of the old ones: a STATE that
        covers them has to wait for that.
        """
        if self._is_overwriting and not batch.is_final:
            batch = replace(batch, state=None)
        before = self._wait()
        self._current = self._worker.submit(self._commit, batch), batch
        _remove_files(before)  # a fortieth of a second, beside the next commit

    def check(self) -> None:
        """Raise what went wrong with a batch that is done."""
        if self._current and self._current[0].done():
            self.finish()

    def finish(self) -> None:
        """Wait until all is committed; raise what went wrong."""
        _remove_files(self._wait())

    def close(self) -> None:
        """Wait for the batch that is being committed, and close DuckDB."""
        self._worker.shutdown(wait=True)
        self.database.close()

    def _wait(self) -> Batch | None:
        """Wait for the batch that is being committed, if there is one, and return it; raise its error."""
        if self._current is None:
            return None
        (commit, batch), self._current = self._current, None
        while not wait([commit], GLANCE).done:
            if STOP.is_overdue(GRACE):
                self.database.give_up()
        commit.result()
        return batch

    def _commit(self, batch: Batch) -> None:
        try:
            self._commit_and_release(batch)
        except Interrupted as wish:
            self.failure = wish
            if batch.rows:
                LOGGER.warning(
                    "stopped before %d records were committed: the next run reads them again", batch.rows
                )
        except BaseException as error:
            self.failure = error
            raise

    def _commit_and_release(self, batch: Batch) -> None:
        if self.failure:
            raise self.failure  # what comes after a batch that is not there must not be there either
        self.committer.commit(batch)
        if batch.state is not None and batch.state != self._released:
            self._released = batch.state
            release(batch.state)
        self.committer.compact()


def _remove_files(batch: Batch | None) -> None:
    """Remove what a batch was read from."""
    for step in batch.steps if batch else ():
        if isinstance(step, Segment):
            for path in (step.path, step.rejects, *step.spent):
                path.unlink(missing_ok=True)


def release(state: bytes) -> None:
    """Write a STATE to standard output as it came, but for letters that not every terminal can show."""
    text = NOT_ASCII.sub(lambda letter: json.dumps(letter[0])[1:-1], state.decode())
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError as error:
        raise OutputError(
            f"cannot write STATE to standard output: {error.strerror}; it is committed"
        ) from error
