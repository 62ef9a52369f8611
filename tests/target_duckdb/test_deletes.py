"""What leaves a source leaves the warehouse: live keys, ACTIVATE_VERSION, marked records, and the guard."""

from __future__ import annotations

import json
from contextlib import ExitStack, nullcontext

import pytest
from target_duckdb.errors import DeleteGuardError
from target_duckdb.loader import Load

from tests.target_duckdb.loading import (
    KEYED,
    Warehouse,
    activate,
    commit,
    live,
    record,
    records,
    schema,
    state,
)

LISTED = schema("deals__live", {"id": {"type": "integer"}})
TEXT_LISTED = schema("deals__live", {"id": {"type": "string"}})
ALIVE = "SELECT id FROM crm.deals WHERE _sdc_deleted_at IS NULL ORDER BY id"


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def alive(warehouse) -> list[int]:
    return [row[0] for row in warehouse.sql(ALIVE)]


def alive_or_all(warehouse) -> list[int]:
    return alive(warehouse) if "_sdc_deleted_at" in warehouse.types("deals") else warehouse.ids("crm.deals")


def test_rows_whose_keys_are_not_alive_are_marked(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(5)), *live("deals", [0, 1, 3], 7))
    assert alive(warehouse) == [0, 1, 3]
    assert warehouse.ids("crm.deals") == [0, 1, 2, 3, 4]
    assert warehouse.tally("deals")["deleted"] == 2


def test_hard_deletes_remove_them(warehouse):
    warehouse.load(
        schema("deals"), *records("deals", range(5)), *live("deals", [0, 1, 3], 7), hard_delete=True
    )
    assert warehouse.ids("crm.deals") == [0, 1, 3]


def test_the_live_table_holds_the_latest_version_only(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(3)), *live("deals", [0, 1, 2], 7))
    warehouse.load(schema("deals"), *live("deals", [0, 2], 8))
    assert warehouse.ids("crm.deals__live") == [0, 2]
    assert alive(warehouse) == [0, 2]


def test_a_row_that_reappears_is_alive_again(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(3)), *live("deals", [0], 7))
    warehouse.load(schema("deals"), *live("deals", [0, 1], 8))
    assert alive(warehouse) == [0, 1]


def test_a_record_that_comes_again_is_alive_again(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(3)), *live("deals", [0], 7))
    warehouse.load(schema("deals"), *records("deals", [2]))
    assert alive(warehouse) == [0, 2]


def test_live_keys_without_an_activation_delete_nothing(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(3)), *live("deals", [0], 7)[:-1])
    warehouse.load(schema("deals"), *live("deals", [0, 1, 2], 8))
    assert alive(warehouse) == [0, 1, 2]


def test_a_table_that_has_live_keys_can_always_be_asked_for_deleted_rows(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(3)), *live("deals", [0], 7)[:-1])
    assert warehouse.types("deals")["_sdc_deleted_at"] == "TIMESTAMP WITH TIME ZONE"


def test_no_live_key_at_all_means_that_all_are_gone(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(3)), *live("deals", [], 7))
    assert alive(warehouse) == []


def test_live_keys_need_no_version_in_their_records(warehouse):
    keys = [record("deals__live", id=number) for number in (0, 2)]
    listed = schema("deals__live", {"id": {"type": "integer"}})
    warehouse.load(schema("deals"), *records("deals", range(3)), listed, *keys, activate("deals__live", 7))
    assert alive(warehouse) == [0, 2]
    warehouse.load(schema("deals"), listed, keys[1], activate("deals__live", 8))
    assert alive(warehouse) == [2]


def test_a_record_that_came_while_live_keys_were_listed_is_spared(warehouse):
    head, first, *rest = live("deals", [0, 1], 7)
    new = records("deals", [9])
    warehouse.load(schema("deals"), *records("deals", range(3)), head, first, *new, *rest, batch_size_rows=2)
    assert alive(warehouse) == [0, 1, 9]


def test_too_many_deletes_are_withheld_and_the_rest_is_committed(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(200)))
    with pytest.raises(DeleteGuardError, match="150 of 201 rows are gone"):
        warehouse.load(schema("deals"), *records("deals", [777]), *live("deals", [*range(50), 777], 7))
    assert len(alive(warehouse)) == 201


