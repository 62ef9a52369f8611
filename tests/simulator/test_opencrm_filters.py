from __future__ import annotations

import pytest


@pytest.fixture
def leads(opencrm) -> dict[str, str]:
    for identifier in opencrm.store.ids("lead"):
        opencrm.store.delete("lead", identifier)
    names = ("Ann Low", "ann low", "Anne Lowe", "Bob_Low%", "Carl|Pipe")
    return {opencrm.store.create("lead", {"company": name, "smownerid": "5"}): name for name in names}


def found(call, leads, query: str) -> list[str]:
    answer = call("get_lead_list_full", query_string=query)
    return [leads[row["id"]] for row in answer.json]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("company|=|ANN LOW", ["Ann Low", "ann low"]),
        ("company|LIKE|ann%low_", ["Anne Lowe"]),
        ("company|BEGINS|anne", ["Anne Lowe"]),
        ("company|ENDS|low%", ["Bob_Low%"]),
        ("company|CONTAINS|_low", ["Bob_Low%"]),
        ("company|=|Carl|Pipe", ["Carl|Pipe"]),
        ("company|=|nobody", []),
    ],
)
def test_five_operators_compare_without_case(call, leads, query, expected):
    assert found(call, leads, query) == expected


def test_filters_use_query_names(call, opencrm, leads):
    assert len(found(call, leads, "assigned_user_id|=|5")) == len(leads)
    opencrm.switches.unknown_filter = "error"
    assert "error" in call("get_lead_list_full", query_string="smownerid|=|5").json


@pytest.mark.parametrize("query", ["nonsense|=|1", "company|!=|x", "company", "company|>|a"])
def test_unknown_filters_are_ignored_or_an_error(call, opencrm, leads, query):
    assert len(found(call, leads, query)) == len(leads)
    opencrm.switches.unknown_filter = "error"
    assert "error" in call("get_lead_list_count", query_string=query).json


def test_filters_see_stored_dates_whatever_the_output(call, opencrm, leads):
    path = "get_lead_list_full/dateTimeOverride/c/dateOverride/c"
    assert len(call(path, query_string="modifiedtime|BEGINS|2026-11-20").json) == len(leads)
    assert call(path, query_string="modifiedtime|BEGINS|2026-11-19").json == []


def test_modifiedtime_may_be_no_query_name(call, opencrm, leads):
    opencrm.switches.modifiedtime_filter = False
    assert len(found(call, leads, "modifiedtime|BEGINS|1999")) == len(leads)


def test_counts_take_filters_and_keywords(call, leads):
    assert call("get_lead_list_count", query_string="company|BEGINS|ann").json == "3"
    assert call("get_lead_list_count", keywords="carl|").json == "1"
