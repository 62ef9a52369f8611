"""The simulator's README names every switch of its EspoCRM."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from crm_simulator.espocrm import EspoCRMSwitches

README = Path(__file__).resolve().parents[2] / "simulator" / "README.md"


def test_the_readme_lists_every_switch_with_its_default() -> None:
    text, switches = README.read_text(encoding="utf-8"), EspoCRMSwitches()
    for switch in fields(switches):
        value = getattr(switches, switch.name)
        default = f'"{value}"' if isinstance(value, str) else str(value)
        assert f"| `{switch.name}` | `{default}` |" in text, switch.name
