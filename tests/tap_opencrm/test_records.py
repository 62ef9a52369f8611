"""Rows become records that conform, with nothing lost and nothing invented."""

from __future__ import annotations

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR
from tap_opencrm.errors import MissingIdError
from tap_opencrm.records import Shape, is_secret, row_id

STRING, NULL = "string", "null"
PROPERTIES = {
    "id": {"type": [STRING]},
    "text": {"type": [STRING, NULL]},
    "day": {"type": [STRING, NULL], "format": "date"},
    "time": {"type": [STRING, NULL], "format": "date-time"},
    "money": {"type": [STRING, NULL], "format": "x-singer.decimal"},
    "whole": {"type": ["integer", NULL]},
    "number": {"type": ["number", NULL]},
    "flag": {"type": ["boolean", NULL]},
    "link": {"type": [STRING, NULL], "x-reference": "companies"},
    "_extra": {"type": ["object", NULL]},
    "_unparsed": {"type": ["object", NULL]},
}


def read(row, **options):
    return Shape(PROPERTIES, pendulum.timezone("Europe/London"), **options).read({"id": "1", **row})


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("text", "", ""),
        ("text", " two  spaces ", " two  spaces "),
        ("text", None, None),
        ("text", 5, "5"),
        ("text", True, "1"),
        ("day", "04-08-2015", "2015-08-04"),
        ("day", "", None),
        ("money", "1500.00000000", "1500.00000000"),
        ("money", "100000000000000.01", "100000000000000.01"),
        ("money", "-.5", "-.5"),
        ("money", "", None),
        ("whole", "007", 7),
        ("whole", "12.000", 12),
        ("whole", "", None),
        ("number", "65", 65.0),
        ("flag", "1", True),
        ("flag", "0", False),
        ("flag", "on", True),
        ("flag", "", None),
        ("link", "0", None),
        ("link", "", None),
        ("link", "1041", "1041"),
        ("link", 1041, "1041"),
    ],
)
def test_a_value_that_fits_its_type(field, raw, value):
    assert read({field: raw}) == {"id": "1", field: value}


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("day", "tbc"),
        ("time", "2026-02-31 10:00:00"),
        ("money", "approx. 500"),
        ("money", "1,250.00"),
        ("money", "NaN"),
        ("whole", "12.5"),
        ("whole", "9" * 40),
        ("number", "Infinity"),
        ("number", "9007199254740993"),
        ("number", "0.12345678901234567890"),
        ("flag", "maybe"),
        ("text", ["a"]),
        ("money", {"a": 1}),
    ],
)
def test_a_value_that_does_not_fit_is_null_and_kept_as_it_came(field, raw):
    assert read({field: raw}) == {"id": "1", field: None, "_unparsed": {field: raw}}


def test_misfits_are_counted_by_field():
    shape = Shape(PROPERTIES, pendulum.UTC)
    for money in ("a", "1", "b"):
        shape.read({"id": "1", "money": money})
    assert shape.unparsed == {"money": 2}


def test_fields_without_a_column_are_kept_together():
    assert read({"cf_9": "x", "unheard_of": ""}) == {"id": "1", "_extra": {"cf_9": "x", "unheard_of": ""}}


def test_fields_taken_out_of_the_catalogue_do_not_come_back():
    assert read({"birthday": "1970-02-02"}, dropped=frozenset({"birthday"})) == {"id": "1"}


@pytest.mark.parametrize(
    "name", ["password", "user_password", "portal_passwd", "pwd", "user_hash", "accesskey"]
)
def test_passwords_are_dropped(name):
    assert is_secret(name)
    assert read({name: "hunter2"}) == {"id": "1"}


@pytest.mark.parametrize(
    "row", [{"id": "7"}, {"crmid": "7"}, {"record_id": "7"}, {"id": 7}, {"id": "", "crmid": " 7 "}]
)
def test_the_id_is_found_whatever_it_is_called(row):
    assert row_id(row) == "7"


def test_other_names_of_the_id_are_not_repeated():
    shape = Shape(PROPERTIES, pendulum.UTC)
    assert shape.read({"crmid": "7", "record_id": "7"}) == {"id": "7"}


@pytest.mark.parametrize("nothing", ["0", "", None, 0, [1], {"a": 1}, 1.5], ids=repr)
def test_a_row_without_an_id_is_an_error(nothing):
    with pytest.raises(MissingIdError, match="firstname"):
        row_id({"firstname": "Ann", "id": nothing})


@pytest.mark.parametrize(
    ("text", "decoded"),
    [("R&amp;D", "R&D"), ("&amp;amp;", "&amp;"), ("&#039;", "'"), ("<p>", "<p>")],
)
def test_html_entities_are_decoded_once_and_only_on_request(text, decoded):
    assert read({"text": text})["text"] == text
    assert read({"text": text}, decode_html=True)["text"] == decoded


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.text(), values, max_size=2),
    max_leaves=3,
)


@given(st.dictionaries(st.sampled_from([*PROPERTIES, "cf_1", "other"]), json_values))
def test_any_row_becomes_a_record_that_conforms_and_loses_nothing(row):
    row = {name: value for name, value in row.items() if name not in {"id", "_extra", "_unparsed"}}
    record = read(row)
    schema = {"type": "object", "properties": PROPERTIES}
    errors = list(
        DEFAULT_JSONSCHEMA_VALIDATOR(
            schema, format_checker=DEFAULT_JSONSCHEMA_VALIDATOR.FORMAT_CHECKER
        ).iter_errors(record)
    )
    assert errors == []
    assert set(row) <= set(record) | set(record.get("_extra", {}))
