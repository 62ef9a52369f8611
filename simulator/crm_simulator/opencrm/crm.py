"""The OpenCRM system as a whole."""

from __future__ import annotations

from typing import ClassVar

from crm_simulator.clock import Clock
from crm_simulator.crm import CRM
from crm_simulator.messages import Request, Response
from crm_simulator.opencrm.switches import OpenCRMSwitches


class OpenCRM(CRM):
    """An OpenCRM system with content made from a seed."""

    secret_names: ClassVar[frozenset[str]] = frozenset(
        {"key1", "key2", "key", "apikey", "passkey", "accesskey", "password", "authorization", "cookie"}
    )

    def __init__(self, *, seed: int, scale: float, clock: Clock) -> None:
        super().__init__(clock)
        self.switches = OpenCRMSwitches()

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        return Response.json({"error": "Unknown end point"})
