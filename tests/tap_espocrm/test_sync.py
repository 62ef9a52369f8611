"""Full and incremental runs against the simulator, compared with what it holds."""

from __future__ import annotations

import jsonschema
import pytest
from crm_simulator import Clock, Simulator
from tap_espocrm.values import to_iso

from tests.tap_espocrm.harness import Warehouse, run_tap


@pytest.fixture(scope="module")
def whole():
    """One run over everything, for the tests that only look at it."""
    with Simulator(seed=7, scale=0.02, clock=Clock.frozen("2026-11-20T12:00:00+00:00")) as sim:
        yield sim.espocrm, run_tap({**sim.espocrm.credentials["api_key"], "max_retries": 2})


SOME = {"entities": ["Account", "Contact", "Lead", "CEverything"]}


def expected(stream, row: dict) -> dict:
    """The record that the schema promises for a stored row."""
    properties = stream.schema["properties"]
    return {
        name: to_iso(value) if properties[name].get("format") == "date-time" else value
        for name, value in row.items()
        if name in properties
    }


def test_a_full_sync_equals_the_source_attribute_by_attribute(whole) -> None:
    crm, outcome = whole
    assert outcome.error is None
    compared = 0
    for stream in outcome.tap.streams.values():
        if not hasattr(stream, "entity") or stream.name == "note":
            continue
        got = {r["id"]: r for r in outcome.records(stream.name)}
        stored = {row["id"]: row for row in crm.store.rows(stream.entity_name)}
        # Lists of User leave out API users and inactive ones.
        assert set(got) == set(stored) or stream.name == "user"
        for record_id, record in got.items():
            wanted = expected(stream, stored[record_id])
            assert {k: record.get(k) for k in wanted} == wanted, (stream.name, record_id)
            compared += len(wanted)
    assert compared > 5_000


def test_every_record_conforms_to_its_schema(whole) -> None:
    _, outcome = whole
    validators = {name: jsonschema.Draft202012Validator(schema) for name, schema in outcome.schemas.items()}
    problems = [
        (message["stream"], error.message)
        for message in outcome.of("RECORD")
        for error in validators[message["stream"]].iter_errors(message["record"])
    ]
    assert problems == []


def test_the_second_run_reads_only_what_changed(sim, crm, config) -> None:
    warehouse = Warehouse()
    warehouse.load({**config, **SOME})
    sim.clock.advance(seconds=3600)
    changed = sorted(crm.store.ids("Lead"))[3]
    crm.store.update("Lead", changed, {"description": "called back"})
    second = warehouse.load({**config, **SOME})
    assert [r["id"] for r in second.records("lead")][-1] == changed
    last = max(r["modifiedAt"] for r in crm.store.rows("Lead") if r["id"] != changed)
    again = [r["id"] for r in crm.store.rows("Lead") if r["modifiedAt"] == last]
    assert sorted(second.ids("lead")) == sorted({changed, *again})  # the rows at the bookmark come again
    assert warehouse.rows("lead")[changed]["description"] == "called back"


def test_deleted_and_restored_records_are_found_by_their_ids(sim, crm, config) -> None:
    warehouse = Warehouse()
    warehouse.load({**config, **SOME})
    gone = sorted(crm.store.ids("Contact"))[:3]
    for record_id in gone:
        crm.store.delete("Contact", record_id)
    sim.clock.advance(seconds=60)
    warehouse.load({**config, **SOME})
    assert set(warehouse.rows("contact")) == crm.store.ids("Contact")
    crm.store.undelete("Contact", gone[0])
    sim.clock.advance(seconds=60)
    warehouse.load({**config, **SOME})
    assert gone[0] in warehouse.rows("contact")


