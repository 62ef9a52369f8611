"""An OpenCRM system, written from its API document."""

from __future__ import annotations

from crm_simulator.opencrm.crm import OpenCRM
from crm_simulator.opencrm.switches import OpenCRMSwitches

__all__ = ["OpenCRM", "OpenCRMSwitches"]
