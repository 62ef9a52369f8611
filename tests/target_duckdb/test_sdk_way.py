"""Stream maps, flattening, validation, --about: the Singer SDK's way into the same loader."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from threading import Thread

import pytest
from target_duckdb.reader import Reader
from target_duckdb.settings import SETTINGS, is_plain, read_settings
from target_duckdb.target import TargetDuckDB
from target_duckdb.validation import is_multiple

from tests.target_duckdb.loading import COMMAND, KEYED, Warehouse, activate, record, records, schema, state


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def test_stream_maps_rename_filter_and_compute(warehouse):
    maps = {
        "a": {"__alias__": "people", "__filter__": "id > 1", "name": "name.upper()", "double": "id * 2"},
        "b": None,
    }
    sent = [
        schema("a"),
        schema("b"),
        record("a", id=1, name="x"),
        record("a", id=2, name="y"),
        record("b", id=1),
        state(1),
    ]
    done = warehouse.command(*sent, stream_maps=maps)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"1\n"
    assert warehouse.sql("SELECT id, name, double::INTEGER FROM crm.people") == [(2, "Y", 4)]
    assert warehouse.sql("SELECT stream FROM _load.streams") == [("people",)]


def test_flattening_makes_columns_of_members(warehouse):
    rules = {"id": {"type": "integer"}, "at": {"type": "object", "properties": {"city": {"type": "string"}}}}
    done = warehouse.command(
        schema("a", rules),
        record("a", id=1, at={"city": "Ulm"}),
        flattening_enabled=True,
        flattening_max_depth=2,
    )
    assert done.returncode == 0, done.stderr
    assert warehouse.sql("SELECT id, at__city FROM crm.a") == [(1, "Ulm")]


def test_validation_stops_at_what_the_schema_forbids(warehouse):
    rules = {**KEYED, "level": {"type": "integer", "maximum": 9}}
    done = warehouse.command(schema("a", rules), record("a", id=1, level=12), validate_records=True)
    assert done.returncode == 1
    assert b'line 2: a: level: breaks "maximum": 9 (validate_records is on)' in done.stderr
    assert b"Traceback" not in done.stderr
    assert (
        warehouse.command(schema("a", rules), record("a", id=1, level=9), validate_records=True).returncode
        == 0
    )


ODD = [
    r'{"type":"RECORD","stream":"a","record":{"id":1,"pin":"secret","name":"\ud800"}}',
    '{"type":"RECORD","stream":"a","record":{"id":1,"pin":"secret","name":"\udcff"}}',
    '{"type":"RECORD","stream":"a","record":{"id":1,"pin":"secret","name":"\x01"}}',
    '{"type":"RECORD","stream":"a","record":{"id":1,"pin":"secret","name":NaN}}',
    '{"type":"RECORD","stream":"a","record":{"id":1,"pin":"secret"},"version":"abc"}',
    '{"type":"RECORD","stream":"a","record":{"id":1,"pin":"secret"},"time_extracted":5}',
    '{"type":"RECORD","stream":"a","record":{"id":1,"pin":"secret"},"key_properties":["id"]}',
]


@pytest.mark.parametrize("line", ODD)
def test_no_odd_record_gets_past_its_map(warehouse, line):
    rules = schema("a", {**KEYED, "pin": {"type": "string"}})
    done = warehouse.command(
        rules,
        line.encode("utf-8", "surrogateescape"),
        record("a", id=2),
        stream_maps={"a": {"pin": "__NULL__"}},
    )
    assert done.returncode == 0, done.stderr
    assert warehouse.ids("crm.a") == [1, 2]
    assert "pin" not in warehouse.types("crm.a")
    assert not [row for row in warehouse.rejected() if "secret" in str(row)]


FORMS = [
    r'{"id":1,"n":1.50,"t":"\ud800","j":{"a":1.50,"b":12345678901234567890123,"c":[1e5,"\udc00"]}}',
    r'{"id":1,"n":1.5,"t":"\ud800","j":{"a":1.50,"b":12345678901234567890123,"c":[1E5]}}',
    '{"id":1,"n":NaN,"t":NaN,"j":NaN}',
    '{"id":1,"n":-Infinity,"t":Infinity,"j":{"a":[NaN]}}',
    '{"id":1,"n":1e5,"t":1e5,"j":1e5}',
    '{"id":1,"n":1e400,"t":1.50,"j":{"a":1E-7}}',
    '{"id":1,"n":0.00000010,"t":0.0000001,"j":{"a":0.00000010}}',
    '{"id":1,"n":1.0,"t":1E+5,"j":[1e400]}',
    '{"id":1,"n":1e9999999999999999999,"t":1e-9999999999999999999,"j":{"a":2}}',
]


NUMBERED = [form.replace("1", str(number), 1) for number, form in enumerate(FORMS)]


@pytest.mark.parametrize(
    ("forms", "on_invalid_value"), [(NUMBERED, "quarantine"), *(([form], "fail") for form in FORMS)]
)
def test_both_ways_make_the_same_of_a_value(tmp_path, forms, on_invalid_value):
    rules = {"id": {"type": "integer"}, "n": {"type": "number"}, "t": {"type": "string"}, "j": {}}
    sent = [f'{{"type":"RECORD","stream":"a","record":{form}}}'.encode() for form in forms]
    found = []
    for name, maps in (("quick", {}), ("sdk", {"stream_maps": {"a": {"id": "id"}}})):
        warehouse = Warehouse(tmp_path / f"{name}.duckdb")
        done = warehouse.command(schema("a", rules), *sent, on_invalid_value=on_invalid_value, **maps)
        is_there = done.returncode == 0
        rows = warehouse.sql("SELECT id, n, t, j::VARCHAR FROM crm.a ORDER BY id") if is_there else None
        found.append((done.returncode, rows, is_there and warehouse.rejected()))
    assert found[0] == found[1]


def test_what_a_map_computes_is_kept_if_it_is_no_number(warehouse):
    maps = {"a": {"n": "float('nan')", "id": "id"}}
    assert warehouse.command(schema("a"), record("a", id=1), stream_maps=maps).returncode == 0
    assert warehouse.rejected() == [("a", "n", "NaN", "not a valid DOUBLE")]


@pytest.mark.parametrize("value", ["1.0", "1e3", "7"])
def test_validation_knows_whole_numbers_however_they_are_written(warehouse, value):
    sent = f'{{"type":"RECORD","stream":"a","record":{{"id":{value}}}}}'.encode()
    assert warehouse.command(schema("a"), sent, validate_records=True).returncode == 0
    assert warehouse.ids("crm.a") == [int(float(value))]


@pytest.mark.parametrize("value", ["1.5", "true", '"1"', "NaN"])
def test_validation_knows_what_is_no_whole_number(warehouse, value):
    sent = f'{{"type":"RECORD","stream":"a","record":{{"id":{value}}}}}'.encode()
    done = warehouse.command(schema("a"), sent, validate_records=True)
    assert done.returncode == 1
    assert b'id: breaks "type": "integer"' in done.stderr


MULTIPLES = [
    ("1e-38", "1.5", True),
    ("1e-34", "12.5", True),
    ("0.01", "1.15", True),
    ("0.01", "1e30", True),
    ("0.01", "1e999999999999999999", True),
    ("0.01", "0.005", False),
    ("0.01", "1e-999999999999999999", False),
    ("0.01", "0e-999999999999999999", True),
    ("7", "1e999999999999999999", False),
    ("1e999999999999", "1", False),
    ("0.3", "0.9", True),
    ("2", "-4", True),
    ("2", "123456789012345678901234567890123456789", False),
]


@pytest.mark.parametrize(("step", "value", "expected"), MULTIPLES)
def test_validation_knows_a_multiple_whatever_the_digits_and_exponents(step, value, expected):
    assert is_multiple(Decimal(value), Decimal(step)) is expected


def test_what_a_map_computes_is_checked_as_the_number_that_it_is(warehouse):
    rules = {**KEYED, "n": {"type": "number", "multipleOf": 0.01, "maximum": 0.1}}
    sent, maps = (schema("a", rules), record("a", id=1, n=1)), {"a": {"n": "0.1"}}
    done = warehouse.command(*sent, stream_maps=maps, validate_records=True)
    assert done.returncode == 0, done.stderr
    assert warehouse.sql("SELECT n::DOUBLE FROM crm.a") == [(0.1,)]


@pytest.mark.parametrize("value", ["NaN", "-Infinity"])
@pytest.mark.parametrize("rule", [{"multipleOf": 0.01}, {"minimum": 0.5}], ids=str)
def test_validation_takes_nan_for_no_number(warehouse, rule, value):
    line = f'{{"type":"RECORD","stream":"a","record":{{"id":1,"n":{value}}}}}'.encode()
    rules = {**KEYED, "n": {"type": "number", **rule}}
    done = warehouse.command(schema("a", rules), line, validate_records=True)
    assert b'line 2: a: n: breaks "type": "number"' in done.stderr
    assert b"Traceback" not in done.stderr


ODD_NUMBERS = b'{"type":"RECORD","stream":"a","record":{"id":1,"n":[1.5,NaN]}}'
RULE_OF_ITSELF = {"type": "array", "items": {"$ref": "#/properties/n/items"}}


@pytest.mark.parametrize("rule", [{"type": "array", "uniqueItems": True}, RULE_OF_ITSELF], ids=str)
def test_a_rule_that_cannot_be_applied_is_one_line_and_leaves_nothing_behind(warehouse, tmp_path, rule):
    spool = tmp_path / "spool"
    spool.mkdir()
    rows = [record("a", id=number) for number in range(2500)]
    sent = schema("a", {"id": {"type": "integer"}, "n": rule}), *rows, ODD_NUMBERS
    done = warehouse.command(*sent, validate_records=True, temp_directory=str(spool))
    assert done.returncode == 1
    assert b"line 2502: a: a record cannot be checked" in done.stderr
    assert b"Traceback" not in done.stderr
    assert list(spool.iterdir()) == []


def test_records_are_removed_whatever_stops_the_run(tmp_path, monkeypatch):
    def fail(_self, _given):
        raise ZeroDivisionError

    monkeypatch.setattr(Reader, "read", fail)
    target = TargetDuckDB(config={"path": str(tmp_path / "x.duckdb"), "temp_directory": str(tmp_path)})
    with pytest.raises(ZeroDivisionError):
        target.read(BytesIO())
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


@contextmanager
def listener():
    """Serve a schema that no text meets; yield its address and what was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"type":"integer"}')

        def log_message(self, *_parts):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/x", asked
        server.shutdown()


