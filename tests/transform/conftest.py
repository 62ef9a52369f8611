"""Two simulated CRMs, loaded twice by the real taps and the real target, and dbt over what they left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import pytest
from crm_simulator import Clock, Simulator

from tests.transform import lives
from tests.transform.truth import Truth

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
AS_OF = "2026-11-24T12:00:00+00:00"


class Dbt:
    """dbt over one fixed path: another path would make it parse the project again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "warehouse.duckdb"
        self.errors = folder / "dbt.log"
        environment = {
            **os.environ,
            "DBT_DUCKDB_PATH": str(self.path),
            "DBT_PROJECT_DIR": str(ROOT / "transform"),
            "DBT_PROFILES_DIR": str(ROOT / "transform"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "CRM_AS_OF": AS_OF,
        }
        with self.errors.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("dbt_server.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
            )

    def build(self, *, tests: bool = True) -> None:
        """Build everything; whatever fails, warns or is skipped fails the test that asked."""
        words = ["build"] if tests else ["build", "--exclude-resource-type", "test"]
        print(json.dumps(words), file=self.process.stdin, flush=True)
        failed = json.loads(self.process.stdout.readline() or '{"dbt": "died"}')
        assert failed == {}, self.errors.read_text()[-3000:]

    def keep(self, name: str) -> Path:
        """Set the warehouse as it is aside."""
        return Path(shutil.copy(self.path, self.path.with_name(f"{name}.duckdb")))

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


def run(command: list[str | Path], lines: bytes = b"") -> bytes:
    """Run a program to its end and return what it said on stdout."""
    done = subprocess.run(command, input=lines, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return done.stdout


@dataclass
class Pipeline:
    """Both taps and the target, with the state of the run before."""

    simulator: Simulator
    folder: Path
    warehouse: Path

    def run(self) -> None:
        """Load both CRMs, one after the other into the one file, the taps at the same time."""
        with ThreadPoolExecutor() as pool:
            messages = list(pool.map(self._extract, ("opencrm", "espocrm")))
        for crm, lines in zip(("opencrm", "espocrm"), messages, strict=True):
            self._load(crm, lines)

    def _extract(self, crm: str) -> bytes:
        side = getattr(self.simulator, crm)
        keys = side.credentials if crm == "opencrm" else side.credentials["api_key"]
        config = self._write(f"{crm}.config.json", {"url": side.url, **keys})
        command = [BIN / f"tap-{crm}", "--config", config]
        state = self.folder / f"{crm}.state.json"
        if state.exists():
            command += ["--state", state]
        return run(command)

    def _load(self, crm: str, lines: bytes) -> None:
        config = self._write(
            f"{crm}.target.json",
            {"path": str(self.warehouse), "default_target_schema": crm, "max_delete_fraction": 1},
        )
        states = run([BIN / "target-duckdb", "--config", config], lines)
        (self.folder / f"{crm}.state.json").write_bytes(states.splitlines()[-1])

    def _write(self, name: str, content: dict[str, object]) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path


@dataclass
class Warehouse:
    """A built warehouse, and the records it was built from."""

    path: Path
    truth: Truth | None = None

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """One connection for all questions: to open a file of two hundred tables takes a moment."""
        return duckdb.connect(str(self.path), read_only=True)

    def rows(self, sql: str) -> list[tuple]:
        """Return the rows of a query."""
        return self.connection.execute(sql).fetchall()

    def table(self, sql: str, keys: int) -> dict[tuple, tuple]:
        """Return the rows of a query by their first columns."""
        return {row[:keys]: row[keys:] for row in self.rows(sql)}


@pytest.fixture(scope="session")
def dbt(tmp_path_factory):
    """A dbt that is already started."""
    started = Dbt(tmp_path_factory.mktemp("transform"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def loads(dbt, tmp_path_factory):
    """The warehouse after a first load and after a second one three days later."""
    clock = Clock.frozen("2026-11-20T12:00:00+00:00")
    with Simulator(seed=7, scale=0.05, clock=clock) as simulator:
        pipeline = Pipeline(simulator, tmp_path_factory.mktemp("loads"), dbt.path)
        lives.prepare(simulator)
        pipeline.run()
        first = Truth.of(simulator)
        dbt.build()
        before = Warehouse(dbt.keep("first"), first)
        clock.advance(seconds=3 * 86_400)
        lives.go_on(simulator)
        pipeline.run()
        dbt.build(tests=False)
        yield before, Warehouse(dbt.keep("second"), Truth.of(simulator))


@pytest.fixture(scope="session")
def first(loads):
    """The warehouse after the first load."""
    return loads[0]


@pytest.fixture(scope="session")
def second(loads):
    """The warehouse after the second load."""
    return loads[1]
