"""Killed, stopped, out of disk: the file holds exactly the last commit, and the next run makes it whole."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from target_duckdb import commit_queue
from target_duckdb.database import Database
from target_duckdb.doublewrite import HEADERS
from target_duckdb.errors import DatabaseError, OutOfMemoryError
from target_duckdb.interruption import STOP, Interrupted
from target_duckdb.ledger import Ledger
from target_duckdb.loader import Load
from target_duckdb.reader import Reader

from tests import figures
from tests.target_duckdb.loading import (
    COMMAND,
    KEYED,
    Warehouse,
    commit,
    lines,
    live,
    record,
    records,
    schema,
    state,
)

TOTAL, FILE_ROWS = 900, 30
PEAK = """
import atexit, pathlib, re, sys
from target_duckdb.cli import main
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: sys.stderr.write(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
main()
"""
"""The target, which says as the last thing how many KB it has held at most."""
RULES = {**KEYED, "n": {"type": "integer"}}


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[str]:
    """Write the rows of stream `file` to Parquet files."""
    folder = tmp_path_factory.mktemp("files")
    names = [str(folder / f"{first}.parquet") for first in range(0, TOTAL, FILE_ROWS)]
    with duckdb.connect() as connection:
        for number, name in enumerate(names):
            rows = f"range({number * FILE_ROWS}, {(number + 1) * FILE_ROWS})"
            connection.execute(f"COPY (SELECT range AS id, range AS n FROM {rows}) TO '{name}'")
    return names


def messages_from(start: int, files: list[str]) -> list[dict]:
    """What a tap sends that resumes at a STATE.

    Two keyed streams, one without a key, one without a key as files, a schema that grows.
    """
    sent = [schema("a", RULES), schema("b", RULES), schema("log", RULES, []), schema("file", RULES, [])]
    for number in range(start, TOTAL):
        if number % 150 == 0 or number == start:
            width = number // 150
            more = {f"x{place}": {"type": "string"} for place in range(width)}
            sent.append(schema("a", {**RULES, **more, "n": {"type": "number" if width > 3 else "integer"}}))
        sent.append(record("a", id=number % 300, n=number, **({"x0": "é" * 20} if number >= 150 else {})))
        sent.append(record("b", id=number, n=number))
        sent.append(record("log", id=number, n=number))
        if number % FILE_ROWS == FILE_ROWS - 1:
            name = files[number // FILE_ROWS]
            encoding = {"format": "parquet", "compression": "none"}
            sent.append({"type": "BATCH", "stream": "file", "encoding": encoding, "manifest": [name]})
        if number % 10 == 9:
            sent.append(state({"n": number + 1}))
    return sent


def snapshot(warehouse: Warehouse) -> list:
    queries = (
        "SELECT id, n::DOUBLE FROM crm.a ORDER BY id",
        "SELECT id, n FROM crm.b ORDER BY id",
        "SELECT id, n FROM crm.log ORDER BY id, n",
        "SELECT id, n FROM crm.file ORDER BY id, n",
    )
    return [warehouse.sql(query) for query in queries]


def committed(warehouse: Warehouse) -> int:
    """Return the STATE in the file; where a kill left one that nothing opens, after a run that mends it."""
    try:
        return state_in(warehouse)
    except duckdb.Error as error:
        is_begun = warehouse.path.stat().st_size < HEADERS
        if not is_begun and "Corrupt database file" not in str(error):
            raise
    assert warehouse.command().returncode == 0
    what = "the first millisecond of a new file" if is_begun else "a write in place"
    figures.count("target-duckdb, kills", f"kills within {what}, undone by the next run")
    return state_in(warehouse)


def state_in(warehouse: Warehouse) -> int:
    """Return the STATE in the file, after a look at the rows that go with it."""
    if not warehouse.path.exists():
        return 0
    if not warehouse.one("SELECT count(*) FROM duckdb_tables() WHERE schema_name = '_load'"):
        return 0
    found = warehouse.sql("SELECT value::VARCHAR FROM _load.state")
    number = json.loads(found[0][0])["n"] if found else 0
    if number:
        assert warehouse.one("SELECT count(*) FROM crm.b") >= number
        assert warehouse.one("SELECT count(*) FROM crm.log") == number
        if files := number // FILE_ROWS:
            assert warehouse.one("SELECT count(*) FROM crm.file") == files * FILE_ROWS
        assert warehouse.sql("SELECT id, n FROM crm.a WHERE n IS NULL OR n % 300 <> id") == []
    return number


def start(warehouse: Warehouse, *more: str, **settings) -> subprocess.Popen[bytes]:
    config = warehouse.path.with_suffix(".json")
    config.write_text(json.dumps(warehouse.config(**settings)), "utf-8")
    command = [*COMMAND, "--config", str(config), *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run_and_kill(warehouse: Warehouse, payload: bytes, seconds: float) -> tuple[list[int], bool]:
    """Load, strike after some seconds; return the states let out and whether the kill came before the end."""
    with start(warehouse, batch_size_rows=200) as process:
        try:
            out, _ = process.communicate(payload, timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
    states = [json.loads(line)["n"] for line in out.splitlines() if line.endswith(b"}")]
    return states, process.returncode == -signal.SIGKILL


def kill_and_resume(warehouse: Warehouse, files: list[str], kills: int, chance: random.Random) -> None:
    undisturbed = Warehouse(warehouse.path.with_name("undisturbed.duckdb"))
    began = time.monotonic()
    assert undisturbed.command(*messages_from(0, files), batch_size_rows=200).returncode == 0
    whole, killed, wholly = time.monotonic() - began, 0, snapshot(undisturbed)
    while killed < kills:
        before = committed(warehouse)
        payload = b"\n".join(lines(messages_from(before if before < TOTAL else 0, files)))
        states, was_killed = run_and_kill(warehouse, payload, chance.uniform(0.1, 0.9) * whole)
        after, killed = committed(warehouse), killed + was_killed
        assert after >= max(states, default=0)
        if after == TOTAL:
            assert snapshot(warehouse) == wholly
            figures.count("target-duckdb, kills", "files equal to those of undisturbed runs")
            warehouse.path.unlink()
    last = committed(warehouse)
    assert warehouse.command(*messages_from(last, files), batch_size_rows=200).returncode == 0
    assert snapshot(warehouse) == wholly
    figures.count("target-duckdb, kills", "files equal to those of undisturbed runs")
    figures.count("target-duckdb, kills", "kills", killed)
    assert not list(warehouse.path.parent.glob("target-duckdb-*/*.[np]*"))


def test_killed_at_random_moments_nothing_is_lost_or_doubled(warehouse, files):
    kill_and_resume(warehouse, files, 10, random.Random(1))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(50))
def test_killed_a_thousand_times_nothing_is_lost_or_doubled(warehouse, files, seed):
    kill_and_resume(warehouse, files, 20, random.Random(seed))


def spooled(warehouse: Warehouse) -> list[Path]:
    return list(warehouse.path.parent.glob("target-duckdb-*/*.ndjson"))


def wait_for_spool(warehouse: Warehouse, files: int = 1) -> None:
    """Wait until the process has spooled records: then its signal handlers are in place."""
    deadline = time.monotonic() + 30
    while len(spooled(warehouse)) < files:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_commits_what_has_come_and_ends_cleanly(warehouse, number):
    with start(warehouse) as process:
        first = [schema("a"), *records("a", range(100)), state({"n": 100})]
        sent = [*first, *records("a", range(100, 1000))]
        process.stdin.write(b"\n".join(lines(sent)) + b'\n{"type":"RECORD","stream":"a","rec')
        process.stdin.flush()
        wait_for_spool(warehouse)
        process.send_signal(number)
        out, error = process.communicate(timeout=5)
        assert process.returncode == 0, error
    assert out == b'{"n": 100}\n'
    assert b"Traceback" not in error
    ids = warehouse.ids("crm.a")
    assert len(ids) >= 512
    assert ids == list(range(len(ids)))
    assert warehouse.sql("SELECT status FROM _load.runs") == [("running",)]


PENDING = """
import os, signal, sys
from target_duckdb.cli import main

class Importing:
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), {number})

