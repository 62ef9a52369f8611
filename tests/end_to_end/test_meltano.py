"""A mistake, seen through Meltano, is one clear line and a failing exit code, never a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from crm_simulator import Clock, Simulator

from tests.end_to_end import canary, truth
from tests.end_to_end.pipeline import GUARDED
from tests.end_to_end.warehouse import Warehouse

ROOT = Path(__file__).resolve().parents[2]
MELTANO = Path(sys.executable).with_name("meltano")


@pytest.fixture(scope="module")
def simulator():
    with Simulator(scale=0.01, clock=Clock.frozen("2026-11-20T12:00:00+00:00")) as running:
        yield running


@pytest.fixture
def run(simulator, tmp_path):
    """Run Meltano on a copy of the project's meltano.yml, as a user with a folder of their own would."""
    shutil.copy(ROOT / "meltano.yml", tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv" if (ROOT / ".venv").exists() else Path(sys.prefix))
    database = tmp_path / "data" / "crm.duckdb"
    attempts = tmp_path.with_suffix(".attempts")
    attempts.touch()
    places = ",".join(crm.url.removeprefix("http://") for crm in (simulator.opencrm, simulator.espocrm))

    def meltano(*arguments, **settings):
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "TARGET_"))
        }
        environment |= {
            "TAP_OPENCRM_URL": simulator.opencrm.url,
            "TAP_OPENCRM_API_KEY": simulator.opencrm.credentials["api_key"],
            "TAP_OPENCRM_PASS_KEY": simulator.opencrm.credentials["pass_key"],
            "TAP_OPENCRM_ENTITIES": '["companies"]',
            "TAP_ESPOCRM_URL": simulator.espocrm.url,
            "TAP_ESPOCRM_API_KEY": simulator.espocrm.credentials["api_key"]["api_key"],
            "TAP_ESPOCRM_ENTITIES": '["Account"]',
            "TARGET_DUCKDB_PATH": str(database),
            "TARGET_DUCKDB_LOCK_TIMEOUT_SECONDS": "1",
            "NO_COLOR": "1",
            "PYTHONPATH": GUARDED,
            "CRM_GUARD_LOG": str(attempts),
            "CRM_GUARD_ALLOW": f"{places},127.0.0.1:9",
            **settings,
        }
        return subprocess.run(
            [MELTANO, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    meltano.database = database
    yield meltano
    refused = [line for line in attempts.read_text().splitlines() if line.startswith("REFUSED")]
    assert refused == [], "Meltano, a tap or the target wanted to connect elsewhere than to the CRMs"


def output(done):
    return done.stdout + done.stderr


def test_both_crms_arrive_in_schemas_of_their_own(run, simulator):
    assert run("run", "crm-to-duckdb").returncode == 0
    with duckdb.connect(str(run.database)) as connection:
        companies = connection.execute("SELECT count(*) FROM opencrm.companies").fetchone()[0]
        accounts = connection.execute("SELECT count(*) FROM espocrm.account").fetchone()[0]
    assert (companies, accounts) == (
        len(simulator.opencrm.store.ids("company")),
        len(simulator.espocrm.store.ids("Account")),
    )


@pytest.mark.parametrize(
    ("job", "settings", "clue"),
    [
        pytest.param(
            "opencrm-to-duckdb", {"TAP_OPENCRM_PASS_KEY": "wrong"}, "Unauthorized", id="wrong-key-opencrm"
        ),
        pytest.param("espocrm-to-duckdb", {"TAP_ESPOCRM_API_KEY": "wrong"}, "401", id="wrong-key-espocrm"),
        pytest.param(
            "opencrm-to-duckdb", {"TAP_OPENCRM_ENTITIES": '["nonsense"]'}, "nonsense", id="unknown-entity"
        ),
        pytest.param(
            "espocrm-to-duckdb", {"TAP_ESPOCRM_URL": "http://127.0.0.1:9"}, "127.0.0.1:9", id="unreachable"
        ),
        pytest.param("espocrm-to-duckdb", {"TAP_ESPOCRM_API_KEY": ""}, "api_key", id="missing-setting"),
    ],
)
def test_a_mistake_is_one_clear_line(run, job, settings, clue):
    done = run("run", job, **settings)
    assert (done.returncode != 0, clue in output(done), "Traceback" in output(done)) == (True, True, False), (
        output(done)
    )


def test_a_locked_file_names_its_holder(run):
    run.database.parent.mkdir()
    with duckdb.connect(str(run.database)):
        done = run("run", "opencrm-to-duckdb")
    assert (done.returncode != 0, f"{os.getpid()}" in output(done), "Traceback" in output(done)) == (
        True,
        True,
        False,
    ), output(done)


def test_the_second_run_starts_where_the_first_one_ended(run, simulator):
    assert run("run", "espocrm-to-duckdb").returncode == 0
    simulator.clock.advance(days=1)
    changed = min(simulator.espocrm.store.ids("Account"))
    simulator.espocrm.store.update("Account", changed, {"name": "Changed between two runs"})
    asked = len(simulator.espocrm.server.log)
    assert run("run", "espocrm-to-duckdb").returncode == 0
    lists = [line.query for line in simulator.espocrm.server.log[asked:] if line.path.endswith("/Account")]
    assert any("modifiedAt" in query and "2026" in query for query in lists), lists
    assert truth.espocrm_differences(simulator.espocrm, Warehouse(run.database), ["Account"]) == []


def test_no_secret_stays_in_anything_meltano_leaves_behind(run, simulator, tmp_path):
    secrets = [*simulator.opencrm.credentials.values(), simulator.espocrm.credentials["api_key"]["api_key"]]
    wrong = {"TAP_OPENCRM_PASS_KEY": canary.PASS_KEY, "TAP_ESPOCRM_API_KEY": canary.API_KEY}
    with canary.CommandLines() as watched:
        good = run("--log-level=debug", "run", "crm-to-duckdb")
        bad = run("--log-level=debug", "run", "opencrm-to-duckdb", **wrong)
    assert (good.returncode, bad.returncode != 0) == (0, True), output(good)
    places = canary.files_under(tmp_path) | watched.places
    places["what Meltano printed"] = (output(good) + output(bad)).encode()
    assert len(places) > 5
    assert canary.hits([*secrets, canary.PASS_KEY, canary.API_KEY], places) == []
