"""Moments as EspoCRM writes them (UTC, whole seconds, no mark of a zone), and ids, which begin with one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from random import Random


def text_of(moment: float) -> str:
    """Write a unix time."""
    return str(datetime.fromtimestamp(int(moment), UTC))[:19]


def make_id(kind: str, moment: int, source: Random) -> str:
    """Make an id: the time in hex and nine random digits, or a uuid."""
    if kind == "uuid4":
        return str(UUID(int=source.getrandbits(128), version=4))
    return f"{moment:08x}{source.getrandbits(36):09x}"


def moment_of(text: object) -> datetime | None:
    """Read a moment back, or None where it is none."""
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
