"""`--test` finds out what the documents leave open."""

from __future__ import annotations

import pytest
from crm_simulator import Fault
from singer_sdk.exceptions import FatalAPIError
from tap_opencrm.entities import READ_END_POINTS
from tap_opencrm.probe import meaning_of_limit_end, probe
from tap_opencrm.tap import TapOpenCRM


@pytest.fixture
def findings(config, crm):
    def run(**settings):
        tap = TapOpenCRM(
            config=config | {"entities": ["contacts", "invoices", "users"]} | settings, setup_mapper=False
        )
        return probe(tap, tap.connection).line(tap.connection.requests_sent)

    return run


def test_one_line_says_what_works(findings, sim):
    assert findings() == (
        "OK: 3 entities, 23 records; limit_end is an exclusive end; modifiedtime present; "
        "dates as asked for (ISO); filter by day works; behind the end: []; "
        "product lines found in invoices; a first run takes about 18 requests; 10 requests"
    )


@pytest.mark.parametrize(
    ("switches", "fact"),
    [
        ({"paging": "inclusive"}, "limit_end is an inclusive end"),
        ({"paging": "count"}, "limit_end is a number of rows"),
        ({"empty": "null"}, "behind the end: None"),
        ({"overrides": False}, "dates in native format"),
        ({"timestamps": False}, "modifiedtime MISSING"),
        ({"modifiedtime_filter": False}, "filter by day does not work"),
        ({"modifiedtime_filter": False, "unknown_filter": "error"}, "filter by day does not work"),
        ({"users": False}, "no users"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_it_sees_how_this_system_behaves(crm, findings, switches, fact):
    vars(crm.switches).update(switches)
    line = findings()
    assert line.startswith("OK")
    assert fact in line


def test_an_entity_that_cannot_be_read_is_a_failure(crm, findings):
    crm.server.faults.add(Fault(kind="status", status=404, match="get_invoice", times=None))
    assert "FAILED" in findings()
    assert "NOT READABLE: invoices (get_invoice_list_count: HTTP 404" in findings()


def test_wrong_keys_are_raised_at_once(crm, findings):
    with pytest.raises(FatalAPIError, match="Unauthorized"):
        findings(api_key="wrong")
    assert len(crm.server.log) == 1


def test_it_only_reads(crm, findings):
    findings()
    assert {request.path.split("/")[3] for request in crm.server.log} <= READ_END_POINTS


def test_nothing_is_claimed_of_a_system_without_records(crm, findings):
    for name in ("contact", "invoice"):
        for record_id in crm.store.ids(name):
            crm.store.delete(name, record_id)
    assert findings(entities=["contacts", "invoices"]) == (
        "OK: 2 entities, 0 records; a first run takes about 6 requests; 2 requests"
    )


def test_the_cost_of_a_first_run_is_foretold(crm, sync, findings):
    foretold = int(findings().partition("takes about ")[2].split()[0])
    crm.server.clear_log()
    sync(entities=["contacts", "invoices", "users"])
    assert len(crm.server.log) == foretold


def test_unusual_pages_are_reported():
    assert meaning_of_limit_end(1, 1, 10) == "limit_end is unusual: 1 and 1 rows"
    assert meaning_of_limit_end(2, 2, 3) == "limit_end not known (too few records)"
