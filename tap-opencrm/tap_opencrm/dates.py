"""OpenCRM's dates and times become ISO 8601: pure functions."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache

from pendulum.tz.timezone import FixedTimezone, Timezone

Zone = Timezone | FixedTimezone

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_DAY_FIRST = re.compile(r"(\d\d)-(\d\d)-(\d{4})(?: (\d\d:\d\d(?::\d\d)?))?")
# What PHP makes of an empty or zero date, and the zero dates themselves.
_NEVER = re.compile(r"0000-00-00|00-00-0000|-0{0,3}1-")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO_DAY = 10


def _iso(text: str) -> str:
    """Return the text with its date in ISO order; raise ValueError if it is no date."""
    if _ISO.fullmatch(text):
        return text
    if not (found := _DAY_FIRST.fullmatch(text)):
        raise ValueError(text)
    day, month, year, time = found.groups()
    return f"{year}-{month}-{day}" + (f" {time}" if time else "")


def parse_datetime(text: str, zone: Zone) -> str | None:
    """Return an ISO date-time in UTC, None for "never"; raise ValueError if the text is neither."""
    text = text.strip()
    if not text or _NEVER.match(text):
        return None
    moment = datetime.fromisoformat(_iso(text))
    if moment.tzinfo is None:
        # Like PHP: the second of two equal hours in autumn, and forward out of the lost hour in spring.
        moment = zone.convert(moment.replace(fold=1))
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error
    return None if moment == _EPOCH else moment.isoformat()


@lru_cache(maxsize=4096)
def parse_date(text: str) -> str | None:
    """Return the ISO date as it was written, None for "never"; raise ValueError if the text is neither.

    A date is a day in the life of its users, not an instant: the offset that `c` appends is not applied.
    """
    text = text.strip()
    if not text or _NEVER.match(text):
        return None
    iso = _iso(text)
    moment = datetime.fromisoformat(iso)
    if moment.tzinfo is not None and moment == _EPOCH:
        return None
    return date.fromisoformat(iso[:_ISO_DAY]).isoformat()
