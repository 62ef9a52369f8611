"""tap-opencrm beside a bare `requests` loop over the same pages: wall time, speed and memory.

    .venv/bin/python benchmarks/tap_opencrm.py             the whole table, about three minutes
    .venv/bin/python benchmarks/tap_opencrm.py --quick     a fifth of the records

Every run is a process of its own that writes to /dev/null; the server is another process, over loopback, with
pages made beforehand. The bare loop reads the same pages one after the other and decodes them, nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from crm_simulator.clock import Clock
from crm_simulator.messages import Request, Response
from crm_simulator.server import Server

PAGE = 100
# As Python is installed, not as this shell may have set it.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
TAP = Path(sys.executable).parent / "tap-opencrm"
TEXTS = [
    *("firstname", "lastname", "title", "department", "email", "phone", "mobile", "mailingstreet"),
    *("mailingcity", "mailingstate", "mailingzip", "mailingcountry", "description", "leadsource"),
    *("greeting", "fax", "otherphone", "assistant", "folder", "sage_ref", "contacttype", "otherstreet"),
    *("othercity", "otherzip"),
]
FLAGS = [
    "do_not_email",
    "tps",
    "fps",
    "portal",
    "donotlivechat",
    "canesign",
    "includeinsync",
    "addressinherit",
]
DATES = ["birthday", "support_start_date", "support_end_date", "date_consent_given"]


def row(number: int) -> bytes:
    """Return one contact as OpenCRM writes it, all values text."""
    values = {"id": str(number), "smownerid": "5", "accountid": str(number % 5000)}
    values |= {name: f"{name} {number}" for name in TEXTS}
    values |= dict.fromkeys(FLAGS, str(number % 2))
    values |= dict.fromkeys(DATES, f"20{10 + number % 15}-0{1 + number % 9}-1{number % 10}T00:00:00+00:00")
    values["modifiedtime"] = f"2026-0{1 + number % 9}-1{number % 10}T10:{number % 60:02d}:00+00:00"
    return json.dumps(values).encode()


def serve(records: int, latency: float) -> None:
    """Serve so many contacts until the process is stopped."""
    rows = [row(number) for number in range(1, records + 1)]
    json_type = {"Content-Type": "application/json"}

    def answer(request: Request) -> Response:
        if "count" in request.path:
            return Response(200, json_type, b'"%d"' % records)
        start, end = int(request.params["limit_start"]), int(request.params["limit_end"])
        return Response(200, json_type, b"[" + b",".join(rows[start:end]) + b"]")

    server = Server(answer, Clock())
    server.latency = latency
    server.start()
    print(server.url, flush=True)
    while sys.stdin.read(1):
        pass


def bare_loop(url: str) -> None:
    """Read all pages one after the other, as a short script would."""
    import requests  # noqa: PLC0415 # only the peer needs it

    session, start = requests.Session(), 0
    while page := session.post(
        f"{url}/api/rest/get_contact_list_full/dateTimeOverride/c/dateOverride/c",
        data={"limit_start": start, "limit_end": start + PAGE},
        headers={"KEY1": "key", "KEY2": "pass"},
        timeout=60,
    ).json():
        start += len(page)


@dataclass(frozen=True)
class Result:
    """What one run took."""

    seconds: float
    processor: float
    megabytes: float


def measure(command: list[str]) -> Result:
    """Run a command to its end and return its wall time and peak memory."""
    started = time.perf_counter()
    with Path(os.devnull).open("wb") as nothing:
        process = subprocess.Popen(command, stdout=nothing, stderr=subprocess.PIPE, env=ENVIRONMENT)
        complaints = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(complaints.decode())
    processor = usage.ru_utime + usage.ru_stime
    return Result(time.perf_counter() - started, processor, usage.ru_maxrss / 1024)


def run_bare(url: str) -> Result:
    """Measure the bare loop."""
    return measure([sys.executable, __file__, "--bare", url])


def run_tap(url: str, **settings: object) -> Result:
    """Measure the tap over contacts only, with a catalogue, as Meltano runs it."""
    config = {"url": url, "api_key": "key", "pass_key": "pass", "entities": ["contacts"], "page_size": PAGE}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps({**config, **settings}))
        return measure([str(TAP), "--config", f"{folder}/config.json"])


class Site:
    """A server process for the time of a measurement."""

    def __init__(self, records: int, latency: float) -> None:
        self._command = [sys.executable, __file__, "--serve", str(records), str(latency)]

    def __enter__(self) -> str:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def table(records: int) -> None:
    """Measure and print everything, and how busy the machine was."""
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{records:,} contacts, {len(json.loads(row(1)))} fields, pages of {PAGE}")
    with Site(records, 0.05) as url:
        bare, tap, four = run_bare(url), run_tap(url), run_tap(url, concurrency=4)
    print(f"50 ms a request: bare loop      {bare.seconds:7.2f} s")
    print(f"                 tap            {tap.seconds:7.2f} s = {tap.seconds / bare.seconds:.2f} x bare")
    print(f"                 concurrency 4  {four.seconds:7.2f} s = {four.seconds / bare.seconds:.2f} x bare")
    with Site(records, 0.0) as url:
        bare, tap = run_bare(url), run_tap(url)
    for name, result in (("bare loop", bare), ("tap      ", tap)):
        print(f"no latency:      {name}      {result.seconds:7.2f} s, {result.megabytes:.0f} MB", end=" = ")
        print(
            f"{records / result.seconds:,.0f} records/s, {records / result.processor:,.0f} a processor second"
        )
    with Site(records * 10, 0.0) as url:
        big = run_tap(url)
    print(f"{records * 10:,} contacts:  tap  {big.seconds:.2f} s, {big.megabytes:.0f} MB")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(int(arguments.serve[0]), float(arguments.serve[1]))
    elif arguments.bare:
        bare_loop(arguments.bare)
    else:
        table(10_000 if arguments.quick else 50_000)


if __name__ == "__main__":
    main()
