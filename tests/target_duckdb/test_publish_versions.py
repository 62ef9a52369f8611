"""The read copy opens in the DuckDB of yesterday and of tomorrow."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

VENVS = Path("/tmp")
QUESTION = "SELECT count(*), sum(amount), max(day)::VARCHAR FROM bi.deals"
ASK = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2]).fetchall())"


@functools.cache
def python_with(version: str) -> Path:
    """Return a Python that has one release of DuckDB, made on the first use; skips where it cannot be had."""
    venv = VENVS / f"duckdb-{version}"
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if not uv:
        pytest.skip("uv is not here to make an environment with another DuckDB")
    python = venv / "bin/python"
    install = [uv, "pip", "install", "-q", "--system-certs", "--python", python, f"duckdb=={version}"]
    for command in [[uv, "venv", "-q", "--allow-existing", "--python", sys.executable, venv], install]:
        if python.exists() and subprocess.run([python, "-c", "import duckdb"], check=False).returncode == 0:
            break
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"DuckDB {version} is not to be had: {done.stderr.strip().splitlines()[-1]}")
    return python


@pytest.mark.parametrize("version", ["1.4.4", "2.0.0"])
def test_the_read_copy_opens_and_answers_the_same_in_another_duckdb(tmp_path, version):
    python = python_with(version)
    source, target = tmp_path / "warehouse.duckdb", tmp_path / "analytics.duckdb"
    with duckdb.connect(str(source)) as connection:
        connection.execute("""
            CREATE SCHEMA bi; CREATE SCHEMA staging;
            CREATE TABLE staging.deals AS
            SELECT range AS id, (range / 4)::DECIMAL(18,2) AS amount,
                DATE '2026-01-01' + range::INTEGER AS day
            FROM range(1000);
            CREATE VIEW bi.deals AS SELECT id, amount, day FROM warehouse.staging.deals;
        """)
        expected = connection.execute(QUESTION).fetchall()
    words = ["--database", source, "--target", target, "--exports", tmp_path / "exports"]
    subprocess.run([sys.executable, "-m", "target_duckdb.publish", *words], check=True, capture_output=True)
    asked = subprocess.run([python, "-c", ASK, target, QUESTION], capture_output=True, text=True, check=False)
    assert asked.stdout.strip() == str(expected), asked.stderr
