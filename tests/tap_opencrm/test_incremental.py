"""Bookmarks: what is due, when they advance and when they must not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from crm_simulator import Fault

START = "2026-11-20T12:00:00+00:00"


def contact(crm, **fields):
    return crm.store.create("contact", fields)


@pytest.fixture
def fresh(crm, clock):
    """Three contacts, changed at 10:00, 11:00 and 12:00, and nothing else."""
    for record_id in crm.store.ids("contact"):
        crm.store.delete("contact", record_id)
    clock.set("2026-11-20T10:00:00+00:00")
    ids = []
    for _ in range(3):
        ids.append(contact(crm))
        clock.advance(hours=1)
    return ids


def test_the_bookmark_is_the_newest_record_when_the_run_began_later(fresh, sync):
    assert sync().bookmark("contacts") == "2026-11-20T12:00:00+00:00"


def test_the_bookmark_never_passes_the_start_by_the_servers_clock(fresh, crm, sync):
    crm.store.update("contact", fresh[0], {"modifiedtime": "2031-01-01 00:00:00"})
    assert sync().bookmark("contacts") == "2026-11-20T13:00:00+00:00"


def test_only_what_changed_since_the_bookmark_less_the_lookback_comes_again(fresh, crm, clock, sync):
    state = sync().state
    clock.advance(hours=5)
    crm.store.update("contact", fresh[0], {"lastname": "New"})
    assert set(sync(state, lookback_minutes=0).ids("contacts")) == {fresh[0], fresh[2]}
    assert set(sync(state, lookback_minutes=59).ids("contacts")) == {fresh[0], fresh[2]}
    assert set(sync(state, lookback_minutes=60).ids("contacts")) == set(fresh)


def test_records_of_the_very_second_of_the_bookmark_come_again(fresh, crm, clock, sync):
    state = sync().state
    clock.set("2026-11-20T12:00:00+00:00")
    twin = contact(crm)
    clock.advance(hours=3)
    assert twin in sync(state, lookback_minutes=0).ids("contacts")


def test_a_quiet_run_keeps_the_bookmark(fresh, crm, clock, sync):
    first = sync()
    clock.advance(days=1)
    crm.store.delete("contact", fresh[2])
    assert sync(first.state).bookmark("contacts") == first.bookmark("contacts")


def test_records_without_a_time_always_come(fresh, crm, clock, sync):
    crm.store.update("contact", fresh[0], {"modifiedtime": "0000-00-00 00:00:00"})
    crm.store.update("contact", fresh[1], {"modifiedtime": "not yet"})
    state = sync().state
    assert set(sync(state, lookback_minutes=0).ids("contacts")) == set(fresh)


def test_start_date_leaves_out_older_records_but_all_ids_are_alive(fresh, sync):
    output = sync(start_date="2026-11-20T11:00:00Z")
    assert set(output.ids("contacts")) == set(fresh[1:])
    assert set(output.ids("contacts__live")) == set(fresh)


def test_without_a_start_date_everything_comes(fresh, crm, sync):
    crm.store.update("contact", fresh[0], {"modifiedtime": "1971-01-01 10:00:00"})
    assert fresh[0] in sync().ids("contacts")


def test_a_bookmark_of_another_field_counts_for_nothing(fresh, sync):
    state = sync().state
    state["bookmarks"]["contacts"]["replication_key"] = "createdtime"
    assert set(sync(state).ids("contacts")) == set(fresh)


@pytest.mark.parametrize("nonsense", ["yesterday", 5, "2026-13-01"])
def test_a_bookmark_that_is_no_time_means_that_everything_is_read(fresh, sync, caplog, nonsense):
    state = sync().state
    state["bookmarks"]["contacts"]["replication_key_value"] = nonsense
    assert set(sync(state).ids("contacts")) == set(fresh)
    assert "is not a time" in caplog.text


def test_a_failed_reading_leaves_the_bookmark_and_says_nothing_of_deletes(fresh, crm, clock, sync):
    state = sync().state
    clock.advance(days=1)
    crm.store.update("contact", fresh[0], {"lastname": "New"})
    crm.server.faults.add(
        Fault(kind="status", status=400, match="contact_list_full", skip=2, times=None)
    )  # one page for discovery, one for the scan
    output = sync(state, fails=True, page_size=3, include_line_items=False)
    assert output.bookmark("contacts") == state["bookmarks"]["contacts"]["replication_key_value"]
    assert "ACTIVATE_VERSION" not in [message["type"] for message in output.messages]


def test_another_name_of_the_replication_key(crm, sync):
    output = sync(replication_key_name="createdtime")
    newest = max(record["createdtime"] for record in output.records("contacts"))
    assert output.bookmark("contacts") == newest


def test_without_the_replication_key_all_is_read_each_time(crm, sync, source, caplog):
    crm.switches.timestamps = False
    first = sync()
    assert "no record has the field 'modifiedtime'" in caplog.text
    assert set(sync(first.state).ids("contacts")) == source("contacts")
    assert first.bookmark("contacts") is None


@pytest.mark.parametrize(
    ("moment", "stored"),
    [
        ("2026-03-29T00:30:00+00:00", "2026-03-29 00:30:00"),
        ("2026-03-29T01:30:00+00:00", "2026-03-29 02:30:00"),
        ("2026-10-25T00:30:00+00:00", "2026-10-25 01:30:00"),
        ("2026-10-25T01:30:00+00:00", "2026-10-25 01:30:00"),
    ],
)
@pytest.mark.parametrize("is_iso", [True, False])
def test_nothing_is_missed_around_a_clock_change(crm, clock, sync, moment, stored, is_iso):
    crm.switches.overrides = is_iso
    clock.set(datetime.fromisoformat(moment) - timedelta(minutes=40))
    state = sync().state
    clock.set(moment)
    changed = contact(crm)
    assert crm.store.get("contact", changed)["modifiedtime"] == stored
    clock.advance(minutes=40)
    assert changed in sync(state).ids("contacts")


class TestDayFilter:
    """The strategy that asks only for the days since the bookmark."""

    @pytest.fixture
    def changed(self, fresh, crm, clock, sync):
        """A first run, and two days later one change."""
        state = sync().state
        clock.advance(days=2)
        crm.store.update("contact", fresh[0], {"lastname": "New"})
        clock.advance(minutes=1)
        crm.server.clear_log()
        return state

    def test_only_the_days_since_the_bookmark_are_asked_for(self, changed, fresh, crm, sync):
        output = sync(changed, incremental_strategy="day_filter", lookback_minutes=0)
        assert set(output.ids("contacts")) == {fresh[0], fresh[2]}
        asked = [r.params.get("query_string") for r in crm.server.log if "list_full" in r.path][1:]
        assert asked
        assert all(condition.startswith("modifiedtime|BEGINS|2026-11-") for condition in asked)

    def test_it_moves_the_bookmark_but_says_nothing_of_deletes(self, changed, sync):
        output = sync(changed, incremental_strategy="day_filter")
        assert output.bookmark("contacts") == "2026-11-22T13:00:00+00:00"
        assert output.streams("ACTIVATE_VERSION") == []

    @pytest.mark.parametrize("unknown", ["ignore", "error"])
    def test_a_filter_that_is_ignored_or_refused_means_a_scan(
        self, changed, fresh, crm, sync, caplog, unknown
    ):
        crm.switches.modifiedtime_filter = False
        crm.switches.unknown_filter = unknown
        output = sync(changed, incremental_strategy="day_filter", lookback_minutes=0)
        assert fresh[0] in output.ids("contacts")
        assert output.streams("ACTIVATE_VERSION") == ["contacts__live"]
        assert "reading the whole list instead" in caplog.text

    def test_a_first_run_scans(self, fresh, sync):
        output = sync(incremental_strategy="day_filter")
        assert set(output.ids("contacts")) == set(fresh)
        assert output.streams("ACTIVATE_VERSION") == ["contacts__live"]