def test_validation_connects_to_nothing(warehouse):
    with listener() as (address, asked):
        rules = {**KEYED, "n": {"type": "array", "items": {"$ref": address}}}
        done = warehouse.command(schema("a", rules), record("a", id=1, n=["x"]), validate_records=True)
    assert done.returncode == 0, done.stderr
    assert asked == []


@pytest.mark.parametrize("reference", ["#/definitions/none", "other.json#/x", "FILE", "#nowhere"])
def test_a_reference_that_leads_nowhere_or_elsewhere_permits_anything(warehouse, tmp_path, reference):
    path = tmp_path / "rule.json"
    path.write_text('{"type":"integer"}')
    rule = {"type": "array", "items": {"$ref": reference.replace("FILE", path.as_uri())}}
    sent = schema("a", {**KEYED, "n": rule}), record("a", id=1, n=["x"])
    done = warehouse.command(*sent, validate_records=True)
    assert done.returncode == 0, done.stderr


def test_a_reference_into_the_schema_is_followed(warehouse):
    sent = schema("a", {**KEYED, "n": {"type": "array", "items": {"$ref": "#/definitions/whole"}}})
    sent["schema"]["definitions"] = {"whole": {"type": "integer"}}
    done = warehouse.command(sent, record("a", id=1, n=["x"]), validate_records=True)
    assert b'line 2: a: n.0: breaks "type": "integer"' in done.stderr


