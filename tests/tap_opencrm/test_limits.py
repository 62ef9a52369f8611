"""No faster, and no more often, than the user allows."""

from __future__ import annotations

import time

import pytest
from tap_opencrm.limits import Budget, Pace


@pytest.fixture
def ticking(monkeypatch):
    """A clock that only sleeping moves."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def test_requests_are_spaced_evenly(ticking):
    pace = Pace(4)
    for _ in range(9):
        pace.wait()
    assert ticking[0] == pytest.approx(102.0)


def test_time_that_passed_anyway_is_not_waited_again(ticking):
    pace = Pace(4)
    pace.wait()
    ticking[0] += 10
    pace.wait()
    assert ticking[0] == pytest.approx(110.0)


def test_no_limit_no_wait(ticking):
    Pace(None).wait()
    assert ticking[0] == 100.0


def test_the_rate_is_kept_over_all_threads(crm, sync):
    started = time.monotonic()
    sync(max_requests_per_second=20, concurrency=4, page_size=3)
    assert time.monotonic() - started >= (len(crm.server.log) - 1) / 20 * 0.95


def test_a_spent_budget_ends_the_run_with_its_state(crm, sync):
    output = sync(fails=True, entities=["contacts", "leads"], daily_request_budget=7)
    assert len(crm.server.log) == 7
    assert "daily_request_budget of 7 requests is used up" in str(output.error)
    assert output.state["request_budget"]["used"] == 7
    assert output.bookmark("contacts")
    assert "replication_key_value" not in output.state["bookmarks"].get("leads", {})
    assert output.streams("ACTIVATE_VERSION") == ["contacts__live"]


def test_runs_of_one_day_share_the_budget(crm, sync):
    state = sync(daily_request_budget=10).state
    used = state["request_budget"]["used"]
    output = sync(state, fails=True, daily_request_budget=10)
    assert output.error
    assert len(crm.server.log) == 10
    assert used < 10


def test_a_new_day_is_a_new_budget(sync):
    state = sync(daily_request_budget=10).state
    state["request_budget"]["day"] = "2001-01-01"
    assert sync(state, daily_request_budget=10).error is None


def test_without_a_budget_the_state_says_nothing_of_it(sync):
    assert "request_budget" not in sync().state


def test_a_budget_counts_every_thread():
    budget = Budget(3)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
