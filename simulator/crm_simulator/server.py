"""HTTP/1.1 over real sockets: one thread per connection, a log, faults, latency and hooks; knows no CRM."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable
from email.utils import format_datetime
from http import HTTPStatus
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Self

from crm_simulator.faults import Fault, Faults
from crm_simulator.messages import LoggedRequest, Request, Response, log_line

if TYPE_CHECKING:
    from crm_simulator.clock import Clock

Handler = Callable[[Request], Response]
Hook = Callable[[Request, int], object]

_LONGEST_LINE = 1 << 20
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Server:
    """Serves one handler on one port, in threads of its own, until it is stopped."""

    def __init__(self, handler: Handler, clock: Clock, secrets: frozenset[str] = frozenset()) -> None:
        self.handler = handler
        self.clock = clock
        self.secrets = secrets
        self.log: list[LoggedRequest] = []
        self.faults = Faults()
        self.latency = 0.0
        self.before_request: list[Hook] = []
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._listener: _Listener | None = None
        self._address = ("127.0.0.1", 0)

    def start(self, host: str = "127.0.0.1", port: int = 0) -> Self:
        """Listen; a server that was stopped comes back on its old port unless told otherwise."""
        self._stopping.clear()
        self._listener = _Listener((host, port or self._address[1]), self)
        self._address = (host, self._listener.server_address[1])
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Close the port and every connection."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self._stopping.set()
        listener.shutdown()
        listener.server_close()
        listener.hang_up()

    def __enter__(self) -> Self:
        return self if self._listener else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port this server listens, or listened, on."""
        return self._address[1]

    @property
    def url(self) -> str:
        """The address of this server, without a trailing slash."""
        return f"http://{self._address[0]}:{self._address[1]}"

    def clear_log(self) -> None:
        """Forget the requests so far; numbers go on."""
        self.log = []

    def respond(self, request: Request) -> tuple[Response, Fault | None]:
        """Answer one request as hooks, latency and faults have it, and log it."""
        request.number = next(self._numbers)
        for hook in list(self.before_request):
            hook(request, request.number)
        fault = self.faults.take(request)
        self._wait(self.latency + (fault.seconds if fault and fault.kind == "slow" else 0.0))
        response = (fault.answer() if fault else None) or self.handler(request)
        status = 0 if fault and fault.kind == "reset" else response.status
        kind = fault.kind if fault else None
        self.log.append(log_line(request, status, self.clock.now(), self.secrets, kind))
        return response, fault

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._stopping.wait(seconds)


class _Listener(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], site: Server) -> None:
        self.site = site
        self.connections: dict[socket.socket, threading.Thread] = {}
        self.resetting: set[object] = set()
        super().__init__(address, _Connection)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if request in self.resetting:
            self.resetting.discard(request)
            self.close_request(request)  # without the polite FIN that comes first otherwise
            return
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection, thread in list(self.connections.items()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(5)


class _Connection(StreamRequestHandler):
    server: _Listener
    connection: socket.socket
    disable_nagle_algorithm = True  # headers and body in two packets would wait 40 ms for each other
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.server.connections[self.connection] = threading.current_thread()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.server.connections.pop(self.connection, None)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            while self._exchange():
                pass

    def _exchange(self) -> bool:
        try:
            request = self._read_request()
        except ValueError:
            self._write(Response.html("Bad Request", 400), keep=False)
            return False
        if request is None:
            return False
        response, fault = self.server.site.respond(request)
        if fault and fault.kind in {"reset", "truncate"}:
            self._break_off(response, fault)
            return False
        keep = request.headers.get("connection", "").lower() != "close"
        self._write(response, keep=keep, bodiless=request.method == "HEAD")
        return keep

    def _read_request(self) -> Request | None:
        line = self.rfile.readline(_LONGEST_LINE)
        if not line:
            return None
        method, target, version = line.decode("latin-1").split()
        headers = self._read_headers()
        if version == "HTTP/1.0":
            headers.setdefault("connection", "close")
        path, _, query = target.partition("?")
        body = self._read_body(headers)
        return Request(method, path, query, headers, body, client=str(self.client_address[0]))

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while (line := self.rfile.readline(_LONGEST_LINE)) not in {b"\r\n", b"\n", b""}:
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return headers

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        return self.rfile.read(int(headers.get("content-length", 0)))

    def _read_chunks(self) -> bytes:
        chunks = []
        while size := int(self.rfile.readline(_LONGEST_LINE).partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline(_LONGEST_LINE)
        while self.rfile.readline(_LONGEST_LINE) not in {b"\r\n", b"\n", b""}:
            pass
        return b"".join(chunks)

    def _write(self, response: Response, *, keep: bool, bodiless: bool = False) -> None:
        self.wfile.write(self._head(response, keep=keep))
        if not bodiless:
            self.wfile.write(response.body)
        self.wfile.flush()

    def _head(self, response: Response, *, keep: bool) -> bytes:
        lines = [
            f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}",
            f"Date: {format_datetime(self.server.site.clock.now(), usegmt=True)}",
            *(f"{name}: {value}" for name, value in response.headers.items()),
        ]
        if response.status not in {204, 304}:
            lines.append(f"Content-Length: {len(response.body)}")
        lines.append(f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n")
        return "\r\n".join(lines).encode("latin-1")

    def _break_off(self, response: Response, fault: Fault) -> None:
        if fault.kind == "truncate":
            self.wfile.write(self._head(response, keep=False))
            self.wfile.write(response.body[: len(response.body) // 2])
            self.wfile.flush()
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.resetting.add(self.connection)
