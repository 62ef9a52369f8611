"""Bodies of answers, judged without HTTP."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import SyncError
from tap_opencrm import answers
from tap_opencrm.errors import QuotaError, RefusedError, UnauthorizedError, UnreadableError

ROW = {"id": "1", "name": "Ann"}


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ([], []),
        (None, []),
        ("", []),
        (False, []),
        ({}, []),
        ([ROW], [ROW]),
        (ROW, [ROW]),
        ({"3": ROW, "5": ROW}, [ROW, ROW]),
        ({**ROW, "lines": {"1": {"a": 1}}}, [{**ROW, "lines": {"1": {"a": 1}}}]),
    ],
)
def test_rows(body, rows):
    assert answers.rows("asked", body) == rows


@pytest.mark.parametrize("body", ["text", 42, True, ["1"], [[ROW]], [ROW, None]])
def test_what_is_no_list_of_records(body):
    with pytest.raises(UnreadableError, match="asked: expected a list of records"):
        answers.rows("asked", body)


@pytest.mark.parametrize(("body", "count"), [("37", 37), (37, 37), ('"37"', 37), (" 0 ", 0), ("007", 7)])
def test_counts(body, count):
    assert answers.count("asked", body) == count


@pytest.mark.parametrize("body", [None, "", "many", "-1", "3.5", True, False, [3], {"count": 3}, "²"])
def test_what_is_no_count(body):
    with pytest.raises(UnreadableError, match="asked: expected a number"):
        answers.count("asked", body)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Unauthorized", UnauthorizedError),
        ("unauthorised", UnauthorizedError),
        ("API request limit exceeded", QuotaError),
        ("Too many requests", QuotaError),
        ("Invalid field in query_string", RefusedError),
        ("", RefusedError),
    ],
)
def test_errors_under_http_200(message, kind):
    with pytest.raises(kind, match=f'asked: OpenCRM answered "{message}"'):
        answers.decode("asked", b'{"error": "%s"}' % message.encode())


def test_a_record_with_a_field_named_error_is_a_record():
    assert answers.decode("asked", b'{"id": "1", "error": "E42"}') == {"id": "1", "error": "E42"}


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'["\\ud800"]', ["\ufffd"]),
        (b'["\\ud83d\\ude00"]', ["\U0001f600"]),
        (b'["caf\xe9"]', ["caf\ufffd"]),
        ('["£€☃𝄞\\u0000"]'.encode(), ["£€☃𝄞\x00"]),
        (b'\xef\xbb\xbf["with a mark"]', ["with a mark"]),
        (b"[0.1, 100000000000000.01]", [Decimal("0.1"), Decimal("100000000000000.01")]),
    ],
)
def test_text_and_numbers_that_are_hard_to_read(content, value):
    assert answers.decode("asked", content) == value


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000, b"[1" + b",1" * 9, b"\xff\xfe"])
def test_what_is_no_json(content):
    with pytest.raises(UnreadableError, match="asked: the answer is not JSON"):
        answers.decode("asked", content)


@pytest.mark.parametrize("content", [b"", b"  \n", b"null"])
def test_nothing_is_none(content):
    assert answers.decode("asked", content) is None


@given(st.binary())
def test_any_bytes_are_json_or_a_named_error(content):
    try:
        answers.rows("asked", answers.decode("asked", content))
    except SyncError as error:
        assert str(error).startswith("asked: ")  # noqa: PT017 # the other outcome is as good
