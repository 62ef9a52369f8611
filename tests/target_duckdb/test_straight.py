"""Plain records go straight into their table; whatever is odd about them is found out, and costs nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.target_duckdb.loading import KEYED, Warehouse, record, records, schema, state

if TYPE_CHECKING:
    from collections.abc import Iterable

TEXT = {"type": ["string", "null"]}
RULES = {"id": {"type": "integer"}, "value": TEXT}
NUMBERS = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?", fullmatch=True),
).map(str)
STRUCTURES = st.recursive(
    NUMBERS,
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
    max_leaves=5,
)
TEXTS = st.one_of(st.text(st.characters(codec="utf-8", exclude_characters="\0")), NUMBERS, STRUCTURES)


@pytest.fixture(autouse=True)
def _light(monkeypatch):
    """Treat the few records of a test like those of a long stream, at whose texts only DuckDB looks."""
    monkeypatch.setattr("target_duckdb.streams.CAREFUL_ROWS", 0)


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def raw(number: int, value: str) -> bytes:
    return f'{{"type":"RECORD","stream":"notes","record":{{"id":{number},"value":{value}}}}}'.encode()


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def without_sign(values: Iterable[str]) -> list[str]:
    """Return numbers of which a zero may have lost its sign, as DuckDB's integers have none there."""
    return ["0" if value == "-0" else value for value in values]


@pytest.mark.parametrize("number", [20, pytest.param(500, marks=pytest.mark.soak)])
def test_what_is_no_text_comes_back_as_it_was_written_beside_texts_that_look_like_it(
    tmp_path_factory, number
):
    @settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(STRUCTURES.filter(is_json), max_size=6),
        st.lists(TEXTS, max_size=6),
        st.sampled_from([1, 3, 1000]),
    )
    def check(values, texts, size):
        given_values = [*values, *(json.dumps(text, ensure_ascii=False) for text in texts)]
        warehouse = Warehouse(tmp_path_factory.mktemp("texts") / "warehouse.duckdb")
        places = enumerate(given_values)
        sent = [message for place in places for message in (raw(*place), state(place[0]))]
        warehouse.load(schema("notes", RULES), *sent, batch_size_rows=size)
        stored = [value for (value,) in warehouse.sql("SELECT value FROM crm.notes ORDER BY id")]
        assert stored[len(values) :] == texts
        assert without_sign(stored[: len(values)]) == without_sign(values)
        assert warehouse.rejected() == []

    check()


def test_a_stream_with_a_number_among_its_texts_stays_exact_in_later_batches(warehouse):
    values = ['"plain"', "1.10", '"plain"', "1e5", '"2.5"', "[1.10]"]
    sent = [message for place in enumerate(values) for message in (raw(*place), state(place[0]))]
    warehouse.load(schema("notes", RULES), *sent, batch_size_rows=1)
    found = [row[0] for row in warehouse.sql("SELECT value FROM crm.notes ORDER BY id")]
    assert found == ["plain", "1.10", "plain", "1e5", "2.5", "[1.10]"]


@pytest.mark.parametrize("careful", range(1, 6))
def test_a_stream_stays_exact_when_it_becomes_long(warehouse, monkeypatch, careful):
    monkeypatch.setattr("target_duckdb.streams.CAREFUL_ROWS", careful)
    values = ["1.10", '"1.10"', "[1.10]", "2.50", '"plain"', "1e5", "[ 2.50 ]", '"2.50"'] * 2
    warehouse.load(schema("notes", RULES), *(raw(*place) for place in enumerate(values)), one_by_one=True)
    found = [row[0] for row in warehouse.sql("SELECT value FROM crm.notes ORDER BY id")]
    assert found == [json.loads(value) if value.startswith('"') else value for value in values]


@pytest.mark.parametrize("name", ["rowid", "RowId"])
def test_a_property_named_like_the_row_number_is_loaded_like_others(warehouse, name):
    rules = {"id": {"type": "integer"}, name: TEXT}
    for value in "abc":
        warehouse.load(schema("notes", rules), *(record("notes", id=n, **{name: value}) for n in range(3)))
    assert warehouse.sql(f'SELECT id, "{name}" FROM crm.notes ORDER BY id') == [(n, "c") for n in range(3)]
    assert warehouse.tally("notes")["updated"] == 3


def test_rows_that_came_before_are_updated_others_inserted_and_the_rest_left_alone(warehouse):
    warehouse.load(schema("a", KEYED), *records("a", range(10)))
    warehouse.load(schema("a", KEYED), *records("a", range(5, 15)))
    assert warehouse.ids("crm.a") == list(range(15))
    assert (warehouse.tally("a")["updated"], warehouse.tally("a")["inserted"]) == (5, 5)


def test_an_odd_stream_leaves_the_counts_of_the_others_right(warehouse):
    twice = [*records("a", range(3)), *records("a", range(3))]
    warehouse.load(schema("a", KEYED), schema("b", KEYED), *records("b", range(4)), *twice)
    assert [warehouse.tally(name)["in"] for name in "ab"] == [6, 4]
    assert [warehouse.tally(name)["inserted"] for name in "ab"] == [3, 4]
    assert warehouse.tally("a")["superseded"] == 3


def test_nothing_is_committed_after_a_batch_that_failed(warehouse):
    rules = {"id": {"type": "integer"}, "day": {"type": "string", "format": "date"}}
    days = ["2024-01-01", "2024-01-02", "never", *["2024-01-03"] * 20]
    sent: list = [schema("a", rules)]
    for number, day in enumerate(days):
        sent += [record("a", id=number, day=day), state(number)]
    run = warehouse.command(*sent, batch_size_rows=1, on_invalid_value="fail")
    assert run.returncode == 1
    assert b"day" in run.stderr
    assert warehouse.ids("crm.a") == [0, 1]
    assert [json.loads(line) for line in run.stdout.splitlines()] == [0, 1]
    assert warehouse.one("SELECT value::VARCHAR FROM _load.state") == "1"


@pytest.mark.parametrize("sent", [b"%s%s\n", b"%s %s\n"])
def test_two_records_in_a_line_are_a_mistake(warehouse, sent):
    first = b"".join(raw(n, '"a"') + b"\n" for n in range(5))
    both = sent % (raw(5, '"b"'), raw(6, '"c"'))
    run = warehouse.command(schema("notes", RULES), first[:-1], both[:-1])
    assert run.returncode == 1
    assert b"line 7" in run.stderr
    assert b"Traceback" not in run.stderr
