"""A DuckLake as the warehouse: its catalogue is a DuckDB file here, its tables are Parquet files.

1.5.5 is the newest DuckDB for which there is a wheel with the ducklake extension, so the command runs in an
environment of its own. Tables have more rows than DuckLake keeps in its catalogue, ten.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.target_duckdb.loading import activate, lines, live, record, records, schema, state
from tests.uv import run_uv

ROOT = Path(__file__).resolve().parents[2]
VERSION = "1.5.5"
VENV = Path(f"/tmp/duckdb-{VERSION}-ducklake")
EXTENSION = "ducklake.duckdb_extension"
PLATFORM = "import duckdb; print(duckdb.sql('PRAGMA platform').fetchone()[0])"
ATTACH = """
import duckdb, json, sys
connection = duckdb.connect()
connection.execute(f"SET TimeZone = '{sys.argv[2]}'; ATTACH 'ducklake:{sys.argv[1]}' AS lake; USE lake")
"""
ASK = f"{ATTACH}\nprint(json.dumps([connection.execute(query).fetchall() for query in sys.argv[3:]]))"
HOLD = f"{ATTACH}\nprint('held', flush=True)\nsys.stdin.read()"
IDS = range(20)
FEW = range(0, 20, 2)


@pytest.fixture(scope="session")
def python() -> Path:
    """Return a Python with the target's requirements and the extension; skips where they cannot be had."""
    found = VENV / "bin/python"
    wanted = [f"duckdb=={VERSION}", f"duckdb-extension-ducklake=={VERSION}", str(ROOT / "target-duckdb")]
    with VENV.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        if not next(VENV.rglob(EXTENSION), None):
            run_uv("venv", "-q", "--allow-existing", "--python", sys.executable, VENV)
            run_uv("pip", "install", "-q", "--python", found, *wanted)
    return found


@pytest.fixture(scope="session")
def home(python, tmp_path_factory) -> Path:
    """A home in which the extension is where INSTALL puts it."""
    platform = subprocess.run([python, "-c", PLATFORM], capture_output=True, text=True, check=True)
    path = tmp_path_factory.mktemp("home")
    place = path / ".duckdb/extensions" / f"v{VERSION}" / platform.stdout.strip()
    place.mkdir(parents=True)
    (place / EXTENSION).symlink_to(next(VENV.rglob(EXTENSION)))
    return path


@pytest.fixture
def lake(python, home, tmp_path) -> Lake:
    return Lake(python, home, tmp_path / "catalogue.ducklake")


@dataclass
class Lake:
    """A catalogue, the target in front of it and a window to look through."""

    python: Path
    home: Path
    path: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.home), "PYTHONPATH": str(ROOT / "target-duckdb")}

    def run(self, *messages: Any, **settings: Any) -> subprocess.CompletedProcess[str]:
        config = self.path.with_name("config.json")
        given = {"path": f"ducklake:{self.path}", "default_target_schema": "crm", **settings}
        config.write_text(json.dumps(given), "utf-8")
        return subprocess.run(
            [self.python, "-m", "target_duckdb.cli", "--config", str(config)],
            input=b"\n".join(lines(messages)).decode() + "\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self.environment,
        )

    def load(self, *messages: Any, **settings: Any) -> list[Any]:
        """Load messages and return the STATEs that came out."""
        done = self.run(*messages, **settings)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def complaint(self, *messages: Any, **settings: Any) -> str:
        done = self.run(*messages, **settings)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        return done.stderr

    def ask(self, *queries: str, zone: str = "UTC") -> list[list[list[Any]]]:
        """Return the rows of each query."""
        command = [self.python, "-c", ASK, self.path, zone, *queries]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=self.environment)
        return list(json.loads(done.stdout))


def test_rows_ledger_and_state_are_those_of_a_file(lake):
    assert lake.load(schema("a"), *records("a", IDS), state({"n": 1})) == [{"n": 1}]
    newer = [record("a", id=number, name="newer") for number in FEW]
    assert lake.load(schema("a"), *newer, state({"n": 2})) == [{"n": 2}]
    rows, streams, kept = lake.ask(
        "SELECT id, name FROM crm.a ORDER BY id",
        "SELECT rows_in, rows_inserted, rows_updated FROM _load.streams ORDER BY committed_at",
        "SELECT value FROM _load.state",
    )
    assert rows == [[number, "newer" if number in FEW else f"n{number}"] for number in IDS]
    assert streams == [[20, 20, 0], [10, 0, 10]]
    assert [json.loads(value) for (value,) in kept] == [{"n": 2}]


