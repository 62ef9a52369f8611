"""A simulator at a known moment, and a plain client for OpenCRM."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from crm_simulator import Clock, OpenCRM

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = "2026-11-20T12:00:00+00:00"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class OpenCRMClient:
    """Calls an OpenCRM as its document says: POST, form, keys in headers."""

    def __init__(self, crm: OpenCRM) -> None:
        self.crm = crm
        self.keys = {"KEY1": crm.credentials["api_key"], "KEY2": crm.credentials["pass_key"]}

    def send(self, method: str, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.crm.server.port, timeout=10)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"User-Agent": "test/1", **names})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def __call__(self, end_point: str, **form: Any) -> Answer:
        kind = {"Content_Type": "application/x-www-form-urlencoded"}
        return self.send("POST", f"/api/rest/{end_point}", urlencode(form), **self.keys, **kind)


@pytest.fixture
def opencrm() -> Iterator[OpenCRM]:
    crm = OpenCRM(seed=7, scale=0.02, clock=Clock.frozen(NOON))
    crm.server.start()
    yield crm
    crm.server.stop()


@pytest.fixture
def call(opencrm: OpenCRM) -> OpenCRMClient:
    return OpenCRMClient(opencrm)
