"""Runs `tap | target` as two real processes, the way Meltano does.

The pipeline carries the tap's lines to the target itself (as Meltano does), so that it can count them, keep
them and kill either side after any line; the last STATE the target lets out is where the next run starts.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
LONGEST_RUN = 300.0
GUARDED = os.pathsep.join(filter(None, (str(HERE / "guard"), os.environ.get("PYTHONPATH"))))
"""The search path of programs under test: the socket guard, then what this run was given (`make mutants`)."""
Streams = tuple[int, int, int]
Environment = dict[str, str]
QUIET = {"SINGER_SDK_LOG_CONFIG": str(HERE / "logging.yaml")}


@dataclass(frozen=True)
class Kill:
    """When one side is struck down: after so many lines passed on, and then so many seconds."""

    who: Literal["tap", "target"]
    after: int = 0
    delay: float = 0.0
    signal: int = signal.SIGKILL


@dataclass
class Outcome:
    """What one run of the pipeline left behind."""

    tap_code: int | None
    target_code: int | None
    lines: list[bytes]
    states: list[dict[str, Any]]
    tap_errors: str
    target_errors: str
    seconds: float

    @property
    def succeeded(self) -> bool:
        return self.tap_code == 0 and self.target_code == 0

    @property
    def was_killed(self) -> bool:
        """Whether a kill came before the end."""
        return -signal.SIGKILL in {self.tap_code, self.target_code}

    @property
    def errors(self) -> str:
        tap = f"tap exit {self.tap_code}:\n{self.tap_errors}"
        return f"{tap}\ntarget exit {self.target_code}:\n{self.target_errors}"

    def messages(self, kind: str = "") -> list[dict[str, Any]]:
        """Decode the tap's messages; a line that is none fails the test that asks."""
        decoded = [json.loads(line) for line in self.lines]
        return [message for message in decoded if not kind or message["type"] == kind]


class Process(Protocol):
    """A started program."""

    pid: int

    def wait(self, timeout: float) -> int | None: ...


class Launcher(Protocol):
    """A way to start a program with three descriptors."""

    def start(
        self, program: str, arguments: list[str], streams: Streams, environment: Environment, folder: Path
    ) -> Process: ...  # fmt: skip


class Programs:
    """Starts the installed console scripts: the whole truth, at a second or so of imports each."""

    def start(self, program, arguments, streams, environment, folder):
        stdin, stdout, stderr = streams
        return _Started(
            subprocess.Popen(
                [BIN / program, *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, **environment},
                cwd=folder,
            )
        )


@dataclass
class _Started:
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait(self, timeout: float) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(timeout)
        return None


class Forks:
    """Starts programs by forking a process that has imported them: real processes, some milliseconds each."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._server = subprocess.Popen(
            [sys.executable, HERE / "fork_server.py", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **QUIET, "PYTHONPATH": GUARDED},
        )
        theirs.close()
        self._control.settimeout(LONGEST_RUN)
        assert self._control.recv(1 << 16), "the fork server could not start"

    def start(self, program, arguments, streams, environment, folder):
        request = {
            "program": program,
            "arguments": arguments,
            "environment": environment,
            "folder": str(folder),
        }
        with self._lock:
            socket.send_fds(self._control, [json.dumps(request).encode()], list(streams))
            return _Forked(self, json.loads(self._control.recv(1 << 16))["pid"])

    def wait(self, pid: int, timeout: float) -> int | None:
        with self._lock:
            self._control.send(json.dumps({"wait": pid, "timeout": timeout}).encode())
            return json.loads(self._control.recv(1 << 16))["code"]

    def close(self) -> None:
        self._control.close()
        self._server.wait(10)


@dataclass
class _Forked:
    server: Forks
    pid: int

    def wait(self, timeout: float) -> int | None:
        return self.server.wait(self.pid, timeout)


@dataclass
class Pipeline:
    """One tap, one target, and the state between runs."""

    launcher: Launcher
    tap: str
    tap_config: dict[str, Any]
    target_config: dict[str, Any]
    folder: Path
    state: dict[str, Any] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    longest: float = LONGEST_RUN

    @property
    def guard_log(self) -> Path:
        """Where the socket guard of this pipeline's processes writes every attempt to connect."""
        return self.folder / f"{self.tap}.guard.log"

    def guard(self, program: str) -> dict[str, str]:
        """Allow the tap its configured origin, and the target nothing."""
        allowed = ""
        with suppress(ValueError):  # a hostile URL: nothing is allowed then
            origin = urlsplit(str(self.tap_config.get("url", "")))
            port = origin.port or {"http": 80}.get(origin.scheme, 443)
            allowed = f"{origin.hostname}:{port},127.0.0.1:{port}"
        return {
            "PYTHONPATH": GUARDED,
            "CRM_GUARD_LOG": str(self.guard_log),
            "CRM_GUARD_ALLOW": allowed if program == self.tap else "",
        }

    def run(self, kill: Kill | None = None) -> Outcome:
        """Run once; the state moves on as far as the target says, whatever happens."""
        started = time.monotonic()
        self.guard_log.touch()
        run = _Run(self, kill)
        outcome = run.finish(self.longest)
        outcome.seconds = time.monotonic() - started
        if outcome.states:
            self.state = outcome.states[-1]
        self.check_guard()
        return outcome

    def run_tap(self) -> Outcome:
        """Run the tap alone, where it is expected to fail before the target has anything to do."""
        self.guard_log.touch()
        log, out = self.folder / f"{self.tap}.tap.log", self.folder / f"{self.tap}.out"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        ends = (os.open(os.devnull, os.O_RDONLY), os.open(out, flags, 0o600), os.open(log, flags, 0o600))
        environment = {**QUIET, **self.guard(self.tap), **self.environment}
        process = self.launcher.start(self.tap, self.tap_arguments(), ends, environment, self.folder)
        for descriptor in ends:
            os.close(descriptor)
        code = process.wait(self.longest)
        assert code is not None, f"the tap hung for {self.longest} s"
        self.check_guard()
        return Outcome(code, 0, out.read_bytes().splitlines(keepends=True), [], log.read_text(), "", 0.0)

    def check_guard(self) -> None:
        """Fail where any process of this pipeline wanted to connect to somebody else."""
        refused = [line for line in self.guard_log.read_text().splitlines() if line.startswith("REFUSED")]
        assert refused == [], "something wanted to connect elsewhere than to the configured origin"

    def write(self, name: str, content: dict[str, Any]) -> str:
        """Write a JSON file of this pipeline, readable by its owner only, and return its path."""
        path = self.folder / f"{self.tap}.{name}.json"
        path.touch(0o600)
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)

    def tap_arguments(self) -> list[str]:
        arguments = ["--config", self.write("config", self.tap_config), *self.arguments]
        return arguments if self.state is None else [*arguments, "--state", self.write("state", self.state)]

    def target_arguments(self) -> list[str]:
        return ["--config", self.write("target", self.target_config)]


