"""Starts taps and targets as real processes without paying for Python's imports each time.

A single-threaded process that has imported everything once and forks on request: each run is a process of its
own, with its own pipes and signals, that can be killed at any moment, and starts in milliseconds.
Requests come as JSON over the socket whose descriptor is the first argument; a start carries its three
standard streams.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import socket
import sys
import threading
import time

PROGRAMS = {
    "tap-opencrm": ("tap_opencrm.tap", "TapOpenCRM"),
    "tap-espocrm": ("tap_espocrm.tap", "TapEspoCRM"),
    "target-duckdb": ("target_duckdb.target", "TargetDuckDB"),
}
# DuckDB starts a thread when it is imported, and threads do not live on in a fork: the target comes after it.
IMPORTED_BEFORE = ("tap_opencrm.tap", "tap_espocrm.tap", "singer_sdk.target_base", "msgspec", "yaml", "pytz")
LONGEST_REQUEST = 1 << 16


LONGEST_SLEEP = 0.02
real_sleep, real_wait = time.sleep, threading.Event.wait


def sleep(seconds: float) -> None:
    """Let programs under test wait as often as they like, but never long: only time is mocked."""
    real_sleep(min(seconds, LONGEST_SLEEP))


def wait_for_event(event: threading.Event, timeout: float | None = None) -> bool:
    """Do the same for a sleep that can be interrupted by setting an event."""
    return real_wait(event, timeout if timeout is None else min(timeout, LONGEST_SLEEP))


def serve(control: socket.socket) -> None:
    for module in IMPORTED_BEFORE:
        importlib.import_module(module)
    time.sleep, threading.Event.wait = sleep, wait_for_event
    gc.collect()
    gc.freeze()
    answer(control, {"ready": os.getpid()})
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 3)
        if not message:
            return
        request = json.loads(message)
        if "wait" in request:
            answer(control, {"code": wait(request["wait"], request["timeout"])})
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            become(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        answer(control, {"pid": pid})


def answer(control: socket.socket, reply: dict) -> None:
    control.send(json.dumps(reply).encode())


def wait(pid: int, timeout: float) -> int | None:
    """Return the exit code (negative: the signal), or None where the process still runs."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        real_sleep(0.003)
    return None


def become(request: dict, descriptors: list[int]) -> None:
    """Turn this forked child into the program as its console script would start it."""
    for standard, descriptor in enumerate(descriptors):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), encoding="utf-8")
    errors = io.BufferedWriter(io.FileIO(2, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(errors, encoding="utf-8", line_buffering=True)
    os.chdir(request["folder"])
    os.environ.update(request["environment"])
    sys.argv = [request["program"], *request["arguments"]]
    module, name = PROGRAMS[request["program"]]
    sys.exit(getattr(importlib.import_module(module), name).cli())


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