def test_catalogue_and_files_are_private(lake):
    lake.load(schema("a"), *records("a", IDS))
    files = lake.path.with_name(lake.path.name + ".files")
    parts = [lake.path, files, *files.rglob("*")]
    assert any(part.suffix == ".parquet" for part in parts)
    assert [part for part in parts if stat.S_IMODE(part.stat().st_mode) & 0o077] == []


STAMP = {"type": "string", "format": "date-time"}
WIDER = {  # what DuckLake refuses, or would leave to each reader's time zone
    "id": ({"type": "integer"}, {"type": "string"}, 7, "7", "7"),
    "number": ({"type": "integer"}, {"type": "number"}, 1, 2.5, "1.0"),
    "decimal": ({"type": "number", "multipleOf": 0.01}, {"type": "string"}, "1.50", "x", "1.5"),
    "double": ({"type": "number"}, {"type": "string"}, 0.5, "x", "0.5"),
    "truth": ({"type": "boolean"}, {"type": "string"}, True, "x", "true"),
    "bytes": ({"type": "string", "contentEncoding": "base64"}, {"type": "string"}, "AP8=", "x", "AP8="),
    "structure": ({"type": "object"}, {"type": "string"}, {"a": 1}, "x", '{"a":1}'),
    "whole": ({"type": "integer"}, {"type": "object"}, 5, {"a": 1}, "5"),
    "uuid": ({"type": "string", "format": "uuid"}, {"type": "string"}, "0" * 32, "x", None),
    "time": ({"type": "string", "format": "time"}, {"type": "string"}, "10:00:00", "x", "10:00:00"),
    "stamp": (STAMP, {"type": "string"}, "2024-07-01T10:00:00Z", "x", "2024-07-01T10:00:00.000000Z"),
    "day": (
        {"type": "string", "format": "date"},
        STAMP,
        "2024-07-01",
        "2024-07-02T10:00:00Z",
        "2024-06-30 20:00:00-04",
    ),
}


def test_columns_of_every_kind_widen_and_keep_their_values_and_comments(lake):
    for side in (0, 1):
        rules = {name: {**pair[side], "title": f"The {name}"} for name, pair in WIDER.items()}
        values = {name: pair[2 + side] for name, pair in WIDER.items()}
        ids = IDS if side == 0 else map(str, FEW)
        lake.load(schema("a", rules), *(record("a", **{**values, "id": number}) for number in ids))
    names = [name for name in WIDER if name not in {"id", "uuid"}]
    texts = ", ".join(f"{name}::VARCHAR" for name in names)
    kept, ids, columns, changes = lake.ask(
        f"SELECT DISTINCT {texts} FROM crm.a WHERE id = '7'",
        "SELECT id FROM crm.a ORDER BY id::INTEGER",
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'a' ORDER BY column_index",
        "SELECT column_name FROM _load.schema_changes WHERE change = 'widen column'",
        zone="America/New_York",
    )
    assert kept == [[WIDER[name][4] for name in names]]
    assert ids == [[str(number)] for number in IDS]
    assert dict(columns) == {name: f"The {name}" for name in WIDER}
    assert {name for (name,) in changes} == set(WIDER)


def test_a_column_of_doubles_becomes_text_to_hold_a_large_integer(lake):
    large = 2**53 + 1
    lake.load(schema("a", {"id": {"type": "number"}}), *(record("a", id=number) for number in IDS))
    lake.load(schema("a", {"id": {"type": "integer"}}), *(record("a", id=large + number) for number in IDS))
    assert lake.ask("SELECT id FROM crm.a ORDER BY id::HUGEINT") == [
        [[str(number)] for number in [*IDS, *(large + number for number in IDS)]]
    ]


