"""Whose a column or a table is whose name differs from that of a property or a stream in nothing but case."""

from __future__ import annotations

import random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from target_duckdb.columns import Column, TableColumn
from target_duckdb.names import assign_names, comment_of, folded, property_of

from tests.target_duckdb.loading import Warehouse, activate, live, record, schema

TEXT = {"type": "string"}


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def make(warehouse: Warehouse, statements: str) -> None:
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS crm; {statements}")


def columns(warehouse: Warehouse, table: str) -> dict[str, str | None]:
    query = "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'crm' AND table_name = ?"
    return dict(warehouse.sql(query, table))


def table_of(warehouse: Warehouse) -> list[TableColumn]:
    query = (
        "SELECT column_name, data_type, coalesce(comment, '') FROM duckdb_columns() WHERE table_name = 'a'"
    )
    return [TableColumn(*row) for row in warehouse.sql(query)]


MADE = {
    "plain": "ID BIGINT, NAME VARCHAR",
    "primary key": "ID BIGINT PRIMARY KEY, NAME VARCHAR",
    "narrower": "ID SMALLINT, NAME CHAR(3)",
}


@pytest.mark.parametrize("listed", MADE.values(), ids=MADE)
def test_a_table_made_with_names_of_other_case_takes_the_rows(warehouse, listed):
    make(warehouse, f"CREATE TABLE crm.a ({listed}); INSERT INTO crm.a VALUES (1, 'old')")
    for _ in range(2):
        warehouse.load(schema("a"), record("a", id=1, name="new"))
    assert warehouse.sql("FROM crm.a") == [(1, "new")]
    assert columns(warehouse, "a") == {"ID": 'name "id"', "NAME": 'name "name"'}


def test_an_index_and_a_view_of_columns_of_other_case_are_no_hindrance(warehouse):
    index = "CREATE UNIQUE INDEX i ON crm.a(NAME); CREATE VIEW crm.v AS SELECT * FROM crm.a"
    make(warehouse, f"CREATE TABLE crm.a (ID BIGINT, NAME VARCHAR); {index}")
    warehouse.load(schema("a"), record("a", id=1, name="new"))
    assert warehouse.sql("FROM crm.v") == [(1, "new")]


def test_a_column_of_other_case_keeps_the_comment_that_somebody_gave_it(warehouse):
    comments = "COMMENT ON COLUMN crm.a.ID IS 'Theirs'; COMMENT ON COLUMN crm.a.NAME IS 'Of\nname \"x\"'"
    make(warehouse, f"CREATE TABLE crm.a (ID BIGINT, NAME VARCHAR, Own BIGINT); {comments}")
    rules = {name: {**TEXT, "description": f"The {name}"} for name in ("name", "own")}
    for _ in range(2):
        warehouse.load(
            schema("a", {"id": {"type": "integer"}, **rules}), record("a", id=1, name="x", own="1")
        )
    assert columns(warehouse, "a") == {
        "ID": 'Theirs\nname "id"',
        "NAME": 'Of\nname "x"\nname "name"',
        "Own": 'The own\nname "own"',
    }
    warehouse.load(schema("a", {"ID": {"type": "integer"}}, ["ID"]), record("a", ID=2))
    assert columns(warehouse, "a")["ID"] == 'Theirs\nname "ID"'
    assert warehouse.sql("SELECT ID, NAME FROM crm.a ORDER BY ID") == [(1, "x"), (2, None)]


def test_a_property_that_changes_its_case_keeps_its_column_also_while_its_type_changes(warehouse):
    warehouse.load(schema("a", {"Id": {"type": "integer"}}, ["Id"]), record("a", Id=1))
    warehouse.load(schema("a", {"id": {"type": "integer"}, "n": TEXT}), record("a", id=1, n="x"))
    assert warehouse.sql("FROM crm.a") == [(1, "x")]
    warehouse.load(schema("a", {"ID": TEXT, "N": {"type": "object"}}, ["ID"]), record("a", ID="1", N=[1]))
    assert warehouse.types("a") == {"Id": "VARCHAR", "n": "VARCHAR"}
    assert warehouse.sql("FROM crm.a") == [("1", "[1]")]


