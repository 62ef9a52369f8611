"""Dates as PHP writes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable

_STORED = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")
_ZERO = re.compile(r"0000-00-00( 00:00:00)?")

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_NOON = 12
_LETTERS: dict[str, Callable[[datetime], str]] = {
    "d": lambda moment: f"{moment.day:02d}",
    "D": lambda moment: _DAYS[moment.weekday()][:3],
    "j": lambda moment: str(moment.day),
    "l": lambda moment: _DAYS[moment.weekday()],
    "N": lambda moment: str(moment.isoweekday()),
    "m": lambda moment: f"{moment.month:02d}",
    "M": lambda moment: _MONTHS[moment.month - 1][:3],
    "n": lambda moment: str(moment.month),
    "F": lambda moment: _MONTHS[moment.month - 1],
    "Y": lambda moment: f"{moment.year:04d}",
    "y": lambda moment: f"{moment.year % 100:02d}",
    "H": lambda moment: f"{moment.hour:02d}",
    "G": lambda moment: str(moment.hour),
    "h": lambda moment: f"{(moment.hour - 1) % 12 + 1:02d}",
    "g": lambda moment: str((moment.hour - 1) % 12 + 1),
    "i": lambda moment: f"{moment.minute:02d}",
    "s": lambda moment: f"{moment.second:02d}",
    "a": lambda moment: "am" if moment.hour < _NOON else "pm",
    "A": lambda moment: "AM" if moment.hour < _NOON else "PM",
    "c": lambda moment: moment.isoformat(timespec="seconds"),
    "U": lambda moment: str(int(moment.timestamp())),
    "P": lambda moment: moment.isoformat()[-6:],
    "O": lambda moment: moment.strftime("%z"),
    "T": lambda moment: moment.tzname() or "UTC",
    "e": lambda moment: str(moment.tzinfo),
}
_BEFORE_CHRIST = {
    "d": "30", "D": "Tue", "j": "30", "l": "Tuesday", "N": "2", "m": "11", "M": "Nov", "n": "11",
    "F": "November", "Y": "-001", "y": "-1", "H": "00", "G": "0", "h": "12", "g": "12", "i": "00", "s": "00",
    "a": "am", "A": "AM", "c": "-001-11-30T00:00:00-00:01", "U": "-62169984000", "P": "-00:01", "O": "-0001",
    "T": "LMT", "e": "Europe/London",
}  # fmt: skip


def from_url(text: str) -> str:
    """Read a format as OpenCRM's addresses write it: `_` is a space, `*` a slash."""
    return text.replace("_", " ").replace("*", "/")


def is_zero(stored: str) -> bool:
    """Tell whether a stored date is MySQL's zero date."""
    return _ZERO.fullmatch(stored) is not None


@lru_cache(maxsize=200_000)
def format_stored(stored: str, pattern: str, zone: str) -> str:
    """Write a stored local date (and time) by a PHP format; what is no date stays as it is."""
    if not _STORED.fullmatch(stored):
        return stored
    try:
        moment = datetime.fromisoformat(stored)
    except ValueError:
        return stored
    return _write(pattern, localise(moment, zone))


@lru_cache(maxsize=100)
def naive_sentinel(stored: str, pattern: str, zone: str) -> str:
    """Write what `date(format, strtotime(value))` gives for a value that is empty, zero or no date."""
    if is_zero(stored):
        return "".join(_BEFORE_CHRIST.get(letter, letter) for letter in pattern)
    return _write(pattern, datetime.fromtimestamp(0, ZoneInfo(zone)))


def day_first(stored: str) -> str:
    """Turn a stored date into OpenCRM's own form, dd-mm-yyyy; what is no date stays as it is."""
    if len(stored) != len("2026-01-31") or not _STORED.fullmatch(stored):
        return stored
    return f"{stored[8:]}-{stored[5:7]}-{stored[:4]}"


def localise(moment: datetime, zone: str) -> datetime:
    """Place a local moment in its zone as PHP does: the later of two, and past a gap."""
    place = ZoneInfo(zone)
    later = moment.replace(tzinfo=place, fold=1)
    if later.astimezone(UTC).astimezone(place).replace(tzinfo=None) == moment:
        return later
    return moment.replace(tzinfo=place).astimezone(UTC).astimezone(place)


def to_local(moment: datetime, zone: str) -> str:
    """Write a moment as OpenCRM stores it: local time, whole seconds, no offset."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def last_clock_changes(today: date, zone: str) -> list[datetime]:
    """Find the local moments half an hour into the last two clock changes before a day."""
    place = ZoneInfo(zone)
    changes: list[datetime] = []
    hour = int(datetime(today.year, today.month, today.day, tzinfo=UTC).timestamp()) // 3600
    day = 24
    offsets = (
        datetime.fromtimestamp(h * 3600, place).utcoffset() for h in range(hour, hour - 800 * day, -day)
    )
    previous = None
    for index, offset in enumerate(offsets):
        if previous is not None and offset != previous:
            evening = datetime.fromtimestamp((hour - index * day) * 3600, place)
            changes.append(datetime(evening.year, evening.month, evening.day, 1, 30))  # noqa: DTZ001 - local
        previous = offset
    return changes[:2]


def _write(pattern: str, moment: datetime) -> str:
    return "".join(_LETTERS[letter](moment) if letter in _LETTERS else letter for letter in pattern)
