"""The streams of entities: what is read, what of it is due, and what becomes of it when something fails."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from singer_sdk.exceptions import SyncError
from typing_extensions import override

from tap_opencrm import known_fields
from tap_opencrm.errors import FilterIgnoredError, NotFoundError, RefusedError, UnreadableError
from tap_opencrm.incremental import Bookmark, days_between, parse_moment
from tap_opencrm.line_streams import LineStream, find_lines
from tap_opencrm.paging import Window
from tap_opencrm.records import CUSTOM_FIELD, is_custom, parse_modified
from tap_opencrm.schemas import SCHEMA_FILES
from tap_opencrm.sweeps import Sweep, SweepingStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_opencrm.connection import Connection
    from tap_opencrm.entities import Entity
    from tap_opencrm.records import Row, Shape
    from tap_opencrm.run import Run
    from tap_opencrm.workers import Workers

_BASIC_SAMPLE = 10
_NOT_OFFERED = (RefusedError, NotFoundError, UnreadableError)
_MODIFIED = {
    "type": ["string", "null"],
    "format": "date-time",
    "description": "When the record was last changed.",
}


class EntitySchema(StreamSchema[str]):
    """The schema file of an entity with the custom fields of this system; a catalogue goes before both."""

    @override
    def get_stream_schema(self, stream: Any, stream_class: Any) -> dict[str, Any]:
        if stream.known_schema is None:
            stream.known_schema = self._whole(super().get_stream_schema(stream, stream_class), stream)
        known: dict[str, Any] = stream.known_schema
        return known

    @staticmethod
    def _whole(declared: dict[str, Any], stream: EntityStream) -> dict[str, Any]:
        found = dict.fromkeys(stream.custom_fields, CUSTOM_FIELD)
        if stream.replication_key:
            found[stream.replication_key] = _MODIFIED
        known = declared["properties"]
        return {**declared, "properties": known | {name: found[name] for name in found if name not in known}}


class EntityStream(SweepingStream):
    """The records of one entity."""

    schema = EntitySchema(SCHEMA_FILES)
    primary_keys = ("id",)
    known_schema: dict[str, Any] | None = None
    custom_fields: tuple[str, ...] = ()

    def __init__(self, tap: Tap, connection: Connection, entity: Entity, run: Run) -> None:
        self.run = run
        self._lines: list[Row] = []
        super().__init__(tap, entity.name, connection, entity)
        self.replication_key = self.config["replication_key_name"] if entity.is_incremental else None

    @override
    def apply_catalog(self, catalog: Any) -> None:
        super().apply_catalog(catalog)
        self.known_schema = self._input_schema

    def learn_from_sample(self) -> None:
        """Find this system's custom fields, and whether records tell when they were modified."""
        size = int(self.config["custom_field_sample_size"])
        rows = self.ask_list(Window(0, size)) if size else []
        if self.is_basic:
            rows = [self.ask_whole(row) for row in rows[:_BASIC_SAMPLE]]
        found = {name for row in rows for name in row if is_custom(name)}
        self.custom_fields = tuple(sorted(found.union(self.custom_fields)))
        if rows and self.replication_key and not any(self.replication_key in row for row in rows):
            self.logger.warning(
                "%s: no record has the field '%s', so all are read each time; check replication_key_name",
                self.name,
                self.replication_key,
            )
            self.replication_key = None

    @override
    def get_records(self, context: Context | None) -> Iterable[Row]:
        for lines in self.line_streams:
            lines.announce()
        if self.run.stopped_by:
            return
        shape = self.shape(self.entity.name)
        try:
            with self.workers() as pool:
                yield from self._read(pool, shape)
        except SyncError as error:
            self._fail(error)
        self._report(shape)
        self.connection.budget.write_to(self.tap_state)  # type: ignore[arg-type] # a TypedDict there

    @property
    def line_streams(self) -> list[LineStream]:
        """The selected streams of product lines of this entity."""
        return [stream for stream in self.child_streams if isinstance(stream, LineStream) and stream.selected]

    def _read(self, pool: Workers, shape: Shape) -> Iterator[Row]:
        bookmark = self._bookmark()
        if bookmark.due_from and self.config["incremental_strategy"] == "day_filter":
            try:
                yield from self._read_days(pool, shape, bookmark)
            except (FilterIgnoredError, RefusedError) as error:
                self.logger.warning("%s: %s; reading the whole list instead", self.name, error)
            else:
                return
        sweep = Sweep()
        for page in self.sweep(pool, sweep):
            yield from self._due(pool, shape, bookmark, page)
        if sweep.is_verified:
            self.run.live[self.name] = sweep.ids
        self._advance(bookmark, sweep, shape)

    def _read_days(self, pool: Workers, shape: Shape, bookmark: Bookmark) -> Iterator[Row]:
        _, started = self.ask_count(self.entity.count_end_point)
        sweep = Sweep(started=started)
        for day in days_between(bookmark.due_from or started, started, self.zone):
            sweep.condition = f"{self.replication_key}|BEGINS|{day}"
            for page in self.sweep(pool, sweep):
                self._check_filter(page, str(day))
                yield from self._due(pool, shape, bookmark, page)
        if not bookmark.newest:
            raise FilterIgnoredError("the filter by day finds nothing, not even the record of the bookmark")
        self._advance(bookmark, sweep, shape)

    def _check_filter(self, page: list[Row], day: str) -> None:
        if any(not str(row.get(self.replication_key or "", "")).startswith(day) for row in page):
            raise FilterIgnoredError("OpenCRM ignores the filter by day")

    def _bookmark(self) -> Bookmark:
        if self.replication_method != "INCREMENTAL":
            return Bookmark(None, None, timedelta())
        state = self.stream_state
        is_same = state.get("replication_key") == self.replication_key
        is_known = is_same and not self._has_new_columns()
        reached = self._reached(state.get("replication_key_value")) if is_known else None
        lookback = timedelta(minutes=int(self.config["lookback_minutes"]))
        return Bookmark(reached, parse_moment(self.config["start_date"]), lookback)

    def _has_new_columns(self) -> bool:
        names = known_fields.new_columns(self.stream_state, self.schema["properties"].keys())
        if names:
            self.logger.warning(
                "%s: everything is read once more, for these fields have columns now: %s",
                self.name,
                ", ".join(names),
            )
        return bool(names)

    def _reached(self, text: str | None) -> datetime | None:
        try:
            return parse_moment(text)
        except (TypeError, ValueError):
            self.logger.warning("%s: the bookmark %r is not a time, so everything is read", self.name, text)
            return None

    def _due(self, pool: Workers, shape: Shape, bookmark: Bookmark, page: list[Row]) -> Iterator[Row]:
        due = [row for row in page if self._is_due(bookmark, row)]
        if self.is_basic:  # a basic list may not tell when a record was modified
            whole = [pool.submit(self.ask_whole, row) for row in due]
            due = [row for row in (future.result() for future in whole) if self._is_due(bookmark, row)]
        records = [shape.read(row) for row in due]
        lines: list[Future[list[Row]]] = []
        if self.line_streams:
            lines = [pool.submit(self._ask_lines, record["id"]) for record in records]
        for place, record in enumerate(records):
            self._lines = lines[place].result() if lines else []
            yield record

    def _is_due(self, bookmark: Bookmark, row: Row) -> bool:
        return bookmark.is_due(parse_modified(row.get(self.replication_key or ""), self.zone))

    def _ask_lines(self, record_id: str) -> list[Row]:
        return find_lines(self.ask_single(record_id))

    @override
    def _sync_children(self, child_context: Context | None) -> None:
        for stream in self.line_streams:
            stream.write(self._lines, dict(child_context or {}))

    @override
    def get_child_context(self, record: Row, context: Context | None) -> Context | None:
        return {"id": record["id"], "modified": record.get(self.replication_key or "")}

    @override
    def _increment_stream_state(self, latest_record: Row, *, context: Context | None = None) -> None:
        """The list comes in no order, so nothing is known before its end."""

    def _advance(self, bookmark: Bookmark, sweep: Sweep, shape: Shape) -> None:
        columns = self.schema["properties"].keys()
        self.stream_state.update(known_fields.noted(self.stream_state, columns, shape.unknown))
        reached = bookmark.next(sweep.started)
        if self.replication_method == "INCREMENTAL" and reached:
            self.stream_state["replication_key"] = self.replication_key
            self.stream_state["replication_key_value"] = reached.isoformat()

    def _fail(self, error: SyncError) -> None:
        if self.entity.is_optional and isinstance(error, _NOT_OFFERED):
            self.logger.warning("%s: left out, this OpenCRM does not offer it (%s)", self.name, error)
            return
        self.run.fail(self.name, error, is_first=not self.connection.has_read)

    def _report(self, shape: Shape) -> None:
        if shape.unknown:
            self.logger.warning(
                "%s: these fields were unknown at discovery and are kept in _extra; discover again: %s",
                self.name,
                ", ".join(sorted(shape.unknown)),
            )
        if shape.unparsed:
            self.logger.warning(
                "%s: some values do not fit their type; they are null and kept as text in _unparsed: %s",
                self.name,
                ", ".join(f"{name} ({times})" for name, times in sorted(shape.unparsed.items())),
            )

    def sweep_ids(self) -> None:
        """Find out which ids are alive, where that was not a by-product of reading."""
        sweep = Sweep()
        try:
            with self.workers() as pool:
                for _ in self.sweep(pool, sweep):
                    pass
        except SyncError as error:
            self._fail(error)
            return
        if sweep.is_verified:
            self.run.live[self.name] = sweep.ids
