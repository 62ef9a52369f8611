"""What leaves a source leaves the warehouse: live keys, ACTIVATE_VERSION, marked records, and the guard."""

from __future__ import annotations

import pytest
from target_duckdb.errors import DeleteGuardError

from tests.target_duckdb.loading import Warehouse, activate, live, record, records, schema

ALIVE = "SELECT id FROM crm.deals WHERE _sdc_deleted_at IS NULL ORDER BY id"


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def alive(warehouse) -> list[int]:
    return [row[0] for row in warehouse.sql(ALIVE)]


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
    warehouse.load(schema("deals"), activate("deals", 1), *records("deals", range(4), 1))
    warehouse.load(schema("deals"), activate("deals", 2), *records("deals", range(3), 2))
    assert alive(warehouse) == [0, 1, 2]


def test_a_version_announced_after_its_records_deletes_what_it_lacks(warehouse):
    warehouse.load(schema("deals"), *records("deals", range(4), 1), activate("deals", 1))
    warehouse.load(schema("deals"), *records("deals", range(3), 2), activate("deals", 2), hard_delete=True)
    assert warehouse.ids("crm.deals") == [0, 1, 2]


def test_a_stream_without_a_key_is_replaced_by_its_new_version(warehouse):
    plain = schema("log", keys=[])
    warehouse.load(plain, *records("log", range(200), 1), activate("log", 1), hard_delete=True)
    warehouse.load(plain, *records("log", range(195), 2), activate("log", 2), hard_delete=True)
    assert warehouse.ids("crm.log") == list(range(195))


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
