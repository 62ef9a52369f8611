"""What a stream's state tells of its fields."""

from __future__ import annotations

import pytest
from tap_opencrm.known_fields import custom_fields, new_columns, noted


def test_fields_without_a_column_are_noted_until_they_have_one():
    first = noted({}, {"id", "cf_1"}, {"cf_2", "odd"})
    assert first == {"custom_fields": ["cf_1", "cf_2"], "fields_in_extra": ["cf_2", "odd"]}
    assert noted(first, {"id", "cf_1"}, set())["fields_in_extra"] == ["cf_2", "odd"]
    assert new_columns(first, {"id", "cf_1", "cf_2"}) == ["cf_2"]
    assert noted(first, {"id", "cf_1", "cf_2"}, set())["fields_in_extra"] == ["odd"]


@pytest.mark.parametrize("state", [{}, {"custom_fields": None}, {"custom_fields": ["password", 7]}])
def test_a_state_that_tells_of_no_custom_field_names_none(state):
    assert custom_fields(state) == ()
    assert new_columns(state, {"id"}) == []
