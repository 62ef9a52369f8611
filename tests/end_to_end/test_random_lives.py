"""Whatever happens to a sync, the next quiet one leaves a warehouse that equals the CRM."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.end_to_end.schedules import STARTS, Life, seeds, steps
from tests.end_to_end.worlds import EspoCRMWorld, OpenCRMWorld
from tests.parts import parts

FEW, MANY = 4, int(os.environ.get("CRM_SOAK_SCHEDULES", "2000"))


class OpenCRMLife(Life):
    world_class = OpenCRMWorld
    entity_choices = (("company", "quote"), ("contact",), ("activity", "ticket", "invoice"))
    proof = "OpenCRM, random lives"


class EspoCRMLife(Life):
    world_class = EspoCRMWorld
    entity_choices = (
        ("Account", "Contact"),
        ("Contact", "Opportunity"),
        ("Contact", "Meeting"),
        ("CEverything",),
    )
    proof = "EspoCRM, random lives"


LIVES: dict[str, type[Life]] = {"opencrm": OpenCRMLife, "espocrm": EspoCRMLife}


def live(life: type[Life], forks, number: int, *, is_soak: bool) -> None:
    """Live many lives; a failure is shown as it was drawn, without a search for a smaller one."""

    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=not is_soak,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(start=st.sampled_from(STARTS), seed=seeds, schedule=steps)
    def one(start, seed, schedule):
        life.live(forks, start, seed, schedule)

    one()


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_some_random_lives_end_equal_to_the_source(life, forks):
    live(life, forks, FEW, is_soak=False)


@pytest.mark.soak
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
@pytest.mark.parametrize("number", parts(MANY, 20))
def test_thousands_of_random_lives_end_equal_to_the_source(life, forks, number):
    live(life, forks, number, is_soak=True)
