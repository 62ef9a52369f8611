"""Product lines of quotes, orders and invoices."""

from __future__ import annotations

import pytest
from crm_simulator import Fault
from tap_opencrm.line_streams import find_lines

LINES = [{"productid": "7", "quantity": "2"}, {"productid": "8", "quantity": "1"}]


@pytest.fixture
def config(config):
    return config | {"entities": ["invoices"]}


@pytest.mark.parametrize(
    "record",
    [
        {"id": "1", "product_lines": LINES},
        {"id": "1", "product_lines": {"1": LINES[0], "2": LINES[1]}},
        {
            "id": "1",
            "productid1": "7",
            "quantity1": "2",
            "productid2": "8",
            "quantity2": "1",
            "address2": "x",
            "email1": "y",
        },
    ],
    ids=["list", "object", "numbered"],
)
def test_lines_are_found_in_every_likely_shape(record):
    found = find_lines(record)
    assert [{k: v for k, v in line.items() if k in LINES[0]} for line in found] == LINES


@pytest.mark.parametrize(
    "record",
    [{}, {"id": "1"}, {"lines": []}, {"lines": {}}, {"tags": ["a", "b"]}, {"email1": "x", "email2": "y"}],
)
def test_a_record_without_lines(record):
    assert find_lines(record) == []


@pytest.mark.parametrize("shape", ["list", "object"])
def test_lines_come_with_their_record_number_and_types(crm, sync, shape):
    crm.switches.line_shape = shape
    output = sync()
    lines = output.records("invoice_lines")
    assert lines
    first = lines[0]
    assert first["id"] == f"{first['parent_id']}-1"
    assert first["line_number"] == 1
    assert first["parent_modifiedtime"] == output.record("invoices", first["parent_id"])["modifiedtime"]
    assert isinstance(first["quantity"], str)
    assert {line["parent_id"] for line in lines} <= set(output.ids("invoices"))


def test_only_records_of_this_run_are_asked_for_their_lines(crm, clock, sync, source):
    state = sync(lookback_minutes=0).state
    clock.advance(days=1)
    changed = min(source("invoices"))
    crm.store.update("invoice", changed, {"subject": "New"})
    clock.advance(minutes=1)
    crm.server.clear_log()
    sync(state, lookback_minutes=0)
    asked = [request.params["crmid"] for request in crm.server.log if "/get_invoice/" in request.path]
    assert changed in asked
    assert set(asked) <= source("invoices")
    assert len(asked) == len(set(asked)) <= 2


@pytest.mark.parametrize("concurrency", [1, 4])
def test_lines_are_the_same_with_any_concurrency(crm, sync, concurrency):
    for _ in range(10):
        crm.store.create("invoice")
    one = sync(concurrency=1).records("invoice_lines")
    assert sync(concurrency=concurrency).records("invoice_lines") == one


def test_switched_off_they_cost_no_request(crm, sync):
    output = sync(include_line_items=False)
    assert "invoice_lines" not in output.streams("SCHEMA")
    assert not [request for request in crm.server.log if "/get_invoice/" in request.path]


def test_not_selected_they_cost_no_request(crm, sync):
    catalog = sync().tap.catalog_dict
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"] and entry["stream"] == "invoice_lines":
                item["metadata"]["selected"] = False
    crm.server.clear_log()
    output = sync(catalog=catalog)
    assert output.records("invoice_lines") == []
    assert not [request for request in crm.server.log if "/get_invoice/" in request.path]


def test_lines_that_cannot_be_read_hold_the_bookmark_of_their_records(crm, sync):
    crm.server.faults.add(Fault(kind="status", status=404, match="/get_invoice/", times=None))
    output = sync(fails=True)
    assert "invoices" in output.tap.run.failures
    assert output.bookmark("invoices") is None


@pytest.mark.parametrize("answer", ["[]", "null", "blank"])
def test_a_record_deleted_meanwhile_has_no_lines(crm, sync, answer):
    crm.switches.missing_record = answer
    crm.server.before_request.append(
        lambda request, _: (
            [crm.store.delete("invoice", i) for i in crm.store.ids("invoice")]
            if "/get_invoice/" in request.path
            else None
        )
    )
    output = sync(fails=True)
    assert output.records("invoice_lines") == []


def test_the_schema_is_written_once_even_without_lines(crm, sync):
    for record_id in crm.store.ids("invoice"):
        crm.store.delete("invoice", record_id)
    assert sync().streams("SCHEMA").count("invoice_lines") == 1