sys.meta_path.insert(0, Importing())
main()
"""
"""The target, which gets a signal when it begins to import something."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("name", ["target_duckdb.start", "duckdb", "singer_sdk"])
def test_a_signal_while_it_starts_ends_it_cleanly(warehouse, name, number):
    config = warehouse.path.with_suffix(".json")
    config.write_text(
        json.dumps(warehouse.config(stream_maps={"a": {"name": "name"}}, lock_timeout_seconds=9))
    )
    command = [sys.executable, "-c", PENDING.format(name=name, number=int(number)), "--config", str(config)]
    sent = b"\n".join(lines([schema("a"), record("a", id=1), state(1)]))
    done = subprocess.run(command, input=sent, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr


def tables(warehouse: Warehouse) -> list[tuple[str]]:
    return warehouse.sql("SELECT table_name FROM duckdb_tables() WHERE schema_name <> '_load'")


BATCHES = {
    "jsonl": ("jsonl", "none", "TO '{}' (FORMAT json)"),
    "gzip": ("jsonl", "gzip", "TO '{}' (FORMAT json, COMPRESSION gzip)"),
    "Parquet as it is": ("parquet", "none", "TO '{}' (FORMAT parquet)"),
    "Parquet as JSON": ("parquet", "none", "TO '{}' (FORMAT parquet)"),
}


@pytest.mark.parametrize("keys", [["id"], []], ids=["with a key", "without a key"])
@pytest.mark.parametrize("kind", BATCHES)
def test_a_wish_to_stop_is_heeded_within_a_file_of_a_batch(warehouse, tmp_path, monkeypatch, kind, keys):
    path, (known, compression, options) = tmp_path / "rows", BATCHES[kind]
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT range AS id FROM range(50000)) {options.format(path)}")
    encoding = {"format": known, "compression": compression}
    batch = {"type": "BATCH", "stream": "a", "encoding": encoding, "manifest": [str(path)]}
    rules = {"id": {"type": "string" if kind == "Parquet as JSON" else "integer"}}
    pause = Load.pause

    def stop(load: Load, size: int) -> None:
        pause(load, size)
        monkeypatch.setattr(STOP, "since", time.monotonic())

    monkeypatch.setattr(Load, "pause", stop)
    sent = [schema("a", rules, keys), record("a", id=1), state(1), batch, state(2)]
    out = warehouse.load(*sent, is_complete=False, batch_size_rows=9000)
    monkeypatch.undo()
    if keys:
        assert out == [1]
        assert 1 < warehouse.one("SELECT count(*) FROM crm.a") < 50_000
    else:  # no STATE covers the rows: they would come again
        assert (out, tables(warehouse)) == ([], [])
    assert warehouse.load(*sent) == [2]
    assert warehouse.one("SELECT count(*) FROM crm.a") == (50_000 if keys else 50_001)


