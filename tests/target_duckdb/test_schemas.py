"""Schemas become columns, columns widen in place, hostile names stay names."""

from __future__ import annotations

import json
import random

import duckdb
import pytest
from target_duckdb.casts import convert_sql
from target_duckdb.columns import TableColumn, column_type, columns_of, widen
from target_duckdb.errors import DatabaseError
from target_duckdb.names import assign_names
from target_duckdb.sql import quote

from tests.target_duckdb.loading import KEYED, Warehouse, activate, live, record, schema, state


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


TYPES = [
    ({"type": "string"}, "VARCHAR"),
    ({"type": ["null", "integer"]}, "BIGINT"),
    (
        {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        "BIGINT",
    ),  # as taps of SQL databases say
    ({"type": "integer", "minimum": -(2**63) - 1}, "HUGEINT"),
    ({"type": "integer", "maximum": 2**63}, "HUGEINT"),
    ({"type": "integer", "exclusiveMinimum": -(2**63) - 1, "exclusiveMaximum": 2**63}, "BIGINT"),
    ({"type": "integer", "exclusiveMinimum": -(2**63) - 2}, "HUGEINT"),
    ({"type": "integer", "exclusiveMaximum": 2**63 + 1}, "HUGEINT"),
    ({"type": "integer", "maximum": 2**63 - 1, "exclusiveMaximum": True}, "BIGINT"),
    ({"type": "integer", "maximum": 100}, "BIGINT"),
    ({"type": "integer", "maximum": 2**64}, "HUGEINT"),
    ({"type": "number"}, "DOUBLE"),
    ({"type": "number", "multipleOf": 0.01}, "DECIMAL(38,2)"),
    ({"type": "number", "multipleOf": 1e-9}, "DECIMAL(38,9)"),
    ({"type": "number", "multipleOf": 10}, "DECIMAL(38,0)"),
    ({"type": "string", "format": "singer.decimal"}, "DECIMAL(38,9)"),
    (
        {"type": ["string", "null"], "format": "x-singer.decimal", "precision": 12, "scale": 2},
        "DECIMAL(12,2)",
    ),
    ({"type": "string", "format": "x-singer.decimal", "precision": 99, "scale": 0}, "DECIMAL(38,0)"),
    ({"type": "string", "format": "singer.decimal", "precision": 10, "scale": -2}, "DECIMAL(12,0)"),
    ({"type": "number", "format": "singer.decimal", "precision": 4, "scale": 10}, "DECIMAL(10,10)"),
    ({"type": "string", "format": "singer.decimal", "precision": 12.0, "scale": 2.0}, "DECIMAL(12,2)"),
    ({"type": "string", "format": "singer.decimal", "precision": 10}, "DECIMAL(19,9)"),
    ({"type": "number", "format": "singer.decimal", "precision": 5}, "DECIMAL(14,9)"),
    ({"type": "string", "format": "x-singer.decimal", "precision": 29}, "DECIMAL(38,9)"),
    ({"type": "string", "format": "x-singer.decimal", "precision": 34}, "DECIMAL(38,4)"),
    ({"type": "string", "format": "x-singer.decimal", "precision": 38}, "DECIMAL(38,9)"),
    ({"type": "string", "format": "x-singer.decimal", "precision": 0}, "DECIMAL(38,9)"),
    ({"type": "string", "format": "x-singer.decimal", "scale": 4}, "DECIMAL(38,4)"),
    ({"type": "boolean"}, "BOOLEAN"),
    ({"type": "string", "format": "date"}, "DATE"),
    ({"type": "string", "format": "time"}, "TIME"),
    ({"type": "string", "format": "date-time"}, "TIMESTAMPTZ"),
    ({"type": "string", "format": "uuid"}, "UUID"),
    ({"type": "string", "format": "email"}, "VARCHAR"),
    ({"type": "string", "contentEncoding": "base64"}, "BLOB"),
    ({"type": "string", "format": "binary"}, "VARCHAR"),
    ({"type": "object"}, "JSON"),
    ({"type": ["array", "null"], "items": {}}, "JSON"),
    ({"type": ["integer", "number"]}, "DOUBLE"),
    ({"type": ["integer", "string"]}, "VARCHAR"),
    ({"type": ["string", "object"]}, "JSON"),
    ({"enum": ["a", "b", None]}, "VARCHAR"),
    ({"enum": [1, 2]}, "BIGINT"),
    ({"const": True}, "BOOLEAN"),
    ({"enum": [1, "a"]}, "JSON"),
    ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}, "TIMESTAMPTZ"),
    ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]}, "TIMESTAMPTZ"),
    ({"anyOf": [{"type": "number", "multipleOf": 0.01}, {"type": ["null"]}]}, "DECIMAL(38,2)"),
    ({"oneOf": [{"type": "null", "description": "none"}, {"type": "integer"}]}, "BIGINT"),
    ({"anyOf": [{"type": "string"}, {"enum": [None]}]}, "VARCHAR"),
    ({"anyOf": [{"enum": ["a", "b"]}, {"const": None}]}, "VARCHAR"),
    ({"anyOf": [{"type": "integer"}, {"const": "none"}]}, "VARCHAR"),
    ({"anyOf": [{"type": "integer"}, {}]}, "JSON"),
    ({"anyOf": [{"type": "integer"}, True]}, "JSON"),
    ({"oneOf": [{"type": "integer"}, {"type": "boolean"}]}, "VARCHAR"),
    ({"anyOf": [{"type": "object"}, {"type": "string"}]}, "JSON"),
    ({"type": "string", "x-sql-datatype": "decimal(10, 3)"}, "DECIMAL(10,3)"),
    ({"type": "number", "x-sql-datatype": "DECIMAL(50,2)"}, "DECIMAL(38,2)"),
    ({"type": "number", "x-sql-datatype": "NUMERIC(5,10)"}, "DECIMAL(10,10)"),
    ({"type": "number", "x-sql-datatype": "DECIMAL(0,0)"}, "DECIMAL(1,0)"),
    ({"type": "string", "x-sql-datatype": "timestamp"}, "TIMESTAMP"),
    ({"type": "string", "x-sql-datatype": "smallint"}, "BIGINT"),
    ({"type": "string", "x-sql-datatype": "geometry"}, "VARCHAR"),
    ({}, "JSON"),
    (True, "JSON"),
    ({"type": "null"}, "JSON"),
    (
        {"type": "integer", "anyOf": None, "allOf": None, "enum": None, "minimum": None, "format": None},
        "BIGINT",
    ),
    ({"type": "object", "properties": None}, "JSON"),
    ({"type": "integer", "minimum": "0", "maximum": "100"}, "BIGINT"),
    ({"type": "integer", "minimum": "0", "maximum": str(2**64)}, "HUGEINT"),
    ({"type": "integer", "minimum": "sNaN", "maximum": "1e9999999", "exclusiveMaximum": []}, "HUGEINT"),
    ({"type": "integer", "minimum": "none", "maximum": {}, "exclusiveMinimum": float("nan")}, "BIGINT"),
    ({"type": "integer", "minimum": float(-(2**63))}, "BIGINT"),
    ({"type": "number", "multipleOf": "0.01"}, "DECIMAL(38,2)"),
    ({"type": "number", "multipleOf": "a cent"}, "DOUBLE"),
    ({"type": "number", "multipleOf": "1e-9999999999"}, "DOUBLE"),
    ({"type": "number", "multipleOf": "1e9999999999"}, "DOUBLE"),
    ({"type": "number", "multipleOf": [0.01]}, "DOUBLE"),
    ({"type": "string", "format": ["date"]}, "VARCHAR"),
    ({"type": "number", "format": {}}, "DOUBLE"),
    ({"type": "string", "format": "singer.decimal", "precision": "12", "scale": "2.0"}, "DECIMAL(12,2)"),
    ({"type": "string", "format": "singer.decimal", "precision": "x", "scale": "y"}, "DECIMAL(38,9)"),
    ({"type": "string", "format": "singer.decimal", "precision": -3}, "DECIMAL(38,9)"),
    ({"type": "string", "format": "singer.decimal", "precision": 10, "scale": "1e9999999"}, "DECIMAL(38,38)"),
    ({"type": 5}, "JSON"),
    ({"type": [{"type": "string"}, "null"]}, "JSON"),
    ({"type": ["integer", 5]}, "BIGINT"),
    ({"type": "integer", "anyOf": 5, "allOf": 5, "enum": 5}, "BIGINT"),
    ({"oneOf": 5, "enum": 5}, "JSON"),
]


