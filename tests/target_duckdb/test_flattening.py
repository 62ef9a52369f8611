"""Flattened or mapped, a property that is not taken apart is what it is without the Singer SDK."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.target_duckdb.loading import Warehouse, record, schema

TEXT, NULL, ARRAY, TIME = {"type": "string"}, {"type": "null"}, {"type": "array"}, "2024-01-01T10:00:00Z"
STAMP = {"type": "string", "format": "date-time"}
MEMBERS = {"type": "object", "properties": {"city": TEXT}}
SPELLINGS = {
    "text": (TEXT, "x"),
    "null or text": ({"anyOf": [NULL, TEXT]}, "x"),
    "text or null": ({"anyOf": [TEXT, NULL]}, "x"),
    "one of null or text": ({"oneOf": [NULL, TEXT]}, "x"),
    "one of text or null": ({"oneOf": [TEXT, NULL]}, "x"),
    "null or array": ({"anyOf": [NULL, ARRAY]}, [2]),
    "array or null": ({"anyOf": [ARRAY, NULL]}, [2, 1.50, 10**25]),
    "null or object": ({"anyOf": [NULL, MEMBERS]}, {"city": "Ulm"}),
    "object or null": ({"anyOf": [MEMBERS, NULL]}, {"city": "Ulm"}),
    "one of two objects": ({"oneOf": [MEMBERS, {"type": "object"}]}, {"city": "Ulm", "n": [1]}),
    "null or time": ({"anyOf": [NULL, STAMP]}, TIME),
    "time or null": ({"anyOf": [STAMP, NULL]}, TIME),
    "time or any text": ({"anyOf": [STAMP, {"type": ["string", "null"]}]}, TIME),
    "time or null, one of": ({"oneOf": [NULL, STAMP], "title": "When"}, TIME),
    "integer or null": ({"anyOf": [{"type": "integer"}, NULL]}, 5),
    "description first": ({"description": "A text", "anyOf": [NULL, TEXT]}, "x"),
    "nested branches": ({"anyOf": [{"anyOf": [NULL, {"type": "integer"}]}, NULL]}, 5),
    "no branch": ({"anyOf": []}, "x"),
    "branches that are none": ({"anyOf": None, "type": "integer"}, 5),
    "branch without a type": ({"anyOf": [{"enum": ["a"]}, {}]}, "a"),
    "branch of anything": ({"anyOf": [True, NULL]}, "a"),
    "enum": ({"enum": ["a", "b"]}, "a"),
    "enum of numbers": ({"enum": [1, None]}, 1),
    "const": ({"const": True}, True),
    "const of a list": ({"const": [1]}, [1]),
    "anything": ({}, {"a": [1]}),
    "anything, a text": ({}, "x"),
    "true": (True, [1]),
    "false": (False, [1]),
    "only a title": ({"title": "T"}, 5),
    "only examples": ({"examples": ["a"]}, "a"),
    "reference": ({"$ref": "#/definitions/day"}, "2024-01-01"),
    "reference to an object": ({"$ref": "#/definitions/at"}, {"city": "Ulm"}),
    "reference in a branch": ({"anyOf": [NULL, {"$ref": "#/definitions/day"}]}, "2024-01-01"),
    "reference to a member": ({"$ref": "#/properties/whole/properties/day"}, "2024-01-01"),
    "reference to nowhere": ({"$ref": "#/definitions/none"}, "x"),
    "allOf": ({"allOf": [{"type": ["string", "null"]}, {"format": "date"}]}, "2024-01-01"),
    "allOf of a reference": ({"allOf": [{"$ref": "#/definitions/day"}]}, "2024-01-01"),
    "array": ({"type": "array", "items": TEXT}, ["a", {"b": 1.50}]),
    "array of arrays": ({"type": ["null", "array"]}, [[1], []]),
    "array that is empty": ({"type": ["null", "array"]}, []),
    "array that is none": ({"type": ["null", "array"]}, None),
    "array that is a text": ({"type": ["null", "array"]}, "[1]"),
    "object": ({"type": "object"}, {"a": {"b": [1]}}),
    "object that is empty": ({"type": ["object", "null"]}, {}),
    "object without members": ({"type": "object", "properties": {}}, {"a": 1}),
    "object with null for members": ({"type": "object", "properties": None}, {"a": 1}),
    "object of whatever": ({"type": "object", "additionalProperties": True}, {"a": 1}),
    "object of texts": ({"type": "object", "additionalProperties": TEXT}, {"a": "b"}),
    "object of patterns": ({"type": "object", "patternProperties": {"^a": TEXT}}, {"a": "b"}),
    "members without a type": ({"properties": {"city": TEXT}}, {"city": "Ulm"}),
    "object or text": ({**MEMBERS, "type": ["object", "string"]}, "x"),
    "object or array": ({**MEMBERS, "type": ["array", "object", "null"]}, {"city": "Ulm"}),
    "text or array": ({"type": ["string", "array"]}, ["x"]),
    "text or array, a text": ({"type": ["string", "array"]}, "x"),
    "integer or text": ({"type": ["null", "integer", "string"]}, 5),
    "integer or number": ({"type": ["integer", "number"]}, 5),
    "no type at all": ({"type": []}, [1]),
    "type is null": ({"type": None}, 5),
    "only null": (NULL, None),
    "money": ({"type": "number", "multipleOf": 0.01}, 1.25),
    "time": (STAMP, TIME),
    "type for SQL": ({"type": "string", "x-sql-datatype": "smallint"}, 5),
    "like our own mark": ({"x-kept": {"type": "integer"}}, "x"),
}  # fmt: skip
RULES = {f"p{place}": rule for place, (rule, _) in enumerate(SPELLINGS.values())}
VALUES = {f"p{place}": value for place, (_, value) in enumerate(SPELLINGS.values())}
WHOLE = {
    "id": {"type": "integer"},
    "whole": {"type": ["null", "object"], "properties": {"day": {"type": "string", "format": "date"}}},
}
DEFINITIONS = {"day": {"type": "string", "format": "date"}, "at": MEMBERS}
MAPS = {"a": {"id": "id", "more": "p0"}}
NAMED = {"a": {name: name for name in RULES}}
FLAT = {"flattening_enabled": True, "flattening_max_depth": 2}
WAYS = {
    "flattened": FLAT,
    "mapped": {"stream_maps": MAPS},
    "every property mapped": {"stream_maps": NAMED},
    "only what is mapped": {"stream_maps": {"a": {**NAMED["a"], "id": "id", "__else__": None}}},
    "mapped and flattened": {"stream_maps": MAPS, **FLAT},
    "every property mapped and flattened": {"stream_maps": NAMED, **FLAT},
}


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def loaded(warehouse: Warehouse, **settings: object) -> dict[str, tuple[object, ...]]:
    """Return what became of each spelling: its column's type and comment, its value."""
    rules = schema("a", {**WHOLE, **RULES})
    rules["schema"]["definitions"] = DEFINITIONS
    sent = json.dumps(record("a", id=1, **VALUES), separators=(",", ":")).encode()
    done = warehouse.command(rules, sent, **settings)
    assert done.returncode == 0, done.stderr
    assert warehouse.rejected() == []
    query = "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE schema_name = 'crm'"
    columns = {name: about for name, *about in warehouse.sql(query)}
    row = warehouse.sql(f"SELECT {', '.join(f'{name}::VARCHAR' for name in RULES)} FROM crm.a")[0]
    return {
        spelling: (*columns[name], value) for spelling, name, value in zip(SPELLINGS, RULES, row, strict=True)
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, tuple[object, ...]]:
    return loaded(Warehouse(tmp_path_factory.mktemp("plain") / "plain.duckdb"))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_spelling_of_a_rule_gives_the_column_and_value_of_a_plain_load(warehouse, expected, way):
    assert loaded(warehouse, **way) == expected


