from __future__ import annotations

import threading
import time

import pytest
from crm_simulator import Clock, OpenCRM

NOON = "2026-07-20T12:00:00+00:00"


@pytest.fixture
def store(opencrm):
    opencrm.clock.set(NOON)
    return opencrm.store


def some(store, entity: str = "contact") -> str:
    return min(store.ids(entity), key=int)


def test_creating_fills_in_what_is_not_given(store):
    identifier = store.create("contact", {"lastname": "Given"})
    row = store.get("contact", identifier)
    assert (row["id"], row["lastname"], row["modifiedtime"]) == (identifier, "Given", "2026-07-20 13:00:00")
    assert "@" in row["email"]
    assert row["accountid"] in store.ids("company")


def test_ids_are_unique_over_all_modules(store):
    store.create("lead")
    store.create("contact")
    numbers = [number for entity in store.entities() if entity != "user" for number in store.ids(entity)]
    assert len(numbers) == len(set(numbers))


def test_updating_stamps_and_leaves_copies_alone(store):
    identifier = some(store)
    before = store.get("contact", identifier)
    store.update("contact", identifier, {"lastname": "Changed"})
    after = store.get("contact", identifier)
    assert before["lastname"] != "Changed"
    changed = {name for name in after if after[name] != before[name]}
    assert (changed, after["modifiedtime"]) == ({"lastname", "modifiedtime"}, "2026-07-20 13:00:00")


def test_a_stamp_may_be_given(store):
    store.update("contact", some(store), {"modifiedtime": "2020-01-01 00:00:00"})
    assert store.get("contact", some(store))["modifiedtime"] == "2020-01-01 00:00:00"


def test_touching_changes_the_stamp_alone(store):
    before = store.get("user", "1")
    store.touch("user", "1")
    assert store.get("user", "1") == {**before, "date_modified": "2026-07-20 13:00:00"}


def test_deleted_records_are_gone_until_undeleted(store, call):
    identifier = some(store)
    store.delete("contact", identifier)
    assert identifier not in store.ids("contact")
    assert call("get_contact", crmid=identifier).json == []
    with pytest.raises(KeyError):
        store.update("contact", identifier, {"lastname": "x"})
    store.undelete("contact", identifier)
    assert call("get_contact_list_full", limit_end=1).json[0]["id"] == identifier
    assert store.get("contact", identifier)["modifiedtime"] == "2026-07-20 13:00:00"


def test_a_custom_field_can_be_added_to_some_records(store, call):
    identifier = some(store)
    store.add_field("contact", "cf_new", "x", only=[identifier])
    rows = call("get_contact_list_full").json
    assert [row["id"] for row in rows if "cf_new" in row] == [identifier]
    assert store.kinds("contact")["cf_new"] == "text"
    assert "cf_new" in store.get("contact", store.create("contact"))


def test_a_field_can_be_retyped(store, call):
    store.retype("company", "employees", lambda value: f"about {value}", kind="text")
    assert all(row["employees"].startswith("about ") for row in call("get_company_list_full").json)


def test_lines_can_be_replaced(store, call):
    identifier = some(store, "quote")
    store.set_lines("quote", identifier, [{"productid": 1, "quantity": "2"}])
    assert call("get_quote", crmid=identifier).json["product_lines"] == [{"productid": "1", "quantity": "2"}]
    assert store.get("quote", identifier)["modifiedtime"] == "2026-07-20 13:00:00"


def test_a_change_shows_in_the_next_answer_in_every_form(store, call):
    paths = ("get_contact_list", "get_contact_list_full", "get_contact_list_full/dateTimeOverride/c")
    for path in paths:
        call(path)
    store.update("contact", some(store), {"lastname": "Fresh"})
    assert [call(path, limit_end=1).json[0]["lastname"] for path in paths] == ["Fresh"] * 3


def test_filling_adds_many_records_cheaply(store, call):
    before = len(store.ids("contact"))
    started = time.perf_counter()
    store.fill("contact", 100_000)
    assert time.perf_counter() - started < 3
    page = call("get_contact_list_full", limit_start=90_000, limit_end=90_200).json
    assert len({row["id"] for row in page}) == 200
    assert call("get_contact_list_count").json == str(before + 100_000)
    store.update("contact", page[0]["id"], {"lastname": "Alone"})
    names = [row["lastname"] for row in call("get_contact_list_full").json]
    assert names.count("Alone") == 1


def test_the_store_holds_still_for_many_threads(store, call):
    def work() -> None:
        for _ in range(50):
            identifier = store.create("lead")
            store.update("lead", identifier, {"company": "x"})
            store.delete("lead", identifier)

    before = store.ids("lead")
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        assert call("get_lead_list_full").status == 200
    for thread in threads:
        thread.join()
    assert store.ids("lead") == before


def test_the_server_zone_is_a_switch():
    crm = OpenCRM(seed=1, scale=0.01, clock=Clock.frozen(NOON))
    crm.switches.timezone = "America/New_York"
    assert crm.store.get("lead", crm.store.create("lead"))["modifiedtime"] == "2026-07-20 08:00:00"
