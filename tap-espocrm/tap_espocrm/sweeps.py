"""Streams that enumerate: the live ids of an entity type and the pairs of its links, in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_espocrm.answers import RefusedError, UnexpectedAnswerError
from tap_espocrm.field_types import attribute_name
from tap_espocrm.paging import pages_by_key
from tap_espocrm.prefetch import prefetched
from tap_espocrm.query import equals
from tap_espocrm.streams import Batch, EspoStream, Shape, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from singer_sdk import Tap

    from tap_espocrm.links import Link
    from tap_espocrm.lists import Lists, Page
    from tap_espocrm.metadata import Entity
    from tap_espocrm.query import Together
    from tap_espocrm.values import Row

LIVE_SUFFIX = "__live"

Selected = frozenset[str]


@dataclass(frozen=True)
class Yield:
    """What a pass over the ids yields for one stream: the attributes it takes, and the records they make."""

    attributes: Together
    records: Callable[[Row, Selected], list[Row]]


class SweptStream(EspoStream):
    """A stream whose records come out of a pass over all ids of one entity type."""

    is_enumeration = True

    def __init__(self, tap: Tap, source: Source, shape: Shape, wanted: Yield) -> None:
        super().__init__(tap, source, shape)
        self.wanted = wanted
        self.attributes = wanted.attributes

    @override
    def batches(self) -> Iterator[Batch]:
        for page in prefetched(sweep_pages(self.source.lists, self.entity_name, [self.attributes])):
            yield self._batch(page)

    def write_page(self, page: Page) -> None:
        """Write the records that a page holds."""
        self.write_batch(self._batch(page))

    def _batch(self, page: Page) -> Batch:
        selected = self.selected_names
        return Batch([r for row in page.rows for r in self.wanted.records(row, selected)], page.received_at)


class RelatedStream(EspoStream):
    """The pairs of a link that no list gives: one related list per record of the smaller side."""

    is_enumeration = True

    def __init__(self, tap: Tap, source: Source, link: Link) -> None:
        self.link = link
        self.side = link.read_side or link.near
        super().__init__(tap, source, Shape(link.stream, self.side.entity, link.schema(), link.keys))

    @override
    def batches(self) -> Iterator[Batch]:
        return prefetched(self._all())

    def _all(self) -> Iterator[Batch]:
        for page in sweep_pages(self.source.lists, self.entity_name, ()):
            for row in page.rows:
                yield from self._related(str(row["id"]))

    def _related(self, parent: str) -> Iterator[Batch]:
        path = f"{self.side.entity}/{parent}/{self.side.link}"
        lists, selected = self.source.lists, self.selected_names
        # Without a select these lists hold almost nothing (measured on 8.4 and 9.2).
        query = lists.query("id", [("id", *self.side.column_attributes.values())])
        try:
            for page in pages_by_key(lambda asked: lists.read(path, asked), query):
                pairs = [_only(selected, self._pair(parent, row)) for row in page.rows]
                yield Batch(pairs, page.received_at)
        except RefusedError:
            # Deleted since the pass listed it; anything else is a failure of the stream.
            if self._exists(parent):
                raise

    def _exists(self, parent: str) -> bool:
        query = self.source.lists.query("id", [("id",)]).narrowed(equals("id", parent))
        return bool(self.source.lists.read(self.entity_name, query).rows)

    def _pair(self, parent: str, row: Row) -> Row:
        near, far = self.link.keys
        here, there = (near, far) if self.side == self.link.near else (far, near)
        named = self.side.column_attributes
        return {here: parent, there: row["id"], **{c: row.get(named.get(c, "")) for c in self.link.columns}}


def live_stream(tap: Tap, source: Source, entity: Entity) -> SweptStream:
    """Make the stream of the ids of all records that exist now."""
    schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    shape = Shape(f"{entity.stream}{LIVE_SUFFIX}", entity.name, schema, ("id",))
    return SweptStream(tap, source, shape, Yield((), lambda row, _: [{"id": str(row["id"])}]))


def link_stream(tap: Tap, source: Source, link: Link) -> EspoStream:
    """Make the stream of a link's pairs, read the cheapest way there is."""
    if not link.near.is_listed:
        return RelatedStream(tap, source, link)
    ids, columns = link.near.ids, attribute_name(link.near.link, "columns")
    attributes = (ids, columns) if link.near.has_columns_attribute else (ids,)

    def pairs(row: Row, selected: Selected) -> list[Row]:
        if ids not in row:
            # Nothing may look like a link that ended because the server left out what was selected.
            raise UnexpectedAnswerError(f"{link.near.entity}: {ids} did not come although it was selected.")
        facts = row.get(columns) or {}
        near = link.keys[0]
        return [
            _only(selected, {near: row["id"], **_far_end(link, far, facts.get(far) or {})})
            for far in dict.fromkeys(row[ids] or ())
        ]

    shape = Shape(link.stream, link.near.entity, link.schema(), link.keys)
    return SweptStream(tap, source, shape, Yield(attributes, pairs))


def _far_end(link: Link, far_id: str, facts: Row) -> Row:
    return {link.keys[1]: far_id, **{name: facts.get(name) for name in link.columns}}


def _only(selected: Selected, record: Row) -> Row:
    return {name: value for name, value in record.items() if name in selected}


def sweep_pages(lists: Lists, entity: str, attributes: Iterable[Together]) -> Iterator[Page]:
    """Pass over all ids of an entity type, by id."""
    query = lists.query("id", [("id",), *attributes])
    return pages_by_key(lambda asked: lists.read(entity, asked), query)


def sweep(streams: Sequence[SweptStream]) -> None:
    """Serve all these streams of one entity type from a single pass over it."""
    first = streams[0]
    attributes = [stream.attributes for stream in streams]
    for stream in streams:
        stream.begin()
        stream.write_schema()
    for page in prefetched(sweep_pages(first.source.lists, first.entity_name, attributes)):
        for stream in streams:
            stream.write_page(page)
    for stream in streams:
        stream.finish()