SECRET = "hunter2"
BROKEN = {
    "another type": ({"type": "integer"}, SECRET),
    "too long": ({"type": "string", "maxLength": 3}, SECRET),
    "another pattern": ({"type": "string", "pattern": "^x"}, SECRET),
    "none of some": ({"enum": ["a", "b"]}, SECRET),
    "within an object": ({"type": "object", "properties": {"x": {"type": "null"}}}, {"x": SECRET}),
    "a huge text": ({"type": "integer"}, SECRET * 20_000),
    "a huge rule": ({"enum": ["long" * 10] * 900}, SECRET),
}


@pytest.mark.parametrize(("rule", "value"), BROKEN.values(), ids=BROKEN)
def test_what_validation_stops_at_is_named_without_its_value(warehouse, rule, value):
    sent = schema("a", {"id": {"type": "integer"}, "z": rule}), record("a", id=1, z=value)
    done = warehouse.command(*sent, validate_records=True)
    said = next(line for line in done.stderr.decode().splitlines() if "ERROR" in line)
    assert "line 2: a: z" in said
    assert SECRET not in said
    assert len(said) < 300


def test_a_property_that_validation_misses_is_named(warehouse):
    rules = {"type": "object", "properties": KEYED, "required": ["name"]}
    sent = {"type": "SCHEMA", "stream": "a", "schema": rules, "key_properties": ["id"]}
    done = warehouse.command(sent, record("a", id=1), validate_records=True)
    assert b"a: the record: 'name' is a required property" in done.stderr


