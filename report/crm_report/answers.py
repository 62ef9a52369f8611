"""The answers: every query put to the read copy once; a model that is not there is no reason to fail."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, object]

LATEST = "SELECT max(day) FROM bi.pipeline_snapshot_daily"


class ReportError(Exception):
    """The report cannot be made; the message says why in one line."""


@dataclass(frozen=True)
class Answer:
    """What a query gave: its columns and rows, or the reason why there are none."""

    sql: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()
    missing: str = ""

    def records(self) -> list[Row]:
        """Return the rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Answers:
    """A read copy, open for questions as of one day."""

    def __init__(self, path: Path, today: dt.date | None = None) -> None:
        if not path.is_file():
            raise ReportError(f"there is no database at {path}: publish one first")
        try:
            self._connection = duckdb.connect(str(path), read_only=True)
        except duckdb.Error as error:
            raise ReportError(f"cannot open {path}: {str(error).partition(chr(10))[0]}") from None
        self.today = today or self._day_of_data()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def ask(self, name: str) -> Answer:
        """Put the query of that name; where a table or column is not as it should be, the answer says so."""
        query = files(__package__).joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")
        sql = query.replace("$today", f"DATE '{self.today}'").strip()
        try:
            result = self._connection.execute(sql)
            columns = tuple(str(column[0]) for column in result.description)
            return Answer(sql, columns, tuple(result.fetchall()))
        except duckdb.Error as error:
            return Answer(sql, missing=str(error).partition("\n")[0])

    def _day_of_data(self) -> dt.date:
        """Return the last day that the models know, so that an old copy is not read as if it were today's."""
        try:
            found = self._connection.execute(LATEST).fetchall()[0][0]
        except duckdb.Error:
            found = None
        return found or dt.datetime.now(dt.UTC).date()
