"""OpenCRM and EspoCRM over real HTTP, for demos and tests."""

from __future__ import annotations

from crm_simulator.clock import Clock
from crm_simulator.espocrm import EspoCRM, EspoCRMSwitches
from crm_simulator.faults import Fault
from crm_simulator.messages import LoggedRequest, Request, Response
from crm_simulator.opencrm import OpenCRM, OpenCRMSwitches
from crm_simulator.server import Server
from crm_simulator.simulator import Simulator

__all__ = [
    "Clock",
    "EspoCRM",
    "EspoCRMSwitches",
    "Fault",
    "LoggedRequest",
    "OpenCRM",
    "OpenCRMSwitches",
    "Request",
    "Response",
    "Server",
    "Simulator",
]
