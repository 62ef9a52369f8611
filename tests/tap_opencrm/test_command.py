"""The command as a user or Meltano calls it: mistakes cost one line on stderr and exit code 1."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from crm_simulator import Fault
from tap_opencrm.tap import TapOpenCRM

COMMAND = str(Path(sys.executable).parent / "tap-opencrm")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TAP_OPENCRM"))}


def call(*arguments, **environment):
    """Run the command; return its exit code, stdout and what it complained about."""
    done = subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=CLEAN | environment,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def complaints(stderr):
    return [line.partition("ERROR")[2] for line in stderr.splitlines() if "ERROR" in line]


@pytest.fixture
def file_of(tmp_path):
    def write(content, name="config.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return write


KEYS = {"api_key": "some-api-key", "pass_key": "some-pass-key"}
MISTAKES = {
    "nothing set": ({}, "setting 'api_key' is missing; setting 'pass_key' is missing"),
    "no system": (KEYS, "setting 'system_name' is missing"),
    "a bad system": (KEYS | {"system_name": "https://acme"}, "give only the part before .opencrm.co.uk"),
    "plain http": (KEYS | {"url": "http://acme.example"}, "must begin with https://"),
    "an unknown setting": (
        KEYS | {"system_name": "x", "entitys": []},
        "unknown setting 'entitys'; did you mean",
    ),
    "an unknown entity": (KEYS | {"system_name": "x", "entities": ["cows"]}, "'cows' is not one of"),
    "a wrong type": (KEYS | {"system_name": "x", "page_size": "many"}, "'many' is not of type 'integer'"),
    "a page too small": (KEYS | {"system_name": "x", "page_size": 2}, "2 is less than the minimum of 3"),
    "a bad zone": (
        KEYS | {"system_name": "x", "timezone": "Mars/Base"},
        "'Mars/Base', which is not a time zone",
    ),
    "a blocked agent": (KEYS | {"system_name": "x", "user_agent": "python"}, "blocks names with"),
    "a missing bundle": (KEYS | {"system_name": "x", "ca_bundle": "/no/such/file"}, "/no/such/file"),
    "a bad start date": (
        KEYS | {"system_name": "x", "start_date": "soon"},
        "setting 'start_date' is 'soon', which is not a date",
    ),
    "no JSON": ("{", "not JSON"),
    "no object": ("[]", "setting 'api_key' is missing"),
}


@pytest.fixture
def call_here(caplog, capsys):
    """Run the command in this process, which is faster; return what `call` does."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exited:
            TapOpenCRM.get_singer_command().main(list(arguments))
        logging.captureWarnings(capture=False)  # the command turns it on for good
        lines = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
        return exited.value.code, capsys.readouterr().out, lines

    return run


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_settings_costs_one_line(file_of, call_here, name):
    content, complaint = MISTAKES[name]
    code, out, lines = call_here("--config", file_of(content))
    assert (code, out, len(lines)) == (1, "", 1)
    assert complaint in lines[0]
    assert "\n" not in lines[0]


@pytest.mark.parametrize("option", ["--discover", "--test", "--test=schema"])
def test_every_way_to_call_it_says_the_same(file_of, call_here, option):
    code, out, lines = call_here("--config", file_of({}), option)
    assert (code, out) == (1, "")
    assert lines == ["setting 'api_key' is missing; setting 'pass_key' is missing"]


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
@pytest.mark.parametrize("content", [None, "{", b"\xff\x00"], ids=["missing", "cut off", "binary"])
def test_a_file_that_cannot_be_read(file_of, call_here, config, tmp_path, option, content):
    path = tmp_path / "given"
    if content:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = [] if option == "--config" else ["--config", file_of(config)]
    code, out, _ = call_here(*settings, option, str(path))
    assert code in {1, 2}  # click's own code for a file that is not there
    assert out == ""


@pytest.mark.parametrize("content", [[1], 5, {"bookmarks": [1]}, "text"], ids=str)
def test_a_state_that_is_none(file_of, call_here, config, content):
    path = file_of(json.dumps(content), "given")
    code, out, lines = call_here("--config", file_of(config), "--state", path)
    assert (code, out, len(lines)) == (1, "", 1)