def test_an_empty_record_is_a_record(warehouse):
    rules = schema("a", {"name": {"type": "string"}}, [])
    maps = {"a": {"__filter__": "not name or name != 'x'", "name": "name"}, "b": {}}
    others = [schema("b", {"name": {"type": "string"}}, []), record("b"), record("b", name="y")]
    done = warehouse.command(rules, record("a", name="x"), record("a", name="z"), *others, stream_maps=maps)
    assert done.returncode == 0, done.stderr
    assert warehouse.sql("SELECT name FROM crm.a") == [("z",)]
    assert warehouse.sql("SELECT name FROM crm.b ORDER BY ALL") == [("y",), (None,)]


def test_an_unknown_stream_may_be_activated(warehouse):
    sent = [schema("a"), record("a", id=1), activate("b", 1)]
    for number, way in enumerate(({}, {"stream_maps": {"a": {}}})):
        done = warehouse.command(*sent, **way)
        assert done.returncode == 0, (number, done.stderr)
    assert warehouse.ids("crm.a") == [1]


def test_the_records_of_a_batch_are_mapped_too(warehouse, tmp_path):
    path = tmp_path / "batch.jsonl"
    path.write_text("".join(json.dumps({"id": number, "pin": "secret"}) + "\n" for number in range(2500)))
    batch = {
        "type": "BATCH",
        "stream": "a",
        "encoding": {"format": "jsonl", "compression": "none"},
        "manifest": [path.as_uri()],
    }
    maps = {"a": {"pin": "__NULL__", "double": "id * 2", "__filter__": "id > 0"}}
    done = warehouse.command(
        schema("a", {**KEYED, "pin": {"type": "string"}}), batch, state(1), stream_maps=maps
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"1\n"
    assert warehouse.one("SELECT count(*) FROM crm.a WHERE double::INTEGER = 2 * id") == 2499
    assert "pin" not in warehouse.types("crm.a")
    assert warehouse.rejected() == []


@pytest.mark.parametrize("text", ["[1]", "5", "{"])
def test_a_batch_of_what_is_no_record_is_one_line(warehouse, tmp_path, text):
    path = tmp_path / "batch.jsonl"
    path.write_text(text + "\n")
    encoding = {"format": "jsonl", "compression": "none"}
    batch = {"type": "BATCH", "stream": "a", "encoding": encoding, "manifest": [path.as_uri()]}
    done = warehouse.command(schema("a"), batch, stream_maps={"a": {"double": "id * 2"}})
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    expected = "not JSON: {" if text == "{" else "not a JSON object"
    assert f"line 2: BATCH file '{path.as_uri()}', line 1: {expected}\n" in done.stderr.decode()


BEYOND = [
    '{"id":1,"p":"a"},"record":{"id":7,"p":"evil"}',
    '{"id":1,"p":"a"},"stream":"b"',
    '{"id":1,"p":"a"},"version":5',
    '{"id":1,"p":"a"},"more":5',
    '{"id":1,"p":NaN},"record":{"id":7}',
    '{"id":1,"p":"a"}}',
    '{"id":1} {"id":2}',
    '{"id":1},{"id":2}',
]


@pytest.mark.parametrize("settings", [{}, {"stream_maps": {"a": {}}}], ids=["quick", "sdk"])
@pytest.mark.parametrize("text", BEYOND)
def test_what_stands_behind_a_record_in_a_line_of_a_batch_is_no_json(warehouse, tmp_path, text, settings):
    path = tmp_path / "batch.jsonl"
    path.write_text('{"id":3}\n\n{"id":4,"p":"\\ud800"}\n' + text + '\n{"id":5}\n')
    encoding = {"format": "jsonl", "compression": "none"}
    batch = {"type": "BATCH", "stream": "a", "encoding": encoding, "manifest": [path.as_uri()]}
    rules = {"id": {"type": "integer"}, "p": {"type": "string"}}
    done = warehouse.command(schema("a", rules), schema("b", rules), batch, **settings)
    assert done.returncode == 1
    assert f"line 3: BATCH file '{path.as_uri()}', line 4: not JSON: {{" in done.stderr.decode()
    assert "evil" not in done.stderr.decode()


def test_the_files_of_a_stream_that_is_left_out_are_not_opened(warehouse):
    batch = {"type": "BATCH", "stream": "a", "encoding": {}, "manifest": ["s3://bucket/x.jsonl"]}
    done = warehouse.command(schema("a"), batch, schema("b"), record("b", id=1), stream_maps={"a": None})
    assert done.returncode == 0, done.stderr
    assert warehouse.ids("crm.b") == [1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            b'{"type":"RECORD","stream":"a","record":{"id":1,"pin":' + b"[" * 9000 + b"]" * 9000 + b"}}",
            "deeply",
        ),
        (b'{"type":"RECORD","stream":"a","record":[1]}', "not a JSON object"),
        (b'{"type":"RECORD","stream":"a"}', "a RECORD without a record"),
        (b'{"type":"RECORD","record":{"id":1}}', "came before its SCHEMA"),
        (b'{"type":"SCHEMA","stream":"b","schema":5}', "SCHEMA of stream 'b'"),
        (b'{"type":"SCHEMA","stream":"b","schema":{},"key_properties":5}', "not a Singer message"),
        (
            b'{"type":"SCHEMA","stream":"b","schema":{"type":"object"}}',
            "it has no properties",
        ),
        (b'{"type":"RECORD","stream":"a","record":{"name":"x"}}', "Failed to evaluate"),
        (b'{"type":"RECORD","stream":"a","record":{"id":1}', "not a Singer message"),
    ],
)
def test_a_mistake_in_what_is_mapped_is_one_line_with_its_number(warehouse, line, expected):
    dropped = schema("b"), record("b", id=1)  # lines of which nothing is left count
    maps = {"a": {"double": "id * 2"}, "b": {"__filter__": "id > 1"}}
    done = warehouse.command(schema("a"), *dropped, line, stream_maps=maps)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    [said] = [line for line in done.stderr.decode().splitlines() if "ERROR" in line]
    assert "line 4: " in said
    assert expected in said


