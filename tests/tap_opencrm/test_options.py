"""Options users expect."""

from __future__ import annotations

import pytest
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR
from tap_opencrm.entities import NAMES


def test_owners_as_user_names(crm, sync):
    victim = min(crm.store.ids("contact"))
    owner = crm.store.get("contact", victim)["smownerid"]
    name = crm.store.get("user", owner)["user_name"]
    assert sync().record("contacts", victim)["smownerid"] == owner
    assert sync(change_assignedidtouser=["Assigned_to"]).record("contacts", victim)["smownerid"] == name


def test_html_entities_stay_unless_decoding_is_asked_for(crm, sync):
    victim = min(crm.store.ids("contact"))
    crm.store.update("contact", victim, {"lastname": "Fish &amp; Sons", "cf_701": "&pound;5"})
    assert sync().record("contacts", victim)["lastname"] == "Fish &amp; Sons"
    decoded = sync(decode_html_entities=True).record("contacts", victim)
    assert (decoded["lastname"], decoded["cf_701"]) == ("Fish & Sons", "£5")


def test_only_the_chosen_entities_are_asked_for(crm, sync):
    sync(entities=["leads"])
    assert {request.path.split("/")[3] for request in crm.server.log} == {
        "get_lead_list_full",
        "get_lead_list_count",
    }


def test_settings_left_empty_mean_their_defaults(sync, source):
    output = sync(entities=None, page_size=None, timezone=None, start_date=None, include_line_items=None)
    assert set(output.ids("contacts")) == source("contacts")
    assert {name for name in output.streams("SCHEMA") if name in NAMES} == set(NAMES)


@pytest.mark.parametrize("size", [3, 9, 200])
def test_the_page_size_is_kept(crm, sync, size):
    sync(page_size=size, custom_field_sample_size=0)
    asked = [request.params for request in crm.server.log if "list_full" in request.path]
    assert {int(p["limit_end"]) - int(p["limit_start"]) for p in asked} == {size}


def test_stream_maps_work(sync):
    output = sync(stream_maps={"contacts": {"email": "md5(email)", "__alias__": "people"}})
    assert len(output.records("people")[0]["email"]) == 32


def test_flattening_works(crm, sync):
    crm.store.update("contact", min(crm.store.ids("contact")), {"unheard_of": "x"})
    output = sync(flattening_enabled=True, flattening_max_depth=1)
    assert all("_extra" in str(output.schema("contacts")) for _ in output.records("contacts"))


@pytest.mark.parametrize("stream", NAMES)
def test_every_record_conforms_to_its_schema(sync, stream):
    output = sync(entities=[stream])
    validator = DEFAULT_JSONSCHEMA_VALIDATOR(
        output.schema(stream), format_checker=DEFAULT_JSONSCHEMA_VALIDATOR.FORMAT_CHECKER
    )
    for record in output.records(stream):
        assert list(validator.iter_errors(record)) == []


def test_stored_values_arrive_unchanged(crm, sync):
    odd = "£€☃𝄞\u0000\u200b \\ \"quotes\" 'single' \r\n\t, ;{}"
    victim = min(crm.store.ids("contact"))
    crm.store.update("contact", victim, {"description": odd})
    assert sync().record("contacts", victim)["description"] == odd
