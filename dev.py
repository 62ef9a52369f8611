#!/usr/bin/env python3
"""Set up `.venv` with everything the project needs, then run one verb; needs Python alone.

Installs with uv where uv works and with pip where it does not, always pinned by constraints.txt.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
CONSTRAINTS = ROOT / "constraints.txt"
PACKAGES = ("tap-opencrm", "tap-espocrm", "target-duckdb", "report", "simulator")
TYPED = (
    "tap-opencrm/tap_opencrm",
    "tap-espocrm/tap_espocrm",
    "target-duckdb/target_duckdb",
    "report/crm_report",
    "simulator/crm_simulator",
)

VERBS: dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...], str]] = {
    # verb: (dependency groups, commands run one after the other, help)
    "setup": (("run",), (), "install what `meltano run` needs into .venv"),
    "demo": (("run",), (("python", "-m", "demo"),), "fill output/warehouse.duckdb from two simulated CRMs"),
    "lint": (
        ("run", "test"),
        (("ruff", "check"), ("ruff", "format", "--check"), ("mypy", *TYPED)),
        "ruff and mypy --strict",
    ),
    "test": (
        ("run", "test"),
        (
            ("ruff", "check"),
            ("ruff", "format", "--check"),
            ("mypy", *TYPED),
            ("python", "-m", "pytest", "-m", "not soak", "-n", "2", "--dist", "loadfile"),
        ),
        "lint, then every test",
    ),
    "soak": (
        ("run", "test"),
        (("python", "-m", "pytest", "-m", "soak", "-n", "2", "--dist", "worksteal"),),
        "the long proofs (hours)",
    ),
    "mutants": (
        ("run", "test"),
        (("python", "tests/mutants.py"),),
        "put defects into the packages: does a test notice each?",
    ),
    "bench": (("run", "test"), (("python", "benchmarks"),), "measure against the limit and the peers"),
    "docs": (("run", "test"), (("python", "docs/generate.py"),), "regenerate the generated tables"),
}


def say(text: str) -> None:
    """Tell on stderr, in one line, what is being done."""
    print(f"dev: {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, env: dict[str, str] | None = None, quiet: bool = False) -> int:
    """Run a command in the project's folder and return its exit code."""
    pipe = subprocess.PIPE if quiet else None
    words = [str(part) for part in command]
    with subprocess.Popen(words, cwd=ROOT, env=env, stdout=pipe, stderr=pipe) as process:
        while True:
            try:
                _, errors = process.communicate()
                break
            except KeyboardInterrupt:
                continue  # the command hears of Ctrl-C too: it tells what it has done and ends by itself
    if quiet and process.returncode:
        say(errors.decode(errors="replace").strip().partition("\n")[0])
    return process.returncode


def pip_setting(name: str) -> str:
    """Return one of pip's own settings (from its files or PIP_*), or an empty string."""
    variable = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if variable:
        return variable
    done = subprocess.run(
        [PYTHON, "-m", "pip", "config", "get", f"global.{name}"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def uv_environment() -> dict[str, str]:
    """Return an environment in which uv uses pip's index, links and certificates: uv reads none of pip's."""
    translated = {
        "UV_DEFAULT_INDEX": pip_setting("index-url"),
        "UV_FIND_LINKS": ",".join(pip_setting("find-links").split()),
        "SSL_CERT_FILE": pip_setting("cert"),
    }
    carried = {name: value for name, value in translated.items() if value and name not in os.environ}
    return {**os.environ, "UV_SYSTEM_CERTS": "1", "VIRTUAL_ENV": str(VENV), **carried}


def requirements(groups: tuple[str, ...]) -> list[str]:
    """Return the requirements of some dependency groups of pyproject.toml."""
    import tomllib  # noqa: PLC0415 (Python 3.11: an older one must live long enough to be told so)

    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    return [requirement for group in groups for requirement in table[group]]


def fingerprint(groups: tuple[str, ...]) -> str:
    """Return a digest of all that decides what is installed."""
    digest = hashlib.sha256(f"{ROOT} {sys.version} {groups}".encode())
    projects = [ROOT, *(ROOT / name for name in PACKAGES)]
    for path in (CONSTRAINTS, *(project / "pyproject.toml" for project in projects)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def create_venv() -> None:
    """Create `.venv`; raises SystemExit with a hint where Python lacks the parts for it."""
    say("creating .venv")
    try:
        venv.create(VENV, with_pip=True, symlinks=os.name != "nt")
    except (subprocess.CalledProcessError, OSError) as error:
        hint = "on Debian: apt install python3-venv"
        raise SystemExit(f"dev: Python cannot create .venv ({error}); {hint}") from None


def find_uv() -> str | None:
    """Return uv's path, installing it into `.venv` if need be; None where it is not to be had."""
    if found := shutil.which("uv"):
        return found
    inside = BIN / ("uv.exe" if os.name == "nt" else "uv")
    if not inside.exists():
        run(PYTHON, "-m", "pip", "install", "--quiet", "-c", CONSTRAINTS, "uv", quiet=True)
    return str(inside) if inside.exists() else None


def install(groups: tuple[str, ...]) -> None:
    """Install the packages and the requirements of some groups; raises SystemExit if nothing works."""
    wanted = [*requirements(groups), *(part for name in PACKAGES for part in ("-e", str(ROOT / name)))]
    options = ["--quiet", "-c", str(CONSTRAINTS), *wanted]
    started = time.monotonic()
    if uv := find_uv():
        say(f"installing {', '.join(groups)} with uv, pinned by constraints.txt")
        if run(uv, "pip", "install", "--python", PYTHON, *options, env=uv_environment(), quiet=True) == 0:
            say(f"installed in {time.monotonic() - started:.1f} s")
            return
        say("uv could not install; falling back to pip")
    say(f"installing {', '.join(groups)} with pip, pinned by constraints.txt (about a minute)")
    if run(PYTHON, "-m", "pip", "install", *options) != 0:
        raise SystemExit("dev: installation failed; the lines above say why. Is a package index reachable?")
    say(f"installed in {time.monotonic() - started:.1f} s")


def ensure(groups: tuple[str, ...]) -> None:
    """Bring `.venv` up to date for some groups, doing nothing if it already is."""
    stamp = VENV / f".installed-{'-'.join(groups)}"
    if not PYTHON.exists():
        create_venv()
    if not stamp.exists() or stamp.read_text() != fingerprint(groups):
        install(groups)
        stamp.write_text(fingerprint(groups))


def environment() -> dict[str, str]:
    """Return the environment commands run in: `.venv` first on the PATH, pip's settings known to uv."""
    return {**uv_environment(), "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}


def main() -> int:
    """Run one verb and return its exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 (whoever starts this with an old Python should be told so)
        raise SystemExit(f"dev: Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="verb")
    for verb, (_, _, text) in VERBS.items():
        verbs.add_parser(verb, help=text)
    arguments, rest = parser.parse_known_args()
    groups, commands, _ = VERBS[arguments.verb]
    ensure(groups)
    for index, command in enumerate(commands, start=1):
        say(" ".join(command))
        extra = rest if index == len(commands) else []
        if code := run(BIN / command[0], *command[1:], *extra, env=environment()):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
