"""The streams of records: what is asked of the server, what is written, how far the bookmark may move."""

from __future__ import annotations

import datetime as dt
import time
from abc import abstractmethod
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from typing_extensions import override

from tap_espocrm.writer import PageWriter

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from singer_sdk import Tap
    from singer_sdk.helpers import types

    from tap_espocrm.field_types import Schema
    from tap_espocrm.lists import Lists
    from tap_espocrm.values import Row


@dataclass(frozen=True)
class Source:
    """What every stream needs of the server it reads and of the run it is part of."""

    lists: Lists
    has_id_tie_break: bool = True
    lookback_seconds: int = 0
    is_full: bool = False
    output: AbstractContextManager[object] = field(default_factory=RLock)
    """Guards the output and the state that goes with it: streams run in several threads."""


@dataclass(frozen=True)
class Batch:
    """Records ready to be written, and where the next run may start once they are."""

    records: list[Row]
    received_at: dt.datetime
    bookmark: str | int | None = None


@dataclass(frozen=True)
class Shape:
    """What a stream looks like in the catalogue, and whose entity type's it is."""

    name: str
    entity_name: str
    schema: Schema
    keys: Sequence[str]
    replication_key: str | None = None


class EspoStream(Stream):
    """A stream that writes its records by the page and shares the output with others."""

    # Records conform already: EspoCRM is typed and `Conversion` does the rest (measured: 3 times as fast).
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    is_sorted = True
    # The SDK would send it before the records; the streams that enumerate send theirs behind them.
    emit_activate_version_messages = False
    #: Whether the stream lists all there is, so that what it does not list is gone.
    is_enumeration = False

    def __init__(self, tap: Tap, source: Source, shape: Shape) -> None:
        super().__init__(tap, schema=shape.schema, name=shape.name)
        self.source = source
        self.entity_name = shape.entity_name
        self.primary_keys = shape.keys
        self.replication_key = shape.replication_key
        self.written = 0

    @abstractmethod
    def batches(self) -> Iterator[Batch]:
        """Read the stream from where it was left."""

    def read(self) -> None:
        """Read and write the whole stream."""
        self.logger.info("Reading %s.", self.name)
        self.write_schema()
        for _ in self._sync_records():
            pass

    def write_schema(self) -> None:
        """Announce the stream."""
        with self.source.output:
            self._write_schema_message()

    def write_batch(self, batch: Batch) -> None:
        """Write records, then let the bookmark follow."""
        records = self._within_limit(batch.records)
        with self.source.output:
            self._write(records, batch.received_at)
            before, self.written = self.written, self.written + len(records)
            self._move_bookmark(batch.bookmark)
            if self.written // self.STATE_MSG_FREQUENCY > before // self.STATE_MSG_FREQUENCY:
                self._write_state_message()
        if len(records) < len(batch.records):
            self._check_max_record_limit(self.written)

    def begin(self) -> None:
        """Start; an enumeration gets a number that its records carry."""
        with self.source.output:
            if self.is_enumeration:
                self._stream_version = int(time.time() * 1000)
            else:
                self._write_starting_replication_value(None)

    def finish(self) -> None:
        """End behind the last record: an enumeration takes effect, other streams write their last state."""
        with self.source.output:
            if self.is_enumeration:
                self._write_activate_version_message(self._stream_version or 0)
            else:
                self._finalize_state(self.stream_state)
                self._write_state_message()

    @property
    def selected_names(self) -> frozenset[str]:
        """The properties that are selected."""
        names = self.effective_schema.get("properties", {})
        return frozenset(name for name in names if self.mask.get(("properties", name), True))

    @override
    def get_records(self, context: types.Context | None) -> Iterable[dict[str, Any]]:
        for batch in self.batches():
            yield from batch.records

    @override
    def get_replication_key_signpost(self, context: types.Context | None = None) -> None:
        return None  # the server's clock decides, page by page: see `capped`

    @override
    def _sync_records(
        self, context: types.Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        self.begin()
        with self.get_record_counter() as counter, self.get_sync_timer():
            for batch in self.batches():
                if write_messages:
                    self.write_batch(batch)
                counter.increment(len(batch.records))
        if write_messages and self.selected:
            self.finish()
        yield from ()

    def _within_limit(self, records: list[Row]) -> list[Row]:
        limit = self.ABORT_AT_RECORD_COUNT
        return records if limit is None else records[: max(0, limit - self.written)]

    def _write(self, records: list[Row], received_at: dt.datetime) -> None:
        if not self.selected or not records:
            return
        self.state_manager.is_flushed = False
        writer = self._tap.message_writer
        if isinstance(writer, PageWriter) and self._is_unmapped:
            alias = self.stream_maps[0].stream_alias
            writer.write_records(alias, records, self._stream_version, received_at)
            return
        for record in records:
            self._write_record_message(record)

    @property
    def _is_unmapped(self) -> bool:
        maps = self.stream_maps
        return len(maps) == 1 and type(maps[0]) is SameRecordTransform and not maps[0].flattening_enabled

    def _move_bookmark(self, value: str | int | None) -> None:
        if value is None or self.replication_method != "INCREMENTAL":
            return
        state = self.stream_state
        known = state.get("replication_key_value")
        if known is None or _is_later(value, known):
            state.update(replication_key=self.replication_key, replication_key_value=value)
            self.state_manager.is_flushed = False


def _is_later(value: str | int, known: object) -> bool:
    if isinstance(value, int):
        return not isinstance(known, int) or value > known
    return instant(value) > instant(str(known))


def instant(text: str) -> dt.datetime:
    """Read a bookmark; without a zone it is UTC."""
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
