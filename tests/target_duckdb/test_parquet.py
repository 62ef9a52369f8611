"""BATCH messages of Parquet files: stored as the same rows are that come as records, whatever is in them."""

from __future__ import annotations

import json
import math
import random
import struct
from pathlib import Path

import duckdb
import msgspec
import pytest
from target_duckdb.files import ParquetFile
from target_duckdb.guards import Envelope
from target_duckdb.loader import Load
from target_duckdb.parquet import is_exact
from target_duckdb.reader import Reader
from target_duckdb.settings import read_settings
from target_duckdb.shapes import shape_of
from target_duckdb.sql import literal, quote

from tests.target_duckdb.loading import KEYED, Warehouse, activate, lines, record, records, schema, state

WHOLE = {"TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER"}
TIMES = {"DATE", "TIMESTAMP", "TIMESTAMPTZ"}
DECIMALS = {
    "DECIMAL(4,1)",
    "DECIMAL(38,0)",
    "DECIMAL(38,30)",
    "DECIMAL(9,3)",
    "DECIMAL(12,4)",
    "DECIMAL(38,6)",
}
NESTED = {"STRUCT(a BIGINT, b STRUCT(c VARCHAR))", "STRUCT(d DOUBLE, t TIMESTAMP)", "MAP(VARCHAR, BIGINT)"}
MONEY = {"type": "string", "format": "x-singer.decimal", "precision": 12, "scale": 3}
RULES = {
    "VARCHAR": ({"type": "string"}, {"VARCHAR", *WHOLE, *TIMES, "BIGINT", "BOOLEAN", "TIME", "UUID"}),
    "BIGINT": ({"type": ["integer", "null"]}, {*WHOLE, "BIGINT", "DOUBLE"}),
    "HUGEINT": ({"type": ["integer", "null"], "maximum": 2**64}, {*WHOLE, "BIGINT", "UBIGINT"}),
    "DOUBLE": ({"type": ["number", "null"]}, {*WHOLE, *DECIMALS, "DOUBLE", "FLOAT"}),
    "DECIMAL": (MONEY, {*WHOLE, *DECIMALS, "BIGINT", "DOUBLE", "VARCHAR"}),
    "BOOLEAN": ({"type": ["boolean", "null"]}, {"BOOLEAN"}),
    "DATE": ({"type": "string", "format": "date"}, {*TIMES, "TIMESTAMP_NS", "VARCHAR"}),
    "TIME": ({"type": "string", "format": "time"}, {"TIME", "VARCHAR"}),
    "TIMESTAMPTZ": ({"type": "string", "format": "date-time"}, {*TIMES, "TIMESTAMP_NS", "VARCHAR"}),
    "TIMESTAMP": ({"x-sql-datatype": "TIMESTAMP"}, {*TIMES, "TIMESTAMP_NS", "VARCHAR"}),
    "UUID": ({"type": "string", "format": "uuid"}, {"UUID", "VARCHAR"}),
    "BLOB": ({"type": "string", "contentEncoding": "base64"}, {"BLOB", "VARCHAR"}),
    "JSON": ({"type": ["object", "array", "null"]}, {*NESTED, "JSON", "BIGINT[]", "DOUBLE[]"}),
}
"""By type of a table's column: a schema that asks for it, and which types of Parquet columns are read for it
as they are, besides INTEGER."""
TEXTS = [
    *(
        "",
        " ",
        "a",
        "it's",
        "{0}",
        "[1, 2]",
        '{"a": 1.10}',
        "1.50",
        "-0",
        "1e3",
        "NaN",
        "true",
        "null",
        "é😀",
    ),
    *(
        "2026-01-02",
        "2026-01-02T03:04:05Z",
        "2026-02-30",
        "12:00:15+03:00",
        "04:00:00 PM",
        "12.3456",
        "12.34",
    ),
    *("123e4567-e89b-12d3-a456-426614174000", "YWJj", "0001-01-01", "9007199254740993", "-1.5", "x" * 999),
]
INSTANTS = (
    "2026-01-02 03:04:05.678901",
    "1969-12-31 23:59:59.999999",
    "2026-01-02 00:00:00",
    "1582-10-04 12:00:00",
)
VALUES = {
    "TINYINT": ["-128", "127"],
    "UTINYINT": ["255"],
    "SMALLINT": ["-32768"],
    "USMALLINT": ["65535"],
    "INTEGER": ["-2147483648", "0"],
    "UINTEGER": ["4294967295"],
    "BIGINT": ["-9223372036854775807", "9007199254740993"],
    "UBIGINT": ["18446744073709551615", "1"],
    "FLOAT": ["0.1", "16777216", "-3.5"],
    "DOUBLE": ["0.1", "'-0.0'", "1e22", "5e-324", "1.7976931348623157e308", "3.0"],
    "BOOLEAN": ["true", "false"],
    "DECIMAL(4,1)": ["1.5", "-999.9"],
    "DECIMAL(38,0)": ["9007199254740992", "5"],
    "DECIMAL(38,30)": ["1.5"],
    "DECIMAL(9,3)": ["123456.789", "0"],
    "DECIMAL(12,4)": ["12345678.1234"],
    "DECIMAL(38,6)": ["12345678901234567890.123456"],
    "DATE": ["'2026-01-02'", "'0001-01-01'", "'9999-12-30'"],
    "TIME": ["'00:00:00'", "'23:59:59.999999'", "'24:00:00'"],
    "TIMESTAMP": [f"'{instant}'" for instant in INSTANTS],
    "TIMESTAMP_NS": ["'2026-01-02 03:04:05.678901'", "'1969-12-31'"],
    "TIMESTAMPTZ": [f"'{instant}+02'" for instant in INSTANTS],
    "VARCHAR": ["'a' || chr(0) || 'b'", "''"],
    "UUID": ["'123E4567-E89B-12D3-A456-426614174000'"],
    "BLOB": [r"'\xFFabc'", "''"],
    "JSON": ["""'{"a": 1.10, "b" : [null]}'""", "'[]'", "' null '", """'"text"'""", "'12'"],
    "BIGINT[]": ["[1, NULL]", "[]"],
    "DOUBLE[]": ["[1.5, 0.1]"],
    "STRUCT(a BIGINT, b STRUCT(c VARCHAR))": ["{'a': 1, 'b': {'c': 'Infinity'}}"],
    "STRUCT(d DOUBLE, t TIMESTAMP)": ["{'d': 1e300, 't': '2026-01-02 03:04:05'}"],
    "MAP(VARCHAR, BIGINT)": ["MAP{'a': 1}", "MAP{}"],
}
"""Types of Parquet columns, and values of theirs."""
ODD = [
    *(("DOUBLE", value) for value in ("'nan'", "'inf'", "'-inf'")),
    *(
        (kind, value)
        for kind in sorted(TIMES)
        for value in ("'infinity'", "'-infinity'", "'0044-03-15 (BC)'")
    ),
    *((kind, value) for kind in sorted(TIMES) for value in ("'12026-01-02'", "'9999-12-31'")),
    *(("TIMESTAMP_NS", value) for value in ("'infinity'", "'2026-01-02 03:04:05.678901234'")),
    *(("DOUBLE", value) for value in ("3.5", "9007199254740993", "1e300", "12.3456", "1e-7", "123456.789")),
    *(("FLOAT", value) for value in ("'nan'", "'inf'", "1e38", "12.3456", "123456.789")),
    *(("DECIMAL(38,0)", value) for value in ("9007199254740993", "-9007199254740994", "1e30")),
    ("DOUBLE[]", "['nan']"),
    ("STRUCT(d DOUBLE, t TIMESTAMP)", "{'d': 'inf', 't': 'infinity'}"),
    ("STRUCT(d DOUBLE, t TIMESTAMP)", "{'d': NULL, 't': 'infinity'}"),
    ("STRUCT(a BIGINT, b STRUCT(c VARCHAR))", "{'a': 1, 'b': {'c': chr(0)}}"),
    *(("VARCHAR", literal(text)) for text in TEXTS),
]
"""Values that no JSON has, or not so clearly, and texts that are values of one column or another."""
RANDOM = 400
STAMPED = ("TIMESTAMPTZ", "TIMESTAMP", "VARCHAR")


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