@pytest.mark.parametrize(("rule", "expected"), TYPES, ids=lambda value: json.dumps(value)[:60])
def test_a_property_gets_the_type_that_holds_it(rule, expected):
    assert column_type(rule) == expected


def test_a_keyword_that_cannot_be_read_stops_no_load(warehouse):
    odd = {"type": "integer", "minimum": "0", "allOf": 5, "$ref": [], "format": ["x"], "title": 5, "$defs": 5}
    warehouse.load(schema("a", {"id": odd, "any": {"allOf": [{"properties": 5}, {"properties": {"b": {}}}]}}))
    assert warehouse.types("a") == {"id": "BIGINT", "any": "JSON"}


SAMPLES = {
    "BOOLEAN": "true",
    "BIGINT": "9007199254740993",
    "HUGEINT": "170141183460469231731687303715884105727",
    "DOUBLE": "0.1",
    "DECIMAL(38,9)": "12345678901234567890.123456789",
    "DECIMAL(18,2)": "1234567890123456.78",
    "DATE": "2024-02-29",
    "TIME": "23:59:59.123456",
    "TIMESTAMP": "2024-02-29 23:59:59.123456",
    "TIMESTAMPTZ": "2024-02-29 23:59:59.123456+00",
    "UUID": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "VARCHAR": "any text",
    "JSON": '{"a":[1]}',
    "BLOB": "YWJj",
}
RULES = {
    "BOOLEAN": {"type": "boolean"},
    "BIGINT": {"type": "integer"},
    "HUGEINT": {"type": "integer", "maximum": 2**100},
    "DOUBLE": {"type": "number"},
    "DECIMAL(38,9)": {"type": "string", "format": "x-singer.decimal"},
    "DECIMAL(18,2)": {"type": "string", "format": "x-singer.decimal", "precision": 18, "scale": 2},
    "DATE": {"type": "string", "format": "date"},
    "TIME": {"type": "string", "format": "time"},
    "TIMESTAMP": {"type": "string", "x-sql-datatype": "TIMESTAMP"},
    "TIMESTAMPTZ": {"type": "string", "format": "date-time"},
    "UUID": {"type": "string", "format": "uuid"},
    "VARCHAR": {"type": "string"},
    "JSON": {"type": "object"},
    "BLOB": {"type": "string", "contentEncoding": "base64"},
}
UNQUOTED = {"BOOLEAN", "BIGINT", "HUGEINT", "DOUBLE", "JSON"}


