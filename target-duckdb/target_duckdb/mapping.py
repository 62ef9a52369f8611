"""The Singer SDK's way in: stream maps, flattening and validation turn lines into other lines."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped] # it has no stubs here
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from target_duckdb.errors import InvalidValueError, UnknownStreamError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from singer_sdk.mapper import PluginMapper, StreamMap

DECODE = msgspec.json.Decoder(float_hook=Decimal).decode
ENCODE = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode


class LineMapper:
    """Applies stream maps, flattening and validation to whole lines, before they are read as usual."""

    def __init__(self, mapper: PluginMapper, *, is_validating: bool) -> None:
        self.mapper = mapper
        self.is_validating = is_validating
        self._validators: dict[str, Any] = {}
        self._takers: dict[str, Callable[[dict[str, Any]], Iterator[dict[str, Any]]]] = {
            "SCHEMA": self._schema,
            "RECORD": self._record,
            "ACTIVATE_VERSION": self._alias,
            "BATCH": self._alias,
        }

    def map(self, given: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines that each block of lines becomes."""
        for block in given:
            yield b"".join(made + b"\n" for line in block.split(b"\n")[:-1] for made in self._map(line))

    def _map(self, line: bytes) -> Iterator[bytes]:
        try:
            message = DECODE(line)
            taker = self._takers[message["type"]]
        except (msgspec.DecodeError, KeyError, TypeError):
            yield line  # the reader knows what to say about it
            return
        yield from map(ENCODE, taker(message))

    def _schema(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        stream, keys = message["stream"], message.get("key_properties")
        self.mapper.register_raw_stream_schema(stream, copy.deepcopy(message["schema"]), keys)
        for stream_map in self._maps(stream):
            schema = stream_map.transformed_schema
            self._validators[stream_map.stream_alias] = DEFAULT_JSONSCHEMA_VALIDATOR(schema)
            yield message | {
                "stream": stream_map.stream_alias,
                "schema": schema,
                "key_properties": stream_map.transformed_key_properties,
            }

    def _record(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for stream_map in self._maps(message["stream"]):
            record = stream_map.transform(copy.copy(message["record"]))
            if record is not None:
                self._validate(stream_map.stream_alias, record)
                yield message | {"stream": stream_map.stream_alias, "record": record}

    def _alias(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for stream_map in self._maps(message["stream"]):
            yield message | {"stream": stream_map.stream_alias}

    def _maps(self, stream: str) -> list[StreamMap]:
        if stream not in self.mapper.stream_maps:
            raise UnknownStreamError(f"a message for stream {stream!r} came before its SCHEMA")
        maps = self.mapper.stream_maps[stream]
        return [each for each in maps if not isinstance(each, RemoveRecordTransform)]

    def _validate(self, stream: str, record: dict[str, Any]) -> None:
        if not self.is_validating:
            return
        try:
            self._validators[stream].validate(record)
        except ValidationError as error:
            place = ".".join(map(str, error.absolute_path)) or "the record"
            raise InvalidValueError(f"{stream}: {place}: {error.message} (validate_records is on)") from error
