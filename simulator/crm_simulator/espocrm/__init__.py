"""EspoCRM as a REST API, from what is known of real ones."""

from __future__ import annotations

from crm_simulator.espocrm.crm import EspoCRM
from crm_simulator.espocrm.switches import EspoCRMSwitches

__all__ = ["EspoCRM", "EspoCRMSwitches"]
