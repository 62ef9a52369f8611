"""Scripted misbehaviour of a server."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from crm_simulator.messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["status", "reset", "slow", "truncate", "html", "empty", "not_json"]

_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """Trouble for the requests it matches: let `skip` of them pass, then strike `times` (None: always)."""

    kind: Kind
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    match: str = ""
    skip: int = 0
    times: int | None = 1
    seconds: float = 1.0
    when: Callable[[Request], bool] | None = None

    def concerns(self, request: Request) -> bool:
        """Tell whether the request is one of those: `match` is part of path?query, and `when` agrees."""
        target = f"{request.path}?{request.query}" if request.query else request.path
        return self.match in target and (self.when is None or self.when(request))

    def answer(self) -> Response | None:
        """Give the answer that takes the place of the true one, if this kind has one."""
        if self.kind not in _ANSWERS:
            return None
        status, content_type, body = _ANSWERS[self.kind]
        status = self.status or status
        text = self.body if self.body is not None else body.format(status)
        return Response(status, {"Content-Type": content_type, **self.headers}, text.encode())


_ANSWERS: dict[str, tuple[int, str, str]] = {
    "status": (500, "text/html; charset=utf-8", _PAGE),
    "html": (200, "text/html; charset=utf-8", _PAGE),
    "empty": (200, "application/json", ""),
    "not_json": (200, "application/json", "Notice: Undefined index in index.php on line {}"),
}


class Faults:
    """The faults waiting for their requests; the first that matches strikes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[Fault] = []
        self.struck: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Queue faults."""
        with self._lock:
            self._pending.extend(faults)

    def clear(self) -> None:
        """Forget all faults that have not struck."""
        with self._lock:
            self._pending.clear()

    def pending(self) -> list[Fault]:
        """List the faults that can still strike, with what is left of `skip` and `times`."""
        with self._lock:
            return list(self._pending)

    def take(self, request: Request) -> Fault | None:
        """Give the fault that this request runs into."""
        if not self._pending:
            return None
        with self._lock:
            for index, fault in enumerate(self._pending):
                if fault.concerns(request):
                    return self._strike(index, fault)
        return None

    def _strike(self, index: int, fault: Fault) -> Fault | None:
        if fault.skip > 0:
            self._pending[index] = replace(fault, skip=fault.skip - 1)
            return None
        self.struck.append(fault)
        if fault.times is not None and fault.times <= 1:
            del self._pending[index]
        elif fault.times is not None:
            self._pending[index] = replace(fault, times=fault.times - 1)
        return fault
