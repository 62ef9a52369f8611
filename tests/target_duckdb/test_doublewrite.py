"""A kill in the middle of a write: what DuckDB overwrites in place is put back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from random import Random

import duckdb
import pytest
from target_duckdb.doublewrite import HEADERS, SUFFIX, DoubleWrite

from tests.target_duckdb.loading import (
    COMMAND,
    HOLD,
    KEYED,
    Warehouse,
    lines,
    noise,
    record,
    records,
    schema,
    state,
)

BLOCK = 256 * 1024


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def overwritten(warehouse: Warehouse) -> list[int]:
    """Return where the blocks begin that DuckDB may overwrite in place."""
    query = "SELECT block_id FROM pragma_metadata_info('warehouse') WHERE free_blocks > 0"
    return [HEADERS + number * BLOCK for (number,) in warehouse.sql(query)]


def stop_while_blocks_are_kept(warehouse: Warehouse, *messages) -> None:
    """Load, and kill the target once it has kept blocks and before a new header is there."""
    copy = warehouse.path.with_name(warehouse.path.name + SUFFIX)
    config = warehouse.path.with_suffix(".json")
    config.write_text(json.dumps(warehouse.config()), "utf-8")
    headers = warehouse.path.read_bytes()[:HEADERS]
    with subprocess.Popen(
        [*COMMAND, "--config", str(config)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        process.stdin.write(b"\n".join(lines(messages)) + b"\n")
        process.stdin.close()
        while not copy.exists():
            assert process.poll() is None, "the target ended and kept nothing"
            time.sleep(0.0002)
        process.kill()
    assert warehouse.path.read_bytes()[:HEADERS] == headers, "killed too late"
    assert oct(copy.stat().st_mode)[-3:] == "600"


def tear(warehouse: Warehouse) -> int:
    """Leave what a kill within a write leaves: the first pages are new; return how many blocks there are."""
    places = overwritten(warehouse)
    with warehouse.path.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(os.urandom(4096))
    with pytest.raises(duckdb.Error, match="Corrupt database file"):
        warehouse.sql("SELECT 1")
    return len(places)


def test_a_write_that_was_cut_short_is_undone_by_the_next_run(warehouse):
    warehouse.load(schema("a"), *records("a", range(5)), state(1))
    more = (schema("a"), *records("a", range(3, 9)), state(2))
    stop_while_blocks_are_kept(warehouse, *more)
    assert tear(warehouse) == 1
    done = warehouse.command(*more)
    assert done.returncode == 0, done.stderr
    assert b"cut short has been undone" in done.stderr
    assert warehouse.ids("crm.a") == list(range(9))
    assert sorted(path.suffix for path in warehouse.path.parent.iterdir()) == [".duckdb", ".json"]


def test_nothing_is_put_back_into_a_file_that_has_a_new_header(warehouse):
    warehouse.load(schema("a"), *records("a", range(5)), state(1))
    stop_while_blocks_are_kept(warehouse, schema("a"), *records("a", range(9)), state(2))
    copy = warehouse.path.with_name(warehouse.path.name + SUFFIX)
    stale = copy.read_bytes()
    for number in range(3):
        warehouse.load(schema("a"), schema("b"), *records("b", [number]))
    copy.write_bytes(stale)
    done = warehouse.command(schema("b"), *records("b", [3]))
    assert done.returncode == 0, done.stderr
    assert warehouse.ids("crm.b") == [0, 1, 2, 3]
    assert not copy.exists()


@pytest.mark.parametrize("whole", [0, 100, HEADERS + 100, HEADERS + BLOCK])
def test_a_copy_that_is_not_whole_is_not_put_back(warehouse, whole):
    warehouse.load(schema("a"), *records("a", range(5)), state(1))
    stop_while_blocks_are_kept(warehouse, schema("a"), *records("a", range(9)), state(2))
    copy = warehouse.path.with_name(warehouse.path.name + SUFFIX)
    kept = copy.read_bytes()
    assert len(kept) > whole
    copy.write_bytes(kept[:whole])
    done = warehouse.command(schema("a"), *records("a", [9]))
    assert (done.returncode, b"undone" in done.stderr) == (0, False)
    assert 9 in warehouse.ids("crm.a")


def test_nothing_is_put_back_under_somebody_who_is_at_work(warehouse):
    warehouse.load(schema("a"), *records("a", range(5)), state(1))
    stop_while_blocks_are_kept(warehouse, schema("a"), *records("a", range(9)), state(2))
    copy = warehouse.path.with_name(warehouse.path.name + SUFFIX)
    kept, hold = copy.read_bytes(), HOLD.format(path=str(warehouse.path), wait="sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        done = warehouse.command(schema("a"), *records("a", [9]), lock_timeout_seconds=0.3)
        assert (done.returncode, b"is locked by process" in done.stderr) == (1, True)
        assert copy.read_bytes() == kept
        holder.communicate(b"\n")
    warehouse.load(schema("a"), *records("a", [9]))
    assert 9 in warehouse.ids("crm.a")


def test_what_another_process_keeps_meanwhile_stays(warehouse):
    warehouse.load(schema("a"), *records("a", range(5)))
    first, second = DoubleWrite(warehouse.path), DoubleWrite(warehouse.path)
    for each in (first, second):
        each.open()
        each.keep(BLOCK, [0])
    for each in (first, second):
        each.close()
    first.drop()
    assert second.copy.exists()
    second.drop()
    assert not second.copy.exists()


def test_a_link_with_the_name_of_a_copy_is_not_followed(warehouse):
    warehouse.load(schema("a"), *records("a", range(5)))
    precious = warehouse.path.with_name("precious")
    precious.write_text("precious", "utf-8")
    warehouse.path.with_name(warehouse.path.name + SUFFIX + ".new").symlink_to(precious)
    warehouse.load(schema("a"), *records("a", range(9)))
    assert precious.read_text("utf-8") == "precious"
    assert warehouse.ids("crm.a") == list(range(9))


def test_a_folder_with_the_name_of_a_copy_is_told(warehouse):
    warehouse.load(schema("a"), *records("a", range(5)))
    folder = warehouse.path.with_name(warehouse.path.name + SUFFIX + ".new")
    folder.mkdir()
    done = warehouse.command(schema("a"), *records("a", range(9)))
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    assert b"cannot write " in done.stderr
    assert warehouse.ids("crm.a") == list(range(5))


def test_after_an_error_blocks_are_kept_until_the_next_run(warehouse):
    warehouse.load(schema("a"), *records("a", range(5)))
    wider = {**KEYED, "more": {"type": "string"}}
    assert warehouse.command(schema("a", wider), schema_evolution="freeze").returncode == 1
    copy = warehouse.path.with_name(warehouse.path.name + SUFFIX)
    assert copy.exists()
    done = warehouse.command(schema("a"), *records("a", [5]))
    assert (done.returncode, b"undone" in done.stderr) == (0, False)
    assert warehouse.ids("crm.a") == list(range(6))
    assert not copy.exists()


def test_a_signal_does_not_leave_a_copy_behind(warehouse):
    warehouse.load(schema("a"), *records("a", range(5)))
    config = warehouse.path.with_suffix(".json")
    config.write_text(json.dumps(warehouse.config()), "utf-8")
    with subprocess.Popen(
        [*COMMAND, "--config", str(config)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        process.stdin.write(b"\n".join(lines([schema("a"), *records("a", range(9)), state(2)])) + b"\n")
        process.stdin.flush()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    assert not list(warehouse.path.parent.glob(f"*{SUFFIX}*"))


def test_with_its_old_headers_and_the_blocks_that_were_kept_a_file_is_what_it_was(warehouse):
    """That is a kill just before the new header; nothing else that counts has been overwritten."""
    chance, looked_at, in_place = Random(1), 0, 0
    half_written = Warehouse(warehouse.path.with_name("half.duckdb"))
    ballast = [record("c", id=number, name=noise(chance)) for number in range(20_000)]  # or it is compacted
    warehouse.load(schema("a"), *records("a", range(200)), schema("c"), *ballast)
    for day in range(12):
        before, held = warehouse.path.read_bytes(), snapshot(warehouse)
        places, inode = overwritten(warehouse), warehouse.path.stat().st_ino
        ids, wider = chance.sample(range(250), 60), {**KEYED, f"x{day}": {"type": "string"}}
        changed = [record("a", id=number, name=f"day {day}") for number in ids]
        warehouse.load(schema("a", wider), *changed, schema("b"), *records("b", ids))
        if warehouse.path.stat().st_ino != inode:
            continue  # compacted: another file
        mixed = bytearray(warehouse.path.read_bytes())
        mixed += before[len(mixed) :]  # a file is cut only after its header is written
        in_place += any(mixed[place : place + BLOCK] != before[place : place + BLOCK] for place in places)
        for place, size in [(0, HEADERS), *((place, BLOCK) for place in places)]:
            mixed[place : place + size] = before[place : place + size]
        half_written.path.write_bytes(mixed)
        assert snapshot(half_written) == held
        looked_at += 1
    assert (looked_at, in_place) >= (6, 6)


def snapshot(warehouse: Warehouse) -> list[list[tuple]]:
    """Return every table of a file with all its rows."""
    with closing(duckdb.connect(str(warehouse.path), read_only=True)) as connection:
        names = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL"
        ).fetchall()
        return [
            [name, *connection.execute(f'SELECT * FROM "{name[0]}"."{name[1]}" ORDER BY ALL').fetchall()]
            for name in names
        ]