FAILING = {
    "name.upper()": "'name' is not defined for expression 'name.upper()'",
    "id.upper()": "Attribute 'upper' does not exist in expression 'id.upper()'",
    "(id * 100) ** 2": "expressions (id * 100) ** 2. NumberTooHigh",
    "record['name']": "its stream map fails: KeyError at \"record['name']\"",
    "int(pin)": "its stream map fails: ValueError at 'int(pin)'",
}


@pytest.mark.parametrize(("expression", "expected"), FAILING.items())
def test_what_a_map_fails_at_is_said_without_the_values_of_the_record(warehouse, expression, expected):
    sent = schema("a", {**KEYED, "pin": {}}), record("a", id=424242, pin=SECRET)
    done = warehouse.command(*sent, stream_maps={"a": {"double": expression}})
    [said] = [line for line in done.stderr.decode().splitlines() if "ERROR" in line]
    assert "line 2: a: " in said
    assert said.endswith(expected)
    assert not [value for value in (SECRET, "424242") if value in said]


@pytest.mark.parametrize("rule", ["", "import os", "id +", "x = 5", "# nothing"])
@pytest.mark.parametrize("name", ["double", "__filter__"])
def test_what_is_no_expression_is_one_line_with_its_place(warehouse, name, rule):
    done = warehouse.command(schema("a"), record("a", id=1), stream_maps={"a": {name: rule}})
    assert done.returncode == 1
    [said] = [line for line in done.stderr.decode().splitlines() if "ERROR" in line]
    assert f"stream_maps: a: {name}: {rule!r} is no expression" in said


