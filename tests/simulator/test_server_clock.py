from __future__ import annotations

from datetime import UTC, datetime

from crm_simulator import Clock


def test_a_frozen_clock_moves_only_when_told():
    clock = Clock.frozen("2026-10-25T00:30:00+00:00")
    clock.advance(seconds=30, hours=1)
    assert clock.now() == datetime(2026, 10, 25, 1, 30, 30, tzinfo=UTC)
    clock.set("2027-01-01T00:00:00+01:00")
    assert clock.now() == datetime(2026, 12, 31, 23, 0, tzinfo=UTC)


def test_a_clock_runs_in_real_time_by_default():
    clock = Clock()
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5
    before = clock.now()
    clock.advance(days=1)
    assert 86_400 <= (clock.now() - before).total_seconds() < 86_460
