"""A plain client of the simulated EspoCRM."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from crm_simulator import Clock
from crm_simulator.espocrm import EspoCRM

from tests.simulator.asking import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = "2026-11-20T12:00:00+00:00"


class Client:
    """Calls one EspoCRM with the rights of one kind of user."""

    def __init__(self, crm: EspoCRM, kind: str = "api_key") -> None:
        self.crm = crm
        known = crm.credentials[kind]
        self.headers = {"X-Api-Key": known["api_key"]} if "api_key" in known else basic(known)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        raw = json.dumps(body).encode() if body is not None else None
        return ask(self.crm.server.port, method, f"/api/v1/{path}", raw, {**self.headers, **headers})

    def get(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> Answer:
        query = urlencode(flat(params))
        return self.send("GET", f"{path}?{query}" if query else path, **(headers or {}))

    def pages(self, entity: str, **params: Any) -> Iterator[list[dict[str, Any]]]:
        """Page by id to the end."""
        last: list[dict[str, Any]] = []
        while True:
            rows = self.get(
                entity, {"X_No_Total": "true"}, orderBy="id", order="asc", where=last, **params
            ).rows
            if not rows:
                return
            yield rows
            last = [{"type": "greaterThan", "attribute": "id", "value": rows[-1]["id"]}]


def basic(known: dict[str, Any]) -> dict[str, str]:
    pair = f"{known['username']}:{known['password']}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """Spell nested values as PHP reads them: a[b][0]=c."""
    items = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if items is None:
        return [
            (name, {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value)
        ]
    return [pair for key, each in items for pair in flat(each, f"{name}[{key}]" if name else str(key))]


def make_crm(scale: float = 0.1) -> EspoCRM:
    return EspoCRM(seed=7, scale=scale, clock=Clock.frozen(NOON))


@contextmanager
def running(scale: float) -> Iterator[EspoCRM]:
    """Serve an EspoCRM of some size."""
    crm = make_crm(scale)
    crm.server.start()
    yield crm
    crm.server.stop()