UNDESCRIBED = {"type": "SCHEMA", "stream": "c", "schema": {"type": "object"}, "key_properties": ["_id"]}


@pytest.mark.parametrize("settings", [{}, {"stream_maps": {"a": {}}}], ids=["quick", "sdk"])
def test_a_schema_without_properties_is_said_with_what_to_do(warehouse, settings):
    done = warehouse.command(UNDESCRIBED, **settings)
    assert b"SCHEMA of stream 'c': it has no properties; describe its properties in the tap's" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_stream_map_may_bring_the_properties_that_a_schema_does_not_have(warehouse):
    done = warehouse.command(UNDESCRIBED, record("c", _id="x"), stream_maps={"c": {"_id": "_id"}})
    assert done.returncode == 0, done.stderr
    assert warehouse.sql("SELECT _id FROM crm.c") == [("x",)]


def test_a_mapped_stream_may_be_activated(warehouse):
    sent = [schema("a"), *records("a", range(3), 1), activate("a", 1)]
    assert warehouse.command(*sent, stream_maps={"a": {"__alias__": "z"}}).returncode == 0
    assert warehouse.ids("crm.z") == [0, 1, 2]


SHARED = {"stream_maps": {"a": {"__alias__": "x"}, "b": {"__alias__": "x"}}}
WHOLE_NUMBER = {"type": "integer"}


@pytest.mark.parametrize("rule", [{"type": "string"}, WHOLE_NUMBER], ids=str)
def test_streams_with_one_alias_share_a_table_that_has_the_properties_of_both(warehouse, rule):
    first, second = {"id": WHOLE_NUMBER, "p": {"type": "string"}}, {"id": WHOLE_NUMBER, "q": {}, "p": rule}
    number = {"q": [1]} if rule is not WHOLE_NUMBER else {"p": 5, "q": [1]}
    sent = [schema("a", first), schema("b", second), record("a", id=1, p="x"), record("b", id=2, **number)]
    done = warehouse.command(*sent, record("a", id=3, p="z"), validate_records=True, **SHARED)
    assert done.returncode == 0, done.stderr
    assert warehouse.rejected() == []
    assert warehouse.sql("SELECT id, p FROM crm.x WHERE id <> 2 ORDER BY id") == [(1, "x"), (3, "z")]


@pytest.mark.parametrize("is_early", [True, False])
def test_versions_of_streams_with_one_alias_delete_nothing(warehouse, is_early):
    warehouse.command(schema("a"), schema("b"), record("b", 5, id=7), **SHARED)
    first = [schema("a"), record("a", 9, id=1), activate("a", 9)]
    sent = [*first, schema("b")] if is_early else [schema("b"), *first]
    done = warehouse.command(*sent, **SHARED)
    assert done.returncode == 1
    assert b"ACTIVATE_VERSION of 'a' would delete rows of the others: give each its own name" in done.stderr
    assert warehouse.ids("crm.x") == [7]
    done = warehouse.command(*sent, process_activate_version_messages=False, **SHARED)
    assert done.returncode == 0, done.stderr
    assert warehouse.ids("crm.x") == [1, 7]


def test_streams_with_one_alias_and_other_keys_are_one_line(warehouse):
    done = warehouse.command(schema("a"), schema("b", keys=["name"]), **SHARED)
    said = b"line 2: streams 'a', 'b' are all called 'x' by stream_maps but do not have the same key"
    assert said in done.stderr


