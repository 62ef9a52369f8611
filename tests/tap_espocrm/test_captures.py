"""The captured responses of real servers (9.2.7, 8.4.2, PostgreSQL), each parsed as what it is."""

from __future__ import annotations

import json
from functools import cache

import jsonschema
import pytest
from tap_espocrm.answers import Answer, Next, judge, parse
from tap_espocrm.links import find_links
from tap_espocrm.lists import page_of
from tap_espocrm.metadata import build_entity, candidates, may_read
from tap_espocrm.values import Conversion

from tests import captures
from tests.tap_espocrm.harness import run_tap
from tests.tap_espocrm.replay import body, capture, captured_rows, document

pytestmark = captures.needed


def names(pattern: str) -> list[str]:
    return sorted(path.name.removesuffix(".json") for path in captures.FOLDER.glob(f"{pattern}.json"))


def answer_of(name: str) -> Answer:
    response = capture(name)["response"]
    raw = b"" if response["body_is_empty"] else json.dumps(response["body"]).encode()
    headers = {k.title() if k != "X-Status-Reason" else k: v for k, v in response["headers"].items()}
    return Answer(response["status"], headers, raw)


RESPONSES = [n for n in names("*") if n != "attributes-list-vs-read"]
GOOD = [n for n in RESPONSES if capture(n)["response"]["status"] == 200]

#: What to do next, by the beginning of a capture's name; everything else is used.
NEXT = {
    "auth-bad-": Next.LOG_IN_AGAIN,
    "auth-inactive-user": Next.LOG_IN_AGAIN,
    "auth-ip-blocked-403": Next.WAIT_FOR_THROTTLE,
    "auth-malformed": Next.GIVE_UP,
    "auth-none": Next.LOG_IN_AGAIN,
    "deleted-read-deleted-apikey": Next.GIVE_UP,
    "error-bad-json-body": Next.RETRY,
    "error-list-disabled-entity": Next.RETRY,
    "error-maintenance-503": Next.RETRY,
    "error-maxsize-negative": Next.RETRY,
    "error-metadata-unknown-key": Next.USE,
    "error-offset-negative": Next.RETRY,
    "error-": Next.GIVE_UP,
    "pg-where-garbage-date-500": Next.RETRY,
    "related-Account-assignedUsers": Next.GIVE_UP,
    "v842-where-forbidden-403": Next.GIVE_UP,
}


@pytest.mark.parametrize("name", RESPONSES)
def test_each_answer_leads_to_the_right_next_step(name) -> None:
    wanted = next((after for start, after in NEXT.items() if name.startswith(start)), Next.USE)
    answer = answer_of(name)
    after, why = judge(answer)
    assert after is wanted
    assert answer.reason in why


@pytest.mark.parametrize("name", GOOD)
def test_each_good_answer_is_decoded_and_each_list_is_a_list(name) -> None:
    answer = answer_of(name)
    if not answer.body:
        with pytest.raises(ValueError, match="empty body"):
            parse(answer)
        return
    found = parse(answer)
    if isinstance(found, dict) and {"total", "list"} <= set(found):
        asked = capture(name)["request"].get("params") or {}
        size = int(asked.get("maxSize") or 200)
        page = page_of(name, found, size)
        assert len(page.rows) == len(found["list"])
        assert page.is_last is (found["total"] == -2 or 0 <= found["total"] <= len(found["list"]))


USERS = {"key": ("apikey", ""), "limited": ("limited", "-limited"), "admin": ("admin", "-admin")}


@cache
def described(entity: str, user: str):
    metadata = document(f"metadata-full-{user}")
    acl = body(f"auth-app-user-{USERS[user][0]}")["acl"]
    return build_entity(entity, metadata, acl, document("i18n-full"))


def listed(user: str) -> list[str]:
    suffix = USERS[user][1]
    found = [n.removeprefix("list-").removesuffix(suffix) for n in names(f"list-*{suffix}")]
    return [n for n in found if "-" not in n]


#: Links to entity types the role may not read are missing from its Metadata, although their ids come.
UNDECLARED = {("limited", "Task"): {"emailId"}}

ROWS = [(user, entity) for user in USERS for entity in listed(user)]


@pytest.mark.parametrize(("user", "entity"), ROWS)
def test_the_schema_accepts_every_captured_row_and_knows_all_its_attributes(user, entity) -> None:
    described_entity = described(entity, user)
    schema = described_entity.schema(full_records=True)
    known = set(schema["properties"])
    conversion = Conversion(schema["properties"], frozenset(known))
    for row in captured_rows(entity, USERS[user][1]):
        jsonschema.validate(conversion.apply(row), schema, format_checker=jsonschema.FormatChecker())
        assert set(row) <= known | UNDECLARED.get((user, entity), set())


