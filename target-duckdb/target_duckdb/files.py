"""BATCH messages: files of records become lines of RECORD messages, and so go the way of all records."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import duckdb
import msgspec

from target_duckdb import sql
from target_duckdb.errors import InvalidLineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from target_duckdb.guards import Envelope

BLOCK, ROWS = 1 << 17, 128
"""Bytes or records that fit a core's cache with all that is decoded from them."""


class Encoding(msgspec.Struct):
    """How the files of a BATCH message are written."""

    format: str | None = None
    compression: str | None = None


def batch_lines(message: Envelope) -> Iterator[bytes]:
    """Yield the records of a BATCH message's files as blocks of lines."""
    try:
        encoding = msgspec.json.decode(message.encoding or b"{}", type=Encoding)
    except msgspec.DecodeError as error:
        raise InvalidLineError(f"BATCH of {message.stream!r}: its encoding is none: {error}") from error
    reader = READERS.get(encoding.format or "jsonl")
    compression = encoding.compression or "none"
    if reader is None or compression not in {"none", "gzip"}:
        raise InvalidLineError(
            f"BATCH of {message.stream!r}: cannot read {encoding.format}, {compression};"
            " jsonl, gzip and parquet are known"
        )
    head = b'{"type":"RECORD","stream":%b,"record":' % msgspec.json.encode(message.stream)
    tail = b"}\n" if message.version is None else b',"version":%d}\n' % message.version
    for name in message.manifest or []:
        with _reading(name):
            for records in reader(_local(name), compression):
                yield b"".join([head + record + tail for record in records])


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    try:
        yield
    except (OSError, EOFError, ValueError, zlib.error, duckdb.Error) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidLineError(f"BATCH file {name!r}: {reason}") from error


def _local(name: str) -> Path:
    parts = urlsplit(name)
    if parts.scheme not in {"", "file"}:
        raise ValueError("only local files can be read")
    host = parts.netloc.removeprefix("localhost")  # the SDK writes file://folder/file for a relative path
    path = Path(unquote(host + parts.path)) if parts.scheme else Path(name)
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    return path


def _json_lines(path: Path, compression: str) -> Iterator[list[bytes]]:
    with gzip.open(path) if compression == "gzip" else path.open("rb") as file:
        buffer = BufferedReader(file, BLOCK)  # GzipFile reads line by line in Python
        while lines := buffer.readlines(BLOCK):
            yield [line.strip() for line in lines if not line.isspace()]


def _parquet(path: Path, _compression: str) -> Iterator[list[bytes]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 1")  # a second thread takes 60 MB more
        columns = connection.execute(f"DESCRIBE FROM {sql.parquet_source_sql(str(path))}").fetchall()
        rows = connection.execute(sql.parquet_sql(str(path), {name: kind for name, kind, *_ in columns}))
        while found := rows.fetchmany(ROWS):
            yield [text.encode() for (text,) in found]


READERS: dict[str, Callable[[Path, str], Iterator[list[bytes]]]] = {"jsonl": _json_lines, "parquet": _parquet}
