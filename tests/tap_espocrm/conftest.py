from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crm_simulator import Clock, Simulator

from tests import captures
from tests.tap_espocrm.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """The SDK reads TAP_* variables and a .env file of the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(seed=7, scale=0.02, clock=Clock.frozen("2026-11-20T12:00:00+00:00")) as simulator:
        yield simulator


@pytest.fixture
def crm(sim: Simulator):
    return sim.espocrm


@pytest.fixture
def config(crm) -> dict:
    return {**crm.credentials["api_key"], "lookback_seconds": 0, "max_retries": 2}


@pytest.fixture
def replay() -> Iterator[Replay]:
    if not captures.ARE_HERE:
        pytest.skip(captures.REASON)
    server = Replay()
    yield server
    server.close()
