"""The README's tables say what the settings and the tests say. `UPDATE_README=1` writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from target_duckdb.columns import column_type
from target_duckdb.settings import SETTINGS

from tests.target_duckdb.test_values import REJECTED, STORED

README = Path(__file__).parents[2] / "target-duckdb" / "README.md"


def cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\0", "␀")


def code(text: object) -> str:
    shown = str(text)
    return f"`{cell(shown if len(shown) <= 60 else shown[:57] + '…')}`"


def settings_table() -> str:
    rows = ["| setting | default | what it does |", "|---|---|---|"]
    for name, rule in SETTINGS.items():
        default = code(rule["default"]) if "default" in rule else "required" if name == "path" else ""
        rows.append(f"| `{name}` | {default} | {cell(rule['description'])} |")
    return "\n".join(rows)


def values_table() -> str:
    rows = ["| case | column | comes as | is stored as |", "|---|---|---|---|"]
    for case, rule, raw, stored in STORED:
        shown = "NULL" if stored is None else code(stored.replace("\0", "␀").replace("\n", "⏎"))
        rows.append(f"| {cell(case)} | {column_type(rule)} | {code(raw)} | {shown} |")
    for case, rule, raw, reason in REJECTED:
        rows.append(f"| {cell(case)} | {column_type(rule)} | {code(raw)} | NULL; kept: {cell(reason)} |")
    return "\n".join(rows)


@pytest.mark.parametrize(("name", "table"), [("settings", settings_table), ("values", values_table)])
def test_the_readme_says_what_is(name, table):
    text = README.read_text("utf-8")
    pattern = re.compile(f"(<!-- begin {name} -->\n)(.*?)(<!-- end {name} -->)", re.DOTALL)
    made = pattern.sub(lambda found: f"{found[1]}{table()}\n{found[3]}", text)
    if os.environ.get("UPDATE_README"):
        README.write_text(made, "utf-8")
    assert README.read_text("utf-8") == made


def test_the_readme_says_where_each_module_belongs():
    said = README.read_text("utf-8").partition("## How it is built")[2]
    package = README.parent / "target_duckdb"
    paths = [path.relative_to(package).with_suffix("") for path in package.rglob("[a-z]*.py")]
    modules = {".".join(path.parts) for path in paths}
    assert {name for name in modules if f"`{name}`" not in said} == set()
