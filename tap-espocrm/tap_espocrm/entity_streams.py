"""The streams of records: what is asked of the server, and how far the bookmark may move."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Protocol

from singer_sdk.exceptions import ConfigurationError
from typing_extensions import override

from tap_espocrm.lists import WholeRows
from tap_espocrm.paging import pages_by_key, pages_by_stamp
from tap_espocrm.prefetch import prefetched
from tap_espocrm.query import ListQuery, is_null
from tap_espocrm.streams import Batch, EspoStream, Shape, Source, instant
from tap_espocrm.values import Conversion, to_espo, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_sdk import Tap

    from tap_espocrm.lists import Page
    from tap_espocrm.metadata import Entity
    from tap_espocrm.query import Together


class Companion(Protocol):
    """A stream that can be served by the pages of a pass over all records of an entity type."""

    attributes: Together

    def begin(self) -> None:
        """Start the enumeration."""

    def write_schema(self) -> None:
        """Announce the stream."""

    def write_page(self, page: Page) -> None:
        """Write the records that a page holds."""

    def finish(self) -> None:
        """Let the enumeration take effect."""


class EntityStream(EspoStream):
    """The records of one entity type, by `(modifiedAt, id)` or, where that is not possible, by `id`."""

    def __init__(self, tap: Tap, source: Source, entity: Entity) -> None:
        self.entity = entity
        self.companions: Sequence[Companion] = ()
        schema = entity.schema(full_records=source.is_full)
        shape = Shape(entity.stream, entity.name, schema, ("id",), entity.replication_key)
        super().__init__(tap, source, shape)

    @property
    def reads_everything(self) -> bool:
        """Whether this run lists every record, so that it tells all ids too."""
        if self.replication_method != "INCREMENTAL":
            return True
        with self.source.output:
            return not self.stream_state.get("replication_key_value") and not self.config.get("start_date")

    def read_with(self, companions: Sequence[Companion]) -> None:
        """Read everything, and serve these streams from the same pages."""
        self.companions = companions
        for companion in companions:
            companion.begin()
            companion.write_schema()
        self.read()
        for companion in companions:
            companion.finish()

    @override
    def batches(self) -> Iterator[Batch]:
        conversion = Conversion(self.effective_schema["properties"], self.selected_names)
        whole = WholeRows(self.entity.cut_attributes & self.selected_names, self.source.is_full)
        for page in prefetched(self._pages(conversion.selected)):
            complete = self.source.lists.complete(self.entity.name, page, whole)
            records = [conversion.apply(row) for row in complete.rows]
            yield Batch(records, page.received_at, self._bookmark(page))
            for companion in self.companions:
                companion.write_page(page)

    def _pages(self, selected: Sequence[str]) -> Iterator[Page]:
        listed = [*self.entity.in_lists(selected), *(c.attributes for c in self.companions)]
        by_id = self.source.lists.query("id", listed)
        if self.replication_method != "INCREMENTAL":
            yield from pages_by_key(self._list, by_id)
            return
        stamp = str(self.replication_key)
        # Rows written by SQL may have no stamp, so no filter on it finds them: they are read every time.
        yield from pages_by_key(self._list, by_id.narrowed(is_null(stamp)))
        by_stamp = self.source.lists.query(stamp, listed)
        yield from pages_by_stamp(
            self._list, by_stamp, self._since(), has_id_tie_break=self.source.has_id_tie_break
        )

    def _list(self, query: ListQuery) -> Page:
        return self.source.lists.read(self.entity.name, query)

    def _since(self) -> str | None:
        """Start a little before the bookmark: a save may be stamped before it is committed."""
        with self.source.output:
            start = self._start()
        if start is None:
            return None
        early = start - dt.timedelta(seconds=self.source.lookback_seconds)
        return to_espo(early.astimezone(dt.UTC).isoformat())

    def _start(self) -> dt.datetime | None:
        try:
            return self.get_starting_timestamp(None)
        except ValueError as error:
            raise ConfigurationError(f"State of {self.name}: the bookmark is no date ({error}).") from error

    def _bookmark(self, page: Page) -> str | None:
        if not page.rows or self.replication_method != "INCREMENTAL":
            return None
        last = page.rows[-1].get(str(self.replication_key))
        if last is None:
            return None
        bookmark = str(to_iso(capped(last, self.source.lists.client.server_time)))
        return bookmark if _is_moment(bookmark) else None


def capped(stamp: str, server_time: str | None) -> str:
    """Keep a bookmark out of the future: a row stamped ahead of the clock must not hide later changes."""
    return min(stamp, server_time) if server_time else stamp


def _is_moment(text: str) -> bool:
    try:
        instant(text)
    except ValueError:
        return False  # MariaDB may hold 0000-00-00
    return True
