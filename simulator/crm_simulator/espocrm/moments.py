"""Moments as EspoCRM writes them: UTC, whole seconds, no mark of a zone."""

from __future__ import annotations

from datetime import UTC, datetime


def text_of(moment: float) -> str:
    """Write a unix time."""
    return str(datetime.fromtimestamp(int(moment), UTC))[:19]


def moment_of(text: object) -> datetime | None:
    """Read a moment back, or None where it is none."""
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
