"""What is shipped: wheels that hold the package and nothing else, install alone and say what they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from email import message_from_bytes
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.uv import NO_INDEX, run_uv

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "tap-opencrm": ("tap_opencrm", "tap-opencrm"),
    "tap-espocrm": ("tap_espocrm", "tap-espocrm"),
    "target-duckdb": ("target_duckdb", "target-duckdb"),
}


@pytest.mark.parametrize(
    ("said", "is_skipped"),
    [
        ("error sending request for url (https://index.example/simple/x/)\n cause: dns error", True),
        ("Network connectivity is disabled, but the requested data wasn't found in the cache", True),
        ("hint: Packages were unavailable because the network was disabled.", True),
        ("Because x was not found in the package registry and you require x, we can conclude", False),
        ("HTTP status client error (403 Forbidden) for url (https://index.example/simple/x/)", False),
        ("Failed to read from the distribution cache", False),
        ("Bytecode timed out (60s)", False),
    ],
)
def test_only_an_index_out_of_reach_is_a_reason_to_skip(said, is_skipped):
    assert bool(NO_INDEX.search(said)) is is_skipped


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """The wheels of the three packages."""
    folder = tmp_path_factory.mktemp("wheels")
    for project in PACKAGES:
        run_uv("build", "--quiet", "--wheel", "--out-dir", folder, ROOT / project)
    return {project: next(folder.glob(f"*{module}-*.whl")) for project, (module, _) in PACKAGES.items()}


@pytest.fixture(params=PACKAGES)
def project(request):
    return request.param


def metadata(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def test_a_wheel_holds_its_package_and_nothing_else(wheels, project):
    module, command = PACKAGES[project]
    with zipfile.ZipFile(wheels[project]) as archive:
        names = archive.namelist()
        entry_points = next(name for name in names if name.endswith("entry_points.txt"))
        assert f"{command} = {module}." in archive.read(entry_points).decode()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {module}
    assert f"{module}/py.typed" in names
    assert [
        name for name in names if "test" in name.lower() or name.endswith((".duckdb", ".env", ".pyc"))
    ] == []


def test_a_wheel_names_a_lower_bound_for_everything_it_needs(wheels, project):
    needed = metadata(wheels[project]).get_all("Requires-Dist") or []
    assert needed
    assert [line for line in needed if not re.search(r">=|~=", line.partition(";")[0])] == []


def test_every_package_that_a_wheel_needs_is_pinned(wheels, project):
    pins = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    needed = metadata(wheels[project]).get_all("Requires-Dist") or []
    names = {
        re.match(r"[\w.-]+", line).group().lower().replace("_", "-")
        for line in needed
        if "extra ==" not in line
    }
    assert names - pins == set()


def test_what_is_installed_here_is_what_the_constraints_say():
    """The pins are the versions everything is tested with, not a wish."""
    text = (ROOT / "constraints.txt").read_text()
    pins = set(re.findall(r"^([a-z0-9._-]+)==([^ ;\n]+)", text, re.MULTILINE))
    names = {name for name, _ in pins}
    installed = {item.metadata["Name"].lower().replace("_", "-"): item.version for item in distributions()}
    pinned = {(name, version) for name, version in installed.items() if name in names and name != "pip"}
    assert len(pinned) > 50
    assert pinned - pins == set()


@pytest.mark.soak
def test_a_wheel_installs_alone_in_a_clean_environment_and_says_what_it_is(wheels, project, tmp_path):
    venv = tmp_path / "venv"
    run_uv("venv", "--quiet", "--python", sys.executable, venv)
    python = ["--python", venv / "bin" / "python", "-c", ROOT / "constraints.txt"]
    run_uv("pip", "install", "--quiet", *python, wheels[project])
    command = venv / "bin" / PACKAGES[project][1]
    about = subprocess.run([command, "--about", "--format=json"], capture_output=True, text=True, check=False)
    assert about.returncode == 0, about.stderr
    told = json.loads(about.stdout)
    assert told["version"] == metadata(wheels[project])["Version"]
    assert told["settings"]["properties"]
