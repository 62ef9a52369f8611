"""Reads spooled records into memory: typed, counted, the last of each key; what does not fit is rejected."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from target_duckdb import parquet, sql
from target_duckdb.errors import DatabaseError, InvalidValueError, MissingKeyError, OutOfMemoryError
from target_duckdb.guards import record_type
from target_duckdb.interruption import STOP
from target_duckdb.misfits import mendable, mender
from target_duckdb.rawjson import UNREADABLE
from target_duckdb.spool import writing
from target_duckdb.sql import quote
from target_duckdb.values import UNDECLARED, Rewriter, reject_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from target_duckdb.database import Database
    from target_duckdb.files import ParquetFile
    from target_duckdb.segments import Segment

PATIENCE = 2.0
"""Seconds that a signal to stop may wait for lines to be looked at."""


@dataclass(frozen=True)
class Stage:
    """A segment in memory: a table of its rows and a table of the rejected values."""

    rows: str
    rejects: str | None
    staged: int
    rejected: int  # records without a valid key

    @property
    def rejects_sql(self) -> str | None:
        """The table or query of the rejected values, for SQL; None if there are none."""
        return self.rejects and quote(self.rejects)


class Stager:
    """Turns segments into stages."""

    def __init__(self, database: Database, on_invalid_value: str, *, has_metadata: bool) -> None:
        self.run = database.run
        self.on_invalid_value = on_invalid_value
        self.has_metadata = has_metadata
        self.doubtful: set[str] = set()
        """The streams in which a text may have been something else, as DuckDB reads it."""
        self._count = 0

    def stage(self, segment: Segment) -> Stage:
        """Stage a segment; if DuckDB refuses it as it is, after a second look at every value."""
        try:
            stage = self._stage(segment)
        except OutOfMemoryError:
            raise
        except DatabaseError:
            rewrite_segment(segment)
            stage = self._stage(segment)
        if stage.rejects and self.on_invalid_value == "fail":
            query = f"SELECT key, property, reason FROM {quote(stage.rejects)} LIMIT 1"
            key, name, reason = self.run(query)[0]
            raise InvalidValueError(
                f"{segment.shape.stream} {key}: {name}: {reason} (on_invalid_value is fail)"
            )
        return stage

    def drop(self, stage: Stage) -> None:
        """Forget a stage."""
        for name in (stage.rows, stage.rejects):
            if name:
                self.run(f"DROP TABLE IF EXISTS {quote(name)}")

    def _stage(self, segment: Segment) -> Stage:
        self._count += 1
        name, keys = f"stage{self._count}", segment.shape.key_indexes
        is_in_order = self.has_metadata  # the row numbers become sequence numbers
        self._read(name, segment, is_in_order=is_in_order)
        rows, distinct, odd, keyless = self.run(sql.count_sql(name, keys))[0]
        if rows != segment.rows:
            stream = segment.shape.stream
            raise DatabaseError(f"{stream}: {segment.rows} records were spooled but {rows} read back")
        if odd and not segment.is_checked:
            if not segment.files:
                self.doubtful.add(segment.shape.stream)
            check_segment(segment)
            return self._stage(segment)
        rejects = self._rejects(segment, is_flawed=bool(odd), is_keyless=bool(keyless))
        is_unique = distinct == rows and not keyless
        if not is_unique and not is_in_order:
            self._read(name, segment, is_in_order=True)
        if keyless:
            self.run(f"DELETE FROM {quote(name)} WHERE {sql.keyless_sql(keys)}")
        if not is_unique:
            self.run(sql.keep_last_sql(name, keys))
            rows = self.run(f"SELECT count(*) FROM {quote(name)}")[0][0]
        return Stage(name, rejects, rows, keyless)

    def _read(self, name: str, segment: Segment, *, is_in_order: bool) -> None:
        """Read records, in order so that row numbers follow arrival; that is slower, and rarely needed."""
        statement = sql.stage_sql(name, query_of(segment, self.has_metadata))
        if not is_in_order:
            self.run(statement)
            return
        self.run("SET preserve_insertion_order = true")
        try:
            self.run(statement)
        finally:
            self.run("SET preserve_insertion_order = false")

    def _rejects(self, segment: Segment, *, is_flawed: bool, is_keyless: bool) -> str | None:
        parts, shape = [], segment.shape
        source = source_of(segment)
        if known := rejects_sql(segment):
            parts.append(f"FROM {known}")
        if is_flawed:
            parts.append(sql.rejects_sql(source, shape.columns, shape.fields, shape.key_indexes))
        if is_keyless:
            parts.append(sql.keyless_rejects_sql(source, shape.columns, shape.fields, shape.key_indexes))
        if not parts:
            return None
        name = f"rejects{self._count}"
        self.run(f"CREATE TABLE {quote(name)} AS {' UNION ALL '.join(parts)}")
        return name


def rejects_sql(segment: Segment) -> str | None:
    """Return the query, in brackets, of the values rejected before; None if there are none."""
    if not segment.rejects.exists():
        return None
    return f"({sql.read_rejects_sql(str(segment.rejects), segment.longest_reject)})"


def source_of(segment: Segment, more: Sequence[str] = ()) -> str:
    """Return the table function that reads a segment's spool file."""
    shape = segment.shape
    return sql.source_sql(str(segment.path), shape.columns, shape.fields, segment.longest, more)