def test_link_changes_are_found_although_no_record_changes(sim, crm, config) -> None:
    warehouse = Warehouse()
    warehouse.load({**config, **SOME})
    contact = next(i for i in sorted(crm.store.ids("Contact")) if crm.store.related("Contact", i, "accounts"))
    old = next(iter(crm.store.related("Contact", contact, "accounts")))
    new = next(i for i in sorted(crm.store.ids("Account")) if i != old)
    sim.clock.advance(seconds=60)
    crm.store.unrelate("Contact", contact, "accounts", old)
    crm.store.relate("Contact", contact, "accounts", new, {"role": "Buyer"})
    warehouse.load({**config, **SOME})
    pairs = warehouse.pairs("contact__accounts")
    assert (contact, old) not in pairs
    assert pairs[contact, new]["role"] == "Buyer"


@pytest.mark.parametrize(
    ("stream", "entity", "link"),
    [
        ("contact__accounts", "Contact", "accounts"),
        ("opportunity__contacts", "Opportunity", "contacts"),
        ("meeting__users", "Meeting", "users"),
        ("account__teams", "Account", "teams"),
        ("c_everything__contacts", "CEverything", "contacts"),
        ("target_list__contacts", "TargetList", "contacts"),
    ],
)
def test_a_link_stream_holds_each_pair_once_with_its_columns(whole, stream, entity, link) -> None:
    crm, outcome = whole
    near, far = outcome.of("SCHEMA", stream)[0]["key_properties"]
    got = {
        (r[near], r[far]): {k: v for k, v in r.items() if k not in {near, far}}
        for r in outcome.records(stream)
    }
    stored = {
        (record_id, other): columns
        for record_id in crm.store.ids(entity)
        for other, columns in crm.store.related(entity, record_id, link).items()
    }
    assert len(outcome.records(stream)) == len(got)
    assert set(got) == set(stored)
    assert all(
        got[pair].items() >= {k: v for k, v in stored[pair].items() if k in got[pair]}.items() for pair in got
    )


def test_live_ids_are_activated_behind_their_last_record(config) -> None:
    outcome = run_tap({**config, "entities": ["Account"], "link_streams": False, "notes": False})
    kinds = [m["type"] for m in outcome.messages if m.get("stream") == "account__live"]
    assert kinds[0] == "SCHEMA"
    assert kinds[-1] == "ACTIVATE_VERSION"
    assert set(kinds[1:-1]) == {"RECORD"}
    versions = {
        m["version"] for m in outcome.messages if m.get("stream") == "account__live" and "version" in m
    }
    assert len(versions) == 1


def test_records_come_before_the_ids_that_say_who_is_alive(whole) -> None:
    _, outcome = whole
    order = [(m["type"], m.get("stream")) for m in outcome.messages]
    for name in outcome.schemas:
        if f"{name}__live" in outcome.schemas and ("RECORD", name) in order:
            last_record = len(order) - 1 - order[::-1].index(("RECORD", name))
            assert last_record < order.index(("ACTIVATE_VERSION", f"{name}__live"))


