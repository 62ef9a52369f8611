"""The tap reads, from one address, over a checked connection, and keeps its keys to itself."""

from __future__ import annotations

import logging
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from crm_simulator import Fault
from tap_opencrm.checks import url_base
from tap_opencrm.connection import Connection
from tap_opencrm.entities import READ_END_POINTS
from tap_opencrm.errors import ForbiddenEndPointError, SettingsError
from tap_opencrm.limits import Budget, Pace
from tap_opencrm.redaction import MASK, hide, redact, spellings

BASE = "https://acme.opencrm.co.uk/api/rest/"


def connection(**settings) -> Connection:
    return Connection(
        {
            "ca_bundle": None,
            "timeout": 5,
            "user_agent": "x",
            "auth_method": "headers",
            "api_key": "K",
            "pass_key": "P",
        }
        | settings,
        settings.pop("base", BASE),
        Pace(),
        Budget(),
    )


def test_the_list_of_end_points_holds_reads_only():
    assert all(name == "login" or name.startswith("get_") for name in READ_END_POINTS)


@pytest.mark.parametrize(
    "path",
    [
        "edit_contact",
        "edit_contact/",
        "edit_lead/crmid/0",
        "edit_contacts?x=get_contact_list_count",
        "get_contact_list_count/../edit_contact",
        "./edit_contact",
        "delete_contact",
        "GET_CONTACT",
        "",
        "%65dit_contact",
    ],
)
def test_nothing_but_a_read_end_point_can_be_sent(path):
    request = requests.Request("POST", BASE + path).prepare()
    with pytest.raises(ForbiddenEndPointError):
        connection().send(request)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api/rest/get_contact_list_count",
        "http://acme.opencrm.co.uk/api/rest/get_contact_list_count",
        "https://acme.opencrm.co.uk.evil.example/api/rest/get_contact_list_count",
        "https://acme.opencrm.co.uk:444/api/rest/get_contact_list_count",
        "https://acme.opencrm.co.uk/elsewhere",
    ],
)
def test_no_other_address_can_be_reached(url):
    with pytest.raises(requests.exceptions.InvalidSchema):
        connection().session.send(requests.Request("POST", url).prepare())


def test_a_whole_run_calls_read_end_points_only(crm, sync):
    sync(entities=["contacts", "quotes", "users"], auth_method="login")
    called = {request.path.split("/")[3] for request in crm.server.log}
    assert called <= READ_END_POINTS
    assert crm.violations == []


def test_every_data_request_asks_for_iso_dates(crm, sync):
    sync()
    assert all("/dateTimeOverride/c/dateOverride/c" in request.path for request in crm.server.log)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["same", "http://127.0.0.1:1/", "https://evil.example/", "/login.php"])
def test_redirects_are_refused(crm, sync, status, place):
    location = crm.url + "/elsewhere" if place == "same" else place
    crm.server.faults.add(
        Fault(kind="status", status=status, headers={"Location": location}, match="list_full", times=None)
    )
    output = sync(fails=True)
    assert "redirects are not followed" in str(output.error)
    assert len(crm.server.log) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"system_name": "acme.evil.example/"},
        {"system_name": "acme/../x"},
        {"system_name": "a b"},
        {"system_name": "-acme"},
        {"system_name": "acme-"},
        {"system_name": "acme.co"},
        {"system_name": "acme@evil"},
        {"system_name": "x" * 64},
        {"system_name": "ácme"},
        {},
        {"url": "http://acme.opencrm.co.uk"},
        {"url": "http://127.0.0.1.evil.example"},
        {"url": "https://user:pass@acme.opencrm.co.uk"},
        {"url": "https://acme.opencrm.co.uk?x=1"},
        {"url": "https://acme.opencrm.co.uk#x"},
        {"url": "ftp://acme.opencrm.co.uk"},
        {"url": "https://"},
        {"url": "acme.opencrm.co.uk"},
        {"url": "https://[::1"},
        {"url": "https://acme:port"},
        {"url": "https:\\\\evil.example"},
        {"url": "file:///etc/passwd"},
    ],
    ids=str,
)
def test_unsafe_addresses_are_refused(settings):
    with pytest.raises(SettingsError):
        url_base(settings)


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({"system_name": "acme"}, "https://acme.opencrm.co.uk/api/rest/"),
        ({"system_name": "Acme-2"}, "https://acme-2.opencrm.co.uk/api/rest/"),
        ({"url": "https://crm.example/"}, "https://crm.example/api/rest/"),
        ({"url": "https://crm.example/api/rest"}, "https://crm.example/api/rest/"),
        ({"url": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080/api/rest/"),
        ({"url": "http://localhost:8080/x/"}, "http://localhost:8080/x/api/rest/"),
    ],
)
def test_addresses(settings, base):
    assert url_base(settings) == base