def query_of(segment: Segment, has_metadata: bool) -> str:  # noqa: FBT001
    """Return the query of a segment's records, each with whether it needs a closer look."""
    shape = segment.shape
    more = tuple(sql.ENVELOPE) if has_metadata else ("version",) if segment.version is not None else ()
    if segment.files:
        return _parquet_query(segment, more)
    odd = [*sql.flaws(shape.columns, shape.fields).values()]
    if not segment.is_checked:
        odd += sql.doubts(shape.columns, shape.fields, {*shape.key_indexes, *segment.misfits})
    return sql.select_sql(source_of(segment, more), shape.columns, shape.fields, sql.any_sql(odd), more)


def _parquet_query(segment: Segment, more: Sequence[str]) -> str:
    file = segment.files[0]
    source = parquet.source_sql([str(each.path) for each in segment.files], file.part)
    known = {"version": file.version if file.version is not None else "NULL"}
    facts = {name: f"CAST({known.get(name, 'NULL')} AS {sql.ENVELOPE[name]})" for name in more}
    return parquet.select_sql(segment.shape, file.types, source, facts)


def _unpack(segment: Segment) -> None:
    """Have a segment hold the rows of its Parquet files as lines."""
    if segment.files:
        with writing(segment.path), segment.path.open("wb") as spool:
            for file in segment.files:
                spool.writelines(file.lines())
        segment.files = []


@contextmanager
def _placing(files: Iterable[ParquetFile], number: int) -> Iterator[None]:
    """Add the file and row of a record without its key to the error; the place of a line is known already."""
    try:
        yield
    except MissingKeyError as error:
        rows = ((file, row) for file in files for row in range(file.first + 1, file.end + 1))
        file, row = next(islice(rows, number, None))
        raise MissingKeyError(f"{file.place(row)}: {error}") from error


def check_segment(segment: Segment) -> None:
    """Look again at lines that were let through without a look at their texts."""
    shape, columns = segment.shape, tuple(mendable(segment.shape))
    careful = record_type(shape, is_careful=True, strays=segment.strays)
    lenient = record_type(shape, is_careful=True, strays=segment.strays, misfits=columns)
    decode, decode_odd = (msgspec.json.Decoder(kind).decode for kind in (careful, lenient))
    mend = mender(shape, columns)

    def keep(line: bytes) -> bytes | None:
        with suppress(*UNREADABLE):
            decode(line)
            return line
        with suppress(*UNREADABLE):
            return mend(decode_odd(line), line)
        return None

    _write_again(segment, keep)
    segment.is_checked = True


def rewrite_segment(segment: Segment) -> None:
    """Write a spool file again, value by value."""
    _write_again(segment, lambda _line: None)
    segment.is_checked = True


def _write_again(segment: Segment, keep: Callable[[bytes], bytes | None]) -> None:
    files = segment.files
    _unpack(segment)
    rewriter, fresh = Rewriter(segment.shape), segment.path.with_suffix(".rewritten")
    rows = longest = 0
    with writing(fresh), segment.path.open("rb") as old, fresh.open("wb") as new:
        for number, given in enumerate(old):
            STOP.check(PATIENCE)
            line = keep(given)
            if line is None:
                with _placing(files, number):
                    made = rewriter.rewrite(given)
                lost = (rejection for rejection in made.rejections if rejection.reason != UNDECLARED)
                segment.reject([reject_line(rejection) for rejection in lost])  # the others were kept before
                line = made.line and made.line + b"\n"
            if line is not None:
                new.write(line)
                rows, longest = rows + 1, max(longest, len(line))
    fresh.replace(segment.path)
    segment.records_rejected += segment.rows - rows
    segment.rows, segment.longest = rows, longest