@pytest.mark.parametrize("size", [1000, 1], ids=["one batch", "one more after it"])
def test_a_wish_to_stop_does_not_wait_for_every_line_of_a_batch_to_be_looked_at(
    warehouse, monkeypatch, caplog, size
):
    monkeypatch.setattr("target_duckdb.streams.CAREFUL_ROWS", 0)
    odd = [b'{"type":"RECORD","stream":"a","record":{"id":%d,"name":1.10}}' % number for number in (1, 2)]
    sent = [schema("a"), *odd, state(1), schema("b"), record("b", id=3), state(2)]
    with monkeypatch.context() as patch:
        patch.setattr(STOP, "since", 0.0)
        assert warehouse.load(*sent, is_complete=False, batch_size_rows=size) == []
    said = [int(count) for count in re.findall("stopped before ([0-9]+) records were committed", caplog.text)]
    assert sum(said) == 3
    assert tables(warehouse) == []
    assert warehouse.load(*sent) == [2]
    assert warehouse.sql("SELECT * FROM crm.a ORDER BY id") == [(1, "1.10"), (2, "1.10")]
    assert warehouse.ids("crm.b") == [3]


def test_what_takes_too_long_to_commit_is_left_to_the_next_run(warehouse, monkeypatch, caplog):
    sent = [schema("a"), *records("a", range(20_000)), state(1)]
    with monkeypatch.context() as patch:
        patch.setattr(STOP, "since", 0.0)
        patch.setattr(commit_queue, "GLANCE", 0.001)
        assert warehouse.load(*sent, is_complete=False) == []
    assert "stopped before 20000 records were committed" in caplog.text
    assert tables(warehouse) == []
    assert warehouse.load(*sent) == [1]
    assert warehouse.one("SELECT count(*) FROM crm.a") == 20_000


