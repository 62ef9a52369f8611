"""The target as the Singer SDK sees it: settings, capabilities, command line."""

from __future__ import annotations

import copy
import json
import sys
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, ClassVar

from singer_sdk import Target
from singer_sdk.exceptions import InvalidJSONSchema, MissingKeyPropertiesError, RecordsWithoutSchemaException
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities
from singer_sdk.singerlib.encoding.base import GenericSingerReader
from singer_sdk.singerlib.exceptions import InvalidInputLine
from typing_extensions import override

from target_duckdb import errors
from target_duckdb.loader import Load
from target_duckdb.mapping import LineMapper
from target_duckdb.reader import Interruption, Reader, blocks
from target_duckdb.settings import SCHEMA, is_plain, read_settings

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

TRANSLATIONS: dict[type[errors.LoadError], type[Exception]] = {
    errors.InvalidLineError: InvalidInputLine,
    errors.InvalidSchemaError: InvalidJSONSchema,
    errors.UnknownStreamError: RecordsWithoutSchemaException,
    errors.MissingKeyError: MissingKeyPropertiesError,
}
LINES_AT_ONCE = 1000
MISTAKES: tuple[type[Exception], ...] = (errors.LoadError, *TRANSLATIONS.values())


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

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - handed on as they come
        self.interruption = Interruption()
        super().__init__(**options)
        self.message_reader = BytesReader(self)
        self._load: Load | None = None

    def read(self, file_input: IO[Any] | None) -> Counter[str]:
        """Read all messages; on an error leave nothing behind but what was committed."""
        self._load = self._load or Load(read_settings(self.config))
        lines = self._lines(file_input)
        if not is_plain(self.config):
            lines = LineMapper(self.mapper, is_validating=bool(self.config.get("validate_records"))).map(
                lines
            )
        self.interruption.listeners.append(self._load.commits.hurry)
        reader = Reader(self._load)
        try:
            reader.read(lines)
        except errors.LoadError as error:
            self._load.close()
            raise TRANSLATIONS.get(type(error), type(error))(str(error)) from error
        return reader.counts

    def _lines(self, file_input: IO[Any] | None) -> Iterable[bytes]:
        if file_input is None:
            return blocks(sys.stdin.fileno(), self.interruption)
        return _encoded(file_input)

    @override
    def process_endofpipe(self) -> None:
        with self._load or Load(read_settings(self.config)) as load:
            load.finish(is_complete=not self.interruption.is_wanted)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        self.interruption(signum, frame)

    @override
    @classmethod
    def invoke(cls, **options: Any) -> None:
        try:
            super().invoke(**options)
        except MISTAKES as error:
            cls.logger.error("%s", error)  # noqa: TRY400 - a user's mistake needs no traceback
            sys.exit(1)


def _encoded(file_input: IO[Any]) -> Iterator[bytes]:
    while lines := list(islice(file_input, LINES_AT_ONCE)):
        found = (line.encode() if isinstance(line, str) else line for line in lines)
        yield b"".join(line.rstrip(b"\r\n") + b"\n" for line in found)
