"""A simulator at a known moment, and a plain client for OpenCRM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from crm_simulator import Clock, OpenCRM

from tests.simulator.asking import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = "2026-11-20T12:00:00+00:00"


class OpenCRMClient:
    """Calls an OpenCRM as its document says: POST, form, keys in headers."""

    def __init__(self, crm: OpenCRM) -> None:
        self.crm = crm
        self.keys = {"KEY1": crm.credentials["api_key"], "KEY2": crm.credentials["pass_key"]}

    def send(self, method: str, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
        return ask(self.crm.server.port, method, path, body, {"User-Agent": "test/1", **headers})

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
