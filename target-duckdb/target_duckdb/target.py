"""The target as the Singer SDK sees it: settings, capabilities, command line."""

from __future__ import annotations

import copy
import json
import sys
from contextlib import ExitStack
from io import UnsupportedOperation
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, ClassVar

from singer_sdk import Target
from singer_sdk.exceptions import (
    InvalidJSONSchema,
    MappingError,
    MissingKeyPropertiesError,
    RecordsWithoutSchemaException,
)
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities
from singer_sdk.singerlib.encoding.base import GenericSingerReader
from singer_sdk.singerlib.exceptions import InvalidInputLine
from typing_extensions import override

from target_duckdb import errors, logs
from target_duckdb.channels import STDIN
from target_duckdb.configuration import (
    check_path,
    check_stream_maps,
    check_texts,
    check_variables,
    read_files,
)
from target_duckdb.interruption import STOP
from target_duckdb.loader import Load
from target_duckdb.mapping import LineMapper
from target_duckdb.reader import Reader, blocks, unmarked
from target_duckdb.settings import SCHEMA, is_plain, read_settings

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from click import Context, Option

TRANSLATIONS: dict[type[errors.LoadError], type[Exception]] = {
    errors.InvalidLineError: InvalidInputLine,
    errors.InvalidSchemaError: InvalidJSONSchema,
    errors.UnknownStreamError: RecordsWithoutSchemaException,
    errors.MissingKeyError: MissingKeyPropertiesError,
}
LINES_AT_ONCE = 1000
MISTAKES: tuple[type[Exception], ...] = (errors.LoadError, MappingError, *TRANSLATIONS.values())


class BytesReader(GenericSingerReader[bytes]):
    """Reads messages as bytes and hands them to the load; the SDK's callbacks are for decoded ones."""

    def __init__(self, target: TargetDuckDB) -> None:
        super().__init__()
        self.target = target

    @property
    @override
    def default_input(self) -> IO[bytes]:
        return sys.stdin.buffer

    @override
    def deserialize_json(self, line: bytes) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(line)
        return decoded

    @override
    def process_lines(
        self, file_input: IO[bytes] | None, callbacks: dict[str, Callable[[dict[str, Any]], None]]
    ) -> Counter[str]:
        return self.target.read(file_input)


class TargetDuckDB(Target):
    """Loads Singer streams into DuckDB, fast and without losing anything."""

    name = "target-duckdb"
    package_name = "crm-target-duckdb"
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(SCHEMA)  # the SDK adds its own to it
    capabilities: ClassVar[list[Any]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
        PluginCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.BATCH,
        TargetCapabilities.VALIDATE_RECORDS,
        TargetCapabilities.TARGET_SCHEMA,
        TargetCapabilities.HARD_DELETE,
        TargetCapabilities.SOFT_DELETE,
    ]

    def __init__(self, *, parse_env_config: bool = False, **options: Any) -> None:  # noqa: ANN401 - handed on
        try:
            super().__init__(parse_env_config=parse_env_config, **options)
        finally:  # the SDK, which has read `.env` by now, fails at some variables and is silent about others
            if parse_env_config:
                check_variables(self._env_var_prefix, self.config_jsonschema["properties"])
        self.message_reader = BytesReader(self)
        self._load: Load | None = None

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        check_path(self.config.get("path"))
        check_texts(self.config)
        check_stream_maps(self.config.get("stream_maps"))
        return super()._validate_config(raise_errors=raise_errors)

    def read(self, file_input: IO[Any] | None) -> Counter[str]:
        """Read all messages; on an error leave nothing behind but what was committed."""
        self._load = self._load or Load(read_settings(self.config))
        with ExitStack() as undo:
            undo.callback(self._load.close)
            lines, place = self._lines(file_input), None
            if not is_plain(self.config):
                settings = self._load.settings
                mapper = LineMapper(
                    self.mapper,
                    is_validating=bool(self.config.get("validate_records")),
                    is_deleting=settings.process_activate_version_messages
                    and settings.load_method == "upsert",
                )
                lines, place = mapper.map(lines), mapper.place
            STOP.tell(self._load.hurry)
            reader = Reader(self._load, place=place)
            try:
                reader.read(lines)
            except errors.LoadError as error:
                raise TRANSLATIONS.get(type(error), type(error))(str(error)) from error
            undo.pop_all()
        return reader.counts

    def _lines(self, file_input: IO[Any] | None) -> Iterable[bytes]:
        if file_input is None:
            return blocks(STDIN)
        try:
            return blocks(file_input.fileno())
        except UnsupportedOperation:  # it is no file, but lines
            return unmarked(_encoded(file_input))

    @override
    def process_endofpipe(self) -> None:
        with self._load or Load(read_settings(self.config)) as load:
            load.finish(is_complete=not STOP.is_wanted)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        STOP(signum, frame)

    @override
    @classmethod
    def cb_config(cls, ctx: Context, param: Option, value: tuple[str, ...]) -> Any:
        variables = tuple(name for name in value if name == "ENV")
        found = super().cb_config(ctx, param, variables)
        found.config |= read_files(name for name in value if name != "ENV")
        return found

    @override
    @classmethod
    def invoke(cls, **options: Any) -> None:
        try:
            super().invoke(**options)
        except MISTAKES as error:
            logs.say(error)
            sys.exit(1)


def _encoded(file_input: IO[Any]) -> Iterator[bytes]:
    while lines := list(islice(file_input, LINES_AT_ONCE)):
        found = (line.encode() if isinstance(line, str) else line for line in lines)
        yield b"".join(line.rstrip(b"\r\n") + b"\n" for line in found)