def value(kind: str) -> str:
    return SAMPLES[kind] if kind in UNQUOTED else json.dumps(SAMPLES[kind])


def test_every_type_widens_to_every_other_without_losing_a_value(warehouse):
    """All pairs at once: a column of the first type with a value, then the second type with another."""
    pairs = [(old, new) for old in RULES for new in RULES]
    names = [f"c{number}" for number in range(len(pairs))]

    def message(number: int, side: int) -> bytes:
        parts = ",".join(f'"{name}":{value(pair[side])}' for name, pair in zip(names, pairs, strict=True))
        return f'{{"type":"RECORD","stream":"a","record":{{"id":{number},{parts}}}}}'.encode()

    for side in (0, 1):
        rules = {name: RULES[pair[side]] for name, pair in zip(names, pairs, strict=True)}
        warehouse.load(schema("a", {"id": {"type": "integer"}, **rules}), message(side, side))
    assert warehouse.rejected() == []
    types = warehouse.types("a")
    rows = dict(
        zip(
            (0, 1),
            warehouse.sql(f"SELECT {', '.join(f'{name}::VARCHAR' for name in names)} FROM crm.a ORDER BY id"),
            strict=True,
        )
    )
    wrong = []
    for place, (name, pair) in enumerate(zip(names, pairs, strict=True)):
        for side in (0, 1):
            expected, found = SAMPLES[pair[side]], rows[side][place]
            if not same(expected, found, pair[side]):
                wrong.append((pair, types[name], side, expected, found))
    assert wrong == []


def same(expected: str, found: str, kind: str) -> bool:
    """Whether a stored text still says what the value said."""
    if found is None:
        return False
    plain = json.loads(found) if found.startswith('"') else found
    if kind in {"DATE", "TIMESTAMP", "TIMESTAMPTZ"}:
        shown = str(plain).replace("T", " ").replace("Z", "").removesuffix("+00").removesuffix("+00:00")
        return shown.rstrip("0").rstrip(".").startswith(expected.removesuffix("+00")) or shown.startswith(
            expected[:10]
        )
    if kind in {"BIGINT", "HUGEINT", "DECIMAL(38,9)", "DECIMAL(18,2)"} and str(plain) != expected:
        return str(plain).rstrip("0").rstrip(".") == expected.rstrip("0").rstrip(".")
    return str(plain) == expected or (kind, plain) == ("BLOB", "abc")


def test_widening_is_written_down(warehouse):
    warehouse.load(schema("a", {"id": {"type": "integer"}, "n": {"type": "integer"}}), record("a", id=1, n=5))
    wider = {"id": {"type": "string"}, "n": {"type": "number"}, "new": {"type": "string"}}
    warehouse.load(schema("a", wider), record("a", id="1", n=1.5), record("a", id="x", n=2))
    assert warehouse.types("a") == {"id": "VARCHAR", "n": "DOUBLE", "new": "VARCHAR"}
    assert warehouse.sql("SELECT id, n FROM crm.a ORDER BY id") == [("1", 1.5), ("x", 2.0)]
    changes = warehouse.sql(
        "SELECT column_name, change, old_type, new_type FROM _load.schema_changes ORDER BY ALL"
    )
    assert changes == [
        ("id", "widen column", "BIGINT", "VARCHAR"),
        ("n", "widen column", "BIGINT", "DOUBLE"),
        ("new", "add column", None, "VARCHAR"),
        (None, "create table", None, None),
    ]


def test_of_a_table_loaded_anew_is_written_down_what_differs(warehouse):
    text, whole = {"type": "string"}, {"type": "integer"}
    for rules in ({"id": whole, "n": whole, "old": text}, {"id": whole, "n": text, "new": text}) * 2:
        for _ in range(2):  # the second has the same columns
            warehouse.load(
                schema("a", rules),
                record("a", id=1),
                record("a", id=2),
                load_method="overwrite",
                batch_size_rows=1,
            )
    changes = warehouse.sql(
        "SELECT table_name, column_name, change, old_type, new_type FROM _load.schema_changes"
        " WHERE run_id IN (SELECT run_id FROM _load.runs ORDER BY started_at LIMIT 4) ORDER BY ALL"
    )
    assert changes == [
        ("a", "n", "replace column", "BIGINT", "VARCHAR"),
        ("a", "new", "add column", None, "VARCHAR"),
        ("a", "old", "drop column", "VARCHAR", None),
        ("a", None, "create table", None, None),
    ]
    assert warehouse.one("SELECT count(*) FROM _load.schema_changes") == 10


@pytest.mark.parametrize(
    "former",
    [{"type": "number"}, {"type": "string", "format": "x-singer.decimal"}],
    ids=["double", "decimal"],
)
@pytest.mark.parametrize("numbers", [(1, 2), (1.5, 0.25)], ids=["whole", "fractions"])
def test_a_key_stays_the_same_when_its_column_becomes_json(warehouse, former, numbers):
    first, second = numbers
    warehouse.load(schema("a", {"id": former}), record("a", id=first), record("a", id=second))
    warehouse.load(schema("a", {"id": {}}), record("a", id=first))
    warehouse.load(schema("a", {"id": former}), record("a", id=second))
    assert warehouse.types("a") == {"id": "JSON"}
    assert warehouse.ids("crm.a") == sorted(map(str, numbers))