def test_a_change_of_case_within_a_batch_and_in_frozen_schemas_is_none(warehouse):
    settings = {"schema_evolution": "freeze"}
    both = [schema("a"), record("a", id=1, name="x"), schema("a", {"ID": {"type": "integer"}}, ["ID"])]
    warehouse.load(*both, record("a", ID=2), schema("a"), record("a", id=2, name="y"), **settings)
    warehouse.load(schema("a", {"ID": {"type": "integer"}}, ["ID"]), record("a", ID=1), **settings)
    assert warehouse.sql("SELECT id, name FROM crm.a ORDER BY id") == [(1, "x"), (2, "y")]


@pytest.mark.parametrize("listed", [None, *MADE.values()], ids=["none", *MADE])
def test_schemas_of_one_batch_that_differ_in_case_never_mix_up_their_values(warehouse, listed):
    if listed:
        make(warehouse, f"CREATE TABLE crm.a ({listed}); INSERT INTO crm.a VALUES (9, 'old')")
    rules = [{"x": TEXT}, {"A": {"type": "object"}}, {"a": TEXT}, {"a": TEXT, "A": {"type": "boolean"}}]
    values = [{"x": "x"}, {"A": [1]}, {"a": "y"}, {"a": "z", "A": True}]
    for number, (properties, sent) in enumerate(zip(rules, values, strict=True)):
        rules[number] = schema("a", {"id": {"type": "integer"}, **properties})
        values[number] = record("a", id=number, **sent)
    for _ in range(2):
        warehouse.load(*(message for both in zip(rules, values, strict=True) for message in both))
    names = assign_names([Column("a", ""), Column("A", "")], table_of(warehouse))
    query = f"SELECT {names['a']}, {names['A']}::VARCHAR FROM crm.a WHERE id < 9 ORDER BY id"
    assert warehouse.sql(query) == [(None, None), (None, "[1]"), ("y", None), ("z", "true")]


@pytest.mark.parametrize("name", ["_SDC_DELETED_AT", "_sdc_Table_Version"])
def test_a_property_never_takes_a_column_of_the_target(warehouse, name):
    sent = [record("a", 5, id=1, name="x"), activate("a", 5), *live("a", [1], 6)]
    warehouse.load(schema("a"), *sent, add_record_metadata=True)
    warehouse.load(schema("a", {"id": {"type": "integer"}, name: TEXT}), record("a", id=1, **{name: "x"}))
    assert warehouse.sql(f'SELECT "{name}_1" FROM crm.a WHERE _sdc_deleted_at IS NULL') == [("x",)]


def test_columns_of_the_target_may_be_there_in_other_case(warehouse):
    make(warehouse, "CREATE TABLE crm.a (ID BIGINT, NAME VARCHAR, _SDC_DELETED_AT TIMESTAMPTZ)")
    make(warehouse, "INSERT INTO crm.a VALUES (1, 'x', NULL), (2, 'y', NULL)")
    warehouse.load(schema("a"), *live("a", [1], 6))
    assert warehouse.sql("SELECT ID FROM crm.a WHERE _SDC_DELETED_AT IS NOT NULL") == [(2,)]
    assert list(columns(warehouse, "a")) == ["ID", "NAME", "_SDC_DELETED_AT"]