@pytest.mark.parametrize(("gone", "fraction"), [(20, 0.1), (150, 0.75), (200, 1)])
def test_the_largest_share_can_be_set(warehouse, gone, fraction):
    warehouse.load(schema("deals"), *records("deals", range(200)))
    warehouse.load(schema("deals"), *live("deals", range(200 - gone), 7), max_delete_fraction=fraction)
    assert len(alive(warehouse)) == 200 - gone


def test_a_small_table_may_lose_everything(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(99)))
    warehouse.load(schema("deals"), *live("deals", [], 7))
    assert alive(warehouse) == []


def test_composite_keys_are_compared_whole(warehouse):
    both = {"a": {"type": "integer"}, "b": {"type": "string"}}
    rows = [record("links", a=1, b="x"), record("links", a=1, b="y")]
    keys = [
        schema("links__live", both, ["a", "b"]),
        record("links__live", 7, a=1, b="y"),
        activate("links__live", 7),
    ]
    warehouse.load(schema("links", both, ["a", "b"]), *rows, *keys)
    assert warehouse.sql("SELECT b FROM crm.links WHERE _sdc_deleted_at IS NULL") == [("y",)]


def test_another_suffix_or_none_makes_it_an_ordinary_stream(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(3)), *live("deals", [0], 7), live_keys_suffix="")
    assert "_sdc_deleted_at" not in warehouse.types("deals")
    assert warehouse.ids("crm.deals__live") == [0]


def test_a_version_announced_before_its_records_deletes_what_it_lacks(warehouse):
    warehouse.load(schema("deals"), activate("deals", 1), *records("deals", range(4), 1), state(1))
    warehouse.load(schema("deals"), activate("deals", 2), *records("deals", range(3), 2), state(2))
    assert alive(warehouse) == [0, 1, 2]


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize("between", [[], [state(1)]], ids=["no STATE", "a STATE before the last"])
def test_a_version_deletes_nothing_if_its_records_broke_off(warehouse, caplog, between, batch):
    """A tap that fails in the midst of them closes its output as one that has sent them all."""
    warehouse.load(schema("deals"), activate("deals", 1), *records("deals", range(60), 1), state(0))
    first, rest = records("deals", range(3), 2), records("deals", range(3, 7), 2)
    warehouse.load(
        schema("deals"),
        activate("deals", 2),
        *first,
        *between,
        *rest,
        hard_delete=True,
        batch_size_rows=batch,
    )
    assert warehouse.ids("crm.deals") == list(range(60))
    assert "'deals' came before records, and after those neither it nor a STATE: left aside" in caplog.text
    warehouse.load(
        schema("deals"), activate("deals", 3), *records("deals", range(50), 3), state(3), hard_delete=True
    )
    assert warehouse.ids("crm.deals") == list(range(50))


def test_a_version_counts_for_a_stream_that_is_whole_though_another_broke_off(warehouse):
    streams = [schema("deals"), schema("notes")]
    both = [*records("deals", range(4), 1), *records("notes", range(4), 1)]
    warehouse.load(*streams, activate("deals", 1), activate("notes", 1), *both, state(1))
    again = [*records("deals", range(3), 2), state(2), *records("notes", range(2), 2)]
    warehouse.load(*streams, activate("deals", 2), activate("notes", 2), *again, hard_delete=True)
    assert warehouse.ids("crm.deals") == [0, 1, 2]
    assert warehouse.ids("crm.notes") == [0, 1, 2, 3]


def test_a_version_deletes_nothing_if_one_of_its_records_was_rejected(warehouse, caplog):
    """Which row it was is not known."""
    rules, days = (
        {"at": {"type": "string", "format": "date-time"}},
        ["2024-01-01", "2024-01-02", "2024-01-03"],
    )
    listed = schema("deals", rules, ["at"])
    warehouse.load(listed, *(record("deals", 1, at=day) for day in days), activate("deals", 1))
    again = [record("deals", 2, at="1/1/2024"), record("deals", 2, at=days[1])]
    warehouse.load(listed, *again, activate("deals", 2), hard_delete=True)
    assert warehouse.one("SELECT count(*) FROM crm.deals") == 3
    assert "records of 'deals' were rejected: nothing is deleted" in caplog.text


