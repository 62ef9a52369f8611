"""Messages that cannot be taken, and what is said of them: one line, with the place of what is wrong."""

from __future__ import annotations

from codecs import BOM_UTF8
from io import BytesIO, StringIO

import duckdb
import pytest
from target_duckdb.errors import DatabaseError, InvalidValueError, LoadError, SpoolError
from target_duckdb.spool import Spool
from target_duckdb.target import TargetDuckDB

from tests.target_duckdb.loading import Warehouse, activate, lines, record, schema, state


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def complaint(warehouse: Warehouse, *messages: object, **settings: object) -> str:
    """Return what the command says of messages that it does not take."""
    done = warehouse.command(*messages, **settings)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "Traceback" not in said
    return "\n".join(line for line in said.splitlines() if "ERROR" in line)


WAYS = {"plain": {}, "mapped": {"stream_maps": {"a": {"name": "name"}}}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("letter", [b"\xff", b"\xed\xa0\x80"], ids=["Latin-1", "half a surrogate pair"])
def test_a_state_that_is_not_utf8_is_named_by_its_line(warehouse, way, letter):
    latin = b'{"type":"STATE","value":{"bookmark":"M' + letter + b'ller"}}'
    said = complaint(warehouse, schema("a"), record("a", id=1, name="n1"), state(1), latin, **WAYS[way])
    assert "line 4: a STATE that is not UTF-8" in said
    assert '{"type":…,"value":{"bookmark":…}}' in said


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("letter", [b"\xff", rb"\ud800"], ids=["Latin-1", "half a surrogate pair"])
def test_a_stream_whose_name_is_not_unicode_is_named_by_its_line(warehouse, way, letter):
    rest = b'","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":["id"]}'
    said = complaint(warehouse, schema("a"), b'{"type":"SCHEMA","stream":"M' + letter + rest, **WAYS[way])
    assert "line 2: SCHEMA of stream 'M\\ud" in said
    assert "its name is not valid Unicode" in said


USUAL = {
    "SCHEMA": schema("a"),
    "RECORD": record("a", 5, id=1, name="n1"),
    "odd RECORD": record("a", 5, id=1, name=2.5),
    "BATCH": {"type": "BATCH", "stream": "a", "encoding": {"format": "jsonl"}, "manifest": []},
    "ACTIVATE_VERSION": activate("a", 5),
    "STATE": state(1),
}
FOREIGN = {
    "SCHEMA": ("version", "manifest"),
    "RECORD": ("key_properties", "manifest"),
    "odd RECORD": ("key_properties", "manifest"),
    "BATCH": ("key_properties",),
    "ACTIVATE_VERSION": ("key_properties", "manifest"),
    "STATE": ("stream", "version", "key_properties", "manifest"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", [None, 5, "2", {}], ids=str)
def test_a_member_that_a_message_of_its_type_does_not_have_may_be_anything(warehouse, way, value):
    odd = {kind: USUAL[kind] | dict.fromkeys(FOREIGN[kind], value) for kind in USUAL}
    done = warehouse.command(*odd.values(), **WAYS[way])
    assert (done.returncode, done.stdout) == (0, b"1\n"), done.stderr
    assert warehouse.sql("SELECT id, name FROM crm.a") == [(1, "2.5")]
    assert (warehouse.tally("a")["in"], warehouse.rejected()) == (2, [])


@pytest.mark.parametrize("way", WAYS)
def test_a_byte_order_mark_before_all_else_is_passed_over(warehouse, way):
    """PowerShell and Windows tools put one before what they pipe or save."""
    first, *others = lines([schema("a"), record("a", id=1, name="n1"), state(1)])
    done = warehouse.command(BOM_UTF8 + first, *others, **WAYS[way])
    assert (done.returncode, done.stdout) == (0, b"1\n"), done.stderr
    assert warehouse.ids("crm.a") == [1]
    assert "line 2: not a Singer message" in complaint(warehouse, first, BOM_UTF8 + first, **WAYS[way])


@pytest.mark.parametrize("kind", [BytesIO, lambda text: StringIO(text.decode())], ids=["bytes", "text"])
@pytest.mark.parametrize("way", WAYS)
def test_a_byte_order_mark_of_an_input_that_is_no_file_is_passed_over(warehouse, way, kind):
    target = TargetDuckDB(config=warehouse.config(**WAYS[way]))
    target.listen(kind(BOM_UTF8 + b"\n".join(lines([schema("a"), record("a", id=1, name="n1")]))))
    assert warehouse.ids("crm.a") == [1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kind", "name"), [("STATE", "value"), ("BATCH", "manifest"), ("BATCH", "version")])
def test_a_member_that_a_message_has_is_what_it_should_be(warehouse, way, kind, name):
    said = complaint(warehouse, schema("a"), USUAL[kind] | {name: float("nan")}, **WAYS[way])
    assert "line 2: " in said


DEEP = b"[" * 3000 + b"]" * 3000


@pytest.mark.parametrize("kind", ["RECORD", "ACTIVATE_VERSION", "BATCH"])
def test_a_version_that_is_nested_too_deeply_is_one_line(warehouse, kind):
    line = lines([USUAL[kind]])[0][:-1].replace(b', "version": 5', b"") + b', "version": ' + DEEP + b"}"
    said = complaint(warehouse, schema("a"), line)
    assert "line 2: not a Singer message (" in said
    assert '{"type": …, "stream": …' in said


RULES = {"id": {"type": "integer"}, "day": {"type": "string", "format": "date"}}
EARLIER = {
    "a frozen schema": ({"schema_evolution": "freeze"}, DatabaseError, "a: 'day': it would be a new column"),
    "a bad value": ({"on_invalid_value": "fail"}, InvalidValueError, 'a {"id":0}: day: not a valid DATE'),
}


@pytest.mark.parametrize(("settings", "kind", "said"), EARLIER.values(), ids=EARLIER)
def test_what_stops_a_batch_is_not_put_down_to_the_line_at_which_it_comes_to_light(
    warehouse, settings, kind, said
):
    warehouse.load(schema("a", {"id": {"type": "integer"}}))
    sent = [message for n in range(9) for message in (record("a", id=n, day="never"), state(n))]
    with pytest.raises(kind) as caught:
        warehouse.load(schema("a", RULES), *sent, batch_size_rows=1, **settings)
    assert str(caught.value).startswith(said)


def test_a_disk_that_is_full_is_not_put_down_to_a_line(warehouse, monkeypatch):
    def fill(*_: object) -> None:
        raise SpoolError("cannot write")

    monkeypatch.setattr(Spool, "write", fill)
    with pytest.raises(LoadError, match=r"^cannot write$"):
        warehouse.load(schema("a"), record("a", id=1), state(1), batch_size_rows=1)


def test_a_row_of_a_parquet_file_that_has_no_key_is_named_by_its_file(warehouse, tmp_path):
    paths = [str(tmp_path / name) for name in ("whole", "holed")]
    with duckdb.connect() as connection:
        for path, hole in zip(paths, (-1, 17), strict=True):
            query = f"SELECT nullif(range, {hole}) AS id FROM range(20)"
            connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    batch = {"type": "BATCH", "stream": "a", "encoding": {"format": "parquet"}, "manifest": paths}
    for rows in (5, 100):
        said = complaint(warehouse, schema("a", {"id": {"type": "integer"}}), batch, batch_size_rows=rows)
        assert f"| BATCH file '{paths[1]}', row 18: a record of 'a' has no value for its key 'id'" in said


@pytest.mark.parametrize(("is_complete", "end"), [(True, "finished"), (False, "stopped or still running")])
def test_a_second_attempt_under_the_same_run_id_is_told_of_the_first(
    warehouse, monkeypatch, is_complete, end
):
    monkeypatch.setenv("TARGET_DUCKDB_RUN_ID", "airflow-1")
    warehouse.load(schema("a"), record("a", id=1), state(1), is_complete=is_complete)
    started = warehouse.one("SELECT strftime(started_at, '%Y-%m-%d %H:%M:%S') FROM _load.runs")
    with pytest.raises(DatabaseError) as caught:
        warehouse.load(schema("a"), record("a", id=2), state(2))
    said = str(caught.value)
    assert said.startswith(f"run 'airflow-1' is in the ledger already, started {started} UTC, {end};")
    assert said.endswith("Give each attempt an id of its own (TARGET_DUCKDB_RUN_ID)")
    assert warehouse.ids("crm.a") == [1]
    monkeypatch.setenv("TARGET_DUCKDB_RUN_ID", "airflow-2")
    assert warehouse.load(schema("a"), record("a", id=2), state(2)) == [2]
