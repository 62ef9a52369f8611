"""Random lives of a CRM and its warehouse: schedules that hypothesis draws and `Life` lives through.

People change records whenever they like, also between two pages of a running sync. Syncs are killed, run into
faults and locked files. The one thing that must hold: after the next undisturbed sync the warehouse equals
the CRM.
"""

from __future__ import annotations

import tempfile
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import duckdb
from hypothesis import strategies as st

from tests import figures
from tests.end_to_end.pipeline import Forks, Kill
from tests.end_to_end.worlds import CHANGES, FAULTS, World, frozen

STARTS = ("2026-03-28T23:30:00+00:00", "2026-10-24T23:30:00+00:00", "2026-06-15T12:00:00+00:00")
seeds = st.integers(0, 2**32)
STEPS: dict[str, dict[str, st.SearchStrategy]] = {
    "change": {"kinds": st.lists(st.sampled_from(CHANGES), min_size=2, max_size=6), "seed": seeds},
    "pass_time": {"seconds": st.sampled_from((1, 59, 61, 1800, 3600, 3601, 7201, 86400))},
    "sync": {},
    "sync_during_changes": {
        "request": st.integers(1, 25),
        "kind": st.sampled_from(CHANGES[:7]),
        "seed": seeds,
        "many": st.integers(1, 4),
    },
    "sync_and_kill": {
        "who": st.sampled_from(("tap", "target")),
        "after": st.integers(0, 20),
        "delay": st.one_of(st.integers(0, 20), st.integers(0, 250)),
    },
    "sync_with_fault": {
        "kind": st.sampled_from(sorted(FAULTS)),
        "skip": st.integers(0, 30),
        "times": st.sampled_from((1, 2, 50)),
    },
    "sync_while_locked": {},
}
OFTEN = ("change", "change", "change", "sync_and_kill", "sync_during_changes")
"""Steps that are drawn more often than the others."""


@dataclass(frozen=True)
class Step:
    """One thing that happens, by the name of a method of `Life`."""

    name: str
    details: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.details.items())})"


def _step(name: str) -> st.SearchStrategy[Step]:
    return st.builds(Step, st.just(name), st.fixed_dictionaries(STEPS[name]))


steps = st.lists(st.one_of(*map(_step, (*STEPS, *OFTEN))), min_size=3, max_size=10)


class Life:
    """One CRM, its warehouse, and all that happens to them; subclasses name the CRM."""

    world_class: type[World]
    entity_choices: tuple[tuple[str, ...], ...]
    proof: str

    def __init__(self, launcher: Forks, folder: str, start: str, seed: int) -> None:
        self.simulator = frozen(start, seed=seed % 50)
        entities = self.entity_choices[seed % len(self.entity_choices)]
        self.world = self.world_class.create(launcher, Path(folder), self.simulator, entities)
        figures.count(self.proof, "schedules")

    @classmethod
    def live(cls, launcher: Forks, start: str, seed: int, schedule: list[Step]) -> None:
        """Live through a schedule, and compare at its end."""
        with tempfile.TemporaryDirectory(prefix="crm-life-") as folder:
            life = cls(launcher, folder, start, seed)
            try:
                for step in schedule:
                    getattr(life, step.name)(**step.details)
                life.sync()
            finally:
                life.simulator.stop()

    def change(self, kinds: list[str], seed: int) -> None:
        random = Random(seed)
        for kind in kinds:
            self.world.change(kind, random)
        figures.count(self.proof, "changes", len(kinds))

    def pass_time(self, seconds: int) -> None:
        self.simulator.clock.advance(seconds)

    def sync(self) -> None:
        """After an undisturbed sync nothing is missing, doubled, wrong or wrongly deleted."""
        outcome = self.world.run()
        assert outcome.succeeded, outcome.errors
        differences = self.world.differences()
        assert differences == [], "\n".join(differences[:10])
        figures.count(self.proof, "quiet syncs compared")

    def sync_during_changes(self, request: int, kind: str, seed: int, many: int) -> None:
        """Change things between two requests of a sync; the sync may fail but the next one makes good."""
        random, asked = Random(seed), 0

        def between(_request: object, _number: int) -> None:
            nonlocal asked
            asked += 1
            if asked >= request and asked % many == 0:
                self.world.change(kind, random)

        with self.before_requests(between):
            self.clean(self.world.run())
        figures.count(self.proof, "syncs during changes")

    def sync_and_kill(self, who: str, after: int, delay: int) -> None:
        outcome = self.world.run(Kill(who, after, delay / 1000))
        figures.count(self.proof, "kills" if outcome.was_killed else "syncs done before the kill")

    def sync_with_fault(self, kind: str, skip: int, times: int) -> None:
        fault = FAULTS[kind]()
        self.world.crm.server.faults.add(type(fault)(**{**vars(fault), "skip": skip, "times": times}))
        self.clean(self.world.run())
        self.world.crm.server.faults.clear()
        figures.count(self.proof, "syncs with faults")

    def sync_while_locked(self) -> None:
        if self.world.path.exists():
            self.world.make_whole()
            with closing(duckdb.connect(self.world.path, read_only=True)):
                self.clean(self.world.run())
            figures.count(self.proof, "syncs with a locked file")

    def clean(self, outcome) -> None:
        """Whatever goes wrong is said in plain words."""
        assert "Traceback" not in outcome.errors, outcome.errors

    @contextmanager
    def before_requests(self, hook):
        hooks = self.world.crm.server.before_request
        hooks.append(hook)
        try:
            yield
        finally:
            hooks.remove(hook)
