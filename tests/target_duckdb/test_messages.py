"""Messages that cannot be taken, and what is said of them: one line, with the place of what is wrong."""

from __future__ import annotations

import pytest

from tests.target_duckdb.loading import Warehouse, record, schema, state


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