@pytest.mark.parametrize(
    "former",
    [{"type": "number"}, {"type": "string", "format": "x-singer.decimal"}],
    ids=["double", "decimal"],
)
def test_a_key_stays_the_same_when_its_column_becomes_text(warehouse, former):
    warehouse.load(schema("a", {"id": former}), record("a", id=1), record("a", id=2))
    warehouse.load(schema("a", {"id": {"type": ["integer", "string"]}}), record("a", id=1))
    warehouse.load(schema("a", {"id": former}), record("a", id=2))
    assert warehouse.ids("crm.a") == ["1", "2"]


TEXT, STAMP = {"type": "string"}, {"type": "string", "format": "date-time"}
UUID = {"type": "string", "format": "uuid"}
STAMPS = ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000000Z")
UUIDS = ("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
RESPELT = {
    "a time that becomes text": (STAMP, TEXT, STAMPS[0], "was TIMESTAMPTZ and is VARCHAR"),
    "a text that becomes a time": (TEXT, STAMP, STAMPS[0], "was VARCHAR and is TIMESTAMPTZ"),
    "a text that becomes a time, spelt as it will be": (TEXT, STAMP, STAMPS[1], ""),
    "a UUID that becomes JSON": (UUID, {}, UUIDS[0], "was UUID and is JSON"),
    "JSON that becomes a UUID": ({}, UUID, UUIDS[0], "was JSON and is UUID"),
    "JSON that becomes a time": ({}, STAMP, STAMPS[0], "was JSON and is TIMESTAMPTZ"),
    "JSON that becomes a time, spelt as it will be": ({}, STAMP, STAMPS[1], ""),
    "a text that becomes a UUID": (TEXT, UUID, UUIDS[0], "was VARCHAR and is UUID"),
    "a text that becomes a UUID, spelt as it will be": (TEXT, UUID, UUIDS[1], ""),
    "a text that becomes a number": (TEXT, {"type": "integer"}, "1", ""),
}


@pytest.mark.parametrize(("former", "latter", "key", "said"), RESPELT.values(), ids=RESPELT)
def test_a_key_that_may_be_spelt_otherwise_than_before_is_warned_of(
    warehouse, caplog, former, latter, key, said
):
    warehouse.load(schema("a", {"id": former}), record("a", id=key), state(1))
    assert caplog.text.count("WARNING") == 0
    sent = [record("a", id=key), state(2), record("a", id=key), state(3)]
    warehouse.load(schema("a", {"id": latter}), *sent, batch_size_rows=1)
    assert len(warehouse.ids("crm.a")) == (2 if said else 1)
    assert caplog.text.count("WARNING") == (1 if said else 0)
    assert said in caplog.text


@pytest.mark.parametrize(("former", "latter", "key", "said"), RESPELT.values(), ids=RESPELT)
def test_a_key_that_may_be_spelt_otherwise_within_a_batch_is_warned_of(
    warehouse, caplog, former, latter, key, said
):
    sent = [
        schema("a", {"id": former}),
        record("a", id=key),
        schema("a", {"id": latter}),
        record("a", id=key),
    ]
    warehouse.load(*sent)
    assert len(warehouse.ids("crm.a")) == (2 if said else 1)
    assert caplog.text.count("WARNING") == (1 if said else 0)
    assert said in caplog.text


def test_a_key_that_is_not_spelt_otherwise_is_not_warned_of(warehouse, caplog):
    rules = {"id": {"type": "integer"}, "at": STAMP}
    warehouse.load(schema("a", rules), record("a", id=1, at=STAMPS[0]))
    warehouse.load(schema("a", {**rules, "at": TEXT}), record("a", id=1, at=STAMPS[0]))
    assert warehouse.types("a")["at"] == "VARCHAR"
    assert "WARNING" not in caplog.text


def test_base64_stays_base64_where_its_column_is_text(warehouse):
    text = {**KEYED, "name": {"type": "string"}}
    blob = {**KEYED, "name": {"type": "string", "contentEncoding": "base64"}}
    for first, second in ((text, blob), (blob, text)):
        stream = "texts" if first is text else "blobs"
        warehouse.load(schema(stream, first), record(stream, id=1, name="YWJj"))
        warehouse.load(schema(stream, second), record(stream, id=2, name="YWJj"))
        assert warehouse.sql(f"SELECT name FROM crm.{stream}") == [("YWJj",), ("YWJj",)]


def test_a_schema_that_no_record_follows_counts(warehouse):
    later = schema("a", {"id": {"type": "integer"}, "tags": {"type": "array"}})
    warehouse.load(schema("a", {"id": {"type": "integer"}}), record("a", id=1), later)
    assert warehouse.types("a") == {"id": "BIGINT", "tags": "JSON"}
    assert warehouse.ids("crm.a") == [1]


def test_a_narrower_schema_leaves_the_column_as_it_is(warehouse):
    warehouse.load(
        schema("a", {"id": {"type": "integer"}, "n": {"type": "string"}}), record("a", id=1, n="x")
    )
    warehouse.load(schema("a", {"id": {"type": "integer"}, "n": {"type": "integer"}}), record("a", id=2, n=7))
    assert warehouse.sql("SELECT n FROM crm.a ORDER BY id") == [("x",), ("7",)]


def test_a_property_that_goes_leaves_its_column(warehouse):
    warehouse.load(
        schema("a", {"id": {"type": "integer"}, "n": {"type": "string"}}), record("a", id=1, n="x")
    )
    warehouse.load(schema("a", {"id": {"type": "integer"}}), record("a", id=2))
    assert warehouse.sql("SELECT n FROM crm.a ORDER BY id") == [("x",), (None,)]


WIDE = {"id": {"type": "integer"}, "n": {"type": "string"}, "m": {"type": "object"}}
NARROW = {"id": {"type": "integer"}, "n": {"type": "string"}}


@pytest.mark.parametrize("settings", [{}, {"add_record_metadata": True}], ids=["straight", "staged"])
def test_what_a_schema_has_no_longer_stays_when_its_record_comes_again(warehouse, settings):
    """A property that is not selected today, or that a user of the source may not see, is not gone."""
    before = [record("a", id=1, n="x", m={"b": 1}), record("a", id=2, n="y", m={"b": 2}), record("a", id=3)]
    warehouse.load(schema("a", WIDE), *before, **settings)
    again = [record("a", id=4, n="z"), record("a", id=2), record("a", id=1, n="v"), record("a", id=3, n="w")]
    warehouse.load(schema("a", NARROW), *again, **settings)
    rows = [(1, "v", '{"b":1}'), (2, None, '{"b":2}'), (3, "w", None), (4, "z", None)]
    assert warehouse.sql("SELECT id, n, m FROM crm.a ORDER BY id") == rows
    assert warehouse.sql("SELECT rows_inserted, rows_updated FROM _load.streams ORDER BY ALL") == [
        (1, 3),
        (3, 0),
    ]


@pytest.mark.parametrize("batch", [1, 100])
def test_what_a_schema_has_no_longer_stays_within_a_run(warehouse, batch):
    warehouse.load(
        schema("a", WIDE),
        record("a", id=1, n="x", m={"b": 1}),
        state({"n": 1}),
        schema("a", NARROW),
        record("a", id=1, n="v"),
        batch_size_rows=batch,
    )
    assert warehouse.sql("SELECT id, n, m FROM crm.a") == [(1, "v", '{"b":1}')]


def test_of_rows_that_had_one_key_what_the_latest_had_stays(warehouse):
    """Such as those of a table that was loaded with `append-only` before."""
    rows = [record("a", id=1, n="x", m={"b": 1}), record("a", id=1, n="y", m={"b": 2})]
    warehouse.load(schema("a", WIDE), *rows, record("a", id=2), load_method="append-only")
    warehouse.load(schema("a", NARROW), record("a", id=1, n="v"), record("a", id=2, n="w"))
    assert warehouse.sql("SELECT id, n, m FROM crm.a ORDER BY id") == [(1, "v", '{"b":2}'), (2, "w", None)]


@pytest.mark.parametrize("key", ["", "PRIMARY KEY"])
def test_what_somebody_wrote_beside_a_record_stays_when_it_comes_again(warehouse, key):
    """Columns with a default get that again: DuckDB does not tell them from generated ones."""
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(
            f"CREATE SCHEMA crm; CREATE TABLE crm.a (id BIGINT {key}, n VARCHAR, note VARCHAR,"
            " tags VARCHAR[], d INTEGER DEFAULT 7, twice BIGINT GENERATED ALWAYS AS (id * 2),"
            " _sdc_deleted_at TIMESTAMPTZ)"
        )
    warehouse.load(schema("a", NARROW), record("a", id=1, n="x"), record("a", id=2, n="y"))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("UPDATE crm.a SET note = 'mine', tags = ['p'], d = 8, _sdc_deleted_at = now()")
    warehouse.load(schema("a", NARROW), record("a", id=1, n="v"), record("a", id=3, n="z"))
    assert warehouse.sql(
        "SELECT * EXCLUDE (_sdc_deleted_at), _sdc_deleted_at IS NULL FROM crm.a ORDER BY id"
    ) == [
        (1, "v", "mine", ["p"], 7, 2, True),
        (2, "y", "mine", ["p"], 8, 4, False),
        (3, "z", None, None, 7, 6, True),
    ]


def test_a_table_that_somebody_made_is_taken_as_it_is(warehouse):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(
            "CREATE SCHEMA crm; CREATE TABLE crm.a (id INTEGER, extra VARCHAR DEFAULT 'd', n SMALLINT)"
        )
    warehouse.load(
        schema("a", {"id": {"type": "integer"}, "n": {"type": "integer"}}), record("a", id=2**40, n=1)
    )
    assert warehouse.types("a") == {"id": "BIGINT", "extra": "VARCHAR", "n": "BIGINT"}


DEFINITIONS = {
    "day": {"type": "string", "format": "date", "title": "A day"},
    "maybe": {"anyOf": [{"$ref": "#/definitions/day"}, {"type": "null"}]},
    "a/b": {"type": "integer"},
    "tree": {"type": "object", "properties": {"child": {"$ref": "#/definitions/tree"}}},
    "loop": {"$ref": "#/definitions/loop"},
    "row": {"properties": {"n": {"type": "integer"}}},
}


MADE = {
    "primary key": "CREATE TABLE crm.a(id BIGINT PRIMARY KEY, name VARCHAR)",
    "index": "CREATE TABLE crm.a(id BIGINT, name VARCHAR); CREATE INDEX i ON crm.a(id)",
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_rows_are_replaced_in_a_table_with_an_index_and_a_type_that_it_holds_is_said(warehouse, made):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"CREATE SCHEMA crm; {made}; INSERT INTO crm.a VALUES (1, 'old'), (2, 'old')")
    for name in ("new", "newer"):
        warehouse.load(schema("a"), record("a", id=1, name=name), record("a", id=3, name=name))
    assert warehouse.sql("SELECT * FROM crm.a ORDER BY id") == [(1, "newer"), (2, "old"), (3, "newer")]
    with pytest.raises(DatabaseError, match=r"a: 'id': BIGINT would become VARCHAR, which an index"):
        warehouse.load(schema("a", {"id": {"type": "string"}}), record("a", id="x"))


def test_a_unique_index_that_does_not_let_a_row_be_replaced_is_said_without_a_value(warehouse):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(
            "CREATE SCHEMA crm; CREATE TABLE crm.a(id BIGINT, name VARCHAR UNIQUE); INSERT INTO crm.a VALUES"
            " (1, 'secret')"
        )
    with pytest.raises(DatabaseError, match=r"a: a unique index .* on 'name' of crm.a") as caught:
        warehouse.load(schema("a"), record("a", id=2, name="secret"))
    assert "secret" not in str(caught.value)
    assert warehouse.ids("crm.a") == [1]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"$ref": "#/definitions/day"}, "DATE"),
        ({"$ref": "#/definitions/maybe"}, "DATE"),
        ({"$ref": "#/definitions/a~1b"}, "BIGINT"),
        ({"$ref": "#/definitions/tree"}, "JSON"),
        ({"$ref": "#/definitions/loop"}, "JSON"),
        ({"$ref": "#/definitions/none"}, "JSON"),
        ({"$ref": "elsewhere.json#/day"}, "JSON"),
        ({"allOf": [{"type": ["string", "null"]}, {"format": "uuid"}]}, "UUID"),
        ({"allOf": [{"$ref": "#/definitions/day"}], "description": "signed"}, "DATE"),
        ({"oneOf": [{"$ref": "#/definitions/a~1b"}, {"type": "number"}]}, "DOUBLE"),
    ],
)
def test_a_property_may_refer_to_its_type(rule, expected):
    columns = columns_of({"definitions": DEFINITIONS, "properties": {"n": rule}})
    assert [column.type for column in columns] == [expected]


