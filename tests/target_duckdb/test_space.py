"""The file stays small: what deleted rows leave is given back."""

from __future__ import annotations

import errno
import os
import random
import re
import subprocess
import sys
from contextlib import suppress

import duckdb
import pytest
from target_duckdb import commits, compaction
from target_duckdb.database import Database

from tests import figures
from tests.target_duckdb.loading import HOLD, Warehouse, noise, record, schema, state


def load_daily(warehouse: Warehouse, days: int) -> float:
    """Load as many days of upserts and return the file's size by that of a fresh copy."""
    chance = random.Random(1)

    def rows(ids, day):
        return [record("a", id=number, name=f"{noise(chance)} {day}") for number in ids]

    warehouse.load(schema("a"), *rows(range(20_000), 0))
    for day in range(days):
        old, new = chance.sample(range(20_000), 400), range(20_000 + day * 20, 20_020 + day * 20)
        warehouse.load(schema("a"), *rows(old, day), *rows(new, day), state(day))
    fresh = warehouse.path.with_name("fresh.duckdb")
    with duckdb.connect(str(fresh)) as connection:
        connection.execute(f"ATTACH '{warehouse.path}' AS old (READ_ONLY)")
        connection.execute("COPY FROM DATABASE old TO fresh")
    assert warehouse.one("SELECT count(*) FROM crm.a") == 20_000 + days * 20
    share = warehouse.path.stat().st_size / fresh.stat().st_size
    figures.count(f"target-duckdb, {days} days", "% of a fresh copy", round(100 * share))
    return share


def test_the_file_stays_small(tmp_path):
    assert load_daily(Warehouse(tmp_path / "warehouse.duckdb"), 12) <= 1.5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh.duckdb", "warehouse.duckdb"]


@pytest.mark.soak
def test_the_file_stays_small_for_a_year(tmp_path):
    assert load_daily(Warehouse(tmp_path / "warehouse.duckdb"), 365) <= 1.5


def test_a_long_run_gives_space_back_before_it_ends(tmp_path, monkeypatch):
    warehouse, chance, sizes = Warehouse(tmp_path / "warehouse.duckdb"), random.Random(1), []

    def rows(ids):
        return [record("a", id=number, name=noise(chance)) for number in ids]

    def tidy_and_note_the_size(database, count):
        sizes.append(warehouse.path.stat().st_size)
        return compaction.tidy(database, count)

    warehouse.load(schema("a"), *rows(range(2_000)))
    monkeypatch.setattr(commits, "tidy", tidy_and_note_the_size)
    changes = [
        message for day in range(60) for message in (*rows(chance.sample(range(2_000), 5)), state(day))
    ]
    warehouse.load(schema("a"), *changes, one_by_one=True, batch_size_rows=5)
    assert warehouse.one("SELECT max(commits) FROM _load.runs") >= 60
    assert len(sizes) == 3
    assert max(sizes) < 15_000_000
    assert warehouse.one("SELECT count(*) FROM crm.a") == 2_000


