"""What every end-to-end test works with: two simulated CRMs, real processes, one warehouse each."""

from __future__ import annotations

import pytest
from crm_simulator import Clock, Simulator

from tests.end_to_end.pipeline import Forks, Programs


@pytest.fixture(scope="session")
def forks():
    """Taps and targets as forked processes: as real as any, started in milliseconds."""
    server = Forks()
    yield server
    server.close()


@pytest.fixture(scope="session")
def programs():
    """Taps and targets as their console scripts."""
    return Programs()


@pytest.fixture
def simulator():
    """Both CRMs, small, at noon of a day in June."""
    with Simulator(seed=7, scale=0.01, clock=Clock.frozen("2026-06-15T12:00:00+00:00")) as running:
        yield running
