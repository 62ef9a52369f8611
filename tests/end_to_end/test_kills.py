"""SIGKILL of tap or target at any moment: the file opens, its ledger adds up, the next run makes it whole."""

from __future__ import annotations

import os
from random import Random, SystemRandom

import pytest

from tests import figures
from tests.end_to_end import truth
from tests.end_to_end.pipeline import Kill
from tests.end_to_end.worlds import WORLDS, frozen
from tests.parts import parts

FEW, MANY = 4, int(os.environ.get("CRM_SOAK_KILLS", "1000"))
BETWEEN_COMPARISONS = 5
DEEDS = ("create_record", "update_record", "tie", "delete_record")


def kill_again_and_again(crm: str, forks, folder, number: int, seed: int) -> None:
    """Kill so many times; a failure tells the seed that repeats it."""
    try:
        kill_and_compare(crm, forks, folder, number, seed)
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise


def kill_and_compare(crm: str, forks, folder, number: int, seed: int) -> None:
    """Kill so many times, not counting what is done before its kill comes, and compare now and then."""
    random = Random(seed)
    kind, entities = WORLDS[crm]
    simulator = frozen("2026-06-15T12:00:00+00:00", seed=seed % 50)
    world = kind.create(forks, folder, simulator, entities)
    world.pipeline.target_config["batch_size_rows"] = 7  # many commits, so that many moments lie within one
    try:
        usual, killed = compare(world), 0
        while killed < number:
            if kill_once(world, random, usual):
                killed += 1
                figures.count("Kills", f"kills ({world.crm_name})")
                if killed % BETWEEN_COMPARISONS == 0 or killed == number:
                    usual = compare(world)
    finally:
        simulator.stop()


def kill_once(world, random: Random, usual: float) -> bool:
    """Change things, sync and strike; return whether the kill came before the end."""
    for _ in range(random.randint(1, 6)):
        world.change(random.choice(DEEDS), random)
    world.simulator.clock.advance(random.choice((1, 90, 7300)))
    kill = Kill(random.choice(("tap", "target", "target")), 0, random.random() * usual)
    outcome = world.run(kill)
    world.make_whole()
    assert truth.ledger_differences(world.warehouse) == [], "the file opens and its ledger adds up"
    assert_state_is_not_ahead(world)
    return outcome.was_killed


def compare(world) -> float:
    """Sync undisturbed, compare, and return how many seconds the sync took."""
    outcome = world.run()
    assert outcome.succeeded, outcome.errors
    differences = world.differences()
    assert differences == [], "\n".join(differences[:10])
    figures.count("Kills", "comparisons equal to the source")
    return outcome.seconds


def assert_state_is_not_ahead(world) -> None:
    """What the target let out as STATE is what the file holds, or older."""
    held = [row["value"] for row in world.warehouse.ledger("state")]
    if world.pipeline.state and held:
        bookmarks = world.pipeline.state.get("bookmarks", {})
        kept = held[-1].get("bookmarks", {})
        for stream, bookmark in bookmarks.items():
            value = bookmark.get("replication_key_value", "")
            assert value <= kept.get(stream, {}).get("replication_key_value", ""), stream


@pytest.mark.parametrize("crm", WORLDS)
def test_some_kills_lose_nothing(forks, tmp_path, crm):
    kill_again_and_again(crm, forks, tmp_path, FEW, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("crm", WORLDS)
@pytest.mark.parametrize("number", parts(MANY // len(WORLDS), 4))
def test_a_thousand_kills_lose_nothing(forks, tmp_path, crm, number):
    kill_again_and_again(crm, forks, tmp_path, number, seed=SystemRandom().randrange(2**32))
