"""A batch is cut at so many rows, bytes or seconds; the first ones sooner, so that DuckDB begins soon."""

from __future__ import annotations

import pytest
from target_duckdb import open_batch, pace
from target_duckdb.loader import Load
from target_duckdb.pace import FIRST_BYTES, FIRST_ROWS, GROWING, GROWTH, Pace
from target_duckdb.reader import Reader
from target_duckdb.settings import read_settings

from tests.target_duckdb.loading import Warehouse, lines, record, schema, state

NEVER = {"batch_size_rows": 10**12, "batch_size_bytes": 10**15, "max_batch_age_seconds": 10**6}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(pace, "time", clock)
    return clock


def pace_of(**settings):
    return Pace(read_settings({"path": "crm.duckdb", **NEVER, **settings}))


def test_the_first_batch_is_small_and_each_further_one_may_be_three_times_as_large():
    given, most = pace_of(), FIRST_ROWS
    for _ in range(4):
        assert not given.is_due(most - 1, steps=1)
        assert given.is_due(most, steps=1)
        given.cut()
        most *= GROWTH


def test_each_step_of_a_batch_has_its_share():
    given = pace_of()
    assert not given.is_due(FIRST_ROWS * 5 - 1, steps=5)
    assert given.is_due(FIRST_ROWS * 5, steps=5)


def test_bytes_count_from_the_last_cut():
    given = pace_of()
    given.read(FIRST_BYTES - 1)
    assert not given.is_due(1, steps=1)
    given.read(1)
    assert given.is_due(1, steps=1)
    given.cut()
    assert not given.is_due(1, steps=1)


@pytest.mark.parametrize(("batches", "steps"), [(0, 1), (GROWING + 5, 30)])
def test_the_settings_count_however_large_a_batch_might_be(batches, steps):
    given = pace_of(batch_size_rows=1000, batch_size_bytes=5000)
    for _ in range(batches):
        given.cut()
    assert not given.is_due(999, steps)
    assert given.is_due(1000, steps)
    given.read(5000)
    assert given.is_due(1, steps)


def test_an_old_batch_is_due_if_there_is_anything_in_it(clock):
    given = pace_of(max_batch_age_seconds=300)
    clock.now += 1000
    given.begin()
    clock.now += 299
    assert not given.is_due(1, steps=1)
    clock.now += 1
    assert given.is_due(1, steps=1)
    assert not given.is_due(0, steps=0)
    given.cut()
    assert not given.is_due(1, steps=1)


def test_with_patience_it_may_get_so_many_times_as_large_and_old(clock):
    given = pace_of(max_batch_age_seconds=300)
    assert not given.is_due(2 * FIRST_ROWS - 1, steps=1, patience=2)
    assert given.is_due(2 * FIRST_ROWS, steps=1, patience=2)
    given.begin()
    clock.now += 599
    assert not given.is_due(1, steps=1, patience=2)
    clock.now += 1
    assert given.is_due(1, steps=1, patience=2)


@pytest.fixture
def load(tmp_path, clock):
    with Load(Warehouse(tmp_path / "warehouse.duckdb").read(max_batch_age_seconds=300)) as load:
        yield load


def waiting(load, *messages):
    """Return how many records wait once some messages, or none for a while, have come."""
    Reader(load).read([b"".join(line + b"\n" for line in lines(messages))])
    return load.batch.rows


def test_a_record_has_waited_since_it_came_and_not_since_the_last_commit(load, clock):
    waiting(load, schema("a"))
    for number in range(3):
        clock.now += 1000
        assert waiting(load, record("a", id=number), state(number)) == 1
        clock.now += 299
        assert waiting(load) == 1
        assert waiting(load, record("a", id=number + 10), state(number)) == 2
        clock.now += 1
        assert waiting(load) == 0


def test_records_that_a_state_covers_late_do_not_wait_for_one_more(load, clock):
    waiting(load, schema("log", keys=[]), record("log", id=1))
    clock.now += 600
    assert waiting(load) == 1  # no STATE covers it
    assert waiting(load, state(1)) == 1
    clock.now += 300
    assert waiting(load) == 0


def columns(*names):
    return schema("log", {name: {"type": "integer"} for name in names}, keys=[])


def test_columns_that_wait_for_a_state_count_when_it_comes(load, monkeypatch):
    """Each takes memory until the commit, also if it came before a cut at which it had to wait."""
    monkeypatch.setattr(open_batch, "AGAIN_COLUMNS", 4)
    change = [columns("a", "b"), record("log", a=1), columns("a", "c"), record("log", a=1)]
    assert waiting(load, *change, *change, *change) == 6  # cut, and all held back
    assert waiting(load, state(1)) == 0
