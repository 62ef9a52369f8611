"""`python -m tap_opencrm` is the command `tap-opencrm`."""

from __future__ import annotations

from tap_opencrm.tap import TapOpenCRM

TapOpenCRM.cli()
