"""What becomes of each kind of value: stored exactly, or NULL and kept. The README shows this table."""

from __future__ import annotations

import pytest
from target_duckdb.errors import InvalidValueError, MissingKeyError

from tests.target_duckdb.loading import Warehouse, record, records, schema

pytestmark = pytest.mark.usefixtures("length")

TEXT = {"type": ["string", "null"]}
INTEGER = {"type": ["integer", "null"]}
NUMBER = {"type": ["number", "null"]}
BOOLEAN = {"type": ["boolean", "null"]}
MONEY = {"type": ["string", "null"], "format": "x-singer.decimal"}
PRECISE = {"type": ["string", "null"], "format": "singer.decimal", "precision": 10}
CENTS = {"type": ["number", "null"], "multipleOf": 0.01}
EITHER = {"anyOf": [{"type": "number", "multipleOf": 0.01}, {"type": ["null"]}]}
STAMP = {"type": ["string", "null"], "format": "date-time"}
DAY = {"type": ["string", "null"], "format": "date"}
HOUR = {"type": ["string", "null"], "format": "time"}
UUID = {"type": ["string", "null"], "format": "uuid"}
BINARY = {"type": ["string", "null"], "contentEncoding": "base64"}
CODED = {"type": ["string", "null"], "format": "binary"}
LOCAL = {"type": ["string", "null"], "format": "date-time", "x-sql-datatype": "TIMESTAMP"}
HUGE = {"type": ["integer", "null"], "maximum": 2**100}
STRUCTURE = {"type": ["object", "array", "null"]}

