"""The catalogue: what a user sees before anything is read."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from crm_simulator import Fault
from tap_opencrm.entities import ENTITIES, LIVE_SUFFIX, NAMES
from tap_opencrm.records import is_secret
from tap_opencrm.tap import TapOpenCRM

SCHEMAS = Path(__file__).resolve().parents[2] / "tap-opencrm/tap_opencrm/schemas"
SNAPSHOT = Path(__file__).with_name("catalogue.txt")
LINES = [entity.line_stream for entity in ENTITIES if entity.line_stream]


@pytest.fixture
def catalog(config):
    def discover(**settings):
        return TapOpenCRM(config=config | {"entities": list(NAMES)} | settings).catalog_dict["streams"]

    return discover


def described(streams):
    """Write a catalogue down, one line per field, for people to compare."""
    for stream in streams:
        yield f"{stream['stream']}: key {','.join(stream['key_properties'])}, {stream['replication_method']}"
        for name, schema in stream["schema"]["properties"].items():
            types = "|".join(schema["type"])
            yield f"  {name}: {types}" + (f" ({schema['format']})" if "format" in schema else "")


def test_the_catalogue_is_the_one_in_the_snapshot(catalog, request):
    """Delete the file and run this test to make it anew; read the difference before committing it."""
    text = "\n".join(described(catalog())) + "\n"
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert text == SNAPSHOT.read_text(encoding="utf-8")


def test_every_entity_has_its_stream_its_live_stream_and_its_lines(catalog):
    names = {stream["stream"] for stream in catalog()}
    assert names == {*NAMES, *(name + LIVE_SUFFIX for name in NAMES), *LINES}


@pytest.mark.parametrize("name", [*NAMES, "lines", "live"])
def test_every_field_has_a_type_and_a_description_and_may_be_null(name):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    for field, declared in schema["properties"].items():
        assert declared["description"].endswith((".", ".")), field
        assert field in {"id", "parent_id", "line_number"} or "null" in declared["type"], field
        assert not is_secret(field)
        assert declared.get("x-reference", "") in {"", *NAMES}


def test_there_is_a_schema_file_for_each_stream_and_no_other():
    assert {path.stem for path in SCHEMAS.glob("*.json")} == {*NAMES, "lines", "live"}


def test_custom_fields_are_found_in_sample_records(catalog):
    contacts = next(s for s in catalog(entities=["contacts"]) if s["stream"] == "contacts")
    assert contacts["schema"]["properties"]["cf_701"]["type"] == ["string", "null"]


def test_no_sample_no_request(catalog, crm):
    streams = catalog(custom_field_sample_size=0)
    assert crm.server.log == []
    assert not [f for stream in streams for f in stream["schema"]["properties"] if f.startswith("cf_7")]


def test_the_sample_has_the_size_that_was_set(catalog, crm):
    catalog(custom_field_sample_size=7, entities=["leads"])
    assert [request.params["limit_end"] for request in crm.server.log] == ["7"]


def test_discovery_takes_less_than_five_seconds_at_50_ms_a_request(catalog, crm):
    crm.server.latency = 0.05
    started = time.monotonic()
    catalog()
    assert len(crm.server.log) == len(ENTITIES)
    assert time.monotonic() - started < 5


def test_a_given_catalogue_saves_the_sample(sync, crm):
    catalog = sync().tap.catalog_dict
    crm.server.clear_log()
    sync(catalog=catalog)
    assert {r.params.get("limit_end") for r in crm.server.log} <= {None, "5", "9", "13"}


def test_fields_that_turn_up_later_are_not_lost(sync, crm, caplog):
    catalog = sync().tap.catalog_dict
    victim = min(crm.store.ids("contact"))
    crm.store.update("contact", victim, {"cf_new": "late", "unheard_of": "too"})
    record = sync(catalog=catalog).record("contacts", victim)
    assert record["_extra"] == {"cf_new": "late", "unheard_of": "too"}
    assert "unknown at discovery and are kept in _extra; discover again: cf_new, unheard_of" in caplog.text
    assert sync().record("contacts", victim)["cf_new"] == "late"


def test_a_field_that_turned_up_gets_a_column_and_all_that_lack_it_come_again(sync, crm, clock, caplog):
    """Those that came before have it in _extra, where no query looks."""
    first = sync()
    early, late = sorted(crm.store.ids("contact"))[:2]
    crm.store.update("contact", early, {"cf_new": "early"})
    second = sync(first.state, catalog=first.tap.catalog_dict)
    assert second.record("contacts", early)["_extra"] == {"cf_new": "early"}
    clock.advance(days=2)
    crm.store.update("contact", late, {"cf_new": "late"})
    third = sync(second.state, custom_field_sample_size=0)
    assert third.record("contacts", early)["cf_new"] == "early"
    assert "everything is read once more" in caplog.text
    fourth = sync(third.state, lookback_minutes=0, custom_field_sample_size=0)
    assert fourth.ids("contacts") == [late]


def test_a_sample_that_cannot_be_had_costs_no_column(sync, crm):
    first = sync()
    crm.server.faults.add(Fault(kind="status", status=200, body='{"error":"No"}', match="list_full", times=1))
    second = sync(first.state)
    assert second.schema("contacts") == first.schema("contacts")
    assert sum("cf_" in name for name in second.schema("contacts")["properties"]) > 0


def test_a_field_that_is_not_selected_does_not_come(sync):
    catalog = sync().tap.catalog_dict
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if item["breadcrumb"] and item["breadcrumb"][-1] in {"email", "cf_701"}:
                item["metadata"]["selected"] = False
    output = sync(catalog=catalog)
    assert not {"email", "cf_701"} & set(output.schema("contacts")["properties"])
    assert not [r for r in output.records("contacts") if {"email", "cf_701"} & set(r)]


def test_a_field_taken_out_of_the_catalogue_does_not_come_by_the_back_door(sync):
    catalog = sync().tap.catalog_dict
    for entry in catalog["streams"]:
        entry["schema"]["properties"].pop("email", None)
    assert not [
        r
        for r in sync(catalog=catalog).records("contacts")
        if "email" in json.dumps(list(r.get("_extra", r))) and "email" in r.get("_extra", {})
    ]


def test_a_module_that_cannot_be_sampled_keeps_its_declared_fields(catalog, crm, caplog):
    crm.server.faults.add(Fault(kind="status", status=404, match="get_asset", times=None))
    assert "assets" in {stream["stream"] for stream in catalog(entities=["assets", "contacts"])}
    assert "get_asset_list_full: HTTP 404" in caplog.text


def test_passwords_are_neither_discovered_nor_read(sync, crm):
    victim = min(crm.store.ids("contact"))
    crm.store.update("contact", victim, {"password": "hunter2-hunter2", "cf_password": "hunter3-hunter3"})
    output = sync(entities=["contacts", "users"])
    assert "hunter" not in json.dumps(output.messages)
    assert "NotARealHash" not in json.dumps(output.messages)
    assert "cf_password" not in output.schema("contacts")["properties"]
