"""Random lives of a CRM and its warehouse as a hypothesis state machine.

People change records whenever they like, also between two pages of a running sync. Syncs are killed, run into
faults and locked files. The one thing that must hold: after the next undisturbed sync the warehouse equals
the CRM.
"""

from __future__ import annotations

import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import duckdb
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.end_to_end import figures
from tests.end_to_end.pipeline import Forks, Kill
from tests.end_to_end.worlds import CHANGES, FAULTS, World, frozen

STARTS = ("2026-03-28T23:30:00+00:00", "2026-10-24T23:30:00+00:00", "2026-06-15T12:00:00+00:00")
seeds = st.integers(0, 2**32)


class Life(RuleBasedStateMachine):
    """One schedule; subclasses name the CRM."""

    world_class: type[World]
    entity_choices: tuple[tuple[str, ...], ...]
    proof: str
    launcher: Forks

    @initialize(seed=seeds, start=st.sampled_from(STARTS), choice=st.integers(0, 10))
    def begin(self, seed: int, start: str, choice: int) -> None:
        self.temporary = tempfile.TemporaryDirectory(prefix="crm-life-")
        self.simulator = frozen(start, seed=seed % 50)
        entities = self.entity_choices[choice % len(self.entity_choices)]
        self.world = self.world_class.create(
            self.launcher, Path(self.temporary.name), self.simulator, entities
        )
        figures.count(self.proof, "schedules")

    @rule(kinds=st.lists(st.sampled_from(CHANGES), min_size=2, max_size=6), seed=seeds)
    def people_change_something(self, kinds: list[str], seed: int) -> None:
        random = Random(seed)
        for kind in kinds:
            self.world.change(kind, random)
        figures.count(self.proof, "changes", len(kinds))

    @rule(seconds=st.sampled_from((1, 59, 61, 1800, 3600, 3601, 7201, 86400)))
    def time_passes(self, seconds: int) -> None:
        self.simulator.clock.advance(seconds)

    @rule()
    def sync(self) -> None:
        self.check(self.world.run())

    @rule(request=st.integers(1, 25), kind=st.sampled_from(CHANGES[:7]), seed=seeds, many=st.integers(1, 4))
    def sync_while_people_work(self, request: int, kind: str, seed: int, many: int) -> None:
        """Change things between two requests of a sync; the sync may fail but the next one makes good."""
        random, asked = Random(seed), 0

        def between(_request: object, _number: int) -> None:
            nonlocal asked
            asked += 1
            if asked >= request and asked % many == 0:
                self.world.change(kind, random)

        with self.before_requests(between):
            self.world.run()
        figures.count(self.proof, "syncs during changes")

    @rule(who=st.sampled_from(("tap", "target")), after=st.integers(0, 60), delay=st.integers(0, 60))
    def sync_is_killed(self, who: str, after: int, delay: int) -> None:
        self.world.run(Kill(who, after, delay / 1000))
        figures.count(self.proof, "kills")

    @rule(kind=st.sampled_from(sorted(FAULTS)), skip=st.integers(0, 30), times=st.sampled_from((1, 2, 50)))
    def sync_meets_a_fault(self, kind: str, skip: int, times: int) -> None:
        fault = FAULTS[kind]()
        self.world.crm.server.faults.add(type(fault)(**{**vars(fault), "skip": skip, "times": times}))
        self.world.run()
        self.world.crm.server.faults.clear()
        figures.count(self.proof, "syncs with faults")

    @rule()
    def sync_finds_the_file_locked(self) -> None:
        if self.world.path.exists():
            with closing(duckdb.connect(self.world.path, read_only=True)):
                outcome = self.world.run()
            assert "Traceback" not in outcome.errors, outcome.errors
            figures.count(self.proof, "syncs with a locked file")

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.check(self.world.run())
            finally:
                self.simulator.stop()
                self.temporary.cleanup()

    def check(self, outcome) -> None:
        """After an undisturbed sync nothing is missing, doubled, wrong or wrongly deleted."""
        figures.count(self.proof, "quiet syncs compared")
        assert outcome.succeeded, outcome.errors
        differences = self.world.differences()
        assert differences == [], "\n".join(differences[:10])

    @contextmanager
    def before_requests(self, hook):
        hooks = self.world.crm.server.before_request
        hooks.append(hook)
        try:
            yield
        finally:
            hooks.remove(hook)
