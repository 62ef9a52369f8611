"""What writes change, and what they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulator.espocrm_client import NOON, Client, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulator.espocrm import EspoCRM

THEN = NOON[:10] + " 13:00:00"


@pytest.fixture
def crm() -> Iterator[EspoCRM]:
    with running(0.05) as crm:
        yield crm


@pytest.fixture
def admin(crm: EspoCRM) -> Client:
    return Client(crm, "admin")


def modified(crm: EspoCRM, entity: str, identity: str) -> str:
    return str(crm.store.get(entity, identity)["modifiedAt"])


def test_a_new_record_has_its_stamps_and_is_listed(crm: EspoCRM, admin: Client) -> None:
    made = admin.send("POST", "Lead", {"lastName": "New", "modifiedAt": "2000-01-01 00:00:00"}).json
    assert made["createdAt"] == made["modifiedAt"] == made["streamUpdatedAt"] == NOON[:10] + " 12:00:00"
    assert (made["modifiedById"], made["name"], made["doNotCall"]) == (None, "New", False)
    assert Client(crm).get("Lead", orderBy="modifiedAt", order="desc", maxSize=1).ids == [made["id"]]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_save_moves_modified_at(crm: EspoCRM, admin: Client, method: str) -> None:
    identity = min(crm.store.ids("Account"))
    version = crm.store.get("Account", identity)["versionNumber"]
    crm.clock.advance(hours=1)
    saved = admin.send(method, f"Account/{identity}", {"website": "https://new.example"}).json
    assert (saved["website"], saved["modifiedAt"], saved["versionNumber"]) == (
        "https://new.example",
        THEN,
        version + 1,
    )


@pytest.mark.parametrize(("entity", "moves"), [("Account", True), ("Contact", False)])
def test_a_save_without_changes_counts_for_versioned_entities_only(
    crm: EspoCRM, admin: Client, entity: str, *, moves: bool
) -> None:
    row = crm.store.rows(entity)[0]
    crm.clock.advance(hours=1)
    admin.send("PUT", f"{entity}/{row['id']}", {"description": row["description"]})
    assert (modified(crm, entity, row["id"]) == THEN) is moves


def test_relating_moves_no_modified_at_but_shows(crm: EspoCRM, admin: Client) -> None:
    account, contact = crm.store.create("Account"), crm.store.create("Contact", {"accountId": None})
    before = modified(crm, "Account", account), modified(crm, "Contact", contact)
    crm.clock.advance(hours=1)
    assert admin.send("POST", f"Account/{account}/contacts", {"id": contact}).json is True
    assert (modified(crm, "Account", account), modified(crm, "Contact", contact)) == before
    row = admin.get(
        "Contact", where=[{"type": "equals", "attribute": "id", "value": contact}], select="accountsIds"
    )
    assert (row.rows[0]["accountId"], row.rows[0]["accountsIds"]) == (account, [account])
    admin.send("DELETE", f"Account/{account}/contacts", {"id": contact})
    assert crm.store.get("Contact", contact)["accountId"] is None


def test_saving_ids_of_a_link_moves_that_record_only(crm: EspoCRM, admin: Client) -> None:
    opportunity, contact = crm.store.create("Opportunity"), crm.store.create("Contact")
    crm.clock.advance(hours=1)
    columns = {contact: {"role": "Decision maker"}}
    saved = admin.send(
        "PUT", f"Opportunity/{opportunity}", {"contactsIds": [contact], "contactsColumns": columns}
    )
    assert saved.json["contactsColumns"] == columns
    assert modified(crm, "Opportunity", opportunity) == THEN
    assert modified(crm, "Contact", contact) != THEN


def test_deleted_records_vanish_from_lists_but_not_for_administrators(crm: EspoCRM, admin: Client) -> None:
    identity = crm.store.create("Account")
    crm.clock.advance(hours=1)
    assert admin.send("DELETE", f"Account/{identity}").json is True
    assert identity not in Client(crm).get("Account").ids
    assert Client(crm).get(f"Account/{identity}").status == 404
    gone = admin.get(f"Account/{identity}").json
    assert (gone["deleted"], gone["modifiedAt"]) == (True, THEN)
    crm.clock.advance(hours=1)
    crm.store.undelete("Account", identity)
    assert modified(crm, "Account", identity) == THEN


def test_children_keep_pointing_to_a_deleted_parent(crm: EspoCRM) -> None:
    account = crm.store.create("Account")
    contact = crm.store.create("Contact", {"accountId": account})
    client = Client(crm)
    where = [{"type": "equals", "attribute": "id", "value": contact}]
    assert client.get("Contact", where=where).rows[0]["accountName"]
    crm.store.delete("Account", account)
    row = client.get("Contact", where=where).rows[0]
    assert (row["accountId"], row["accountName"]) == (account, None)


def test_renaming_a_record_shows_elsewhere_without_a_save(crm: EspoCRM) -> None:
    account = crm.store.create("Account")
    contact = crm.store.create("Contact", {"accountId": account})
    client = Client(crm)
    client.get("Contact")
    crm.clock.advance(hours=1)
    crm.store.update("Account", account, {"name": "Renamed"})
    row = next(row for row in client.get("Contact").rows if row["id"] == contact)
    assert (row["accountName"], row["modifiedAt"] == THEN) == ("Renamed", False)


def test_reading_one_record_is_written_down_and_listing_is_not(crm: EspoCRM, admin: Client) -> None:
    client, identity = Client(crm), min(crm.store.ids("Lead"))
    client.get("Lead")
    client.get(f"Lead/{identity}")
    admin.send("DELETE", f"Lead/{identity}")
    rows = admin.get("ActionHistoryRecord", orderBy="number", order="asc").rows
    assert [(row["action"], row["targetId"]) for row in rows] == [("read", identity), ("delete", identity)]
    assert [row["action"] for row in client.get("ActionHistoryRecord").rows] == ["read"]


def test_action_history_may_be_off(crm: EspoCRM, admin: Client) -> None:
    crm.switches.action_history = False
    admin.send("DELETE", f"Lead/{min(crm.store.ids('Lead'))}")
    assert admin.get("ActionHistoryRecord").rows == []


def test_duplicates_are_refused_with_those_that_are_there(crm: EspoCRM, admin: Client) -> None:
    known = crm.store.create("Account", {"name": "Twice Ltd"})
    answer = admin.send("POST", "Account", {"name": "Twice Ltd"})
    assert (answer.status, [row["id"] for row in answer.json]) == (409, [known])
    assert admin.send("POST", "Account", {"name": "Twice Ltd", "skipDuplicateCheck": True}).status == 200


@pytest.mark.parametrize(
    ("kind", "method", "path", "status"),
    [
        ("api_key", "POST", "Lead", 403),
        ("api_key", "DELETE", "Lead/{lead}", 403),
        ("limited", "PUT", "Task/{task}", 403),
        ("admin", "PUT", "Lead/nope", 404),
        ("admin", "POST", "Lead/{lead}/nope", 404),
    ],
)
def test_writes_that_are_refused(crm: EspoCRM, kind: str, method: str, path: str, status: int) -> None:
    ids = {"lead": min(crm.store.ids("Lead")), "task": min(crm.store.ids("Task"))}
    assert Client(crm, kind).send(method, path.format(**ids), {"name": "x", "id": "y"}).status == status


def test_stages_and_posts_are_told_in_the_stream(crm: EspoCRM, admin: Client) -> None:
    identity = crm.store.create("Opportunity", {"stage": "Proposal"})
    crm.clock.advance(hours=1)
    admin.send("PUT", f"Opportunity/{identity}", {"stage": "Closed Won"})
    crm.clock.advance(hours=1)
    post = {"type": "Post", "post": "Done!", "parentType": "Opportunity", "parentId": identity}
    number = admin.send("POST", "Note", post).json["number"]
    notes = Client(crm).get(f"Opportunity/{identity}/stream").json
    assert [(note["type"], note["number"]) for note in notes["list"]] == [
        ("Post", number),
        ("Status", number - 1),
        ("Create", number - 2),
    ]
    row = crm.store.get("Opportunity", identity)
    assert (row["modifiedAt"], row["streamUpdatedAt"]) == (THEN, NOON[:10] + " 14:00:00")


def test_the_global_stream_is_paged_by_number(crm: EspoCRM) -> None:
    client, seen = Client(crm), []
    params: dict[str, int] = {}
    while rows := client.get("GlobalStream", maxSize=30, **params).rows:
        seen += [row["number"] for row in rows]
        params = {"beforeNumber": seen[-1]}
    assert seen == sorted((row["number"] for row in crm.store.rows("Note")), reverse=True)


def test_following_is_shown_in_single_reads(crm: EspoCRM) -> None:
    client, identity = Client(crm), min(crm.store.ids("Account"))
    before = modified(crm, "Account", identity)
    crm.clock.advance(hours=1)
    assert client.send("PUT", f"Account/{identity}/subscription").json is True
    assert client.get(f"Account/{identity}").json["isFollowed"] is True
    assert client.get(f"Account/{identity}/followers").json["total"] == 1
    client.send("DELETE", f"Account/{identity}/subscription")
    assert client.get(f"Account/{identity}").json["followersIds"] == []
    assert modified(crm, "Account", identity) == before
