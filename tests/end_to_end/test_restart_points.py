"""Every STATE a tap writes is a place from which the next run can go on without losing anything."""

from __future__ import annotations

import json

import pytest

from tests import figures
from tests.end_to_end.pipeline import load
from tests.end_to_end.worlds import WORLDS, EspoCRMWorld, OpenCRMWorld, frozen

FEW = 4
ALL = {
    "opencrm": (OpenCRMWorld, ("company", "contact", "lead", "quote", "invoice", "ticket", "user")),
    "espocrm": (EspoCRMWorld, ("Account", "Contact", "Lead", "Opportunity", "Meeting", "CEverything")),
}


def restart_from_each_state(world_class, entities, forks, folder, *, most: int | None):
    """Load the lines up to a STATE into a new file, go on from that STATE, compare; for each STATE."""
    simulator = frozen("2026-06-15T12:00:00+00:00", seed=11)
    try:
        first = folder / "first"
        first.mkdir()
        lines = world_class.create(forks, first, simulator, entities).run().lines
        places = [number for number, line in enumerate(lines, start=1) if json.loads(line)["type"] == "STATE"]
        assert places, "the tap wrote no STATE"
        chosen = places if most is None else places[:: max(1, len(places) // most)]
        for number in chosen:
            again = folder / str(number)
            again.mkdir()
            world = world_class.create(forks, again, simulator, entities)
            code, states, said = load(forks, world.pipeline.target_config, again, lines[:number])
            assert code == 0, said
            assert states[-1] == json.loads(lines[number - 1])["value"]
            world.pipeline.state = states[-1]
            outcome = world.run()
            assert outcome.succeeded, outcome.errors
            assert world.differences() == []
            figures.count("Restart points", f"states of {world.tap}")
    finally:
        simulator.stop()


@pytest.mark.parametrize("crm", WORLDS)
def test_some_states_are_restart_points(forks, tmp_path, crm):
    restart_from_each_state(*WORLDS[crm], forks, tmp_path, most=FEW)


@pytest.mark.soak
@pytest.mark.parametrize("crm", ALL)
def test_every_state_is_a_restart_point(forks, tmp_path, crm):
    restart_from_each_state(*ALL[crm], forks, tmp_path, most=None)