@pytest.mark.parametrize(("user", "entity"), ROWS)
def test_the_select_holds_every_attribute_that_a_list_gives(user, entity) -> None:
    rows = body(f"list-{entity}{USERS[user][1]}")["list"]
    described_entity = described(entity, user)
    selected = {n for g in described_entity.in_lists(a.name for a in described_entity.attributes) for n in g}
    given = set(rows[0]) if rows else set()
    more = json.loads((captures.FOLDER / "attributes-list-vs-read.json").read_text()).get(entity, {})
    if user == "key":
        given |= set(more.get("list_if_selected", []))
        assert not selected & set(more.get("read_only", [])) - {
            name for name in selected if name.endswith("TemplateName") or name == "workingTimeCalendarName"
        }
    assert given <= selected | UNDECLARED.get((user, entity), set())


def test_fields_that_the_role_hides_are_left_out_and_named() -> None:
    account, task = described("Account", "limited"), described("Task", "limited")
    assert account.hidden_fields == ("cAnnualRevenue", "website")
    attributes = {a.name for a in account.attributes}
    assert not attributes & {"website", "cAnnualRevenue", "cAnnualRevenueCurrency"}
    assert "cAnnualRevenueConverted" in attributes
    assert task.replication_key is None


@pytest.mark.parametrize(("user", "count"), [("key", 46), ("limited", 15), ("admin", 80)])
def test_candidates_are_what_the_access_table_lets_us_read(user, count) -> None:
    acl = body(f"auth-app-user-{USERS[user][0]}")["acl"]
    found = candidates(document(f"metadata-full-{user}"), acl, is_admin=user == "admin")
    assert len(found) == count
    assert all(may_read(acl["table"].get(name, user == "admin")) for name in found)


def test_links_of_the_real_metadata_come_once_with_their_columns() -> None:
    metadata, acl = document("metadata-full-key"), body("auth-app-user-apikey")["acl"]
    links = {
        link.stream: link for link in find_links(metadata, candidates(metadata, acl, is_admin=False), acl)
    }
    columns = {name: set(link.columns) for name, link in links.items() if link.columns}
    assert columns["contact__accounts"] == {"role", "isInactive"}
    assert columns["opportunity__contacts"] == {"role"}
    assert columns["meeting__users"] == {"status"}
    assert columns["target_list__contacts"] == {"optedOut"}
    assert columns["user__teams"] == {"role"}
    assert not {"account__contacts", "contact__opportunities", "user__meetings", "team__users"} & set(links)
    assert {link.stream for link in links.values() if not link.near.is_listed} == {
        "account__documents",
        "case__articles",
        "contact__documents",
        "document__leads",
        "document__opportunities",
        "email__users",
        "target_list__accounts",
        "target_list__contacts",
        "target_list__leads",
        "target_list__users",
    }


@pytest.mark.parametrize(
    ("key", "streams"), [("replay-key", 83), ("replay-limited", 8), ("replay-admin", 10)]
)
def test_the_captured_server_is_read_whole_over_http(replay, key, streams) -> None:
    outcome = run_tap({"url": replay.url, "api_key": key, "max_retries": 0})
    assert outcome.error is None
    assert len(outcome.schemas) >= streams
    suffix = {"replay-key": "", "replay-limited": "-limited", "replay-admin": "-admin"}[key]
    for stream in outcome.tap.streams.values():
        if not hasattr(stream, "entity") or stream.name == "note":
            continue
        properties = stream.schema["properties"]
        conversion = Conversion(properties, frozenset(properties))
        wanted = {row["id"]: conversion.apply(row) for row in captured_rows(stream.entity_name, suffix)}
        got = {record["id"]: record for record in outcome.records(stream.name)}
        for record_id, row in wanted.items():
            assert {**row, **got[record_id]} == row | {
                k: v for k, v in got[record_id].items() if k not in row
            }
            assert row == {k: got[record_id][k] for k in row}


def test_the_old_release_is_described_too() -> None:
    definition = body("v842-entitydefs-Account")
    metadata = {"entityDefs": {"Account": definition}, "scopes": {"Account": {"entity": True}}, "fields": {}}
    account = build_entity("Account", metadata, {}, {})
    rows = body("v842-list-Account")["list"]
    schema = account.schema(full_records=False)
    assert set(rows[0]) <= set(schema["properties"])
    conversion = Conversion(schema["properties"], frozenset(schema["properties"]))
    for row in rows:
        jsonschema.validate(conversion.apply(row), schema)