SEQUENCES = {
    "two, then each alone": ("Aa aa, aa, Aa, aa Aa", "Aa aa_1, aa_1, Aa, aa_1 Aa"),
    "taken over, then both": ("Aa, aa, aa Aa, Aa aa, Aa, aa", "Aa, Aa, Aa Aa_1, Aa_1 Aa, Aa_1, Aa"),
    "taken over and back": ("Aa, aa, Aa, Aa aa, aa", "Aa, Aa, Aa, Aa aa_1, aa_1"),
    "a third spelling": ("Aa aa, AA, aa Aa, AA", "Aa aa_1, Aa, aa_1 Aa, Aa"),
    "two that nobody had": ("Aa, AA aa, aa AA, Aa", "Aa, Aa aa_1, aa_1 Aa, Aa"),
    "the number of another": ("Aa aa, aa_1, AA_1, Aa aa", "Aa aa_1, aa_1_1, AA_1_2, Aa aa_1"),
    "not in ASCII": ("É, é, STRASSE, straße", "É, é_1, STRASSE, straße_1"),
    "not held": ("a\0b, A\0B, ab, AB", "ab, ab, ab_1, AB_2"),
    "half a pair": ("\ud800a, \ud800A, ?a", "?a, ?a, ?a_1"),
    "ours": ("_sdc_deleted_at, _SDC_DELETED_AT", "_sdc_deleted_at, _SDC_DELETED_AT_1"),
}


@pytest.mark.parametrize(("sent", "expected"), SEQUENCES.values(), ids=SEQUENCES)
def test_schemas_that_differ_in_case_have_these_columns(sent, expected):
    table: list[TableColumn] = []
    found = []
    for properties in sent.split(", "):
        names = follow(table, properties.split())
        found.append(" ".join(names.values()))
    assert ", ".join(found) == expected


def follow(table: list[TableColumn], properties: list[str], comment: str = "") -> dict[str, str]:
    """Do to a list of columns what a SCHEMA does to a table and return the column of each property."""
    wanted = [Column(name, "VARCHAR", comment) for name in properties]
    names = assign_names(wanted, table)
    for column in wanted:
        name = names[column.property]
        current = next((known for known in table if known.name == name), TableColumn(name, "VARCHAR"))
        after = TableColumn(name, "VARCHAR", comment_of(column, current) or current.comment)
        table[:] = [known for known in table if known.name != name] + [after]
    return names


SPELLINGS = ["a", "A", "a_1", "A_1", "a_2", "ab", "AB", "Ab", "a\0b", "", "É", "é", "ß", "SS", "\ud800", "?"]
DESCRIPTIONS = ["", "Some", 'name "a"', 'name "A_1"', 'x\nname "AB"']
SCHEMAS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(SPELLINGS), unique=True, min_size=1, max_size=5),
        st.sampled_from(DESCRIPTIONS),
    ),
    min_size=1,
    max_size=7,
)
FOREIGN = st.lists(
    st.tuples(st.sampled_from(["A", "a_1", "AB", "É", "x"]), st.sampled_from(DESCRIPTIONS)),
    unique_by=lambda made: folded(made[0]),
)


@settings(max_examples=300, deadline=None)
@given(FOREIGN, SCHEMAS)
def test_whatever_schemas_follow_one_another_no_two_properties_meet_in_a_column(made, sent):
    table = [TableColumn(name, "VARCHAR", comment) for name, comment in made]
    owners: dict[str, str] = {}
    for properties, comment in sent:
        names = follow(table, properties, comment)
        assert list(names) == properties
        assert len(set(map(folded, names.values()))) == len(names)
        assert len({folded(column.name) for column in table}) == len(table)
        for name, column in names.items():
            former = owners.get(column, name)
            assert former == name or (folded(former) == folded(name) and former not in properties)
            owners[column] = name
        assert owners.items() <= {column.name: property_of(column) for column in table}.items()
        assert follow(list(table), properties, comment) == names
        assert follow(list(table), properties[::-1], comment) == names


