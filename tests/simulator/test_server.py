from __future__ import annotations

import socket
import threading
import time
from http.client import HTTPConnection, IncompleteRead
from typing import TYPE_CHECKING

import pytest
from crm_simulator import Clock, Fault, Request, Response, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = "2026-11-20T12:00:00+00:00"


def echo(request: Request) -> Response:
    return Response.json({"path": request.path, "params": request.params})


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(echo, Clock.frozen(NOON), frozenset({"key", "x-key"})) as server:
        yield server


@pytest.fixture
def connection(server: Server) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    yield connection
    connection.close()


def ask(connection: HTTPConnection, path: str = "/a", method: str = "GET", **more) -> tuple[int, bytes]:
    connection.request(method, path, **more)
    response = connection.getresponse()
    return response.status, response.read()


def test_one_connection_serves_many_requests_without_delay(connection):
    ask(connection)
    port = connection.sock.getsockname()
    started = time.perf_counter()
    for _ in range(50):
        ask(connection)
    assert time.perf_counter() - started < 1  # Nagle alone would take 2 seconds
    assert connection.sock.getsockname() == port


def test_the_date_header_shows_the_clock_of_the_server(server, connection):
    server.clock.advance(hours=1)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.read()
    assert response.headers["Date"] == "Fri, 20 Nov 2026 13:00:00 GMT"


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=X"}
PARTS = '--X\r\nContent-Disposition: form-data; name="b"\r\n\r\ntwo words\r\n--X--\r\n'


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/?b=two+words", None, {}),
        ("/?b=early", "b=two+words", FORM),
        ("/", PARTS, MULTIPART),
        ("/", '{"b": "two words"}', {"Content-Type": "application/json"}),
    ],
    ids=["query", "form over query", "multipart", "json"],
)
def test_parameters_are_read_from_every_place(connection, path, body, headers):
    _, answer = ask(connection, path, "POST", body=body, headers=headers)
    assert answer == b'{"path":"/","params":{"b":"two words"}}'


def test_chunked_bodies_are_read(connection):
    parts = iter([b"b=tw", b"o"])
    _, answer = ask(connection, "/", "POST", body=parts, headers=FORM, encode_chunked=True)
    assert b'{"b":"two"}' in answer


def test_malformed_requests_are_refused(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(b"nonsense\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


def test_the_log_holds_everything_but_secrets(server, connection):
    headers = {**FORM, "X-Key": "hush", "X-Other": "said"}
    ask(connection, "/list/key/hush/?key=hush&a=1", "POST", body="key=hush&b=2", headers=headers)
    (entry,) = server.log
    assert "hush" not in repr(entry)
    assert (entry.number, entry.method, entry.path, entry.query) == (
        1,
        "POST",
        "/list/key/***/",
        "key=***&a=1",
    )
    assert entry.params == {"key": "***", "a": "1", "b": "2"}
    assert (entry.headers["x-key"], entry.headers["x-other"], entry.status) == ("***", "said", 200)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("status", status=429, headers={"Retry-After": "1"}), (429, b"<!DOCTYPE")),
        (Fault("status", status=200, body='{"error":"x"}'), (200, b'{"error":"x"}')),
        (Fault("html"), (200, b"<!DOCTYPE")),
        (Fault("empty"), (200, b"")),
        (Fault("not_json"), (200, b"Notice")),
    ],
    ids=["429", "own body", "html", "empty", "not json"],
)
def test_faults_answer_in_the_place_of_the_handler(server, connection, fault, expected):
    server.faults.add(fault)
    status, body = ask(connection)
    assert (status, body[: len(expected[1])]) == expected
    assert ask(connection)[0] == 200


def test_a_fault_waits_for_its_request_and_strikes_so_often(server, connection):
    server.faults.add(Fault("status", status=503, match="/b", skip=1, times=2))
    paths = ["/a", "/b", "/b", "/a", "/b", "/b"]
    assert [ask(connection, path)[0] for path in paths] == [200, 200, 503, 200, 503, 200]
    assert [entry.fault for entry in server.log][2] == "status"


def test_a_reset_cuts_the_connection(server, connection):
    server.faults.add(Fault("reset"))
    with pytest.raises(ConnectionResetError):
        ask(connection)
    assert server.log[0].status == 0


def test_a_truncated_answer_ends_before_its_length(server, connection):
    server.faults.add(Fault("truncate"))
    with pytest.raises(IncompleteRead):
        ask(connection)


@pytest.mark.parametrize("slow", [True, False], ids=["fault", "latency"])
def test_answers_can_take_their_time(server, connection, slow):
    if slow:
        server.faults.add(Fault("slow", seconds=0.2))
    else:
        server.latency = 0.2
    started = time.perf_counter()
    assert ask(connection)[0] == 200
    assert time.perf_counter() - started >= 0.2


def test_hooks_run_before_each_request_with_its_number(server, connection):
    seen = []
    server.before_request.append(lambda request, number: seen.append((number, request.path)))
    ask(connection, "/one")
    ask(connection, "/two")
    assert seen == [(1, "/one"), (2, "/two")]


def test_a_stopped_server_is_gone_and_comes_back_on_its_port(server, connection):
    ask(connection)
    port = server.port
    server.stop()
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    server.start()
    connection.close()
    assert ask(connection)[0] == 200


def test_stopping_does_not_wait_for_slow_answers(server):
    server.latency = 30
    client = HTTPConnection("127.0.0.1", server.port, timeout=5)
    client.request("GET", "/")
    time.sleep(0.05)
    started = time.perf_counter()
    server.stop()
    client.close()
    assert time.perf_counter() - started < 2


def test_connections_are_served_at_the_same_time(server):
    server.latency = 0.2
    started = time.perf_counter()

    def visit() -> None:
        client = HTTPConnection("127.0.0.1", server.port, timeout=5)
        ask(client)
        client.close()

    threads = [threading.Thread(target=visit) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.perf_counter() - started < 1.5
    assert sorted(entry.number for entry in server.log) == list(range(1, 11))
