"""The settings of the tap, declared once."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from singer_sdk import typing as th

from tap_opencrm.entities import NAMES


@cache
def _agent() -> str:
    try:
        return f"tap-opencrm/{version('tap-opencrm')}"
    except PackageNotFoundError:
        return "tap-opencrm"


_PROPERTIES = (
    th.Property(
        "system_name",
        th.StringType,
        title="System name",
        description="Name of the OpenCRM system: the part before `.opencrm.co.uk` in its address.",
    ),
    th.Property(
        "url",
        th.StringType,
        title="Address",
        description="Address of the system, where it is not `https://{system_name}.opencrm.co.uk`; https, "
        "or http on this machine.",
    ),
    th.Property(
        "api_key",
        th.StringType,
        required=True,
        secret=True,
        title="API key",
        description="The API key from OpenCRM support.",
    ),
    th.Property(
        "pass_key",
        th.StringType,
        required=True,
        secret=True,
        title="Pass key",
        description="The pass key that belongs to the API key.",
    ),
    th.Property(
        "auth_method",
        th.StringType,
        allowed_values=["headers", "parameters", "login"],
        default="headers",
        title="Authentication method",
        description="How the keys travel: as request headers, as form parameters, or only once, in exchange "
        "for an access key.",
    ),
    th.Property(
        "entities",
        th.ArrayType(th.StringType(allowed_values=list(NAMES))),
        default=list(NAMES),
        title="Entities",
        description="The entities to offer as streams.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="Leave out records modified before; without it all history is read.",
    ),
    th.Property(
        "timezone",
        th.StringType,
        default="Europe/London",
        title="Time zone",
        description="Zone of the times that come without an offset.",
    ),
    th.Property(
        "replication_key_name",
        th.StringType,
        default="modifiedtime",
        title="Replication key",
        description="The field that tells when a record was modified; entities without it are read in full.",
    ),
    th.Property(
        "lookback_minutes",
        th.IntegerType(minimum=0),
        default=120,
        title="Look-back",
        description="How many minutes before the bookmark an incremental run reaches, for clock changes and "
        "late arrivals.",
    ),
    th.Property(
        "incremental_strategy",
        th.StringType,
        allowed_values=["scan", "day_filter"],
        default="scan",
        title="Incremental strategy",
        description="`scan` reads whole lists and passes on what has changed; `day_filter` asks only for the "
        "days since the bookmark and sees no deletes; it scans where OpenCRM ignores the filter.",
    ),
    th.Property(
        "detect_deletes",
        th.BooleanType,
        default=True,
        title="Detect deletes",
        description="Offer a stream `<stream>__live` of all ids for each entity; costs no request.",
    ),
    th.Property(
        "include_line_items",
        th.BooleanType,
        default=True,
        title="Line items",
        description="Offer the product lines of quotes, orders and invoices as streams; costs one request "
        "per record that is new or changed.",
    ),
    th.Property(
        "custom_field_sample_size",
        th.IntegerType(minimum=0),
        default=100,
        title="Custom field sample",
        description="How many records of each entity discovery reads to find custom fields; 0: none.",
    ),
    th.Property(
        "fail_on_count_mismatch",
        th.BooleanType,
        default=True,
        title="Fail on count mismatch",
        description="Fail a stream whose list holds fewer records than OpenCRM counts; otherwise only warn.",
    ),
    th.Property(
        "change_assignedidtouser",
        th.ArrayType(th.StringType),
        default=[],
        title="Fields as user names",
        description="Labels of the fields, with `_` for spaces, whose user ids are to come as user names.",
    ),
    th.Property(
        "decode_html_entities",
        th.BooleanType,
        default=False,
        title="Decode HTML entities",
        description="Turn `&amp;` and the like in text fields into the characters they stand for, once.",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=3),
        default=200,
        title="Page size",
        description="How many records to ask for at a time.",
    ),
    th.Property(
        "concurrency",
        th.IntegerType(minimum=1, maximum=16),
        default=1,
        title="Concurrency",
        description="How many requests may be under way at a time.",
    ),
    th.Property(
        "max_requests_per_second",
        th.NumberType(exclusive_minimum=0),
        title="Requests per second",
        description="Never ask faster than this.",
    ),
    th.Property(
        "daily_request_budget",
        th.IntegerType(minimum=1),
        title="Daily request budget",
        description="Stop after this many requests in a day (UTC), over all runs that share their state.",
    ),
    th.Property(
        "timeout",
        th.NumberType(exclusive_minimum=0),
        default=60,
        title="Timeout",
        description="Seconds to wait for an answer.",
    ),
    th.Property(
        "max_retries",
        th.IntegerType(minimum=0),
        default=5,
        title="Retries",
        description="How often a request that failed in passing is repeated.",
    ),
    th.Property(
        "user_agent",
        th.StringType,
        default=_agent(),
        title="User agent",
        description="How the tap introduces itself; OpenCRM's firewall blocks names with `python` or `curl`.",
    ),
    th.Property(
        "ca_bundle",
        th.StringType,
        title="CA bundle",
        description="File with the certificates of a private authority.",
    ),
)
SETTINGS: dict[str, Any] = {
    **th.PropertiesList(*_PROPERTIES).to_dict(),
    "additionalProperties": False,
}
OPTIONAL = (
    "system_name",
    "url",
    "start_date",
    "max_requests_per_second",
    "daily_request_budget",
    "ca_bundle",
)
