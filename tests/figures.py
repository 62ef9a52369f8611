"""Counts what the proofs did, in whatever process, so that `make soak` can print it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

Counts = dict[str, dict[str, int]]
"""By proof: how many of what."""

_counted: dict[str, Counter[str]] = {}


def count(proof: str, what: str, number: int = 1) -> None:
    """Add to a figure of a proof."""
    _counted.setdefault(proof, Counter())[what] += number


def take() -> Counts:
    """Return what was counted since this was last called, in plain dicts that can go to another process."""
    taken = {proof: dict(counter) for proof, counter in _counted.items()}
    _counted.clear()
    return taken


@dataclass
class Figures:
    """What all tests counted, and how long those that counted have worked."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: Counter[str] = field(default_factory=Counter)

    def add(self, taken: Counts, seconds: float) -> None:
        """Add what one test counted."""
        for proof, counted in taken.items():
            self.counts.setdefault(proof, Counter()).update(counted)
            self.seconds[proof] += seconds

    def lines(self) -> list[str]:
        """Write one line per proof."""
        return [
            f"{proof}: "
            + ", ".join(f"{number:,} {what}" for what, number in counted.items())
            + f" in {self.seconds[proof]:,.0f} s of work"
            for proof, counted in self.counts.items()
        ]
