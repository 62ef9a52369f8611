"""A long proof in parts: several processes share it, and of one that is cut short the ended parts count."""

from __future__ import annotations

import pytest

SMALLEST = 5
"""Below that, parts would prove less than the whole: hypothesis always begins with the simplest schedule."""


def parts(whole: int, most: int) -> list:
    """Return the parameters of so many parts at most: how much of the whole each has to do."""
    number = max(1, min(most, whole // SMALLEST))
    sizes = [len(range(part, whole, number)) for part in range(number)]
    return [pytest.param(size, id=f"part{place}") for place, size in enumerate(sizes, start=1)]
