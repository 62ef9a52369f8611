"""dev.py carries pip's settings over to uv and installs nothing twice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import dev

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("pip_name", "value", "uv_name"),
    [
        ("PIP_INDEX_URL", "https://index.example/simple", "UV_DEFAULT_INDEX"),
        ("PIP_FIND_LINKS", "/wheels", "UV_FIND_LINKS"),
        ("PIP_CERT", "/ca.pem", "SSL_CERT_FILE"),
    ],
)
def test_pip_settings_reach_uv(monkeypatch, pip_name, value, uv_name):
    monkeypatch.delenv(uv_name, raising=False)
    monkeypatch.setenv(pip_name, value)
    assert dev.uv_environment()[uv_name] == value


def test_settings_made_for_uv_win(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    assert dev.uv_environment()["UV_DEFAULT_INDEX"] == "https://uv.example/simple"


def test_a_changed_pin_means_a_new_installation(monkeypatch, tmp_path):
    before = dev.fingerprint(("run",))
    pins = tmp_path / "constraints.txt"
    pins.write_text("duckdb==0.0.1\n")
    monkeypatch.setattr(dev, "CONSTRAINTS", pins)
    assert dev.fingerprint(("run",)) != before


def test_every_make_target_is_a_verb():
    targets = re.findall(
        r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert set(targets) - {"help"} <= set(dev.VERBS)


SLOW_TO_END = """
import time
try:
    print("begun", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    print("figures", flush=True)
    raise SystemExit(3)
"""


def test_a_command_that_is_interrupted_tells_what_it_has_done():
    """As `make soak` does when it is ended with Ctrl-C."""
    command = [
        sys.executable,
        "-c",
        f"import dev; raise SystemExit(dev.run({sys.executable!r}, '-c', {SLOW_TO_END!r}))",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout.readline() == b"begun\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=20)[0] == b"figures\n"
    assert process.returncode == 3
