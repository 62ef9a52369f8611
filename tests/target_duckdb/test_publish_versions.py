"""The read copy opens in the DuckDB of yesterday and of tomorrow."""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.uv import run_uv

ROOT = Path(__file__).resolve().parents[2]
VENVS = Path("/tmp")
VERSIONS = ["1.4.4", "2.0.0"]
QUESTION = "SELECT count(*), sum(amount), max(day)::VARCHAR FROM bi.deals"
EXPECTED = "[(1000, Decimal('124875.00'), '2028-09-26')]"
ASK = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2]).fetchall())"


@functools.cache
def python_with(version: str) -> Path:
    """Return a Python that has one release of DuckDB, made on the first use; skips where it cannot be had."""
    venv = VENVS / f"duckdb-{version}"
    python = venv / "bin/python"
    with venv.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        if not (
            python.exists() and subprocess.run([python, "-c", "import duckdb"], check=False).returncode == 0
        ):
            run_uv("venv", "-q", "--allow-existing", "--python", sys.executable, venv)
            run_uv("pip", "install", "-q", "--python", python, f"duckdb=={version}")
    return python


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v1.2.0"}) as connection:
        connection.execute("""
            CREATE SCHEMA bi; CREATE SCHEMA staging;
            CREATE TABLE staging.deals AS
            SELECT range AS id, (range / 4)::DECIMAL(18,2) AS amount,
                DATE '2026-01-01' + range::INTEGER AS day
            FROM range(1000);
            CREATE VIEW bi.deals AS
            WITH deals AS (SELECT d.id, d.amount, d.day FROM warehouse.staging.deals AS d)
            SELECT * FROM deals WHERE id IN (SELECT id FROM warehouse.staging.deals);
        """)
    return path


def publish(python: str | Path, source: Path) -> Path:
    target = source.with_name("analytics.duckdb")
    words = ["--database", source, "--target", target, "--exports", source.parent / "exports"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "target-duckdb")}
    subprocess.run([python, "-m", "target_duckdb.publish.run", *words], check=True, env=environment)
    return target


@pytest.mark.parametrize("version", VERSIONS)
def test_the_read_copy_opens_and_answers_the_same_in_another_duckdb(source, version):
    python = python_with(version)
    target = publish(sys.executable, source)
    asked = subprocess.run([python, "-c", ASK, target, QUESTION], capture_output=True, text=True, check=False)
    assert asked.stdout.strip() == EXPECTED, asked.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_what_another_duckdb_publishes_opens_and_answers_the_same_here(source, version):
    with duckdb.connect(str(publish(python_with(version), source)), read_only=True) as connection:
        assert str(connection.execute(QUESTION).fetchall()) == EXPECTED
