"""Others keep working while the tap reads: after the next quiet run nothing is missing."""

from __future__ import annotations

import pytest
from crm_simulator import Clock, Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import figures

actions = st.lists(st.tuples(st.sampled_from("iiuudr"), st.integers(0, 10_000)), max_size=4)
schedules = st.lists(actions, max_size=12)
switches = st.fixed_dictionaries(
    {
        "paging": st.sampled_from(["exclusive", "inclusive", "count"]),
        "order": st.sampled_from(["id", "shuffled"]),
        "empty": st.sampled_from(["[]", "null", "blank"]),
    }
)


class Colleagues:
    """People who insert, update, delete and restore contacts while requests are answered."""

    def __init__(self, sim):
        self.sim, self.store, self.deleted = sim, sim.opencrm.store, []
        self.plan = iter(())
        sim.opencrm.server.before_request.append(lambda *_: self.work())

    def work(self):
        for kind, place in next(self.plan, ()):
            self.sim.clock.advance(seconds=7)
            alive = sorted(self.store.ids("contact"))
            if kind == "i":
                self.store.create("contact", {"lastname": f"Inserted {place}"})
            elif kind == "r" and self.deleted:
                self.store.undelete("contact", self.deleted.pop())
            elif alive and kind == "u":
                self.store.update("contact", alive[place % len(alive)], {"lastname": f"Updated {place}"})
            elif alive and kind == "d":
                self.deleted.append(alive[place % len(alive)])
                self.store.delete("contact", self.deleted[-1])


@pytest.fixture(scope="module")
def check(tap_runner, new_destination):
    """Live through one history and compare the destination with the CRM."""

    def live(oddities, first, second, page_size, concurrency):
        with Simulator(seed=7, scale=0.007, clock=Clock.frozen("2026-11-20T12:00:00+00:00")) as sim:
            crm, colleagues, kept, state = sim.opencrm, Colleagues(sim), new_destination(), None
            vars(crm.switches).update(oddities)
            config = {
                "url": crm.url,
                **crm.credentials,
                "entities": ["contacts"],
                "page_size": page_size,
                "concurrency": concurrency,
            }
            for plan in (first, second, []):
                colleagues.plan = iter(plan)
                output = tap_runner(config, state)
                kept.apply(output.messages)
                state = output.state if output.states else state
                sim.clock.advance(hours=3)
            assert output.error is None
            truth = {row["id"] if "id" in row else row["crmid"]: row for row in rows(crm)}
            found = kept.tables["contacts"]
            assert set(found) == set(truth)
            assert {key: r["lastname"] for key, r in found.items()} == {
                key: row["lastname"] for key, row in truth.items()
            }
            figures.count("OpenCRM, changes while the tap alone reads", "histories")

    return live


def rows(crm):
    return [{"id": key, **crm.store.get("contact", key)} for key in crm.store.ids("contact")]


lives = given(
    oddities=switches,
    first=schedules,
    second=schedules,
    page_size=st.sampled_from([3, 4, 7]),
    concurrency=st.sampled_from([1, 1, 3]),
)


@lives
@settings(max_examples=30, deadline=None)
def test_nothing_is_missing_after_the_next_quiet_run(check, oddities, first, second, page_size, concurrency):
    check(oddities, first, second, page_size, concurrency)


@pytest.mark.soak
@lives
@settings(max_examples=1000, deadline=None)
def test_nothing_is_missing_after_a_thousand_histories(
    check, oddities, first, second, page_size, concurrency
):
    check(oddities, first, second, page_size, concurrency)
