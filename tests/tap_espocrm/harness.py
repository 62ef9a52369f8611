"""Runs the tap in this process and keeps what a target would hold after it."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, field
from typing import Any

from singer_sdk.exceptions import SingerSDKError
from tap_espocrm.tap import TapEspoCRM

Row = dict[str, Any]


@dataclass
class Outcome:
    """One run: its messages, its error and the tap itself."""

    messages: list[Row]
    error: SingerSDKError | None
    tap: TapEspoCRM

    def of(self, kind: str, stream: str | None = None) -> list[Row]:
        return [m for m in self.messages if m["type"] == kind and stream in {None, m.get("stream")}]

    def records(self, stream: str) -> list[Row]:
        return [m["record"] for m in self.of("RECORD", stream)]

    def ids(self, stream: str) -> list[str]:
        return [record["id"] for record in self.records(stream)]

    @property
    def schemas(self) -> dict[str, Row]:
        return {m["stream"]: m["schema"] for m in self.of("SCHEMA")}

    @property
    def state(self) -> Row:
        states = self.of("STATE")
        return states[-1]["value"] if states else {}


def run_tap(config: Row, *, state: Row | None = None, catalog: Row | None = None) -> Outcome:
    """Sync once; an error that the tap foresees is part of the outcome."""
    tap = TapEspoCRM(config=config, state=state, catalog=catalog)
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    error: SingerSDKError | None = None
    with contextlib.redirect_stdout(out):
        try:
            tap.sync_all()
        except SingerSDKError as raised:
            error = raised
    out.flush()
    lines = out.buffer.getvalue().splitlines()  # type: ignore[attr-defined]  # BytesIO has it
    return Outcome([json.loads(line) for line in lines], error, tap)


@dataclass
class Warehouse:
    """What a target that knows upserts, versions and live keys holds after all runs."""

    tables: dict[str, dict[tuple[Any, ...], Row]] = field(default_factory=dict)
    deleted: dict[str, set[str]] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    versions: dict[str, dict[tuple[Any, ...], int | None]] = field(default_factory=dict)
    state: Row | None = None

    def load(self, config: Row, **run: Any) -> Outcome:
        """Run the tap from the state of the last run and load what it sends."""
        outcome = run_tap(config, state=run.pop("state", self.state), **run)
        for message in outcome.messages:
            getattr(self, f"_{message['type'].lower()}")(message)
        return outcome

    def rows(self, stream: str) -> dict[str, Row]:
        """The live rows of a stream by id."""
        gone = self.deleted.get(stream, set())
        return {row["id"]: row for row in self.tables.get(stream, {}).values() if row["id"] not in gone}

    def pairs(self, stream: str) -> dict[tuple[Any, ...], Row]:
        return self.tables.get(stream, {})

    def _schema(self, message: Row) -> None:
        self.keys[message["stream"]] = message["key_properties"]

    def _record(self, message: Row) -> None:
        stream, record = message["stream"], message["record"]
        key = tuple(record[name] for name in self.keys[stream])
        self.tables.setdefault(stream, {})[key] = record
        self.versions.setdefault(stream, {})[key] = message.get("version")

    def _state(self, message: Row) -> None:
        self.state = message["value"]

    def _activate_version(self, message: Row) -> None:
        stream, version = message["stream"], message["version"]
        versions = self.versions.get(stream, {})
        for key in [k for k, v in versions.items() if v != version]:
            del versions[key], self.tables[stream][key]
        if stream.endswith("__live"):
            records = stream.removesuffix("__live")
            alive = {key[0] for key in self.tables.get(stream, {})}
            known = {key[0] for key in self.tables.get(records, {})}
            self.deleted[records] = known - alive
