from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from crm_simulator import OpenCRMSwitches

README = Path(__file__).resolve().parents[2] / "simulator" / "README.md"


def test_the_readme_lists_every_switch_with_its_default():
    lines = README.read_text(encoding="utf-8").splitlines()
    for switch in fields(OpenCRMSwitches):
        default = f'"{switch.default}"' if isinstance(switch.default, str) else str(switch.default)
        assert any(line.startswith(f"| `{switch.name}` | `{default}` |") for line in lines), switch.name