def test_a_version_announced_after_its_records_deletes_what_it_lacks(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(4), 1), activate("deals", 1))
    warehouse.load(schema("deals"), *records("deals", range(3), 2), activate("deals", 2), hard_delete=True)
    assert warehouse.ids("crm.deals") == [0, 1, 2]


def test_a_stream_without_a_key_is_replaced_by_its_new_version(warehouse):
    plain = schema("log", keys=[])
    warehouse.load(plain, *records("log", range(200), 1), activate("log", 1), hard_delete=True)
    warehouse.load(plain, *records("log", range(195), 2), activate("log", 2), hard_delete=True)
    assert warehouse.ids("crm.log") == list(range(195))


@pytest.mark.parametrize("sizes", [[150, 60, 150], [150, 100, 150], [150, 100, 150, 140]])
def test_a_stream_without_a_key_heals_after_a_version_that_was_not_whole(warehouse, sizes):
    """Two versions are there to go, and only the larger of them says how many rows there were."""
    plain = schema("log", keys=[])
    for version, size in enumerate(sizes):
        messages = [plain, activate("log", version), *records("log", range(size), version), state(version)]
        with nullcontext() if size >= 140 else pytest.raises(DeleteGuardError, match="of 150 rows are gone"):
            warehouse.load(*messages, hard_delete=True)
    assert warehouse.ids("crm.log") == list(range(sizes[-1]))


def test_a_guard_that_is_raised_for_one_run_lets_a_stream_without_a_key_shrink(warehouse):
    plain = schema("log", keys=[])
    warehouse.load(plain, *records("log", range(150), 1), activate("log", 1))
    for version in (2, 3):
        with pytest.raises(DeleteGuardError, match="50 of 150 rows are gone"):
            warehouse.load(plain, *records("log", range(100), version), activate("log", version))
    again = [plain, *records("log", range(100), 4), activate("log", 4)]
    warehouse.load(*again, max_delete_fraction=0.5, hard_delete=True)
    assert warehouse.ids("crm.log") == list(range(100))


def test_activations_can_be_turned_off(warehouse):
    off = {"process_activate_version_messages": False}
    warehouse.load(schema("deals"), *records("deals", range(3)), *live("deals", [0], 7), **off)
    assert warehouse.ids("crm.deals") == [0, 1, 2]


def test_records_without_a_version_are_not_deleted_by_one(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(3)))
    warehouse.load(schema("deals"), *records("deals", [1]), activate("deals", 9))
    assert warehouse.ids("crm.deals") == [0, 1, 2]


@pytest.mark.parametrize(("hard", "left"), [(False, [1, 2]), (True, [1])])
def test_a_record_that_says_it_is_deleted(warehouse, hard, left):
    marked = {
        "id": {"type": "integer"},
        "_sdc_deleted_at": {"type": ["string", "null"], "format": "date-time"},
    }
    warehouse.load(schema("deals", marked), record("deals", id=1), record("deals", id=2))
    gone = record("deals", id=2, _sdc_deleted_at="2026-01-01T00:00:00Z")
    warehouse.load(schema("deals", marked), gone, hard_delete=hard)
    assert warehouse.ids("crm.deals") == left


@pytest.mark.parametrize(("hard", "left"), [(False, [1, 2, 3]), (True, [1, 3])])
def test_a_record_may_say_so_in_a_property_that_its_schema_does_not_have(warehouse, hard, left):
    gone = record("deals", id=2, _sdc_deleted_at="2026-01-01T00:00:00Z")
    turns = [schema("deals"), *records("deals", [1, 2]), gone, schema("deals"), *records("deals", [3])]
    warehouse.load(*turns, hard_delete=hard)
    assert warehouse.ids("crm.deals") == left
    assert alive(warehouse) == [1, 3]
    assert warehouse.rejected() == []


