"""The dirt of real systems: nothing that is written through OpenCRM's API is ever checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crm_simulator.opencrm.modules import Kind, Module
    from crm_simulator.opencrm.world import Values


@dataclass(frozen=True)
class Stain:
    """Every `every`th record (from `first`) has `value` in its field number `nth` of a kind."""

    every: int
    first: int
    kind: Kind
    nth: int
    value: str


STAINS = (
    Stain(13, 3, "money", 0, "approx. 500"),
    Stain(13, 5, "money", 1, "1,250.00"),
    Stain(17, 4, "money", -1, "12.500000000"),
    Stain(19, 6, "int", 0, "ten"),
    Stain(23, 7, "int", 1, "007"),
    Stain(9, 2, "date", 0, "0000-00-00"),
    Stain(11, 4, "date", 1, "0000-00-00"),
    Stain(29, 8, "date", -1, "tbc"),
    Stain(31, 9, "date", 0, "2026-02-31"),
    Stain(7, 1, "ref", 1, ""),
    Stain(8, 3, "ref", 1, "0"),
    Stain(37, 10, "ref", -1, "deleted user"),
    Stain(27, 6, "flag", 0, "yes"),
    Stain(41, 5, "datetime", -1, "0000-00-00 00:00:00"),
)
_PROTECTED = ("smownerid", "createdtime", "modifiedtime")
_SUMS = ("subtotal", "total")


def soil(module: Module, index: int, values: Values) -> None:
    """Stain one record of a module by its position."""
    for stain in STAINS:
        if index % stain.every == stain.first:
            _apply(module, stain, values)
    if index % 7 == 0 and "description" in values:
        values["description"] += (
            " Terms &amp; conditions: &quot;as agreed&quot;, it&#039;s &lt;b&gt;urgent&lt;/b&gt;"
        )
    if index % 12 == 1 and "description" in values:
        values["description"] += "\r\nSecond line\twith a tab, a \\ backslash and £ € ☃ 𝄞"


def _apply(module: Module, stain: Stain, values: Values) -> None:
    names = [name for name in module.of_kind(stain.kind) if name not in (*_PROTECTED, *_SUMS)]
    if -len(names) <= stain.nth < len(names):
        values[names[stain.nth]] = stain.value


def straddle(changes: list[datetime], rows: list[Values]) -> None:
    """Let the first records of a module lie around the last two clock changes."""
    spans = (timedelta(0), timedelta(hours=-1), timedelta(hours=1), timedelta(minutes=30))
    moments = [change + span for change in changes for span in spans]
    for values, moment in zip(rows[1:], moments, strict=False):
        values["modifiedtime"] = moment.isoformat(" ")


def tie(rows: list[Values]) -> None:
    """Let some neighbours have been changed in the same second, as by an import."""
    for index in range(20, len(rows), 40):
        for values in rows[index - 3 : index]:
            values["modifiedtime"] = rows[index]["modifiedtime"]
