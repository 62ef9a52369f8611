"""Values of another type than their column's are stored alike in whatever way their record goes."""

from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from target_duckdb.guards import Envelope, record_type
from target_duckdb.misfits import mendable, mender
from target_duckdb.rawjson import UNREADABLE
from target_duckdb.settings import read_settings
from target_duckdb.shapes import shape_of
from target_duckdb.values import Rewriter

from tests.target_duckdb.loading import Warehouse, record, schema, state

RULES = {
    "id": {"type": "integer"},
    "name": {"type": "string"},
    "naïve": {"type": "string"},
    "a/b": {"type": "string"},
    "n": {"type": "integer"},
    "large": {"type": "integer", "maximum": 2**70},
    "price": {"type": "number", "multipleOf": 0.01},
    "share": {"type": "string", "format": "x-singer.decimal", "precision": 2, "scale": 2},
    "flag": {"type": "boolean"},
    "more": {"type": "object"},
}
NUMBERS = ['"n"', '"large"', '"price"', '"share"']
SPELLINGS = [
    '"name"',
    '"n\\u0061me"',
    '"naïve"',
    '"na\\u00efve"',
    '"na\\u00EFve"',
    '"a/b"',
    '"a\\/b"',
    '"else"',
]
PLAIN = ["1.10", "1.1", "-1.5e3", "1E400", "-0.0", "5", "12345678901234567890123", "true", "null", '"1.10"']
ODD = [
    '"a\\":1.10"',
    '"\\ud83d\\ude00"',
    '"\\ud800"',
    '"é"',
    '{"a":"\\ud800"}',
    '{"a":"é\\u00e9"}',
    "[ 1.10]",
]
NESTED = [f"{{{name}:{raw}}}" for name in SPELLINGS for raw in ("1.10", " 1.10", "[1.10, 2]")]
FIGURES = [
    "2.0",
    "-2.00",
    "-0.0",
    "0.0",
    "2.5",
    "1.50",
    "0.25",
    "1.505",
    "1e2",
    "7",
    "-0",
    '""',
    '"7"',
    '"2.0"',
    "null",
]
FIGURES += [
    "123456789012345678.0",
    "1234567890123456789.0",
    "12345678901234567890123456789012345678.25",
    "true",
    "[1]",
]
COLONS = st.sampled_from([":", ": ", " : "])
MEMBERS = st.one_of(
    st.tuples(
        st.sampled_from([*SPELLINGS, '"more"']),
        COLONS,
        st.one_of(*(st.sampled_from(raws) for raws in (PLAIN, ODD, SPELLINGS, NESTED))),
    ),
    st.tuples(st.sampled_from(NUMBERS), COLONS, st.sampled_from(FIGURES)),
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


def values_of(line: bytes) -> dict[str, object]:
    """Return the values of a RECORD line by column, scalars as DuckDB stores them under a text."""
    record = json.loads(line, parse_float=Number, parse_int=Number)["record"]
    words = {"True": "true", "False": "false"}
    return {
        name: words.get(str(value), str(value)) if isinstance(value, Number | bool) else value
        for name, value in record.items()
        if value is not None and (value != "" or f'"{name}"' not in NUMBERS)
    }


class Number(str):
    """A number as it is written."""

    __slots__ = ()


class Mending:
    """A stream in which every value may be a misfit, and its lines taken apart one by one."""

    def __init__(self) -> None:
        message = msgspec.json.decode(json.dumps(schema("a", RULES)), type=Envelope)
        shape = shape_of(message, read_settings({"path": "x"}))
        columns = tuple(mendable(shape))
        guard = record_type(shape, is_careful=True, strays=["else"], misfits=columns)
        self.decode, self.mend = msgspec.json.Decoder(guard).decode, mender(shape, columns)
        self.take_apart = Rewriter(shape).rewrite

    def __call__(self, given_line: bytes) -> bytes | None:
        return self.mend(self.decode(given_line), given_line)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('{"name" : 1.10 ,"more":{"id":1.10}}', '{"name" : "1.10" ,"more":{"id":1.10}}'),
        ('{"naïve":[1.10, "é"]}', '{"naïve":"[1.10, \\"é\\"]"}'),
        ('{"name":"1.10","a/b":null,"naïve":5}', '{"name":"1.10","a/b":null,"naïve":5}'),
        (
            '{"n":2.0,"large":"","price":1.50,"share":0.25}',
            '{"n":2,"large":null,"price":"1.50","share":"0.25"}',
        ),
        ('{"n":"7","large":7,"price":"1.505","share":1}', '{"n":"7","large":7,"price":"1.505","share":1}'),
        ('{"flag":"1","n":1}', '{"flag":true,"n":1}'),
        ('{"flag":"True","n":1}', '{"flag":"True","n":1}'),
        ('{"flag":"yes"}', None),
        ('{"n":2.5}', None),
        ('{"n":-0.0}', None),
        ('{"price":1.505}', None),
        ('{"share":1.25}', None),
        ('{"large":"7"}', None),
        ('{"more":{"name":1.10},"name":1.10}', None),
        ('{"more":{"name":1.10},"n\\u0061me":1.10}', None),
        ('{"more":{"naïve":1.10},"na\\u00efve":1.10}', None),
        ('{"more":{"a/b":1.10},"a\\/b":1.10}', None),
    ],
)
def test_a_line_is_mended_where_it_is_plain_what_to_put_in_quotes(sent, expected):
    around = '{{"type":"RECORD","stream":"a","record":{}}}'
    sent, expected = (text and '{"id":1,' + text[1:] for text in (sent, expected))
    assert Mending()(around.format(sent).encode()) == (expected and around.format(expected).encode())


@pytest.mark.parametrize("number", [1500, pytest.param(100_000, marks=pytest.mark.soak)])
def test_a_line_that_is_mended_says_what_one_says_that_is_taken_apart(number):
    mending, mended = Mending(), 0

    @settings(max_examples=number, deadline=None)
    @given(st.lists(MEMBERS, max_size=5))
    def check(members):
        nonlocal mended
        given_line = line(1, members)
        with contextlib.suppress(*UNREADABLE):
            found = mending(given_line)
            if found is not None:
                mended += found != given_line
                known, wanted = values_of(found), values_of(mending.take_apart(given_line).line)
                known.pop("else", None)
                assert known == wanted

    check()
    assert mended > number / 100


@pytest.mark.parametrize("number", [20, pytest.param(500, marks=pytest.mark.soak)])
def test_what_is_stored_does_not_depend_on_the_way(tmp_path_factory, monkeypatch, number):
    @settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(RECORDS, st.sampled_from([0, 3, 4096]), st.booleans())
    def check(found, careful, one_by_one):
        folder, way = tmp_path_factory.mktemp("misfits"), {"careful": careful, "one_by_one": one_by_one}
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
