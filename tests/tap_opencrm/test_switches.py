"""Right under every reading of what the documents leave open: three times three times three times two."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

PAGING = ("exclusive", "inclusive", "count")
EMPTY = ("[]", "null", "blank")
COUNT = ("string", "int", "quoted")
ORDER = ("id", "shuffled")
STREAMS = ("contacts", "invoices", "users")


@pytest.mark.parametrize(
    ("paging", "empty", "count", "order"),
    list(product(PAGING, EMPTY, COUNT, ORDER)),
    ids=lambda value: {"[]": "list", "": "blank"}.get(value, value),
)
def test_everything_arrives_then_only_changes_and_deletes(
    crm, clock, sync, source, destination, paging, empty, count, order
):
    vars(crm.switches).update(paging=paging, empty=empty, count=count, order=order)
    first = sync(entities=list(STREAMS), page_size=3)
    destination.apply(first.messages)
    assert {name: destination.ids(name) for name in STREAMS} == {name: source(name) for name in STREAMS}

    bookmark = datetime.fromisoformat(first.bookmark("contacts"))
    looked_back_at = {
        record["id"]
        for record in first.records("contacts")
        if datetime.fromisoformat(record["modifiedtime"]) >= bookmark - timedelta(minutes=120)
    }
    clock.advance(days=2)
    changed, deleted = sorted(source("contacts"))[:2]
    crm.store.update("contact", changed, {"lastname": "Changed"})
    crm.store.delete("contact", deleted)
    added = crm.store.create("contact", {"lastname": "Added"})
    clock.advance(minutes=1)
    second = sync(first.state, entities=list(STREAMS), page_size=3)
    assert set(second.ids("contacts")) == {changed, added} | looked_back_at - {deleted}
    destination.apply(second.messages)
    assert {name: destination.ids(name) for name in STREAMS} == {name: source(name) for name in STREAMS}
    assert destination.tables["contacts"][changed]["lastname"] == "Changed"


@pytest.mark.parametrize("paging", PAGING)
@pytest.mark.parametrize(
    "settings", [{"page_size": 3}, {"page_size": 3, "concurrency": 4}, {"page_size": 200}]
)
def test_no_page_size_or_concurrency_changes_what_arrives(crm, sync, source, paging, settings):
    crm.switches.paging = paging
    for _ in range(40):
        crm.store.create("contact")
    output = sync(**settings)
    assert sorted(output.ids("contacts")) == sorted(source("contacts"))


@pytest.mark.parametrize(
    "switches",
    [
        {"page_cap": 4},
        {"lone_row": "object"},
        {"numbers": "number"},
        {"zero_dates": "php"},
        {"overrides": False},
        {"accept_apikey": True, "accept_key": False},
        {"empty_values": "null"},
    ],
    ids="-".join,
)
def test_other_oddities_change_nothing(crm, sync, source, switches):
    unknown = set(switches) - set(vars(crm.switches))
    assert not unknown
    vars(crm.switches).update(switches)
    output = sync(entities=["contacts", "companies"], page_size=10)
    assert sorted(output.ids("contacts")) == sorted(source("contacts"))
    assert sorted(output.ids("companies")) == sorted(source("companies"))


@pytest.mark.parametrize("single_names", ["record", "query"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_where_full_lists_are_refused_each_record_is_read_by_itself(
    crm, clock, sync, source, destination, caplog, single_names, concurrency
):
    vars(crm.switches).update(full_lists=False, single_names=single_names)
    settings = {"entities": list(STREAMS), "concurrency": concurrency, "lookback_minutes": 0}
    first = sync(**settings)
    destination.apply(first.messages)
    assert {name: destination.ids(name) for name in STREAMS} == {name: source(name) for name in STREAMS}
    assert "one request per record, because full lists are refused" in caplog.text
    assert first.records("contacts")[0]["mailingcity"]
    assert first.bookmark("contacts")
    clock.advance(days=2)
    changed, deleted = sorted(source("contacts"))[:2]
    crm.store.update("contact", changed, {"lastname": "Changed"})
    crm.store.delete("contact", deleted)
    second = sync(first.state, **settings)
    assert changed in second.ids("contacts")
    assert len(second.ids("contacts")) <= 2
    assert destination.apply(second.messages).ids("contacts") == source("contacts")


@pytest.mark.parametrize("missing", ["[]", "null", "blank", "error", "404"])
def test_a_record_that_goes_before_it_is_read_by_itself_is_left_out(crm, sync, source, missing):
    vars(crm.switches).update(full_lists=False, missing_record=missing)
    victim = sorted(source("contacts"))[4]

    def delete(request, number):
        if request.params.get("crmid") == victim:
            crm.store.delete("contact", victim)

    crm.server.before_request.append(delete)
    output = sync(custom_field_sample_size=0)
    assert source("contacts") <= set(output.ids("contacts"))


def standard_fields(output, stream):
    """Custom fields have no known type, so they stay as they came; a number may have lost its last zeros."""
    return [
        {
            name: Decimal(value) if name in {"annualrevenue", "vat_rate"} and value else value
            for name, value in record.items()
            if not name.startswith("cf_") and name != "_unparsed"
        }
        for record in output.records(stream)
    ]


@pytest.mark.parametrize("stream", ["contacts", "activities", "companies"])
@pytest.mark.parametrize("switches", [{"overrides": False}, {"zero_dates": "php"}, {"numbers": "number"}])
def test_values_are_the_same_however_they_are_written(crm, sync, stream, switches):
    plain = sync(entities=[stream])
    vars(crm.switches).update(switches)
    assert standard_fields(sync(entities=[stream]), stream) == standard_fields(plain, stream)
