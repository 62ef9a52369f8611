"""What the client does after each kind of answer, against a server that misbehaves on command."""

from __future__ import annotations

import time

import pytest
from crm_simulator import Fault
from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from tap_espocrm import client as client_module
from tap_espocrm import patience
from tap_espocrm.answers import LoginRefusedError, RefusedError, UnreachableError
from tap_espocrm.auth import authenticator_for
from tap_espocrm.client import Client
from tap_espocrm.connection import Connection, site_url

from tests.tap_espocrm.harness import run_tap


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(client_module, "THROTTLE_SECONDS", 0.2)


@pytest.fixture
def client(crm) -> Client:
    key = crm.credentials["api_key"]
    made = Client(
        Connection(key["url"], max_retries=3, timeout=5), authenticator_for({**key, "basic_auth": False})
    )
    made.log_in()
    return made


LIST = ("Account", (("maxSize", "1"),))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=429, headers={"Retry-After": "0"}, match="Account", times=2),
        Fault(kind="status", status=500, body="", match="Account", times=2),
        Fault(kind="status", status=503, match="Account", times=2),
        Fault(kind="reset", match="Account", times=2),
        Fault(kind="truncate", match="Account", times=2),
        Fault(kind="html", match="Account", times=2),
        Fault(kind="empty", match="Account", times=2),
        Fault(kind="not_json", match="Account", times=2),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status or ''}".strip(),
)
def test_a_failure_that_passes_is_retried(crm, client, fault) -> None:
    crm.server.faults.add(fault)
    assert len(client.get(*LIST)["list"]) == 1


@pytest.mark.parametrize("kind", ["status", "reset", "truncate", "html", "empty", "not_json"])
def test_a_failure_that_stays_ends_with_what_was_wrong(crm, client, kind) -> None:
    crm.server.faults.add(Fault(kind=kind, match="Account", times=100))
    with pytest.raises(FatalAPIError, match=r"GET Account: .* gave up after 4 attempts"):
        client.get(*LIST)


def test_retry_after_is_honoured(crm, client) -> None:
    crm.server.faults.add(Fault(kind="status", status=429, headers={"Retry-After": "1"}, match="Account"))
    started = time.monotonic()
    client.get(*LIST)
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    ("path", "parameters", "words"),
    [
        ("Nope", (("maxSize", "1"),), "Controller 'Nope' does not exist."),
        ("Account/nope", (), "Record nope does not exist."),
        ("Account", (("orderBy", "nope"),), "Order by non-existing field 'nope'."),
        ("Role", (("maxSize", "1"),), "No read access."),
    ],
)
def test_a_refusal_tells_the_reason_of_the_server_and_is_not_retried(
    crm, client, path, parameters, words
) -> None:
    before = len(crm.server.log)
    with pytest.raises(RefusedError, match=words.replace("(", r"\(")):
        client.get(path, parameters)
    assert len(crm.server.log) == before + 1


def test_wrong_credentials_are_tried_once(crm) -> None:
    wrong = Client(Connection(crm.url), authenticator_for({"api_key": "wrong", "basic_auth": False}))
    with pytest.raises(LoginRefusedError, match="credentials are wrong"):
        wrong.log_in()
    assert len(crm.server.log) == 1


def test_a_login_throttle_is_waited_for_once(crm, client) -> None:
    crm.server.faults.add(
        Fault(
            kind="status",
            status=403,
            body="",
            headers={"Content-Type": "text/html; charset=UTF-8"},
            match="Account",
        )
    )
    started = time.monotonic()
    assert client.get(*LIST)["list"]
    assert time.monotonic() - started >= 0.2
    crm.server.faults.add(
        Fault(
            kind="status",
            status=403,
            body="",
            headers={"Content-Type": "text/html; charset=UTF-8"},
            match="Account",
        )
    )
    with pytest.raises(LoginRefusedError, match="too many failed logins"):
        client.get(*LIST)


def test_a_dead_token_is_renewed(crm) -> None:
    token = crm.credentials["token"]
    renewing = Client(Connection(crm.url), authenticator_for({**token, "basic_auth": False}))
    renewing.log_in()
    crm.switches.token_epoch += 1
    assert renewing.get(*LIST)["list"]


def test_a_token_that_dies_in_the_middle_of_a_run_costs_nothing(crm) -> None:
    died: list[int] = []

    def kill_token(request, number) -> None:
        if "/Contact" in request.path and not died:
            died.append(number)
            crm.switches.token_epoch += 1

    crm.server.before_request.append(kill_token)
    outcome = run_tap({**crm.credentials["token"], "entities": ["Contact"], "notes": False, "page_size": 5})
    assert died
    assert outcome.error is None
    assert set(outcome.ids("contact")) == crm.store.ids("Contact")


