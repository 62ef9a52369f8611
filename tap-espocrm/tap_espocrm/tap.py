"""The tap: its settings, its streams and how a run goes."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Stream, Tap
from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_espocrm.auth import authenticator_for
from tap_espocrm.client import Client, Connection
from tap_espocrm.discovery import Findings, Server, Wanted, discover, meet_server, usable_links
from tap_espocrm.lists import Lists
from tap_espocrm.metadata import build_entity
from tap_espocrm.notes import ENTITY as NOTE
from tap_espocrm.notes import note_stream
from tap_espocrm.runs import jobs_of, run
from tap_espocrm.streams import EntityStream, Source
from tap_espocrm.sweeps import LinkStream, LiveStream, RelatedStream
from tap_espocrm.writer import PageWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NAMES = th.ArrayType(th.StringType)


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
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property(
            "url",
            th.StringType,
            required=True,
            title="URL",
            description="Address of the EspoCRM site, for example https://crm.example.com",
        ),
        th.Property(
            "api_key",
            th.StringType,
            secret=True,
            title="API key",
            description="Key of an API user (Administration, API Users)",
        ),
        th.Property(
            "secret_key",
            th.StringType,
            secret=True,
            title="Secret key",
            description="With api_key: the API user's secret for HMAC authentication",
        ),
        th.Property(
            "username",
            th.StringType,
            title="User name",
            description="Instead of api_key: the name of a regular user",
        ),
        th.Property(
            "password", th.StringType, secret=True, title="Password", description="Password of that user"
        ),
        th.Property(
            "basic_auth",
            th.BooleanType,
            default=False,
            title="Basic authentication",
            description="Send user name and password with every request instead of a login token",
        ),
        th.Property(
            "entities",
            _NAMES,
            title="Entities",
            description="Entity types to read, as Account or account; all readable ones if not set",
        ),
        th.Property(
            "exclude_entities",
            _NAMES,
            default=[],
            title="Excluded entities",
            description="Entity types not to read",
        ),
        th.Property(
            "start_date",
            th.DateTimeType,
            title="Start date",
            description="Read only what was modified since; all history if not set",
        ),
        th.Property(
            "page_size",
            th.IntegerType(minimum=1),
            title="Page size",
            description="Rows per request; the server's own limit if not set, and never more",
        ),
        th.Property(
            "lookback_seconds",
            th.IntegerType(minimum=0),
            default=60,
            title="Lookback",
            description="Seconds before the bookmark that are read again, for saves that committed late",
        ),
        th.Property(
            "link_streams",
            th.BooleanType,
            default=True,
            title="Link streams",
            description="Read the pairs of many-to-many links as streams <entity>__<link>",
        ),
        th.Property(
            "notes",
            th.BooleanType,
            default=True,
            title="Notes",
            description="Read the activity stream as note",
        ),
        th.Property(
            "detect_deletes",
            th.BooleanType,
            default=True,
            title="Detect deletes",
            description="List the ids of every entity type as streams <stream>__live",
        ),
        th.Property(
            "full_records",
            th.BooleanType,
            default=False,
            title="Full records",
            description=(
                "Read every record singly for what lists leave out (all e-mail addresses and phone numbers, "
                "followers, reminders); slow, and each read leaves a row in EspoCRM's action history"
            ),
        ),
        th.Property(
            "legacy_dialect",
            th.BooleanType,
            default=False,
            title="Legacy dialect",
            description="Sort with sortBy and asc, for EspoCRM before 5.5",
        ),
        th.Property(
            "max_requests_per_second",
            th.NumberType(exclusive_minimum=0),
            title="Requests per second",
            description="Upper limit over all threads; none if not set",
        ),
        th.Property(
            "concurrency",
            th.IntegerType(minimum=1, maximum=32),
            default=2,
            title="Concurrency",
            description="Entity types that are read at the same time",
        ),
        th.Property(
            "max_retries",
            th.IntegerType(minimum=0),
            default=5,
            title="Retries",
            description="Further attempts after a failure that may pass",
        ),
        th.Property(
            "timeout",
            th.NumberType(exclusive_minimum=0),
            default=300,
            title="Timeout",
            description="Seconds to wait for an answer",
        ),
        th.Property(
            "user_agent",
            th.StringType,
            title="User agent",
            description="User-Agent header; tap-espocrm/<version> if not set",
        ),
        th.Property(
            "ca_bundle",
            th.StringType,
            title="CA bundle",
            description="File of certificate authorities to trust instead of the usual ones",
        ),
    ).to_dict()

    @property
    def output_lock(self) -> Any:  # threading's own type is private
        """The lock that guards the output and the state."""
        writer = self.message_writer
        return writer.lock if isinstance(writer, PageWriter) else self._own_lock

    @cached_property
    def _own_lock(self) -> Any:
        return PageWriter().lock

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
        source = self._source()
        streams: list[Stream] = [EntityStream(self, source, entity) for entity in findings.entities]
        if config["detect_deletes"]:
            streams += [LiveStream(self, source, entity) for entity in findings.entities]
        if config["link_streams"]:
            streams += self._link_streams(source, findings)
        return [*streams, *self._note_streams(source, findings, wanted)]

    @override
    def sync_all(self) -> None:  # type: ignore[misc]  # final in the SDK, where the first failure ends the run
        self._reset_state_progress_markers()
        if self.state:
            self._state_writer.write_state(self.state)
        selected = [stream for stream in self.streams.values() if stream.selected]
        report = run(jobs_of(selected), self.client, self.config["concurrency"])
        self.logger.info("%d streams read with %d requests.", report.done, self.client.requests_sent)
        report.raise_failures()

    def _source(self) -> Source:
        config, server = self.config, self.server
        asked = config.get("page_size") or server.page_cap
        lists = Lists(self.client, min(asked, server.page_cap), is_legacy=config["legacy_dialect"])
        return Source(
            lists,
            has_id_tie_break=server.has_id_tie_break and not config["legacy_dialect"],
            lookback_seconds=config["lookback_seconds"],
            is_full=config["full_records"],
        )

    def _link_streams(self, source: Source, findings: Findings) -> list[Stream]:
        return [
            (LinkStream if link.near.is_listed else RelatedStream)(self, source, link)
            for link in usable_links(self.client, findings)
        ]

    def _note_streams(self, source: Source, findings: Findings, wanted: Wanted) -> list[Stream]:
        server = self.server
        is_wanted = not wanted.entities or {NOTE, "note"} & set(wanted.entities)
        if not self.config["notes"] or not is_wanted or {NOTE, "note"} & set(wanted.excluded):
            return []
        if NOTE not in server.metadata["entityDefs"] or not server.may_use(NOTE):
            return []
        entity = build_entity(NOTE, server.metadata, server.acl, server.labels)
        parents = tuple(e.name for e in findings.entities if e.has_stream)
        note = note_stream(self, source, server, entity, parents)
        live = [LiveStream(self, source, entity)] if server.is_admin and self.config["detect_deletes"] else []
        return [note, *live]

    @override
    @classmethod
    def invoke(cls, **options: Any) -> None:  # type: ignore[override]  # passed on as they come
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
    except ConfigValidationError:
        raise
    except SingerSDKError as error:
        tap.logger.error("%s", " ".join(str(error).split()))  # a user's error needs no traceback
        sys.exit(1)