def test_a_schema_may_refer_to_its_properties():
    rules = {"definitions": DEFINITIONS, "allOf": [{"$ref": "#/definitions/row"}], "properties": {"m": {}}}
    assert [(column.property, column.type) for column in columns_of(rules)] == [
        ("n", "BIGINT"),
        ("m", "JSON"),
    ]


@pytest.mark.parametrize(
    "rules",
    [{"n": {"type": "string"}, "new": {"type": "string"}}, {"n": {"type": "object"}}],
    ids=["new", "wider"],
)
def test_frozen_schemas_stop_the_run(warehouse, rules):
    first = {"id": {"type": "integer"}, "n": {"type": "integer"}}
    warehouse.load(schema("a", first), record("a", id=1, n=5), schema_evolution="freeze")
    with pytest.raises(DatabaseError, match="schema_evolution is freeze"):
        warehouse.load(schema("a", {**first, **rules}), record("a", id=2), schema_evolution="freeze")
    assert warehouse.ids("crm.a") == [1]


LIKE_MARKS = ['name "id"', 'name "first" and "last"', 'a\nname "id"', 'name\0 "id"', 'name "id"\nb', 'name "']


@pytest.mark.parametrize("text", LIKE_MARKS)
def test_a_description_is_never_taken_for_the_name_of_a_column(warehouse, text):
    rules = {"who": {"type": "string", "description": text}, "id": {"type": "integer"}}
    for number in (1, 2):
        warehouse.load(schema("a", rules), record("a", id=number, who=f"w{number}"))
    assert warehouse.sql("SELECT id, who FROM crm.a ORDER BY id") == [(1, "w1"), (2, "w2")]
    assert list(warehouse.types("a")) == ["who", "id"]