@pytest.mark.parametrize("way", [{}, {"stream_maps": {"deals": {"id": "id"}}}], ids=["plain", "mapped"])
@pytest.mark.parametrize(
    "values",
    [
        {"name": "_sdc_deleted_at"},
        {"tags": ["_sdc_deleted_at"]},
        {"tags": {"_sdc_deleted_at": "2026-01-01T00:00:00Z"}},
        {"name": "\ud800", "tags": "_sdc_deleted_at"},
    ],
    ids=["a value", "an element", "a member of a member", "half a surrogate pair"],
)
def test_what_only_tells_of_a_mark_of_deletion_is_none(warehouse, way, values):
    rules = {**KEYED, "tags": {"type": ["array", "object", "null"]}}
    warehouse.load(schema("deals", rules))
    line = json.dumps(record("deals", id=1, **values)).encode()
    done = warehouse.command(schema("deals", rules), line, schema_evolution="freeze", **way)
    assert done.returncode == 0, done.stderr
    assert "_sdc_deleted_at" not in warehouse.types("deals")
    assert warehouse.ids("crm.deals") == [1]


@pytest.mark.parametrize("more", [{}, {"name": "\ud800"}], ids=["plain", "half a surrogate pair"])
def test_a_mark_of_deletion_beside_whatever_else_counts(warehouse, more):
    line = json.dumps(record("deals", id=1, **more, _sdc_deleted_at="2026-01-01T00:00:00Z")).encode()
    warehouse.load(schema("deals"), *records("deals", [1, 2]), line)
    assert alive(warehouse) == [2]


def test_a_record_that_is_deleted_at_a_time_that_nobody_can_read_is_deleted(warehouse):
    mark = "2026-01-01T00:00:00+00:00+00:00"
    warehouse.load(schema("deals"), *records("deals", [1, 2]), record("deals", id=2, _sdc_deleted_at=mark))
    assert alive(warehouse) == [1]
    assert [row[1:3] for row in warehouse.rejected()] == [("_sdc_deleted_at", mark)]


def test_an_activation_of_a_stream_that_is_not_there_is_left_aside(warehouse):
    done = warehouse.command(activate("others", 3), schema("deals"), *records("deals", [1]))
    assert done.returncode == 0
    assert b"ACTIVATE_VERSION of stream 'others' came before its SCHEMA: left aside" in done.stderr
    assert warehouse.ids("crm.deals") == [1]


def test_undeleting_and_deleting_many_rows_of_a_wide_table_is_quick(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(20_000)))
    warehouse.load(schema("deals"), *live("deals", range(18_001), 7))
    assert len(alive(warehouse)) == 18_001


@pytest.mark.parametrize("kind", ["integer", "string", "boolean"])
def test_the_version_of_a_message_counts_also_where_the_tap_has_a_property_of_that_name(warehouse, kind):
    declared = schema("deals", KEYED | {"_sdc_table_version": {"type": ["null", kind]}})
    old = [record("deals", 5, id=number, _sdc_table_version=None) for number in (1, 2)]
    warehouse.load(declared, activate("deals", 5), *old, activate("deals", 5))
    value = {"integer": 1_600_000_000_000, "string": "x", "boolean": True}[kind]
    new = record("deals", 1_700_000_000_000, id=1, _sdc_table_version=value)
    both = activate("deals", 1_700_000_000_000)
    warehouse.load(declared, both, new, both, schema_evolution="freeze")
    assert alive(warehouse) == [1]


def test_live_keys_that_came_before_what_they_belong_to_delete_nothing(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(4)))
    keys = [record("deals__live", id=number) for number in (0, 1, 2)]
    done = warehouse.command(LISTED, *keys, schema("deals"), activate("deals__live", 7))
    assert b"'deals__live' had keys before the SCHEMA of 'deals'" in done.stderr
    assert alive(warehouse) == [0, 1, 2, 3]
    warehouse.load(schema("deals"), *live("deals", [0, 1], 8))
    assert alive(warehouse) == [0, 1]