@pytest.mark.parametrize("seed", range(4))
def test_every_value_is_found_under_the_column_that_its_property_had(warehouse, seed):
    chance = random.Random(seed)
    held = [name for name in SPELLINGS if name != "\ud800"]
    if seed % 2:
        make(warehouse, 'CREATE TABLE crm.a (ID BIGINT, A VARCHAR, "AB" VARCHAR, a_1 BIGINT)')
    kinds, written = [TEXT, {"type": "integer"}, {"type": "object"}], []
    for number in range(6):
        values = {name: str(100 * number + place) for place, name in enumerate(chance.sample(held, 4))}
        rules = {"id": {"type": "integer"}, **{name: chance.choice(kinds) for name in values}}
        warehouse.load(schema("a", rules), {**record("a"), "record": {"id": number, **values}})
        names = assign_names([Column(name, "") for name in values], table_of(warehouse))
        written += [(number, names[name], value) for name, value in values.items()]
    assert warehouse.rejected() == []
    for number, name, value in written:
        query = f'SELECT trim("{name}"::VARCHAR, \'"\') FROM crm.a WHERE id = ?'
        assert warehouse.sql(query, number) == [(value,)]


def tables(warehouse: Warehouse) -> dict[str, str | None]:
    return dict(warehouse.sql("SELECT table_name, comment FROM duckdb_tables() WHERE schema_name = 'crm'"))


@pytest.mark.parametrize("stream", ["orders", "sales-orders"])
@pytest.mark.parametrize("method", ["upsert", "append-only", "overwrite"])
def test_a_stream_takes_the_table_that_somebody_made_under_a_name_of_other_case(warehouse, stream, method):
    make(
        warehouse,
        "CREATE TABLE crm.ORDERS (ID BIGINT, NAME VARCHAR); COMMENT ON TABLE crm.ORDERS IS 'Theirs'",
    )
    for number in (1, 2):
        warehouse.load(schema(stream), record(stream, id=number, name="x"), load_method=method)
    assert tables(warehouse) == {"ORDERS": f'Theirs\nname "{stream}"'}
    assert warehouse.ids("crm.orders") == ([2] if method == "overwrite" else [1, 2])


def test_a_stream_never_takes_the_table_of_another(warehouse):
    make(warehouse, "CREATE TABLE crm.THINGS (ID BIGINT)")
    streams = ["Orders", "orders", "things", "THINGS", "sales-ORDERS", "Things"]
    for turn in (1, 2):
        for name in streams[:: 3 - 2 * turn]:
            warehouse.load(schema(name), record(name, id=turn))
    found = warehouse.sql("SELECT stream, table_name, sum(rows_in) FROM _load.streams GROUP BY ALL")
    assert sorted(row[0] for row in found) == sorted(streams)
    assert len({table for _, table, _ in found}) == len(tables(warehouse)) == len(streams)
    for _, table, rows in found:
        assert warehouse.one(f'SELECT count(*) FROM crm."{table}"') == rows == 2


@pytest.mark.parametrize(
    "names", [("orders", "ORDERS", "Orders"), ("ORDERS", "orders"), ("sales-ORDERS", "ORDERS", "orders")]
)
def test_streams_of_one_batch_do_not_share_the_table_that_somebody_made(warehouse, names):
    make(warehouse, "CREATE TABLE crm.ORDERS (ID BIGINT)")
    streams = {name: number for number, name in enumerate(names)}
    for _ in range(2):
        sent = [(schema(name), record(name, id=number)) for name, number in streams.items()]
        warehouse.load(*(message for both in sent for message in both))
    found = dict(warehouse.sql("SELECT DISTINCT stream, table_name FROM _load.streams"))
    assert set(found.values()) == set(tables(warehouse))
    assert {name: warehouse.ids(f'crm."{table}"') for name, table in found.items()} == {
        name: [number] for name, number in streams.items()
    }


def test_a_table_whose_stream_changes_its_case_stays_that_streams(warehouse):
    warehouse.load(schema("Orders"), record("Orders", id=1))
    warehouse.load(schema("orders"), record("orders", id=2))
    warehouse.load(schema("Orders"), record("Orders", id=3))
    assert [warehouse.ids("crm.Orders"), warehouse.ids("crm.orders_1")] == [[1, 3], [2]]
