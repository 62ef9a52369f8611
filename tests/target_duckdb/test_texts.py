"""Values that come as something else are stored alike, in passing or looked at one by one."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.target_duckdb.loading import Warehouse, schema

TEXTS = [
    *(
        [
            "12",
            "-5",
            "+5",
            "007",
            "-0",
            "1.0",
            "1.5",
            "1e3",
            "1E3",
            ".5",
            "5.",
            "nan",
            "NaN",
            "inf",
            "Infinity",
            "1e400",
            "1e-400",
            "1e99",
            "null",
            "NULL",
            "true",
            "TRUE",
        ]
    ),
    *(
        [
            "True",
            "t",
            "1",
            "0",
            "yes",
            "no",
            "false",
            "9223372036854775808",
            "9223372036854775807",
            "999999999999999999",
            "9007199254740992",
            "9007199254740993",
            "9007199254740993.0",
            "0x1F",
            "1_000",
        ]
    ),
    *(
        [
            "-9223372036854775808",
            "0.1e1",
            "--5",
            "1,5",
            "0.1",
            "123456789012345678.5",
            "1.7976931348623157e308",
            "\\u0031",
        ]
    ),
    *(
        "",
        " 12",
        "12 ",
        "1\\n",
        "\\uff11\\uff12",
        "١٢",
        "0" * 40 + "1",
        "+0.5",
        "0.50",
        "YWJj",
        "9" * 150,
        "9" * 90 + "e99",
        *["-.5", "+.5", ".0", "-.0", ".50", ".5e1", ".", "-.", "FALSE", "False", "tRUE", "01", "1.0"],
        *["YWJj\\n", "YW\\r\\nJj", " YWJj", "Y W", "\\n", "YWJ\\u00a0j"],
    ),
]
RAWS = [
    *(f'"{text}"' for text in TEXTS),
    *["null", "true", "false", "0", "1", "2", "1.0", "1.5", "1e3", "-0.0"],
    *["999999999999999", "9007199254740992", "9007199254740993", "-9007199254740993", "9007199254740994"],
    *['{"a":1,"a":2}', '{"a":1,"a":1e400}', '[{"b":{"a":1,"a":"é"}}]', "12", "100", "99.99", "1e2", "0.123"],
    *["9007199254740993.0", "900719925474099.3e1", "1000000000000000000000000", "100000000000000000000001"],
]
"""Not -0, a zero that DuckDB gives another sign than Python where a double is due."""
DIGITS = st.from_regex(r'"-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?"', fullmatch=True)
RULES = {
    "n": {"type": ["integer", "null"]},
    "h": {"type": ["integer", "null"], "maximum": 2**64},
    "d": {"type": ["number", "null"]},
    "b": {"type": ["boolean", "null"]},
    "m": {"type": ["string", "null"], "format": "x-singer.decimal"},
    "c": {"type": ["string", "null"], "format": "x-singer.decimal", "precision": 4, "scale": 2},
    "p": {"type": ["string", "null"], "format": "x-singer.decimal", "precision": 2, "scale": 2},
    "x": {"type": ["string", "null"], "contentEncoding": "base64"},
    "j": {},
}


def load(path, raws: list[str], names: list[str], key: dict) -> tuple:
    """Load each value into a column of each type; return the table and what was kept."""
    warehouse = Warehouse(path)
    rules = {"id": key, **RULES, **{name: {"type": "string"} for name in names}}
    sent = []
    for number, (raw, name) in enumerate(
        product(raws, RULES)
    ):  # each alone: an odd value has its record looked at
        sent.append(f'{{"type":"RECORD","stream":"a","record":{{"id":"{number}","{name}":{raw}}}}}'.encode())
    warehouse.load(schema("a", rules), *sent)
    columns = ", ".join(f"{name}::VARCHAR" for name in RULES)
    kept = "SELECT (key ->> 'id')::INT, property, raw, reason FROM _load.rejected_values ORDER BY ALL"
    return warehouse.sql(f"SELECT id, {columns} FROM crm.a ORDER BY id"), warehouse.sql(kept)


@pytest.mark.parametrize("number", [12, pytest.param(500, marks=pytest.mark.soak)])
def test_what_is_stored_does_not_depend_on_the_way(tmp_path_factory, number):
    @settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @example(RAWS)
    @given(st.lists(st.one_of(st.sampled_from(RAWS), DIGITS), min_size=1, max_size=12))
    def check(raws):
        folder, key = tmp_path_factory.mktemp("texts"), {"type": "integer"}
        passing = load(folder / "passing.duckdb", raws, [], key)
        one_by_one = load(folder / "one-by-one.duckdb", raws, ["B", "b "], key)  # DuckDB would take B for b
        assert passing == one_by_one

    check()


def test_an_error_of_duckdb_that_is_no_text_is_one_like_others(tmp_path):
    twice = b'{"type":"RECORD","stream":"a","record":{"id":1,"name":"x","name":"\\ud83d\\ude00"}}'
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.load(schema("a"), twice)
    assert warehouse.sql("SELECT id, name FROM crm.a") == [(1, "\N{GRINNING FACE}")]