def test_big_integers_are_not_rounded(lake):
    rules = {"id": {"type": "integer"}, "n": {"type": "integer", "maximum": 2**100}}
    values = [10**38 - 1 - number for number in IDS]
    given = [record("a", id=number, n=value) for number, value in enumerate(values)]
    lake.load(schema("a", rules), *given, record("a", id=99, n=10**38))
    kinds, rows, rejected = lake.ask(
        "SELECT data_type FROM duckdb_columns() WHERE table_name = 'a' AND column_name = 'n'",
        "SELECT n::VARCHAR FROM crm.a ORDER BY id",
        "SELECT raw, reason FROM _load.rejected_values",
    )
    assert kinds == [["DECIMAL(38,0)"]]
    assert rows == [*([str(value)] for value in values), [None]]
    assert rejected == [[str(10**38), "not a valid DECIMAL(38,0)"]]


def test_names_that_ducklake_has_for_itself_get_a_number(lake):
    rules = {name: {"type": "integer"} for name in ("id", "row_id", "Begin_Snapshot")}
    for more in range(2):
        given = [record("a", id=number, row_id=number + more, Begin_Snapshot=1) for number in IDS]
        lake.load(schema("a", rules), *given)
    columns, rows = lake.ask(
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'a' ORDER BY column_index",
        "SELECT row_id_1 FROM crm.a ORDER BY id",
    )
    assert columns == [
        ["id", None],
        ["row_id_1", 'name "row_id"'],
        ["Begin_Snapshot_1", 'name "Begin_Snapshot"'],
    ]
    assert rows == [[number + 1] for number in IDS]


@pytest.mark.parametrize("is_hard", [False, True], ids=["marked", "removed"])
def test_dead_rows_are(lake, is_hard):
    given = [schema("a"), *records("a", IDS), schema("b"), *records("b", IDS, version=1), activate("b", 1)]
    lake.load(*given)
    less = [schema("b"), *records("b", FEW, version=2), activate("b", 2)]
    lake.load(schema("a"), *live("a", FEW, 1), *less, hard_delete=is_hard)
    is_alive = "true" if is_hard else "_sdc_deleted_at IS NULL"
    found = lake.ask(
        *(f"SELECT id FROM crm.{table} WHERE {is_alive} ORDER BY id" for table in "ab"),
        *(f"SELECT count(*) FROM crm.{table}" for table in "ab"),
    )
    left = 10 if is_hard else 20
    assert found == [[[number] for number in FEW]] * 2 + [[[left]]] * 2


def test_overwrite_puts_new_rows_in_the_place_of_the_old_and_rows_without_a_key_append(lake):
    given = [schema("a"), *records("a", IDS), schema("l", keys=()), *records("l", IDS), state(1)]
    lake.load(*given)
    lake.load(*given, batch_size_rows=7)
    assert lake.load(schema("a"), *records("a", range(5, 25)), state(2), load_method="overwrite") == [2]
    found = lake.ask("SELECT id FROM crm.a ORDER BY id", "SELECT count(*), count(DISTINCT id) FROM crm.l")
    assert found == [[[number] for number in range(5, 25)], [[40, 20]]]


def test_who_holds_the_catalogue_is_waited_for_and_named(lake):
    command = [lake.python, "-c", HOLD, lake.path, "UTC"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=lake.environment, **pipes) as holder:
        assert holder.stdout.readline() == b"held\n"
        said = lake.complaint(schema("a"), record("a", id=1), lock_timeout_seconds=0.5)
        holder.stdin.close()
    assert f"ducklake:… is locked by process {holder.pid}" in said


def test_a_missing_extension_is_said_with_what_to_do(lake, tmp_path):
    nowhere = "http://127.0.0.1:9"
    lake.home = tmp_path
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "http_proxy"):
            patch.setenv(name, nowhere)
        said = lake.complaint(schema("a"), record("a", id=1))
    assert f"run INSTALL ducklake once in DuckDB {VERSION}" in said


def test_a_wrong_address_is_said(lake):
    said = lake.complaint(schema("a"), record("a", id=1), path="ducklake:/no/such/folder/x")
    assert "cannot open ducklake:…" in said
    assert "No such file or directory" in said
