"""The tap: its settings, its streams and how a run goes."""

from __future__ import annotations

import datetime as dt
import os
import sys
from contextlib import contextmanager
from functools import cached_property
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Stream, Tap
from singer_sdk.exceptions import ConfigurationError, ConfigValidationError, SingerSDKError
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_espocrm.auth import authenticator_for
from tap_espocrm.client import Client
from tap_espocrm.connection import Connection
from tap_espocrm.discovery import Findings, Wanted, discover, usable_links
from tap_espocrm.entity_streams import EntityStream
from tap_espocrm.lists import Lists
from tap_espocrm.metadata import build_entity
from tap_espocrm.notes import ENTITY as NOTE
from tap_espocrm.notes import Parent, note_stream
from tap_espocrm.runs import jobs_of, run
from tap_espocrm.server import Server, meet_server
from tap_espocrm.settings import SETTINGS, explain, with_numbers
from tap_espocrm.streams import EspoStream, Source
from tap_espocrm.sweeps import link_stream, live_stream
from tap_espocrm.writer import PageWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import FrameType


class TapEspoCRM(Tap):
    """Singer tap for EspoCRM."""

    name = "tap-espocrm"
    package_name = "tap-espocrm"
    dynamic_catalog = True
    message_writer_class = PageWriter
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    config_jsonschema: ClassVar[dict[str, Any]] = SETTINGS

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        self._config = with_numbers(self._config)
        try:
            problems = super()._validate_config(raise_errors=raise_errors)
        except ConfigValidationError as error:
            problems = [explain(problem) for problem in error.errors]
            raise ConfigValidationError(str(error), errors=problems, schema=error.schema) from None
        self._check_start_date()
        return problems

    def _check_start_date(self) -> None:
        start = self._config.get("start_date")
        try:
            if start:
                dt.datetime.fromisoformat(start)
        except (TypeError, ValueError):
            raise ConfigurationError(f"start_date must look like 2026-01-31, but is {start!r}.") from None

    @cached_property
    def client(self) -> Client:
        """The way to the server."""
        config = self.config
        connection = Connection(
            url=config["url"],
            timeout=config["timeout"],
            user_agent=config.get("user_agent") or "",
            ca_bundle=config.get("ca_bundle"),
            max_retries=config["max_retries"],
            max_requests_per_second=config.get("max_requests_per_second"),
            connections=2 * config["concurrency"] + 8,
        )
        return Client(connection, authenticator_for(config))

    @cached_property
    def server(self) -> Server:
        """What the server says about itself."""
        return meet_server(self.client, is_legacy=self.config["legacy_dialect"])

    @override
    def discover_streams(self) -> Sequence[Stream]:
        config = self.config
        wanted = Wanted(tuple(config.get("entities") or ()), tuple(config["exclude_entities"]))
        findings = discover(self.client, self.server, wanted, is_legacy=config["legacy_dialect"])
        self._failed_probes = findings.failures
        source = self._source()
        streams: list[Stream] = [EntityStream(self, source, entity) for entity in findings.entities]
        if config["detect_deletes"]:
            streams += [live_stream(self, source, entity) for entity in findings.entities]
        if config["link_streams"]:
            links = usable_links(self.client, findings)
            streams += [link_stream(self, source, link) for link in links]
        return [*streams, *self._note_streams(source, findings, wanted)]

    # Final in the SDK, where streams run one by one and the first failure ends the run.
    @override  # type: ignore[misc]
    def sync_all(self) -> None:
        self._reset_state_progress_markers()
        if self.state:
            self._state_writer.write_state(self.state)
        selected = [s for s in self.streams.values() if s.selected and isinstance(s, EspoStream)]
        try:
            report = run(jobs_of(selected), self.config["concurrency"])
        finally:
            self.client.stop()
        report.failures.update({**self._failed_probes, **dict.fromkeys(self._vanished(), "vanished")})
        self.logger.info("%d streams read with %d requests.", len(report.done), self.client.requests_sent)
        report.raise_failures()

    _failed_probes: Mapping[str, str] = MappingProxyType({})

    def _vanished(self) -> list[str]:
        """Name the streams that the given catalogue selects and that this user can no longer read."""
        entries = self.input_catalog.streams if self.input_catalog else []
        return [
            entry.tap_stream_id
            for entry in entries
            if entry.tap_stream_id not in self.streams and entry.metadata.resolve_selection().get((), False)
        ]

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Write the last state and end with the exit code of the signal: a broken-off run is no success."""
        self.client.stop()
        # The lock is kept: no other thread may be in the middle of a line when the process ends.
        self._output.__enter__()
        self._state_writer.write_state(self.state)
        sys.exit(128 + signum)

    @cached_property
    def _output(self) -> AbstractContextManager[object]:
        writer = self.message_writer
        return writer.lock if isinstance(writer, PageWriter) else RLock()

    def _source(self) -> Source:
        config, server = self.config, self.server
        asked = config.get("page_size") or server.page_cap
        lists = Lists(self.client, min(asked, server.page_cap), is_legacy=config["legacy_dialect"])
        return Source(
            lists,
            has_id_tie_break=server.has_id_tie_break and not config["legacy_dialect"],
            lookback_seconds=config["lookback_seconds"],
            is_full=config["full_records"],
            output=self._output,
        )

    def _note_streams(self, source: Source, findings: Findings, wanted: Wanted) -> list[Stream]:
        server = self.server
        is_wanted = not wanted.entities or {NOTE, "note"} & set(wanted.entities)
        if not self.config["notes"] or not is_wanted or {NOTE, "note"} & set(wanted.excluded):
            return []
        if NOTE not in server.metadata["entityDefs"] or not server.may_use(NOTE):
            return []
        entity = build_entity(NOTE, server.metadata, server.acl, server.labels)
        parents = tuple(
            Parent(e.name, has_stamp=any(a.name == "streamUpdatedAt" for a in e.attributes))
            for e in findings.entities
            if e.has_stream and server.may_follow(e.name)
        )
        note = note_stream(self, source, server, entity, parents)
        is_whole = server.is_admin and self.config["detect_deletes"]
        live = [live_stream(self, source, entity)] if is_whole else []
        return [note, *live]

    @override
    @classmethod
    def invoke(cls, **options: Any) -> None:  # passed on as they come
        with one_line_errors(cls):
            super().invoke(**options)

    @override
    @classmethod
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:
        with one_line_errors(cls):
            super().cb_discover(ctx, param, value)

    @override
    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        if value != CliTestOptionValue.All.value:
            with one_line_errors(cls):
                super().cb_test(ctx, param, value)
            return
        given = ctx.params.get("config")
        with one_line_errors(cls):
            tap = cls(
                config=given.config if given else None,
                parse_env_config=bool(given and given.parse_env),
                setup_mapper=False,
            )
            click.echo(tap.connection_summary())
        ctx.exit()

    def connection_summary(self) -> str:
        """Say in one line what is reached and what can be read there."""
        server, names = self.server, list(self.streams)
        records = [name for name in names if "__" not in name]
        return (
            f"Connected to EspoCRM {server.version} at {self.client.connection.url} as {server.user_name}: "
            f"{len(records)} entity types can be read, {len(names)} streams in all."
        )


@contextmanager
def one_line_errors(tap: type[Tap]) -> Iterator[None]:
    """Turn an error that the user can mend into one line on stderr and exit code 1."""
    try:
        yield
    except ConfigValidationError as error:
        tap.logger.error("Settings: %s", "; ".join(error.errors))  # noqa: TRY400  # the line says it all
        sys.exit(1)
    except BrokenPipeError:
        # Nobody reads any more; what is left in the buffer must not be tried again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        tap.logger.error("The reader of the output went away.")  # noqa: TRY400  # the line says it all
        sys.exit(1)
    except SingerSDKError as error:
        tap.logger.error("%s", " ".join(str(error).split()))  # noqa: TRY400  # a user's error needs no traceback
        sys.exit(1)
