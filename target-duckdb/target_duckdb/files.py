"""BATCH messages: the files that they name, as lines of RECORD messages or as what they are."""

from __future__ import annotations

import gzip
import shutil
import zlib
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Self
from urllib.parse import unquote, urlsplit

import duckdb
import msgspec

from target_duckdb import parquet
from target_duckdb.address import shown
from target_duckdb.errors import InvalidLineError
from target_duckdb.interruption import STOP
from target_duckdb.rawjson import UNREADABLE, parse_object, redact
from target_duckdb.spool import writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_duckdb.guards import Envelope

BLOCK, ROWS = 1 << 17, 128
"""Bytes or records that fit a core's cache with all that is decoded from them."""
BROKEN = b","
"""What stands before a line that is no JSON: no value begins with it, whatever follows."""
WHOLE = msgspec.json.Decoder(msgspec.Raw).decode_lines


class Encoding(msgspec.Struct):
    """How the files of a BATCH message are written."""

    format: str | None = None
    compression: str | None = None


@dataclass(frozen=True)
class BatchFile(ABC):
    """A file of records, and what of its BATCH message belongs to each of them."""

    name: str  # as the message has it
    path: Path
    stream: str
    version: int | None
    unit: ClassVar[str] = "line"

    @classmethod
    def open(cls, name: str, message: Envelope) -> Self:
        """Return the file that a BATCH message calls so."""
        return cls(name, _local(name), message.stream, message.version)

    def lines(self) -> Iterator[bytes]:
        """Yield the records as blocks of lines of RECORD messages."""
        head = self._head
        tail = b"}\n" if self.version is None else b',"version":%d}\n' % self.version
        with _reading(self.name):
            for records in self.records():
                STOP.check()
                yield b"".join([head + record + tail if record else b"\n" for record in records])

    def place(self, number: int) -> str:
        """Return what to call the place of a line, or of a row, counted from 1."""
        return f"BATCH file {_called(self.name)}, {self.unit} {number}"

    def complaint(self, line: bytes) -> InvalidLineError:
        """Return what is wrong with a line that `lines` yields and that is no message."""
        record = line.removeprefix(self._head).removeprefix(BROKEN).rstrip(b"\n")[:-1]
        return InvalidLineError(f"not JSON: {redact(record)}")

    @property
    def _head(self) -> bytes:
        return b'{"type":"RECORD","stream":%b,"record":' % msgspec.json.encode(self.stream)

    @abstractmethod
    def records(self) -> Iterator[list[bytes]]:
        """Yield some records at a time, as JSON without newlines, an empty one for a line that is empty."""


class JsonLines(BatchFile):
    """A file of records one in a line."""

    def records(self) -> Iterator[list[bytes]]:
        """Yield some lines at a time."""
        with self.path.open("rb", BLOCK) as file:
            yield from _lines(file)


class GzipLines(BatchFile):
    """A compressed file of records one in a line."""

    def records(self) -> Iterator[list[bytes]]:
        """Yield some lines at a time."""
        with gzip.open(self.path) as file:
            yield from _lines(BufferedReader(file, BLOCK))  # GzipFile reads line by line in Python


def _lines(buffer: BinaryIO) -> Iterator[list[bytes]]:
    """Yield some lines at a time; a broken one so that no message around it makes it whole."""
    while lines := buffer.readlines(BLOCK):
        try:
            WHOLE(b"".join(lines))
            yield [line.strip() for line in lines]
        except UNREADABLE:  # it need not be broken: NaN, half a surrogate pair
            yield [line if _is_whole(line) else BROKEN + line for line in map(bytes.strip, lines)]


def _is_whole(line: bytes) -> bool:
    """Return whether a line is empty or JSON with nothing behind it."""
    with suppress(*UNREADABLE):
        WHOLE(line)
        return True
    with suppress(InvalidLineError):
        parse_object(line)
        return True
    return False


