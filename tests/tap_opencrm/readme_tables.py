"""Writes the tables of tap-opencrm/README.md from the settings, the entities and the schema files of the tap.

`python tests/tap_opencrm/readme_tables.py` writes, `--check` only compares; a test does that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tap_opencrm.entities import ENTITIES
from tap_opencrm.settings import SETTINGS

HERE = Path(__file__).resolve().parents[2] / "tap-opencrm"
README = HERE / "README.md"


def settings_table() -> list[str]:
    """Return the settings as lines of a Markdown table."""
    lines = ["| setting | default | what it does |", "|---|---|---|"]
    for name, schema in SETTINGS["properties"].items():
        if "description" not in schema or name.startswith(("stream_map", "flattening", "faker")):
            continue  # the SDK adds its own
        needed = " **(needed)**" if name in SETTINGS["required"] else ""
        lines.append(f"| `{name}`{needed} | {_default(name, schema)} | {schema['description']} |")
    return lines


def _default(name: str, schema: dict[str, Any]) -> str:
    if name == "entities":
        return "all"
    if name == "user_agent":
        return "`tap-opencrm/<version>`"
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def streams_table() -> list[str]:
    """Return the streams as lines of a Markdown table."""
    lines = ["| stream | OpenCRM | fields | read | product lines |", "|---|---|---|---|---|"]
    for entity in ENTITIES:
        schema = json.loads((HERE / f"tap_opencrm/schemas/{entity.name}.json").read_text(encoding="utf-8"))
        lines.append(
            f"| `{entity.name}` | `{entity.list_end_point}` | {len(schema['properties'])} | "
            f"{'what changed' if entity.is_incremental else 'in full'} | "
            f"{f'`{entity.line_stream}`' if entity.line_stream else ''} |"
        )
    return lines


def with_block(text: str, name: str, lines: list[str]) -> str:
    """Return a text with the lines between two marks replaced."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    before, _, rest = text.partition(begin)
    return before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]


def main() -> int:
    """Write the tables, or tell by the exit code whether they are stale."""
    old = README.read_text(encoding="utf-8")
    new = with_block(with_block(old, "settings", settings_table()), "streams", streams_table())
    if "--check" in sys.argv:
        return int(old != new)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