def test_a_closed_port_is_told_within_seconds() -> None:
    nobody = Client(
        Connection("http://127.0.0.1:9"), authenticator_for({"api_key": "x", "basic_auth": False})
    )
    started = time.monotonic()
    with pytest.raises(UnreachableError, match=r"No EspoCRM at .* Connection refused"):
        nobody.log_in()
    assert time.monotonic() - started < 3


def test_a_redirect_is_not_followed_and_names_the_right_address(crm) -> None:
    crm.server.faults.add(
        Fault(kind="status", status=301, headers={"Location": "https://new.example/api/v1/App/user?x=1"})
    )
    moved = Client(Connection(crm.url), authenticator_for({"api_key": "x", "basic_auth": False}))
    with pytest.raises(
        UnreachableError, match=r"redirects to https://new.example/api/v1/App/user; set `url`"
    ):
        moved.log_in()


def test_requests_are_paced(crm) -> None:
    key = crm.credentials["api_key"]
    slow = Client(
        Connection(crm.url, max_requests_per_second=20), authenticator_for({**key, "basic_auth": False})
    )
    started = time.monotonic()
    for _ in range(6):
        slow.get(*LIST)
    assert time.monotonic() - started >= 0.25


def test_a_smaller_page_limit_than_announced_is_learnt(crm, config) -> None:
    def lower(request, number) -> None:
        if "App/user" not in request.path:
            crm.switches.page_cap = 7

    crm.server.before_request.append(lower)
    outcome = run_tap({**config, "entities": ["Contact"], "notes": False})
    assert outcome.error is None
    assert set(outcome.ids("contact")) == crm.store.ids("Contact")


def test_no_secret_is_in_a_url_or_a_message(crm, config, capfd) -> None:
    run_tap({**crm.credentials["hmac"], "entities": ["Account"]})
    run_tap({**crm.credentials["basic"], "entities": ["Account"]})
    crm.server.faults.add(Fault(kind="status", status=500, match="Contact", skip=2, times=20))
    run_tap({**config, "entities": ["Account", "Contact"], "max_retries": 0})
    secrets = [
        str(v)
        for c in crm.credentials.values()
        for k, v in c.items()
        if k in {"api_key", "secret_key", "password"}
    ]
    heard = "".join(capfd.readouterr()) + "".join(r.query for r in crm.server.log)
    assert not [secret for secret in secrets if secret in heard]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("https://crm.example.com", "https://crm.example.com"),
        ("https://crm.example.com/", "https://crm.example.com"),
        ("https://crm.example.com/api/v1/", "https://crm.example.com"),
        ("https://crm.example.com/#Account", "https://crm.example.com"),
        (" http://localhost:8080/espo ", "http://localhost:8080/espo"),
    ],
)
def test_addresses_are_understood(given, wanted) -> None:
    assert site_url(given) == wanted


@pytest.mark.parametrize(
    "given", ["crm.example.com", "ftp://crm.example.com", "https://", "https://me:pw@crm.example.com"]
)
def test_addresses_that_cannot_work_are_refused(given) -> None:
    with pytest.raises(ConfigurationError):
        site_url(given)


def test_a_proxy_that_takes_short_addresses_only_is_asked_in_parts(crm, config) -> None:
    crm.server.faults.add(
        Fault(kind="status", status=414, match="/CEverything", times=None, when=lambda r: len(r.query) > 1800)
    )
    outcome = run_tap({**config, "entities": ["CEverything"], "notes": False, "page_size": 2})
    assert outcome.error is None
    stored = {row["id"]: row["fText"] for row in crm.store.rows("CEverything")}
    assert {r["id"]: r["fText"] for r in outcome.records("c_everything")} == stored


def test_a_firewall_is_not_taken_for_the_login_throttle(crm, client) -> None:
    crm.server.faults.add(Fault(kind="status", status=403, match="Account"))
    with pytest.raises(RefusedError, match="a firewall or web server before EspoCRM"):
        client.get(*LIST)


@pytest.mark.parametrize(
    ("url", "is_warned"),
    [("http://crm.example.com", True), ("https://crm.example.com", False), ("http://localhost:8080", False)],
)
def test_an_unencrypted_way_is_pointed_out(url, is_warned, caplog) -> None:
    Client(Connection(url), authenticator_for({"api_key": "x", "basic_auth": False}))
    assert ("travel unencrypted" in caplog.text) is is_warned