@dataclass(frozen=True)
class ParquetFile(BatchFile):
    """Rows of a Parquet file, mostly all of them, and the types of its columns."""

    unit: ClassVar[str] = "row"
    types: Mapping[str, str] = field(default_factory=dict)
    first: int = 0
    end: int = 0
    total: int = 0

    @classmethod
    def open(cls, name: str, message: Envelope) -> Self:
        """Return the file that a BATCH message calls so, after a look at its columns."""
        file = super().open(name, message)
        source = parquet.source_sql([str(file.path)], None)
        found = _onlooker().execute(f"DESCRIBE FROM {source}").fetchall()
        total = _onlooker().execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]
        return replace(file, types={name: kind for name, kind, *_ in found}, end=total, total=total)

    @property
    def rows(self) -> int:
        """How many rows these are."""
        return self.end - self.first

    @property
    def size(self) -> int:
        """How many bytes of the file these are, about."""
        return self.path.stat().st_size * self.rows // self.total

    @property
    def part(self) -> tuple[int, int] | None:
        """The first row and the one after the last, if these are not all."""
        return None if self.rows == self.total else (self.first, self.end)

    @property
    def is_last(self) -> bool:
        """Whether the file has no rows after these."""
        return self.end == self.total

    def copy(self, path: Path) -> Self:
        """Return the same file elsewhere: whoever wrote it may remove or replace it."""
        with writing(path):
            shutil.copyfile(self.path, path)
        return replace(self, path=path)

    def parts(self, most: int) -> Iterator[Self]:
        """Yield the file in parts of at most so many rows."""
        for first in range(0, self.total, most):
            STOP.check()
            yield replace(self, first=first, end=min(first + most, self.total))

    def goes_with(self, other: Self) -> bool:
        """Return whether the rows of both can be read at once: neither are a part, and they are alike."""
        are_alike = (self.types, self.version) == (other.types, other.version)
        return are_alike and not self.part and not other.part

    def records(self) -> Iterator[list[bytes]]:
        """Yield some rows at a time."""
        source = parquet.source_sql([str(self.path)], self.part)
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'; SET threads = 1")  # a second thread takes 60 MB more
            rows = connection.execute(parquet.json_sql(self.types, source, connection.sqltype))
            while found := rows.fetchmany(ROWS):
                yield [text.encode() for (text,) in found]


FILES: dict[tuple[str, str | None], type[BatchFile]] = {
    ("jsonl", "none"): JsonLines,
    ("jsonl", "gzip"): GzipLines,
    ("parquet", None): ParquetFile,  # it says itself how it is compressed
}


def batch_files(message: Envelope) -> Iterator[BatchFile]:
    """Yield the files of a BATCH message."""
    try:
        encoding = msgspec.json.decode(message.encoding or b"{}", type=Encoding)
    except msgspec.DecodeError as error:
        raise InvalidLineError(f"BATCH of {message.stream!r}: its encoding is not valid: {error}") from error
    known, compression = encoding.format or "jsonl", encoding.compression or "none"
    kind = FILES.get((known, compression)) or FILES.get((known, None))
    if kind is None:
        assumed = "" if encoding.format else " (assumed, as no format is named)"
        raise InvalidLineError(
            f"BATCH of {message.stream!r}: cannot read {known}{assumed}, {compression};"
            " jsonl, gzip and parquet are known"
        )
    for name in message.manifest or []:
        with _reading(name):
            file = kind.open(name, message)
        yield file


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    try:
        yield
    except (OSError, EOFError, ValueError, zlib.error, duckdb.Error) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidLineError(f"BATCH file {_called(name)}: {reason}") from error


def _called(name: str) -> str:
    """Return what to call a file in a message: an address elsewhere may hold a token or a password."""
    return repr(name if name.startswith("file:") else shown(name))


def _local(name: str) -> Path:
    parts = urlsplit(name)
    if parts.scheme not in {"", "file"}:
        raise ValueError("only local files can be read")
    host = parts.netloc.removeprefix("localhost")  # the SDK writes file://folder/file for a relative path
    path = Path(unquote(host + parts.path)) if parts.scheme else Path(name)
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    return path


@cache
def _onlooker() -> duckdb.DuckDBPyConnection:
    """Return a DuckDB that looks at files only; a new one for each would take longer than the look."""
    return duckdb.connect(config={"threads": 1})
