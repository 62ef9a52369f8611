"""Properties that a schema does not have are kept aside, whichever way their records take."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.target_duckdb.loading import KEYED, Warehouse, record, records, schema, state

NAMES = ["more", "Name", "über", 'a "b"', "", "nul\0", "name2", "s0", "c0", "record", "version", "x" * 300]
VALUES = st.sampled_from(
    [
        *(
            '"x"',
            "1.10",
            "12345678901234567890.123456789",
            "null",
            '{"a": [1.50, null]}',
            '"\\ud800"',
            "1e400",
        ),
        *("true", '"it\'s"', "[]", "-0", '" "', '"\\""', '"a\\u0000"'),
    ]
)
RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", '"3"', "7", "true"]),
        st.dictionaries(st.sampled_from(["name", "n", *NAMES]), VALUES, max_size=4),
        st.sampled_from(["a", "b"]),
    ),
    min_size=1,
    max_size=25,
)
RULES = {**KEYED, "n": {"type": ["number", "null"]}}


def lines_of(found: list[tuple[str, dict[str, str], str]]) -> list[bytes]:
    """Return RECORD messages of raw values."""
    made = []
    for key, values, stream in found:
        parts = ",".join(f"{json.dumps(name)}:{raw}" for name, raw in {"id": key, **values}.items())
        made.append(f'{{"type":"RECORD","stream":"{stream}","record":{{{parts}}}}}'.encode())
    return made


def load(path, found, monkeypatch, *, most: int, careful: int, key: dict, one_by_one: bool) -> tuple:
    warehouse = Warehouse(path)
    with monkeypatch.context() as patch:
        patch.setattr("target_duckdb.strays.MOST", most)
        patch.setattr("target_duckdb.streams.CAREFUL_ROWS", careful)
        rules = RULES | {"id": key}
        warehouse.load(schema("a", rules), schema("b", rules), *lines_of(found), one_by_one=one_by_one)
    tables = [warehouse.sql(f"SELECT * FROM crm.{name} ORDER BY ALL") for name in ("a", "b")]
    kept = "SELECT stream, key::VARCHAR, property, raw, reason FROM _load.rejected_values ORDER BY ALL"
    return tables, warehouse.sql(kept), [warehouse.tally(name) for name in ("a", "b")]


@pytest.mark.parametrize("number", [20, pytest.param(500, marks=pytest.mark.soak)])
def test_what_is_kept_does_not_depend_on_the_way(tmp_path_factory, monkeypatch, number):
    @settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        RECORDS,
        st.sampled_from([0, 4096]),
        st.sampled_from([{"type": "integer"}, {"type": "string"}, {"type": "number"}]),
        st.booleans(),
    )
    def check(found, careful, key, one_by_one):
        folder = tmp_path_factory.mktemp("strays")
        way = {"careful": careful, "key": key, "one_by_one": one_by_one}
        quick = load(folder / "quick.duckdb", found, monkeypatch, most=100, **way)
        assert quick == load(folder / "slow.duckdb", found, monkeypatch, most=0, **way)

    check()


def test_every_value_is_kept_once_as_it_came(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    sent = [
        f'{{"type":"RECORD","stream":"a","record":{{"id":{n},"price":{n}.10,"name":"n","gone":null}}}}'.encode()
        for n in range(20_000)
    ]
    messages = [schema("a"), *records("a", range(20_000, 20_010)), *sent, state(1)]
    assert warehouse.load(*messages, batch_size_rows=6000) == [1]
    assert warehouse.one("SELECT count(*) FROM crm.a") == 20_010
    query = "SELECT count(*), count(DISTINCT raw), bool_and(raw = (key ->> 'id') || '.10')"
    assert warehouse.sql(f"{query} FROM _load.rejected_values") == [(20_000, 20_000, True)]


def test_a_stray_of_a_stream_without_a_key_and_of_one_whose_schema_then_has_it(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    more = [record("log", id=number, more=number) for number in range(3)]
    messages = [
        schema("log", keys=[]),
        *more,
        schema("log", {**KEYED, "more": {"type": "integer"}}, []),
        *more,
    ]
    warehouse.load(*messages)
    assert warehouse.sql("SELECT more FROM crm.log ORDER BY ALL") == [
        (0,),
        (1,),
        (2,),
        (None,),
        (None,),
        (None,),
    ]
    kept = warehouse.sql("SELECT key::VARCHAR, property, raw FROM _load.rejected_values ORDER BY raw")
    assert kept == [("null", "more", str(number)) for number in range(3)]


def test_a_hundred_strays_and_more(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    chance = random.Random(3)
    wide = [record("a", id=n, **{f"x{chance.randrange(300)}": n for _ in range(20)}) for n in range(200)]
    warehouse.load(schema("a"), *wide)
    sent = sum(len(message["record"]) - 1 for message in wide)
    assert warehouse.one("SELECT count(*) FROM _load.rejected_values") == sent
    assert warehouse.ids("crm.a") == list(range(200))


@pytest.mark.parametrize("times", [1, 3])
def test_a_stray_stops_the_run_where_the_settings_say_so(tmp_path, times):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    sent = [record("a", id=number, more=1) for number in range(times)]
    done = warehouse.command(schema("a"), *sent, on_invalid_value="fail")
    assert done.returncode == 1
    assert b"more: not in the schema" in done.stderr
