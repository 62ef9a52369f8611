"""The taps talk to the configured origin, over TLS they can trust, and to nobody else; the target to nobody.

Every run of these tests stands under the socket guard (see `guard/`), and so does every other end-to-end run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product

import pytest
from crm_simulator import Fault

from tests.end_to_end import tls
from tests.end_to_end.pipeline import BIN, HERE
from tests.end_to_end.warehouse import Warehouse
from tests.end_to_end.worlds import WORLDS

needs_openssl = pytest.mark.skipif(not tls.available, reason="the openssl command is not installed")


@pytest.fixture(params=WORLDS, ids=str)
def world(request, forks, simulator, tmp_path):
    kind, entities = WORLDS[request.param]
    return kind.create(forks, tmp_path, simulator, entities[:1], max_retries=1)


@pytest.fixture
def stranger():
    """A server of somebody else, which must never hear from us."""

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.heard.append(dict(self.headers))
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the name http.server looks for

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listening)
    server.heard = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return tls.Authority(tmp_path_factory.mktemp("tls") / "ca")


STATUSES = (301, 302, 303, 307, 308)
PLACES = {
    "port": "http://127.0.0.1:{port}/api",
    "host": "http://localhost:{port}/",
    "scheme": "https://127.0.0.1:{port}/",
    "no-scheme": "//127.0.0.1:{port}/x",
}
SOME = [*((status, "port") for status in STATUSES), *((302, place) for place in PLACES if place != "port")]


@pytest.mark.parametrize(("status", "place"), SOME)
def test_no_redirect_to_another_origin_is_followed(world, stranger, status, place):
    redirect(world, stranger, status, place)


@pytest.mark.soak
@pytest.mark.parametrize(("status", "place"), list(product(STATUSES, PLACES)))
def test_no_redirect_of_any_kind_to_another_origin_is_followed(world, stranger, status, place):
    redirect(world, stranger, status, place)


def redirect(world, stranger, status: int, place: str) -> None:
    """Answer every request with a redirect to a stranger, who must not hear of it."""
    location = PLACES[place].format(port=stranger.server_port)
    world.crm.server.faults.add(Fault("status", status, {"Location": location}, times=None))
    outcome = world.run_tap()
    assert outcome.tap_code
    assert "Traceback" not in outcome.tap_errors
    assert stranger.heard == []


@needs_openssl
def test_tls_with_a_trusted_certificate_works(world, authority):
    with tls.TlsFront(world.crm.url, authority.issue("good")) as front:
        world.pipeline.tap_config |= {"url": front.url, "ca_bundle": str(authority.root)}
        outcome = world.run()
    assert outcome.succeeded, outcome.errors
    assert front.handshakes
    assert world.differences() == []


BAD = {
    "expired": (lambda authority: authority.issue("expired", expired=True), "TLSv1_3"),
    "self-signed": (lambda authority: authority.self_signed("selfsigned"), "TLSv1_3"),
    "wrong host": (lambda authority: authority.issue("elsewhere", names=tls.ELSEWHERE), "TLSv1_3"),
    "TLS 1.0": (lambda authority: authority.issue("good"), "TLSv1"),
    "TLS 1.1": (lambda authority: authority.issue("good"), "TLSv1_1"),
}


@needs_openssl
@pytest.mark.parametrize("case", BAD)
def test_tls_that_cannot_be_trusted_is_refused(world, authority, case):
    make, newest = BAD[case]
    with tls.TlsFront(world.crm.url, make(authority), newest=newest) as front:
        assert tls.careless_handshake(front), "the server itself works"
        before = front.handshakes
        world.pipeline.tap_config |= {"url": front.url, "ca_bundle": str(authority.root)}
        outcome = world.run_tap()
        assert outcome.tap_code
        assert "Traceback" not in outcome.tap_errors
        assert front.handshakes == before
        assert front.connections > 1, "the tap did try"
    assert world.crm.server.log == []


@needs_openssl
def test_an_unknown_authority_is_not_trusted(world, authority):
    with tls.TlsFront(world.crm.url, authority.issue("good")) as front:
        world.pipeline.tap_config |= {"url": front.url}
        outcome = world.run_tap()
    assert outcome.tap_code
    assert world.crm.server.log == []


HOSTILE_URLS = [
    "ftp://crm.example", "file:///etc/passwd", "javascript:alert(1)",
    "//crm.example", "crm.example:443:443", "https://", "https://user:word@crm.example", "https://crm.example@127.0.0.1.nip.io",
    "https://crm example", "https://crm.example\r\nX: y", "https://crm.example\\@evil.example", "gopher://127.0.0.1",
    "https://[::1", "unix:/tmp/x",
]  # fmt: skip
PLAIN_HTTP = [
    "http://crm.example", "http://10.0.0.1", "http://127.0.0.1.evil.example", "http://localhost.evil.example",
]  # fmt: skip


@pytest.mark.parametrize("url", PLAIN_HTTP)
def test_plain_http_to_another_machine_is_never_used_silently(world, url):
    """It carries the key in clear text: refused by tap-opencrm, refused or warned of by tap-espocrm."""
    world.pipeline.tap_config["url"] = url
    outcome = world.run_tap()
    assert outcome.tap_code
    is_refused = world.pipeline.guard_log.read_text() == ""
    is_warned_of = world.tap == "tap-espocrm" and "unencrypted" in outcome.tap_errors
    assert is_refused or is_warned_of


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_url_setting_is_refused_before_any_connection(world, url):
    world.pipeline.tap_config["url"] = url
    outcome = world.run_tap()
    assert outcome.tap_code
    assert "Traceback" not in outcome.tap_errors
    assert world.pipeline.guard_log.read_text() == ""


@pytest.mark.parametrize(
    "name",
    ["evil.example/", "a.b", "me@evil", "..", " ", "crm\n", "localhost:80#", "a/../b", "crm?x=", "-", "ü"],
)
def test_a_hostile_system_name_is_refused_before_any_connection(forks, simulator, tmp_path, name):
    kind, entities = WORLDS["opencrm"]
    world = kind.create(forks, tmp_path, simulator, entities[:1])
    del world.pipeline.tap_config["url"]
    world.pipeline.tap_config["system_name"] = name
    outcome = world.run_tap()
    assert outcome.tap_code
    assert "Traceback" not in outcome.tap_errors
    assert world.pipeline.guard_log.read_text() == ""


def test_addresses_in_records_are_never_visited(world, stranger):
    entity = world.entities[0]
    for place in (f"http://127.0.0.1:{stranger.server_port}/", "file:///etc/passwd", "\\\\evil\\share"):
        world.crm.store.create(entity, {"website": place, "description": place})
    assert world.run().succeeded
    assert stranger.heard == []
    assert world.differences() == []


def test_only_the_configured_origin_is_ever_asked(world):
    assert world.run().succeeded
    attempts = world.pipeline.guard_log.read_text().split("\n")
    assert any(line.startswith("allowed socket.connect") for line in attempts)
    assert {line.split()[2] for line in attempts if "connect" in line} == {
        world.crm.url.removeprefix("http://")
    }


def without_network() -> list[str]:
    """The command that starts a program where there is no network, not even loopback."""
    command = ["unshare", "--net", "--map-root-user", "--"]
    works = shutil.which("unshare") and subprocess.run([*command, "true"], check=False, capture_output=True)
    return command if works and works.returncode == 0 else []


@pytest.mark.skipif(not without_network(), reason="this machine cannot start a program without a network")
def test_the_target_needs_no_network_at_all(tmp_path):
    """The guard sees Python's sockets alone; here DuckDB has none either."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"path": str(tmp_path / "crm.duckdb")}))
    schema = {"properties": {"id": {"type": "integer"}}}
    lines = [
        {"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": ["id"]},
        {"type": "RECORD", "stream": "s", "record": {"id": 1}},
    ]
    command = [*without_network(), BIN / "target-duckdb", "--config", config]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(Warehouse(tmp_path / "crm.duckdb").table("main", "s").rows) == 1


def test_the_socket_guard_refuses_what_is_not_allowed(tmp_path, stranger):
    """The guard itself is proved here, so that its silence elsewhere means something."""
    log = tmp_path / "log"
    port = stranger.server_port
    code = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    environment = {**os.environ, "PYTHONPATH": str(HERE / "guard"), "CRM_GUARD_LOG": str(log)}
    refused = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    environment["CRM_GUARD_ALLOW"] = f"127.0.0.1:{port}"
    allowed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert (refused.returncode, allowed.returncode) == (1, 0), allowed.stderr
    assert b"socket guard" in refused.stderr
