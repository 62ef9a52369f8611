from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request

import pytest

COMMAND = [sys.executable, "-m", "crm_simulator", "--scale", "0.01", "--seed", "7"]


def start(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, dict[str, str]]]:
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return process, json.loads(process.stdout.readline())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_one_line_tells_where_both_crms_are_and_a_signal_ends_them(number):
    process, places = start()
    crm = places["opencrm"]
    headers = {"KEY1": crm["api_key"], "KEY2": crm["pass_key"], "User-Agent": "test/1"}
    request = urllib.request.Request(f"{crm['url']}/api/rest/get_company_list_count", headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer) == "9"
    assert {"url", "api_key"} <= set(places["espocrm"])
    process.send_signal(number)
    assert process.communicate(timeout=5) == ("", "")
    assert process.returncode == 0


def test_a_port_in_use_gives_one_clear_line():
    process, places = start()
    port = places["opencrm"]["url"].rpartition(":")[2]
    second = subprocess.run([*COMMAND, "--opencrm-port", port], capture_output=True, text=True, check=False)
    process.terminate()
    process.communicate(timeout=5)
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith("crm-simulator: cannot listen: ")
    assert second.stderr.count("\n") == 1