@pytest.mark.parametrize("ids", [[0, 1], []], ids=["keys", "no keys"])
def test_live_keys_that_ended_before_what_they_belong_to_delete_nothing(warehouse, caplog, ids):
    warehouse.load(schema("deals"), *records("deals", range(4)))
    warehouse.load(*live("deals", ids, 7), schema("deals"))
    assert "'deals__live' came before the SCHEMA of 'deals': left aside, nothing is deleted" in caplog.text
    assert alive_or_all(warehouse) == [0, 1, 2, 3]


def test_live_keys_whose_version_is_announced_before_what_they_belong_to_count(warehouse, caplog):
    warehouse.load(schema("deals"), *records("deals", range(4)))
    warehouse.load(LISTED, activate("deals__live", 7), schema("deals"), *live("deals", [0, 1], 7))
    assert "WARNING" not in caplog.text
    assert alive(warehouse) == [0, 1]


def test_a_record_that_comes_after_early_live_keys_is_alive(warehouse):
    keys = [record("deals__live", 7, id=number) for number in (0, 1)]
    new = records("deals", [9])
    warehouse.load(LISTED, *keys, schema("deals"), *new, keys[0], activate("deals__live", 7))
    assert alive_or_all(warehouse) == [9]


@pytest.mark.parametrize("method", ["upsert", "append-only"])
def test_live_keys_without_a_key_are_an_ordinary_stream(warehouse, method):
    plain, listed = schema("deals", keys=[]), schema("deals__live", {"id": {"type": "integer"}}, [])
    keys = [record("deals__live", 7, id=number) for number in (0, 1)]
    turns = [plain, *records("deals", range(3)), listed, keys[0], *records("deals", [3]), keys[1]]
    warehouse.load(*turns, activate("deals__live", 7), load_method=method)
    assert alive_or_all(warehouse) == [0, 1, 2, 3]


def test_append_only_keeps_every_record(warehouse):
    for version in (1, 2):
        turns = [schema("deals"), activate("deals", version), *records("deals", range(version), version)]
        warehouse.load(*turns, *live("deals", [0], version), load_method="append-only", hard_delete=True)
    gone = record("deals", id=9, _sdc_deleted_at="2026-01-01T00:00:00Z")
    warehouse.load(schema("deals"), gone, load_method="append-only", hard_delete=True)
    assert warehouse.ids("crm.deals") == [0, 0, 1, 9]


def test_live_keys_with_and_without_a_version_are_alive(warehouse):
    keys = [record("deals__live", 7, id=0), record("deals__live", id=1)]
    warehouse.load(schema("deals"), *records("deals", range(3)), LISTED, *keys, activate("deals__live", 7))
    assert alive(warehouse) == [0, 1]
    assert warehouse.ids("crm.deals__live") == [0, 1]


@pytest.mark.parametrize("version", [4_000_000_000_000, 2**63])
def test_a_record_without_a_valid_version_among_others_stays(warehouse, version):
    warehouse.load(schema("deals"), *records("deals", range(2), 1), activate("deals", 1))
    new = [*records("deals", [0], version), *records("deals", [2])]
    warehouse.load(schema("deals"), *new, activate("deals", version))
    assert alive(warehouse) == ([0, 2] if version < 2**63 else [0, 1, 2])


@pytest.mark.parametrize("version", [2**63, None])
def test_live_keys_under_no_valid_version_delete_nothing(warehouse, version):
    keys = [record("deals__live", version, id=0), activate("deals__live", version)]
    warehouse.load(schema("deals"), *records("deals", range(2)), LISTED, *keys)
    assert alive(warehouse) == [0, 1]


@pytest.mark.parametrize("version", [1.5, 7.0, "7", True, [7], {}])
@pytest.mark.parametrize("stream", ["deals", "deals__live"])
def test_a_version_that_is_no_integer_deletes_nothing_and_stops_nothing(warehouse, caplog, stream, version):
    listed = [LISTED, *records("deals__live", [0], 7)]
    warehouse.load(schema("deals"), *records("deals", range(2), 6), *listed, activate(stream, version))
    assert alive(warehouse) == [0, 1]
    assert f"ACTIVATE_VERSION of stream {stream!r} has no valid version" in caplog.text


