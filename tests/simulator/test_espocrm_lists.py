"""Lists: paging, order, dialects, totals and what a row holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.simulator.espocrm_client import Client, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulator.espocrm import EspoCRM


@pytest.fixture
def crm() -> Iterator[EspoCRM]:
    with running(0.1) as crm:
        yield crm


@pytest.fixture
def client(crm: EspoCRM) -> Client:
    return Client(crm)


def keyset(value: str, identity: str) -> list[dict]:
    same = {"type": "equals", "attribute": "modifiedAt", "value": value}
    then = {"type": "greaterThan", "attribute": "id", "value": identity}
    further = {"type": "greaterThan", "attribute": "modifiedAt", "value": value}
    return [{"type": "or", "value": [further, {"type": "and", "value": [same, then]}]}]


@pytest.mark.parametrize("size", [1, 7, 200])
def test_keyset_by_modified_at_gives_every_row_once(crm: EspoCRM, client: Client, size: int) -> None:
    for number in range(20):
        crm.store.create("CVisit", {"name": f"tie {number}"})
    seen: list[str] = []
    where: list[dict] = []
    while rows := client.get("CVisit", orderBy="modifiedAt", order="asc", maxSize=size, where=where).rows:
        seen += [row["id"] for row in rows]
        where = keyset(rows[-1]["modifiedAt"], rows[-1]["id"])
    assert len(seen) == len(set(seen))
    assert set(seen) == crm.store.ids("CVisit")


def test_keyset_backwards_gives_every_row_once(crm: EspoCRM, client: Client) -> None:
    forward = client.get("CVisit", orderBy="modifiedAt", order="asc").ids
    backward = client.get("CVisit", orderBy="modifiedAt", order="desc").ids
    assert backward == forward[::-1]


def test_offset_pages_are_parts_of_one_list(client: Client) -> None:
    whole = client.get("Lead", orderBy="modifiedAt", order="asc", select="id").ids
    parts = [
        client.get("Lead", orderBy="modifiedAt", maxSize=20, offset=n, select="id").ids
        for n in range(0, 100, 20)
    ]
    assert [each for part in parts for each in part] == whole


def test_ties_are_broken_by_id_in_the_same_direction(crm: EspoCRM, client: Client) -> None:
    made = sorted(crm.store.create("Task", {"name": "tie", "priority": "Low"}) for _ in range(9))
    same = [{"type": "equals", "attribute": "name", "value": "tie"}]
    assert client.get("Task", where=same, orderBy="modifiedAt", order="asc").ids == made
    assert client.get("Task", where=same, orderBy="priority", order="desc").ids == made[::-1]


@pytest.mark.parametrize(
    ("params", "total"),
    [
        ({"maxSize": 0}, 80),
        ({"maxSize": 5, "offset": 9999}, 80),
        ({"maxSize": "abc"}, 80),
        ({"maxSize": 5}, 80),
    ],
)
def test_total_counts_all_rows(client: Client, params: dict, total: int) -> None:
    assert client.get("Lead", **params).json["total"] == total


@pytest.mark.parametrize(("offset", "total"), [(0, -1), (59, -1), (60, -2), (500, -2)])
def test_without_total_the_answer_tells_whether_rows_follow(client: Client, offset: int, total: int) -> None:
    assert client.get("Lead", {"X_No_Total": "true"}, maxSize=20, offset=offset).json["total"] == total


@pytest.mark.parametrize("entity", ["Email", "ActionHistoryRecord"])
def test_some_entities_are_never_counted(client: Client, entity: str) -> None:
    assert client.get(entity, maxSize=1).json["total"] in {-1, -2}


def test_a_page_over_the_cap_is_forbidden(crm: EspoCRM, client: Client) -> None:
    crm.switches.page_cap = 50
    assert client.get("Lead").json["list"][50:] == []
    answer = client.get("Lead", maxSize=51)
    assert (answer.status, answer.reason) == (403, "Max size should not exceed 50. Use offset and limit.")


@pytest.mark.parametrize(
    ("asc", "descending"), [("true", False), ("1", True), ("false", True)], ids=["true", "1", "false"]
)
def test_old_dialect_wants_the_word_true(client: Client, asc: str, *, descending: bool) -> None:
    ids = client.get("Lead", sortBy="createdAt", asc=asc).ids
    modern = client.get("Lead", orderBy="createdAt", order="desc" if descending else "asc").ids
    assert ids == modern


def test_before_5_5_order_by_is_not_known(crm: EspoCRM) -> None:
    crm.switches.version = "5.4.0"
    client = Client(crm, "basic")
    default = client.get("Lead").ids
    assert client.get("Lead", orderBy="createdAt", order="asc").ids == default
    assert client.get("Lead", sortBy="createdAt", asc="true").ids == default[::-1]


def test_search_params_replace_all_others(client: Client) -> None:
    search = {"where": [{"type": "isTrue", "attribute": "deleted"}], "select": ["name"], "maxSize": 3}
    answer = client.get("Lead", searchParams=json.dumps(search), maxSize=50, offset=-1)
    assert answer.json == {"total": 0, "list": []}


@pytest.mark.parametrize(
    ("version", "rows"),
    [("9.2.7", {"Customer"}), ("8.4.2", {"Customer", "Partner", "Reseller", "Investor", None})],
)
def test_where_group_is_ignored_before_9(crm: EspoCRM, client: Client, version: str, rows: set) -> None:
    crm.switches.version = version
    group = [{"type": "equals", "attribute": "type", "value": "Customer"}]
    answer = client.get("Account", whereGroup=group, attributeSelect="type")
    assert {row["type"] for row in answer.rows} == rows


@pytest.mark.parametrize(
    "params",
    [
        {"where": '[{"type":"equals","attribute":"id","value":"x"}]'},
        {"filter": "x", "page": "2"},
        {"searchParams": '{"wehre": [], "limit": 1}'},
    ],
    ids=["where-as-text", "unknown-parameters", "unknown-search-params"],
)
def test_what_is_not_understood_is_ignored(client: Client, params: dict) -> None:
    assert client.get("Lead", **params).json["total"] == 80


def test_long_filters_lose_their_tail(crm: EspoCRM, client: Client) -> None:
    ids = sorted(crm.store.ids("Lead"))
    padded = [*(f"x{number}" for number in range(995)), *ids]
    where = [{"type": "in", "attribute": "id", "value": padded}]
    assert client.get("Lead", where=where).json["total"] < 10


def test_switches_ignore_where_and_order(crm: EspoCRM, client: Client) -> None:
    crm.switches.ignore_where = crm.switches.ignore_order = True
    where = [{"type": "equals", "attribute": "id", "value": "x"}]
    answer = client.get("Lead", where=where, orderBy="id", order="asc")
    assert answer.json["total"] == 80
    assert answer.ids != sorted(answer.ids)


def test_plain_lists_hold_whole_texts_and_selected_ones_are_cut(client: Client) -> None:
    full = [{"type": "equals", "attribute": "name", "value": "Everything full"}]
    plain = client.get("CEverything", where=full).rows[0]
    selected = client.get("CEverything", where=full, select="fText,fWysiwyg").rows[0]
    assert len(plain["fText"]) > 10_000
    assert selected["fText"] == plain["fText"][:10_000]


def test_link_multiples_come_only_when_selected(crm: EspoCRM, client: Client) -> None:
    plain = client.get("Contact", maxSize=50).rows
    assert not any(name.endswith(("Ids", "Columns")) for row in plain for name in row)
    rows = client.get("Contact", maxSize=200, select="accountsIds,accountsColumns,teamsNames").rows
    for row in rows:
        assert row["accountsColumns"] == crm.store.related("Contact", row["id"], "accounts")
        assert set(row["teamsNames"]) == set(crm.store.related("Contact", row["id"], "teams"))


@pytest.mark.parametrize("select", ["targetListsIds,name", "targetListsNames"])
def test_links_that_are_not_loaded_never_come(client: Client, select: str) -> None:
    assert not any(name.startswith("targetLists") for name in client.get("Account", select=select).rows[0])


def test_select_drops_what_it_does_not_know(client: Client) -> None:
    row = client.get("Account", select="name, website,nope,*").rows[0]
    assert set(row) == {"id", "name", "createdAt", "createdById", "assignedUserId", "isStarred"}


def test_a_single_read_gives_more_than_a_list(client: Client) -> None:
    row = client.get("Contact", maxSize=1).rows[0]
    whole = client.get(f"Contact/{row['id']}").json
    assert whole.keys() - row.keys() >= {"emailAddressData", "isFollowed", "followersIds", "accountsIds"}
    assert {name: whole[name] for name in row} == row


def test_related_lists_with_mandatory_attributes_need_a_select(crm: EspoCRM, client: Client) -> None:
    contact = next(row for row in crm.store.rows("Contact") if row["accountId"])
    path = f"Account/{contact['accountId']}/contacts"
    assert set(client.get(path).rows[0]) == {
        "id",
        "accountIsInactive",
        "createdAt",
        "createdById",
        "assignedUserId",
    }
    roles = {row["id"]: row["accountRole"] for row in client.get(path, select="name,accountRole").rows}
    assert roles[contact["id"]] == contact["title"]


def test_target_list_members_show_whether_they_opted_out(crm: EspoCRM, client: Client) -> None:
    target = next(iter(sorted(crm.store.ids("TargetList"))))
    rows = client.get(f"TargetList/{target}/leads", select="name,targetListIsOptedOut").rows
    shown = {row["id"]: row["targetListIsOptedOut"] for row in rows}
    members = crm.store.related("TargetList", target, "leads")
    assert shown == {identity: columns["optedOut"] for identity, columns in members.items()}


def test_rows_on_the_wire_are_the_rows_of_the_store(crm: EspoCRM, client: Client) -> None:
    for entity in ("Account", "Contact", "Opportunity", "Meeting", "CEverything", "Email"):
        listed = {row["id"]: row for page in client.pages(entity, maxSize=200) for row in page}
        stored = {row["id"]: row for row in crm.store.rows(entity)}
        assert listed.keys() == stored.keys()
        for identity, row in listed.items():
            assert row == {name: stored[identity][name] for name in row}