def test_objects_within_objects_are_flattened_to_the_depth_that_was_set(warehouse):
    inner = {"type": ["null", "object"], "properties": {"n": {"type": "integer"}, "tags": {"anyOf": [ARRAY]}}}
    rules = {"id": {"type": "integer"}, "at": {"type": "object", "properties": {"in": inner, "s": TEXT}}}
    sent = [schema("a", rules), record("a", id=1, at={"in": {"n": 5, "tags": [1, 2.50]}, "s": "x"})]
    found = []
    for depth in (1, 2):
        target = Warehouse(warehouse.path.with_name(f"{depth}.duckdb"))
        done = target.command(*sent, flattening_enabled=True, flattening_max_depth=depth)
        assert done.returncode == 0, done.stderr
        assert target.rejected() == []
        found.append((target.types("a"), target.sql("SELECT * FROM crm.a")))
    assert found == [
        (
            {"id": "BIGINT", "at__in": "VARCHAR", "at__s": "VARCHAR"},
            [(1, '{"n":5,"tags":[1,2.5]}', "x")],
        ),
        (
            {"id": "BIGINT", "at__in__n": "BIGINT", "at__in__tags": "JSON", "at__s": "VARCHAR"},
            [(1, 5, "[1,2.5]", "x")],
        ),
    ]