def test_a_deletion_that_arrives_while_keys_are_listed_stays(warehouse):
    gone = record("deals", id=2, _sdc_deleted_at="2026-01-01T00:00:00Z")
    *listed, end = live("deals", [1, 2, 3], 7)
    warehouse.load(schema("deals"), *records("deals", [1, 2, 3]), *listed, gone, end)
    assert alive(warehouse) == [1, 3]


def test_live_keys_of_another_type_than_their_stream(warehouse):
    keys = [record("deals__live", 7, id=text) for text in ("0", "01", "abc")]
    turns = [TEXT_LISTED, *keys, *records("deals", [9]), activate("deals__live", 7)]
    warehouse.load(schema("deals"), *records("deals", range(3)), *turns)
    assert alive(warehouse) == [0, 1, 9]


KINDS = {
    "uuid": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", {"type": "string", "format": "uuid"}),
    "time": ("2024-01-01T00:00:00Z", {"type": "string", "format": "date-time"}),
    "decimal": ("7.50", {"type": "string", "format": "singer.decimal"}),
    "text": ("7", {"type": "string"}),
    "structure": ("7", {"type": ["object", "string"]}),
    "number": (7, {"type": "number"}),
    "integer": (7, {"type": "integer"}),
    "large": (7, {"type": "integer", "maximum": 10**20}),
    "money": (7, {"type": "number", "multipleOf": 0.01}),
}
PAIRS = [("text", name) for name in ("uuid", "time", "decimal")]
PAIRS += [(one, two) for one in list(KINDS)[3:] for two in list(KINDS)[3:]]


@pytest.mark.parametrize(("text", "other"), PAIRS)
@pytest.mark.parametrize("turned", [False, True])
def test_a_key_is_alive_in_whatever_type_it_is_listed(warehouse, text, other, turned):
    one, two = [KINDS[other], KINDS[text]][:: -1 if turned else 1]
    value, given = KINDS[other][0], KINDS[text][0] if text != "text" else str(KINDS[other][0])
    first, second = [value, given][:: -1 if turned else 1]
    rows = [schema("deals", {"id": one[1]}), record("deals", id=first)]
    keys = [schema("deals__live", {"id": two[1]}), record("deals__live", 7, id=second)]
    warehouse.load(*rows, *keys, activate("deals__live", 7))
    assert len(alive(warehouse)) == 1


def test_a_key_that_changes_while_it_is_listed(warehouse):
    text = schema("deals", KEYED | {"id": {"type": "string"}})
    *listed, end = live("deals", [0], 7)
    both = schema("deals", keys=["id", "name"])
    new = [*records("deals", [8]), both, *records("deals", [7]), text, record("deals", id="9")]
    warehouse.load(schema("deals"), *records("deals", range(2)), *listed, *new, end, batch_size_rows=1)
    assert [str(number) for number in alive(warehouse)] == ["0", "7", "8", "9"]


@pytest.mark.parametrize("declared", [True, False])
def test_an_empty_mark_of_deletion_is_none(warehouse, declared):
    rules = KEYED | ({"_sdc_deleted_at": {"type": ["string", "null"]}} if declared else {})
    rows = [record("deals", id=1, _sdc_deleted_at=""), record("deals", id=2, _sdc_deleted_at="yes")]
    warehouse.load(schema("deals", rules), *rows, hard_delete=True)
    assert alive(warehouse) == [1]


@pytest.mark.parametrize("metadata", [False, True])
def test_rows_of_before_there_were_versions_are_older_than_any(warehouse, metadata):
    """Also rows that somebody else put there."""
    warehouse.load(schema("deals"), *records("deals", [0, 1, 2]))
    again = [schema("deals"), *records("deals", [1], 5), activate("deals", 5)]
    warehouse.load(*again, hard_delete=True, add_record_metadata=metadata)
    assert warehouse.ids("crm.deals") == [1]


