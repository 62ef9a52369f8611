"""The streams: entities, the product lines inside sales records, and the ids that are alive."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk import SchemaDirectory, StreamSchema
from singer_sdk.exceptions import SyncError
from typing_extensions import override

from tap_opencrm import schemas
from tap_opencrm.errors import FilterIgnoredError, NotFoundError, RefusedError
from tap_opencrm.incremental import Bookmark, days_between, parse_moment
from tap_opencrm.lines import find_lines
from tap_opencrm.records import CUSTOM_FIELD, EXTRA, Shape, is_custom
from tap_opencrm.settings import zone
from tap_opencrm.sweeps import Sweep, SweepingStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

    from singer_sdk import Stream, Tap
    from singer_sdk.helpers.types import Context

    from tap_opencrm.connection import Connection
    from tap_opencrm.entities import Entity
    from tap_opencrm.records import Row
    from tap_opencrm.run import Run

SCHEMA_FILES = SchemaDirectory(schemas)
_MODIFIED = {
    "type": ["string", "null"],
    "format": "date-time",
    "description": "When the record was last changed.",
}


class EntitySchema(StreamSchema[str]):
    """The schema file of an entity, with the custom fields of this system; a catalogue goes before both."""

    @override
    def get_stream_schema(self, stream: Any, stream_class: Any) -> dict[str, Any]:
        if stream.given_schema is not None:
            return dict(stream.given_schema)
        schema = deepcopy(super().get_stream_schema(stream, stream_class))
        properties = schema["properties"]
        properties |= {name: CUSTOM_FIELD for name in stream.custom_fields if name not in properties}
        if stream.replication_key:
            properties.setdefault(stream.replication_key, _MODIFIED)
        return schema


class EntityStream(SweepingStream):
    """The records of one entity."""

    schema = EntitySchema(SCHEMA_FILES)
    primary_keys = ("id",)

    def __init__(self, tap: Tap, connection: Connection, entity: Entity, run: Run) -> None:
        self.run = run
        self.custom_fields: tuple[str, ...] = ()
        super().__init__(tap, entity.name, connection, entity)
        self.replication_key = self.config["replication_key_name"] if entity.is_incremental else None
        self._lines: list[Row] = []

    @property
    def given_schema(self) -> dict[str, Any] | None:
        """The schema from the catalogue that the tap was given, if it was."""
        return self._input_schema

    def learn_from_sample(self) -> None:
        """Find this system's custom fields, and whether records tell when they were modified."""
        size = int(self.config["custom_field_sample_size"])
        if not size:
            return
        rows = self.ask_sample(size)
        self.custom_fields = tuple(sorted({name for row in rows for name in row if is_custom(name)}))
        if rows and self.replication_key and not any(self.replication_key in row for row in rows):
            self.logger.warning(
                "%s: no record has the field '%s', so it is read in full each time; check replication_key_name",
                self.name,
                self.replication_key,
            )
            self.replication_key = None

    @override
    def get_records(self, context: Context | None) -> Iterable[Row]:
        if self.run.stopped_by:
            return
        for lines in self.line_streams:
            lines.announce()
        shape = Shape(self._properties, zone(self.config), decode_html=self.config["decode_html_entities"])
        try:
            with self.workers() as pool:
                yield from self._read(pool, shape)
        except SyncError as error:
            self._fail(error)
        self._report(shape)

    @property
    def line_streams(self) -> list[LineStream]:
        """The selected streams of product lines of this entity."""
        return [stream for stream in self.child_streams if isinstance(stream, LineStream) and stream.selected]

    @property
    def _properties(self) -> dict[str, Any]:
        """The properties as the schema files declare them, then those of the catalogue."""
        declared = SCHEMA_FILES.get_schema(self.entity.name)["properties"]
        return {**self.schema["properties"], **declared}

    def _read(self, pool: ThreadPoolExecutor, shape: Shape) -> Iterator[Row]:
        bookmark = self._bookmark()
        if bookmark.due_from and self.config["incremental_strategy"] == "day_filter":
            try:
                yield from self._read_days(pool, shape, bookmark)
            except FilterIgnoredError as error:
                self.logger.warning("%s: %s; reading the whole list instead", self.name, error)
            else:
                return
        sweep = Sweep()
        for page in self.sweep(pool, sweep):
            yield from self._due(pool, shape, bookmark, page)
        if sweep.is_verified:
            self.run.live[self.name] = sweep.ids
        self._advance(bookmark, sweep)

    def _read_days(self, pool: ThreadPoolExecutor, shape: Shape, bookmark: Bookmark) -> Iterator[Row]:
        started = self.ask_count(self.entity.count_end_point)[1]
        sweep = Sweep(started=started)
        for day in days_between(bookmark.due_from or started, started, zone(self.config)):
            sweep.condition = f"{self.replication_key}|BEGINS|{day}"
            for page in self.sweep(pool, sweep):
                self._check_filter(page, str(day))
                yield from self._due(pool, shape, bookmark, page)
        if not bookmark.newest:
            raise FilterIgnoredError("the filter by day finds nothing, not even the record of the bookmark")
        self._advance(bookmark, sweep)

    def _check_filter(self, page: list[Row], day: str) -> None:
        if any(not str(row.get(self.replication_key or "", "")).startswith(day) for row in page):
            raise FilterIgnoredError("OpenCRM ignores the filter by day")

    def _bookmark(self) -> Bookmark:
        if self.replication_method != "INCREMENTAL":
            return Bookmark(None, None, timedelta())
        state = self.stream_state
        is_same = state.get("replication_key") == self.replication_key
        reached = parse_moment(state.get("replication_key_value")) if is_same else None
        lookback = timedelta(minutes=int(self.config["lookback_minutes"]))
        return Bookmark(reached, parse_moment(self.config["start_date"]), lookback)

    def _due(
        self, pool: ThreadPoolExecutor, shape: Shape, bookmark: Bookmark, page: list[Row]
    ) -> Iterator[Row]:
        key = self.replication_key or ""
        due = [record for record in map(shape.read, page) if bookmark.is_due(record.get(key))]
        lines: list[Future[list[Row]]] = []
        if self.line_streams:
            lines = [pool.submit(self._read_lines, record["id"]) for record in due]
        for place, record in enumerate(due):
            self._lines = lines[place].result() if lines else []
            yield record

    def _read_lines(self, record_id: str) -> list[Row]:
        return find_lines(self.ask_record(self.entity.record_end_point, record_id))

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

    def _advance(self, bookmark: Bookmark, sweep: Sweep) -> None:
        reached = bookmark.next(sweep.started)
        if self.replication_method == "INCREMENTAL" and reached:
            self.stream_state["replication_key"] = self.replication_key
            self.stream_state["replication_key_value"] = reached.isoformat()

    def _fail(self, error: SyncError) -> None:
        if self.entity.is_optional and isinstance(error, (RefusedError, NotFoundError)):
            self.logger.warning("%s: left out, this OpenCRM does not offer it (%s)", self.name, error)
            return
        self.run.fail(self.name, error, is_first=not self.connection.has_read)

    def _report(self, shape: Shape) -> None:
        if shape.unknown:
            self.logger.warning(
                "%s: fields that were not there at discovery are kept in %s: %s. Run discovery again to give them "
                "columns.",
                self.name,
                EXTRA,
                ", ".join(sorted(shape.unknown)),
            )
        for name, times in sorted(shape.unparsed.items()):
            self.logger.warning(
                "%s: %d value(s) of '%s' do not fit its type; null, with the raw text in _unparsed",
                self.name,
                times,
                name,
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


class LineStream(SweepingStream):
    """The product lines inside the records of one entity; written as the records are."""

    schema = StreamSchema(SCHEMA_FILES, key="lines")
    primary_keys = ("id",)
    state_partitioning_keys = ()
    _shape: Shape | None = None

    def announce(self) -> None:
        """Write the schema, once."""
        self._write_schema_message()
        self._shape = Shape(
            {**SCHEMA_FILES.get_schema("lines")["properties"], "line_id": {"type": ["string", "null"]}},
            zone(self.config),
            decode_html=self.config["decode_html_entities"],
        )

    def write(self, lines: list[Row], parent: Row) -> None:
        """Write the lines of one record."""
        for number, line in enumerate(lines, start=1):
            self._write_record_message(self._record(line, number, parent))

    def _record(self, line: Row, number: int, parent: Row) -> Row:
        own = {("line_id" if name == "id" else name): value for name, value in line.items()}
        place = {"id": f"{parent['id']}-{number}", "parent_id": parent["id"], "line_number": str(number)}
        if self._shape is None:
            self.announce()
            return self._record(line, number, parent)
        return self._shape.read({**own, **place, "parent_modifiedtime": parent.get("modified")})


class LiveStream(SweepingStream):
    """The ids of one entity that exist now; whoever has them all can tell what was deleted."""

    schema = StreamSchema(SCHEMA_FILES, key="live")
    primary_keys = ("id",)

    def __init__(self, tap: Tap, source: EntityStream) -> None:
        self.source = source
        super().__init__(tap, source.entity.live_stream, source.connection, source.entity)

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """The SDK sends ACTIVATE_VERSION before the records; here it says that all of them were sent."""
        return False

    @override
    def get_records(self, context: Context | None) -> Iterable[Row]:
        run, name = self.source.run, self.source.name
        if not self.source.selected and name not in run.live and not run.stopped_by:
            self.source.sweep_ids()
        ids = run.live.get(name)
        if ids is None:
            self.logger.info(
                "%s: not every id was read in this run, so nothing is said about deletes", self.name
            )
            return
        self._stream_version = self._initialized_at
        for record_id in ids:
            yield {"id": record_id}
        self._write_activate_version_message(self._stream_version)


def streams_of(tap: Tap, connection: Connection, entity: Entity, run: Run) -> list[Stream]:
    """Return the streams of one entity; classes of its own, because the SDK ties children to parents by class."""
    kind = type(f"{entity.name}_stream", (EntityStream,), {})
    source = kind(tap, connection, entity, run)
    streams: list[Stream] = [source]
    if tap.config["detect_deletes"]:
        streams.append(LiveStream(tap, source))
    if entity.line_stream and tap.config["include_line_items"]:
        line_kind = type(f"{entity.line_stream}_stream", (LineStream,), {"parent_stream_type": kind})
        streams.append(line_kind(tap, entity.line_stream, connection, entity))
    return streams
