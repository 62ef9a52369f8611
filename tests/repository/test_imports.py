"""Arrows of import go only downwards: packages are islands, the simulator knows nothing but Python."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "tap_opencrm": ROOT / "tap-opencrm/tap_opencrm",
    "tap_espocrm": ROOT / "tap-espocrm/tap_espocrm",
    "target_duckdb": ROOT / "target-duckdb/target_duckdb",
    "crm_report": ROOT / "report/crm_report",
    "crm_simulator": ROOT / "simulator/crm_simulator",
}
HEAVY = {"pandas", "numpy", "pyarrow", "polars"}


def imported(path: Path) -> set[str]:
    """Return the dotted names a module imports absolutely."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


def modules(package: str) -> list[Path]:
    found = sorted(PACKAGES[package].rglob("*.py"))
    assert found, f"{package} has no modules"
    return found


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def attributes(path: Path, module: str) -> set[str]:
    """Return the names a module takes from another that it imports whole, as in `duckdb.Error`."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    named = [node for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
    return {node.attr for node in named if node.value.id == module}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_another_or_the_tests(package):
    strangers = (set(PACKAGES) | {"tests", "demo", "dev"}) - {package}
    assert {path.name: roots(path) & strangers for path in modules(package) if roots(path) & strangers} == {}


def test_the_simulator_imports_only_the_standard_library():
    allowed = set(sys.stdlib_module_names) | {"crm_simulator"}
    strangers = {path.name: roots(path) - allowed for path in modules("crm_simulator")}
    assert {name: found for name, found in strangers.items() if found} == {}


def test_the_two_simulated_crms_do_not_know_each_other():
    for one, other in (("opencrm", "espocrm"), ("espocrm", "opencrm")):
        for path in sorted((PACKAGES["crm_simulator"] / one).rglob("*.py")):
            assert not any(other in name for name in imported(path)), path


@pytest.mark.parametrize("package", ["tap_opencrm", "tap_espocrm", "target_duckdb"])
def test_no_package_needs_a_data_frame_at_run_time(package):
    assert {path.name: roots(path) & HEAVY for path in modules(package) if roots(path) & HEAVY} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_nobody_imports_the_top_module_of_a_package(package):
    """`tap` and `target` stand on top: only the commands (`__main__`, `cli`) and tests may import them."""
    top = {f"{package}.tap", f"{package}.target"}
    users = [path.name for path in modules(package) if imported(path) & top]
    assert set(users) <= {"__main__.py", "cli.py"}


def test_few_modules_know_duckdb():
    """`session` runs statements, `files` reads Parquet in memory, `publish.database` makes the read copy.

    Others may catch an error of DuckDB by its name.
    """
    folder = PACKAGES["target_duckdb"]
    users = [path for path in modules("target_duckdb") if "duckdb" in roots(path)]
    found = {path.relative_to(folder).as_posix() for path in users if attributes(path, "duckdb") != {"Error"}}
    assert found == {"session.py", "files.py", "publish/database.py"}
