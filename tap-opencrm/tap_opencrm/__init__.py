"""Singer tap for OpenCRM (opencrm.co.uk)."""

from __future__ import annotations
