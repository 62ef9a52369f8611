"""The SDK's standard tests for taps, over a real socket; none is skipped."""

from __future__ import annotations

from crm_simulator import Clock, Simulator
from singer_sdk.testing import get_tap_test_class
from tap_espocrm.tap import TapEspoCRM

# The suite builds the tap while tests are collected: the simulator has to run by then.
_simulator = Simulator(seed=7, scale=0.02, clock=Clock.frozen("2026-11-20T12:00:00+00:00"))
_simulator.__enter__()
_store = _simulator.espocrm.store
_store.relate("CEverything", min(_store.ids("CEverything")), "teams", min(_store.ids("Team")))

TestTapEspoCRM = get_tap_test_class(
    TapEspoCRM,
    config={
        **_simulator.espocrm.credentials["admin"],
        "entities": ["Account", "CEverything", "Opportunity", "Note"],
    },
)


def teardown_module() -> None:
    _simulator.__exit__(None, None, None)
