"""What the loader hands to the committer: streams, segments of spooled records, batches."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from target_duckdb.spool import writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from target_duckdb.columns import Column
    from target_duckdb.files import ParquetFile
    from target_duckdb.sql import Table


@dataclass(frozen=True)
class Shape:
    """A stream under one SCHEMA message."""

    stream: str
    table: Table
    columns: tuple[Column, ...]
    keys: tuple[str, ...]

    @cached_property
    def key_indexes(self) -> tuple[int, ...]:
        """Where the key's columns stand among the columns."""
        places = {column.property: index for index, column in enumerate(self.columns)}
        return tuple(places[key] for key in self.keys)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The names under which DuckDB finds the properties in a spooled record.

        They are the properties' own, unless DuckDB would confuse them: then records are written anew.
        """
        names = [column.property for column in self.columns]
        if len({name.casefold() for name in names}) == len(names) and all(map(is_readable, names)):
            return tuple(names)
        return tuple(f"c{index}" for index in range(len(names)))

    @cached_property
    def is_renamed(self) -> bool:
        """Whether records must be written anew because of their property names."""
        return any(field != column.property for field, column in zip(self.fields, self.columns, strict=True))

    def with_column(self, column: Column) -> Shape:
        """Return the shape with one column more, unless it has it."""
        if column.property in {known.property for known in self.columns}:
            return self
        return replace(self, columns=(*self.columns, column))


def is_readable(name: str) -> bool:
    """Return whether a decoder and DuckDB can find a property of that name."""
    return bool(name) and name.isprintable() and not {'"', "\\"} & set(name)  # msgspec takes none of these


@dataclass
class Segment:
    """Consecutive records of one stream under one schema, in one spool file or in Parquet files."""

    shape: Shape
    path: Path
    rejects: Path
    rows: int = 0
    longest: int = 0  # no line has more bytes
    records_rejected: int = 0
    longest_reject: int = 0
    seconds: float = 0.0
    received: int = 0
    version: int | None = None
    is_fresh: bool = False
    is_checked: bool = False  # whether no text can be what was no text before
    base: Shape | None = None
    strays: tuple[str, ...] = ()  # undeclared properties that its lines may have, kept aside already
    misfits: tuple[int, ...] = ()  # columns of which every value in its lines is as it has to be
    files: list[ParquetFile] = field(default_factory=list)
    spent: list[Path] = field(default_factory=list)  # what nobody needs after this segment

    def takes(self, file: ParquetFile | None) -> bool:
        """Return whether the segment can hold the rows of a file, or if that is None records."""
        if file is None or not self.files:
            return file is None and not self.files
        return file.goes_with(self.files[0])

    def add(self, file: ParquetFile) -> None:
        """Hold the rows of a file."""
        self.files.append(file)
        self.rows += file.rows
        self.is_checked = False
        if file.is_last:
            self.spent.append(file.path)

    def reject(self, lines: Sequence[bytes]) -> None:
        """Set rejected values aside."""
        if lines:
            self.longest_reject = max(self.longest_reject, *map(len, lines))
            with writing(self.rejects), self.rejects.open("ab") as rejects:
                rejects.writelines(lines)


@dataclass(frozen=True)
class Activation:
    """The moment from which only one version of a stream counts, and only its keys of its base stream."""

    shape: Shape
    version: int
    base: Shape | None = None
    unversioned: int | None = None  # what stands for the version of live keys that came without one

    @property
    def listed(self) -> str:
        """The versions of live keys that count, for SQL."""
        return f"({self.version}, {'NULL' if self.unversioned is None else self.unversioned})"


@dataclass(frozen=True)
class Swap:
    """The moment at which a table that was loaded anew takes the place of the old one."""

    shape: Shape


@dataclass(frozen=True)
class Declaration:
    """A stream that sent its schema and no record: its table is there all the same."""

    shape: Shape


Step = Segment | Activation | Swap | Declaration


def group_of(step: Step) -> str:
    """Return the stream that a step counts to: live keys to what they list."""
    base = None if isinstance(step, Swap | Declaration) else step.base
    return (base or step.shape).stream


def hold_back(steps: Sequence[Step]) -> tuple[list[Step], list[Step]]:
    """Return the steps that need no STATE to cover them, and those without a key with what follows them."""
    ready: list[Step] = []
    held: list[Step] = []
    waiting: set[str] = set()
    for step in steps:
        if not step.shape.keys:
            waiting.add(group_of(step))
        (held if group_of(step) in waiting else ready).append(step)
    return ready, held


@dataclass(frozen=True)
class Batch:
    """Everything that is committed together."""

    steps: tuple[Step, ...]
    state: bytes | None
    is_final: bool

    @property
    def rows(self) -> int:
        """How many records there are."""
        return sum(step.rows for step in self.steps if isinstance(step, Segment))

    @property
    def columns(self) -> int:
        """How many columns take memory while the batch is committed."""
        return columns_of(self.steps)

    def halves(self) -> tuple[Batch, Batch] | None:
        """Return two batches to be committed one after the other instead, or None if that cannot be.

        The first has streams with a key, whose rows may be there before the STATE that covers them; a stream
        and its live keys stay together, and tables are swapped together. Of a single stream whose schema
        changed it has what came first.
        """
        groups: dict[str, list[Step]] = {}
        for step in self.steps:
            groups.setdefault(group_of(step), []).append(step)
        parts = list(groups.values()) if len(groups) > 1 else _moments(self.steps)
        early = self._early(parts)
        first = tuple(step for step in self.steps if id(step) in early)
        second = tuple(step for step in self.steps if id(step) not in early)
        if len(parts) == 1 or not any(isinstance(step, Segment) for step in first):
            return None
        return replace(self, steps=first, state=None, is_final=False), replace(self, steps=second)

    def _early(self, parts: Iterable[Sequence[Step]]) -> set[int]:
        """Return the identities of the steps that can be committed first, with half of the columns."""
        early: set[int] = set()
        columns = 0
        for steps in parts:
            columns += columns_of(steps)
            if columns > self.columns / 2 and early:
                break
            if all(step.shape.keys for step in steps):
                early |= {id(step) for step in steps if not isinstance(step, Swap)}
        return early


def columns_of(steps: Iterable[Step]) -> int:
    """Return how many columns take memory while steps are committed."""
    return sum(len(step.shape.columns) for step in steps if isinstance(step, Segment))


def _moments(steps: Sequence[Step]) -> list[Sequence[Step]]:
    """Return the steps of a stream one by one if its records may be committed in turn."""
    segments = [step for step in steps if isinstance(step, Segment)]
    may_part = len(segments) > 1 and all(step.shape.keys and step.base is None for step in segments)
    return [[step] for step in steps] if may_part else [steps]


@dataclass
class Tally:
    """What became of a stream's rows: rows in = inserted + updated + superseded + rejected."""

    stream: str
    table: Table
    rows_in: int = 0
    inserted: int = 0
    updated: int = 0
    superseded: int = 0
    rejected: int = 0
    deleted: int = 0
    values_rejected: int = 0
    seconds: float = 0.0

    @property
    def is_balanced(self) -> bool:
        """Whether every row that came in is accounted for."""
        return self.rows_in == self.inserted + self.updated + self.superseded + self.rejected
