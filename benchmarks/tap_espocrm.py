"""tap-espocrm beside a bare `requests` loop over the same pages: wall time, speed and memory.

    .venv/bin/python benchmarks/tap_espocrm.py             the whole table, about three minutes
    .venv/bin/python benchmarks/tap_espocrm.py --quick     a tenth of the records

The server is a process of its own. It describes itself with the documents of the simulator and answers lists
of four entity types with rows made from a simulated one: serving a page costs next to nothing, so that what
is measured is the tap.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

# This file has the name of the package that it measures.
sys.path = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]

ENTITIES = ("Lead", "Contact", "Account", "Opportunity")
PAGE = 200
NONE_FOLLOW = -2
KEY = {"X-Api-Key": "benchmark", "X-No-Total": "true"}
CURSOR = "where[0][value][1][value][1][value]"
QUIET = {"detect_deletes": False, "link_streams": False, "notes": False, "max_retries": 0}


def stamp(number: int) -> str:
    """Ten rows a second, so that pages end inside a second."""
    second = number // 10
    return f"2026-{1 + second // 86400 // 28:02}-{1 + second // 86400 % 28:02} " + time.strftime(
        "%H:%M:%S", time.gmtime(second % 86400)
    )


class Source:
    """The documents of a simulated server, and one row of each entity type as a template."""

    def __init__(self, count: int) -> None:
        from crm_simulator import Simulator  # noqa: PLC0415  # the measured process need not know it

        self.count = count
        self.documents: dict[str, bytes] = {}
        self.templates: dict[str, bytes] = {}
        with Simulator(seed=7, scale=0.02) as sim:
            base, key = (
                sim.espocrm.url + "/api/v1/",
                {"X-Api-Key": sim.espocrm.credentials["api_key"]["api_key"]},
            )
            for name in ("App/user", "Metadata", "I18n"):
                self.documents[name] = requests.get(base + name, headers=key, timeout=10).content
            for name in ENTITIES:
                row = requests.get(base + name, headers=key, timeout=10, params={"maxSize": 1}).json()[
                    "list"
                ][0]
                row.update(
                    id="@ID@",
                    modifiedAt="@AT@",
                    teamsIds=["673ffba93ebc917d0"],
                    teamsNames={"673ffba93ebc917d0": "EU"},
                )
                self.templates[name] = json.dumps(row).encode()

    def page(self, entity: str, query: dict[str, list[str]]) -> bytes:
        """Answer a list request: the rows behind the id that the cursor names."""
        if query.get("where[0][type]") == ["isNull"]:
            return b'{"total":-2,"list":[]}'
        first = int(query[CURSOR][0], 16) + 1 if CURSOR in query else 0
        last = min(first + int(query["maxSize"][0]), self.count)
        template = self.templates[entity]
        rows = [
            template.replace(b"@ID@", b"%017x" % n).replace(b"@AT@", stamp(n).encode())
            for n in range(first, last)
        ]
        return b'{"total":%d,"list":[%s]}' % (-1 if last < self.count else -2, b",".join(rows))


def serve(count: int, latency: float) -> None:
    """Serve until killed; says where on the first line."""
    source = Source(count)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:  # the standard library's name
            parts = urlsplit(self.path)
            path = parts.path.removeprefix("/api/v1/")
            body = source.documents.get(path)
            status = 200 if body or path in ENTITIES else 404
            if path in ENTITIES:
                body = source.page(path, parse_qs(parts.query))
            time.sleep(latency)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")
            self.wfile.flush()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


@contextlib.contextmanager
def server(count: int, latency: float) -> Iterator[str]:
    """Run the server in a process of its own."""
    command = [sys.executable, __file__, "--serve", str(count), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def bare_loop(url: str, entities: tuple[str, ...], select: dict[str, str]) -> float:
    """Ask for the same pages as the tap, one after the other, and parse them."""
    session = requests.Session()
    started = time.perf_counter()
    for entity in entities:
        parameters = {"maxSize": str(PAGE), "orderBy": "modifiedAt", "order": "asc", "select": select[entity]}
        where: dict[str, str] = {"where[0][type]": "isNotNull", "where[0][attribute]": "modifiedAt"}
        while True:
            answer = session.get(
                f"{url}/api/v1/{entity}", params={**parameters, **where}, headers=KEY, timeout=30
            )
            found = answer.json()
            if found["total"] == NONE_FOLLOW:
                break
            last = found["list"][-1]
            where = {
                "where[0][type]": "or",
                "where[0][value][0][type]": "greaterThan",
                "where[0][value][0][attribute]": "modifiedAt",
                "where[0][value][0][value]": last["modifiedAt"],
                "where[0][value][1][type]": "and",
                "where[0][value][1][value][0][type]": "equals",
                "where[0][value][1][value][0][attribute]": "modifiedAt",
                "where[0][value][1][value][0][value]": last["modifiedAt"],
                "where[0][value][1][value][1][type]": "greaterThan",
                "where[0][value][1][value][1][attribute]": "id",
                CURSOR: last["id"],
            }
    return time.perf_counter() - started


def tap_run(url: str, entities: tuple[str, ...], **settings: int) -> tuple[float, dict[str, str]]:
    """Sync with the output thrown away; returns the seconds and what was selected."""
    from tap_espocrm.tap import TapEspoCRM  # noqa: PLC0415  # so that --serve does not load it

    logging.disable(logging.WARNING)
    tap = TapEspoCRM(
        config={"url": url, "api_key": "benchmark", "entities": list(entities), **QUIET, **settings}
    )
    select = {
        s.entity.name: ",".join(n for g in s.entity.in_lists(s.selected_names) for n in g)
        for s in tap.streams.values()
    }
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        started = time.perf_counter()
        tap.sync_all()
        return time.perf_counter() - started, select


def peak_memory(url: str) -> float:
    """Run the command as a process of its own; returns the largest resident size in MB."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        config.write_text(json.dumps({"url": url, "api_key": "benchmark", "entities": ["Lead"], **QUIET}))
        code = (
            "import resource, subprocess, sys;"
            "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
        )
        command = [str(Path(sys.executable).parent / "tap-espocrm"), "--config", str(config)]
        done = subprocess.run(
            [sys.executable, "-c", code, *command], capture_output=True, text=True, check=True
        )
        return float(done.stdout)


