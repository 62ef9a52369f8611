"""What the core asks of a CRM."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from crm_simulator.server import Server

if TYPE_CHECKING:
    from crm_simulator.clock import Clock
    from crm_simulator.messages import Request, Response


class CRM(ABC):
    """A CRM behind a server of its own; `secret_names` (lower case) are never logged with their values."""

    secret_names: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.server = Server(self.handle, clock, self.secret_names)

    @property
    def url(self) -> str:
        """The address of the CRM, known once its server was started."""
        return self.server.url

    @abstractmethod
    def handle(self, request: Request) -> Response:
        """Answer one request; called from many threads at once."""
