"""The Singer SDK's way in: stream maps, flattening and validation turn lines into other lines."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk.exceptions import MappingError
from singer_sdk.helpers._flattening import FlatteningOptions
from singer_sdk.mapper import RemoveRecordTransform

from target_duckdb.aliases import Aliases
from target_duckdb.envelopes import read_envelope
from target_duckdb.errors import (
    InvalidLineError,
    InvalidSchemaError,
    InvalidValueError,
    LoadError,
    UnknownStreamError,
)
from target_duckdb.exactjson import decoded, encoded, exact, with_constants
from target_duckdb.expressions import check_expressions, latest, reason
from target_duckdb.files import batch_files
from target_duckdb.flattening import Flattener, conceal, reveal
from target_duckdb.rawjson import UNREADABLE
from target_duckdb.validation import RecordSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from singer_sdk.mapper import PluginMapper, StreamMap

    from target_duckdb.files import BatchFile

LINES_AT_ONCE = 1000
OBJECTS = {"SCHEMA": "schema", "RECORD": "record"}
"""What has to be an object in a message that the SDK can map."""
OWN_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What an expression of a stream map may raise, as `amount / 0`."""


class Origin(NamedTuple):
    """Where a line came from."""

    line: int
    file: BatchFile | None = None
    number: int = 0

    @property
    def place(self) -> str:
        """What to call it."""
        return f"line {self.line}" + (f": {self.file.place(self.number)}" if self.file else "")


