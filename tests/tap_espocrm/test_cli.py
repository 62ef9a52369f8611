"""The command as a user runs it: one clear line for a mistake, and an exit code that tells."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from crm_simulator import Fault
from tap_espocrm.tap import TapEspoCRM

COMMAND = [str(Path(sys.executable).parent / "tap-espocrm")]


@dataclass
class Ran:
    exit_code: int
    stdout: str
    said: list[str]
    """What was logged as a warning or an error."""

    crash: BaseException | None = None


@pytest.fixture
def tap(tmp_path, caplog):
    """Runs the command in this process."""

    def run(config: dict, *arguments: str) -> Ran:
        caplog.clear()
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config))
        done = CliRunner().invoke(TapEspoCRM.cli, ["--config", str(path), *arguments])
        said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        crash = None if isinstance(done.exception, (SystemExit, type(None))) else done.exception
        return Ran(done.exit_code, done.stdout, said, crash)

    return run


def started_tap(tmp_path: Path, config: dict) -> subprocess.Popen[str]:
    """Start the command as a process of its own."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return subprocess.Popen(
        [*COMMAND, "--config", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


MISTAKES = {
    "wrong key": ({"api_key": "wrong"}, "credentials are wrong"),
    "no credentials": ({}, "No credentials: set api_key, or username and password."),
    "two ways to log in": ({"api_key": "a", "username": "b", "password": "c"}, "set one way"),
    "secret without key": ({"secret_key": "a"}, "HMAC needs both"),
    "nobody listens": ({"url": "http://127.0.0.1:9", "api_key": "a"}, "Connection refused"),
    "unknown host": ({"url": "http://no-such-host.invalid", "api_key": "a"}, "No EspoCRM at"),
    "no address": ({"url": "crm", "api_key": "a"}, "url must look like"),
    "unknown setting": ({"api_key": "a", "conurrency": 4}, "did you mean 'concurrency'?"),
    "wrong start date": ({"api_key": "a", "start_date": "yesterday"}, "start_date must look like"),
    "no such CA file": ({"api_key": "a", "ca_bundle": "/no/such/file"}, "there is no /no/such/file"),
    "wrong page size": ({"api_key": "a", "page_size": 0}, "page_size"),
}


@pytest.mark.parametrize(("given", "words"), MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("arguments", [(), ("--discover",), ("--test",)], ids=["sync", "discover", "test"])
def test_a_mistake_is_one_clear_line(crm, tap, given, words, arguments) -> None:
    started = time.monotonic()
    done = tap({"url": crm.url, **given}, *arguments)
    assert time.monotonic() - started < 5
    assert (done.exit_code, done.crash, done.stdout) == (1, None, "")
    assert words in done.said[-1]
    assert "\n" not in done.said[-1]


def test_a_mistake_is_one_line_for_the_terminal_too(crm, tmp_path) -> None:
    with started_tap(tmp_path, {"url": crm.url, "api_key": "wrong"}) as running:
        said = [line for line in running.stderr if "| INFO |" not in line and "INFO" not in line]
    assert running.returncode == 1
    assert len(said) == 1
    assert "credentials are wrong" in said[0]


def test_a_missing_setting_is_named(tap) -> None:
    done = tap({"api_key": "a"})
    assert (done.exit_code, done.crash) == (1, None)
    assert "'url' is a required property" in " ".join(done.said)


def test_an_unknown_entity_is_named_with_its_neighbours(config, tap) -> None:
    done = tap({**config, "entities": ["Acount"]})
    assert (done.exit_code, done.crash) == (1, None)
    assert "'Acount' is no entity type" in done.said[-1]
    assert "Did you mean Account" in done.said[-1]


def test_an_entity_that_is_refused_is_named_with_the_reason(crm, config, tap) -> None:
    crm.switches.without_controller.add("Lead")
    done = tap({**config, "entities": ["Lead"]})
    assert done.exit_code == 1
    assert "Lead cannot be read" in done.said[-1]


def test_the_connection_test_answers_in_one_line(config, tap) -> None:
    done = tap(config, "--test")
    assert done.exit_code == 0
    assert done.stdout.startswith("Connected to EspoCRM 9.2.7 at http://127.0.0.1:")
    assert done.stdout.count("\n") == 1


def test_a_failed_stream_fails_the_run_and_not_the_others(crm, config, tap) -> None:
    crm.server.faults.add(Fault(kind="status", status=500, match="/Lead", skip=2, times=None))
    done = tap({**config, "entities": ["Account", "Lead"], "max_retries": 0})
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    read = {m["record"]["id"] for m in messages if m["type"] == "RECORD" and m["stream"] == "account"}
    assert (done.exit_code, done.crash) == (1, None)
    assert "streams failed: lead, lead__live" in done.said[-1]
    assert read == crm.store.ids("Account")
    assert "lead__live" not in {m.get("stream") for m in messages if m["type"] == "ACTIVATE_VERSION"}


def test_a_server_that_fails_during_discovery_fails_the_run(crm, config, tap) -> None:
    crm.server.faults.add(Fault(kind="status", status=500, match="/Lead", times=None))
    done = tap({**config, "max_retries": 0})
    assert done.exit_code == 1
    assert "streams failed: lead." in done.said[-1]


def test_a_stream_of_the_catalogue_that_vanished_fails_the_run(crm, config, tap, tmp_path) -> None:
    catalog = tmp_path / "catalog.json"
    catalog.write_text(tap(config, "--discover").stdout)
    crm.switches.denied.add("Lead")
    done = tap(config, "--catalog", str(catalog))
    assert done.exit_code == 1
    assert "lead, lead__live, lead__teams" in done.said[-1]


def test_a_stopped_run_ends_at_once_with_its_state(crm, config, tmp_path) -> None:
    crm.server.latency = 0.05
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**config, "page_size": 2, "entities": ["Lead", "Contact"]}))
    with subprocess.Popen(
        [*COMMAND, "--config", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        lines = []
        while len([line for line in lines if "RECORD" in line]) < 3:
            lines.append(running.stdout.readline())
        running.send_signal(signal.SIGTERM)
        started = time.monotonic()
        rest, errors = running.communicate(timeout=10)
        assert time.monotonic() - started < 5
    messages = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    assert running.returncode == 128 + signal.SIGTERM
    assert messages[-1]["type"] == "STATE"
    assert "Traceback" not in errors


def test_a_reader_that_goes_away_ends_the_run(config, tmp_path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    with subprocess.Popen(
        [*COMMAND, "--config", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout.readline().startswith('{"type"')
        running.stdout.close()
        errors = running.stderr.read()
        running.wait(timeout=20)
    assert running.returncode != 0
    assert "Traceback" not in errors


def test_settings_come_from_the_environment_too(config, monkeypatch) -> None:
    more = {"entities": '["Account"]', "notes": "false", "max_requests_per_second": "90.5"}
    for name, value in {**config, **more}.items():
        monkeypatch.setenv(f"TAP_ESPOCRM_{name.upper()}", str(value))
    done = CliRunner().invoke(TapEspoCRM.cli, ["--config=ENV", "--test"])
    assert "1 entity types can be read" in done.stdout
