"""The answers EspoCRM gives instead of data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from crm_simulator.messages import Response

JSON = "application/json"
HTML = "text/html; charset=UTF-8"


@dataclass
class Refusal(Exception):  # noqa: N818 - an answer, not an error of this program
    """An answer that is not a success; its body is mostly empty, the reason stands in a header."""

    status: int
    reason: str | None = None
    content_type: str = JSON
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Write it as an HTTP answer."""
        headers = {"Content-Type": self.content_type, **self.headers}
        if self.reason is not None:
            headers["X-Status-Reason"] = _as_header(self.reason)
        body = b"" if self.body is None else json.dumps(self.body).encode()
        return Response(self.status, headers, body)


def _as_header(text: str) -> str:
    """Keep what a header can hold."""
    printable = "".join(each if each.isprintable() else "?" for each in text)
    return printable.encode("latin-1", "replace").decode("latin-1")


def bad_request(reason: str) -> Refusal:
    """Refuse what makes no sense."""
    return Refusal(400, reason)


def forbidden(reason: str | None) -> Refusal:
    """Refuse what the user may not do."""
    return Refusal(403, reason)


def not_found(reason: str) -> Refusal:
    """Refuse what is not there."""
    return Refusal(404, reason)


def broken() -> Refusal:
    """Answer as PHP does after an error nobody caught: 500 and nothing else."""
    return Refusal(500)