class LineMapper:
    """Applies stream maps, flattening and validation to whole lines, before they are read as usual."""

    def __init__(self, mapper: PluginMapper, *, is_validating: bool, is_deleting: bool = True) -> None:
        self.mapper = mapper
        self.is_validating = is_validating
        self._origin = Origin(0)
        self._origins: list[Origin] = []
        self._before = 0
        check_expressions(mapper.stream_maps_dict)
        options = mapper.flattening_options
        self.flattening = options if options.enabled and options.max_level > 0 else None
        mapper.flattening_options = FlatteningOptions(enabled=False)  # first what a map makes is checked
        self._aliases = Aliases(is_deleting=is_deleting)
        self._flatteners: dict[tuple[str, str], Flattener] = {}
        self._validators: dict[tuple[str, str], RecordSchema] = {}
        self._takers: dict[str, Callable[[dict[str, Any]], Iterator[dict[str, Any]]]] = {
            "SCHEMA": self._schema,
            "RECORD": self._record,
            "ACTIVATE_VERSION": self._alias,
            "BATCH": self._batch,
        }

    def map(self, given: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines that each block of lines becomes, an empty one where nothing is left of a line."""
        for block in given:
            lines = (
                (made + b"\n", self._origin) for line in block.split(b"\n")[:-1] for made in self._map(line)
            )
            while several := list(islice(lines, LINES_AT_ONCE)):
                self._before += len(self._origins)
                self._origins = [origin for _line, origin in several]
                yield b"".join([line for line, _origin in several])
            yield b""  # the loader looks after its work after every block

    def place(self, number: int) -> str:
        """Return where a line of the latest block came from, by its number among all those yielded."""
        return self._origins[number - self._before - 1].place

    def _map(self, line: bytes) -> Iterator[bytes]:
        self._origin = Origin(self._origin.line + 1)
        try:
            message = decoded(line)
            if not _is_mappable(message) or message["type"] not in self._takers:
                yield line  # nothing to map; if it is not a message at all the reader says so and stops
                return
            is_empty = True
            for made in self._takers[message["type"]](message):
                is_empty = False
                yield encoded(made)
            if is_empty:
                yield b""
        except LoadError as error:
            raise type(error)(f"{self._origin.place}: {error}") from error
        except MappingError as error:
            raise InvalidValueError(f"{self._origin.place}: {message['stream']}: {reason(error)}") from error

    def _schema(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        stream, keys = message["stream"], message.get("key_properties")
        with _mapping(stream):
            concealed = conceal(message["schema"], is_flattening=self.flattening is not None)
            self.mapper.register_raw_stream_schema(stream, copy.deepcopy(concealed), keys)
        for stream_map in self._maps(stream):
            yield self._aliases.join(stream, message | self._mapped(stream, stream_map))

    def _mapped(self, stream: str, stream_map: StreamMap) -> dict[str, Any]:
        """Return what a map makes of a SCHEMA: the records it makes are checked, and then flattened."""
        way, schema = (stream, stream_map.stream_alias), reveal(stream_map.transformed_schema)
        if self.is_validating:
            self._validators[way] = RecordSchema(stream, schema)
        if self.flattening:
            with _mapping(stream):
                self._flatteners[way] = Flattener(stream_map.transformed_schema, self.flattening)
            schema = schema | {"properties": self._flatteners[way].properties}
        return {
            "stream": stream_map.stream_alias,
            "schema": schema,
            "key_properties": stream_map.transformed_key_properties,
        }

    def _record(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for stream_map in self._maps(message["stream"]):
            try:
                record = _transform(stream_map, message["record"])
            except OWN_ERRORS as error:
                said = f"{type(error).__name__} at {latest(stream_map)!r}"  # its text may hold a value
                raise InvalidValueError(f"{message['stream']}: its stream map fails: {said}") from error
            if record is not None:
                way = (message["stream"], stream_map.stream_alias)
                if self.is_validating:
                    self._validators[way].check(exact(record))
                if self.flattening:
                    record = self._flatteners[way].flatten(record)
                yield message | {"stream": stream_map.stream_alias, "record": with_constants(record)}

    def _alias(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if message["stream"] not in self.mapper.stream_maps:
            yield message  # the reader says so and goes on
            return
        for stream_map in self._maps(message["stream"]):
            yield self._aliases.activate(message["stream"], message | {"stream": stream_map.stream_alias})

    def _batch(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        try:
            envelope = read_envelope(encoded(message))
        except UNREADABLE as error:
            raise InvalidLineError(f"BATCH of {message['stream']!r}: {error}") from error
        for file in batch_files(envelope) if self._maps(message["stream"]) else ():
            lines = chain.from_iterable(block.split(b"\n")[:-1] for block in file.lines())
            for number, line in enumerate(lines, 1):
                self._origin = Origin(self._origin.line, file, number)
                yield from self._line(file, line)
            self._origin = Origin(self._origin.line)

    def _line(self, file: BatchFile, line: bytes) -> Iterator[dict[str, Any]]:
        if not line:
            return
        sent = decoded(line)
        if sent is None:
            raise file.complaint(line)
        if not _is_mappable(sent):
            raise InvalidLineError("not a JSON object")
        yield from self._record(sent)

    def _maps(self, stream: str) -> list[StreamMap]:
        if stream not in self.mapper.stream_maps:
            raise UnknownStreamError(f"a message for stream {stream!r} came before its SCHEMA")
        maps = self.mapper.stream_maps[stream]
        return [each for each in maps if not isinstance(each, RemoveRecordTransform)]


@contextmanager
def _mapping(stream: str) -> Iterator[None]:
    """Say in one line why a schema cannot be mapped."""
    try:
        yield
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise InvalidSchemaError(f"SCHEMA of stream {stream!r} cannot be mapped: {error!r}") from error


def _transform(stream_map: StreamMap, record: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a map makes of a record; the SDK takes an empty one for one that a filter holds back."""
    made: dict[str, Any] | None = stream_map.transform(copy.copy(record))
    if made is not None or (record and stream_map.transformed_key_properties):
        return made
    return {} if stream_map.get_filter_result(record) else None


def _is_mappable(message: Any) -> bool:  # noqa: ANN401 - whatever a line holds
    """Return whether a message has the parts that the SDK takes for granted."""
    if not isinstance(message, dict):
        return False
    kind = message.get("type")
    keys = message.get("key_properties") if kind == "SCHEMA" else None
    return (
        isinstance(kind, str)
        and isinstance(message.get("stream"), str)
        and isinstance(message.get(OBJECTS.get(kind, ""), {}), dict)
        and OBJECTS.get(kind, "type") in message
        and isinstance(keys, list | None)
        and all(isinstance(key, str) for key in keys or ())
    )
