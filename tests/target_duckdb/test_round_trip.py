"""Arbitrary records go in and come back by SQL: equal, or kept in the ledger with a reason."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import figures
from tests.parts import parts
from tests.target_duckdb.loading import Warehouse, schema

MANY = int(os.environ.get("CRM_SOAK_RECORDS", "5000"))

RULES = {
    "text": {"type": ["string", "null"]},
    "count": {"type": ["integer", "null"]},
    "amount": {"type": ["number", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "money": {"type": ["string", "null"], "format": "x-singer.decimal"},
    "at": {"type": ["string", "null"], "format": "date-time"},
    "day": {"type": ["string", "null"], "format": "date"},
    "nested": {"type": ["object", "array", "null"]},
}
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(),
    st.text("0123456789-:TZ+. e"),
    st.datetimes().map(str), st.datetimes().map(lambda at: at.isoformat() + "Z"), st.dates().map(str),
    st.decimals(-(10**20), 10**20, allow_nan=False, allow_infinity=False, places=9).map(str),
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
RECORDS = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(RULES, ANYTHING)), min_size=1, max_size=40
)


def check(folder, records) -> None:
    warehouse = Warehouse(folder / "warehouse.duckdb")
    messages = [
        {"type": "RECORD", "stream": "a", "record": {"id": place, **values}}
        for place, values in enumerate(records)
    ]
    sent = [
        json.dumps(message, ensure_ascii=place % 2 == 0).encode("utf-8", "surrogatepass")
        for place, message in enumerate(messages)
    ]
    warehouse.load(schema("a", {"id": {"type": "integer"}, **RULES}), *sent)
    shown = ", ".join("nested" if name == "nested" else f'"{name}"::VARCHAR' for name in RULES)
    rows = warehouse.sql(f"SELECT {shown} FROM crm.a ORDER BY id")
    rejected = {
        (json.loads(key)["id"], name): raw
        for key, name, raw in warehouse.sql("SELECT key::VARCHAR, property, raw FROM _load.rejected_values")
    }
    assert len(rows) == len(records)
    for place, (values, row) in enumerate(zip(records, rows, strict=True)):
        for name, found in zip(RULES, row, strict=True):
            given_value = values.get(name)
            assert is_kept(name, given_value, found) or (found is None and (place, name) in rejected), (
                name,
                given_value,
                found,
            )


def is_kept(name: str, value: object, found: str | None) -> bool:
    """Whether what is found in a column says what the value said."""
    if value is None or (value == "" and name not in {"text", "nested"}):
        return found is None
    return found is not None and SAYS[name](value, found)


def says_the_same_text(value: object, found: str) -> bool:
    return found == value if isinstance(value, str) else repr(json.loads(found)) == repr(value)  # NaN too


def says_the_same_truth(value: object, found: str) -> bool:
    return found == str(value).lower() or (value in {0, 1} and found in {"true", "false"})


def says_the_same_moment(value: object, found: str) -> bool:
    try:
        meant = datetime.fromisoformat(value)
    except ValueError:
        return bool(found)  # a form that only DuckDB reads
    return datetime.fromisoformat(found) == (meant if meant.tzinfo else meant.replace(tzinfo=UTC))


def says_exactly_the_same_number(value: object, found: str) -> bool:
    return Decimal(found) == Decimal(str(value))


SAYS = {
    "text": says_the_same_text,
    "count": says_exactly_the_same_number,
    "money": says_exactly_the_same_number,
    "amount": lambda value, found: float(found) == float(value),
    "nested": lambda value, found: json.loads(found) == value,
    "flag": says_the_same_truth,
    "at": says_the_same_moment,
    "day": lambda value, found: found == value[:10],
}


def check_many(folders, number: int) -> None:
    """Check so many drawn batches of records."""

    @settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(RECORDS, st.sampled_from([0, 5, 4096]))
    def one(records, careful):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("target_duckdb.streams.CAREFUL_ROWS", careful)
            check(folders.mktemp("trip"), records)
        figures.count("target-duckdb, arbitrary records", "batches that came back or were kept")

    one()


def test_arbitrary_records_come_back_or_are_kept(tmp_path_factory):
    check_many(tmp_path_factory, 30)


@pytest.mark.soak
@pytest.mark.parametrize("number", parts(MANY, 10))
def test_very_many_arbitrary_records_come_back_or_are_kept(tmp_path_factory, number):
    check_many(tmp_path_factory, number)
