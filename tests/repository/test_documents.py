"""What the documents and settings files say is what the programs do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".venv", ".git", ".meltano", "output", "data", "node_modules", ".hypothesis"}


def tracked() -> list[Path]:
    """Return the files of the project, by git where this is a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def test_meltano_yml_lists_every_setting_as_the_plugins_declare_it():
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "meltano.yml is stale: run `make docs`"


def test_links_between_documents_lead_somewhere():
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in documents()
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml", ".env"])
def test_files_with_hosts_or_secrets_are_not_committed(name):
    listed = subprocess.run(
        ["git", "ls-files", name, f"*/{name}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert listed.stdout == ""


def test_constraints_hold_versions_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = re.compile(r"^[a-z0-9._-]+==[0-9a-z.!+]+( ; .+)?$")
    assert [line for line in lines if line and not line.startswith("#") and not pinned.match(line)] == []


def test_every_requirement_is_pinned():
    pins = {
        line.split("==")[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    wanted = set()
    for path in [path for path in tracked() if path.name == "pyproject.toml"]:
        text = path.read_text(encoding="utf-8")
        for block in re.findall(r"(?:dependencies|run|test|requires) = \[(.*?)\]\n", text, flags=re.DOTALL):
            wanted |= {
                re.match(r"[A-Za-z0-9._-]+", item).group().lower() for item in re.findall(r'"([^"]+)"', block)
            }
    assert {name for name in wanted if name not in pins} == set()
