"""Numbers and structures where a text is declared are texts as they came, in whatever way a record goes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from target_duckdb.values import Rewriter

from tests.target_duckdb.loading import Warehouse, record, schema, state

RULES = {
    "id": {"type": "integer"},
    "name": {"type": "string"},
    "naïve": {"type": "string"},
    "more": {"type": "object"},
}
RAWS = [
    "1.10", "1.1", "-1.5e3", "1E400", "-0.0", "5", "12345678901234567890123", "true", "null",
    '"plain"', '"1.10"', '"name"', '"a\\":1.10"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\u006eame"', '"é"',
    "[1.10, 2]", "[ ]", '{"name":1.10}', '{"name": 1.10 }', '{"a":"\\ud800"}', '{"a":"é\\u00e9"}',
]  # fmt: skip
MEMBERS = st.tuples(
    st.sampled_from(['"name"', '"name"', '"naïve"', '"na\\u00efve"', '"n\\u0061me"', '"more"', '"else"']),
    st.sampled_from([":", ": ", " : "]),
    st.sampled_from(RAWS),
)
RECORDS = st.lists(st.lists(MEMBERS, max_size=5), min_size=1, max_size=12)


def line(number: int, members: list[tuple[str, str, str]]) -> bytes:
    parts = "".join(f",{name}{colon}{raw}" for name, colon, raw in members)
    return f'{{"type":"RECORD","stream":"a","record":{{"id":{number}{parts}}}}}'.encode()


def load(path, found, monkeypatch, *, is_quick: bool, careful: int, one_by_one: bool) -> tuple:
    warehouse = Warehouse(path)
    with monkeypatch.context() as patch:
        patch.setattr("target_duckdb.streams.CAREFUL_ROWS", careful)
        if not is_quick:
            patch.setattr("target_duckdb.streams.mender", lambda *_: lambda *_: None)
            patch.setattr("target_duckdb.staging.mender", lambda *_: lambda *_: None)
        sent = [line(number, members) for number, members in enumerate(found)]
        warehouse.load(schema("a", RULES), *sent, state(1), one_by_one=one_by_one)
    kept = "SELECT key::VARCHAR, property, raw, reason FROM _load.rejected_values ORDER BY ALL"
    return warehouse.sql("SELECT * FROM crm.a ORDER BY ALL"), warehouse.sql(kept)


@pytest.mark.parametrize("number", [20, pytest.param(1000, marks=pytest.mark.soak)])
def test_what_is_stored_does_not_depend_on_the_way(tmp_path_factory, monkeypatch, number):
    @settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(RECORDS, st.sampled_from([0, 3, 4096]), st.booleans())
    def check(found, careful, one_by_one):
        folder, way = tmp_path_factory.mktemp("nontexts"), {"careful": careful, "one_by_one": one_by_one}
        quick = load(folder / "quick.duckdb", found, monkeypatch, is_quick=True, **way)
        assert quick == load(folder / "slow.duckdb", found, monkeypatch, is_quick=False, **way)

    check()


@pytest.mark.parametrize("careful", [0, 4096])
def test_only_the_first_of_many_is_taken_apart(tmp_path, monkeypatch, careful):
    monkeypatch.setattr("target_duckdb.streams.CAREFUL_ROWS", careful)
    taken, rewrite = [], Rewriter.rewrite
    monkeypatch.setattr(Rewriter, "rewrite", lambda self, given: taken.append(given) or rewrite(self, given))
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    sent = [line(number, [('"name"', ":", f"{number}.10")]) for number in range(1000)]
    rules = {name: RULES[name] for name in ("id", "name")}
    warehouse.load(schema("a", rules), *sent, record("a", id=1000, name="1.10"), state(1))
    assert warehouse.sql("SELECT id, name FROM crm.a ORDER BY id")[-2:] == [(999, "999.10"), (1000, "1.10")]
    assert warehouse.one("SELECT bool_and(name = id || '.10') FROM crm.a WHERE id < 1000")
    assert len(taken) <= 1
