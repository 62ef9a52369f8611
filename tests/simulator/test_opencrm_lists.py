from __future__ import annotations

import pytest

FULL = "get_contact_list_full"


def ids(answer) -> list[str]:
    return [row["id"] for row in answer.json]


@pytest.fixture
def all_ids(opencrm) -> list[str]:
    return sorted(opencrm.store.ids("contact"), key=int)


@pytest.mark.parametrize(
    ("paging", "expected"), [("exclusive", (4, 6)), ("inclusive", (4, 7)), ("count", (4, 10))]
)
def test_limit_end_has_three_meanings(call, opencrm, all_ids, paging, expected):
    opencrm.switches.paging = paging
    assert ids(call(FULL, limit_start=4, limit_end=6)) == all_ids[slice(*expected)]


def test_without_limits_every_row_comes_unless_capped(call, opencrm, all_ids):
    assert ids(call(FULL)) == all_ids
    opencrm.switches.page_cap = 5
    assert ids(call(FULL, limit_start=2)) == all_ids[2:7]


def test_path_with_and_without_slash_and_get_are_the_same(call):
    slashed = call.send("GET", f"/api/rest/{FULL}/?limit_end=2", **call.keys)
    assert slashed.json == call(FULL, limit_end=2).json


def test_an_undefined_order_stays_the_same_from_page_to_page(call, opencrm, all_ids):
    opencrm.switches.order = "shuffled"
    pages = [ids(call(FULL, limit_start=start, limit_end=start + 10)) for start in range(0, len(all_ids), 10)]
    listed = [identifier for page in pages for identifier in page]
    assert listed != all_ids
    assert sorted(listed, key=int) == all_ids


@pytest.mark.parametrize(("empty", "body"), [("[]", b"[]"), ("null", b"null"), ("blank", b"")])
def test_no_rows_are_written_in_three_ways(call, opencrm, empty, body):
    opencrm.switches.empty = empty
    assert call(FULL, limit_start=9999, limit_end=10050).body == body


@pytest.mark.parametrize(("count", "body"), [("string", b'"44"'), ("int", b"44"), ("quoted", rb'"\"44\""')])
def test_a_count_is_written_in_three_ways(call, opencrm, count, body):
    opencrm.switches.count = count
    assert call("get_contact_list_count").body == body


def test_basic_lists_have_crmid_and_few_fields(call, opencrm):
    basic, full = call("get_contact_list", limit_end=1).json[0], call(FULL, limit_end=1).json[0]
    assert "crmid" in basic
    assert "id" not in basic
    assert "crmid" not in full
    assert len(basic) < 10 < len(full)
    assert basic.items() - full.items() == {("crmid", full["id"])}


def test_all_values_are_texts(call, opencrm):
    for entity in opencrm.store.entities():
        rows = call(f"get_{entity}_list_full").json
        assert {type(value) for row in rows for value in row.values()} == {str}


def test_rows_hold_what_the_store_holds(call, opencrm):
    for entity in opencrm.store.entities():
        assert call(f"get_{entity}_list_full/dateOverride/Y-m-d").json == opencrm.store.rows(entity)


def test_a_lone_row_may_come_without_its_list(call, opencrm):
    opencrm.switches.lone_row = "object"
    assert isinstance(call(FULL, limit_end=1).json, dict)


def test_full_lists_may_be_missing(call, opencrm):
    opencrm.switches.full_lists = False
    assert "error" in call(FULL).json
    assert call("get_contact_list").json


def test_empty_values_may_be_null_and_numbers_may_be_numbers(call, opencrm):
    identifier = opencrm.store.create("company", {"fax": "", "employees": "12", "credit_limit": "10.50"})
    opencrm.switches.empty_values, opencrm.switches.numbers = "null", "number"
    row = next(row for row in call("get_company_list_full").json if row["id"] == int(identifier))
    assert (row["fax"], row["employees"], row["credit_limit"]) == (None, 12, 10.5)


def test_timestamps_may_be_missing(call, opencrm):
    opencrm.switches.timestamps = False
    assert not {"createdtime", "modifiedtime"} & set(call(FULL, limit_end=1).json[0])


def test_a_single_read_has_its_own_keys(call, opencrm):
    identifier = min(opencrm.store.ids("contact"))
    record = call("get_contact", crmid=identifier).json
    assert (record["crmid"], record["record_id"]) == (identifier, identifier)
    assert record["record_module"] == "Contacts"
    assert record.items() >= {("lastname", opencrm.store.get("contact", identifier)["lastname"])}


def test_a_single_read_may_use_query_names(call, opencrm):
    opencrm.switches.single_names = "query"
    record = call("get_contact", crmid=min(opencrm.store.ids("contact"))).json
    assert {"assigned_user_id", "account_id"} <= set(record)
    assert "accountid" not in record


@pytest.mark.parametrize("entity", ["quote", "salesorder", "invoice", "purchaseorder"])
def test_sales_records_have_lines_on_the_single_read_alone(call, opencrm, entity):
    identifier = min(opencrm.store.ids(entity))
    lines = call(f"get_{entity}", crmid=identifier).json["product_lines"]
    assert lines == opencrm.store.lines(entity, identifier)
    assert "product_lines" not in call(f"get_{entity}_list_full", limit_end=1).json[0]
    opencrm.switches.line_shape = "object"
    assert call(f"get_{entity}", crmid=identifier).json["product_lines"]["1"] == lines[0]


@pytest.mark.parametrize(
    ("switch", "status", "body"),
    [
        ("[]", 200, b"[]"),
        ("null", 200, b"null"),
        ("blank", 200, b""),
        ("error", 200, b'{"error"'),
        ("404", 404, b"<"),
    ],
)
def test_a_missing_record_answers_as_the_switch_says(call, opencrm, switch, status, body):
    opencrm.switches.missing_record = switch
    answer = call("get_contact", crmid=99999999)
    assert (answer.status, answer.body[: len(body)]) == (status, body)


def test_json_is_written_as_php_writes_it(call, opencrm):
    opencrm.store.update("contact", min(opencrm.store.ids("contact"), key=int), {"title": "a/b £"})
    assert rb'"title":"a\/b \u00a3"' in call(FULL, limit_end=1).body


def test_change_assignedidtouser_names_the_owner(call, opencrm):
    row = call(FULL, limit_end=1, change_assignedidtouser="Project_Developer,Assigned_to").json[0]
    owner = opencrm.store.get("contact", row["id"])["smownerid"]
    assert row["smownerid"] == opencrm.store.get("user", owner)["user_name"]


def test_a_row_may_change_between_pages(call, opencrm, all_ids):
    def change(request, number):
        if request.params.get("limit_start") == "2":
            opencrm.store.update("contact", all_ids[2], {"title": "Changed"})

    opencrm.server.before_request.append(change)
    call(FULL, limit_start=0, limit_end=2)
    assert call(FULL, limit_start=2, limit_end=4).json[0]["title"] == "Changed"
