"""No secret is found anywhere but in the request it belongs into, whatever goes wrong."""

from __future__ import annotations

from itertools import product

import pytest
from crm_simulator import Fault

from tests import figures
from tests.end_to_end import canary
from tests.end_to_end.canary import API_KEY, PASS_KEY, PASSWORD
from tests.end_to_end.worlds import WORLDS

PAIR = {"api_key": API_KEY, "pass_key": PASS_KEY}
WAYS = {
    "opencrm, headers": ("opencrm", PAIR),
    "opencrm, parameters": ("opencrm", {**PAIR, "auth_method": "parameters"}),
    "opencrm, login": ("opencrm", {**PAIR, "auth_method": "login"}),
    "espocrm, key": ("espocrm", {"api_key": API_KEY}),
    "espocrm, hmac": ("espocrm", {"api_key": API_KEY, "secret_key": PASS_KEY}),
    "espocrm, token": ("espocrm", {"username": "reader", "password": PASSWORD}),
    "espocrm, basic": ("espocrm", {"username": "reader", "password": PASSWORD, "basic_auth": True}),
}
TROUBLES = {
    "wrong credentials": None,
    "refused": Fault("status", 403, times=None),
    "not found": Fault("status", 404, times=None),
    "too many": Fault("status", 429, {"Retry-After": "0"}, times=None),
    "broken": Fault("status", 500, times=None),
    "reset": Fault("reset", times=None),
    "truncated": Fault("truncate", times=None),
    "html": Fault("html", times=None),
    "empty": Fault("empty", times=None),
    "not JSON": Fault("not_json", times=None),
    "redirect": Fault("status", 302, {"Location": "http://127.0.0.1:1/elsewhere"}, times=None),
    "unreachable": "down",
    "bad setting": {"page_size": "many"},
    "unknown setting": {"no_such_setting": 1},
    "unknown entity": {"entities": ["no_such_entity"]},
    "bad URL": {"url": f"https://someone:{API_KEY}@crm.example/?key={PASS_KEY}"},
}


@pytest.fixture
def make_world(forks, simulator, tmp_path):
    def make(way: str):
        crm, credentials = WAYS[way]
        kind, entities = WORLDS[crm]
        world = kind.create(forks, tmp_path, simulator, entities[:1], max_retries=1)
        known = {"api_key", "pass_key", "secret_key"}
        world.pipeline.tap_config = {
            name: value for name, value in world.pipeline.tap_config.items() if name not in known
        }
        world.pipeline.tap_config |= credentials
        world.pipeline.environment = {f"{world.tap.upper().replace('-', '_')}_LOGLEVEL": "DEBUG"}
        return world

    return make


ALL = list(product(WAYS, TROUBLES))
SOME = [(way, trouble) for number, trouble in enumerate(TROUBLES) for way in list(WAYS)[number % 4 :: 4]]


@pytest.mark.parametrize(("way", "trouble"), SOME)
def test_no_trouble_brings_a_secret_to_light(make_world, way, trouble):
    provoke(make_world(way), trouble)


@pytest.mark.soak
@pytest.mark.parametrize(("way", "trouble"), ALL)
def test_no_trouble_with_any_login_brings_a_secret_to_light(make_world, way, trouble):
    provoke(make_world(way), trouble)


def provoke(world, trouble: str) -> None:
    """Bring one trouble about and search for the secrets."""
    what = TROUBLES[trouble]
    if isinstance(what, Fault):
        world.crm.server.faults.add(what)
    elif what == "down":
        world.crm.server.stop()
    elif what:
        world.pipeline.tap_config |= what
    outcome = world.run_tap()
    figures.count("Secrets", "error paths")
    assert outcome.tap_code
    assert "Traceback" not in outcome.tap_errors
    assert found(world, outcome, (API_KEY, PASS_KEY, PASSWORD)) == []


def found(world, outcome, secrets) -> list[str]:
    """Search all that a run left behind, but the configuration the test itself wrote."""
    ours = [world.pipeline.folder / f"{world.tap}.config.json"]
    places = canary.files_under(world.pipeline.folder, apart_from=ours)
    places["messages"] = b"".join(outcome.lines)
    places["stderr"] = outcome.errors.encode()
    hits = canary.hits(secrets, places)
    figures.count("Secrets", "hits", len(hits))
    return hits


GOOD = {
    "opencrm, headers": ("opencrm", None, {}),
    "opencrm, parameters": ("opencrm", None, {"auth_method": "parameters"}),
    "opencrm, login": ("opencrm", None, {"auth_method": "login"}),
    "espocrm, key": ("espocrm", "api_key", {}),
    "espocrm, hmac": ("espocrm", "hmac", {}),
    "espocrm, token": ("espocrm", "token", {}),
    "espocrm, basic": ("espocrm", "basic", {}),
}


@pytest.mark.parametrize("way", GOOD)
def test_a_run_that_succeeds_leaves_no_secret_behind(forks, simulator, tmp_path, way):
    crm, key, more = GOOD[way]
    kind, entities = WORLDS[crm]
    world = kind.create(forks, tmp_path, simulator, entities[:1], **more)
    if key:
        del world.pipeline.tap_config["api_key"]
        world.pipeline.tap_config |= world.crm.credentials[key]
    secrets = [
        value
        for name, value in world.pipeline.tap_config.items()
        if name in {"api_key", "pass_key", "secret_key", "password"}
    ]
    world.pipeline.environment = {f"{world.tap.upper().replace('-', '_')}_LOGLEVEL": "DEBUG"}
    outcome = world.run()
    assert outcome.succeeded, outcome.errors
    assert all(len(secret) > 7 for secret in secrets)
    assert found(world, outcome, secrets) == []


def test_the_search_finds_a_secret_in_every_form(tmp_path):
    """The search itself is proved here, so that its silence elsewhere means something."""
    for index, form in enumerate(canary.forms(PASSWORD)):
        (tmp_path / str(index)).write_bytes(b"before " + form + b" after")
    places = canary.files_under(tmp_path)
    assert {hit.split(" holds ")[0] for hit in canary.hits([PASSWORD], places)} == set(places)
