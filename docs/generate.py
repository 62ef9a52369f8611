"""Write the generated blocks of meltano.yml from what the plugins say of themselves (`--about`).

Knows where the blocks stand and how a setting is written down; knows no setting by name. `make docs` runs it,
`--check` only compares (the test does that).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ("tap-opencrm", "tap-espocrm", "target-duckdb")
KINDS = {name: name for name in ("integer", "boolean", "object", "array")}
"""A number that may have a fraction is text to Meltano, whose `decimal` cannot be written as JSON (4.4.1)."""


def about(plugin: str) -> dict[str, Any]:
    """Return what a plugin prints for `--about --format=json`."""
    command = [str(Path(sys.executable).parent / plugin), "--about", "--format=json"]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def kind(schema: dict[str, Any]) -> str:
    """Return Meltano's kind of a setting given by its JSON schema."""
    if schema.get("enum"):
        return "options"
    if schema.get("format") == "date-time":
        return "date_iso8601"
    types = schema.get("type", "string")
    names = [types] if isinstance(types, str) else [name for name in types if name != "null"]
    if "number" in names and float(schema.get("default") or 0.5).is_integer():
        return "integer"
    return next((KINDS[name] for name in names if name in KINDS), "string")


def setting_yaml(name: str, schema: dict[str, Any]) -> list[str]:
    """Return one setting as lines of meltano.yml."""
    label = schema.get("title") or name.replace("_", " ").capitalize()
    lines = [f"- name: {name}", f"  label: {json.dumps(label)}", f"  kind: {kind(schema)}"]
    if schema.get("enum"):
        options = [value for value in schema["enum"] if value is not None]
        lines += ["  options:", *(f"  - {{label: {value}, value: {value}}}" for value in options)]
    if schema.get("secret"):
        lines.append("  sensitive: true")
    description = " ".join(schema.get("description", "").split())
    return [*lines, f"  description: {json.dumps(description, ensure_ascii=False)}"]


def plugin_yaml(described: dict[str, Any]) -> list[str]:
    """Return the capabilities and settings of one plugin as lines of meltano.yml."""
    settings = described["settings"]["properties"]
    lines = ["capabilities:", *(f"- {name}" for name in described["capabilities"]), "settings:"]
    return [*lines, *(line for name, schema in settings.items() for line in setting_yaml(name, schema))]


def replace_block(text: str, name: str, lines: list[str]) -> str:
    """Return the text with the lines between its `begin` and `end` marks replaced, indented like the mark.

    Raises:
        ValueError: if the text has no such block.
    """
    before, begin, rest = text.partition(f"# begin settings {name}\n")
    _, end, after = rest.partition(f"# end settings {name}\n")
    if not begin or not end:
        raise ValueError(f"no block 'settings {name}' in meltano.yml")
    indent = before.rpartition("\n")[2]
    return before + begin + "".join(f"{indent}{line}\n" for line in lines) + indent + end + after


def meltano_yml(text: str) -> str:
    """Return meltano.yml with every generated block made anew."""
    for plugin in PLUGINS:
        text = replace_block(text, plugin, plugin_yaml(about(plugin)))
    return text


def main() -> int:
    """Write, or with `--check` only compare; returns 1 if something was stale."""
    path = ROOT / "meltano.yml"
    old = path.read_text(encoding="utf-8")
    new = meltano_yml(old)
    if "--check" in sys.argv:
        return int(old != new)
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
