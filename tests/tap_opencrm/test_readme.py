"""The README says what the tap does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TABLES = Path(__file__).with_name("readme_tables.py")


def test_the_tables_are_those_of_the_code():
    done = subprocess.run([sys.executable, TABLES, "--check"], check=False)
    assert done.returncode == 0, "run `python tests/tap_opencrm/readme_tables.py`"
