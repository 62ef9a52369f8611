"""The activity stream: notes from the best place the user may read, by their global `number`."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_espocrm.answers import RefusedError, UnexpectedAnswerError
from tap_espocrm.lists import Lists, Page, page_of
from tap_espocrm.paging import pages_by_key
from tap_espocrm.streams import Batch, EspoStream, Shape, Source
from tap_espocrm.sweeps import sweep_pages
from tap_espocrm.values import Conversion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Tap

    from tap_espocrm.client import Client
    from tap_espocrm.discovery import Server
    from tap_espocrm.metadata import Entity

logger = logging.getLogger("tap-espocrm.notes")

ENTITY = "Note"
GLOBAL_STREAM = "GlobalStream"
NUMBER = "number"
#: Numbers are given out before the note is committed: the last ones are read again.
LOOKBACK = 100


class NoteStream(EspoStream):
    """The notes, from `Note` itself: only an admin's list of it is whole."""

    #: Whether the bookmark may follow each page; otherwise it waits for the last one.
    is_oldest_first = True

    def __init__(self, tap: Tap, source: Source, entity: Entity) -> None:
        self.entity = entity
        shape = Shape(entity.stream, entity.schema(full_records=False), ("id",), NUMBER)
        super().__init__(tap, source, shape)

    @override
    def batches(self) -> Iterator[Batch]:
        conversion = Conversion(self.effective_schema["properties"], self.selected_names)
        highest = start = self._start()
        page: Page | None = None
        for page in self.pages(conversion.selected, max(0, start - LOOKBACK)):
            highest = max([highest, *(int(row[NUMBER]) for row in page.rows)])
            records = [conversion.apply(row) for row in page.rows]
            yield Batch(records, page.received_at, highest if self.is_oldest_first else None)
        if page is not None and not self.is_oldest_first:
            yield Batch([], page.received_at, highest)

    def pages(self, select: tuple[str, ...], start: int) -> Iterator[Page]:
        """Read the notes behind a number."""
        query = self.source.lists.query(NUMBER, select)
        return pages_by_key(lambda asked: self.source.lists.read(ENTITY, asked), query, start)

    def _start(self) -> int:
        with self.output_lock:
            value = self.get_starting_replication_key_value(None)
        return int(value) if isinstance(value, int) or str(value).isdecimal() else 0


class GlobalNoteStream(NoteStream):
    """All notes the user may see, from `GlobalStream` (since 8.2): the newest first, so paged backwards."""

    is_oldest_first = False

    @override
    def pages(self, select: tuple[str, ...], start: int) -> Iterator[Page]:
        return _newest_first(self.source.lists, GLOBAL_STREAM, start)


class RecordNoteStream(NoteStream):
    """The notes of each record in turn: the last resort, one request per record."""

    is_oldest_first = False

    def __init__(self, tap: Tap, source: Source, entity: Entity, parents: tuple[str, ...]) -> None:
        super().__init__(tap, source, entity)
        self.parents = parents

    @override
    def pages(self, select: tuple[str, ...], start: int) -> Iterator[Page]:
        for parent in self.parents:
            for page in sweep_pages(self.source.lists, parent, ()):
                for row in page.rows:
                    yield from self._of_record(f"{parent}/{row['id']}/stream", start)

    def _of_record(self, path: str, start: int) -> Iterator[Page]:
        try:
            yield from _by_offset(self.source.lists, path, start)
        except RefusedError as error:
            logger.debug("No notes from %s: %s", path, error)


def note_stream(
    tap: Tap, source: Source, server: Server, entity: Entity, parents: tuple[str, ...]
) -> NoteStream:
    """Choose where to read the notes, and say so."""
    if server.is_admin:
        logger.info("Notes are read from Note: an admin may list them whole.")
        return NoteStream(tap, source, entity)
    if _has_global_stream(source.lists.client, server):
        logger.info("Notes are read from GlobalStream: a list of Note would hold this user's own only.")
        return GlobalNoteStream(tap, source, entity)
    logger.warning(
        "Notes are read record by record, one request each: the server or the role has no GlobalStream. "
        "Give the role access to the scope Global Stream (EspoCRM 8.2 or later), or set notes: false."
    )
    return RecordNoteStream(tap, source, entity, parents)


def _has_global_stream(client: Client, server: Server) -> bool:
    if not server.may_use(GLOBAL_STREAM):
        return False
    try:
        page_of(GLOBAL_STREAM, client.get(GLOBAL_STREAM, (("maxSize", "1"),), retries=1), 1)
    except RefusedError as error:
        logger.debug("GlobalStream is not usable: %s", error)
        return False
    return True


def _newest_first(lists: Lists, path: str, start: int) -> Iterator[Page]:
    """Page backwards by `beforeNumber`: GlobalStream knows no offset."""
    before: tuple[tuple[str, str], ...] = ()
    while True:
        page = page_of(
            path, lists.client.get(path, (("maxSize", str(lists.page_size)), *before)), lists.page_size
        )
        wanted = replace(page, rows=[row for row in page.rows if row[NUMBER] > start])
        yield wanted
        if page.is_last or len(wanted.rows) < len(page.rows):
            return
        lowest = min(row[NUMBER] for row in page.rows)
        if before and lowest >= int(before[0][1]):
            raise UnexpectedAnswerError(f"GET {path}: the server ignores beforeNumber.")
        before = (("beforeNumber", str(lowest)),)


def _by_offset(lists: Lists, path: str, start: int) -> Iterator[Page]:
    """Page backwards by offset: a note that arrives meanwhile repeats a row, and loses none."""
    offset = 0
    while True:
        asked = (("maxSize", str(lists.page_size)), ("offset", str(offset)))
        page = page_of(path, lists.client.get(path, asked), lists.page_size)
        wanted = replace(page, rows=[row for row in page.rows if row[NUMBER] > start])
        yield wanted
        offset += len(page.rows)
        if page.is_last or len(wanted.rows) < len(page.rows):
            return
