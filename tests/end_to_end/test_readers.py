"""People who read while loads run always see one whole version and are never in the way."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from tests import figures
from tests.end_to_end.pipeline import load

READER = """
import os, sys, time, duckdb
path, stop, is_working_file = sys.argv[1], sys.argv[2], sys.argv[3] == "working"
reads = versions = 0
last = -1
while not os.path.exists(stop):
    try:
        connection = duckdb.connect(path, read_only=True)
    except duckdb.IOException as error:
        if is_working_file and "Could not set lock" in str(error):
            time.sleep(0.01)
            continue
        raise
    seen = connection.execute(
        "SELECT v, count(*) FROM (SELECT v FROM bi.one UNION ALL SELECT v FROM bi.two) GROUP BY v"
    ).fetchall()
    connection.close()
    assert len(seen) == 1 and seen[0][1] == 100, seen
    assert seen[0][0] >= last, (seen, last)
    versions += seen[0][0] != last
    last = seen[0][0]
    reads += 1
    time.sleep(0.03)
print(reads, versions)
"""


def version(number: int) -> list[bytes]:
    """Write one version of two tables, all of whose rows say which one it is."""
    schema = {"properties": {"id": {"type": "integer"}, "v": {"type": "integer"}}}
    messages = [
        {"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["id"]}
        for stream in ("one", "two")
    ]
    messages += [
        {"type": "RECORD", "stream": stream, "record": {"id": row, "v": number}}
        for row in range(50)
        for stream in ("one", "two")
    ]
    return [json.dumps(message).encode() + b"\n" for message in messages]


def read_while_loading(forks, folder, *, readers: int, loads: int) -> None:
    working, published, stop = folder / "working.duckdb", folder / "published.duckdb", folder / "stop"
    config = {"path": str(working), "default_target_schema": "bi", "lock_timeout_seconds": 60}

    def load_and_publish(number: int) -> None:
        code, _, said = load(forks, config, folder, version(number))
        assert code == 0, said
        places = ["--database", working, "--target", published, "--exports", folder / "exports"]
        command = [sys.executable, "-m", "target_duckdb.publish.run", *places, "--wait", "60"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    load_and_publish(0)
    watched = [(published, "published")] * readers + [(working, "working")] * 2
    started = [
        subprocess.Popen(
            [sys.executable, "-c", READER, path, stop, kind], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for path, kind in watched
    ]
    time.sleep(0.3)
    for number in range(1, loads + 1):
        load_and_publish(number)
    stop.touch()
    figures.count("Readers", "loads and publications", loads)
    check_readers(started, readers)


def check_readers(started: list[subprocess.Popen[bytes]], readers: int) -> None:
    """Wait for the readers, so many of the published copy first, and look at what they have seen."""
    results = [process.communicate(timeout=60) for process in started]
    ended = zip(results, started, strict=True)
    errors = [error.decode() for (_, error), process in ended if process.returncode]
    figures.count("Readers", "errors", len(errors))
    assert errors == []
    reads, versions = zip(*(map(int, out.split()) for out, _ in results), strict=True)
    figures.count("Readers", "reads of the published copy", sum(reads[:readers]))
    figures.count("Readers", "reads of the working file", sum(reads[readers:]))
    assert min(reads[:readers]) > 0
    assert sum(reads[readers:]) > 0  # the working file is free between the loads
    assert max(versions[:readers]) > 1


def test_readers_see_one_whole_version_during_some_loads(forks, tmp_path):
    read_while_loading(forks, tmp_path, readers=3, loads=4)


@pytest.mark.soak
def test_twenty_readers_see_one_whole_version_during_two_hundred_loads(forks, tmp_path):
    read_while_loading(forks, tmp_path, readers=20, loads=200)
