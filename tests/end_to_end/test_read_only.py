"""The taps read and never write: every request of a life with everything in it is one of a known few."""

from __future__ import annotations

import re
from random import Random

import pytest

from tests.end_to_end.worlds import EspoCRMWorld, OpenCRMWorld

OPENCRM_CALLS = re.compile(
    r"/api/rest/(login|get_[a-z]+_list_full|get_[a-z]+_list|get_[a-z]+_list_count|get_[a-z]+)/?"
    r"(/dateTimeOverride/c/dateOverride/c/?)?$"
)
ALL = {"opencrm": (OpenCRMWorld, None), "espocrm": (EspoCRMWorld, None)}


@pytest.fixture(params=["opencrm", "espocrm"])
def world(request, forks, simulator, tmp_path):
    kind = {"opencrm": OpenCRMWorld, "espocrm": EspoCRMWorld}[request.param]
    entities = tuple(name for name in getattr(simulator, request.param).store.entities())
    world = kind.create(forks, tmp_path, simulator, entities)
    del world.pipeline.tap_config["entities"]
    world.pipeline.tap_config |= {"page_size": 100, "notes": True} if request.param == "espocrm" else {}
    return world


def test_all_streams_of_a_crm_are_read_without_a_single_write(world):
    before = {entity: world.crm.store.rows(entity) for entity in world.entities}
    assert world.run().succeeded
    world.update_record(Random(1))
    world.delete_record(Random(2))
    changed = {entity: world.crm.store.ids(entity) for entity in world.entities}
    outcome = world.run()
    assert outcome.succeeded, outcome.errors
    assert {entity: world.crm.store.ids(entity) for entity in world.entities} == changed
    assert before
    assert wrong(world) == []


def wrong(world) -> list[str]:
    """List the requests that no reader makes."""
    log = world.crm.server.log
    assert log
    if isinstance(world, EspoCRMWorld):
        return [f"{line.method} {line.path}" for line in log if line.method != "GET"]
    calls = [f"{line.method} {line.path}" for line in log if not OPENCRM_CALLS.fullmatch(line.path)]
    return calls + [line.path for line in log if "edit_" in line.path] + world.crm.violations