def test_names_in_comments_of_older_files_are_understood():
    columns = columns_of({"properties": {name: {} for name in ("who", "id", "Id", "", "a\0b")}})
    comments = {
        "who": 'name "id"',
        "id": "",
        "Id_1": 'Key\nname "Id"',
        "unnamed": 'name ""',
        "ab": 'name "a\\u0000b"',
    }
    existing = [TableColumn(name, "JSON", comment) for name, comment in comments.items()]
    assert list(assign_names(columns, existing).values()) == list(comments)


def test_titles_and_descriptions_become_comments(warehouse):
    rules = {"id": {"type": "integer", "title": "Number", "description": "It's the key"}}
    warehouse.load(schema("a", rules), record("a", id=1))
    assert (
        warehouse.one("SELECT comment FROM duckdb_columns() WHERE table_name = 'a'") == "Number: It's the key"
    )


HOSTILE = [
    'quote"', "it's", '"; DROP TABLE crm.a; --', "'); DELETE FROM crm.a; --", "$$", "`", "select", "Größe",
    "a.b", "a b", "\t", "a\nb", "", "null", "rowid", "record", "c0", "x" * 3000, "%s", "{v}", "?", "\\", "/*",
    "NAME",
    "Name", "name", "STRASSE", "straße", "\ud800", "type", "__proto__", "\u202e", "é", "e\u0301", "1", "-",
    " ", "#", "flawed", "version", "time_extracted", "_sdc_seq", "stream", "a\0b", "名前", "😀",
]  # fmt: skip


