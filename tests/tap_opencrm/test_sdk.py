"""The SDK's own suite for taps, all streams of a small OpenCRM."""

from __future__ import annotations

import atexit

import pytest
from crm_simulator import Clock, Simulator
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from tap_opencrm.tap import TapOpenCRM

# The suite lists the streams when this module is imported, so the CRM has to be there before any fixture.
_SIM = Simulator(seed=7, scale=0.01, clock=Clock.frozen("2026-11-20T12:00:00+00:00"))
_SIM.__enter__()
atexit.register(_SIM.__exit__, None, None, None)
for _module in _SIM.opencrm.store.entities():
    for _record in sorted(_SIM.opencrm.store.ids(_module))[12:]:
        _SIM.opencrm.store.delete(_module, _record)

_Suite = get_tap_test_class(
    TapOpenCRM,
    config={"url": _SIM.opencrm.url, **_SIM.opencrm.credentials},
    suite_config=SuiteConfig(),
    parse_env_config=False,  # the suite would read a developer's .env otherwise
)


# The schema files hold every field the documents name, in both spellings; no system sends both.
@pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records")
# _extra and _unparsed hold something only where a record gives cause.
@pytest.mark.filterwarnings("ignore:No records were available to test")
class TestTapOpenCRM(_Suite):
    """None of the suite's tests is left out."""
