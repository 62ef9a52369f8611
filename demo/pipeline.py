"""A user's shell: runs Meltano on the demo environment and shows that it moves. Knows no table."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crm_simulator import Simulator

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "output"
WAREHOUSE = OUTPUT / "warehouse.duckdb"
COPY = OUTPUT / "published" / "analytics.duckdb"
EXPORTS = OUTPUT / "published" / "exports"
REPORT = OUTPUT / "report.html"
LOG = OUTPUT / "demo.log"
BIN = Path(sys.executable).parent


def say(text: str = "") -> None:
    """Print one line at once."""
    print(text, flush=True)


def environment(simulator: Simulator) -> dict[str, str]:
    """Return a shell's environment: where the CRMs are, and a Meltano state that is the demo's alone."""
    return {
        **os.environ,
        "MELTANO_SYS_DIR_ROOT": str(OUTPUT / ".meltano"),
        "NO_COLOR": "1",
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "TAP_OPENCRM_URL": simulator.opencrm.url,
        "TAP_OPENCRM_API_KEY": simulator.opencrm.credentials["api_key"],
        "TAP_OPENCRM_PASS_KEY": simulator.opencrm.credentials["pass_key"],
        "TAP_ESPOCRM_URL": simulator.espocrm.url,
        "TAP_ESPOCRM_API_KEY": simulator.espocrm.credentials["api_key"]["api_key"],
    }


def show_progress(simulator: Simulator, label: str, seconds: float) -> None:
    """Rewrite one line on a terminal; elsewhere print a line every five seconds."""
    requests = [len(crm.server.log) for crm in (simulator.opencrm, simulator.espocrm)]
    line = f"  {label}: {seconds:3.0f} s, requests so far: OpenCRM {requests[0]}, EspoCRM {requests[1]}"
    if sys.stdout.isatty():
        print(f"\r{line}", end="", flush=True)
    elif round(seconds * 2) % 10 == 0:
        say(line)


def run(simulator: Simulator, label: str, *arguments: str) -> float:
    """Run Meltano; returns the seconds it took.

    Raises:
        SystemExit: with the last lines Meltano printed, if it failed.
    """
    started = time.monotonic()
    with LOG.open("ab") as log:
        command = [str(BIN / "meltano"), "--environment=demo", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(simulator), stdout=log, stderr=log)
        try:
            while process.poll() is None:
                time.sleep(0.5)
                show_progress(simulator, label, time.monotonic() - started)
        finally:
            process.terminate()
            process.wait()
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    if process.returncode:
        tail = LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        failed = f"demo: meltano ended with exit code {process.returncode}; all it printed is in {LOG}"
        raise SystemExit("\n".join([*tail, failed]))
    return time.monotonic() - started
