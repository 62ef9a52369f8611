"""The store behind the API: the same for the same seed, believable, quick, and never stale."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.simulator.espocrm_client import Client, make_crm, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulator.espocrm import EspoCRM


@pytest.fixture
def crm() -> Iterator[EspoCRM]:
    with running(0.05) as crm:
        yield crm


def test_the_same_seed_gives_the_same_records() -> None:
    one, two = make_crm(0.1), make_crm(0.1)
    two.store.ids("Task")  # in another order
    for entity in ("Lead", "Contact", "Email", "Note", "Task"):
        assert one.store.rows(entity) == two.store.rows(entity)


def test_scale_one_is_about_ten_thousand_records() -> None:
    store = make_crm(1.0).store
    assert 9_000 < sum(len(store.ids(entity)) for entity in store.entities()) < 13_000


def test_content_hangs_together() -> None:
    store = make_crm(0.5).store
    rows = {
        entity: {row["id"]: row for row in store.rows(entity)}
        for entity in ("Account", "Contact", "Opportunity")
    }
    contacts = rows["Contact"].values()
    assert all(row["accountId"] in rows["Account"] for row in contacts if row["accountId"])
    assert all(row["accountId"] in row["accountsIds"] for row in contacts if row["accountId"])
    assert {row["stage"] for row in rows["Opportunity"].values()} >= {"Proposal", "Closed Won", "Closed Lost"}
    assert all(row["createdAt"] <= row["modifiedAt"] for row in rows["Opportunity"].values())
    assert all(row["fileName"] for row in store.rows("Document"))


def test_many_to_many_links_are_named(crm: EspoCRM) -> None:
    assert set(crm.store.links("Contact")) == {"accounts", "cEverythings", "targetLists", "teams"}
    assert {"users", "contacts", "leads"} <= set(crm.store.links("Meeting"))
    assert "memberships" not in crm.store.links("CEverything")


def test_both_sides_see_one_relation(crm: EspoCRM) -> None:
    account, contact = crm.store.create("Account"), crm.store.create("Contact", {"accountId": None})
    crm.store.relate("Account", account, "contacts", contact, {"role": "Buyer"})
    assert crm.store.related("Contact", contact, "accounts") == {account: {"role": "Buyer"}}
    crm.store.unrelate("Contact", contact, "accounts", account)
    assert crm.store.related("Account", account, "contacts") == {}


def test_copies_of_rows_are_the_callers_own(crm: EspoCRM) -> None:
    identity = min(crm.store.ids("Lead"))
    crm.store.get("Lead", identity)["lastName"] = "changed"
    assert crm.store.get("Lead", identity)["lastName"] != "changed"


def test_fields_can_be_added_retyped_and_taken_away(crm: EspoCRM) -> None:
    client = Client(crm)
    crm.store.schema.add_field("Lead", "cScore:int@")
    identity = crm.store.create("Lead", {"cScore": 7})
    assert client.get(f"Lead/{identity}").json["cScore"] == 7
    fields = client.get("Metadata", key="entityDefs.Lead.fields").json
    assert fields["cScore"] == {"type": "int", "isCustom": True}
    crm.store.schema.add_field("Lead", "cScore:enum@", ["low", "high"])
    assert client.get("Metadata", key="entityDefs.Lead.fields.cScore").json["options"] == ["low", "high"]
    crm.store.schema.remove_field("Lead", "cScore")
    assert "cScore" not in client.get("Lead").rows[0]
    assert "cScore" not in make_crm().store.schema.attributes("Lead")


def _disturb(crm: EspoCRM, dice: random.Random) -> None:
    store = crm.store
    account, contact = (dice.choice(sorted(store.ids(entity))) for entity in ("Account", "Contact"))
    actions = (
        lambda: store.update("Account", account, {"name": f"Name {dice.random()}", "type": "Partner"}),
        lambda: store.update("Contact", contact, {"accountId": account, "title": "Buyer"}),
        lambda: store.relate("Account", account, "contacts", contact, {"role": str(dice.random())}),
        lambda: store.unrelate("Account", account, "contacts", contact),
        lambda: store.delete("Contact", contact),
        lambda: store.undelete("Contact", contact) if contact not in store.ids("Contact") else None,
        lambda: store.create("Contact", {"accountId": account}),
        lambda: store.update(
            "User", dice.choice(sorted(store.ids("User"))), {"lastName": f"L{dice.random()}"}
        ),
        lambda: crm.clock.advance(dice.choice((0, 1, 60))),
    )
    dice.choice(actions)()


@pytest.mark.parametrize("seed", range(4))
def test_lists_are_never_stale(crm: EspoCRM, seed: int) -> None:
    dice, client, store = random.Random(seed), Client(crm), crm.store
    everything = ",".join(store.schema.shown("Contact", {"list", "select"}))
    for _ in range(40):
        _disturb(crm, dice)
        listed = client.get("Contact", select=everything, orderBy="modifiedAt", order="asc").rows
        fresh = sorted(store.rows("Contact"), key=lambda row: (row["modifiedAt"], row["id"]))
        assert listed == [{name: row[name] for name in listed[0]} for row in fresh]


def test_mutations_between_pages_do_not_hide_rows_from_a_keyset(crm: EspoCRM) -> None:
    client, store = Client(crm), crm.store
    wanted = store.ids("Contact")
    dice = random.Random(1)
    crm.server.before_request.append(
        lambda _request, _number: store.update(
            "Contact", dice.choice(sorted(wanted)), {"description": str(dice.random())}
        )
    )
    seen = {row["id"] for page in client.pages("Contact", maxSize=7, select="id") for row in page}
    assert seen == wanted


def test_fifty_thousand_leads_are_paged_quickly() -> None:
    crm = make_crm(0.01)
    crm.store.fill("Lead", 50_000)
    crm.server.start()
    started = time.process_time()
    pages = list(Client(crm).pages("Lead", maxSize=200, select="id"))
    spent = time.process_time() - started
    crm.server.stop()
    assert sum(map(len, pages)) == len(crm.store.ids("Lead"))
    assert spent < len(pages) / 50  # 20 ms of processor a page, client included; measured: about 2


def test_rates_move_converted_amounts_and_nothing_else(crm: EspoCRM) -> None:
    identity = crm.store.create("Opportunity", {"amount": 100.0, "amountCurrency": "EUR", "probability": 50})
    client = Client(crm)
    where = [{"type": "equals", "attribute": "id", "value": identity}]
    before = client.get("Opportunity", where=where).rows[0]
    crm.store.set_rate("EUR", 2)
    after = client.get("Opportunity", where=where).rows[0]
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"amountConverted", "amountWeightedConverted"}
    assert client.get("CurrencyRate").json["EUR"] == 2


def test_ids_may_be_uuids(crm: EspoCRM) -> None:
    crm.switches.id_type = "uuid4"
    ids = {*crm.store.ids("Lead"), crm.store.create("Lead")}
    assert {len(each) for each in ids} == {36}
    assert {row["id"] for page in Client(crm).pages("Lead", maxSize=9) for row in page} == ids


def test_deals_tell_their_stages_in_the_stream() -> None:
    store = make_crm(0.2).store
    notes = [row for row in store.rows("Note") if row["data"] and row["data"].get("field") == "stage"]
    last = {
        note["parentId"]: note["data"]["value"] for note in sorted(notes, key=lambda note: note["number"])
    }
    deals = {row["id"]: row for row in store.rows("Opportunity")}
    assert {identity: deals[identity]["stage"] for identity in last} == last
    assert all(note["createdAt"] <= deals[note["parentId"]]["modifiedAt"] for note in notes)


def test_the_past_does_not_depend_on_when_it_is_looked_at() -> None:
    early, late = make_crm(0.05), make_crm(0.05)
    past = early.store.rows("Note")
    deal = min(late.store.ids("Opportunity"))
    late.store.delete("Opportunity", deal)
    late.store.create("Opportunity")
    assert {row["id"] for row in past} <= late.store.ids("Note")
