from __future__ import annotations

import json

import pytest

UNAUTHORIZED = (200, {"error": "Unauthorized"})
LIST = "/api/rest/get_user_list_count"


def reply(answer) -> tuple[int, object]:
    return answer.status, answer.json


@pytest.fixture
def pair(opencrm) -> dict[str, str]:
    return {"key": opencrm.credentials["api_key"], "passkey": opencrm.credentials["pass_key"]}


PAIRS = str.maketrans("&=", "//")
FORM = {"Content_Type": "application/x-www-form-urlencoded"}


def as_form(fields: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in fields.items())


def test_keys_in_headers_open_the_system_whatever_their_case(call):
    answer = call.send("GET", LIST, key1=call.keys["KEY1"], Key2=call.keys["KEY2"])
    assert reply(answer) == (200, "12")


@pytest.mark.parametrize("place", ["query", "form", "json", "path"])
def test_parameters_are_taken_from_every_place(call, pair, place):
    path = {
        "query": f"{LIST}?{as_form(pair)}",
        "path": f"{LIST}/key/{pair['key']}/passkey/{pair['passkey']}/",
    }
    body = {"form": as_form(pair), "json": json.dumps(pair)}
    answer = call.send("POST", path.get(place, LIST), body.get(place), **FORM if place == "form" else {})
    assert reply(answer) == (200, "12")


@pytest.mark.parametrize("headers", [{}, {"KEY1": "wrong", "KEY2": "wrong"}], ids=["none", "wrong"])
def test_without_the_right_keys_every_call_is_unauthorized_under_200(call, headers):
    assert reply(call.send("POST", LIST, **headers)) == UNAUTHORIZED
    assert reply(call.send("POST", "/api/rest/nonsense", **headers)) == UNAUTHORIZED


def test_apikey_is_a_spelling_only_by_switch(call, opencrm, pair):
    body = as_form({"apikey": pair["key"], "passkey": pair["passkey"]})
    assert reply(call.send("POST", LIST, body, **FORM)) == UNAUTHORIZED
    opencrm.switches.accept_apikey, opencrm.switches.accept_key = True, False
    assert reply(call.send("POST", LIST, body, **FORM)) == (200, "12")
    assert reply(call.send("POST", LIST, as_form(pair), **FORM)) == UNAUTHORIZED


def test_login_gives_a_bare_string_that_expires_when_idle(call, opencrm, pair):
    key = call.send("POST", "/api/rest/login", as_form(pair), **FORM).json
    assert isinstance(key, str)
    for _ in range(3):
        opencrm.clock.advance(seconds=1199)
        assert reply(call.send("POST", LIST, f"accesskey={key}", **FORM)) == (200, "12")
    opencrm.clock.advance(seconds=1201)
    assert reply(call.send("POST", LIST, f"accesskey={key}", **FORM)) == UNAUTHORIZED


def test_login_without_the_right_keys_is_unauthorized(call):
    assert reply(call.send("POST", "/api/rest/login", "key=a&passkey=b", **FORM)) == UNAUTHORIZED


def test_tests_can_expire_every_access_key(call, opencrm, pair):
    key = call.send("POST", "/api/rest/login", as_form(pair), **FORM).json
    opencrm.expire_access_keys()
    assert reply(call.send("POST", LIST, f"accesskey={key}", **FORM)) == UNAUTHORIZED


@pytest.mark.parametrize("agent", ["curl/8.1", "python-requests/2.32", "my-Python-thing"])
def test_the_firewall_turns_suspicious_agents_away(call, agent):
    answer = call.send("POST", LIST, **call.keys, User_Agent=agent)
    assert (answer.status, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")


def test_the_log_holds_no_key(call, opencrm, pair):
    call.send(
        "POST", f"{LIST}/passkey/{pair['passkey']}?key={pair['key']}", as_form(pair), **FORM, **call.keys
    )
    assert not any(secret in repr(opencrm.server.log) for secret in opencrm.credentials.values())


def test_writing_is_refused_and_remembered(call, opencrm):
    before = opencrm.store.rows("lead")
    assert "error" in call("edit_lead", crmid=0, lastname="New").json
    assert opencrm.violations == ["edit_lead"]
    assert opencrm.store.rows("lead") == before


@pytest.mark.parametrize(("switch", "status", "body"), [("404", 404, b"<!D"), ("blank", 200, b"")])
def test_unknown_end_points_answer_as_the_switch_says(call, opencrm, switch, status, body):
    assert "error" in call("get_helpdesk_list").json
    opencrm.switches.unknown_end_point = switch
    answer = call("get_helpdesk_list")
    assert (answer.status, answer.body[: len(body)]) == (status, body)


def test_users_are_there_or_not(call, opencrm):
    assert call("get_user_details", crmid=1).json["id"] == "1"
    opencrm.switches.users = False
    assert "error" in call("get_user_list_full").json
