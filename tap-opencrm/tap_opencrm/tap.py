"""The tap: settings in, streams out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, SyncError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_opencrm import checks, known_fields, settings
from tap_opencrm.cli import Command
from tap_opencrm.connection import Connection
from tap_opencrm.entities import ENTITIES
from tap_opencrm.errors import NotFoundError, RefusedError, SettingsError
from tap_opencrm.limits import Budget, Pace
from tap_opencrm.line_streams import LineStream
from tap_opencrm.live_streams import LiveStream
from tap_opencrm.probe import probe
from tap_opencrm.redaction import hide
from tap_opencrm.run import Run
from tap_opencrm.streams import EntityStream
from tap_opencrm.writing import GatheringWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk import Stream

    from tap_opencrm.entities import Entity


class TapOpenCRM(Tap):
    """Singer tap for OpenCRM."""

    name = "tap-opencrm"
    package_name = "tap-opencrm"
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = settings.SETTINGS
    message_writer_class = GatheringWriter
    capabilities: ClassVar[list[Any]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    @override
    def __init__(self, *, catalog: Any = None, state: Any = None, **given: Any) -> None:
        state = checks.state(state)
        self._bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else {}
        super().__init__(catalog=checks.catalogue(catalog), state=state, **given)

    @cached_property
    def connection(self) -> Connection:
        """The connection all streams share."""
        return Connection(
            self.config,
            checks.url_base(self.config),
            Pace(self.config["max_requests_per_second"]),
            Budget(self.config["daily_request_budget"]),
            lanes=self.config["concurrency"],
        )

    @cached_property
    def run(self) -> Run:
        """The outcome of this run."""
        return Run()

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        self._config = {name: value for name, value in self._config.items() if value is not None}
        try:
            errors = super()._validate_config(raise_errors=raise_errors)
        except ConfigValidationError as error:
            raise SettingsError("; ".join(map(checks.explain, error.errors))) from None
        self._config = dict.fromkeys(settings.OPTIONAL) | self._config
        hide([str(self._config["api_key"]), str(self._config["pass_key"])])
        checks.check(self._config)
        return errors

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        sdk = super().get_singer_command()
        return Command(
            name=sdk.name,
            callback=sdk.callback,
            help=sdk.help,
            context_settings=sdk.context_settings,
            params=sdk.params,
            logger=cls.logger,
        )

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        if value != CliTestOptionValue.All.value:
            super().cb_test(ctx, param, value)
            return
        given = ctx.params["config"]
        tap = cls(config=given.config, parse_env_config=given.parse_env, setup_mapper=False)
        findings = probe(tap, tap.connection)
        click.echo(findings.line(tap.connection.requests_sent))
        ctx.exit(int(bool(findings.failures)))

    @override
    def discover_streams(self) -> Sequence[Stream]:
        streams: list[Stream] = []
        for entity in ENTITIES:
            if entity.name in self.config["entities"]:
                streams += self._streams_of(entity)
        return streams

    def _streams_of(self, entity: Entity) -> list[Stream]:
        """Make the streams of an entity, of their own classes: the SDK ties children to parents by class."""
        kind = type(f"{entity.name}_stream", (EntityStream,), {})
        source = kind(self, self.connection, entity, self.run)
        if not self._is_there(source):
            return []
        streams: list[Stream] = [source]
        if self.config["detect_deletes"]:
            streams.append(LiveStream(self, source))
        if entity.line_stream and self.config["include_line_items"]:
            line_kind = type(f"{entity.line_stream}_stream", (LineStream,), {"parent_stream_type": kind})
            streams.append(line_kind(self, entity.line_stream, self.connection, entity))
        return streams

    def _is_there(self, stream: EntityStream) -> bool:
        """Look at sample records, unless a catalogue was given; False if this OpenCRM lacks the entity."""
        if self.input_catalog is not None:
            return True
        stream.custom_fields = known_fields.custom_fields(self._bookmarks.get(stream.name, {}))
        try:
            stream.learn_from_sample()
        except SyncError as error:
            if self.run.is_hopeless(error, is_first=not self.connection.has_read):
                raise
            self.logger.warning("%s: no sample, so no new custom fields: %s", stream.name, error)
            return not (stream.entity.is_optional and isinstance(error, (RefusedError, NotFoundError)))
        return True

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.connection.budget.read_from(state)

    @override  # type: ignore[misc] # final in the SDK, which knows only runs that stop at the first failure
    def sync_all(self) -> None:
        super().sync_all()
        self.run.conclude()