def test_the_copy_of_a_killed_run_is_removed(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    for name in ("warehouse.duckdb.compact", "warehouse.duckdb.compact.wal"):
        (tmp_path / name).write_bytes(b"half a copy")
    warehouse.load(schema("a"), record("a", id=1, name="x"))
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.duckdb"]


@pytest.mark.parametrize(("width", "memory"), [(290, "220MB"), (500, "400MB")])
def test_a_table_too_wide_to_be_tidied_up_is_loaded_once(tmp_path, caplog, width, memory):
    """DuckDB 1.5 has too little memory to merge its row groups; of a very wide one it does not try."""
    warehouse, chance = Warehouse(tmp_path / "warehouse.duckdb"), random.Random(1)
    names = [f"x{number}" for number in range(width)]
    messages = [
        schema("k", {"id": {"type": "integer"}, **{name: {"type": "string"} for name in names}}, keys=()),
        *(record("k", id=number, **{name: str(chance.random()) for name in names}) for number in range(300)),
        state({"n": 1}),
    ]
    for times in (1, 2):
        assert warehouse.load(*messages, memory_limit=memory) == [{"n": 1}]
        assert warehouse.one("SELECT count(*) FROM crm.k") == 300 * times
    assert warehouse.sql("SELECT rows_in FROM _load.streams") == [(300,), (300,)]
    is_tried = width <= compaction.MANY_COLUMNS and duckdb.__version__ < "2"
    assert ("row groups were not merged" in caplog.text) is is_tried


def test_a_file_of_which_a_copy_would_be_somebody_elses_is_not_compacted(tmp_path, monkeypatch, caplog):
    """Its owner would be locked out; so says the system to all who are neither that nor root."""
    warehouse, chance = Warehouse(tmp_path / "warehouse.duckdb"), random.Random(1)
    warehouse.load(schema("a"), *(record("a", id=number, name=noise(chance)) for number in range(30_000)))
    before = warehouse.path.stat()

    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    warehouse.load(schema("a"), load_method="overwrite")
    assert warehouse.path.stat().st_ino == before.st_ino
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.duckdb"]
    owner = f"only its owner can (user {before.st_uid}, group {before.st_gid})"
    assert f"the database could not be compacted: {owner}" in caplog.text


def test_comments_views_and_mode_survive_compaction(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    rules = {"id": {"type": "integer", "title": "Number"}, "name": {"type": "string"}}
    chance = random.Random(1)
    rows = [record("a", id=number, name=noise(chance)) for number in range(30_000)]
    warehouse.load(schema("a", rules), *rows)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE VIEW crm.v AS SELECT id FROM crm.a")
    warehouse.path.chmod(0o640)
    is_root = os.geteuid() == 0
    owner = (1234, 5678) if is_root else (os.geteuid(), os.getegid())
    os.chown(warehouse.path, *owner)
    with suppress(OSError):  # not every file system has them
        os.setxattr(warehouse.path, "user.origin", b"crm")
    attributes = os.listxattr(warehouse.path)
    size = warehouse.path.stat().st_size
    warehouse.load(schema("a", rules), load_method="overwrite")
    warehouse.load(schema("a", rules), record("a", id=1, name="y"))
    assert warehouse.path.stat().st_size < size / 2
    found = warehouse.path.stat()
    assert (oct(found.st_mode)[-3:], found.st_uid, found.st_gid) == ("640", *owner)
    assert os.listxattr(warehouse.path) == attributes
    assert warehouse.sql("SELECT id FROM crm.v") == [(1,)]
    comments = warehouse.sql("SELECT comment FROM duckdb_columns() WHERE comment IS NOT NULL")
    assert comments == [("Number",)]


def test_row_groups_are_not_merged_where_all_will_be_copied(tmp_path, monkeypatch):
    warehouse, chance, said = Warehouse(tmp_path / "warehouse.duckdb"), random.Random(1), []
    run = Database.run

    def note(self, statement, parameters=None):
        said.append(statement)
        return run(self, statement, parameters)

    monkeypatch.setattr(Database, "run", note)
    warehouse.load(schema("a"), *[record("a", id=number, name=noise(chance)) for number in range(30_000)])
    assert "SET max_vacuum_tasks = 100" not in said  # nor after a large load
    warehouse.load(schema("a"), record("a", id=1, name="x"))
    assert "SET max_vacuum_tasks = 100" in said
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("DELETE FROM crm.a WHERE id < 10000")
    said.clear()
    size = warehouse.path.stat().st_size
    warehouse.load(schema("a"), record("a", id=1, name="y"))
    assert "SET max_vacuum_tasks = 100" not in said
    assert warehouse.path.stat().st_size < size * 0.8
    assert warehouse.one("SELECT count(*) FROM crm.a") == 20_001


def test_a_file_that_somebody_goes_on_using_is_not_compacted(tmp_path, monkeypatch, caplog):
    warehouse, chance = Warehouse(tmp_path / "warehouse.duckdb"), random.Random(1)
    warehouse.load(schema("a"), *[record("a", id=number, name=noise(chance)) for number in range(30_000)])
    monkeypatch.setattr(commits, "compact", compact_beside(warehouse, "sys.stdin.read()"))
    monkeypatch.setattr("target_duckdb.database.SHORT_WAIT", 0.2)
    warehouse.load(schema("a"), record("a", id=1, name="x"), load_method="overwrite")
    told = rf"could not be compacted: {warehouse.path} is locked by process \d+ \(.*\), waited 0.2 s for it$"
    assert re.search(told, caplog.text, re.MULTILINE)
    assert warehouse.sql("SELECT id, name FROM crm.a") == [(1, "x")]
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.duckdb"]


def test_a_file_that_somebody_has_just_opened_is_compacted_after_that(tmp_path, monkeypatch, caplog):
    """Who waits for the end of a load opens the file as soon as that has closed it."""
    warehouse, chance = Warehouse(tmp_path / "warehouse.duckdb"), random.Random(1)
    warehouse.load(schema("a"), *[record("a", id=number, name=noise(chance)) for number in range(30_000)])
    size = warehouse.path.stat().st_size
    monkeypatch.setattr(commits, "compact", compact_beside(warehouse, "time.sleep(0.5)"))
    warehouse.load(schema("a"), record("a", id=1, name="x"), load_method="overwrite")
    assert "could not be compacted" not in caplog.text
    assert warehouse.path.stat().st_size < size / 2
    assert warehouse.sql("SELECT id, name FROM crm.a") == [(1, "x")]


def test_a_foreign_key_that_hinders_compaction_is_named_without_its_values(tmp_path, caplog):
    warehouse, chance = Warehouse(tmp_path / "warehouse.duckdb"), random.Random(1)
    warehouse.load(schema("a"), *[record("a", id=number, name=noise(chance)) for number in range(30_000)])
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE TABLE z (id INTEGER PRIMARY KEY, up INTEGER REFERENCES z (id))")
        connection.execute("INSERT INTO z VALUES (4711, NULL); INSERT INTO z VALUES (4712, 4711)")
    warehouse.load(schema("a"), record("a", id=1, name="x"), load_method="overwrite")
    assert "could not be compacted: a foreign key is in the way. " in caplog.text
    assert "4711" not in caplog.text
    assert warehouse.sql("SELECT id, name FROM crm.a") == [(1, "x")]


def compact_beside(warehouse: Warehouse, wait: str):
    """Return a compaction that finds another process in the file, which waits there."""

    def compact(database):
        command = [sys.executable, "-c", HOLD.format(path=str(warehouse.path), wait=wait)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout.readline() == b"held\n"
            compaction.compact(database)
            holder.stdin.close()

    return compact


def test_a_wide_file_is_compacted_within_the_memory_that_there_is(tmp_path):
    """With all its threads and the usual row groups DuckDB 1.5 needs more."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    columns = ", ".join(f"'value ' || (range * {number + 7}) AS c{number}" for number in range(400))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"CREATE TABLE wide AS SELECT range AS id, {columns} FROM range(12_000)")
        connection.execute("DELETE FROM wide WHERE id % 2 = 0")
    size = warehouse.path.stat().st_size
    warehouse.load(schema("a"), record("a", id=1), memory_limit="250MB")
    assert warehouse.path.stat().st_size < size * 0.8
    assert warehouse.one("SELECT count(c399) FROM wide") == 6_000