def test_what_the_first_of_two_lists_spares_the_second_may_delete(warehouse):
    first, again = live("deals", [0, 1, 2], 7), live("deals", [0, 1], 8)
    new = records("deals", [9])
    turns = [schema("deals"), *records("deals", range(3)), *first[:2], *new, *first[2:], *again]
    assert warehouse.load(*turns, state(1)) == [1]
    assert alive(warehouse) == [0, 1]


@pytest.mark.parametrize("mark", [1700000000, True, {"at": 1}, 2.5])
@pytest.mark.parametrize("rows", [0, 5000])
def test_a_mark_of_deletion_that_is_no_text_deletes_too(warehouse, mark, rows):
    marked = KEYED | {"_sdc_deleted_at": {"type": ["string", "null"], "format": "date-time"}}
    gone = record("deals", id=2, name="x", _sdc_deleted_at=mark)
    many = [record("deals", id=number, name="x", _sdc_deleted_at=None) for number in range(10, 10 + rows)]
    warehouse.load(schema("deals", marked if rows else None), *many, *records("deals", [1, 2]), gone)
    assert alive(warehouse)[:1] == [1]
    assert len(alive(warehouse)) == rows + 1
    assert [row[1:3] for row in warehouse.rejected()] == [("_sdc_deleted_at", json.dumps(mark))]


@pytest.mark.parametrize("mark", [False, 0])
def test_a_mark_of_deletion_that_says_no_does_not_delete(warehouse, mark):
    warehouse.load(schema("deals"), record("deals", id=1, _sdc_deleted_at=mark))
    assert alive(warehouse) == [1]


@pytest.mark.parametrize("size", [1, 1_000])
def test_a_list_of_live_keys_of_which_one_is_none_deletes_nothing(warehouse, size):
    listed = schema("deals__live", {"id": {"type": "integer"}})
    keys = [record("deals__live", 7, id="one"), record("deals__live", 7, id=0), activate("deals__live", 7)]
    messages = [schema("deals"), *records("deals", [0, 1, 2]), listed, *keys]
    warehouse.load(*messages, batch_size_rows=size, one_by_one=True)
    assert alive_or_all(warehouse) == [0, 1, 2]
    warehouse.load(schema("deals"), *live("deals", [0], 8))
    assert alive(warehouse) == [0]


def test_a_list_of_which_one_is_none_deletes_nothing_when_its_batch_is_tried_again(warehouse, caplog):
    """A key that comes twice has a batch staged that was to go straight."""
    broken = [record("deals__live", 7, id="one"), *live("deals", [0, 1], 7)[1:-1], state(1)]
    twice = [schema("other"), *records("other", [1, 1]), state(2)]
    turns = [
        schema("deals"),
        *records("deals", range(3)),
        LISTED,
        *broken,
        activate("deals__live", 7),
        *twice,
    ]
    assert warehouse.load(*turns, batch_size_rows=4, one_by_one=True)[-1] == 2
    assert alive_or_all(warehouse) == [0, 1, 2]
    assert "records of 'deals__live' were rejected: nothing is deleted" in caplog.text


@pytest.fixture
def two_runs(warehouse):
    """Two runs that have begun and not ended."""
    warehouse.load(schema("deals"), *records("deals", range(5)))
    with ExitStack() as stack:
        yield [stack.enter_context(Load(warehouse.read(hard_delete=True))) for _ in range(2)]


@pytest.mark.parametrize("other", [live("deals", range(5), 8), records("deals", [4])], ids=["list", "rows"])
def test_a_list_deletes_nothing_where_another_run_has_been_meanwhile(warehouse, two_runs, other, caplog):
    """What it brought is in no list of ours, and perhaps in none before the next."""
    *listed, end = live("deals", range(4), 7)
    commit(two_runs[0], schema("deals"), *listed[:3])
    commit(two_runs[1], schema("deals"), *other)
    commit(two_runs[0], *listed[3:], end)
    assert warehouse.ids("crm.deals") == [0, 1, 2, 3, 4]
    assert "has loaded 'deals' since this one began: nothing is deleted" in caplog.text
    warehouse.load(schema("deals"), *live("deals", range(4), 9), hard_delete=True)
    assert warehouse.ids("crm.deals") == [0, 1, 2, 3]