STORED = [
    ("text", TEXT, '"Zoë 😀"', "Zoë 😀"),
    ("an empty text stays a text", TEXT, '""', ""),
    ("escapes", TEXT, r'"a\"b\\c\/d\ne\u00e9\ud83d\ude00"', 'a"b\\c/d\neé😀'),
    ("NUL", TEXT, r'"a\u0000b"', "a\0b"),
    ("a number where text is due", TEXT, "12345678901234567890.10", "12345678901234567890.10"),
    ("a structure where text is due", TEXT, '{"a": [1.10]}', '{"a": [1.10]}'),
    ("true where text is due", TEXT, "true", "true"),
    ("integer", INTEGER, "-42", "-42"),
    ("the largest integer", INTEGER, "9223372036854775807", "9223372036854775807"),
    ("the smallest integer", INTEGER, "-9223372036854775808", "-9223372036854775808"),
    ("a whole number with a fraction", INTEGER, "7.0", "7"),
    ("a whole number with an exponent", INTEGER, "1e3", "1000"),
    ("an integer as text", INTEGER, '"12"', "12"),
    ("nothing without a digit before its point", INTEGER, '".0"', "0"),
    ("an empty text is no integer and no loss", INTEGER, '""', None),
    ("beyond 64 bits where the schema says so", HUGE, "1180591620717411303424", "1180591620717411303424"),
    ("number", NUMBER, "0.1", "0.1"),
    ("a number with an exponent", NUMBER, "1e-7", "1e-07"),
    ("a number as text without a digit before its point", NUMBER, '"-.5"', "-0.5"),
    ("a large integer that a double holds", NUMBER, "9007199254740994", "9007199254740994.0"),
    ("a fraction is the nearest double", NUMBER, "9007199254740993.5", "9007199254740994.0"),
    ("true", BOOLEAN, "true", "true"),
    ("one where true is due", BOOLEAN, "1", "true"),
    ("true as Python writes it", BOOLEAN, '"True"', "true"),
    ("false in capitals", BOOLEAN, '"FALSE"', "false"),
    ("zero as text where true is due", BOOLEAN, '"0"', "false"),
    ("money", MONEY, '"12345678901234567890.123456789"', "12345678901234567890.123456789"),
    ("money with zeros behind", MONEY, '"0.1000000000000"', "0.100000000"),
    ("money as a number", MONEY, "1234567890123456789.01", "1234567890123456789.010000000"),
    ("negative money", MONEY, '"-0.05"', "-0.050000000"),
    ("money without a digit before its point", MONEY, '".5"', "0.500000000"),
    ("money as Python writes a small one", MONEY, '"1.5E-8"', "0.000000015"),
    ("nothing with ten decimals, as Python writes it", MONEY, '"0E-10"', "0.000000000"),
    ("a large float as Python writes it", MONEY, '"1.2345678901234567E+18"', "1234567890123456700.000000000"),
    ("money of which the precision alone is said", PRECISE, '"1234567890.50"', "1234567890.500000000"),
    ("a number with fixed decimals", CENTS, "90071992547409.93", "90071992547409.93"),
    ("the same where null is a branch of its own", EITHER, "90071992547409.93", "90071992547409.93"),
    ("a time with a zone", STAMP, '"2024-01-01T00:00:00+05:30"', "2023-12-31 18:30:00+00"),
    ("a time without a zone is UTC", STAMP, '"2024-07-01 10:00:00"', "2024-07-01 10:00:00+00"),
    ("small t and z", STAMP, '"2024-01-01t10:00:00z"', "2024-01-01 10:00:00+00"),
    (
        "nanoseconds end at microseconds",
        STAMP,
        '"2024-01-01T00:00:00.123456789Z"',
        "2024-01-01 00:00:00.123456+00",
    ),
    (
        "a time with a zone and without seconds, as Java writes whole minutes",
        STAMP,
        '"2024-01-01T10:00+02:00"',
        "2024-01-01 08:00:00+00",
    ),
    ("a time with the name of UTC", STAMP, '"2024-07-01 10:00:00 UTC"', "2024-07-01 10:00:00+00"),
    (
        "a time with a blank before its zone",
        STAMP,
        '"2024-01-01 10:00:00.5 -0800"',
        "2024-01-01 18:00:00.5+00",
    ),
    ("a zone where none is due", LOCAL, '"2024-01-01T00:00:00+05:30"', "2023-12-31 18:30:00"),
    ("year one", STAMP, '"0001-01-01T00:00:00Z"', "0001-01-01 00:00:00+00"),
    ("an empty text is no time and no loss", STAMP, '""', None),
    ("day", DAY, '"2024-02-29"', "2024-02-29"),
    ("midnight where a day is due", DAY, '"2024-02-29T00:00:00Z"', "2024-02-29"),
    ("time of day", HOUR, '"23:59:59.5"', "23:59:59.5"),
    ("a short time of day", HOUR, '"4:05"', "04:05:00"),
    ("a time of day in UTC", HOUR, '"12:00:15Z"', "12:00:15"),
    ("a time of day with a zone", HOUR, '"12:00:15+03:00"', "09:00:15"),
    ("a time of day with a zone and without seconds", HOUR, '"12:00+03:00"', "09:00:00"),
    ("a time of day with a blank before its zone", HOUR, '"12:00:15 +03:00"', "09:00:15"),
    ("a time of day that is yesterday in UTC", HOUR, '"00:30:00+05:30"', "19:00:00"),
    ("uuid", UUID, '"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"', "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("binary", BINARY, '"AP8="', r"\x00\xFF"),
    ("binary in several lines", BINARY, r'"AP\r\n8=\n"', r"\x00\xFF"),
    ("binary of which nobody says how it is written", CODED, '"706b3335"', "706b3335"),
    (
        "object",
        STRUCTURE,
        '{"b":[1,null,"x"],"a":{"c":18446744073709551616}}',
        '{"b":[1,null,"x"],"a":{"c":18446744073709551616}}',
    ),
    ("an object with a name twice", STRUCTURE, '{"a":1,"a":2}', '{"a":1,"a":2}'),
    ("text where a structure is due", STRUCTURE, '"plain"', '"plain"'),
    ("nothing", STRUCTURE, "null", None),
]

REJECTED = [
    ("a fraction where an integer is due", INTEGER, "1.7", "not a whole number"),
    ("beyond 64 bits", INTEGER, "9223372036854775808", "too large for BIGINT"),
    ("beyond 128 bits", HUGE, "1" + "0" * 40, "too large for HUGEINT"),
    ("text where an integer is due", INTEGER, '"abc"', "not a valid BIGINT"),
    ("true where an integer is due", INTEGER, "true", "not a valid BIGINT"),
    ("an object where an integer is due", INTEGER, '{"a":1}', "not a valid BIGINT"),
    ("beyond a double", NUMBER, "1e400", "too large for DOUBLE"),
    ("an integer that a double would round", NUMBER, "9007199254740993", "more digits than a DOUBLE holds"),
    ("the same as text", NUMBER, '"9007199254740993"', "more digits than a DOUBLE holds"),
    ("NaN as text", NUMBER, '"NaN"', "not a valid DOUBLE"),
    ("NaN", NUMBER, "NaN", "not a valid DOUBLE"),
    ("Infinity", NUMBER, "-Infinity", "not a valid DOUBLE"),
    ("two where true is due", BOOLEAN, "2", "not a valid BOOLEAN"),
    ("a fraction without a digit before its point", INTEGER, '".5"', "not a whole number"),
    ("a point alone", MONEY, '"."', "not a valid DECIMAL(38,9)"),
    ("yes where true is due", BOOLEAN, '"yes"', "not a valid BOOLEAN"),
    ("more decimals than fit", MONEY, '"0.1234567891"', "not a valid DECIMAL(38,9)"),
    ("more digits than fit", MONEY, '"123456789012345678901234567890.5"', "not a valid DECIMAL(38,9)"),
    ("a number with more decimals than fit", CENTS, "0.125", "more than 2 decimals"),
    ("more decimals than fit, with an exponent", MONEY, '"1.25E-8"', "not a valid DECIMAL(38,9)"),
    ("more digits than fit, with an exponent", MONEY, '"1E+29"', "not a valid DECIMAL(38,9)"),
    ("money with a currency", MONEY, '"12.50 EUR"', "not a valid DECIMAL(38,9)"),
    ("a zero date", STAMP, '"0000-00-00 00:00:00"', "not a valid TIMESTAMPTZ"),
    ("a zero day", DAY, '"0000-00-00"', "not a valid DATE"),
    ("the 30th of February", DAY, '"2025-02-30"', "not a valid DATE"),
    ("the year 0", DAY, '"0000-01-01"', "not a valid DATE"),
    ("a year of one digit", DAY, '"1-01-01-01"', "not a valid DATE"),
    ("day first", DAY, '"31/12/2025"', "not a valid DATE"),
    ("a day without dashes", DAY, '"20251231"', "not a valid DATE"),
    ("half a second where a day is due", DAY, '"2025-12-31T00:00:00.5Z"', "not a valid DATE"),
    ("a time where a day is due", DAY, '"2025-12-31T10:00:00Z"', "not a valid DATE"),
    ("seconds since 1970", STAMP, "1700000000", "not a valid TIMESTAMPTZ"),
    ("seconds since 1970 as text", STAMP, '"1700000000"', "not a valid TIMESTAMPTZ"),
    ("the word epoch", STAMP, '"epoch"', "not a valid TIMESTAMPTZ"),
    ("the word infinity", STAMP, '"infinity"', "not a valid TIMESTAMPTZ"),
    ("the year 99999", STAMP, '"99999-01-01"', "not a valid TIMESTAMPTZ"),
    ("before Christ", STAMP, '"2024-01-01 (BC)"', "not a valid TIMESTAMPTZ"),
    ("second 60", STAMP, '"2024-01-01T10:00:60Z"', "not a valid TIMESTAMPTZ"),
    ("a zone of more than a day", STAMP, '"2024-01-01T10:00:00+99:00"', "not a valid TIMESTAMPTZ"),
    ("a zone that DuckDB takes for another", STAMP, '"2024-07-01 10:00:00 BST"', "not a valid TIMESTAMPTZ"),
    ("a zone by its name", STAMP, '"2024-01-01 10:00:00 NZ"', "not a valid TIMESTAMPTZ"),
    ("afternoon", LOCAL, '"2024-01-01 04:00:00 PM"', "not a valid TIMESTAMP"),
    ("an e-mail date", STAMP, '"Mon, 01 Jan 2024 10:00:00 GMT"', "not a valid TIMESTAMPTZ"),
    ("hour 25", HOUR, '"25:00:00"', "not a valid TIME"),
    ("four in the afternoon", HOUR, '"04:00:00 PM"', "not a valid TIME"),
    ("a day where a time of day is due", HOUR, '"2024-01-01 04:00:00"', "not a valid TIME"),
    ("not a uuid", UUID, '"1234"', "not a valid UUID"),
    ("not base64", BINARY, '"###"', "not a valid BLOB"),
    ("half a surrogate pair", TEXT, r'"a\ud800b"', "not valid Unicode"),
    ("half a surrogate pair in an object", STRUCTURE, r'{"a":"\udc00"}', "not valid Unicode"),
]


@pytest.fixture(params=[4096, 0], ids=["short stream", "long stream"])
def length(request, monkeypatch):
    """Look at the texts of records, or leave that to DuckDB as with long streams."""
    monkeypatch.setattr("target_duckdb.streams.CAREFUL_ROWS", request.param)


def raw(stream: str, value: str, number: int = 1) -> bytes:
    return f'{{"type":"RECORD","stream":"{stream}","record":{{"id":{number},"value":{value}}}}}'.encode()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Warehouse:
    """All values of both tables, each in a stream of its own among good ones, loaded at once."""
    loaded = Warehouse(tmp_path_factory.mktemp("values") / "warehouse.duckdb")
    messages = []
    for number, (_, rule, value, _) in enumerate([*STORED, *REJECTED]):
        stream = f"s{number}"
        messages.append(schema(stream, {"id": {"type": "integer"}, "value": rule}))
        messages.extend([raw(stream, "null", 0), raw(stream, value), raw(stream, "null", 2)])
    loaded.load(*messages)
    return loaded


def stored(warehouse: Warehouse, number: int) -> str | None:
    return warehouse.one(f"SELECT value::VARCHAR FROM crm.s{number} WHERE id = 1")


@pytest.mark.parametrize(
    ("number", "expected"), [pytest.param(n, row[3], id=row[0]) for n, row in enumerate(STORED)]
)
def test_a_value_is_stored_exactly(warehouse, number, expected):
    assert stored(warehouse, number) == expected
    assert warehouse.one("SELECT count(*) FROM _load.rejected_values WHERE stream = ?", f"s{number}") == 0


@pytest.mark.parametrize(
    ("number", "value", "reason"),
    [pytest.param(n, row[2], row[3], id=row[0]) for n, row in enumerate(REJECTED, len(STORED))],
)
def test_a_value_that_does_not_fit_is_null_and_its_text_is_kept(warehouse, number, value, reason):
    assert stored(warehouse, number) is None
    found = warehouse.sql(
        "SELECT key::VARCHAR, property, raw, reason FROM _load.rejected_values WHERE stream = ?", f"s{number}"
    )
    assert [(row[0], row[1], row[3]) for row in found] == [('{"id":1}', "value", reason)]
    assert found[0][2].strip('"') == value.strip('"')


def test_one_bad_value_costs_neither_its_record_nor_its_batch(warehouse):
    number = len(STORED)
    assert warehouse.ids(f"crm.s{number}") == [0, 1, 2]


@pytest.fixture
def empty(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def test_bytes_that_are_not_utf8_are_kept_as_text(empty):
    empty.load(
        schema("notes", {"id": {"type": "integer"}, "value": TEXT}),
        b'{"type":"RECORD","stream":"notes","record":{"id":1,"value":"a\xffb"}}',
    )
    assert empty.sql("SELECT id, value FROM crm.notes") == [(1, None)]
    assert empty.rejected() == [("notes", "value", '"a\\udcffb"', "not valid Unicode")]


BESIDE = [
    ("time_extracted", "5"),
    ("time_extracted", '["x"]'),
    ("time_extracted", '"yesterday"'),
    ("time_extracted", r'"\ud800"'),
    ("time_extracted", '"a\udcffb"'),
    ("time_extracted", '"a\x01b"'),
    ("time_extracted", "NaN"),
    ("version", '"abc"'),
    ("version", "1.5"),
    ("version", "true"),
    ("version", "9223372036854775808"),
    ("version", "{}"),
    ("sent_by", r'"\ud800"'),
    ("sent_by", '"a\udcffb"'),
]


@pytest.mark.parametrize(("name", "value"), BESIDE)
@pytest.mark.parametrize("has_metadata", [True, False], ids=["metadata", "plain"])
def test_what_is_said_beside_a_record_costs_neither_it_nor_its_batch(empty, name, value, has_metadata):
    odd = f'{{"type":"RECORD","stream":"notes","record":{{"id":1,"name":"a"}},"{name}":{value}}}'
    others = record("notes", 5, id=0), record("notes", 5, id=2)
    empty.load(
        schema("notes"),
        others[0],
        odd.encode("utf-8", "surrogateescape"),
        others[1],
        add_record_metadata=has_metadata,
    )
    assert empty.sql("SELECT id, name FROM crm.notes ORDER BY id") == [(0, None), (1, "a"), (2, None)]
    assert empty.tally("notes")["rejected"] == 0
    if has_metadata:
        assert empty.one("SELECT _sdc_extracted_at FROM crm.notes WHERE id = 1") is None


def test_an_unknown_property_is_kept_in_the_ledger(empty):
    empty.load(schema("notes"), record("notes", id=1, name="a", colour={"red": 1}))
    assert empty.rejected() == [("notes", "colour", '{"red": 1}', "not in the schema")]


def test_how_many_values_are_in_no_column_is_said_at_the_end(empty, caplog):
    rows = [record("notes", id=1, name="a", colour="red"), record("notes", id=2, name="a", colour="blue")]
    odd = b'{"type":"RECORD","stream":"notes","record":{"id":3,"name":"\\ud800"}}'
    empty.load(schema("notes"), *rows, odd, schema("good"), *records("good", [1]))
    said = [line for line in caplog.messages if "_load.rejected_values" in line]
    assert [line.partition(" are in no column")[0] for line in said] == ["3 values of stream 'notes'"]
    assert len(empty.rejected()) == 3
    assert not {"red", "blue"} & set(said[0].split())


def test_of_a_name_twice_the_last_counts(empty):
    empty.load(schema("notes"), b'{"type":"RECORD","stream":"notes","record":{"id":1,"name":"a","name":"b"}}')
    assert empty.sql("SELECT name FROM crm.notes") == [("b",)]


def test_a_record_whose_key_has_no_valid_value_is_kept_whole_in_the_ledger(empty):
    empty.load(schema("notes"), record("notes", id="x", name="a"), record("notes", id=1, name="b"))
    assert empty.ids("crm.notes") == [1]
    assert [row[1] for row in empty.rejected()] == ["id", None]
    assert empty.tally("notes") == {
        "in": 2,
        "inserted": 1,
        "updated": 0,
        "superseded": 0,
        "rejected": 1,
        "deleted": 0,
    }


@pytest.mark.parametrize("quotes", ["", '"'])
@pytest.mark.parametrize("sdk", [{}, {"validate_records": True}], ids=["quick way", "SDK way"])
def test_keys_that_a_double_would_make_one_are_kept_whole(empty, quotes, sdk):
    rules = schema("a", {"id": {"type": ["number", "string"]} if quotes else {"type": "number"}})
    rules["schema"]["properties"]["id"]["x-sql-datatype"] = "DOUBLE"
    ids = [f"{quotes}180123456789012345{digit}{quotes}" for digit in (6, 7)]
    sent = [f'{{"type":"RECORD","stream":"a","record":{{"id":{text}}}}}'.encode() for text in (*ids, "5")]
    assert empty.command(rules, *sent, **sdk).returncode == 0
    assert empty.ids("crm.a") == [5.0]
    kept = [row[2] for row in empty.rejected() if row[1] == "id"]
    assert kept == ids


@pytest.mark.parametrize("quotes", ["", '"'])
@pytest.mark.parametrize("sdk", [{}, {"validate_records": True}], ids=["quick way", "SDK way"])
def test_fractional_keys_that_a_double_would_make_one_are_kept_whole(empty, quotes, sdk):
    rules = schema("a", {"id": {"type": ["number", "string"], "x-sql-datatype": "DOUBLE"}})
    bad = ["1234567890123456.11", "1234567890123456.12", "0.10000000000000000001", "1152921504606847000.0"]
    good = ["0.1", "-2.50", "1e-7", "1e23", "1152921504606846976", "123456789012345.25", "5"]
    sent = [
        f'{{"type":"RECORD","stream":"a","record":{{"id":{quotes}{text}{quotes}}}}}'.encode()
        for text in (*bad, *good)
    ]
    assert empty.command(rules, *sent, **sdk).returncode == 0
    assert empty.ids("crm.a") == sorted(map(float, good))
    kept = [(row[2].strip('"'), row[3]) for row in empty.rejected() if row[1] == "id"]
    assert sorted(kept) == sorted((text, "more digits than a DOUBLE holds") for text in bad)
    assert empty.tally("a")["rejected"] == len(bad)


def test_a_key_that_is_no_date_is_kept_whole_in_the_ledger(empty):
    days = {"day": DAY, "name": TEXT}
    empty.load(
        schema("days", days, ["day"]),
        record("days", day="0000-00-00", name="a"),
        record("days", day="2024-01-01"),
    )
    assert empty.sql("SELECT day::VARCHAR FROM crm.days") == [("2024-01-01",)]
    assert empty.tally("days")["rejected"] == 1
    assert ("days", None) in [row[:2] for row in empty.rejected()]


@pytest.mark.parametrize("values", [{"name": "a"}, {"id": None, "name": "a"}], ids=["absent", "null"])
def test_a_record_without_its_key_stops_the_run(empty, values):
    with pytest.raises(MissingKeyError, match="line 3: a record of 'notes' has no value for its key 'id'"):
        empty.load(schema("notes"), record("notes", id=1), record("notes", **values))


def test_invalid_values_can_stop_the_run(empty):
    with pytest.raises(InvalidValueError, match="not a whole number"):
        empty.load(
            schema("notes"),
            record("notes", id=1),
            b'{"type":"RECORD","stream":"notes","record":{"id":2.5,"name":"a"}}',
            on_invalid_value="fail",
        )


@pytest.mark.parametrize("depth", [90, 600, 5000])
def test_deep_nesting_is_stored_or_kept_as_text(empty, depth):
    deep = "[" * depth + "]" * depth
    empty.load(
        schema("notes", {"id": {"type": "integer"}, "value": STRUCTURE}),
        raw("notes", deep),
        raw("notes", "[]", 2),
    )
    assert empty.ids("crm.notes") == [1, 2]
    stored_text = empty.one("SELECT value::VARCHAR FROM crm.notes WHERE id = 1")
    assert stored_text == deep or empty.rejected() == [
        ("notes", "value", deep, "nested deeper than 100 levels")
    ]


def test_a_text_of_60_mb(empty):
    empty.load(schema("notes"), record("notes", id=1, name="x" * 60_000_000), record("notes", id=2, name="y"))
    assert empty.sql("SELECT id, length(name) FROM crm.notes ORDER BY id") == [(1, 60_000_000), (2, 1)]