def test_what_is_left_to_the_next_run_is_not_counted_among_what_is_there(warehouse, monkeypatch, caplog):
    """The last step gives up: by then rows are counted, and more deletes than believable are withheld."""
    caplog.set_level("INFO")
    warehouse.load(schema("a"), *records("a", range(200)), state(1))
    caplog.clear()
    odd = [record("b", 7, id=1), record("b", id=2), *live("c", ["none"], 5)]
    with Load(warehouse.read()) as load:
        commit(load, schema("a"), schema("b"), schema("c"), record("a", id=200), state(2))
        monkeypatch.setattr(Ledger, "close", interrupt)
        Reader(load).read([line + b"\n" for line in lines([*odd, *live("a", range(10), 5), state(3)])])
        load.finish(is_complete=False)
        committer = load.commits.committer
    told = [json.loads(text.partition(" ")[2]) for text in caplog.messages if "record_count" in text]
    assert [(point["tags"], point["value"]) for point in told] == [({"stream": "a"}, 1)]
    assert "stopped before 12 records were committed" in caplog.text
    assert (committer.deleter.withheld, committer.deleter.unversioned) == ([], set())
    assert committer._incomplete == set()
    assert warehouse.ids("crm.a") == list(range(201))


def interrupt(*_: object) -> None:
    raise Interrupted


def test_what_is_being_committed_is_not_left_to_the_next_run(warehouse, monkeypatch):
    run = Database.run

    def give_up(self, statement, parameters=None):
        if statement == "COMMIT":
            self.give_up()
        return run(self, statement, parameters)

    monkeypatch.setattr(Database, "run", give_up)
    assert warehouse.load(schema("a"), *records("a", range(20_000)), state(1)) == [1]
    monkeypatch.undo()
    assert warehouse.one("SELECT count(*) FROM crm.a") == 20_000


def test_a_statement_that_another_run_may_run_ends_when_this_one_has_to_hurry(warehouse):
    with Load(warehouse.read()) as load, ThreadPoolExecutor(1) as worker:
        long = "SELECT sum(hash(range)) FROM range(5_000_000_000)"
        ended = worker.submit(load.commits.database.run_at_leisure, long)
        time.sleep(0.2)
        load.commits.hurry()
        with pytest.raises(DatabaseError, match="asked to stop"):
            ended.result(2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nobody_waits_for_a_compaction(warehouse, number):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE TABLE waste AS SELECT uuid() AS id FROM range(3_000_000)")
        connection.execute("DELETE FROM waste WHERE hash(rowid) % 2 = 0")
    size = warehouse.path.stat().st_size
    fresh = warehouse.path.with_name("warehouse.duckdb.compact")
    with start(warehouse) as process:
        process.stdin.write(b"\n".join(lines(KEYLESS)) + b"\n")
        process.stdin.close()
        deadline = time.monotonic() + 30
        while not fresh.exists():
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(number)
        assert process.wait(5) == (-signal.SIGKILL if number == signal.SIGKILL else 0)
        assert process.stdout.read() == b'{"n": 1}\n'  # or the rows would come once more
        is_told = b"could not be compacted: asked to stop" in process.stderr.read()
    assert is_told is (number != signal.SIGKILL)
    assert warehouse.path.stat().st_size >= size
    assert fresh.exists() is (number == signal.SIGKILL)
    assert warehouse.load() == []
    assert warehouse.path.stat().st_size < size * 0.7
    assert warehouse.ids("crm.k") == [1, 2]
    assert not fresh.exists()


@pytest.mark.parametrize("settings", [{}, {"stream_maps": {"a": {"n": "id"}}}], ids=["plain", "mapped"])
@pytest.mark.parametrize("is_input", [False, True], ids=["BATCH", "--input"])
def test_a_signal_is_heeded_while_a_long_file_is_read(warehouse, tmp_path, settings, is_input):
    head = b"" if not is_input else b'{"type":"RECORD","stream":"a","record":'
    path = tmp_path / "rows"
    first = [schema("a", keys=[]), record("a", id=1), state(1)]
    path.write_bytes(b"\n".join([*lines(first), b""]) if is_input else b"")
    with path.open("ab") as file:
        for _ in range(3):
            file.write((head + b'{"id": 1, "name": "n1"}' + b"}" * is_input + b"\n") * 1_000_000)
    batch = {"type": "BATCH", "stream": "a", "encoding": {"format": "jsonl"}, "manifest": [str(path)]}
    with start(warehouse, *(["--input", str(path)] * is_input), **settings) as process:
        process.stdin.write(b"" if is_input else b"\n".join(lines([*first, batch, state(2)])) + b"\n")
        process.stdin.flush()
        wait_for_spool(warehouse)
        process.terminate()
        out, error = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, b""), error  # read to its end, the last STATE would be here
    assert tables(warehouse) == []


