"""Both CRMs together, as tests and the demo start them.

How a CRM fits in: it is a subclass of `crm.CRM` with the constructor
`(*, seed: int, scale: float, clock: Clock)` that calls `super().__init__(clock)`, implements
`handle(request) -> Response` (thread safe, no sockets: the base class owns `.server`), states the lower-case
names of its secret headers and parameters in `secret_names`, and has the attributes `.store`, `.switches`
(a mutable dataclass) and `.credentials` (a property; `self.url` is known once started).
Construction is cheap (content may be made on first use), depends on nothing but its arguments, and takes
`clock.now()` once as "today" for its content. Scale 1 is about 10,000 records per CRM.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from crm_simulator.clock import Clock
from crm_simulator.espocrm import EspoCRM
from crm_simulator.life import ESPOCRM, OPENCRM, Diary, Life
from crm_simulator.opencrm import OpenCRM

if TYPE_CHECKING:
    from types import TracebackType


class Simulator:
    """An OpenCRM and an EspoCRM on loopback ports, filled from one seed and living by one clock."""

    def __init__(
        self, *, seed: int = 7, scale: float = 1.0, clock: Clock | None = None, latency: float = 0.0
    ) -> None:
        self.clock = clock or Clock()
        self.opencrm = OpenCRM(seed=seed, scale=scale, clock=self.clock)
        self.espocrm = EspoCRM(seed=seed, scale=scale, clock=self.clock)
        for server in (self.opencrm.server, self.espocrm.server):
            server.latency = latency

        self._lives = {
            "opencrm": Life(self.opencrm.store, self.clock, OPENCRM, scale),
            "espocrm": Life(self.espocrm.store, self.clock, ESPOCRM, scale),
        }

    def start(self, *, opencrm_port: int = 0, espocrm_port: int = 0) -> Self:
        """Open both ports; 0 takes a free one."""
        self.opencrm.server.start(port=opencrm_port)
        try:
            self.espocrm.server.start(port=espocrm_port)
        except OSError:
            self.opencrm.server.stop()
            raise
        return self

    def stop(self) -> None:
        """Close both ports and every connection."""
        self.opencrm.server.stop()
        self.espocrm.server.stop()

    def live_a_day(self) -> dict[str, dict[str, Diary]]:
        """Let people work in both CRMs and a day pass; tell what was done, by CRM and entity."""
        start = self.clock.now()
        diaries = {name: life.day() for name, life in self._lives.items()}
        self.clock.set(max(self.clock.now(), start + timedelta(days=1)))
        return diaries

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
