from __future__ import annotations

from datetime import date

import pytest
from crm_simulator.opencrm.php import day_first, format_stored, last_clock_changes, naive_sentinel

LONDON = "Europe/London"


@pytest.mark.parametrize(
    ("stored", "pattern", "expected"),
    [
        ("2015-08-04 15:04:01", "c", "2015-08-04T15:04:01+01:00"),
        ("2016-01-11 09:00:00", "c", "2016-01-11T09:00:00+00:00"),
        ("2015-08-04", "c", "2015-08-04T00:00:00+01:00"),
        ("2015-08-04 15:04:01", "d F Y H:i", "04 August 2015 15:04"),
        ("2015-08-04", "d/m/Y", "04/08/2015"),
        ("2015-08-04 15:04:01", "D j l n M N y G h g s a A", "Tue 4 Tuesday 8 Aug 2 15 15 03 3 01 pm PM"),
        ("2015-08-04 00:04:01", "g a U P T", "12 am 1438643041 +01:00 BST"),
        ("2026-10-25 01:30:00", "c", "2026-10-25T01:30:00+00:00"),
        ("2026-03-29 01:30:00", "c", "2026-03-29T02:30:00+01:00"),
        ("tbc", "c", "tbc"),
        ("2026-02-31", "c", "2026-02-31"),
    ],
)
def test_stored_dates_are_written_as_php_writes_them(stored, pattern, expected):
    assert format_stored(stored, pattern, LONDON) == expected


@pytest.mark.parametrize(
    ("stored", "zone", "expected"),
    [
        ("", LONDON, "1970-01-01T01:00:00+01:00"),
        ("", "UTC", "1970-01-01T00:00:00+00:00"),
        ("0000-00-00", LONDON, "-001-11-30T00:00:00-00:01"),
    ],
)
def test_naive_php_turns_nothing_into_its_sentinels(stored, zone, expected):
    assert naive_sentinel(stored, "c", zone) == expected


def test_a_stored_day_is_shown_day_first():
    assert (day_first("2015-08-04"), day_first("tbc"), day_first("0000-00-00")) == (
        "04-08-2015",
        "tbc",
        "00-00-0000",
    )


def test_the_last_clock_changes_are_found():
    moments = [moment.isoformat() for moment in last_clock_changes(date(2026, 11, 20), LONDON)]
    assert moments == ["2026-10-25T01:30:00", "2026-03-29T01:30:00"]


@pytest.fixture
def project(opencrm) -> str:
    for identifier in opencrm.store.ids("project"):
        opencrm.store.delete("project", identifier)
    dates = {"startdate": "2015-08-04", "enddate": "0000-00-00", "targetend": ""}
    return opencrm.store.create("project", {**dates, "modifiedtime": "2015-08-04 15:04:01"})


NATIVE = ("04-08-2015", "00-00-0000", "", "2015-08-04 15:04:01")
ISO = ("2015-08-04T00:00:00+01:00", "0000-00-00", "", "2015-08-04T15:04:01+01:00")
DOCUMENTED = ("04/08/2015", "0000-00-00", "", "04 August 2015 15:04")
PHP = (ISO[0], "-001-11-30T00:00:00-00:01", "1970-01-01T01:00:00+01:00", ISO[3])


def dates(answer) -> tuple[str, ...]:
    (row,) = answer.json
    return row["startdate"], row["enddate"], row["targetend"], row["modifiedtime"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", NATIVE),
        ("/dateTimeOverride/c/dateOverride/c", ISO),
        ("/dateOverride/c/dateTimeOverride/c/", ISO),
        ("/dateTimeOverride/c", (*NATIVE[:3], ISO[3])),
        (
            "/dateTimeOverride/d_F_Y_H:i/dateOverride/d*m*Y",
            ("04/08/2015", "0000-00-00", "", "04 August 2015 15:04"),
        ),
    ],
    ids=["none", "both", "other order", "one", "documented"],
)
def test_overrides_in_the_path_decide_the_form(call, project, path, expected):
    assert dates(call(f"get_project_list_full{path}")) == expected


def test_overrides_are_taken_from_the_form_too(call, project):
    assert dates(call("get_project_list_full", dateTimeOverride="c", dateOverride="c")) == ISO


def test_naive_php_is_a_switch(call, opencrm, project):
    opencrm.switches.zero_dates = "php"
    assert dates(call("get_project_list_full/dateTimeOverride/c/dateOverride/c")) == PHP
    assert dates(call("get_project_list_full")) == NATIVE


def test_overrides_may_do_nothing(call, opencrm, project):
    opencrm.switches.overrides = False
    assert dates(call("get_project_list_full/dateTimeOverride/c/dateOverride/c")) == NATIVE
