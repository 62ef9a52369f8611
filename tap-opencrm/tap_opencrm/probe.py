"""`--test`: asks a live OpenCRM, read-only, what its documents leave open, and says it in one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from singer_sdk.exceptions import SyncError

from tap_opencrm import answers
from tap_opencrm.client import Call
from tap_opencrm.entities import ENTITIES, Entity
from tap_opencrm.errors import RefusedError
from tap_opencrm.line_streams import find_lines
from tap_opencrm.paging import Window
from tap_opencrm.records import row_id
from tap_opencrm.run import Run
from tap_opencrm.streams import EntityStream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from singer_sdk import Tap

    from tap_opencrm.connection import Connection

_BEHIND_THE_END = 1_000_000
_ISO_DAY = 10
_SEVERAL = 4


@dataclass
class Findings:
    """What was found out: how many records there are, what the system does, and what does not work."""

    counts: dict[str, int] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)
    failures: dict[str, SyncError] = field(default_factory=dict)

    def line(self, requests: int) -> str:
        """Return everything in one line."""
        parts = [f"{len(self.counts)} entities, {sum(self.counts.values()):,} records", *self.facts]
        parts += [f"NOT READABLE: {name} ({error})" for name, error in self.failures.items()]
        return f"{'FAILED' if self.failures else 'OK'}: {'; '.join(parts)}; {requests} requests"


def probe(tap: Tap, connection: Connection) -> Findings:
    """Ask what is open; errors that concern all entities are raised."""
    findings, run = Findings(), Run()
    streams = {
        entity: EntityStream(tap, connection, entity, run)
        for entity in ENTITIES
        if entity.name in tap.config["entities"]
    }
    for entity, stream in streams.items():
        _count(findings, entity, stream)
    readable = [entity for entity in streams if findings.counts.get(entity.name)]
    if readable:
        chosen = max(readable, key=lambda entity: (entity.is_incremental, findings.counts[entity.name]))
        findings.facts += _facts(streams[chosen], findings.counts[chosen.name], tap.config)
    with_lines = [entity for entity in readable if entity.line_stream]
    if with_lines:
        findings.facts.append(_lines(streams[with_lines[0]]))
    findings.facts.append(f"a first run takes about {first_run(findings.counts, tap.config):,} requests")
    return findings


def first_run(counts: Mapping[str, int], config: Mapping[str, Any]) -> int:
    """Return how many requests the first run will take: samples, counts, pages and product lines."""
    pages = sum(ceil(total / (int(config["page_size"]) - 1)) for total in counts.values())
    lines = sum(counts.get(entity.name, 0) for entity in ENTITIES if entity.line_stream)
    return 3 * len(counts) + pages + (lines if config["include_line_items"] else 0)


def _count(findings: Findings, entity: Entity, stream: EntityStream) -> None:
    call = Call(entity.count_end_point)
    try:
        findings.counts[entity.name] = answers.count(call.end_point, stream.ask(call).body)
    except SyncError as error:
        if not stream.connection.has_read:
            raise
        if not entity.is_optional:
            findings.failures[entity.name] = error
        else:
            findings.facts.append(f"no {entity.name}")


def _facts(stream: EntityStream, total: int, config: Mapping[str, Any]) -> list[str]:
    key = str(config["replication_key_name"])
    first = stream.ask_list(Window(0, 2))
    second = stream.ask_list(Window(2, 4))
    modified = str(first[0].get(key, ""))
    return [
        meaning_of_limit_end(len(first), len(second), total),
        f"{key} {'present' if modified else 'MISSING: everything is read each time'}",
        f"dates {'as asked for (ISO)' if 'T' in modified else 'in native format'}",
        _filter(stream, key, modified[:_ISO_DAY], total),
        _behind_the_end(stream),
    ]


def meaning_of_limit_end(first: int, second: int, total: int) -> str:
    """Return what `limit_end` means, after windows 0 to 2 and 2 to 4 gave so many rows."""
    if total < _SEVERAL + 2:
        return "limit_end not known (too few records)"
    meanings = {(2, 2): "an exclusive end", (3, 3): "an inclusive end", (2, 4): "a number of rows"}
    return f"limit_end is {meanings.get((first, second), f'unusual: {first} and {second} rows')}"


def _filter(stream: EntityStream, key: str, day: str, total: int) -> str:
    counts = [
        stream.ask_count(stream.entity.count_end_point, f"{key}|BEGINS|{of}")[0] for of in (day, "1901")
    ]
    works = counts[1] == 0 and counts[0] not in {None, 0, total}
    return f"filter by day {'works' if works else 'does not work: use incremental_strategy scan'}"


def _behind_the_end(stream: EntityStream) -> str:
    limits = {"limit_start": str(_BEHIND_THE_END), "limit_end": str(_BEHIND_THE_END + 2)}
    try:
        body = stream.ask(Call(stream.entity.list_end_point, limits)).body
    except RefusedError as error:
        return f"behind the end: {error}"
    return f"behind the end: {body!r:.20}"


def _lines(stream: EntityStream) -> str:
    lines = find_lines(stream.ask_single(row_id(stream.ask_list(Window(0, 2))[0])))
    return f"product lines {'found' if lines else 'not found'} in {stream.entity.name}"
