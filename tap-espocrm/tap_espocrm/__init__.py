"""Singer tap for EspoCRM."""

from __future__ import annotations
