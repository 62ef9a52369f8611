"""The activity stream: notes from the best place the user may read, by their global `number`."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_espocrm.answers import RefusedError, UnexpectedAnswerError
from tap_espocrm.lists import page_of
from tap_espocrm.paging import pages_by_key
from tap_espocrm.prefetch import prefetched
from tap_espocrm.streams import Batch, EspoStream, Shape, Source
from tap_espocrm.sweeps import sweep_pages
from tap_espocrm.values import Conversion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk import Tap

    from tap_espocrm.client import Client
    from tap_espocrm.discovery import Server
    from tap_espocrm.lists import Lists, Page
    from tap_espocrm.metadata import Entity

logger = logging.getLogger("tap-espocrm.notes")

ENTITY = "Note"
GLOBAL_STREAM = "GlobalStream"
NUMBER = "number"
#: Numbers are given out before the note is committed: the last ones are read again.
LOOKBACK = 100


@dataclass(frozen=True)
class Feed:
    """A place to read notes from: the pages behind a number, and in which order they come."""

    pages: Callable[[tuple[str, ...], int], Iterator[Page]]
    is_oldest_first: bool
    """Whether the bookmark may follow each page; otherwise it waits for the last one."""


class NoteStream(EspoStream):
    """The notes, bookmarked by their number."""

    def __init__(self, tap: Tap, source: Source, entity: Entity, feed: Feed) -> None:
        shape = Shape(entity.stream, entity.name, entity.schema(full_records=False), ("id",), NUMBER)
        super().__init__(tap, source, shape)
        self.feed = feed

    @override
    def batches(self) -> Iterator[Batch]:
        conversion = Conversion(self.effective_schema["properties"], self.selected_names)
        highest = start = self._start()
        page: Page | None = None
        for page in prefetched(self.feed.pages(conversion.selected, max(0, start - LOOKBACK))):
            highest = max([highest, *(int(row[NUMBER]) for row in page.rows)])
            records = [conversion.apply(row) for row in page.rows]
            yield Batch(records, page.received_at, highest if self.feed.is_oldest_first else None)
        if page is not None and highest:
            yield Batch([], page.received_at, highest)

    def _start(self) -> int:
        with self.source.output:
            value = self.get_starting_replication_key_value(None)
        return int(str(value)) if str(value).isdecimal() else 0


def note_stream(
    tap: Tap, source: Source, server: Server, entity: Entity, parents: tuple[str, ...]
) -> NoteStream:
    """Choose where to read the notes, and say so."""
    return NoteStream(tap, source, entity, _choose(source.lists, server, parents))


def _choose(lists: Lists, server: Server, parents: tuple[str, ...]) -> Feed:
    if server.is_admin:
        logger.info("Notes are read from Note: an admin may list them whole.")
        return Feed(lambda select, start: _all(lists, select, start), is_oldest_first=True)
    if server.may_use(GLOBAL_STREAM) and _answers(lists.client, GLOBAL_STREAM):
        logger.info("Notes are read from GlobalStream: a list of Note would hold this user's own only.")
        return Feed(lambda _, start: _newest_first(lists, start), is_oldest_first=False)
    logger.warning(
        "Notes are read record by record, one request each: the server or the role has no GlobalStream. "
        "Give the role access to Global Stream (EspoCRM 8.2 or later), or set notes: false."
    )
    return Feed(lambda _, start: _by_record(lists, parents, start), is_oldest_first=False)


def _answers(client: Client, path: str) -> bool:
    try:
        page_of(path, client.get(path, (("maxSize", "1"),), retries=1), 1)
    except RefusedError as error:
        logger.debug("%s is not usable: %s", path, error)
        return False
    return True


def _all(lists: Lists, select: tuple[str, ...], start: int) -> Iterator[Page]:
    """Page through Note itself, the oldest first."""
    return pages_by_key(lambda asked: lists.read(ENTITY, asked), lists.query(NUMBER, [select]), start)


def _newest_first(lists: Lists, start: int) -> Iterator[Page]:
    """Page backwards by `beforeNumber`: GlobalStream knows no offset."""
    before: int | None = None
    while True:
        asked = () if before is None else (("beforeNumber", str(before)),)
        page = _page(lists, GLOBAL_STREAM, asked)
        wanted = _behind(page, start)
        yield wanted
        if page.is_last or len(wanted.rows) < len(page.rows):
            return
        lowest = min(int(row[NUMBER]) for row in page.rows)
        if before is not None and lowest >= before:
            raise UnexpectedAnswerError(f"GET {GLOBAL_STREAM}: the server ignores beforeNumber.")
        before = lowest


def _by_record(lists: Lists, parents: tuple[str, ...], start: int) -> Iterator[Page]:
    """Ask every record of the entity types that have a stream for its notes."""
    for parent in parents:
        for page in sweep_pages(lists, parent, ()):
            for row in page.rows:
                try:
                    yield from _of_record(lists, f"{parent}/{row['id']}/stream", start)
                except RefusedError as error:
                    logger.debug("No notes: %s", error)


def _of_record(lists: Lists, path: str, start: int) -> Iterator[Page]:
    """Page backwards by offset: a note that arrives meanwhile repeats a row, and loses none."""
    offset = 0
    while True:
        page = _page(lists, path, (("offset", str(offset)),))
        wanted = _behind(page, start)
        yield wanted
        offset += len(page.rows)
        if page.is_last or len(wanted.rows) < len(page.rows):
            return


def _page(lists: Lists, path: str, asked: tuple[tuple[str, str], ...]) -> Page:
    return page_of(path, lists.client.get(path, (("maxSize", str(lists.page_size)), *asked)), lists.page_size)


def _behind(page: Page, start: int) -> Page:
    return replace(page, rows=[row for row in page.rows if int(row[NUMBER]) > start])
