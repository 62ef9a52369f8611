"""Every point on which OpenCRM's documents are silent, as a switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class OpenCRMSwitches:
    """How this OpenCRM behaves where nobody knows; may be changed while it runs."""

    paging: Literal["exclusive", "inclusive", "count"] = "exclusive"
    empty: Literal["[]", "null", "blank"] = "[]"
    count: Literal["string", "int", "quoted"] = "string"
    accept_key: bool = True
    accept_apikey: bool = False
    zero_dates: Literal["raw", "php"] = "raw"
    order: Literal["id", "shuffled"] = "id"
    unknown_filter: Literal["ignore", "error"] = "ignore"
    modifiedtime_filter: bool = True
    page_cap: int | None = None
    users: bool = True
    unknown_end_point: Literal["error", "404", "blank"] = "error"
    missing_record: Literal["[]", "null", "blank", "error", "404"] = "[]"
    access_key_idle_seconds: float = 1200
    overrides: bool = True
    timestamps: bool = True
    full_lists: bool = True
    web_application_firewall: bool = True
