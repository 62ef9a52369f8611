"""The expressions by which texts become values: what means something else, or nothing, is no value."""

from __future__ import annotations

import random
import re
from decimal import Context, Decimal

import duckdb
import pytest
from target_duckdb.casts import convert_sql, value_sql

ODD = [
    ("DATE", "1-01-01-01"),
    ("DATE", "2024-01-1 "),
    ("DATE", "  24-01-01"),
    ("DATE", "-001-01-01"),
    ("DATE", "0000-01-01"),
    ("DATE", "0000-01-01T00:00:00Z"),
    ("DATE", "2024-01-01x"),
    ("TIMESTAMPTZ", "2024-01-01 (BC) 10:00:00Z"),
    ("TIMESTAMPTZ", "2024-01-01 10:00:00 NZ"),
    ("TIMESTAMPTZ", "2024-01-01T10:00:00NZ"),
    ("TIMESTAMPTZ", "  24-01-01T00:00:00Z"),
    ("TIMESTAMPTZ", "-001-01-01T00:00:00Z"),
    ("TIMESTAMPTZ", "2024-01-1  10:00:00Z"),
    ("TIMESTAMPTZ", "0000-01-01T00:00:00Z"),
    ("TIMESTAMPTZ", "0000-01-01"),
    ("TIMESTAMP", "2024-01-01 10:00:00 NZ"),
    ("TIMESTAMPTZ", "2024-01-01 10:00:00 -05:00 Z"),
    ("TIMESTAMPTZ", "2024-01-01 10:00:00 -05 +00:00"),
    ("TIMESTAMPTZ", "2024-01-01 10:00:00-05 +00:00"),
    ("TIMESTAMPTZ", "2024-01-01 10:00:00  +01:00"),
    ("TIMESTAMPTZ", "2024-01-01 +01:00"),
    ("TIMESTAMPTZ", "2024-01-01 10:00:00 +99:00"),
    ("TIME", "10:00:00 +02:00 Z"),
    ("TIME", "10:00:00 -"),
    ("DECIMAL(38,9)", "."),
    ("DECIMAL(38,9)", ".1234567891"),
    ("DECIMAL(18,0)", ".5"),
    ("BLOB", "eHg"),
    ("BLOB", "eH\vg="),
]
SOUND = [
    ("DATE", "2024-02-29", "2024-02-29"),
    ("DATE", "0001-01-01T00:00:00.0+02:00", "0001-01-01"),
    ("TIMESTAMPTZ", "2024-07-01T10:00:00Z", "2024-07-01 10:00:00+00"),
    ("TIMESTAMPTZ", "2024-07-01 10:00:00.123456Z", "2024-07-01 10:00:00.123456+00"),
    ("TIMESTAMPTZ", "2024-07-01T10:00:00.5+00:00", "2024-07-01 10:00:00.5+00"),
    ("TIMESTAMPTZ", "2024-07-01 10:00:00+00:00", "2024-07-01 10:00:00+00"),
    ("TIMESTAMPTZ", "2024-07-01t10:00:00z", "2024-07-01 10:00:00+00"),
    ("TIMESTAMPTZ", "2024-07-01", "2024-07-01 00:00:00+00"),
    ("TIMESTAMPTZ", "2024-07-01 10:00:00 +0000", "2024-07-01 10:00:00+00"),
    ("TIMESTAMPTZ", "2024-07-01 10:00:00.0000000 +00:00", "2024-07-01 10:00:00+00"),
    ("TIMESTAMPTZ", "2024-07-01 10:00:00.1234567 +05:30", "2024-07-01 04:30:00.123456+00"),
    ("TIMESTAMPTZ", "2024-07-01T10:00:00 -08", "2024-07-01 18:00:00+00"),
    ("TIMESTAMPTZ", "2024-07-01 10:00 +02:00", "2024-07-01 08:00:00+00"),
    ("TIMESTAMPTZ", "2024-07-01T10:00:00 Z", "2024-07-01 10:00:00+00"),
    ("TIMESTAMPTZ", "2024-07-01t10:00:00.5 z", "2024-07-01 10:00:00.5+00"),
    ("TIMESTAMPTZ", "2024-07-01 10:00 UTC", "2024-07-01 10:00:00+00"),
    ("DATE", "2024-07-01 00:00:00 +0000", "2024-07-01"),
    ("TIME", "10:00:00 +02:00", "08:00:00"),
    ("TIME", "10:00:00.5 -0800", "18:00:00.5"),
    ("TIME", "10:00 +02", "08:00:00"),
    ("TIME", "10:00:00 Z", "10:00:00"),
    ("TIME", "10:00 UTC", "10:00:00"),
    ("DECIMAL(38,9)", ".5", "0.500000000"),
    ("DECIMAL(38,9)", "-.123456789000", "-0.123456789"),
    ("DECIMAL(2,2)", "+.25", "0.25"),
    ("DECIMAL(18,0)", ".0", "0"),
    ("BLOB", "eHg=\n", "xx"),
    ("BLOB", "e\tH g\r\n=", "xx"),
    ("BLOB", "", ""),
    ("TIMESTAMP", "9999-12-31T23:59:59+05:30", "9999-12-31 18:29:59"),
]
WIDENED = [
    ("DOUBLE", "VARCHAR", "1", "1"),
    ("DOUBLE", "VARCHAR", "-0.0", "0"),
    ("DOUBLE", "VARCHAR", "1.5", "1.5"),
    ("DOUBLE", "VARCHAR", "1000000000000000000", "1000000000000000000"),
    ("DOUBLE", "VARCHAR", "1e22", "1e+22"),
    ("DOUBLE", "VARCHAR", "nan", "nan"),
    ("DOUBLE", "VARCHAR", "-inf", "-inf"),
    ("DOUBLE", "JSON", "1", "1"),
    ("DOUBLE", "JSON", "0.1", "0.1"),
    ("DECIMAL(9,3)", "VARCHAR", "1", "1"),
    ("DECIMAL(9,3)", "VARCHAR", "100", "100"),
    ("DECIMAL(9,3)", "VARCHAR", "-100.01", "-100.01"),
    ("DECIMAL(38,0)", "VARCHAR", "1000", "1000"),
    ("DECIMAL(9,3)", "JSON", "7", "7"),
    ("DECIMAL(9,3)", "JSON", "1.5", "1.5"),
    ("DECIMAL(38,0)", "JSON", "1000", "1000"),
    ("TIMESTAMPTZ", "JSON", "2024-01-01 10:00:00+02", '"2024-01-01T08:00:00.000000Z"'),
    ("TIMESTAMP", "JSON", "2024-01-01 10:00:00", '"2024-01-01T10:00:00.000000"'),
    ("BLOB", "VARCHAR", "abc", "YWJj"),
]
INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d([Tt ] *\d\d?:\d\d(:\d\d?(\.\d*)?)?( ?([Zz]|UTC)| ?(UTC)?[-+]\d\d(:?\d\d)?)?)?", re.ASCII
)
"""What tells an instant; DuckDB may be asked which."""
BASES = (
    "2024-01-01T10:00:00Z",
    "2024-01-01 10:00:00.123+00:00",
    "2024-01-01 (BC) 10:00:00Z",
    "2024-01-01 10:00:00 +00:00",
)
LETTERS = "0123456789-:TZN +.()BC"
WIDE = Context(prec=200)


