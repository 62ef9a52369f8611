"""A simulated OpenCRM, the tap in this process, and a destination that applies what the tap writes."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from crm_simulator import Clock, Simulator
from singer_sdk.exceptions import SingerSDKError
from tap_opencrm import redaction
from tap_opencrm.entities import ENTITIES
from tap_opencrm.tap import TapOpenCRM

NOW = "2026-11-20T12:00:00+00:00"
STREAM_OF = {entity.module: entity.name for entity in ENTITIES}


class Output:
    """What one run wrote, and the error it ended with."""

    def __init__(self, text: str, error: SingerSDKError | None = None, tap: TapOpenCRM | None = None) -> None:
        self.messages = [json.loads(line) for line in text.splitlines()]
        self.error = error
        self.tap = tap

    def records(self, stream: str) -> list[dict[str, Any]]:
        return [m["record"] for m in self.messages if m["type"] == "RECORD" and m["stream"] == stream]

    def ids(self, stream: str) -> list[str]:
        return [record["id"] for record in self.records(stream)]

    def record(self, stream: str, record_id: str) -> dict[str, Any]:
        return next(record for record in self.records(stream) if record["id"] == record_id)

    def streams(self, kind: str) -> list[str]:
        return [m["stream"] for m in self.messages if m["type"] == kind]

    def schema(self, stream: str) -> dict[str, Any]:
        return next(m["schema"] for m in self.messages if m["type"] == "SCHEMA" and m["stream"] == stream)

    @property
    def states(self) -> list[dict[str, Any]]:
        return [m["value"] for m in self.messages if m["type"] == "STATE"]

    @property
    def state(self) -> dict[str, Any]:
        return self.states[-1]

    def bookmark(self, stream: str) -> str | None:
        return self.state["bookmarks"][stream].get("replication_key_value")


@dataclass
class Destination:
    """Applies messages as the live-key convention says: upserts, then deletes what is no longer alive."""

    tables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    _alive: dict[str, set[str]] = field(default_factory=dict)

    def apply(self, messages: list[dict[str, Any]]) -> Destination:
        for message in messages:
            stream = message.get("stream", "")
            if message["type"] == "RECORD" and stream.endswith("__live"):
                self._alive.setdefault(stream, set()).add(message["record"]["id"])
            elif message["type"] == "RECORD":
                self.tables.setdefault(stream, {})[message["record"]["id"]] = message["record"]
            elif message["type"] == "ACTIVATE_VERSION":
                self._delete(stream.removesuffix("__live"), self._alive.pop(stream, set()))
        self._alive.clear()
        return self

    def _delete(self, stream: str, alive: set[str]) -> None:
        self.tables[stream] = {
            key: record for key, record in self.tables.get(stream, {}).items() if key in alive
        }

    def ids(self, stream: str) -> set[str]:
        return set(self.tables.get(stream, {}))


@pytest.fixture(autouse=True)
def _secrets_of_one_test(monkeypatch):
    """What a test hides would be hidden from the log of every later one in this process."""
    monkeypatch.setattr(redaction, "_hidden", set())


@pytest.fixture
def clock():
    return Clock.frozen(NOW)


@pytest.fixture
def sim(clock):
    with Simulator(seed=7, scale=0.004, clock=clock) as simulator:
        yield simulator


@pytest.fixture
def crm(sim):
    return sim.opencrm


@pytest.fixture
def config(crm):
    """The settings of a tap that reads contacts, a few at a time, and does not wait long."""
    return {
        "url": crm.url,
        **crm.credentials,
        "entities": ["contacts"],
        "page_size": 5,
        "max_retries": 2,
    }


def run_tap(config, state=None, catalog=None) -> Output:
    """Run the tap in this process; what it wrote is kept even if it failed."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    tap, error = None, None
    with contextlib.redirect_stdout(stdout):
        try:
            tap = TapOpenCRM(config=dict(config), state=json.loads(json.dumps(state or {})), catalog=catalog)
            tap.sync_all()
        except SingerSDKError as raised:
            error = raised
    stdout.seek(0)
    return Output(stdout.read(), error, tap)


@pytest.fixture
def sync(config):
    """Run the tap; keyword arguments change its settings; must succeed unless `fails`."""

    def run(state=None, catalog=None, *, fails=False, **settings) -> Output:
        output = run_tap(config | settings, state, catalog)
        if not fails and output.error:
            raise output.error
        return output

    return run


@pytest.fixture
def no_waiting(monkeypatch):
    """Let time between tries pass at once; returns the seconds that were waited for."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


@pytest.fixture
def source(crm):
    """The truth: ids of a stream as the CRM has them."""
    modules = {name: module for module, name in STREAM_OF.items()}
    return lambda stream: crm.store.ids(modules[stream])


@pytest.fixture
def destination():
    return Destination()


@pytest.fixture(scope="session")
def tap_runner():
    """For tests that make their own CRMs."""
    return run_tap


@pytest.fixture(scope="session")
def new_destination():
    return Destination
