"""Every point on which OpenCRM's documents are silent, as a switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class OpenCRMSwitches:
    """How this OpenCRM behaves where nobody knows; may be changed while it runs."""

    # Transport and authentication
    accept_key: bool = True
    accept_apikey: bool = False
    access_key_idle_seconds: float = 1200
    web_application_firewall: bool = True
    # Lists
    paging: Literal["exclusive", "inclusive", "count"] = "exclusive"
    page_cap: int | None = None
    order: Literal["id", "shuffled"] = "id"
    empty: Literal["[]", "null", "blank"] = "[]"
    count: Literal["string", "int", "quoted"] = "string"
    lone_row: Literal["array", "object"] = "array"
    unknown_filter: Literal["ignore", "error"] = "ignore"
    modifiedtime_filter: bool = True
    # Records
    zero_dates: Literal["raw", "php"] = "raw"
    overrides: bool = True
    timezone: str = "Europe/London"
    timestamps: bool = True
    empty_values: Literal["text", "null"] = "text"
    numbers: Literal["text", "number"] = "text"
    single_names: Literal["record", "query"] = "record"
    line_shape: Literal["list", "object"] = "list"
    # End points
    users: bool = True
    full_lists: bool = True
    unknown_end_point: Literal["error", "404", "blank"] = "error"
    missing_record: Literal["[]", "null", "blank", "error", "404"] = "[]"