def test_hostile_property_names_are_only_names(warehouse):
    rules = {"id": {"type": "integer"}, **{name: {"type": ["string", "null"]} for name in HOSTILE}}
    message = json.dumps(schema("a", rules)).encode()
    texts = {name: f"v{place}" for place, name in enumerate(HOSTILE)}
    values = json.dumps({**record("a"), "record": {"id": 1, **texts}}).encode()
    for _ in range(2):
        warehouse.load(message, values)
    columns = [
        TableColumn(row[0], row[1], row[2] or "")
        for row in warehouse.sql(
            "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE schema_name = 'crm'"
        )
    ]
    assert len(columns) == len(HOSTILE) + 1
    names = assign_names(columns_of({"properties": rules}), columns)
    for place, name in enumerate(HOSTILE):
        assert warehouse.sql(f"SELECT {quote(names[name])} FROM crm.a") == [(f"v{place}",)]
    assert warehouse.rejected() == []


def test_hostile_stream_names_are_only_names(warehouse):
    streams = [name for name in HOSTILE if "\ud800" not in name]
    for turn in (1, 2):
        messages = [
            json.dumps(item).encode()
            for name in streams[:: 3 - 2 * turn]
            for item in (schema(name), record(name, id=turn))
        ]
        warehouse.load(*messages)
    found = warehouse.sql("SELECT stream, table_name, sum(rows_in) FROM _load.streams GROUP BY ALL")
    assert sorted(row[0] for row in found) == sorted(streams)
    for _, table, rows in found:
        assert warehouse.one(f"SELECT count(*) FROM crm.{quote(table)}") == rows == 2


def test_five_hundred_random_names(warehouse):
    chance = random.Random(5)
    alphabet = "aAbB\"'.;-()[]{}%$\\ \t\néÉß\u017f\u0130\u0131中😀\u200b"
    names = list({"".join(chance.choices(alphabet, k=chance.randint(1, 12))) for _ in range(520)})[:500]
    rules = {"id": {"type": "integer"}, **{name: {"type": "string"} for name in names}}
    warehouse.load(schema("a", rules), record("a", id=1, **{name: name for name in names}))
    row = warehouse.sql("SELECT * EXCLUDE (id) FROM crm.a")[0]
    assert sorted(row) == sorted(names)


def test_widening_twice_is_widening_once():
    for first in SAMPLES:
        for second in SAMPLES:
            joined = widen(first, second)
            assert widen(joined, first) == joined
            assert widen(joined, second) == joined


def test_conversion_of_a_type_to_itself_is_nothing():
    assert all(convert_sql("x", kind, kind) == "x" for kind in SAMPLES)


@pytest.mark.parametrize(
    "messages",
    [
        [schema("a"), record("a", 5, id=1), activate("a", 5)],
        [schema("a"), record("a", id=1), *live("a", [1], 7)],
        [schema("a"), record("a", id=1), record("a", id=2, _sdc_deleted_at="2026-01-01T00:00:00Z")],
    ],
    ids=["version", "live keys", "mark"],
)
def test_a_frozen_schema_lets_a_new_table_have_all_its_columns(warehouse, messages):
    warehouse.load(*messages, schema_evolution="freeze", one_by_one=True, batch_size_rows=1)
    assert "_sdc_deleted_at" in warehouse.types("a")


OTHERS = {
    "another type": {"id": {"type": "string"}, "name": {"type": "string"}},
    "a column more": {"id": {"type": "integer"}, "name": {"type": "string"}, "z": {"type": "string"}},
    "a column less": {"id": {"type": "integer"}},
}


@pytest.mark.parametrize("rules", OTHERS.values(), ids=OTHERS)
def test_overwrite_does_not_change_a_frozen_schema(warehouse, rules):
    settings = {"load_method": "overwrite", "schema_evolution": "freeze"}
    warehouse.load(schema("a"), record("a", id=1, name="x"), **settings)
    warehouse.load(schema("a"), record("a", id=2, name="y"), **settings)
    with pytest.raises(DatabaseError, match="schema_evolution is freeze"):
        warehouse.load(schema("a", rules), record("a", id=3), **settings)
    assert warehouse.sql("SELECT id, name FROM crm.a") == [(2, "y")]


def test_a_key_stays_the_same_where_its_column_becomes_text_to_hold_it(warehouse):
    rules = {"id": {"type": "number"}, "name": {"type": "string"}}
    warehouse.load(schema("a", rules), record("a", id=1, name="x"), record("a", id=2, name="y"))
    rules = {**rules, "id": {"type": "integer"}}
    warehouse.load(schema("a", rules), record("a", id=1, name="z"), record("a", id=2**53 + 1, name="w"))
    assert warehouse.sql("SELECT id, name FROM crm.a ORDER BY ALL") == [
        ("1", "z"),
        ("2", "y"),
        (str(2**53 + 1), "w"),
    ]