@pytest.fixture(scope="module")
def cast():
    """Return what texts become in a column of a type."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")

        def cast(kind: str, texts: list[str]) -> list[str | None]:
            query = f"SELECT ({value_sql(kind, 'v')})::VARCHAR FROM (SELECT unnest(?::VARCHAR[]) AS v)"
            return [row[0] for row in connection.execute(query, [texts]).fetchall()]

        yield cast


@pytest.mark.parametrize(("kind", "text"), ODD)
def test_a_text_that_means_something_else_is_no_value(cast, kind, text):
    assert cast(kind, [text]) == [None]


@pytest.mark.parametrize(("kind", "text", "expected"), SOUND)
def test_the_usual_forms_are_values(cast, kind, text, expected):
    assert cast(kind, [text]) == [expected]


@pytest.mark.parametrize(("old", "new", "given", "expected"), WIDENED)
def test_equal_values_become_equal_ones_of_a_wider_type(old, new, given, expected):
    query = f"SELECT ({convert_sql('v', old, new)})::VARCHAR FROM (SELECT ?::VARCHAR::{old} AS v)"
    with duckdb.connect() as connection:
        assert connection.execute(query, [given]).fetchall() == [(expected,)]


def test_nothing_but_instants_become_instants(cast):
    chance = random.Random(7)
    texts = [mutated(chance) for _ in range(20_000)]
    found = zip(texts, cast("TIMESTAMPTZ", texts), strict=True)
    assert [text for text, value in found if value and not INSTANT.fullmatch(text)] == []


@pytest.mark.parametrize(("precision", "scale"), [(38, 9), (38, 18), (18, 2), (10, 5), (38, 0)])
def test_a_decimal_as_python_writes_it_is_stored_exactly_or_not_at_all(cast, precision, scale):
    chance, most, last = random.Random(7), Decimal(10) ** (precision - scale), Decimal(1).scaleb(-scale)
    texts = [exponential(chance) for _ in range(5_000)]
    for text, value in zip(texts, cast(f"DECIMAL({precision},{scale})", texts), strict=True):
        number = Decimal(text)
        fits = number == WIDE.quantize(number, last) and abs(number) < most
        assert value is None or (Decimal(value) == number and fits), text
        assert value is not None or not fits or number.adjusted() > 0, text


def exponential(chance: random.Random) -> str:
    """Return a decimal as Python writes it, mostly with an exponent."""
    digits = [chance.choice([0, 1, 5, 9]) for _ in range(chance.choice([1, 2, 5, 17]))]
    return str(Decimal((chance.randint(0, 1), digits, chance.randint(-25, 25))))


def mutated(chance: random.Random) -> str:
    letters = list(chance.choice(BASES))
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(letters))
        letters[place : place + chance.randint(0, 1)] = chance.choices(LETTERS, k=chance.randint(0, 2))
    return "".join(letters)