def test_the_user_agent_is_not_one_that_is_blocked(crm, sync):
    sync()
    agents = {request.headers["user-agent"] for request in crm.server.log}
    assert len(agents) == 1
    assert agents.pop().startswith("tap-opencrm/")


@pytest.mark.parametrize("agent", ["python-requests/2", "curl/8", "My Python tap", "a\r\nKEY1: x"])
def test_a_user_agent_that_would_be_blocked_is_refused(sync, agent):
    assert "user_agent" in str(sync(fails=True, user_agent=agent).error)


@pytest.mark.parametrize("secret", ["s3cret/key+with=signs", 'quo"te\\back', "plain-secret-value"])
def test_secrets_are_hidden_in_every_spelling(secret):
    hide([secret])
    for spelling in spellings(secret):
        assert redact(f"before {spelling} after") == f"before {MASK} after"


def test_log_records_hold_no_secret(caplog):
    hide(["hide-this-secret"])
    logger = logging.getLogger("some.library")
    logger.warning("sent %s and %s", "hide-this-secret", {"key": "hide-this-secret"})
    try:
        float("hide-this-secret")
    except ValueError:
        logger.exception("failed with hide-this-secret")
    assert "hide-this-secret" not in caplog.text
    assert MASK in caplog.text


@pytest.mark.parametrize("method", ["headers", "parameters", "login"])
@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault(kind="html", times=None),
        Fault(kind="reset", times=None),
        Fault(kind="status", status=403, times=None),
        Fault(kind="status", status=200, body='"{echo}"', times=None),
    ],
    ids=lambda fault: str(fault and (fault.body or fault.kind)),
)
def test_no_secret_is_ever_written(crm, sync, no_waiting, caplog, method, fault):
    caplog.set_level(logging.DEBUG)
    secrets = list(crm.credentials.values())
    if fault:
        body = fault.body.replace("{echo}", " ".join(secrets)) if fault.body else None
        crm.server.faults.add(Fault(**{**vars(fault), "body": body}))
    output = sync(fails=True, auth_method=method)
    written = caplog.text + str(output.messages) + redact(str(output.error))
    assert not [secret for secret in secrets if secret in written]


def test_tls_below_1_2_and_unknown_certificates_are_refused(monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    adapter = connection().session.get_adapter(BASE)
    assert adapter.poolmanager.connection_pool_kw["ssl_minimum_version"] is ssl.TLSVersion.TLSv1_2
    assert connection().session.verify is True


def test_certificates_of_the_company_come_from_the_setting_then_from_the_environment(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/environment.pem")
    assert connection().session.verify == "/environment.pem"
    assert connection(ca_bundle="/setting.pem").session.verify == "/setting.pem"


class _Plain(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_a_server_that_speaks_no_tls_is_refused(sync, no_waiting):
    server = HTTPServer(("127.0.0.1", 0), _Plain)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        output = sync(fails=True, url=f"https://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    assert "The certificate must be valid and TLS 1.2 or newer" in str(output.error)
