"""The settings of the tap, each with what a user needs to know about it."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = th.ArrayType(th.StringType)

_PROPERTIES = th.PropertiesList(
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
        description="Read the pairs of many-to-many links as streams `<entity>__<link>`",
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
        description="List the ids of every entity type as streams `<stream>__live`",
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
        default=120,
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
)

SETTINGS: dict[str, Any] = {**_PROPERTIES.to_dict(), "additionalProperties": False}

_NUMBERS = frozenset({"max_requests_per_second", "timeout"})
_UNKNOWN = re.compile(r"\('(\w+)' was unexpected\)")


def with_numbers(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Read numbers with a fraction where they come as text: the environment and Meltano know no others."""
    return {name: _number(value) if name in _NUMBERS else value for name, value in settings.items()}


def _number(value: object) -> object:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value  # the validation says what is wrong with it


def explain(problem: str) -> str:
    """Say what is wrong with a setting in the words of whoever fills it in."""
    unknown = _UNKNOWN.search(problem)
    if unknown is None:
        return problem
    near = difflib.get_close_matches(unknown[1], SETTINGS["properties"], n=1)
    return f"unknown setting {unknown[1]!r}" + (f"; did you mean {near[0]!r}?" if near else "")
