"""Runs the selected streams, several entity types at a time; one that fails does not stop the others."""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from singer_sdk.exceptions import FatalSyncError, SingerSDKError

from tap_espocrm.answers import LoginRefusedError, UnreachableError
from tap_espocrm.entity_streams import EntityStream
from tap_espocrm.sweeps import SweptStream, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tap_espocrm.streams import EspoStream

logger = logging.getLogger("tap-espocrm.runs")

#: With these nothing else can succeed either.
_HOPELESS = (LoginRefusedError, UnreachableError)


@dataclass
class Job:
    """The streams of one entity type: records first, because an id listed before them may be gone."""

    alone: list[EspoStream] = field(default_factory=list)
    swept: list[SweptStream] = field(default_factory=list)

    def add(self, stream: EspoStream) -> None:
        """Put a stream where its kind is read."""
        if isinstance(stream, SweptStream):
            self.swept.append(stream)
        elif stream.is_enumeration:
            self.alone.append(stream)
        else:
            self.alone.insert(0, stream)


@dataclass
class Report:
    """What became of the streams, by name."""

    done: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)

    def raise_failures(self) -> None:
        """Fail if any stream failed."""
        if self.failures:
            raise FatalSyncError(
                f"{len(self.failures)} of {len(self.failures) + len(self.done)} streams failed: "
                f"{', '.join(sorted(self.failures))}. "
                "The others are complete; nothing of the failed ones was deleted."
            )


def jobs_of(streams: Iterable[EspoStream]) -> list[Job]:
    """Group streams by the entity type whose ids they share."""
    jobs: dict[str, Job] = {}
    for stream in streams:
        jobs.setdefault(stream.entity_name, Job()).add(stream)
    return list(jobs.values())


def run(jobs: Sequence[Job], concurrency: int) -> Report:
    """Work through the jobs; ends early only when nothing else could succeed."""
    report = Report()
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    workers = min(concurrency, len(jobs))
    for _ in range(workers):
        # Daemons, because a thread that waits for an answer must not keep a stopped tap alive.
        threading.Thread(target=_work_off, args=(todo, ended, report), daemon=True).start()
    for _ in range(workers):
        failure = ended.get()
        if failure is not None:
            raise failure
    return report


def _work_off(
    todo: queue.SimpleQueue[Job], ended: queue.SimpleQueue[BaseException | None], report: Report
) -> None:
    try:
        while True:
            _work(todo.get_nowait(), report)
    except queue.Empty:
        ended.put(None)
    except BaseException as error:  # noqa: BLE001  # whatever it is belongs to the main thread
        ended.put(error)


def _work(job: Job, report: Report) -> None:
    swept = job.swept
    for stream in job.alone:
        if swept and isinstance(stream, EntityStream) and stream.reads_everything:
            _attempt([stream, *swept], report, partial(stream.read_with, swept))
            swept = []
        else:
            _attempt([stream], report, stream.read)
    if any(stream.name in report.failures for stream in job.alone if not stream.is_enumeration):
        reason = "not read, because the records of its entity type failed"
        report.failures.update({stream.name: reason for stream in swept})
    elif swept:
        _attempt(swept, report, partial(sweep, swept))


def _attempt(streams: Sequence[EspoStream], report: Report, action: Callable[[], None]) -> None:
    names = [stream.name for stream in streams]
    try:
        action()
    except _HOPELESS:
        raise
    except SingerSDKError as error:
        logger.error("Failed: %s: %s", ", ".join(names), error)  # noqa: TRY400  # the line says it all
        report.failures.update(dict.fromkeys(names, str(error)))
    else:
        report.done.update(names)