def test_a_schema_that_refers_to_its_properties_is_flattened(warehouse):
    rules = schema("a")
    rules["schema"] = {"$ref": "#/definitions/row", "definitions": {"row": MEMBERS | {"title": "Row"}}}
    rules["schema"]["definitions"]["row"] = {"properties": {"id": {"type": "integer"}, "at": MEMBERS}}
    done = warehouse.command(rules, record("a", id=1, at={"city": "Ulm"}), **FLAT)
    assert done.returncode == 0, done.stderr
    assert warehouse.sql("SELECT id, at__city FROM crm.a") == [(1, "Ulm")]


def test_what_no_rule_knows_is_kept_aside_under_its_flat_name(warehouse):
    rules = {"id": {"type": "integer"}, "at": MEMBERS}
    done = warehouse.command(schema("a", rules), record("a", id=1, at={"city": "Ulm", "zip": ["1"]}), **FLAT)
    assert done.returncode == 0, done.stderr
    assert warehouse.rejected() == [("a", "at__zip", '["1"]', "not in the schema")]


def test_validation_permits_null_where_a_stream_map_computes(warehouse):
    rules = {"id": {"type": "integer"}, "n": {"enum": [1, 2], "title": "N"}, "t": TEXT}
    maps = {"a": {"n": "n if n == 1 else None", "t": "None"}}
    for number in (1, 2):
        done = warehouse.command(
            schema("a", rules), record("a", id=number, n=number), stream_maps=maps, validate_records=True
        )
        assert done.returncode == 0, done.stderr
    assert warehouse.sql("SELECT id, n, t FROM crm.a ORDER BY id") == [(1, 1, None), (2, None, None)]


NESTED = {
    "type": "object",
    "required": ["id", "at"],
    "properties": {
        "id": {"type": "integer"},
        "n": {"type": "integer"},
        "at": {
            "type": "object",
            "required": ["city", "in", "of"],
            "properties": {
                "city": TEXT,
                "in": MEMBERS | {"required": ["city"]},
                "of": MEMBERS | {"required": ["city"], "type": ["object", "null"]},
                "maybe": MEMBERS | {"required": ["city"]},
            },
        },
    },
}
ROW = {"id": 1, "at": {"city": "Ulm", "in": {"city": "Bonn"}, "of": None}}
MAPPED = [{}, {"n": "int(id)"}, {"at": None}, {"at": "'here'"}, {"at": "'here'", "n": "int(id)"}]


@pytest.mark.parametrize("depth", [0, 1, 2, 9])
def test_a_record_that_has_all_that_its_schema_requires_is_valid_taken_apart(warehouse, depth):
    maps = {f"s{number}": rules for number, rules in enumerate(MAPPED)}
    messages = [(schema(stream) | {"schema": NESTED}, record(stream, **ROW)) for stream in maps]
    settings = {**FLAT, "flattening_max_depth": depth, "validate_records": True}
    done = warehouse.command(*itertools.chain(*messages), stream_maps=maps, **settings)
    assert done.returncode == 0, done.stderr
    assert [warehouse.ids(f"crm.{stream}") for stream in maps] == [[1]] * len(maps)


@pytest.mark.parametrize("depth", [1, 2, 9])
def test_a_record_that_lacks_what_its_schema_requires_is_invalid_taken_apart(warehouse, depth):
    message = schema("a") | {"schema": NESTED}
    settings = {**FLAT, "flattening_max_depth": depth, "validate_records": True}
    done = warehouse.command(message, record("a", **ROW | {"at": {"city": "Ulm"}}), **settings)
    assert done.returncode == 1
    assert b"line 2: a: at: 'in' is a required property" in done.stderr