@pytest.mark.parametrize(
    "content", [[1], {"a": 1}, {"streams": 5}, {"streams": [{}]}, {"streams": [5]}], ids=str
)
def test_a_catalogue_that_is_none(file_of, call_here, config, content):
    code, out, lines = call_here("--config", file_of(config), "--catalog", file_of(content, "given"))
    assert (code, out) == (1, "")
    assert lines == ["the file given with --catalog does not hold a Singer catalogue"]


def test_wrong_keys(file_of, config):
    code, _, err = call("--config", file_of(config | {"pass_key": "not-it"}))
    assert code == 1
    assert len(complaints(err)) == 1
    assert 'OpenCRM answered "Unauthorized". Check api_key and pass_key' in complaints(err)[0]
    assert "not-it" not in err


def test_connection_refused_is_said_within_seconds(file_of):
    started = time.monotonic()
    code, _, err = call("--config", file_of(KEYS | {"url": "http://127.0.0.1:9"}))
    assert code == 1
    assert "connection refused" in complaints(err)[0]
    assert "Traceback" not in err
    assert time.monotonic() - started < 15  # about four on an idle machine


def test_settings_may_come_from_the_environment(crm):
    environment = {
        "TAP_OPENCRM_URL": crm.url,
        "TAP_OPENCRM_API_KEY": crm.credentials["api_key"],
        "TAP_OPENCRM_PASS_KEY": crm.credentials["pass_key"],
        "TAP_OPENCRM_ENTITIES": '["contacts"]',
    }
    code, out, _ = call("--config", "ENV", "--discover", **environment)
    assert code == 0
    assert [s["stream"] for s in json.loads(out)["streams"]] == ["contacts", "contacts__live"]


def test_a_whole_run_writes_nothing_but_messages(file_of, config, crm, source):
    code, out, err = call("--config", file_of(config))
    assert code == 0
    kinds = [json.loads(line)["type"] for line in out.splitlines()]
    assert kinds.count("RECORD") == 2 * len(source("contacts"))
    assert not [secret for secret in crm.credentials.values() if secret in out + err]


def test_one_failing_stream_is_told_by_the_exit_code(file_of, config, crm):
    crm.server.faults.add(Fault(kind="status", status=404, match="get_lead_list_count", times=None))
    code, out, err = call("--config", file_of(config | {"entities": ["contacts", "leads"]}))
    assert code == 1
    assert '"stream":"contacts"' in out
    assert "not complete: leads; all other streams are" in complaints(err)[-1]
    assert "Traceback" not in err


def test_the_connection_test_prints_one_line(file_of, config):
    code, out, _ = call("--config", file_of(config), "--test")
    assert code == 0
    assert out.startswith("OK: 1 entities, 9 records; ")
    assert out.count("\n") == 1


def test_a_target_that_goes_away_costs_no_traceback(file_of, config, crm):
    for _ in range(600):
        crm.store.create("contact")
    process = subprocess.Popen(
        [COMMAND, "--config", file_of(config | {"page_size": 200})],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=CLEAN,
    )
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(30) == 1
    assert "Traceback" not in err
    assert "BrokenPipeError" not in err


def test_about_lists_every_setting_with_a_description():
    code, out, _ = call("--about", "--format=json")
    assert code == 0
    settings = json.loads(out)["settings"]["properties"]
    assert all(setting.get("description") for setting in settings.values())
    assert {name for name, setting in settings.items() if setting.get("secret")} == {"api_key", "pass_key"}


def test_it_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "tap_opencrm", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=CLEAN,
    )
    assert done.stdout.startswith("tap-opencrm v")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_stop_stops_at_once_with_its_state(file_of, config, crm, number):
    arrived = threading.Event()

    def wait(request, _):
        if "list_count" in request.path:
            arrived.set()
            crm.server._stopping.wait(20)

    crm.server.before_request.append(wait)
    process = subprocess.Popen(
        [COMMAND, "--config", file_of(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN
    )
    assert arrived.wait(20)
    time.sleep(0.2)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)  # the answer would take twenty seconds
    assert json.loads(out.splitlines()[-1])["type"] == "STATE"
    assert b"Traceback" not in err
