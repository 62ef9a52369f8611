"""Runs uv, which `make test` installs; the one reason to skip is that no package index can be reached."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dev

# dev.py installs it beside Python where there is none on the PATH.
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
NO_INDEX = re.compile(
    "error sending request|operation timed out|the network was disabled|network connectivity is disabled",
    re.IGNORECASE,
)
"""What uv says when no index is reachable, and otherwise not."""


def run_uv(*arguments: str | Path) -> str:
    """Run uv with pip's settings; skip, saying so, where no package index can be reached."""
    assert UV, "uv is neither in .venv nor on the PATH: `make test` installs it"
    environment = dev.uv_environment()
    del environment["VIRTUAL_ENV"]
    done = subprocess.run([UV, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode and NO_INDEX.search(done.stderr):
        pytest.skip(f"no package index is reachable: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return done.stdout
