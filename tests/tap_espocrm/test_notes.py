"""Notes from the best place there is: Note itself, GlobalStream, or record by record."""

from __future__ import annotations

import logging

import pytest

from tests.tap_espocrm.harness import Warehouse, run_tap

ONLY_NOTES = {"entities": ["Note", "Account"], "link_streams": False}


def test_an_admin_reads_all_notes_oldest_first(crm, caplog) -> None:
    with caplog.at_level(logging.INFO):
        outcome = run_tap({**crm.credentials["admin"], **ONLY_NOTES, "page_size": 7})
    assert "Notes are read from Note" in caplog.text
    assert set(outcome.ids("note")) == crm.store.ids("Note")
    assert set(outcome.ids("note__live")) == crm.store.ids("Note")
    numbers = [record["number"] for record in outcome.records("note")]
    assert numbers == sorted(numbers)
    assert outcome.state["bookmarks"]["note"]["replication_key_value"] == max(numbers)


def test_an_api_user_reads_them_from_the_global_stream(crm, config, caplog) -> None:
    with caplog.at_level(logging.INFO):
        outcome = run_tap({**config, **ONLY_NOTES, "page_size": 7})
    assert "Notes are read from GlobalStream" in caplog.text
    assert set(outcome.ids("note")) == crm.store.ids("Note")
    assert outcome.state["bookmarks"]["note"]["replication_key_value"] == max(
        r["number"] for r in crm.store.rows("Note")
    )


def test_without_a_global_stream_every_record_is_asked(crm, config, caplog) -> None:
    crm.switches.without_controller.add("GlobalStream")
    crm.switches.version = "8.1.0"
    outcome = run_tap({**config, "link_streams": False, "detect_deletes": False, "page_size": 50})
    assert "Notes are read record by record" in caplog.text
    assert outcome.error is None
    of_records = {n["id"] for n in crm.store.rows("Note") if n.get("parentType") == "Account"}
    assert of_records
    assert of_records <= set(outcome.ids("note"))


@pytest.mark.parametrize("kind", ["admin", "api_key"])
def test_the_next_run_reads_the_new_notes(sim, crm, kind) -> None:
    settings = {**crm.credentials[kind], **ONLY_NOTES, "page_size": 7}
    warehouse = Warehouse()
    warehouse.load(settings)
    before = crm.store.ids("Note")
    sim.clock.advance(seconds=60)
    parent = min(crm.store.ids("Account"))
    for number in range(9):
        crm.store.create(
            "Note", {"post": f"Post {number}", "type": "Post", "parentType": "Account", "parentId": parent}
        )
    new = crm.store.ids("Note") - before
    assert len(new) >= 9
    crm.server.log.clear()
    warehouse.load(settings)
    assert set(warehouse.rows("note")) == crm.store.ids("Note")


def test_notes_can_be_left_out(config) -> None:
    assert "note" not in run_tap({**config, "entities": ["Account"]}).schemas
    assert "note" not in run_tap({**config, "notes": False}).schemas
