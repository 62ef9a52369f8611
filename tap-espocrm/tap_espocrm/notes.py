"""The activity stream: notes from the best place the user may read, by their global `number`."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_espocrm.answers import RefusedError, UnexpectedAnswerError
from tap_espocrm.lists import WholeRows, page_of
from tap_espocrm.paging import pages_by_key
from tap_espocrm.prefetch import prefetched
from tap_espocrm.query import at_least
from tap_espocrm.streams import Batch, EspoStream, Shape, Source
from tap_espocrm.values import Conversion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk import Tap

    from tap_espocrm.client import Client
    from tap_espocrm.lists import Lists, Page
    from tap_espocrm.metadata import Entity
    from tap_espocrm.server import Server

logger = logging.getLogger("tap-espocrm.notes")

ENTITY = "Note"
GLOBAL_STREAM = "GlobalStream"
NUMBER = "number"
#: Numbers are given out before the note is committed: the last ones are read again.
LOOKBACK = 100
LAST_READ = "last_read"
_RECORDS_AT_ONCE = 4


@dataclass(frozen=True)
class Wanted:
    """Which notes to read: the attributes, the number they lie behind, and when they were read last."""

    select: tuple[str, ...]
    start: int
    last_read: str | None = None


@dataclass(frozen=True)
class Feed:
    """A place to read notes from, and in which order they come."""

    pages: Callable[[Wanted], Iterator[Page]]
    is_oldest_first: bool
    """Whether the bookmark may follow each page; otherwise it waits for the last one."""


@dataclass(frozen=True)
class Parent:
    """An entity type whose records have notes; since 9.0 a stamp of its own tells when the last one came."""

    entity: str
    has_stamp: bool


class NoteStream(EspoStream):
    """The notes, bookmarked by their number."""

    def __init__(self, tap: Tap, source: Source, entity: Entity, feed: Feed) -> None:
        shape = Shape(entity.stream, entity.name, entity.schema(full_records=False), ("id",), NUMBER)
        super().__init__(tap, source, shape)
        self.feed = feed
        self._reads_at: str | None = None

    @override
    def batches(self) -> Iterator[Batch]:
        conversion = Conversion(self.effective_schema["properties"], self.selected_names)
        highest = start = self._start()
        with self.source.output:
            last_read = self.stream_state.get(LAST_READ)
        self._reads_at = self.source.lists.client.server_time
        page: Page | None = None
        wanted = Wanted(conversion.selected, max(0, start - LOOKBACK), last_read)
        for page in prefetched(self.feed.pages(wanted)):
            highest = max([highest, *(int(row[NUMBER]) for row in page.rows)])
            records = [conversion.apply(row) for row in page.rows]
            yield Batch(records, page.received_at, highest if self.feed.is_oldest_first else None)
        if page is not None and highest:
            yield Batch([], page.received_at, highest)

    @override
    def finish(self) -> None:
        with self.source.output:
            if self._reads_at is not None:
                self.stream_state[LAST_READ] = self._reads_at
        super().finish()

    def _start(self) -> int:
        with self.source.output:
            value = self.get_starting_replication_key_value(None)
        return int(str(value)) if str(value).isdecimal() else 0


def note_stream(
    tap: Tap, source: Source, server: Server, entity: Entity, parents: tuple[Parent, ...]
) -> NoteStream:
    """Choose where to read the notes, and say so."""
    lists = source.lists
    if server.is_admin:
        logger.info("Notes are read from Note: an admin may list them whole.")
        whole = WholeRows(entity.cut_attributes)
        return NoteStream(tap, source, entity, Feed(lambda w: _all(lists, w, whole), is_oldest_first=True))
    return NoteStream(tap, source, entity, _feed(lists, server, parents))


def _feed(lists: Lists, server: Server, parents: tuple[Parent, ...]) -> Feed:
    if server.may_use(GLOBAL_STREAM) and _answers(lists.client, GLOBAL_STREAM):
        logger.info("Notes are read from GlobalStream: a list of Note would hold this user's own only.")
        return Feed(lambda wanted: _newest_first(lists, wanted.start), is_oldest_first=False)
    logger.warning(
        "Notes are read record by record, one request each: the server or the role has no GlobalStream. "
        "Give the role access to Global Stream (EspoCRM 8.2 or later), or set notes: false."
    )
    return Feed(lambda wanted: _by_record(lists, parents, wanted), is_oldest_first=False)


def _answers(client: Client, path: str) -> bool:
    try:
        page_of(path, client.get(path, (("maxSize", "1"),), retries=1), 1)
    except RefusedError as error:
        logger.debug("%s is not usable: %s", path, error)
        return False
    return True


def _all(lists: Lists, wanted: Wanted, whole: WholeRows) -> Iterator[Page]:
    """Page through Note itself, the oldest first."""
    query = lists.query(NUMBER, [wanted.select])
    for page in pages_by_key(lambda asked: lists.read(ENTITY, asked), query, wanted.start):
        yield lists.complete(ENTITY, page, whole)


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


def _by_record(lists: Lists, parents: tuple[Parent, ...], wanted: Wanted) -> Iterator[Page]:
    """Ask the records of the entity types that have a stream for their notes, some at a time."""
    with ThreadPoolExecutor(max_workers=_RECORDS_AT_ONCE) as pool:
        for parent in parents:
            for page in _parents(lists, parent, wanted.last_read):
                paths = [f"{parent.entity}/{row['id']}/stream" for row in page.rows]
                for pages in pool.map(lambda path: _of_record(lists, path, wanted.start), paths):
                    yield from pages


def _parents(lists: Lists, parent: Parent, last_read: str | None) -> Iterator[Page]:
    """List the records to ask: where a stamp tells, only those with notes since the last time."""
    query = lists.query("id", [("id",)])
    if parent.has_stamp and last_read:
        query = query.narrowed(at_least("streamUpdatedAt", last_read))
    return pages_by_key(lambda asked: lists.read(parent.entity, asked), query)


def _of_record(lists: Lists, path: str, start: int) -> list[Page]:
    """Page backwards by offset: a note that arrives meanwhile repeats a row, and loses none."""
    pages: list[Page] = []
    try:
        while True:
            offset = sum(len(page.rows) for page in pages)
            page = _page(lists, path, (("offset", str(offset)),))
            pages.append(page)
            if page.is_last or any(int(row[NUMBER]) <= start for row in page.rows):
                break
    except RefusedError as error:
        logger.debug("No notes: %s", error)
    return [_behind(page, start) for page in pages]


def _page(lists: Lists, path: str, asked: tuple[tuple[str, str], ...]) -> Page:
    return page_of(path, lists.client.get(path, (("maxSize", str(lists.page_size)), *asked)), lists.page_size)


def _behind(page: Page, start: int) -> Page:
    return replace(page, rows=[row for row in page.rows if int(row[NUMBER]) > start])