def side_by_side(url: str, entities: tuple[str, ...], rounds: int, *concurrencies: int) -> list[float]:
    """Take turns, so that a busy machine is busy for all; the best seconds of the loop, then of the tap."""
    select = tap_run(url, entities)[1]
    takes: list[list[float]] = []
    for _ in range(rounds):
        bare = bare_loop(url, entities, select)
        takes.append([bare, *(tap_run(url, entities, concurrency=c)[0] for c in concurrencies)])
    return [min(times) for times in zip(*takes, strict=True)]


def measure(count: int) -> Iterator[tuple[str, str, str]]:
    """Take all figures, each the best of some rounds; rows of (what, figure, aim)."""
    with server(count, 0.05) as url:
        bare, tap = side_by_side(url, ("Lead",), 2, 2)
    yield f"{count:,} leads, pages of {PAGE}, 50 ms a request: bare loop", f"{bare:.2f} s", ""
    yield "the same with the tap", f"{tap:.2f} s = {tap / bare:.2f} x", "≤ 1.1 x"
    with server(count // 4, 0.05) as url:
        bare, one, four = side_by_side(url, ENTITIES, 2, 1, 4)
    yield f"4 entities of {count // 4:,}, 50 ms a request: bare loop", f"{bare:.2f} s", ""
    yield "the same with the tap, concurrency 1", f"{one:.2f} s = {one / bare:.2f} x", ""
    yield "the same with the tap, concurrency 4", f"{four:.2f} s = {four / bare:.2f} x", "≤ 0.4 x"
    with server(count, 0) as url:
        bare, tap = side_by_side(url, ("Lead",), 4, 2)
        yield f"{count:,} leads without latency: bare loop", f"{count / bare:,.0f} records/s", ""
        yield "the same with the tap", f"{count / tap:,.0f} records/s", "≥ 20,000"
        yield "CPU of the tap for one record", f"{cpu_per_record(url, count):.0f} µs", ""
        yield f"peak memory, {count:,} leads", f"{peak_memory(url):.0f} MB", "≤ 150 MB"
    with server(10 * count, 0) as url:
        yield f"peak memory, {10 * count:,} leads", f"{peak_memory(url):.0f} MB", "≤ 150 MB"


def cpu_per_record(url: str, count: int) -> float:
    """Measure what a record costs this process, whatever else the machine does; in microseconds."""
    started = time.process_time()
    tap_run(url, ("Lead",))
    return (time.process_time() - started) / count * 1e6


def main() -> None:
    """Read the arguments and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the records")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(int(arguments.serve[0]), float(arguments.serve[1]))
        return
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}\n")
    print("| what | measured | aim |\n|---|---|---|")
    for row in measure(5_000 if arguments.quick else 50_000):
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
