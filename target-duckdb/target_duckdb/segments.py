"""Records that wait for their commit, or files that hold them: of one stream, under one schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_duckdb.spool import writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from target_duckdb.files import ParquetFile
    from target_duckdb.shapes import Shape


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
    strays: tuple[str, ...] = ()  # undeclared properties that its lines may have, already rejected
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
        """Write down rejected values."""
        if lines:
            self.longest_reject = max(self.longest_reject, *map(len, lines))
            with writing(self.rejects), self.rejects.open("ab") as rejects:
                rejects.writelines(lines)
