"""What discovery asks, how fast it is, and what it makes of a server's answers."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from crm_simulator import Fault
from singer_sdk.exceptions import ConfigurationError
from tap_espocrm.metadata import build_entity, candidates
from tap_espocrm.tap import TapEspoCRM

from tests.tap_espocrm.harness import run_tap

SNAPSHOT = Path(__file__).parent / "catalog.json"


def test_the_catalogue_is_the_one_on_file(config) -> None:
    """What a user would notice: streams, keys, bookmarks, types. Refresh: delete catalog.json."""
    wanted = ["Account", "CEverything", "Contact", "Meeting", "Note", "Opportunity", "TargetList", "User"]
    found = TapEspoCRM(config={**config, "entities": wanted}).catalog_dict
    told = {
        stream["tap_stream_id"]: {
            "keys": list(stream["key_properties"]),
            "bookmark": stream.get("replication_key"),
            "method": stream["replication_method"],
            "properties": {
                name: "|".join(facts["type"]) + (f" {facts['format']}" if "format" in facts else "")
                for name, facts in stream["schema"]["properties"].items()
            },
        }
        for stream in found["streams"]
    }
    text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(text)
    assert text == SNAPSHOT.read_text()


def test_sixty_entities_are_discovered_within_five_seconds(crm) -> None:
    crm.server.latency = 0.05
    started = time.monotonic()
    tap = TapEspoCRM(config=crm.credentials["admin"])
    entities = [s for s in tap.streams if "__" not in s]
    assert len(entities) >= 50
    assert time.monotonic() - started < 5


def test_a_narrow_role_is_told_what_it_misses(crm, caplog) -> None:
    tap = TapEspoCRM(config=crm.credentials["limited"])
    assert "Entity Account: the role hides cAnnualRevenue, website" in caplog.text
    assert "Entity Task: the role hides modifiedAt" in caplog.text
    assert "lead" not in tap.streams
    assert "website" not in tap.streams["account"].schema["properties"]


@pytest.mark.parametrize(
    "wanted", [["Account", "CEverything"], ["account", "c_everything"]], ids=["types", "streams"]
)
def test_entities_are_chosen_by_either_name(crm, config, wanted) -> None:
    tap = TapEspoCRM(config={**config, "entities": wanted, "notes": False, "link_streams": False})
    assert set(tap.streams) == {"account", "account__live", "c_everything", "c_everything__live"}
    assert "/api/v1/Lead" not in {r.path for r in crm.server.log}


def test_entities_are_left_out_by_either_name(config) -> None:
    tap = TapEspoCRM(config={**config, "exclude_entities": ["Email", "c_everything"]})
    assert not {"email", "c_everything", "c_everything__live", "c_everything__teams"} & set(tap.streams)


def test_streams_are_switched_off_by_kind(config) -> None:
    tap = TapEspoCRM(config={**config, "link_streams": False, "detect_deletes": False, "notes": False})
    assert not [name for name in tap.streams if "__" in name or name == "note"]


def test_a_server_before_5_5_is_refused_unless_told_otherwise(crm, config, caplog) -> None:
    crm.switches.version = "5.4.2"  # API keys came with 5.5 too
    with pytest.raises(ConfigurationError, match=r"EspoCRM 5\.4\.2.*legacy_dialect"):
        TapEspoCRM(config=crm.credentials["basic"])
    outcome = run_tap(
        {
            **crm.credentials["basic"],
            "legacy_dialect": True,
            "entities": ["Lead"],
            "notes": False,
            "page_size": 5,
        }
    )
    assert outcome.error is None
    assert set(outcome.ids("lead")) == crm.store.ids("Lead")
    listed = [r for r in crm.server.log if r.path.endswith("/Lead")]
    assert {r.params.get("asc") for r in listed} == {"true"}
    assert not [r for r in listed if "orderBy" in r.params]


def test_labels_reach_the_schema(config) -> None:
    properties = (
        TapEspoCRM(config={**config, "entities": ["Account"]}).streams["account"].schema["properties"]
    )
    assert properties["website"]["title"] == "Website"
    assert properties["billingAddressCity"]["title"] == "Billing Address City"
    assert properties["industry"]["description"].endswith("Transportation.")


def test_a_field_type_nobody_knows_is_loaded_as_it_comes(crm, config, monkeypatch, caplog) -> None:
    monkeypatch.delitem(__import__("tap_espocrm.field_types", fromlist=["x"]).FIELD_TYPES, "barcode")
    outcome = run_tap({**config, "entities": ["CEverything"], "notes": False, "link_streams": False})
    assert "field fBarcode has the unknown type 'barcode'" in caplog.text
    stored = {row["id"]: row["fBarcode"] for row in crm.store.rows("CEverything")}
    assert {r["id"]: r["fBarcode"] for r in outcome.records("c_everything")} == stored


def test_a_password_field_is_pointed_out(config, caplog) -> None:
    TapEspoCRM(config={**config, "entities": ["CEverything"]})
    assert "CEverything: fPassword holds passwords in clear text" in caplog.text


def test_credentials_of_the_server_itself_are_never_asked_for(crm) -> None:
    tap = TapEspoCRM(config=crm.credentials["admin"])
    assert not {"apiKey", "secretKey", "password"} & set(tap.streams["user"].schema["properties"])


@pytest.mark.parametrize("setting", ["entities", "exclude_entities"])
def test_a_name_that_is_no_entity_type_is_an_error(config, setting) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"{setting}: 'Emial' is no entity type.*Did you mean Email"
    ):
        TapEspoCRM(config={**config, setting: ["Emial"]})


def test_an_entity_that_fails_when_ordered_by_its_stamp_is_read_by_id(crm, config) -> None:
    crm.server.faults.add(
        Fault(kind="status", status=500, match="/Lead?maxSize=1&orderBy=modifiedAt", times=None)
    )
    outcome = run_tap({**config, "entities": ["Lead"], "notes": False, "max_retries": 1})
    assert outcome.error is None
    assert outcome.tap.streams["lead"].replication_method == "FULL_TABLE"
    assert set(outcome.ids("lead")) == crm.store.ids("Lead")


def test_empty_objects_may_come_as_arrays() -> None:
    metadata = {
        "entityDefs": {"X": {"fields": {"odd": [], "name": {"type": "varchar"}}, "links": []}},
        "scopes": {"X": {"entity": True}, "Y": []},
    }
    acl = {"table": {"X": {"read": "all"}}, "fieldTable": {"X": []}}
    assert candidates(metadata, acl, is_admin=False) == ["X"]
    assert {"id", "name"} <= {a.name for a in build_entity("X", metadata, acl, {"X": []}).attributes}


def test_a_bookmark_that_is_no_date_is_told(config) -> None:
    state = {"bookmarks": {"lead": {"replication_key": "modifiedAt", "replication_key_value": "soon"}}}
    outcome = run_tap({**config, "entities": ["Lead"], "notes": False}, state=state)
    assert "streams failed: lead" in str(outcome.error)


def test_a_link_that_would_cost_too_many_requests_is_left_out(config, monkeypatch, caplog) -> None:
    monkeypatch.setattr("tap_espocrm.discovery.MOST_RELATED_LISTS", 0)
    tap = TapEspoCRM(config={**config, "entities": ["Account", "Document", "TargetList", "Contact"]})
    assert "contact__documents" not in tap.streams
    assert "Link contact__documents left out" in caplog.text
    assert "contact__accounts" in tap.streams


def without_teams(body: bytes) -> bytes:
    found = json.loads(body)
    for row in found["list"]:
        row.pop("teamsIds", None)
    return json.dumps(found).encode()


def test_a_link_whose_ids_do_not_come_is_left_out_instead_of_emptied(replay, caplog, monkeypatch) -> None:
    answer = replay.answer

    def forgetful(path, parameters, key):
        status, headers, found = answer(path, parameters, key)
        return status, headers, json.loads(without_teams(json.dumps(found))) if path == "Account" else found

    monkeypatch.setattr(replay, "answer", forgetful)
    tap = TapEspoCRM(config={"url": replay.url, "api_key": "replay-key", "entities": ["Account", "Contact"]})
    assert "account__teams" not in tap.streams
    assert "contact__teams" in tap.streams
    assert "Link account__teams left out" in caplog.text


def test_ids_that_stop_coming_fail_the_link_and_delete_nothing(replay, monkeypatch) -> None:
    answer = replay.answer
    config = {"url": replay.url, "api_key": "replay-key", "entities": ["Account"], "max_retries": 0}
    probes = 6

    def forgetful(path, parameters, key):
        status, headers, found = answer(path, parameters, key)
        is_late = len(replay.requests) > probes
        return (
            status,
            headers,
            json.loads(without_teams(json.dumps(found))) if path == "Account" and is_late else found,
        )

    monkeypatch.setattr(replay, "answer", forgetful)
    outcome = run_tap(config)
    assert "account__teams" in str(outcome.error)
    assert not outcome.of("ACTIVATE_VERSION", "account__teams")
