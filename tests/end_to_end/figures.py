"""Counts what the proofs did, so that `make soak` can print it."""

from __future__ import annotations

import time
from collections import Counter

COUNTS: dict[str, Counter[str]] = {}
_STARTED: dict[str, float] = {}
_TAKEN: dict[str, float] = {}


def count(proof: str, what: str, number: int = 1) -> None:
    """Add to a figure of a proof."""
    now = time.monotonic()
    _STARTED.setdefault(proof, now)
    _TAKEN[proof] = now - _STARTED[proof]
    COUNTS.setdefault(proof, Counter())[what] += number


def lines() -> list[str]:
    """Write one line per proof."""
    return [
        f"{proof}: "
        + ", ".join(f"{number:,} {what}" for what, number in counted.items())
        + f" in {_TAKEN[proof]:.0f} s"
        for proof, counted in COUNTS.items()
    ]
