"""Scanning a list by offsets, without HTTP."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_opencrm.errors import UnstableListError
from tap_opencrm.paging import Scan

MEANINGS = {
    "exclusive": lambda rows, window: rows[window.start : window.end],
    "inclusive": lambda rows, window: rows[window.start : window.end + 1],
    "count": lambda rows, window: rows[window.start : window.start + window.end],
    "no limits": lambda rows, _: list(rows),
}


def scan_list(rows, meaning, *, cap=None, change=None, page_size=10, expected=None, lanes=1):
    """Read a list to its end; return the scan and the number of requests."""
    scan, pages, requests = Scan(page_size, expected, lanes), {}, 0
    while not scan.is_finished:
        for window in scan.next_windows():
            if change:
                change(rows)
            requests += 1
            pages[window] = MEANINGS[meaning](rows, window)[:cap]
        scan.accept(pages.pop(scan.waiting[0]))
    return scan, requests


def rows_of(count):
    return [(str(number), "old") for number in range(count)]


@pytest.mark.parametrize("meaning", MEANINGS)
@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("is_counted", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 12, 19, 20, 21, 22, 101, 1000])
def test_every_row_is_seen_under_every_meaning(meaning, lanes, is_counted, count):
    expected = count if is_counted else None
    scan, _ = scan_list(rows_of(count), meaning, lanes=lanes, expected=expected)
    assert len(scan.seen) == count


@pytest.mark.parametrize("meaning", ["exclusive", "inclusive", "count"])
@pytest.mark.parametrize("lanes", [1, 4])
def test_a_server_with_shorter_pages_of_its_own_is_read_whole(meaning, lanes):
    scan, _ = scan_list(rows_of(500), meaning, lanes=lanes, expected=500, cap=7)
    assert len(scan.seen) == 500


@pytest.mark.parametrize(("meaning", "most"), [("exclusive", 112), ("inclusive", 101), ("count", 112)])
def test_pages_neither_grow_nor_overlap_by_more_than_a_row(meaning, most):
    assert scan_list(rows_of(1000), meaning, expected=1000)[1] <= most


def test_nothing_is_asked_behind_the_end_when_the_count_is_known():
    assert scan_list(rows_of(15), "exclusive", expected=15)[1] == 2


def test_pages_are_asked_side_by_side_once_two_pages_told_their_length():
    scan = Scan(10, 100, lanes=4)
    rows = rows_of(100)
    for _ in range(2):
        (window,) = scan.next_windows()
        scan.accept(rows[window.start : window.end])
    assert [window.start for window in scan.next_windows()] == [18, 27, 36, 45]


def test_a_deleted_page_behind_us_hides_no_row():
    def delete_once(rows):
        if len(rows) == 100 and delete_once.calls == 3:
            del rows[:15]
        delete_once.calls += 1

    delete_once.calls = 0
    scan, _ = scan_list(rows_of(100), "exclusive", expected=100, change=delete_once)
    assert {str(number) for number in range(15, 100)} <= set(scan.seen)


def test_a_list_without_any_order_is_refused():
    with pytest.raises(UnstableListError, match="changes from page to page"):
        scan_list(rows_of(400), "exclusive", expected=10_000, change=Random(7).shuffle)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_rows_that_nobody_touches_are_seen_whatever_happens_to_others(data):
    order = data.draw(st.sampled_from(["by id", "by change", "newest first"]))
    touched, new_numbers, stamps = set(), iter(range(1000, 9999)), iter(range(10_000))

    def put(rows, place, row):
        touched.add(row[0])
        rows.insert({"by id": place, "by change": len(rows), "newest first": 0}[order], row)

    def change(rows):
        for action in data.draw(st.lists(st.sampled_from("iiudd"), max_size=4)):
            if action == "i":
                put(rows, len(rows), (str(next(new_numbers)), str(next(stamps))))
            elif rows:
                place = data.draw(st.integers(0, len(rows) - 1))
                key = rows.pop(place)[0]
                touched.add(key)
                if action == "u":
                    put(rows, place, (key, str(next(stamps))))

    rows = rows_of(data.draw(st.integers(0, 30)))
    try:
        scan, _ = scan_list(
            rows,
            data.draw(st.sampled_from(["exclusive", "inclusive", "count"])),
            page_size=data.draw(st.sampled_from([3, 5, 10])),
            expected=len(rows),
            lanes=data.draw(st.sampled_from([1, 3])),
            change=change,
        )
    except UnstableListError:
        return  # said so, and the bookmark stays where it was
    assert [key for key, _ in rows if key not in scan.seen and key not in touched] == []
