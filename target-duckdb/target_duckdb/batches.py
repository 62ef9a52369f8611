"""What is committed together: the steps of a batch, which of them may wait, and how a batch is halved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from target_duckdb.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from target_duckdb.shapes import Shape


@dataclass(frozen=True)
class Activation:
    """An ACTIVATE_VERSION: from here only one version counts.

    For live keys: and only their keys of the base stream.
    """

    shape: Shape
    version: int
    base: Shape | None = None
    unversioned: int | None = None  # what stands for the version of live keys that came without one

    @property
    def listed(self) -> str:
        """The versions of live keys that count, for SQL."""
        return f"({self.version}, {'NULL' if self.unversioned is None else self.unversioned})"


@dataclass(frozen=True)
class Swap:
    """The moment at which a newly loaded table takes the place of the old one."""

    shape: Shape


@dataclass(frozen=True)
class Declaration:
    """A stream that sent its schema and no record: its table is there all the same."""

    shape: Shape


Step = Segment | Activation | Swap | Declaration


def group_of(step: Step) -> str:
    """Return the stream that a step counts to: live keys to what they list."""
    base = None if isinstance(step, Swap | Declaration) else step.base
    return (base or step.shape).stream


def hold_back(steps: Sequence[Step]) -> tuple[list[Step], list[Step]]:
    """Return the steps that need no STATE to cover them, and those without a key with what follows them."""
    ready: list[Step] = []
    held: list[Step] = []
    waiting: set[str] = set()
    for step in steps:
        if not step.shape.keys:
            waiting.add(group_of(step))
        (held if group_of(step) in waiting else ready).append(step)
    return ready, held


@dataclass(frozen=True)
class Batch:
    """Everything that is committed together."""

    steps: tuple[Step, ...]
    state: bytes | None
    is_final: bool

    @property
    def rows(self) -> int:
        """How many records there are."""
        return sum(step.rows for step in self.steps if isinstance(step, Segment))

    @property
    def columns(self) -> int:
        """How many columns take memory while the batch is committed."""
        return columns_of(self.steps)

    def halves(self) -> tuple[Batch, Batch] | None:
        """Return two batches to be committed one after the other instead, or None if that cannot be.

        The first has streams with a key, whose rows may be there before the STATE that covers them; a stream
        and its live keys stay together, and tables are swapped together. For one stream whose schema changed,
        the first half is the earlier segments.
        """
        groups: dict[str, list[Step]] = {}
        for step in self.steps:
            groups.setdefault(group_of(step), []).append(step)
        parts = list(groups.values()) if len(groups) > 1 else _moments(self.steps)
        early = self._early(parts)
        first = tuple(step for step in self.steps if id(step) in early)
        second = tuple(step for step in self.steps if id(step) not in early)
        if len(parts) == 1 or not any(isinstance(step, Segment) for step in first):
            return None
        return replace(self, steps=first, state=None, is_final=False), replace(self, steps=second)

    def _early(self, parts: Iterable[Sequence[Step]]) -> set[int]:
        """Return the identities of the steps that can be committed first, with half of the columns."""
        early: set[int] = set()
        columns = 0
        for steps in parts:
            columns += columns_of(steps)
            if columns > self.columns / 2 and early:
                break
            if all(step.shape.keys for step in steps):
                early |= {id(step) for step in steps if not isinstance(step, Swap)}
        return early


def columns_of(steps: Iterable[Step]) -> int:
    """Return how many columns take memory while steps are committed."""
    return sum(len(step.shape.columns) for step in steps if isinstance(step, Segment))


def _moments(steps: Sequence[Step]) -> list[Sequence[Step]]:
    """Return the steps of a stream one by one if its records may be committed in turn."""
    segments = [step for step in steps if isinstance(step, Segment)]
    may_part = len(segments) > 1 and all(step.shape.keys and step.base is None for step in segments)
    return [[step] for step in steps] if may_part else [steps]
