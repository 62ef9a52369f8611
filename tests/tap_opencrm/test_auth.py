"""Three ways to prove who asks; none of them in a URL."""

from __future__ import annotations

import pytest
from crm_simulator import Fault
from requests import Request
from tap_opencrm.auth import AccessKey, KeyHeaders, KeyParameters

METHODS = ("headers", "parameters", "login")


def prepared(**form):
    return Request("POST", "https://acme.opencrm.co.uk/api/rest/x", data=form).prepare()


@pytest.mark.parametrize("method", METHODS)
def test_each_method_reads_everything(sync, source, method):
    assert set(sync(auth_method=method).ids("contacts")) == source("contacts")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wrong", ["api_key", "pass_key"])
def test_wrong_keys_are_said_in_one_line(sync, method, wrong):
    output = sync(fails=True, auth_method=method, **{wrong: "not-the-key"})
    assert "Unauthorized" in str(output.error)
    assert "Check api_key and pass_key" in str(output.error)
    assert "\n" not in str(output.error)


@pytest.mark.parametrize("method", METHODS)
def test_keys_never_travel_in_the_url(crm, sync, method):
    sync(auth_method=method)
    assert all(not request.query for request in crm.server.log)
    assert all(secret not in r.path for r in crm.server.log for secret in crm.credentials.values())


def test_the_older_spelling_of_the_key_is_tried_once(crm, sync, source):
    vars(crm.switches).update(accept_key=False, accept_apikey=True)
    assert set(sync(auth_method="parameters").ids("contacts")) == source("contacts")
    spellings = ["key" if "key" in request.params else "apikey" for request in crm.server.log]
    assert spellings == ["key"] + ["apikey"] * (len(spellings) - 1)


def test_the_older_spelling_is_tried_at_login_too(crm, sync, source):
    vars(crm.switches).update(accept_key=False, accept_apikey=True)
    assert set(sync(auth_method="login").ids("contacts")) == source("contacts")
    assert sum("login" in request.path for request in crm.server.log) == 2


def test_an_access_key_is_fetched_once(crm, sync):
    sync(auth_method="login", entities=["contacts", "leads"])
    assert sum("login" in request.path for request in crm.server.log) == 1


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_access_key_that_expires_at_any_request_is_renewed(crm, sync, source, at, concurrency):
    asked = iter(range(100))

    def expire(request, number):
        if "get_" in request.path and next(asked) == at:
            crm.expire_access_keys()

    crm.server.before_request.append(expire)
    output = sync(auth_method="login", page_size=3, concurrency=concurrency)
    assert set(output.ids("contacts")) == source("contacts")
    assert sum("login" in request.path for request in crm.server.log) == 2


def test_a_login_that_fails_in_passing_is_repeated(crm, sync, source, no_waiting):
    crm.server.faults.add(Fault(kind="status", status=503, match="login"))
    assert set(sync(auth_method="login").ids("contacts")) == source("contacts")


@pytest.mark.parametrize(
    "body",
    [
        '{"accesskey": "%s"}',
        pytest.param("{}", id="no key"),
        pytest.param("<html></html>", id="html"),
        pytest.param("12", id="number"),
    ],
)
def test_only_a_key_is_taken_for_an_access_key(crm, sync, no_waiting, body):
    key = crm.access.log_in()
    crm.server.faults.add(
        Fault(kind="status", status=200, body=body.replace("%s", key), match="login", times=None)
    )
    output = sync(fails=True, auth_method="login")
    assert (output.error is None) is ("%s" in body)


def test_header_keys_leave_the_form_alone():
    request = KeyHeaders("K", "P")(prepared(crmid="1"))
    assert request.headers["KEY1"] == "K"
    assert request.headers["KEY2"] == "P"
    assert request.body == "crmid=1"


def test_form_keys_are_added_once_however_often_a_request_is_signed():
    keys = KeyParameters("K", "P&=")
    request = keys(keys(prepared(crmid="1")))
    assert request.body == "crmid=1&key=K&passkey=P%26%3D"
    assert request.headers["Content-Length"] == str(len(request.body))


def test_a_key_renewed_by_another_thread_is_not_renewed_again():
    logins = iter(["first", "second", "third"])
    keys = AccessKey(lambda: next(logins))
    one, two = keys(prepared(a="1")), keys(prepared(a="2"))
    assert keys.has_another_way(one)
    assert "second" in keys(prepared(a="1")).body
    assert keys.has_another_way(two)
    assert "second" in keys(prepared(a="2")).body
