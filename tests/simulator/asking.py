"""One HTTP request to a simulated CRM, and what came back."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str | None:
        return self.headers.get("x-status-reason")

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self.json["list"])

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows]


def ask(port: int, method: str, path: str, body: bytes | str | None, headers: dict[str, str]) -> Answer:
    """Send a request over a connection of its own; in the names of headers _ stands for -."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()