def test_a_run_that_reads_everything_needs_no_second_pass(sim, crm, config) -> None:
    warehouse = Warehouse()
    only_leads = {**config, "entities": ["Lead"], "notes": False, "page_size": 5}
    counts = []
    for _ in range(2):
        crm.server.log.clear()
        warehouse.load(only_leads)
        counts.append(len([r for r in crm.server.log if r.path.endswith("/Lead")]))
        sim.clock.advance(seconds=60)
    pages = -(-len(crm.store.ids("Lead")) // 5)
    assert counts[0] == 2 + 1 + pages  # two probes, rows without a stamp, one pass
    assert counts[1] > pages  # what changed, and the pass over the ids
    assert set(warehouse.rows("lead")) == crm.store.ids("Lead")


def test_rows_without_modified_at_are_not_lost(sim, crm, config) -> None:
    imported = sorted(crm.store.ids("Lead"))[:5]
    for record_id in imported:
        crm.store.update("Lead", record_id, {"modifiedAt": None})
    only_leads = {**config, "entities": ["Lead"], "notes": False}
    warehouse = Warehouse()
    warehouse.load(only_leads)
    assert set(warehouse.rows("lead")) == crm.store.ids("Lead")
    late = max(crm.store.ids("Lead"))
    sim.clock.advance(seconds=60)
    crm.store.update("Lead", late, {"modifiedAt": None, "description": "by SQL"})
    warehouse.load(only_leads)
    assert warehouse.rows("lead")[late]["description"] == "by SQL"


def test_a_row_stamped_in_the_future_does_not_hide_later_changes(sim, crm, config) -> None:
    only_leads = {**config, "entities": ["Lead"], "notes": False}
    first, second = sorted(crm.store.ids("Lead"))[:2]
    crm.store.update("Lead", first, {"modifiedAt": "2099-01-01 00:00:00"})
    warehouse = Warehouse()
    warehouse.load(only_leads)
    sim.clock.advance(seconds=60)
    crm.store.update("Lead", second, {"description": "later"})
    warehouse.load(only_leads)
    assert warehouse.rows("lead")[second]["description"] == "later"


def test_a_save_that_committed_late_is_caught_by_the_lookback(sim, crm, config) -> None:
    only_leads = {**config, "entities": ["Lead"], "notes": False, "lookback_seconds": 60}
    one, other = sorted(crm.store.ids("Lead"))[:2]
    crm.store.update("Lead", one, {"description": "in time"})
    warehouse = Warehouse()
    warehouse.load(only_leads)
    crm.store.update("Lead", other, {"description": "late", "modifiedAt": "2026-11-20 11:59:10"})
    warehouse.load(only_leads)
    assert warehouse.rows("lead")[other]["description"] == "late"


def test_a_start_date_limits_the_first_run(crm, config) -> None:
    start = "2026-06-01T00:00:00Z"
    outcome = run_tap({**config, "entities": ["Lead"], "start_date": start, "notes": False})
    wanted = {r["id"] for r in crm.store.rows("Lead") if r["modifiedAt"] >= "2026-06-01 00:00:00"}
    assert set(outcome.ids("lead")) == wanted


def test_without_a_usable_modified_at_the_entity_is_read_whole(crm) -> None:
    outcome = run_tap({**crm.credentials["limited"], "entities": ["Task"], "notes": False})
    assert outcome.error is None
    assert outcome.tap.streams["task"].replication_method == "FULL_TABLE"
    assert len(outcome.records("task")) == len(crm.store.ids("Task"))


def test_select_holds_exactly_the_selected_properties(crm, config) -> None:
    tap = run_tap({**config, "entities": ["Account"], "notes": False, "link_streams": False}).tap
    catalog = tap.catalog_dict
    entry = next(s for s in catalog["streams"] if s["tap_stream_id"] == "account")
    for item in entry["metadata"]:
        name = item["breadcrumb"][-1] if item["breadcrumb"] else None
        item["metadata"]["selected"] = name in {None, "id", "name", "website", "modifiedAt"}
    crm.server.log.clear()
    outcome = run_tap(
        {**config, "entities": ["Account"], "notes": False, "link_streams": False}, catalog=catalog
    )
    asked = [
        set(r.params["select"].split(","))
        for r in crm.server.log
        if r.path.endswith("/Account") and "," in r.params.get("select", "")
    ]
    assert {"id", "name", "website", "modifiedAt"} in asked
    assert set(outcome.records("account")[0]) == {"id", "name", "website", "modifiedAt"}


def test_texts_at_the_cut_length_are_read_again_whole(crm, config) -> None:
    long = {i: "x" * 12_000 + i for i in sorted(crm.store.ids("CEverything"))[:2]}
    for record_id, text in long.items():
        crm.store.update("CEverything", record_id, {"fText": text})
    outcome = run_tap({**config, "entities": ["CEverything"], "notes": False})
    texts = {r["id"]: r["fText"] for r in outcome.records("c_everything")}
    assert {i: texts[i] for i in long} == long
    assert not [r for r in crm.server.log if "/CEverything/" in r.path]  # no single reads, no audit rows


@pytest.mark.parametrize("cut", [300, 5000, 10_000])
def test_texts_are_whole_wherever_the_server_cuts_them(crm, config, cut) -> None:
    crm.switches.text_cut = cut
    ids = sorted(crm.store.ids("Lead"))
    texts = {i: "ü" * length for i, length in zip(ids, range(cut - 5, cut + 100, 7), strict=False)}
    for record_id, text in texts.items():
        crm.store.update("Lead", record_id, {"description": text})
    outcome = run_tap({**config, "entities": ["Lead"], "notes": False, "page_size": 4})
    got = {r["id"]: r["description"] for r in outcome.records("lead")}
    assert {i: len(got[i]) for i in texts} == {i: len(t) for i, t in texts.items()}


@pytest.mark.parametrize(
    ("version", "database"), [("6.1.5", "mariadb"), ("8.4.2", "postgresql"), ("10.0.0", "mariadb")]
)
def test_every_release_is_read_whole(crm, config, version, database) -> None:
    crm.switches.version, crm.switches.database = version, database
    outcome = run_tap({**config, "page_size": 7})
    assert outcome.error is None
    for stream in outcome.tap.streams.values():
        if hasattr(stream, "entity") and stream.name not in {"note", "user"}:
            assert set(outcome.ids(stream.name)) == crm.store.ids(stream.entity_name)


def test_ids_of_any_kind_are_paged(crm, config) -> None:
    crm.switches.id_type = "uuid4"
    outcome = run_tap({**config, "entities": ["Lead", "Contact"], "notes": False, "page_size": 4})
    assert set(outcome.ids("lead")) == set(outcome.ids("lead__live")) == crm.store.ids("Lead")


def test_a_select_too_long_for_a_url_is_read_in_parts(crm, config, monkeypatch) -> None:
    monkeypatch.setattr("tap_espocrm.lists.LONGEST_QUERY", 900)
    outcome = run_tap({**config, "entities": ["CEverything"], "notes": False, "page_size": 2})
    stored = {row["id"]: row for row in crm.store.rows("CEverything")}
    stream = outcome.tap.streams["c_everything"]
    for record in outcome.records("c_everything"):
        wanted = expected(stream, stored[record["id"]])
        assert {k: record.get(k) for k in wanted} == wanted
    assert max(len(r.query) for r in crm.server.log if r.path.endswith("/CEverything")) < 1000


def test_full_records_hold_what_only_a_single_read_gives(crm, config) -> None:
    outcome = run_tap({**config, "entities": ["Contact"], "notes": False, "full_records": True})
    record = outcome.records("contact")[0]
    assert record["emailAddressData"][0]["emailAddress"] == record["emailAddress"]
    plain = run_tap({**config, "entities": ["Contact"], "notes": False})
    assert "emailAddressData" not in plain.schemas["contact"]["properties"]


def test_only_get_requests_are_sent(crm, config) -> None:
    run_tap({**config, "full_records": True})
    run_tap(crm.credentials["token"])
    assert {r.method for r in crm.server.log} == {"GET"}


@pytest.mark.parametrize("kind", ["api_key", "hmac", "token", "basic", "admin"])
def test_every_way_to_log_in_reads_the_same(crm, kind) -> None:
    outcome = run_tap({**crm.credentials[kind], "entities": ["Account"], "notes": False})
    assert outcome.error is None
    assert set(outcome.ids("account")) == crm.store.ids("Account")


def test_stream_maps_and_flattening_take_the_sdk_way(config) -> None:
    maps = {"account": {"title": "name", "__else__": None, "id": "id"}}
    outcome = run_tap({**config, "entities": ["Account"], "notes": False, "stream_maps": maps})
    assert set(outcome.records("account")[0]) == {"id", "title"}


def test_concurrency_changes_nothing_but_the_order(config) -> None:
    alone = run_tap({**config, "concurrency": 1})
    together = run_tap({**config, "concurrency": 8})
    for name in alone.schemas:
        assert sorted(map(str, alone.records(name))) == sorted(map(str, together.records(name)))