def test_a_signal_does_not_wait_for_a_locked_file(warehouse):
    warehouse.load(schema("a"), record("a", id=1))
    with duckdb.connect(str(warehouse.path)), start(warehouse) as process:
        process.stdin.write(b"\n".join(lines([schema("a"), *records("a", range(1000))])) + b"\n")
        process.stdin.flush()
        wait_for_spool(warehouse)
        process.terminate()
        error = process.stderr.read()
        assert process.wait(6) == 1
    assert b"is locked by process" in error


def test_no_more_than_two_batches_wait_for_a_locked_file(warehouse):
    warehouse.load(schema("a"), record("a", id=1))
    sent = b"\n".join(lines([schema("a"), *records("a", range(20_000)), state(1)]))
    with start(warehouse, batch_size_rows=1000) as process, ThreadPoolExecutor(1) as writer:
        with duckdb.connect(str(warehouse.path)):
            ended = writer.submit(process.communicate, sent, timeout=60)
            wait_for_spool(warehouse, 2)
            time.sleep(1)  # enough for all the rest
            assert len(spooled(warehouse)) == 2
        assert ended.result()[0] == b"1\n"
    assert warehouse.one("SELECT count(*) FROM crm.a") == 20_000
    assert spooled(warehouse) == []


def test_records_are_committed_when_they_have_waited_long_enough(warehouse):
    with start(warehouse, max_batch_age_seconds=0.2) as process:
        process.stdin.write(b"\n".join(lines([schema("a"), record("a", id=1), state({"n": 1})])) + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b'{"n": 1}\n'
        assert warehouse.ids("crm.a") == [1]
        process.stdin.close()
        assert process.wait(10) == 0


def run_limited(warehouse, size, *messages, **settings):
    """Run the command where no file may have more bytes."""
    config = warehouse.path.with_suffix(".json")
    config.write_text(json.dumps(warehouse.config(**{"temp_directory": "/tmp", **settings})), "utf-8")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        [*COMMAND, "--config", str(config)],
        input=b"\n".join(lines(messages)),
        capture_output=True,
        preexec_fn=limit,
        timeout=60,
        check=False,
    )


def test_a_full_disk_stops_the_run_and_leaves_the_last_commit(warehouse):
    first = [schema("a"), *records("a", range(1000)), state({"n": 1})]
    assert warehouse.command(*first).returncode == 0
    size = warehouse.path.stat().st_size
    chance = random.Random(3)
    texts = [f"{chance.getrandbits(400):0100x}" for _ in range(40_000)]
    more = lines(
        [
            schema("a"),
            *(record("a", id=number, name=text) for number, text in enumerate(texts)),
            state({"n": 2}),
        ]
    )
    done = run_limited(warehouse, size + 1_000_000, *more, batch_size_rows=20_000)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if b"ERROR" in line]) == 1
    kept = warehouse.one("SELECT value::VARCHAR FROM _load.state")
    assert json.loads(kept) == {"n": 1}
    assert warehouse.command(*more).returncode == 0
    assert warehouse.one("SELECT count(*) FROM crm.a") == 40_000


def test_a_disk_that_is_full_from_the_start_is_told(warehouse):
    done = run_limited(warehouse, 0, schema("a"), record("a", id=1), temp_directory=None)
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    assert b"temp_directory names another" in done.stderr


KEYLESS = [schema("k", keys=()), *records("k", [1, 2]), state({"n": 1})]


def test_a_disk_that_is_full_after_the_commit_loses_and_doubles_nothing(warehouse):
    """The rows are in the log; that the file cannot be written is no reason to have them sent again."""
    warehouse.load(*KEYLESS)
    done = run_limited(warehouse, warehouse.path.stat().st_size, *KEYLESS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"n": 1}
    assert b"tidied up" in done.stderr
    assert warehouse.ids("crm.k") == [1, 1, 2, 2]
    assert warehouse.load(*KEYLESS) == [{"n": 1}]
    assert warehouse.ids("crm.k") == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("size", [0, 1_000, 4_096, 8_192, 12_288])
