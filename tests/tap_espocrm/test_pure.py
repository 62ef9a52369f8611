"""The parts that touch no network: headers, queries, values and names, by table."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigurationError
from tap_espocrm.answers import Answer, Next, judge, parse
from tap_espocrm.auth import ApiKey, Basic, Hmac, Token, authenticator_for
from tap_espocrm.entity_streams import capped
from tap_espocrm.field_types import DATETIME, DECIMAL, OBJECT, TEXT, attribute_name
from tap_espocrm.labels import snake_case
from tap_espocrm.metadata import build_entity
from tap_espocrm.query import ListQuery, after, at_least, is_in
from tap_espocrm.texts import PROOFS_ENOUGH, CutLength
from tap_espocrm.values import Conversion, to_espo, to_iso


def prepared(path: str = "/crm/api/v1/Account") -> requests.PreparedRequest:
    return requests.Request("GET", f"https://crm.example.com{path}", params={"maxSize": 1}).prepare()


def test_an_api_key_travels_in_its_header() -> None:
    assert ApiKey("key").headers(prepared()) == {"X-Api-Key": "key"}


def test_a_signature_covers_method_and_path_without_the_query() -> None:
    digest = hmac.new(b"secret", b"GET /Account", hashlib.sha256).digest()
    wanted = base64.b64encode(b"key:" + digest).decode()
    assert Hmac("key", "secret").headers(prepared()) == {"X-Hmac-Authorization": wanted}


def test_a_token_takes_the_place_of_the_password_until_it_dies() -> None:
    token = Token("me", "password")

    def sent() -> tuple[str, str]:
        headers = token.headers(prepared())
        return base64.b64decode(headers["Espo-Authorization"]).decode(), headers[
            "Espo-Authorization-By-Token"
        ]

    assert sent() == ("me:password", "false")
    token.learn("t0ken")
    assert sent() == ("me:t0ken", "true")
    assert token.forget()
    assert sent() == ("me:password", "false")
    assert not token.forget()


def test_basic_authentication_is_the_standard_header() -> None:
    assert Basic("me", "pässword").headers(prepared()) == {"Authorization": "Basic bWU6cMOkc3N3b3Jk"}


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"api_key": "k"}, ApiKey),
        ({"api_key": "k", "secret_key": "s"}, Hmac),
        ({"username": "u", "password": "p"}, Token),
        ({"username": "u", "password": "p", "basic_auth": True}, Basic),
    ],
)
def test_the_settings_choose_the_way_to_log_in(config, kind) -> None:
    assert type(authenticator_for({"basic_auth": False, **config})) is kind


@pytest.mark.parametrize(
    "config", [{}, {"secret_key": "s"}, {"api_key": "k", "password": "p"}, {"username": "u"}]
)
def test_settings_that_name_no_way_or_two_are_refused(config) -> None:
    with pytest.raises(ConfigurationError):
        authenticator_for({"basic_auth": False, **config})


def test_a_query_is_written_in_the_dialect_of_all_versions() -> None:
    query = ListQuery("modifiedAt", select=(("id",), ("name",)), max_size=3)
    asked = query.narrowed(after("modifiedAt", "2026-01-01 00:00:00", "a1")).parameters()
    assert asked == (
        ("maxSize", "3"),
        ("orderBy", "modifiedAt"),
        ("order", "asc"),
        ("select", "id,name"),
        ("where[0][type]", "or"),
        ("where[0][value][0][type]", "greaterThan"),
        ("where[0][value][0][attribute]", "modifiedAt"),
        ("where[0][value][0][value]", "2026-01-01 00:00:00"),
        ("where[0][value][1][type]", "and"),
        ("where[0][value][1][value][0][type]", "equals"),
        ("where[0][value][1][value][0][attribute]", "modifiedAt"),
        ("where[0][value][1][value][0][value]", "2026-01-01 00:00:00"),
        ("where[0][value][1][value][1][type]", "greaterThan"),
        ("where[0][value][1][value][1][attribute]", "id"),
        ("where[0][value][1][value][1][value]", "a1"),
    )


def test_the_legacy_dialect_sorts_by_other_names() -> None:
    asked = dict(
        ListQuery("id", is_legacy=True).narrowed(at_least("id", "a"), is_in("id", ["a", "b"])).parameters()
    )
    assert (asked["sortBy"], asked["asc"]) == ("id", "true")
    assert "orderBy" not in asked
    assert asked["where[1][value][1]"] == "b"


@given(st.lists(st.lists(st.from_regex(r"[a-z]{1,40}", fullmatch=True), min_size=1, max_size=4), max_size=60))
def test_a_split_select_asks_for_every_group_whole_and_fits(groups) -> None:
    query = ListQuery("modifiedAt", select=tuple(tuple(g) for g in groups))
    parts = query.split(1500)
    asked = [set(part.selected) for part in parts]
    assert all(any(set(group) <= names for names in asked) for group in groups)
    assert all({"id", "modifiedAt"} <= names for names in asked if groups)
    assert all(len(dict(part.parameters()).get("select", "")) < 1500 for part in parts)


@pytest.mark.parametrize(
    ("given_value", "wanted"),
    [
        ("2026-11-21 22:28:17", "2026-11-21T22:28:17Z"),
        ("2026-11-21 22:28:17.5", "2026-11-21T22:28:17.5Z"),
        ("2026-11-21", "2026-11-21"),
        ("", ""),
        (None, None),
        ("0000-00-00 00:00:00", "0000-00-00T00:00:00Z"),
    ],
)
def test_datetimes_get_their_zone_and_nothing_is_invented(given_value, wanted) -> None:
    assert to_iso(given_value) == wanted


def test_a_bookmark_is_compared_the_way_the_server_does() -> None:
    assert to_espo("2026-11-21T22:28:17+00:00") == "2026-11-21 22:28:17"


def test_a_record_keeps_empty_and_null_apart_and_holds_only_the_selected() -> None:
    properties = {"id": TEXT, "empty": TEXT, "null": TEXT, "at": DATETIME, "sum": DECIMAL, "other": TEXT}
    convert = Conversion(properties, frozenset(properties) - {"other"})
    row = {
        "id": 7,
        "empty": "",
        "null": None,
        "at": "2026-01-01 00:00:00",
        "sum": 1.5,
        "other": "x",
        "extra": 1,
    }
    assert convert.apply(row) == {
        "id": "7",
        "empty": "",
        "null": None,
        "at": "2026-01-01T00:00:00Z",
        "sum": "1.5",
    }


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_written_as_they_came(value) -> None:
    assert parse(Answer(200, {}, repr(value).encode())) == value


@pytest.mark.parametrize(
    ("stamp", "now", "wanted"),
    [
        ("2026-01-01 00:00:00", "2026-06-01 00:00:00", "2026-01-01 00:00:00"),
        ("2099-01-01 00:00:00", "2026-06-01 00:00:00", "2026-06-01 00:00:00"),
        ("2099-01-01 00:00:00", None, "2099-01-01 00:00:00"),
    ],
)
def test_a_bookmark_never_lies_in_the_future(stamp, now, wanted) -> None:
    assert capped(stamp, now) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Account", "account"),
        ("KnowledgeBaseArticle", "knowledge_base_article"),
        ("CSupplier", "c_supplier"),
        ("EmailAddress", "email_address"),
        ("OAuthAccount", "o_auth_account"),
        ("cMemberships", "c_memberships"),
    ],
)
def test_streams_are_named_in_snake_case(name, wanted) -> None:
    assert snake_case(name) == wanted


@pytest.mark.parametrize(
    ("field", "part", "is_prefixed", "wanted"),
    [
        ("account", "id", False, "accountId"),
        ("name", "first", True, "firstName"),
        ("fPersonName", "salutation", True, "salutationFPersonName"),
        ("dateStart", "date", False, "dateStartDate"),
        ("amount", "", False, "amount"),
    ],
)
def test_attributes_are_named_by_the_rules_of_espocrm(field, part, is_prefixed, wanted) -> None:
    assert attribute_name(field, part, is_prefixed=is_prefixed) == wanted


def entity(fields: dict, **more):
    metadata = {
        "entityDefs": {"X": {"fields": fields, **more}},
        "scopes": {"X": {"entity": True}},
        "fields": {},
    }
    return {a.name: a.schema for a in build_entity("X", metadata, {}, {}).attributes}


def test_a_decimal_currency_is_exact_and_a_plain_one_a_number() -> None:
    found = entity({"a": {"type": "currency", "decimal": True}, "b": {"type": "currency"}})
    assert found["a"]["format"] == "x-singer.decimal"
    assert found["b"]["type"] == ["number", "null"]
    assert {"aCurrency", "aConverted", "bCurrency", "bConverted"} <= set(found)


def test_a_field_type_of_an_extension_gets_the_parts_that_its_metadata_names() -> None:
    metadata = {
        "entityDefs": {"X": {"fields": {"place": {"type": "geo"}}}},
        "scopes": {},
        "fields": {"geo": {"actualFields": ["lat", "lon"]}},
    }
    found = build_entity("X", metadata, {}, {})
    assert {"placeLat", "placeLon"} <= {a.name for a in found.attributes}
    assert found.unknown_types == {"place": "geo"}


def test_a_foreign_field_has_the_type_of_what_it_looks_at() -> None:
    metadata = {
        "entityDefs": {
            "X": {
                "fields": {"seen": {"type": "foreign", "link": "y", "field": "data"}},
                "links": {"y": {"type": "belongsTo", "entity": "Y"}},
            },
            "Y": {"fields": {"data": {"type": "jsonObject"}}},
        }
    }
    found = {a.name: a.schema for a in build_entity("X", metadata, {}, {}).attributes}
    assert found["seen"]["type"] == OBJECT["type"]


def test_the_length_is_told_where_the_database_keeps_it() -> None:
    found = entity({"a": {"type": "varchar", "maxLength": 36}, "b": {"type": "text", "maxLength": 50}})
    assert found["a"]["maxLength"] == 36
    assert "maxLength" not in found["b"]


@pytest.mark.parametrize(
    ("status", "headers", "wanted"),
    [
        (403, {"Content-Type": "text/html"}, Next.WAIT_FOR_THROTTLE),
        (403, {"Content-Type": "application/json"}, Next.GIVE_UP),
        (403, {"Content-Type": "text/html", "X-Status-Reason": "No"}, Next.GIVE_UP),
        (414, {}, Next.ASK_SHORTER),
        (302, {"Location": "https://elsewhere"}, Next.STOP_EVERYTHING),
        (520, {}, Next.RETRY),
        (418, {}, Next.GIVE_UP),
    ],
)
def test_what_decides_about_the_next_step(status, headers, wanted) -> None:
    assert judge(Answer(status, headers, b""))[0] is wanted


TEXT_NAMES = frozenset({"text"})


def texts(*lengths: int, prefix: str = "") -> dict[str, dict]:
    return {f"{prefix}{n}": {"id": f"{prefix}{n}", "text": "x" * length} for n, length in enumerate(lengths)}


def test_short_texts_are_never_suspected() -> None:
    assert CutLength().suspects(texts(3, 200).values(), TEXT_NAMES) == []


def test_the_longest_texts_are_suspected_until_they_are_proved_whole() -> None:
    length, rows = CutLength(), texts(300, 900, 900)
    assert length.suspects(rows.values(), TEXT_NAMES) == ["1", "2"]
    length.learn(rows, texts(300, 900, 900), TEXT_NAMES)
    assert length.suspects(texts(500, 899).values(), TEXT_NAMES) == []
    assert length.suspects(texts(901).values(), TEXT_NAMES) == ["0"]


def test_once_the_cut_is_known_only_texts_of_that_length_are_suspected() -> None:
    length, rows = CutLength(), texts(300, 500)
    length.learn(rows, texts(300, 800), TEXT_NAMES)
    assert length.known == 500
    assert length.suspects(texts(499, 500, 300).values(), TEXT_NAMES) == ["1"]


def test_an_edit_between_two_readings_is_not_taken_for_the_cut_for_long() -> None:
    length = CutLength()
    length.learn(texts(300), texts(320), TEXT_NAMES)
    assert length.suspects(texts(10_000, 5).values(), TEXT_NAMES) == ["0"]
    assert length.known is None


def test_many_texts_of_one_length_are_not_read_again_for_ever() -> None:
    length, rows = CutLength(), texts(*[400] * PROOFS_ENOUGH)
    length.learn(rows, rows, TEXT_NAMES)
    assert length.suspects(texts(400, 400).values(), TEXT_NAMES) == []
