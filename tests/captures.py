"""Where the captured answers of real EspoCRM servers lie, and why tests are skipped without them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE_THE_PROJECT = Path(__file__).resolve().parents[2] / "shared" / "espocrm-captures"
FOLDER = Path(os.environ.get("CRM_ESPOCRM_CAPTURES", BESIDE_THE_PROJECT))
ARE_HERE = FOLDER.is_dir()
REASON = f"no captured answers of real EspoCRM servers in {FOLDER} (one skip may stand for a test per answer)"

needed = pytest.mark.skipif(not ARE_HERE, reason=REASON)