@pytest.fixture
def write(tmp_path):
    """Write the rows of a query to a Parquet file."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")

        def write(name: str, query: str, options: str = "FORMAT parquet") -> str:
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            connection.execute(f"COPY ({query}) TO '{path}' ({options})")
            return str(path)

        yield write


def batch(stream: str, *names: str, version: int | None = None) -> dict:
    message = {"type": "BATCH", "stream": stream, "encoding": {"format": "parquet"}, "manifest": list(names)}
    return message if version is None else message | {"version": version}


def lines_of(stream: str, name: str) -> list[bytes]:
    """Return the rows of a file as RECORD messages."""
    file = ParquetFile.open(name, Envelope(stream=stream))
    return [line for block in file.lines() for line in block.split(b"\n")[:-1]]


def fits(rule: dict, name: str) -> bool:
    """Return whether a file is read as it is into a table whose column `v` has such a rule."""
    text = json.dumps(schema("s", {"id": {"type": "integer"}, "v": rule})).encode()
    shape = shape_of(msgspec.json.decode(text, type=Envelope), read_settings({"path": "x"}))
    return is_exact(shape, ParquetFile.open(name, Envelope()).types)


def rows_of(kind: str, values: list[str]) -> str:
    """Return the query of numbered values, and of none."""
    rows = ", ".join(f"({place}, CAST({value} AS {kind}))" for place, value in enumerate([*values, "NULL"]))
    return f"FROM (VALUES {rows}) t(id, v)"


def assert_the_same(tmp_path, loads: list[tuple[dict, str]]) -> None:
    """Assert that files are stored as their rows are that come as records."""
    straight, lines = (Warehouse(tmp_path / f"{name}.duckdb") for name in ("straight", "lines"))
    as_files, as_lines = [], []
    for number, (rule, name) in enumerate(loads):
        stream = f"s{number}"
        declared = schema(stream, {"id": {"type": "integer"}, "v": rule})
        as_files += [declared, batch(stream, name)]
        as_lines += [declared, *lines_of(stream, name)]
    straight.load(*as_files)
    lines.load(*as_lines)
    tables = range(len(loads))
    query = " UNION ALL ".join(
        f"SELECT {number} AS load, id, v::VARCHAR FROM crm.s{number}" for number in tables
    )
    assert straight.sql(f"{query} ORDER BY ALL") == lines.sql(f"{query} ORDER BY ALL"), loads
    assert straight.rejected() == lines.rejected()


def test_which_types_are_read_as_they_are(write):
    names = {kind: write(f"{n}.parquet", rows_of(kind, [])) for n, kind in enumerate(VALUES)}
    for column, (rule, kinds) in RULES.items():
        assert {kind for kind, name in names.items() if fits(rule, name)} == kinds | {"INTEGER"}, column


@pytest.mark.parametrize("column", RULES)
def test_values_are_stored_like_those_of_records(tmp_path, write, column):
    rule, kinds = RULES[column]
    wanted = [(kind, VALUES[kind]) for kind in sorted(kinds)]
    wanted += [(kind, [value]) for kind, value in ODD if kind in kinds]
    wanted += [("INTEGER", values) for values in ([], ["5"])]  # Arrow writes columns without a value so
    loads = [(rule, write(f"{n}.parquet", rows_of(*each))) for n, each in enumerate(wanted)]
    assert_the_same(tmp_path, loads)


def test_random_values_are_stored_like_those_of_records(tmp_path, write):
    chance = random.Random(5)
    doubles = [struct.unpack("d", chance.randbytes(8))[0] for _ in range(RANDOM)]
    finite = [repr(value) for value in doubles if math.isfinite(value)]
    seconds = [chance.randrange(-62135596800, 253402214400) for _ in range(RANDOM)]
    micros = [second * 10**6 + chance.randrange(10**6) for second in seconds]
    cents = [chance.randrange(-(10**9), 10**9) for _ in range(RANDOM)]
    long = [f"'{chance.randrange(10**32)}.{chance.randrange(10**6):06}'" for _ in range(RANDOM)]
    wanted = [
        ("DOUBLE", "DOUBLE", finite),
        ("DOUBLE", "FLOAT", [f"CAST({cent} AS DOUBLE) / 1000" for cent in cents]),
        ("DOUBLE", "DECIMAL(38,6)", [f"CAST({number} AS DECIMAL(38,6))" for number in long]),
        ("DOUBLE", "DECIMAL(9,3)", [f"CAST('{cent / 1000:.3f}' AS DECIMAL(9,3))" for cent in cents]),
        ("DECIMAL", "DECIMAL(9,3)", [f"CAST('{cent / 1000:.3f}' AS DECIMAL(9,3))" for cent in cents]),
        ("DECIMAL", "DOUBLE", [f"CAST({cent} AS DOUBLE) / 1000" for cent in cents]),
        ("BIGINT", "BIGINT", [str(chance.getrandbits(63) - 2**62) for _ in range(RANDOM)]),
        ("BIGINT", "DOUBLE", [f"{cent}" for cent in cents]),
        ("JSON", "DOUBLE[]", [f"[{value}, 1]" for value in finite]),
        *((column, "TIMESTAMPTZ", [f"make_timestamptz({each})" for each in micros]) for column in STAMPED),
        *((column, "TIMESTAMP", [f"make_timestamp({each})" for each in micros]) for column in STAMPED),
        ("DATE", "TIMESTAMP", [f"make_timestamp({each} // 86400 * 86400000000)" for each in seconds]),
    ]
    loads = [
        (RULES[column][0], write(f"{n}.parquet", rows_of(kind, values)))
        for n, (column, kind, values) in enumerate(wanted)
    ]
    assert_the_same(tmp_path, loads)


def test_types_become_those_of_the_table(warehouse, write):
    columns = "range AS id, 'n' || range AS name, 1.10::DECIMAL(9,2) AS price"
    name = write(
        "b.parquet", f"SELECT {columns}, '2026-01-01 00:00:00+01'::TIMESTAMPTZ AS stamp FROM range(5)"
    )
    money = {"type": "string", "format": "x-singer.decimal", "precision": 9, "scale": 2}
    rules = {**KEYED, "price": money, "stamp": {"type": "string", "format": "date-time"}}
    warehouse.load(schema("a", rules), batch("a", name))
    expected = (4, "n4", "1.10", "2025-12-31 23:00:00+00")
    query = "SELECT id, name, price::VARCHAR, stamp::VARCHAR FROM crm.a WHERE id = 4"
    assert warehouse.sql(query) == [expected]


@pytest.mark.parametrize(
    "names", [("t", "rows", "it's", 'a "b"'), ("c0", "flawed", "version", "s", "FILE_ROW_NUMBER")]
)
def test_columns_may_have_any_name(warehouse, write, names):
    columns = ", ".join(f"{number} AS {quote(name)}" for number, name in enumerate(names))
    rules = {**KEYED, **{name: {"type": "integer"} for name in names}}
    name = write("b.parquet", f"SELECT range AS id, {columns} FROM range(3)")
    warehouse.load(schema("a", rules), batch("a", name, version=5), batch_size_rows=2)
    found = warehouse.sql(
        f"SELECT id, _sdc_table_version, {', '.join(map(quote, names))} FROM crm.a ORDER BY id"
    )
    assert found == [(number, 5, *range(len(names))) for number in range(3)]


@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip", "uncompressed"])
def test_a_file_says_itself_how_it_is_compressed(warehouse, write, codec):
    message = batch("a", write("b.parquet", "SELECT 1 AS id", f"CODEC {codec}"))
    message["encoding"]["compression"] = codec
    warehouse.load(schema("a"), message)
    assert warehouse.ids("crm.a") == [1]


def test_bytes(warehouse, write):
    name = write("b.parquet", 'SELECT 1 AS id, \'\\xFFa\'::BLOB AS "sent"" bytes", NULL::BLOB AS name')
    rules = {**KEYED, 'sent" bytes': {"type": "string", "contentEncoding": "base64"}}
    warehouse.load(schema("a", rules), batch("a", name))
    assert warehouse.sql('SELECT "sent"" bytes", name FROM crm.a') == [(b"\xffa", None)]


BYTES = {
    "STRUCT(bl BLOB)": (r"{'bl': '\x00\xFF'}", '{"bl":"AP8="}'),
    'STRUCT("it\'s" BLOB, n BIGINT)': ("{'it''s': 'abcd', 'n': 1}", '{"it\'s":"YWJjZA==","n":1}'),
    "BLOB[]": ("['abcd', NULL, '']", '["YWJjZA==",null,""]'),
    "BLOB[2]": ("['abcd', NULL]", '["YWJjZA==",null]'),
    "MAP(VARCHAR, BLOB)": ("MAP{'k': 'abcd'}", '{"k":"YWJjZA=="}'),
    "STRUCT(a BLOB[][])[]": ("[{'a': [['abcd'], NULL]}, NULL]", '[{"a":[["YWJjZA=="],null]},null]'),
    "MAP(VARCHAR, MAP(VARCHAR, BLOB)[])": ("MAP{'k': [MAP{'l': 'abcd'}]}", '{"k":[{"l":"YWJjZA=="}]}'),
    'STRUCT("BLOB" VARCHAR)': ("{'BLOB': 'abcd'}", '{"BLOB":"abcd"}'),
}


@pytest.mark.parametrize(("kind", "value", "expected"), [(kind, *each) for kind, each in BYTES.items()])
def test_bytes_within_a_structure_are_base64_too(warehouse, write, kind, value, expected):
    name = write("b.parquet", f"SELECT unnest([1, 2]) AS id, unnest([{value}::{kind}, NULL]) AS x")
    warehouse.load(schema("a", {"id": {"type": "integer"}, "x": {}}), batch("a", name))
    assert warehouse.sql("SELECT x::VARCHAR FROM crm.a ORDER BY id") == [(expected,), (None,)]


def test_bytes_of_an_object_that_is_taken_apart_are_those_that_came(warehouse, write):
    query = r"SELECT 1 AS id, {'bl': 'abcd'::BLOB} AS o UNION ALL SELECT 2, {'bl': '\x00\xFF'::BLOB}"
    members = {"bl": {"type": "string", "contentEncoding": "base64"}}
    rules = schema("a", {"id": {"type": "integer"}, "o": {"type": "object", "properties": members}})
    sent = rules, batch("a", write("b.parquet", query))
    done = warehouse.command(*sent, flattening_enabled=True, flattening_max_depth=1)
    assert done.returncode == 0, done.stderr
    assert warehouse.sql("SELECT o__bl FROM crm.a ORDER BY id") == [(b"abcd",), (b"\x00\xff",)]


@pytest.mark.parametrize("name", ["b[1].parquet", "b*.parquet", "b?.parquet"])
def test_a_file_is_one_file_whatever_its_name(warehouse, write, name):
    path = write(name, "SELECT 0 AS id")
    write("b1.parquet", "SELECT 1 AS id")
    warehouse.load(schema("a"), batch("a", Path(path).as_uri()))
    assert warehouse.ids("crm.a") == [0]


@pytest.mark.parametrize("folder", ["id=7", "year=2026"])
def test_a_folder_is_no_value_of_the_records(warehouse, write, folder):
    warehouse.load(schema("a"), batch("a", write(f"{folder}/b.parquet", "SELECT 1 AS id")))
    assert (warehouse.ids("crm.a"), warehouse.rejected()) == ([1], [])


def test_the_last_arrival_of_a_key_wins_within_a_file_and_across_files_and_records(warehouse, write):
    first = write("1.parquet", "SELECT range % 3 AS id, 'one ' || range AS name FROM range(30)")
    second = write("2.parquet", "SELECT 2 AS id, 'two' AS name")
    third = write("3.parquet", "SELECT unnest([0, 3]) AS id, 'three' AS name")
    before, between = record("a", id=1, name="before"), record("a", id=0, name="between")
    messages = [
        schema("a"),
        before,
        batch("a", first, second),
        between,
        batch("a", third),
        *records("a", [4]),
    ]
    assert warehouse.load(*messages, state(1)) == [1]
    found = warehouse.sql("SELECT id, name FROM crm.a ORDER BY id")
    assert found == [(0, "three"), (1, "one 28"), (2, "two"), (3, "three"), (4, "n4")]
    tally = warehouse.tally("a")
    assert [tally[name] for name in ("in", "inserted", "updated", "superseded")] == [36, 5, 4, 27]


def test_rows_replace_those_of_earlier_runs(warehouse, write):
    warehouse.load(schema("a"), *records("a", range(10)))
    warehouse.load(schema("a"), batch("a", write("b.parquet", "SELECT range + 5 AS id FROM range(10)")))
    assert warehouse.ids("crm.a") == list(range(15))
    assert (warehouse.tally("a")["updated"], warehouse.tally("a")["inserted"]) == (5, 5)


@pytest.mark.parametrize("method", ["upsert", "append-only", "overwrite"])
def test_a_large_file_is_committed_in_parts(warehouse, write, method):
    name = write("b.parquet", "SELECT range AS id, 'n' || range AS name FROM range(5000)")
    warehouse.load(schema("a"), batch("a", name), load_method=method, batch_size_rows=1999)
    assert warehouse.sql("SELECT count(*), count(DISTINCT id), sum(id) FROM crm.a") == [
        (5000, 5000, 12497500)
    ]
    assert warehouse.one("SELECT max(commits) FROM _load.runs") == 2


def test_a_large_file_with_an_odd_value_is_committed_in_parts(warehouse, write):
    odd = "CASE WHEN range % 1000 = 7 THEN 'nan'::DOUBLE ELSE range END"
    name = write("b.parquet", f"SELECT range AS id, {odd} AS size FROM range(5000)")
    rules = {"id": {"type": "integer"}, "size": {"type": "number"}}
    warehouse.load(schema("a", rules), batch("a", name), batch_size_rows=1999)
    assert warehouse.sql("SELECT count(*), count(size), sum(id) FROM crm.a") == [(5000, 4995, 12497500)]
    assert len(warehouse.rejected()) == 5


def test_a_file_may_be_gone_once_its_message_is_read(warehouse, write):
    name = write("b.parquet", "SELECT 1 AS id, 'nan'::DOUBLE AS size UNION ALL SELECT 2, 1.5")
    messages = [schema("a", {"id": {"type": "integer"}, "size": {"type": "number"}}), batch("a", name)]
    with Load(read_settings(warehouse.config())) as load:
        Reader(load).read([line + b"\n" for line in lines(messages)])
        Path(name).unlink()
        load.finish()
        spooled = [path.suffix for path in load.spool.path.iterdir() if path.suffix]
    assert warehouse.sql("SELECT id, size FROM crm.a ORDER BY id") == [(1, None), (2, 1.5)]
    assert spooled == []


def test_columns_that_the_schema_does_not_have_are_kept_aside_and_missing_ones_are_null(warehouse, write):
    warehouse.load(schema("a"), batch("a", write("b.parquet", "SELECT 1 AS id, 'x' AS more")))
    assert warehouse.sql("SELECT id, name FROM crm.a") == [(1, None)]
    assert warehouse.rejected() == [("a", "more", '"x"', "not in the schema")]


@pytest.mark.parametrize("query", ["SELECT unnest([1, NULL]) AS id", "SELECT 'x' AS name"])
def test_a_row_without_its_key_stops_the_run(warehouse, write, query):
    done = warehouse.command(schema("a"), batch("a", write("b.parquet", query)), state(1))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"a record of 'a' has no value for its key 'id'" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_row_whose_key_has_no_valid_value_is_kept_aside_whole(warehouse, write):
    day = {"type": "string", "format": "date"}
    name = write("b.parquet", "SELECT unnest(['2026-01-02', '2026-02-30']) AS day, 'x' AS name")
    warehouse.load(schema("a", {"day": day, "name": {"type": "string"}}, ["day"]), batch("a", name))
    assert warehouse.sql("SELECT day::VARCHAR FROM crm.a") == [("2026-01-02",)]
    assert (
        "a",
        None,
        '{"day":"2026-02-30","name":"x"}',
        "its key has no valid value",
    ) in warehouse.rejected()


def test_an_odd_value_stops_the_run_if_the_settings_say_so(warehouse, write):
    rules = {"id": {"type": "integer"}, "day": {"type": "string", "format": "date"}}
    messages = [schema("a", rules), batch("a", write("b.parquet", "SELECT 1 AS id, 'x' AS day"))]
    done = warehouse.command(*messages, on_invalid_value="fail")
    assert done.returncode == 1
    assert b"day" in done.stderr


def test_metadata_and_versions(warehouse, write):
    name = write("b.parquet", "SELECT range AS id FROM range(3)")
    messages = [schema("a"), *records("a", [7, 8], 4), batch("a", name, version=5), activate("a", 5)]
    warehouse.load(*messages, add_record_metadata=True, hard_delete=True, max_delete_fraction=1)
    query = "SELECT id, _sdc_table_version, _sdc_extracted_at, _sdc_sequence > 0 FROM crm.a ORDER BY id"
    assert warehouse.sql(query) == [(number, 5, None, True) for number in range(3)]


@pytest.mark.parametrize("version", [0, 7])
def test_a_version_is_that_of_the_message(warehouse, write, version):
    name = write("b.parquet", "SELECT 1 AS id")
    warehouse.load(schema("a"), record("a", 3, id=2), batch("a", name, version=version))
    found = warehouse.sql("SELECT id, _sdc_table_version FROM crm.a ORDER BY id")
    assert found == [(1, version), (2, 3)]


def test_live_keys_and_marks_of_deletion(warehouse, write):
    warehouse.load(schema("a"), *records("a", [1, 2, 3, 4]))
    keys = write("keys.parquet", "SELECT unnest([1, 2, 3]) AS id")
    gone = write("gone.parquet", "SELECT 3 AS id, now() AS _sdc_deleted_at")
    suffixed = [schema("a__live", {"id": {"type": "integer"}}), batch("a__live", keys, version=1)]
    warehouse.load(schema("a"), *suffixed, activate("a__live", 1), batch("a", gone), max_delete_fraction=1)
    assert warehouse.sql("SELECT id FROM crm.a WHERE _sdc_deleted_at IS NULL ORDER BY id") == [(1,), (2,)]


def test_rows_without_a_key_of_their_own_are_appended_once_their_state_is_there(warehouse, write):
    names = [write(f"{n}.parquet", f"SELECT {n} AS id, 'x' AS name") for n in range(3)]
    messages = [
        schema("log", keys=[]),
        *(batch("log", name) for name in names),
        state(1),
        batch("log", names[0]),
    ]
    assert warehouse.load(*messages, batch_size_rows=1) == [1]
    assert warehouse.ids("crm.log") == [0, 0, 1, 2]


def test_an_empty_file_makes_its_table(warehouse, write):
    warehouse.load(schema("a"), batch("a", write("b.parquet", "SELECT 1 AS id WHERE false")), state(1))
    assert warehouse.ids("crm.a") == []


def test_a_schema_that_changes_between_files(warehouse, write):
    narrow, wide = (
        write("1.parquet", "SELECT 1 AS id"),
        write("2.parquet", "SELECT 2.5::DOUBLE AS id, 1 AS n"),
    )
    rules = {"id": {"type": "number"}, "n": {"type": "integer"}}
    warehouse.load(schema("a"), batch("a", narrow), schema("a", rules), batch("a", wide))
    assert warehouse.sql("SELECT id, n FROM crm.a ORDER BY id") == [(1, None), (2.5, 1)]


def test_an_integer_that_a_column_of_doubles_would_round_is_kept(warehouse, write):
    name = write("b.parquet", "SELECT 2 AS id, 9007199254740993 AS size")
    messages = [schema("a", {**KEYED, "size": {"type": "number"}}), record("a", id=1, size=1.5)]
    integers = schema("a", {**KEYED, "size": {"type": "integer"}})
    warehouse.load(*messages, state(1), integers, batch("a", name))
    assert warehouse.sql("SELECT size FROM crm.a ORDER BY id") == [("1.5",), ("9007199254740993",)]


def test_a_damaged_file_is_one_line(warehouse, write):
    name = write("b.parquet", "SELECT range AS id, 'n' || range AS name FROM range(50000)")
    content = bytearray(Path(name).read_bytes())
    content[200:40_000] = b"\xff" * 39_800
    Path(name).write_bytes(content)
    done = warehouse.command(schema("a"), batch("a", name), state(1))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"Traceback" not in done.stderr
    assert f"BATCH file '{name}'".encode() in done.stderr


def test_a_row_group_that_does_not_fit_into_memory_goes_by_way_of_lines(warehouse, write):
    text = " || ".join(f"md5((range * 64 + {part})::VARCHAR)" for part in range(20))
    name = write(
        "b.parquet", f"SELECT range AS id, {text} AS name FROM range(100_000)", "ROW_GROUP_SIZE 100_000"
    )
    warehouse.load(schema("a"), batch("a", name), memory_limit="80MB")
    query = "SELECT count(*), count(DISTINCT id), count(DISTINCT name), sum(length(name)) FROM crm.a"
    assert warehouse.sql(query) == [(100_000, 100_000, 100_000, 64_000_000)]
