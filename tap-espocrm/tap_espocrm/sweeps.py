"""Streams that enumerate: the live ids of an entity type and the pairs of its links, in one pass over its ids."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_espocrm.answers import RefusedError
from tap_espocrm.field_types import attribute_name
from tap_espocrm.paging import pages_by_key
from tap_espocrm.prefetch import prefetched
from tap_espocrm.streams import Batch, EspoStream, Shape, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers import types

    from tap_espocrm.links import Link
    from tap_espocrm.lists import Lists, Page
    from tap_espocrm.metadata import Entity
    from tap_espocrm.values import Row

LIVE_SUFFIX = "__live"


class SweptStream(EspoStream):
    """A stream whose records come out of a pass over all ids of one entity type."""

    #: What the pass has to select beside `id`.
    attributes: tuple[str, ...] = ()

    def __init__(self, tap: Tap, source: Source, entity: str, shape: Shape) -> None:
        super().__init__(tap, source, shape)
        self.entity_name = entity

    def records_of(self, rows: list[Row]) -> list[Row]:
        """Make the records that a page of rows holds."""
        raise NotImplementedError

    @override
    def batches(self) -> Iterator[Batch]:
        for page in sweep_pages(self.source.lists, self.entity_name, self.attributes):
            yield Batch(self.records_of(page.rows), page.received_at)

    @override
    def _sync_records(
        self, context: types.Context | None = None, *, write_messages: bool = True
    ) -> Iterator[dict[str, Any]]:
        self.begin()
        yield from super()._sync_records(context, write_messages=write_messages)

    def begin(self) -> None:
        """Number this enumeration: its records carry the number, and activating it ends it."""
        self._stream_version = int(time.time() * 1000)

    @override
    def finish(self) -> None:
        """Activate the version now that the last record is written: what it lacks is gone from the CRM."""
        if self.selected and self._stream_version is not None:
            with self.output_lock:
                self._write_activate_version_message(self._stream_version)


class LiveStream(SweptStream):
    """The ids of all records that exist now."""

    def __init__(self, tap: Tap, source: Source, entity: Entity) -> None:
        schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
        super().__init__(tap, source, entity.name, Shape(f"{entity.stream}{LIVE_SUFFIX}", schema, ("id",)))

    @override
    def records_of(self, rows: list[Row]) -> list[Row]:
        return [{"id": str(row["id"])} for row in rows]


class LinkStream(SweptStream):
    """The pairs of a many-to-many link whose ids the list gives."""

    def __init__(self, tap: Tap, source: Source, link: Link) -> None:
        super().__init__(tap, source, link.near.entity, Shape(link.stream, link.schema(), link.keys))
        self.link = link
        self.ids = attribute_name(link.near.link, "ids")
        self.columns = attribute_name(link.near.link, "columns")
        self.attributes = (self.ids, self.columns) if link.near.has_columns_attribute else (self.ids,)

    @override
    def records_of(self, rows: list[Row]) -> list[Row]:
        return [self._keep(pair) for row in rows for pair in self._pairs(row)]

    def _pairs(self, row: Row) -> Iterator[Row]:
        near, far = self.link.keys
        columns = row.get(self.columns) or {}
        for far_id in dict.fromkeys(row.get(self.ids) or ()):
            facts = columns.get(far_id) or {}
            yield {near: row["id"], far: far_id, **{name: facts.get(name) for name in self.link.columns}}

    def _keep(self, pair: Row) -> Row:
        return {name: value for name, value in pair.items() if name in self.selected_names}


class RelatedStream(LinkStream):
    """The pairs of a link that no list gives: one related list per record of the smaller side."""

    def __init__(self, tap: Tap, source: Source, link: Link) -> None:
        super().__init__(tap, source, link)
        self.side = link.read_side or link.near
        self.entity_name = self.side.entity
        self.attributes = ()

    @override
    def batches(self) -> Iterator[Batch]:
        for page in sweep_pages(self.source.lists, self.entity_name, ()):
            for row in page.rows:
                yield from self._related(str(row["id"]))

    def _related(self, parent: str) -> Iterator[Batch]:
        path = f"{self.side.entity}/{parent}/{self.side.link}"
        # Without a select these lists hold almost nothing (measured on 8.4 and 9.2).
        query = self.source.lists.query("id", ("id", *self.side.column_attributes.values()))
        try:
            for page in pages_by_key(lambda q: self.source.lists.read(path, q), query):
                yield Batch([self._keep(self._pair(parent, row)) for row in page.rows], page.received_at)
        except RefusedError:
            # Deleted since the sweep listed it; anything else is a failure of the stream.
            if self._exists(parent):
                raise

    def _exists(self, parent: str) -> bool:
        query = self.source.lists.query("id", ("id",)).narrowed(
            {"type": "equals", "attribute": "id", "value": parent}
        )
        return bool(self.source.lists.read(self.side.entity, query).rows)

    def _pair(self, parent: str, row: Row) -> Row:
        near, far = self.link.keys
        here, there = (near, far) if self.side == self.link.near else (far, near)
        named = self.side.column_attributes
        return {here: parent, there: row["id"], **{c: row.get(named.get(c, "")) for c in self.link.columns}}


def sweep_pages(lists: Lists, entity: str, attributes: Iterable[str]) -> Iterator[Page]:
    """Pass over all ids of an entity type, by id."""
    query = lists.query("id", ("id", *dict.fromkeys(attributes)))
    return pages_by_key(lambda asked: lists.read(entity, asked), query)


def sweep(streams: Sequence[SweptStream]) -> None:
    """Serve all streams of one entity type from a single pass; their versions are activated if it is complete."""
    first = streams[0]
    attributes = [name for stream in streams for name in stream.attributes]
    for stream in streams:
        stream.begin()
        with stream.output_lock:
            stream._write_schema_message()  # what Stream.sync does first
    with ExitStack() as stack:
        counters = [stack.enter_context(stream.get_record_counter()) for stream in streams]
        for page in prefetched(sweep_pages(first.source.lists, first.entity_name, attributes)):
            for stream, counter in zip(streams, counters, strict=True):
                records = stream.records_of(page.rows)
                stream.write_batch(Batch(records, page.received_at))
                counter.increment(len(records))
    for stream in streams:
        stream.finish()