def test_the_environment_and_an_input_file_work_as_in_every_sdk_target(warehouse, tmp_path):
    path = tmp_path / "input.jsonl"
    path.write_text("\n".join(json.dumps(item) for item in (schema("a"), record("a", id=1), state(1))))
    environment = {"TARGET_DUCKDB_PATH": str(warehouse.path), "TARGET_DUCKDB_DEFAULT_TARGET_SCHEMA": "crm"}
    done = subprocess.run(
        [*COMMAND, "--config=ENV", "--input", str(path)],
        capture_output=True,
        check=False,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"1\n"
    assert warehouse.ids("crm.a") == [1]


def test_about_is_complete():
    done = subprocess.run([*COMMAND, "--about", "--format=json"], capture_output=True, check=True, timeout=60)
    about = json.loads(done.stdout)
    assert about["version"] == "0.1.0"
    assert set(about["capabilities"]) == {
        *(
            "about",
            "activate-version",
            "batch",
            "hard-delete",
            "schema-flattening",
            "soft-delete",
            "stream-maps",
        ),
        *("structured-logging", "target-schema", "validate-records"),
    }
    described = about["settings"]["properties"]
    assert set(SETTINGS) <= set(described)
    assert all(
        rule.get("title") and rule.get("description") and rule.get("type")
        for rule in described.values()
        if rule
    )


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"path": "x"}, True),
        ({"path": "x", "hard_delete": None}, True),
        ({"path": "x", "max_delete_fraction": "0.5"}, True),
        ({"path": "x", "max_delete_fraction": "half"}, False),
        ({"path": "x", "max_delete_fraction": 2}, False),
        ({"path": "x", "max_delete_fraction": "2"}, False),
        ({"path": "x", "max_delete_fraction": "1.0"}, True),
        ({"path": "x", "default_target_schema": "_LOAD"}, False),
        ({"path": "x", "default_target_schema": "_load2"}, True),
        ({"path": "x", "stream_maps": None, "flattening_enabled": None}, True),
        ({"path": "x", "flattening_enabled": False, "flattening_max_depth": None}, True),
        ({"path": "x", "flattening_enabled": True}, False),
        ({"path": "x", "flattening_max_depth": 2}, False),
        ({"path": "x", "memory_limit": "1.5 GiB"}, True),
        ({"path": "x", "memory_limit": "50%"}, False),
        ({"path": "x", "typo": None}, False),
        ({"path": "x", "hard_delete": "yes"}, False),
        ({"path": "x", "batch_size_rows": True}, False),
        ({"path": "x", "validate_records": True}, False),
        ({"path": "x", "stream_maps": {}}, False),
        ({"hard_delete": True}, False),
        ({"path": "x", "typo": 1}, False),
    ],
    ids=str,
)
def test_only_sound_and_plain_settings_go_the_quick_way(config, expected):
    assert is_plain(config) is expected


def test_numbers_may_come_as_text():
    assert read_settings({"path": "x", "max_delete_fraction": "0.5"}).max_delete_fraction == 0.5


def test_standard_output_holds_states_only(warehouse):
    done = warehouse.command(
        schema("a"), *records("a", range(10)), state({"x": 1}), environment={"LOGLEVEL": "DEBUG"}
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"x": 1}]


def test_the_run_ends_with_a_table_and_metrics(warehouse):
    said = warehouse.command(schema("a"), *records("a", range(1200)), record("a", id=1)).stderr.decode()
    header = next(line for line in said.splitlines() if line.startswith("stream"))
    row = next(line for line in said.splitlines() if line.startswith("a "))
    assert header.split() == [
        "stream",
        "in",
        "inserted",
        "updated",
        "duplicate",
        "rejected",
        "deleted",
        "seconds",
        "rows/s",
    ]
    assert row.split()[:6] == ["a", "1,201", "1,200", "0", "1", "0"]
    assert '"metric": "record_count", "value": 1201' in said


@pytest.mark.parametrize("nothing", [None, "__NULL__"])
def test_a_stream_map_may_leave_out_whatever_it_does_not_name(warehouse, nothing):
    messages = [message for name in ("a", "b") for message in (schema(name), record(name, id=1, name="x"))]
    assert warehouse.command(*messages, stream_maps={"a": {}, "__else__": nothing}).returncode == 0
    assert warehouse.sql("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'crm'") == [("a",)]
    columns = {"a": {"id": "id", "__else__": nothing}}
    assert warehouse.command(schema("a"), record("a", id=2, name="y"), stream_maps=columns).returncode == 0
    assert warehouse.sql("SELECT id, name FROM crm.a ORDER BY id") == [(1, "x"), (2, None)]


def test_a_line_is_counted_as_it_came_whatever_its_map_makes_of_it(warehouse):
    maps = {"a": {"__alias__": "b"}, "c": None}
    dropped = [schema("c"), *records("c", range(2_500))]
    sent = [schema("a"), *dropped, record("a", id=1), record("a", name="x")]
    done = warehouse.command(*sent, stream_maps=maps)
    assert b"line 2504: a record of 'b' has no value for its key 'id'" in done.stderr
