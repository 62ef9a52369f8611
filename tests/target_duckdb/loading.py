"""What the tests of loads share: messages in, a warehouse to ask."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
from target_duckdb.loader import Load
from target_duckdb.reader import Reader
from target_duckdb.settings import read_settings

from tests.target_duckdb import preloaded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

    from target_duckdb.settings import Settings

COMMAND = [sys.executable, "-m", "target_duckdb.cli"]
HOLD = "import duckdb, sys, time; c = duckdb.connect({path!r}); print('held', flush=True); {wait}"
"""A program that holds the file at `path` until what `wait` says is over."""
KEYED = {"id": {"type": "integer"}, "name": {"type": ["string", "null"]}}


def schema(
    stream: str, properties: dict[str, Any] | None = None, keys: Iterable[str] = ("id",)
) -> dict[str, Any]:
    rules = {"type": "object", "properties": KEYED if properties is None else properties}
    return {"type": "SCHEMA", "stream": stream, "schema": rules, "key_properties": list(keys)}


def record(stream: str, version: int | None = None, **values: Any) -> dict[str, Any]:
    message = {"type": "RECORD", "stream": stream, "record": values}
    return message if version is None else message | {"version": version}


def records(stream: str, ids: Iterable[int], version: int | None = None) -> list[dict[str, Any]]:
    return [record(stream, version, id=number, name=f"n{number}") for number in ids]


def live(stream: str, ids: Iterable[int], version: int) -> list[dict[str, Any]]:
    name = f"{stream}__live"
    keys = [record(name, version, id=number) for number in ids]
    return [schema(name, {"id": {"type": "integer"}}), *keys, activate(name, version)]


def activate(stream: str, version: int) -> dict[str, Any]:
    return {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}


def state(value: Any) -> dict[str, Any]:
    return {"type": "STATE", "value": value}


def noise(chance: Random) -> str:
    """Return a text that does not compress: with others DuckDB chooses by chance how to store them."""
    return base64.b85encode(chance.randbytes(240)).decode()


def lines(messages: Iterable[dict[str, Any] | bytes]) -> list[bytes]:
    return [
        item if isinstance(item, bytes) else json.dumps(item, ensure_ascii=False).encode()
        for item in messages
    ]


def commit(load: Load, *messages: dict[str, Any] | bytes) -> None:
    """Have a run that goes on commit some messages."""
    Reader(load).read([b"".join(line + b"\n" for line in lines(messages))])
    load.flush()
    load.commits.finish()


@dataclass
class Warehouse:
    """A database file, the target in front of it and a window to look through."""

    path: Path
    settings: dict[str, Any] = field(default_factory=lambda: {"default_target_schema": "crm"})

    def config(self, **settings: Any) -> dict[str, Any]:
        return {"path": str(self.path), "temp_directory": str(self.path.parent), **self.settings, **settings}

    def read(self, **settings: Any) -> Settings:
        return read_settings(self.config(**settings))

    def load(
        self,
        *messages: dict[str, Any] | bytes,
        one_by_one: bool = False,
        is_complete: bool = True,
        **settings: Any,
    ) -> list[Any]:
        """Load messages in this process and return the STATEs that came out."""
        given = lines(messages)
        out = io.StringIO()
        with contextlib.redirect_stdout(out), Load(self.read(**settings)) as load:
            given = [line + b"\n" for line in given]
            Reader(load).read(given if one_by_one else [b"".join(given)])
            load.finish(is_complete=is_complete)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def command(
        self, *messages: dict[str, Any] | bytes, environment: dict[str, str] | None = None, **settings: Any
    ) -> subprocess.CompletedProcess[bytes]:
        """Load messages with the command: from its first import on, if it is given an environment."""
        config = self.path.with_suffix(".json")
        config.write_text(json.dumps(self.config(**settings)), "utf-8")
        return subprocess.run(
            [*(COMMAND if environment else preloaded.command()), "--config", str(config)],
            input=b"\n".join(lines(messages)) + b"\n",
            capture_output=True,
            timeout=60,
            check=False,
            env={**os.environ, **(environment or {})},
        )

    def sql(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(query, parameters).fetchall()

    def one(self, query: str, *parameters: Any) -> Any:
        return self.sql(query, *parameters)[0][0]

    def ids(self, table: str) -> list[Any]:
        return [row[0] for row in self.sql(f"SELECT id FROM {table} ORDER BY id")]

    def types(self, table: str, schema_name: str = "crm") -> dict[str, str]:
        query = "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?"
        return dict(self.sql(query, schema_name, table))

    def tally(self, stream: str) -> dict[str, int]:
        """Return the last run's ledger row of a stream."""
        names = (
            "rows_in",
            "rows_inserted",
            "rows_updated",
            "rows_superseded",
            "rows_rejected",
            "rows_deleted",
        )
        query = f"SELECT {', '.join(names)} FROM _load.streams WHERE stream = ? ORDER BY committed_at DESC"
        return dict(
            zip((name.removeprefix("rows_") for name in names), self.sql(query, stream)[0], strict=True)
        )

    def rejected(self) -> list[tuple[Any, ...]]:
        return self.sql("SELECT stream, property, raw, reason FROM _load.rejected_values ORDER BY ALL")
