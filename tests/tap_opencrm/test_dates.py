"""Dates and times as OpenCRM writes them."""

from __future__ import annotations

import pendulum
import pytest
from tap_opencrm.dates import parse_date, parse_datetime

LONDON = pendulum.timezone("Europe/London")
NEVER = [
    "",
    " ",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "00-00-0000",
    "00-00-0000 00:00",
    "-001-11-30T00:00:00-00:01",
    "-0001-11-30T00:00:00-00:01",
    "1970-01-01T00:00:00+00:00",
    "1970-01-01T01:00:00+01:00",
]
NONSENSE = [
    "tbc",
    "2026-02-31",
    "31-02-2026",
    "31/12/2025",
    "20251231",
    "1e9",
    "99999-01-01",
    "2026-13-01",
    "2026-00-10",
    "2026-1-1",
    "04-08-15",
    "2026-11-20T25:00:00+00:00",
    "yesterday",
    "0001-01-01T00:00:00+14:00x",
]


@pytest.mark.parametrize("text", NEVER)
def test_what_php_makes_of_no_date_is_null(text):
    assert parse_datetime(text, LONDON) is None
    assert parse_date(text) is None


@pytest.mark.parametrize("text", NONSENSE)
def test_nothing_is_invented_for_nonsense(text):
    with pytest.raises(ValueError):
        parse_datetime(text, LONDON)
    with pytest.raises(ValueError):
        parse_date(text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2015-08-04T15:04:01+01:00", "2015-08-04T14:04:01+00:00"),
        ("2015-08-04T15:04:01Z", "2015-08-04T15:04:01+00:00"),
        ("2015-08-04 15:04:01", "2015-08-04T14:04:01+00:00"),
        ("2015-12-04 15:04:01", "2015-12-04T15:04:01+00:00"),
        ("04-08-2015", "2015-08-03T23:00:00+00:00"),
        ("04-08-2015 15:04", "2015-08-04T14:04:00+00:00"),
        ("2026-03-29 00:59:59", "2026-03-29T00:59:59+00:00"),
        ("2026-03-29 01:30:00", "2026-03-29T01:30:00+00:00"),
        ("2026-03-29 02:00:00", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25 00:30:00", "2026-10-24T23:30:00+00:00"),
        ("2026-10-25 01:30:00", "2026-10-25T01:30:00+00:00"),
        ("2026-10-25 02:00:00", "2026-10-25T02:00:00+00:00"),
        ("2026-10-25T01:30:00+01:00", "2026-10-25T00:30:00+00:00"),
    ],
)
def test_times_become_utc_on_both_sides_of_a_clock_change(text, instant):
    assert parse_datetime(text, LONDON) == instant


@pytest.mark.parametrize(
    "text",
    [
        "2015-08-04",
        "04-08-2015",
        "2015-08-04 00:00:00",
        "2015-08-04T00:00:00+01:00",
        "2015-08-04T00:00:00+00:00",
        "2015-08-04T00:00:00-11:00",
        "2015-08-04T00:00:00+14:00",
        "2015-08-04T23:30:00+01:00",
    ],
)
def test_a_date_is_the_day_that_was_written_in_any_zone(text):
    assert parse_date(text) == "2015-08-04"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
@pytest.mark.parametrize("offset", ["+00:00", "+01:00"])
def test_a_date_survives_both_days_of_clock_change(day, offset):
    assert parse_date(f"{day}T00:00:00{offset}") == day


def test_a_birthday_in_1970_is_not_taken_for_no_date():
    assert parse_date("1970-01-01T00:00:00+01:00") == "1970-01-01"
    assert parse_date("01-01-1970") == "1970-01-01"
