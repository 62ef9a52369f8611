"""Runs the selected streams, several entity types at a time; one that fails does not stop the others."""

from __future__ import annotations

import logging
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from singer_sdk.exceptions import FatalSyncError, SingerSDKError

from tap_espocrm.answers import LoginRefusedError, UnreachableError
from tap_espocrm.sweeps import RelatedStream, SweptStream, sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk import Stream

    from tap_espocrm.client import Client

logger = logging.getLogger("tap-espocrm.runs")

#: With these nothing else can succeed either.
_HOPELESS = (LoginRefusedError, UnreachableError)


@dataclass
class Job:
    """The streams of one entity type, in the order that keeps deletes right: records first, then the sweep."""

    records: list[Stream] = field(default_factory=list)
    swept: list[SweptStream] = field(default_factory=list)
    related: list[RelatedStream] = field(default_factory=list)


@dataclass
class Report:
    """What became of the streams."""

    failures: dict[str, str] = field(default_factory=dict)
    done: int = 0

    def raise_failures(self) -> None:
        """Fail if any stream failed."""
        if self.failures:
            names = ", ".join(sorted(self.failures))
            raise FatalSyncError(
                f"{len(self.failures)} of {len(self.failures) + self.done} streams failed: {names}. "
                "The others are complete; nothing of the failed ones was deleted."
            )


def jobs_of(streams: Iterable[Stream]) -> list[Job]:
    """Group streams by the entity type whose ids they share."""
    jobs: dict[str, Job] = {}
    for stream in streams:
        entity = getattr(stream, "entity_name", None) or getattr(stream, "entity").name
        job = jobs.setdefault(entity, Job())
        if isinstance(stream, RelatedStream):
            job.related.append(stream)
        elif isinstance(stream, SweptStream):
            job.swept.append(stream)
        else:
            job.records.append(stream)
    return list(jobs.values())


def run(jobs: Sequence[Job], client: Client, concurrency: int) -> Report:
    """Work through the jobs; stops early only when nothing else could succeed."""
    report = Report()
    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="sync") as pool:
        futures = [pool.submit(_work, job, report) for job in jobs]
        try:
            _watch(futures)
        except BaseException:
            client.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return report


def _watch(futures: list[Future[None]]) -> None:
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


def _work(job: Job, report: Report) -> None:
    is_whole = all(_attempt(stream.name, report, stream.sync) for stream in job.records)
    for stream in job.related:
        _attempt(stream.name, report, stream.sync)
    if not job.swept:
        return
    if not is_whole:
        for stream in job.swept:
            report.failures[stream.name] = "not swept, because its records failed"
        return
    swept = job.swept
    names = [stream.name for stream in swept]
    if _attempt(", ".join(names), report, lambda: sweep(swept), names):
        report.done += len(names) - 1


def _attempt(what: str, report: Report, action: object, names: Sequence[str] = ()) -> bool:
    try:
        action()  # type: ignore[operator]
    except _HOPELESS:
        raise
    except SingerSDKError as error:
        logger.error("Stream %s failed: %s", what, error)  # a user's error needs no traceback
        for name in names or (what,):
            report.failures[name] = str(error)
        return False
    report.done += 1
    return True
