"""Live-key streams: the ids that exist, concluded only when every one was read."""

from __future__ import annotations

import pytest
from crm_simulator import Fault


def test_the_version_is_activated_after_the_last_record(sync, source):
    output = sync()
    of_live = [m for m in output.messages if m.get("stream") == "contacts__live"]
    assert [m["type"] for m in of_live] == [
        "SCHEMA",
        *["RECORD"] * len(source("contacts")),
        "ACTIVATE_VERSION",
    ]
    assert {m["version"] for m in of_live[1:]} == {of_live[-1]["version"]}


def test_live_records_hold_exactly_the_key(sync):
    assert all(set(record) == {"id"} for record in sync().records("contacts__live"))
    assert set(sync().schema("contacts__live")["properties"]) == {"id"}


def test_it_costs_no_request(crm, sync):
    sync(detect_deletes=True)
    with_live = len(crm.server.log)
    crm.server.clear_log()
    sync(detect_deletes=False)
    assert len(crm.server.log) == with_live


def test_deleted_and_restored_records(crm, clock, sync, source, destination):
    first = sync()
    destination.apply(first.messages)
    gone, *_ = sorted(source("contacts"))
    crm.store.delete("contact", gone)
    clock.advance(hours=3)
    second = sync(first.state)
    destination.apply(second.messages)
    assert destination.ids("contacts") == source("contacts")
    crm.store.undelete("contact", gone)
    assert gone in sync(second.state).ids("contacts__live")


def test_everything_may_be_deleted(crm, sync, source):
    for record_id in source("contacts"):
        crm.store.delete("contact", record_id)
    output = sync()
    assert output.ids("contacts__live") == []
    assert output.streams("ACTIVATE_VERSION") == ["contacts__live"]


def test_ids_are_swept_if_only_they_are_wanted(crm, sync, source):
    catalog = sync().tap.catalog_dict
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["stream"].endswith("__live")
    output = sync(catalog=catalog)
    assert set(output.ids("contacts__live")) == source("contacts")
    assert output.records("contacts") == []


@pytest.mark.parametrize("page", range(1, 4))
def test_a_reading_that_breaks_off_deletes_nothing(crm, sync, no_waiting, page):
    crm.server.faults.add(Fault(kind="reset", match="contact_list_full", skip=page, times=None))
    output = sync(fails=True, page_size=3)
    assert output.error
    assert output.streams("ACTIVATE_VERSION") == []


def test_switched_off(sync):
    assert "contacts__live" not in sync(detect_deletes=False).streams("SCHEMA")
