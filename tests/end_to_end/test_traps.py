"""The traps that a random life rarely steps into, one by one."""

from __future__ import annotations

from contextlib import closing
from random import Random

import duckdb
import pytest
from crm_simulator import Fault

from tests.end_to_end.worlds import WORLDS

DAY = 86_400


@pytest.fixture(params=WORLDS)
def world(request, forks, simulator, tmp_path):
    kind, entities = WORLDS[request.param]
    return kind.create(forks, tmp_path, simulator, entities[:1])


def run(world):
    outcome = world.run()
    assert outcome.succeeded, outcome.errors
    return outcome


def equal(world) -> None:
    assert world.differences() == []


def test_a_change_in_the_very_second_of_the_bookmark_is_not_missed(world):
    """Without any lookback: only `at or after the bookmark` finds it."""
    world.pipeline.tap_config |= (
        {"lookback_minutes": 0} if world.tap == "tap-opencrm" else {"lookback_seconds": 0}
    )
    ids = sorted(world.crm.store.ids(world.entities[0]))
    world.crm.store.update(world.entities[0], ids[0], {"description": "before the sync"})
    run(world)
    world.crm.store.update(world.entities[0], ids[1], {"description": "in the same second, after the sync"})
    run(world)
    equal(world)


def test_many_changes_in_one_second_go_over_the_edges_of_pages(world):
    for number in range(23):
        world.crm.store.create(world.entities[0], {"description": f"one of many {number}"})
    for _ in range(2):
        run(world)
        equal(world)


def test_a_run_that_found_the_file_locked_is_made_good_by_the_next(world):
    run(world)
    world.simulator.clock.advance(DAY)
    world.update_record(Random(1))
    world.simulator.clock.advance(DAY)
    with closing(duckdb.connect(world.path, read_only=True)):
        outcome = world.run()
    assert outcome.target_code == 1
    assert outcome.states == [], "a STATE came out though nothing was committed"
    run(world)
    equal(world)


def test_a_record_that_was_deleted_comes_back_when_it_is_restored(world):
    run(world)
    identity = min(world.crm.store.ids(world.entities[0]))
    world.simulator.clock.advance(DAY)
    world.crm.store.delete(world.entities[0], identity)
    run(world)
    equal(world)
    world.simulator.clock.advance(DAY)
    world.crm.store.undelete(world.entities[0], identity)
    run(world)
    equal(world)


def test_a_record_restored_without_a_trace_is_unmarked(forks, simulator, tmp_path):
    """EspoCRM leaves the stamp at the deletion, behind the bookmark: only the list of live ids tells."""
    kind, entities = WORLDS["espocrm"]
    world = kind.create(forks, tmp_path, simulator, entities[:1])
    run(world)
    first, second, *_ = sorted(world.crm.store.ids("Account"))
    world.simulator.clock.advance(DAY)
    world.crm.store.delete("Account", first)
    world.simulator.clock.advance(DAY)
    world.crm.store.update("Account", second, {"description": "moves the bookmark on"})
    run(world)
    equal(world)
    world.crm.store.undelete("Account", first)
    run(world)
    world.restored.add(first)
    equal(world)


def test_a_record_restored_that_was_never_seen_before_arrives(world, request):
    if world.tap == "tap-espocrm":
        reason = (
            "EspoCRM leaves modifiedAt at the deletion: it arrives with its next change or a full refresh"
        )
        request.applymarker(pytest.mark.xfail(strict=True, reason=reason))
    identity = min(world.crm.store.ids(world.entities[0]))
    world.crm.store.delete(world.entities[0], identity)
    world.simulator.clock.advance(DAY)
    world.update_record(Random(1))
    run(world)
    world.simulator.clock.advance(DAY)
    world.crm.store.undelete(world.entities[0], identity)
    run(world)
    equal(world)


def test_a_list_that_breaks_off_deletes_nothing(world):
    run(world)
    rows = len(world.warehouse.table(world.crm_name, world.table).live)
    world.pipeline.tap_config["max_retries"] = 0
    for skip in range(0, 12, 2):
        world.crm.server.faults.add(Fault("status", 500, match=world.list_path, skip=skip, times=None))
        world.run()
        world.crm.server.faults.clear()
        assert len(world.warehouse.table(world.crm_name, world.table).live) == rows
    run(world)
    equal(world)


def test_a_page_that_comes_back_empty_by_mistake_deletes_nothing(forks, simulator, tmp_path):
    kind, entities = WORLDS["opencrm"]
    world = kind.create(forks, tmp_path, simulator, entities[:1])
    run(world)
    world.crm.server.faults.add(Fault("empty", match="company_list_full", skip=1, times=None))
    outcome = world.run()
    assert outcome.tap_code == 1
    assert "counted" in outcome.tap_errors
    assert len(world.warehouse.table("opencrm", "companies").live) == len(world.crm.store.ids("company"))


def test_more_deletes_than_believable_stop_the_run_and_delete_nothing(world):
    for _ in range(110):
        world.crm.store.create(world.entities[0])
    run(world)
    for identity in sorted(world.crm.store.ids(world.entities[0]))[:60]:
        world.crm.store.delete(world.entities[0], identity)
    before = len(world.warehouse.table(world.crm_name, world.table).live)
    outcome = world.run()
    assert outcome.target_code == 1
    assert "max_delete_fraction" in outcome.target_errors
    assert len(world.warehouse.table(world.crm_name, world.table).live) == before
    world.pipeline.target_config["max_delete_fraction"] = 1
    run(world)
    equal(world)


HOSTILE = (
    'cf_9"; DROP TABLE opencrm.companies; --',
    "cf_'; --",
    "cf_ü😀",
    "cf_" + "x" * 200,
    "cf_select",
    "cf_Cf_A",
)


def test_hostile_names_of_custom_fields_do_no_harm(forks, simulator, tmp_path):
    kind, entities = WORLDS["opencrm"]
    world = kind.create(forks, tmp_path, simulator, entities[:1])
    for name in HOSTILE:
        world.crm.store.add_field("company", name, f"value of {name}")
    run(world)
    equal(world)
    assert set(HOSTILE) <= set(world.warehouse.table("opencrm", "companies").types)


def test_a_field_added_later_fills_up_and_loses_nothing(world):
    run(world)
    world.simulator.clock.advance(DAY)
    random = Random(3)
    for _ in range(6):
        world.add_field(random)
        world.retype_field(random)
    run(world)
    equal(world)
