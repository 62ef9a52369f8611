"""OpenCRM and EspoCRM over real HTTP, for demos and tests."""

from __future__ import annotations