INNER = {"type": "object", "properties": {"x": {"type": "integer"}}}
NULLABLE = {"type": ["object", "null"], "required": ["x"], "properties": INNER["properties"]}
VALID = {
    "nothing else": ({"additionalProperties": False}, {"o": {"x": 1, "y": 2}}),
    "either": ({"anyOf": [{"required": ["o"]}, {"required": ["m"]}]}, {"o": {"x": 1}}),
    "one for the other": ({"dependentRequired": {"id": ["o"]}}, {"o": {"x": 1}}),
    "two of them": ({"minProperties": 2, "maxProperties": 2}, {"o": {"x": 1, "y": 2}}),
}
INVALID = {
    "a member too deep": (INNER, {"n": {"x": "1"}}, "o.n.x: breaks"),
    "an empty object that may be null": (NULLABLE, {"n": {}}, "o.n: 'x' is a required property"),
}


@pytest.mark.parametrize(("rules", "values"), VALID.values(), ids=VALID)
def test_validation_sees_a_record_before_it_is_taken_apart(warehouse, rules, values):
    message = schema("a", {"id": {"type": "integer"}, "o": INNER, "m": TEXT})
    message["schema"] |= rules
    done = warehouse.command(message, record("a", id=1, **values), validate_records=True, **FLAT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("rule", "value", "expected"), INVALID.values(), ids=INVALID)
def test_validation_sees_all_of_an_object_that_is_taken_apart(warehouse, rule, value, expected):
    message = schema("a", {"id": {"type": "integer"}, "o": {"type": "object", "properties": {"n": rule}}})
    settings = {**FLAT, "flattening_max_depth": 1, "validate_records": True}
    done = warehouse.command(message, record("a", id=1, o=value), **settings)
    assert expected in done.stderr.decode()


ASIDE = "not in the schema"
CLASHES = {
    "null": ({"at": MEMBERS}, {"at": {"city": "x"}, "at__city": None}, []),
    "a value": ({"at": MEMBERS}, {"at": {"city": "x"}, "at__city": "y"}, [("at__city_1", '"y"')]),
    "a value first": ({"at": MEMBERS}, {"at__city": "y", "at": {"city": "x"}}, [("at__city_1", '"y"')]),
    "an object": ({"at__city": TEXT}, {"at__city": "x", "at": {"city": "y"}}, [("at", '{"city":"y"}')]),
    "two": (
        {"at": MEMBERS},
        {"at": {"city": "x", "zip": 1}, "at__zip": 2},
        [("at__zip", "1"), ("at__zip_1", "2")],
    ),
    "empty objects": (
        {"at": MEMBERS},
        {"at": {"city": "x"}, "u": {}, "v": {"w": None}},
        [
            ("u", "{}"),
            ("v", '{"w":null}'),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "values", "expected"), CLASHES.values(), ids=CLASHES)
def test_what_is_declared_gives_way_to_nothing_and_nothing_is_lost(warehouse, rules, values, expected):
    done = warehouse.command(
        schema("a", {"id": {"type": "integer"}} | rules), record("a", id=1, **values), **FLAT
    )
    assert done.returncode == 0, done.stderr
    assert warehouse.sql("SELECT at__city FROM crm.a") == [("x",)]
    assert warehouse.rejected() == [("a", name, raw, ASIDE) for name, raw in expected]


def test_a_key_gives_way_to_nothing(warehouse):
    rows = [record("a", i_d=number, i={"d": 2}) for number in (1, 2)]
    sent = schema("a", {"i_d": {"type": "integer"}}, ["i_d"]), *rows
    done = warehouse.command(*sent, flattening_separator="_", **FLAT)
    assert done.returncode == 0, done.stderr
    assert warehouse.sql("SELECT i_d FROM crm.a ORDER BY ALL") == [(1,), (2,)]


def test_two_properties_that_become_one_column_are_one_line(warehouse):
    done = warehouse.command(schema("a", {"id": {}, "at": MEMBERS, "at__city": TEXT}), **FLAT)
    assert b"two of its properties become 'at__city': set another flattening_separator" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_rule_nested_too_deeply_to_be_copied_is_one_line(warehouse):
    rules = json.dumps(schema("a", {"id": {}, "n": 0}))
    deep = rules.replace('"n": 0', '"n": ' + '{"anyOf": [' * 300 + "{}" + "]}" * 300)
    done = warehouse.command(deep.encode(), **FLAT)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"SCHEMA of stream 'a' cannot be mapped" in done.stderr