def test_a_database_that_could_not_be_begun_is_begun_anew(warehouse, size):
    if size:
        assert run_limited(warehouse, size, *KEYLESS).returncode == 1
    else:
        warehouse.path.touch()
    assert warehouse.load(*KEYLESS) == [{"n": 1}]
    assert warehouse.ids("crm.k") == [1, 2]


def test_a_database_that_somebody_has_just_begun_is_not_removed(warehouse):
    """A process that makes one has not got its lock at first; into a removed file it would load in vain."""
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_BEGINNING, str(warehouse.path)], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"begun\n"
        assert warehouse.load(*KEYLESS) == [{"n": 1}]
    assert other.returncode == 0
    assert warehouse.ids("crm.k") == [1, 2]
    assert warehouse.sql("FROM of_somebody_else") == [(1,)]


SLOW_BEGINNING = """
import os, pathlib, sys, time, duckdb
path = pathlib.Path(sys.argv[1])
with duckdb.connect(str(path.with_suffix(".whole"))) as connection:
    connection.execute("CREATE TABLE of_somebody_else AS SELECT 1")
content = path.with_suffix(".whole").read_bytes()
file = os.open(path, os.O_CREAT | os.O_WRONLY)
print("begun", flush=True)
time.sleep(0.5)
os.write(file, content)
"""
"""What DuckDB does when it makes a file, slowly, and up to where it has no lock: open, write."""


def test_what_is_loaded_while_another_process_compacts_goes_into_the_new_file(warehouse, monkeypatch):
    """It may give its copy the name between the moments in which DuckDB opens a file and locks it."""
    warehouse.load(schema("k", keys=()), *records("k", [0]))
    attach, old = Database._attach_sql, Warehouse(warehouse.path.with_name("old.duckdb"))

    def lose_the_name_meanwhile(database, option):
        statement = attach(database, option)
        if old.path.exists():
            return statement
        os.link(warehouse.path, old.path)
        fresh = Path(shutil.copy(warehouse.path, warehouse.path.with_suffix(".compact")))
        fresh.replace(warehouse.path)
        return statement.replace(str(warehouse.path), str(old.path))

    monkeypatch.setattr(Database, "_attach_sql", lose_the_name_meanwhile)
    assert warehouse.load(*KEYLESS) == [{"n": 1}]
    assert warehouse.ids("crm.k") == [0, 1, 2]
    assert old.ids("crm.k") == [0]


def test_a_short_file_that_is_no_database_is_left_alone(warehouse):
    warehouse.path.write_text("precious", "utf-8")
    with pytest.raises(DatabaseError, match="not a valid DuckDB database file"):
        warehouse.load(*KEYLESS)
    assert warehouse.path.read_text("utf-8") == "precious"


@pytest.mark.parametrize("last", ["COMMIT", "DETACH warehouse"])
@pytest.mark.parametrize("error", [DatabaseError, OutOfMemoryError])
def test_a_commit_that_fails_once_it_is_done_is_not_repeated(warehouse, monkeypatch, error, last):
    """So DuckDB does where the checkpoint that belongs to a COMMIT fails."""
    run, failed = Database.run, []

    def fail_after_commit(self, statement, parameters=None):
        found = run(self, statement, parameters)
        if statement == last and statement not in failed:
            failed.append(statement)
            raise error("checkpoint failed")
        return found

    monkeypatch.setattr(Database, "run", fail_after_commit)
    assert warehouse.load(*KEYLESS) == [{"n": 1}]
    assert warehouse.ids("crm.k") == [1, 2]
    assert warehouse.sql("SELECT rows_in, rows_inserted FROM _load.streams") == [(2, 2)]


def test_memory_stays_within_the_limit(warehouse):
    """The whole process peaks below 600 MB, with less for DuckDB than the load is large."""
    rows = (record("a", id=number, name="x" * 900) for number in range(200_000))
    config = warehouse.path.with_suffix(".json")
    config.write_text(json.dumps(warehouse.config(memory_limit="128MB")), "utf-8")
    command = [sys.executable, "-c", PEAK, "--config", str(config)]
    given = b"\n".join(lines([schema("a"), *rows]))
    done = subprocess.run(command, input=given, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.splitlines()[-1]) < 600_000
    assert warehouse.one("SELECT count(*) FROM crm.a") == 200_000
