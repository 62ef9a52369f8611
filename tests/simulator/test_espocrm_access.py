"""Logging in, rights, and the answers of a system that refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulator.espocrm_client import Client, basic, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulator.espocrm import EspoCRM


@pytest.fixture
def crm() -> Iterator[EspoCRM]:
    with running(0.05) as crm:
        yield crm


def espo(name: str, word: str) -> dict[str, str]:
    return {"Espo-Authorization": base64.b64encode(f"{name}:{word}".encode()).decode()}


def signed(crm: EspoCRM, text: str, *, raw: bool = False) -> dict[str, str]:
    known = crm.credentials["hmac"]
    digest = hmac.new(known["secret_key"].encode(), text.encode(), hashlib.sha256)
    signature = digest.digest() if raw else digest.hexdigest().encode()
    pair = known["api_key"].encode() + b":" + signature
    return {"X-Hmac-Authorization": base64.b64encode(pair).decode()}


def visit(crm: EspoCRM, path: str = "Account?maxSize=1", **headers: str) -> Any:
    client = Client(crm)
    client.headers = {}
    return client.send("GET", path, **headers)


def token(crm: EspoCRM) -> str:
    known = crm.credentials["token"]
    return str(visit(crm, "App/user", **espo(known["username"], known["password"])).json["token"])


@pytest.mark.parametrize("raw", [False, True], ids=["hex", "raw"])
def test_hmac_signs_the_path_without_the_query(crm: EspoCRM, *, raw: bool) -> None:
    assert visit(crm, **signed(crm, "GET /Account", raw=raw)).status == 200
    assert visit(crm, **signed(crm, "GET /Account?maxSize=1", raw=raw)).status == 401


def test_old_systems_know_the_raw_signature_only(crm: EspoCRM) -> None:
    crm.switches.version = "8.3.0"
    assert visit(crm, **signed(crm, "GET /Account", raw=True)).status == 200
    assert visit(crm, **signed(crm, "GET /Account")).status == 401


def test_the_key_of_a_signing_user_is_no_api_key(crm: EspoCRM) -> None:
    assert visit(crm, X_Api_Key=crm.credentials["hmac"]["api_key"]).status == 401


def test_a_token_stands_for_the_password_until_it_is_idle(crm: EspoCRM) -> None:
    name, word = crm.credentials["token"]["username"], token(crm)
    by_token = {**espo(name, word), "Espo-Authorization-By-Token": "true"}
    crm.clock.advance(hours=47)
    assert visit(crm, **by_token).status == 200
    crm.clock.advance(hours=49)
    assert visit(crm, **by_token).status == 401


def test_tokens_can_be_made_to_die(crm: EspoCRM) -> None:
    name, word = crm.credentials["token"]["username"], token(crm)
    crm.switches.token_epoch += 1
    assert visit(crm, **espo(name, word)).status == 401


def test_only_an_espo_login_with_a_password_gets_a_token(crm: EspoCRM) -> None:
    assert token(crm)
    assert Client(crm).get("App/user").json["token"] is None
    assert visit(crm, "App/user", **basic(crm.credentials["basic"])).json["token"] is None


def test_too_many_wrong_guesses_shut_everybody_out_for_a_minute(crm: EspoCRM) -> None:
    by_token = {**espo("sales1", token(crm)), "Espo-Authorization-By-Token": "true"}
    for _ in range(11):
        assert visit(crm, X_Api_Key="wrong").status == 401
    answer = Client(crm).get("Account")
    assert (answer.status, answer.body, answer.reason) == (403, b"", None)
    assert answer.headers["content-type"].startswith("text/html")
    assert visit(crm, **by_token).status == 200
    crm.clock.advance(60)
    assert Client(crm).get("Account").status == 200


def test_secrets_stay_out_of_the_log(crm: EspoCRM) -> None:
    for kind in ("api_key", "basic"):
        Client(crm, kind).get("Account")
    visit(crm, **signed(crm, "GET /Account"))
    text = repr(crm.server.log)
    secrets = [value for known in crm.credentials.values() for name, value in known.items() if name != "url"]
    assert not [each for each in secrets if isinstance(each, str) and len(each) > 8 and each in text]


def test_maintenance_lets_administrators_in_only(crm: EspoCRM) -> None:
    crm.switches.maintenance = True
    assert Client(crm).get("Account").status == 503
    assert Client(crm, "admin").get("Account").status == 200


def test_limited_users_see_their_records(crm: EspoCRM) -> None:
    me = next(row for row in crm.store.rows("User") if row["userName"] == "limited")
    seen = set(Client(crm, "limited").get("Account").ids)
    mine = {
        row["id"]
        for row in crm.store.rows("Account")
        if row["assignedUserId"] == me["id"] or set(me["teamsIds"]) & set(row["teamsIds"])
    }
    assert seen == mine
    assert 0 < len(mine) < len(crm.store.ids("Account"))


def test_hidden_fields_cannot_be_seen_filtered_or_ordered(crm: EspoCRM) -> None:
    crm.switches.hidden_fields = {"Lead": {"modifiedAt", "emailAddress"}}
    client = Client(crm)
    row = client.get("Lead", maxSize=1, select="name,modifiedAt,emailAddress").rows[0]
    assert not {"modifiedAt", "emailAddress"} & row.keys()
    where = [{"type": "isNull", "attribute": "modifiedAt"}]
    assert client.get("Lead", where=where).reason == " ".join(
        ["Forbidden attribute 'modifiedAt' in where."] * 2
    )
    assert client.get("Lead", orderBy="modifiedAt").status == 400
    table = client.get("App/user").json["acl"]["fieldTable"]["Lead"]
    assert table["modifiedAt"] == {"read": "no", "edit": "no"}


def test_denied_entities_leave_the_rights_and_the_metadata(crm: EspoCRM) -> None:
    crm.switches.denied = {"Lead"}
    client = Client(crm)
    assert client.get("Lead").reason == "No read access."
    assert "Lead" not in client.get("App/user").json["acl"]["table"]
    assert Client(crm, "admin").get("Lead").status == 200


@pytest.mark.parametrize(
    ("switch", "status"), [("broken", 500), ("without_controller", 404)], ids=["broken", "no-controller"]
)
def test_entities_that_do_not_answer(crm: EspoCRM, switch: str, status: int) -> None:
    getattr(crm.switches, switch).add("Lead")
    assert Client(crm).get("Lead").status == status
    assert Client(crm).get("Account").status == 200


def test_an_entity_may_have_no_modified_at(crm: EspoCRM) -> None:
    crm.switches.without_modified_at = {"CGuest"}
    client = Client(crm)
    assert "modifiedAt" not in client.get("CGuest").rows[0]
    assert "modifiedAt" not in client.get("Metadata", key="entityDefs.CGuest.fields").json
    assert client.get("CGuest", orderBy="modifiedAt").status == 400


def test_users_that_are_programs_or_gone_are_not_listed(crm: EspoCRM) -> None:
    assert {row["type"] for row in Client(crm).get("User").rows} == {"admin", "regular"}
    everybody = {row["type"] for row in Client(crm, "admin").get("User").rows}
    assert everybody == {"admin", "regular", "api"}


@pytest.mark.parametrize("path", ["Account/", "Nope", "Account/nope", "AccountContact", "OpenApi"])
def test_what_is_not_there_is_404(crm: EspoCRM, path: str) -> None:
    answer = Client(crm).get(path)
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize(
    ("entity", "status"),
    [
        ("Attachment", 403),
        ("EmailQueueItem", 403),
        ("EmailAccount", 200),
        ("Currency", 404),
        ("ImportEml", 404),
        ("Preferences", 404),
        ("ExternalAccount", 200),
    ],
)
def test_rights_do_not_tell_everything(crm: EspoCRM, entity: str, status: int) -> None:
    client = Client(crm)
    assert client.get("App/user").json["acl"]["table"][entity]
    assert client.get(entity, maxSize=1).status == status


def test_email_accounts_need_their_scope(crm: EspoCRM) -> None:
    assert Client(crm, "norole").get("EmailAccount").status == 403
