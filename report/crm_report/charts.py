"""Rows and a Vega-Lite specification in, SVG out; colours stay CSS variables, for the page to decide on."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import vl_convert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crm_report.answers import Row

NARROW = 400
"""Pixels below which a legend has to break into lines."""
NARROW_COLUMNS = 2

NAMES = re.compile(r'\b(id="|url\(#|href="#)(\w+)')
"""Where an SVG names or cites one of its parts: a page with several needs different names."""


def specification(name: str) -> dict[str, Any]:
    """Return the chart of that name; an empty one if there is none."""
    path = files(__package__).joinpath("charts", f"{name}.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def plain(value: object) -> object:
    """Return a value as JSON knows it; a date stays a date at midnight UTC."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else value


def draw(spec: dict[str, Any], rows: Iterable[Row], *, width: int, currency: str, name: str) -> str:
    """Draw a chart as an SVG element of some width, its parts named after the chart."""
    theme = specification("theme")
    theme["legend"]["columns"] = NARROW_COLUMNS if width < NARROW else 0
    values = [{key: plain(value) for key, value in row.items()} for row in rows]
    whole = {**spec, "data": {"values": values}, "width": width, "config": theme}
    whole.setdefault("autosize", {"type": "fit-x", "contains": "padding"})
    locale = {"decimal": ".", "thousands": ",", "grouping": [3], "currency": [currency, ""]}
    svg = vl_convert.vegalite_to_svg(whole, format_locale=locale)
    return NAMES.sub(rf"\1{name}-\2", svg)
