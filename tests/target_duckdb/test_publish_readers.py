"""Readers who never stop see whole versions only, and a publisher may die at any moment."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time

import duckdb
import pytest

from tests import figures

READER = """
import duckdb, hashlib, json, os, sys, time
target, exports, stop, pause = sys.argv[1:]
seen, errors = set(), []
while not os.path.exists(stop):
    time.sleep(float(pause))
    try:
        with duckdb.connect(target, read_only=True) as connection:
            marks = connection.execute(
                "SELECT min(n), max(n), count(*) FROM (SELECT n FROM bi.one UNION ALL SELECT n FROM bi.two)"
            ).fetchall()[0]
        assert marks[0] == marks[1] and marks[2] == 2000, marks
        seen.add(marks[0])
        version = os.path.realpath(exports)
        with open(version + "/manifest.json") as stream:
            models = json.load(stream)["models"]
        for file in [file for model in models for file in model["files"]]:
            with open(version + "/" + file["file"], "rb") as stream:
                assert hashlib.sha256(stream.read()).hexdigest() == file["sha256"], file
    except Exception as error:
        errors.append(repr(error))
print(json.dumps({"seen": len(seen), "errors": errors}))
"""


def write_version(path, number):
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"""
            CREATE SCHEMA IF NOT EXISTS bi;
            CREATE OR REPLACE TABLE bi.one AS SELECT {number} AS n FROM range(1000);
            CREATE OR REPLACE TABLE bi.two AS SELECT {number} AS n FROM range(1000);
        """)


@pytest.fixture
def command(tmp_path):
    write_version(tmp_path / "warehouse.duckdb", 0)
    options = {"database": "warehouse.duckdb", "target": "out/analytics.duckdb", "exports": "out/exports"}
    words = [word for name, value in options.items() for word in (f"--{name}", str(tmp_path / value))]
    return [sys.executable, "-m", "target_duckdb.publish.run", *words, "--keep", "5"]


@pytest.mark.parametrize(
    ("readers", "publishes", "pause"),
    [(3, 5, 0.05), pytest.param(20, 200, 1, marks=pytest.mark.soak)],
    ids=["short", "long"],
)
def test_readers_see_one_version_and_no_error(tmp_path, command, readers, publishes, pause):
    subprocess.run(command, check=True, capture_output=True)
    paths = [str(tmp_path / name) for name in ("out/analytics.duckdb", "out/exports", "stop")]
    reading = [
        subprocess.Popen(
            [sys.executable, "-c", READER, *paths, str(pause)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(readers)
    ]
    for number in range(1, publishes + 1):
        write_version(tmp_path / "warehouse.duckdb", number)
        subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "stop").touch()
    reports = [json.loads(process.communicate()[0]) for process in reading]
    figures.count("target-duckdb, publications", "with readers", publishes)
    figures.count("target-duckdb, publications", "errors of readers", sum(len(r["errors"]) for r in reports))
    assert [report["errors"] for report in reports] == [[]] * readers
    assert min(report["seen"] for report in reports) > 0
    assert max(report["seen"] for report in reports) > 1


def whole_version(tmp_path) -> int:
    """Return the number of the published version after checking that copy and exports are whole."""
    with duckdb.connect(str(tmp_path / "out/analytics.duckdb"), read_only=True) as connection:
        low, high, rows = connection.execute(
            "SELECT min(n), max(n), count(*) FROM (FROM bi.one UNION ALL FROM bi.two)"
        ).fetchall()[0]
    assert (low, rows) == (high, 2000)
    exported = (tmp_path / "out/exports/one.csv").read_text().split()
    assert len(exported) == 1001
    assert len(set(exported)) == 2
    return low


@pytest.mark.parametrize("times", [12, pytest.param(500, marks=pytest.mark.soak)])
def test_a_publisher_killed_at_any_moment_leaves_a_whole_version(tmp_path, command, times):
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    usual, chance = time.monotonic() - began, random.Random(times)
    killed = number = 0
    while killed < times:
        number += 1
        write_version(tmp_path / "warehouse.duckdb", number)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            time.sleep(chance.uniform(0.3, 1) * usual)  # before that Python is still importing
            process.kill()
        killed += process.returncode == -signal.SIGKILL
        assert whole_version(tmp_path) <= number
    figures.count("target-duckdb, publications", "killed, a whole version left", killed)


def test_what_a_killed_publisher_left_behind_is_gone_after_the_next(tmp_path, command):
    place = tmp_path / "out/.analytics.duckdb.publish"
    (place / "exports").mkdir(parents=True)
    for name in ("copy.duckdb", "raw.duckdb", "raw.duckdb.wal", "exports/half.csv"):
        (place / name).write_text("half")
    subprocess.run(command, check=True, capture_output=True)
    assert [path.name for path in place.iterdir()] == ["lock"]
    assert whole_version(tmp_path) == 0
