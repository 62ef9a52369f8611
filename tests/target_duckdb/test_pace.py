"""A batch is cut at so many rows, bytes or seconds; the first ones sooner, so that DuckDB begins soon."""

from __future__ import annotations

import pytest
from target_duckdb import pace
from target_duckdb.pace import FIRST_BYTES, FIRST_ROWS, GROWING, GROWTH, Pace
from target_duckdb.settings import read_settings

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
        assert not given.is_due(most - 1, streams=1)
        assert given.is_due(most, streams=1)
        given.cut()
        most *= GROWTH


def test_each_stream_of_a_batch_has_its_share():
    given = pace_of()
    assert not given.is_due(FIRST_ROWS * 5 - 1, streams=5)
    assert given.is_due(FIRST_ROWS * 5, streams=5)


def test_bytes_count_from_the_last_cut():
    given = pace_of()
    given.read(FIRST_BYTES - 1)
    assert not given.is_due(1, streams=1)
    given.read(1)
    assert given.is_due(1, streams=1)
    given.cut()
    assert not given.is_due(1, streams=1)


@pytest.mark.parametrize(("batches", "streams"), [(0, 1), (GROWING + 5, 30)])
def test_the_settings_count_however_large_a_batch_might_be(batches, streams):
    given = pace_of(batch_size_rows=1000, batch_size_bytes=5000)
    for _ in range(batches):
        given.cut()
    assert not given.is_due(999, streams)
    assert given.is_due(1000, streams)
    given.read(5000)
    assert given.is_due(1, streams)


def test_an_old_batch_is_due_if_there_is_anything_in_it(clock):
    given = pace_of(max_batch_age_seconds=300)
    clock.now += 299
    assert not given.is_due(1, streams=1)
    clock.now += 1
    assert given.is_due(1, streams=1)
    assert not given.is_due(0, streams=0)
    given.cut()
    assert not given.is_due(1, streams=1)


def test_with_patience_it_may_get_so_many_times_as_large_and_old(clock):
    given = pace_of(max_batch_age_seconds=300)
    assert not given.is_due(2 * FIRST_ROWS - 1, streams=1, patience=2)
    assert given.is_due(2 * FIRST_ROWS, streams=1, patience=2)
    clock.now += 599
    assert not given.is_due(1, streams=1, patience=2)
    clock.now += 1
    assert given.is_due(1, streams=1, patience=2)
