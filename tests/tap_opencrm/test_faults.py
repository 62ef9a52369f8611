"""What goes wrong on the way has a name, a cause and advice; what passes is waited out."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from crm_simulator import Fault
from tap_opencrm.errors import NoConnectionError
from tap_opencrm.tap import TapOpenCRM

BAD_BODIES = {
    "html": "<!DOCTYPE html><html><body>Log in</body></html>",
    "php notice": "Notice: Undefined index in index.php on line 7",
    "error": '{"error":"Something broke"}',
    "unauthorized": '{"error":"Unauthorized"}',
    "quota": '{"error":"API request limit exceeded"}',
    "half": '[{"id":"1","firstname":"An',
    "a number": "42",
    "a text": '"nothing here"',
    "a list of texts": '["1","2"]',
    "a list of lists": "[[1],[2]]",
    "rows without ids": '[{"firstname":"Ann"}]',
    "two documents": "[] []",
    "not utf-8 and broken": "\udcff[",
    "true": "true",
    "NaN": '[{"id":"1","amount":NaN}]',
}
NAMES = {
    401: "Check api_key and pass_key",
    403: "check user_agent",
    404: "may not have this module",
    400: "The message is OpenCRM's own",
    429: "max_requests_per_second",
    500: "OpenCRM has a problem of its own",
    503: "OpenCRM has a problem of its own",
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("at", ["contact_list_full", "contact_list_count"])
def test_a_bad_answer_is_never_an_empty_list(crm, sync, no_waiting, caplog, name, at):
    skip = 1 if at == "contact_list_full" else 0
    body = BAD_BODIES[name].encode("utf-8", "surrogateescape").decode("latin-1")
    crm.server.faults.add(Fault(kind="status", status=200, body=body, match=at, skip=skip, times=None))
    output = sync(fails=True)
    if output.error:
        assert any(text in str(output.error) for text in ("contacts", "Unauthorized", "limit exceeded"))
    else:  # the count refused or gave another number, and the list alone was read to its end
        assert at == "contact_list_count"
        assert output.ids("contacts")
    assert output.streams("ACTIVATE_VERSION") == []


@pytest.mark.parametrize("status", NAMES)
def test_an_http_error_says_what_was_asked_what_came_and_what_to_do(crm, sync, no_waiting, caplog, status):
    crm.server.faults.add(Fault(kind="status", status=status, match="contact_list_full", skip=1, times=None))
    sync(fails=True)
    line = next(r.getMessage() for r in caplog.records if r.levelname == "ERROR")
    assert line.startswith("contacts: get_contact_list_full: HTTP ")
    assert str(status) in line
    assert NAMES[status] in line


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=500),
        Fault(kind="status", status=503),
        Fault(kind="status", status=429),
        Fault(kind="reset"),
        Fault(kind="truncate"),
        Fault(kind="html"),
        Fault(kind="not_json"),
    ],
    ids=lambda fault: f"{fault.kind}{fault.status or ''}",
)
@pytest.mark.parametrize("skip", range(5))
def test_trouble_that_passes_is_waited_out(crm, sync, source, no_waiting, fault, skip):
    crm.server.faults.add(replace(fault, match="get_contact", skip=skip, times=2))
    output = sync()
    assert set(output.ids("contacts")) == source("contacts")
    assert len(no_waiting) == 2


def test_retry_after_in_seconds_is_honoured(crm, sync, no_waiting):
    crm.server.faults.add(Fault(kind="status", status=429, headers={"Retry-After": "7"}, match="count"))
    sync()
    assert len(no_waiting) == 1
    assert 7 <= no_waiting[0] < 11


def test_retry_after_as_a_date_is_honoured_by_the_servers_clock(crm, sync, no_waiting):
    date = "Fri, 20 Nov 2026 12:00:30 GMT"
    crm.server.faults.add(Fault(kind="status", status=503, headers={"Retry-After": date}, match="count"))
    sync()
    assert 30 <= no_waiting[0] < 46


def test_a_wait_of_an_hour_ends_the_run(crm, sync, no_waiting):
    crm.server.faults.add(
        Fault(kind="status", status=429, headers={"Retry-After": "3600"}, match="count", times=None)
    )
    output = sync(fails=True, entities=["contacts", "leads"])
    assert "asks to wait 3600 seconds" in str(output.error)
    assert no_waiting == []


def test_waits_grow_and_are_spread(crm, sync, no_waiting):
    crm.server.faults.add(Fault(kind="status", status=500, match="count", times=4))
    sync(max_retries=4)
    assert all(
        bottom <= waited <= bottom * 1.5 for bottom, waited in zip((0.5, 1, 2, 4), no_waiting, strict=True)
    )


def test_a_slow_answer_is_given_up_in_time(crm, sync, no_waiting, caplog):
    crm.server.faults.add(Fault(kind="slow", seconds=3, match="count", times=None))
    sync(fails=True, timeout=0.2, max_retries=1)
    assert "no answer in time" in caplog.text


@pytest.fixture
def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_connection_refused_is_said_after_three_tries(sync, no_waiting, closed_port):
    output = sync(fails=True, url=f"http://127.0.0.1:{closed_port}", max_retries=9)
    assert "connection refused" in str(output.error)
    assert "Check system_name (or url)" in str(output.error)
    assert sum(no_waiting) < 3


def test_an_unknown_host_is_named(sync, no_waiting):
    output = sync(fails=True, url="https://no-such-system.opencrm.invalid")
    assert "no-such-system.opencrm.invalid" in str(output.error)


def test_a_server_that_goes_away_later_is_waited_for_longer(crm, sync, no_waiting, caplog):
    crm.server.faults.add(Fault(kind="reset", match="contact_list_full", skip=2, times=None))
    output = sync(fails=True, max_retries=6, page_size=3)
    assert len(no_waiting) == 6
    assert "contacts" in str(output.error)


def test_a_server_that_is_gone_is_not_asked_by_every_stream(crm, config, no_waiting, capsys):
    tap = TapOpenCRM(config=config | {"entities": ["contacts", "leads"]})
    crm.server.stop()
    with pytest.raises(NoConnectionError, match="connection refused"):
        tap.sync_all()
    assert list(tap.run.failures) == ["contacts"]


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 403}, {"body": "<html>", "status": 200}], ids=str
)
def test_a_module_that_breaks_at_discovery_does_not_stop_the_others(crm, sync, source, no_waiting, fault):
    crm.server.faults.add(Fault(kind="status", match="get_lead", times=None, **fault))
    output = sync(fails=True, entities=["contacts", "leads"])
    assert set(output.ids("contacts")) == source("contacts")
    assert list(output.tap.run.failures) == ["leads"]


def test_an_error_that_all_streams_would_meet_stops_the_run(crm, sync):
    output = sync(fails=True, pass_key="wrong", entities=["contacts", "leads"], custom_field_sample_size=0)
    assert "Unauthorized" in str(output.error)
    assert len(crm.server.log) == 1


def test_users_may_be_missing(crm, sync, source, caplog):
    crm.switches.users = False
    output = sync(entities=["contacts", "users"])
    assert "users" not in output.streams("SCHEMA")
    assert set(output.ids("contacts")) == source("contacts")
    assert "users: no sample, so no new custom fields: get_user_list_full" in caplog.text


@pytest.mark.parametrize("unknown", ["error", "404", "blank"])
def test_users_may_be_missing_after_discovery(crm, sync, caplog, unknown):
    catalog = sync(entities=["users"]).tap.catalog_dict
    crm.switches.users = False
    crm.switches.unknown_end_point = unknown
    output = sync(entities=["users"], catalog=catalog)
    assert output.error is None
    assert "users: left out, this OpenCRM does not offer it" in caplog.text


def test_a_module_that_is_missing_fails_alone(crm, sync, source, caplog):
    crm.server.faults.add(
        Fault(kind="status", status=200, body='{"error":"Unknown end point"}', match="get_asset", times=None)
    )
    output = sync(fails=True, entities=["assets", "contacts"])
    assert "not complete: assets" in str(output.error)
    assert set(output.ids("contacts")) == source("contacts")