def load(
    launcher: Launcher, target_config: dict[str, Any], folder: Path, lines: list[bytes]
) -> tuple[int | None, list[dict[str, Any]], str]:
    """Run the target alone on some lines; return its exit code, the states it let out and what it said."""
    config = folder / "load.json"
    config.write_text(json.dumps(target_config), encoding="utf-8")
    target_in, to_target = os.pipe()
    from_target, target_out = os.pipe()
    log = folder / "load.log"
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    ends = (target_in, target_out, errors)
    target = launcher.start("target-duckdb", ["--config", str(config)], ends, QUIET, folder)
    for descriptor in ends:
        os.close(descriptor)
    states = _Collector(from_target)
    with suppress(BrokenPipeError), os.fdopen(to_target, "wb") as sink:
        sink.writelines(lines)
    return target.wait(LONGEST_RUN), states.finish(), log.read_text(encoding="utf-8")


class _Run:
    def __init__(self, pipeline: Pipeline, kill: Kill | None) -> None:
        self.kill, self.lines = kill, list[bytes]()
        self.folder = pipeline.folder
        from_tap, tap_out = os.pipe()
        target_in, to_target = os.pipe()
        from_target, target_out = os.pipe()
        self.logs = {who: self.folder / f"{pipeline.tap}.{who}.log" for who in ("tap", "target")}
        self.tap = self._start(
            pipeline, pipeline.tap, pipeline.tap_arguments(), (None, tap_out, self.logs["tap"])
        )
        self.target = self._start(
            pipeline,
            "target-duckdb",
            pipeline.target_arguments(),
            (target_in, target_out, self.logs["target"]),
        )
        self.states = _Collector(from_target)
        self.killer = None
        if kill and not kill.after:
            self._strike()
        self.relay = threading.Thread(target=self._carry, args=(from_tap, to_target))
        self.relay.start()

    def _start(self, pipeline, program, arguments, ends):
        stdin, stdout, log = ends
        opened = os.open(os.devnull, os.O_RDONLY) if stdin is None else stdin
        errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            environment = {**QUIET, **pipeline.guard(program), **pipeline.environment}
            ends = (opened, stdout, errors)
            return pipeline.launcher.start(program, arguments, ends, environment, self.folder)
        finally:
            for descriptor in (opened, stdout, errors):
                os.close(descriptor)

    def _carry(self, source: int, sink: int) -> None:
        with os.fdopen(source, "rb") as lines, os.fdopen(sink, "wb", buffering=0) as target:
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # half a line of a killed tap: Meltano, too, passes on whole lines
                try:
                    target.write(line)
                except BrokenPipeError:
                    self._signal(self.tap, signal.SIGTERM)
                    break
                self.lines.append(line)
                if self.kill and len(self.lines) == self.kill.after:
                    self._strike()

    def _strike(self) -> None:
        self.killer = threading.Timer(self.kill.delay, self._murder)
        self.killer.start()

    def _murder(self) -> None:
        self._signal(self.tap if self.kill.who == "tap" else self.target, self.kill.signal)

    def _signal(self, process: Process, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)

    def finish(self, longest: float) -> Outcome:
        deadline = time.monotonic() + longest
        self.relay.join(longest)
        codes = [process.wait(max(deadline - time.monotonic(), 0.1)) for process in (self.tap, self.target)]
        if self.killer:
            self.killer.cancel()
        for process, code in zip((self.tap, self.target), codes, strict=True):
            if code is None:
                self._signal(process, signal.SIGKILL)
                process.wait(5)
        self.relay.join(5)
        texts = [self.logs[who].read_text(encoding="utf-8", errors="replace") for who in ("tap", "target")]
        assert None not in codes, f"a process hung for {longest} s: {codes}\n" + "\n".join(texts)
        return Outcome(codes[0], codes[1], self.lines, self.states.finish(), texts[0], texts[1], 0.0)


class _Collector:
    """Reads the states a target lets out while it runs."""

    def __init__(self, descriptor: int) -> None:
        self._states: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._read, args=(descriptor,))
        self._thread.start()

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb") as lines:
            self._states = [json.loads(line) for line in lines if line.endswith(b"\n")]

    def finish(self) -> list[dict[str, Any]]:
        self._thread.join(10)
        return self._states
