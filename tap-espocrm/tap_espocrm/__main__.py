"""Runs the tap as `python -m tap_espocrm`."""

from __future__ import annotations

from tap_espocrm.tap import TapEspoCRM

TapEspoCRM.cli()
