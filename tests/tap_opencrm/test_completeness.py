"""Lists are compared with what OpenCRM counts."""

from __future__ import annotations

import pytest
from crm_simulator import Fault


@pytest.fixture
def hidden(crm, monkeypatch):
    """Hide one contact from lists, but not from counts."""
    victim = sorted(crm.store.ids("contact"))[3]
    whole = crm._matching

    def without(table, params):
        numbers = whole(table, params)
        return [n for n in numbers if str(n) != victim] if "limit_end" in params else numbers

    monkeypatch.setattr(crm, "_matching", without)
    return victim


def test_a_record_that_is_counted_but_not_listed_fails_the_stream(hidden, sync, source, caplog):
    output = sync(fails=True)
    assert "read 8 records, OpenCRM counted 9 before and 9 after" in caplog.text
    assert "not complete: contacts" in str(output.error)
    assert set(output.ids("contacts")) == source("contacts") - {hidden}
    assert output.bookmark("contacts") is None
    assert output.streams("ACTIVATE_VERSION") == []


def test_the_list_is_read_once_more_first(hidden, crm, sync):
    sync(fails=True, page_size=200)
    lists = [r for r in crm.server.log if "list_full" in r.path]
    assert len(lists) >= 3  # discovery, the scan, and the scan once more


def test_accepting_it_moves_the_bookmark_but_never_deletes(hidden, sync, caplog):
    output = sync(fail_on_count_mismatch=False)
    assert "OpenCRM counted 9" in caplog.text
    assert output.bookmark("contacts")
    assert output.streams("ACTIVATE_VERSION") == []


def test_a_record_that_comes_while_reading_is_no_mismatch(crm, sync, source, monkeypatch):
    def add_one(request, number):
        if "contact_list_full" in request.path and request.params.get("limit_start") == "4":
            crm.server.before_request.clear()
            crm.store.create("contact")

    crm.server.before_request.append(add_one)
    assert set(sync().ids("contacts__live")) == source("contacts")


def test_other_streams_go_on_when_one_fails(hidden, sync, source):
    output = sync(fails=True, entities=["contacts", "leads", "companies"])
    assert set(output.ids("leads")) == source("leads")
    assert sorted(output.streams("ACTIVATE_VERSION")) == ["companies__live", "leads__live"]
    assert list(output.tap.run.failures) == ["contacts"]


@pytest.mark.parametrize(
    "when", [{"times": None}, {"skip": 0}, {"skip": 1}], ids=["neither", "only after", "only before"]
)
def test_without_both_counts_the_list_is_read_to_its_end_but_deletes_nothing(crm, sync, source, caplog, when):
    crm.server.faults.add(Fault(kind="status", status=200, body='{"error":"No"}', match="list_count", **when))
    output = sync(page_size=3)
    assert set(output.ids("contacts")) == source("contacts")
    assert output.streams("ACTIVATE_VERSION") == []
    assert "cannot check that the list is complete" in caplog.text


@pytest.mark.parametrize("body", ["", "null", "[]", '""', "false"])
def test_an_empty_answer_is_not_taken_for_an_empty_list(crm, sync, body):
    crm.server.faults.add(Fault(kind="status", status=200, body=body, match="contact_list_full", times=None))
    output = sync(fails=True)
    assert "not complete: contacts" in str(output.error)
    assert output.streams("ACTIVATE_VERSION") == []


def test_one_empty_answer_in_the_middle_is_asked_for_again(crm, sync, source):
    crm.server.faults.add(Fault(kind="empty", match="contact_list_full", skip=2))
    assert set(sync(page_size=3).ids("contacts")) == source("contacts")


def test_a_list_that_is_empty_by_count_is_empty(crm, sync, source):
    for record_id in source("contacts"):
        crm.store.delete("contact", record_id)
    assert sync().ids("contacts") == []