def test_a_version_deletes_nothing_where_another_run_has_been_meanwhile(warehouse, two_runs):
    for run, version in zip(two_runs, (8, 7), strict=True):
        commit(run, schema("deals"), *records("deals", range(5), version), activate("deals", version))
    for run in two_runs:
        run.finish()
    assert warehouse.ids("crm.deals") == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["boolean", "integer", "number", "object", "string"])
@pytest.mark.parametrize("hard", [False, True])
def test_marks_of_deletion_that_a_tap_declares_as_no_time(warehouse, kind, hard):
    rules = KEYED | {"_sdc_deleted_at": {"type": ["null", kind]}}
    values = {"boolean": (False, True), "integer": (0, 1), "number": (0, 1.5), "string": ("", "x")}
    no, yes = values.get(kind, (None, {"at": 1}))
    rows = [record("deals", id=0), record("deals", id=1, _sdc_deleted_at=no)]
    gone = record("deals", id=2, _sdc_deleted_at=yes)
    warehouse.load(schema("deals", rules), *rows, gone, hard_delete=hard)
    assert alive(warehouse) == [0, 1]
    warehouse.load(schema("deals", rules), *live("deals", [1], 7), hard_delete=hard)
    assert alive(warehouse) == [1]


def test_what_came_while_a_second_list_was_read_stays_though_its_schema_changed(warehouse):
    first, again = live("deals", range(5), 7), live("deals", range(5), 8)
    wider = schema("deals", KEYED | {"more": {"type": "string"}})
    turns = [*first, wider, *again[:-1], *records("deals", [6]), state(2), again[-1], state(3)]
    warehouse.load(schema("deals"), *records("deals", range(5)), state(1))
    warehouse.load(schema("deals"), *turns, batch_size_rows=11, one_by_one=True)
    assert alive(warehouse) == [0, 1, 2, 3, 4, 6]


@pytest.mark.parametrize(
    "settings", [{"process_activate_version_messages": False}, {"load_method": "overwrite"}]
)
def test_no_keys_are_kept_where_no_list_counts(warehouse, settings):
    *listed, _ = live("deals", [0], 7)
    with Load(warehouse.read(**settings)) as load:
        commit(load, schema("deals"), *listed, *records("deals", [1, 2]))
        assert (
            load.commits.database.run("SELECT table_name FROM duckdb_tables() WHERE table_name ^@ 'spared'")
            == []
        )


def test_key_properties_that_differ_in_case_only_or_come_twice(warehouse):
    rules = {"id": {"type": "integer"}, "Id": {"type": "integer"}}
    keys = ["id", "Id", "id"]
    *listed, end = [
        schema("deals__live", rules, keys),
        record("deals__live", 7, id=1, Id=1),
        activate("deals__live", 7),
    ]
    rows = [record("deals", id=1, Id=number) for number in (1, 2)]
    warehouse.load(schema("deals", rules, keys), *rows, *listed, record("deals", id=3, Id=3), end)
    assert warehouse.sql('SELECT id, "Id_1" FROM crm.deals WHERE _sdc_deleted_at IS NULL ORDER BY 1') == [
        (1, 1),
        (3, 3),
    ]


LISTS = {
    "without a version": [
        schema("deals"),
        LISTED,
        *(record("deals__live", id=number) for number in (0, 1, 2)),
    ],
    "of which one is none": [
        schema("deals"),
        LISTED,
        *records("deals__live", [0], 7),
        record("deals__live", 7, id="one"),
    ],
    "before what they belong to": [LISTED, *records("deals__live", [0], 7), schema("deals")],
}


@pytest.mark.parametrize("size", [1, 1_000])
@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS)
def test_an_activation_of_live_keys_that_is_said_again_deletes_nothing_more(warehouse, listed, size):
    warehouse.load(schema("deals"), *records("deals", [0, 1, 2]))
    end = activate("deals__live", 7)
    turns = [*listed, end, state(1), *records("deals", [9]), state(2), end]
    warehouse.load(*turns, batch_size_rows=size, one_by_one=True, hard_delete=True)
    assert alive_or_all(warehouse) == [0, 1, 2, 9]
