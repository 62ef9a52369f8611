"""Reads spooled records into memory: typed, counted, the last of each key; what does not fit is set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_duckdb import sql
from target_duckdb.errors import DatabaseError, InvalidValueError
from target_duckdb.spool import writing
from target_duckdb.sql import quote
from target_duckdb.values import reject_line, rewrite

if TYPE_CHECKING:
    from target_duckdb.batches import Segment
    from target_duckdb.database import Database


@dataclass(frozen=True)
class Stage:
    """A segment in memory: a table of its rows and a table of the values that were left out."""

    rows: str
    rejects: str | None
    staged: int


class Stager:
    """Turns segments into stages."""

    def __init__(self, database: Database, on_invalid_value: str, *, has_metadata: bool) -> None:
        self.run = database.run
        self.on_invalid_value = on_invalid_value
        self.has_metadata = has_metadata
        self._count = 0

    def stage(self, segment: Segment) -> Stage:
        """Stage a segment; if DuckDB refuses it as it is, after a second look at every value."""
        try:
            stage = self._stage(segment)
        except DatabaseError:
            rewrite_segment(segment)
            stage = self._stage(segment)
        if stage.rejects and self.on_invalid_value == "fail":
            key, name, reason = self.run(f"SELECT key, property, reason FROM {quote(stage.rejects)} LIMIT 1")[
                0
            ]
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
        name, shape, keys = f"stage{self._count}", segment.shape, segment.shape.key_indexes
        more = (
            tuple(sql.ENVELOPE) if self.has_metadata else ("version",) if segment.version is not None else ()
        )
        source = sql.source_sql(str(segment.path), shape.columns, shape.fields, segment.longest, more)
        self.run(sql.stage_sql(name, source, shape.columns, shape.fields, more))
        rows, distinct, flawed, keyless = self.run(sql.count_sql(name, keys))[0]
        if rows != segment.rows:
            raise DatabaseError(f"{shape.stream}: {segment.rows} records were spooled but {rows} read back")
        rejects = self._rejects(segment, source, is_flawed=bool(flawed), is_keyless=bool(keyless))
        if keyless:
            self.run(f"DELETE FROM {quote(name)} WHERE {sql.keyless_sql(keys)}")
            segment.records_rejected += keyless
            segment.rows -= keyless
        if distinct < rows:
            self.run(sql.keep_last_sql(name, keys))
        staged = self.run(f"SELECT count(*) FROM {quote(name)}")[0][0] if keyless or distinct < rows else rows
        return Stage(name, rejects, staged)

    def _rejects(self, segment: Segment, source: str, *, is_flawed: bool, is_keyless: bool) -> str | None:
        parts = []
        if segment.rejects.exists():
            parts.append(sql.read_rejects_sql(str(segment.rejects), segment.longest_reject))
        if is_flawed:
            shape = segment.shape
            parts.append(sql.rejects_sql(source, shape.columns, shape.fields, shape.key_indexes))
        if is_keyless:
            shape = segment.shape
            parts.append(sql.keyless_rejects_sql(source, shape.columns, shape.fields, shape.key_indexes))
        if not parts:
            return None
        name = f"rejects{self._count}"
        self.run(f"CREATE TABLE {quote(name)} AS {' UNION ALL '.join(parts)}")
        segment.values_rejected = self.run(f"SELECT count(*) FROM {quote(name)}")[0][0]
        return name


def rewrite_segment(segment: Segment) -> None:
    """Write a spool file again, value by value."""
    shape, fresh = segment.shape, segment.path.with_suffix(".rewritten")
    kept = longest = 0
    with writing(fresh), segment.path.open("rb") as old, fresh.open("wb") as new:
        for line in old:
            made = rewrite(line, shape)
            segment.reject([reject_line(rejection) for rejection in made.rejections])
            if made.line is not None:
                new.write(made.line + b"\n")
                kept, longest = kept + 1, max(longest, len(made.line))
    fresh.replace(segment.path)
    segment.records_rejected += segment.rows - kept
    segment.rows, segment.longest = kept, longest