@pytest.mark.parametrize("group", [24_576, 61_440, 122_880])
@pytest.mark.parametrize("rows", [40_000, 100_000, 200_000])
@pytest.mark.parametrize("name", ["n", "s"])
@pytest.mark.parametrize("others", [0, 25_000])  # small row groups are in use beside the latter
def test_a_table_changes_whatever_row_groups_it_has(warehouse, group, rows, name, others):
    """DuckDB does not commit an ALTER and rows if the last row group is larger than those of the moment."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{warehouse.path}' AS made (ROW_GROUP_SIZE {group})")
        connection.execute(f"CREATE TABLE made.a AS SELECT range AS id, range AS n FROM range({rows})")
    rules = {"id": {"type": "integer"}, "n": {"type": "integer"}}
    sent = [schema("b", rules), *(record("b", id=number) for number in range(others))]
    sent += [schema("a", rules | {name: {"type": "number"}}), record("a", id=1, **{name: 1.5})]
    warehouse.load(*sent, default_target_schema=None)
    assert warehouse.sql("SELECT count(*), sum(id) FROM a") == [(rows, rows * (rows - 1) // 2)]
    assert warehouse.sql(f"SELECT {name} FROM a WHERE id = 1") == [(1.5,)]


@pytest.mark.parametrize("name", ["n", "s"])
@pytest.mark.parametrize(("group", "rows"), [(245_760, 130_000), (1_048_576, 300_000)])
def test_a_table_changes_whose_row_groups_are_larger_than_those_of_duckdb(warehouse, group, rows, name):
    with duckdb.connect() as connection:
        options = f"ROW_GROUP_SIZE {group}, STORAGE_VERSION 'v1.2.0'"
        connection.execute(f"ATTACH '{warehouse.path}' AS made ({options})")
        connection.execute(f"CREATE TABLE made.a AS SELECT range AS id, range AS n FROM range({rows})")
    rules = {"id": {"type": "integer"}, "n": {"type": "integer"}, name: {"type": "number"}}
    warehouse.load(schema("a", rules), record("a", id=1, **{name: 1.5}), default_target_schema=None)
    assert warehouse.sql("SELECT count(*), sum(id) FROM a") == [(rows, rows * (rows - 1) // 2)]
    assert warehouse.sql(f"SELECT {name} FROM a WHERE id = 1") == [(1.5,)]


@pytest.mark.parametrize(
    ("made", "rule", "column", "values"),
    [
        ("FLOAT '1'", {"type": "integer"}, "DOUBLE", [(1.0, 7)]),
        ("FLOAT '1'", {"type": "string"}, "VARCHAR", [("1", 7)]),
        ("1::INTEGER", {"type": "object"}, "JSON", [("1", 7)]),
        ("1::SMALLINT", {"type": "number", "multipleOf": 0.01}, "DECIMAL(38,2)", [(1, 7)]),
        ("1::INTEGER", {"type": "integer", "maximum": 2**70}, "HUGEINT", [(1, 7)]),
        ("1::UINTEGER", {"type": "number"}, "DOUBLE", [(1.0, 7)]),
        ("1::UBIGINT", {"type": "integer"}, "HUGEINT", [(1, 7)]),
        ("{'k': 1}", {"type": "object"}, "JSON", [('{"k":1}', 7)]),
        ("['a', 'b,c']", {"type": "array"}, "JSON", [('["a","b,c"]', 7)]),
        ("map {'k': 1}", {"type": "object"}, "JSON", [('{"k":1}', 7)]),
    ],
)
def test_a_type_of_somebodys_own_widens_as_the_one_of_ours_that_holds_it(
    warehouse, made, rule, column, values
):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"CREATE TABLE a AS SELECT {made} AS id, 7 AS n")
    rules = {"id": rule, "n": {"type": "integer"}}
    warehouse.load(schema("a", rules), default_target_schema=None)
    assert warehouse.sql("SELECT * FROM a") == values
    assert warehouse.one("SELECT data_type FROM duckdb_columns() WHERE column_name = 'id'") == column


@pytest.mark.parametrize("kind", ["TIMESTAMP_S", "TIMESTAMP_MS"])
def test_a_coarse_time_stamp_is_the_key_that_it_was(warehouse, kind):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"CREATE TABLE a AS SELECT '2024-01-01'::{kind} AS id")
    rules = {"id": {"type": "string", "format": "date-time"}}
    warehouse.load(schema("a", rules), record("a", id="2024-01-01T00:00:00Z"), default_target_schema=None)
    assert warehouse.sql("SELECT id::VARCHAR FROM a") == [("2024-01-01 00:00:00+00",)]


def test_schemas_and_views_that_differ_in_another_letter_than_an_ascii_one_are_others(warehouse):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE SCHEMA Ä; CREATE TABLE Ä.t AS SELECT 1 AS id, 'mine' AS s")
        connection.execute("CREATE SCHEMA ä; CREATE VIEW ä.Ö AS SELECT 1 AS id")
    for stream, table in (("t", "t"), ("ö", "ö_1")):
        warehouse.load(schema(stream), record(stream, id=1), default_target_schema="ä")
        assert warehouse.ids(f"ä.{table}") == [1]
    assert warehouse.sql("SELECT * FROM Ä.t") == [(1, "mine")]
