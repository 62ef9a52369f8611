"""What real EspoCRMs once answered, asked of the simulated one: status, headers and shape must agree."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import http.client
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from crm_simulator import Clock
from crm_simulator.espocrm import EspoCRM

from tests import captures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

THEN = "2026-11-21T22:27:35+00:00"

EXCLUDED = {
    "attributes-list-vs-read.json": "a table made from other captures, not an answer",
}
"""Captures that cannot be replayed, with the reason."""
PROJECTED = {
    "metadata-full-admin.json.gz": "metadata",
    "metadata-full-key.json.gz": "metadata",
    "metadata-full-limited.json.gz": "metadata",
    "misc-Metadata-fields.json": "field_types",
    "misc-Metadata-scopes.json": "scopes",
    "i18n-full.json.gz": "labels",
    "misc-I18n-noauth.json": "labels",
}
"""Answers that hold definitions: of these (and entitydefs-*) the parts that a client builds on are compared,
by value; the rest is for EspoCRM's own screens and not simulated."""
SETUPS: dict[str, Callable[[EspoCRM], object]] = {
    "auth-ip-blocked-403.json": lambda crm: _fail_logins(crm, 11),
    "error-maintenance-503.json": lambda crm: setattr(crm.switches, "maintenance", True),
    "pg-where-garbage-date-500.json": lambda crm: setattr(crm.switches, "database", "postgresql"),
    **dict.fromkeys(
        (
            "v842-entitydefs-Account.json",
            "v842-list-Account.json",
            "v842-where-forbidden-403.json",
            "v842-whereGroup-ignored.json",
        ),
        lambda crm: setattr(crm.switches, "version", "8.4.2"),
    ),
}
"""Captures taken from a system in another state than the rest."""
TOLERATED = {
    "v842-entitydefs-Account.json": (
        ".fields.targetLists.directAccessDisabled: False here True",
        "a mark that came after 8.4; the simulator has the definitions of 9.2 at every version",
    ),
}
"""Differences that are left, with the reason."""
HEADERS: dict[str, dict[str, str]] = {
    "auth-bad-apikey.json": {"X-Api-Key": "deadbeef"},
    "auth-bad-hmac.json": {"X-Hmac-Authorization": base64.b64encode(b"key:bad").decode()},
    "auth-bad-password.json": {"Authorization": "Basic " + base64.b64encode(b"admin:wrong").decode()},
    "auth-inactive-user.json": {
        "Authorization": "Basic " + base64.b64encode(b"former:former-password").decode(),
    },
    "auth-ip-blocked-403.json": {"X-Api-Key": "<tapkey key>"},
    "pg-where-garbage-date-500.json": {"Espo-Authorization": "base64(admin:<token>)"},
}
"""Headers whose values the captures only describe."""


@dataclass(frozen=True)
class Capture:
    name: str
    request: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def projection(self) -> str | None:
        return "entity_defs" if "entitydefs-" in self.name else PROJECTED.get(self.name)


def load(path: Path) -> Capture:
    if path.suffix == ".gz":
        return _load_raw(path)
    data = json.loads(path.read_text("utf-8"))
    response = data["response"]
    body = None if response.get("body_is_empty") else response.get("body")
    return Capture(path.name, data["request"], response["status"], response["headers"], body)


def _load_raw(path: Path) -> Capture:
    user = "<taplimited key>" if "limited" in path.name else "<tapkey key>"
    headers = {"Espo-Authorization": "base64(admin:<token>)"} if "admin" in path.name else {"X-Api-Key": user}
    what = "Metadata" if path.name.startswith("metadata") else "I18n"
    request = {"method": "GET", "path": f"/api/v1/{what}", "query": "", "headers": headers}
    body = json.loads(gzip.decompress(path.read_bytes()))
    return Capture(path.name, request, 200, {"Content-Type": "application/json"}, body)


def _paths() -> list[Path]:
    found = sorted(captures.FOLDER.glob("*.json")) + sorted(captures.FOLDER.glob("*.json.gz"))
    return [path for path in found if path.name not in EXCLUDED]


def _make() -> EspoCRM:
    crm = EspoCRM(seed=7, scale=1.0, clock=Clock.frozen(THEN))
    crm.server.start()
    return crm


@pytest.fixture(scope="module")
def shared() -> Iterator[EspoCRM]:
    crm = _make()
    yield crm
    crm.server.stop()


@pytest.fixture
def crm(shared: EspoCRM, path: Path) -> Iterator[EspoCRM]:
    shared.clock.set(THEN)
    crm = _make() if path.name in SETUPS else shared
    yield crm
    if crm is not shared:
        crm.server.stop()


def send(crm: EspoCRM, method: str, target: str, headers: dict[str, str], body: bytes | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", crm.server.port, timeout=10)
    try:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def _fail_logins(crm: EspoCRM, times: int) -> None:
    for _ in range(times):
        send(crm, "GET", "/api/v1/Account", {"X-Api-Key": "wrong"})


def _headers(crm: EspoCRM, capture: Capture) -> dict[str, str]:
    given = HEADERS.get(capture.name) or capture.request["headers"]
    if isinstance(given, str):
        given = {"X-Api-Key": "<tapkey key>"}
    return {name: _secret(crm, capture, name, value) for name, value in given.items()}


def _secret(crm: EspoCRM, capture: Capture, name: str, value: str) -> str:
    keys = {"<tapkey key>": "api_key", "<taplimited key>": "limited", "<tapnorole key>": "norole"}
    if value in keys:
        return str(crm.credentials[keys[value]]["api_key"])
    if value == "base64(admin:<token>)":
        return base64.b64encode(f"admin:{_admin_token(crm)}".encode()).decode()
    return _signature(crm, capture) if name == "X-Hmac-Authorization" and "hex" in value else value


def _signature(crm: EspoCRM, capture: Capture) -> str:
    known = crm.credentials["hmac"]
    path = capture.request["path"].removeprefix("/api/v1")
    digest = hmac.new(known["secret_key"].encode(), f"GET {path}".encode(), hashlib.sha256).hexdigest()
    return base64.b64encode(f"{known['api_key']}:{digest}".encode()).decode()


def _admin_token(crm: EspoCRM) -> str:
    admin = crm.credentials["admin"]
    pair = base64.b64encode(f"{admin['username']}:{admin['password']}".encode()).decode()
    return str(json.loads(send(crm, "GET", "/api/v1/App/user", {"Espo-Authorization": pair})[1])["token"])


def _user(crm: EspoCRM, name: str) -> str:
    return next(str(row["id"]) for row in crm.store.rows("User") if row["userName"] == name)


def _delete_six(crm: EspoCRM) -> None:
    for number in range(6):
        crm.audit.write_down("delete", "Account", f"0123456789abcdef{number}", _user(crm, "admin"))


def _own_accounts(crm: EspoCRM) -> None:
    for number in range(3):
        crm.store.create("Account", {"name": f"Own {number}", "assignedUserId": _user(crm, "limited")})


def _accounts_of_that_night(crm: EspoCRM) -> None:
    for minute in (27, 28, 29):
        crm.clock.set(f"2026-11-21T22:{minute}:35+00:00")
        crm.store.create("Account")


def _rich_account(crm: EspoCRM) -> str:
    """Make an account that has what the captured one had, and nothing of what it had not."""
    store = crm.store
    crm.clock.set("2026-11-21T22:32:00+00:00")
    account = store.create("Account", {"name": "Rich", "teamsIds": []})
    here = {"parentId": account, "parentType": "Account"}
    for _ in range(3):
        store.create("Contact", {"accountId": account})
        store.create("Case", {"accountId": account})
        store.create("CEverything", {"accountId": account})
        store.create("Task", here)
        store.create("Note", {"type": "Post", **here})
    store.relate("Account", account, "documents", min(store.ids("Document")))
    store.relate("Account", account, "cMemberships", min(store.ids("CMembership")))
    document = {"relatedType": "Document", "relatedId": min(store.ids("Document"))}
    store.create("Note", {"type": "CreateRelated", **here, **document})
    child = {"parentId": min(store.ids("CEverything")), "parentType": "CEverything"}
    store.create("Note", {"type": "Create", **child, "superParentId": account, "superParentType": "Account"})
    store.follow("Account", account, _user(crm, "admin"))
    return account


def _with_members(crm: EspoCRM, entity: str) -> str:
    identity = crm.store.create(entity)
    for contact in sorted(crm.store.ids("Contact"))[:3]:
        crm.store.relate(entity, identity, "contacts", contact)
    if entity == "Meeting":
        crm.store.relate("Meeting", identity, "users", _user(crm, "sales1"))
    return identity


def _deleted_account(crm: EspoCRM) -> str:
    identity = crm.store.create("Account")
    crm.store.delete("Account", identity)
    return identity


def _reachable_account(crm: EspoCRM) -> str:
    return crm.store.create("Account", {"emailAddress": "a@b.example", "phoneNumber": "1"})


CONTENT: dict[str, Callable[[EspoCRM], object]] = {
    "deleted-ActionHistoryRecord": _delete_six,
    "error-duplicate": lambda crm: crm.store.create("Account", {"name": "Fabrikam S.A. 6"}),
    "list-Account-limited": _own_accounts,
    "list-ActionHistoryRecord": _delete_six,
    "search-textFilter": lambda crm: crm.store.create("Account", {"name": "Contoso & Sons"}),
    "search-where": _accounts_of_that_night,
    "stream-GlobalStream": lambda crm: [crm.store.create("Account") for _ in range(4)],
    "stream-Stream": lambda crm: [crm.store.create("Account") for _ in range(4)],
}
"""Records that captures with these beginnings speak of."""
RECORDS: tuple[tuple[str, str, Callable[[EspoCRM], str]], ...] = (
    ("deleted-read", "Account", _deleted_account),
    ("error-forbidden-record", "Account", lambda crm: crm.store.create("Account", {"assignedUserId": None})),
    ("related", "Account", _rich_account),
    ("stream", "Account", _rich_account),
    ("", "Account", _reachable_account),
    ("", "User", lambda crm: _user(crm, "sales2")),
    ("", "Meeting", lambda crm: _with_members(crm, "Meeting")),
    ("", "Opportunity", lambda crm: _with_members(crm, "Opportunity")),
    ("", "TargetList", lambda crm: _with_members(crm, "TargetList")),
)
"""Which record stands for the captured one: beginning of the capture's name, entity type, record."""


def _record(crm: EspoCRM, capture: Capture, entity: str) -> str:
    for beginning, owner, find in RECORDS:
        if capture.name.startswith(beginning) and owner == entity:
            return find(crm)
    return min(crm.store.ids(entity))


def prepare(crm: EspoCRM, capture: Capture) -> tuple[str, bytes | None]:
    """Put the simulator's own ids where the captured request has ids of another system."""
    for beginning, make in CONTENT.items():
        if capture.name.startswith(beginning):
            make(crm)
    parts, query = capture.request["path"].split("/"), capture.request.get("query") or ""
    if len(parts) > 4 and len(parts[4]) == 17:
        parts[4] = _record(crm, capture, parts[3])
    query = query.replace("6b021b0152a40b2dd", min(crm.store.ids("CEverything")))
    if "beforeNumber" in query:
        newest = max(row["number"] for row in crm.store.rows("Note"))
        query = query.replace("beforeNumber=100", f"beforeNumber={newest}")
    body = capture.request.get("body")
    raw = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    return "/".join(parts) + (f"?{quote(query, safe='=&%+,:[]')}" if query else ""), raw


@captures.needed
@pytest.mark.parametrize("path", _paths(), ids=lambda path: path.name)
def test_answers_like_a_real_espocrm(crm: EspoCRM, path: Path) -> None:
    capture = load(path)
    target, body = prepare(crm, capture)
    headers = _headers(crm, capture)
    if capture.name in SETUPS:
        SETUPS[capture.name](crm)
    response, raw = send(crm, capture.request["method"], target, headers, body)
    assert response.status == capture.status
    assert response.headers.get("X-Status-Reason") == _reason(capture, target)
    for name in ("Content-Type", "WWW-Authenticate"):
        assert response.headers.get(name) == capture.headers.get(name)
    if capture.body is None:
        assert raw == b""
        return
    assert _compare(capture, _of_that_time(capture, json.loads(raw))) == []


def _compare(capture: Capture, given: Any) -> list[str]:
    project = PROJECTIONS.get(capture.projection or "", shape)
    found = differences(project(capture.body), project(given), "")
    if capture.name.startswith("auth-app-user"):
        for table in ("table", "fieldTable"):
            assert given["acl"][table] == capture.body["acl"][table]
    tolerated, _ = TOLERATED.get(capture.name, ("", ""))
    return [each for each in found if each != tolerated]


def _reason(capture: Capture, target: str) -> str | None:
    """Give the reason of the capture with the simulator's id in the place of the captured one."""
    theirs, ours = capture.request["path"].split("/"), target.partition("?")[0].split("/")
    reason = capture.headers.get("X-Status-Reason")
    return reason.replace(theirs[4], ours[4]) if reason and len(theirs) > 4 else reason


def _of_that_time(capture: Capture, value: Any) -> Any:
    """Leave out the custom fields that the captured 8.4.2 did not have."""
    if not capture.name.startswith("v842"):
        return value
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if not re.match(r"c[A-Z]", key)}
        return {key: _of_that_time(capture, each) for key, each in kept.items()}
    return [_of_that_time(capture, each) for each in value] if isinstance(value, list) else value


MAPS = ("Names", "Columns", "Types", "Hash", "Map")
"""Ends of names that hold maps from ids."""
FREE = {"data", "fieldData", "fJsonObject", "fJsonArray", "timeZoneList", "dashboardLayout", "tabList"}
"""Values of no fixed shape."""


def shape(value: Any, name: str = "") -> Any:
    """Reduce a value to its keys and JSON types; maps from ids to the shape of one of their values."""
    if isinstance(value, dict):
        return _shape_of_map(value, name)
    if isinstance(value, list):
        return [shape(value[0])] if value and name not in FREE else []
    if name == "total":
        return value if value < 0 else "count"
    return {int: "number", float: "number", str: "text"}.get(type(value), type(value).__name__)


def _shape_of_map(value: dict[str, Any], name: str) -> Any:
    if name.endswith(MAPS) and value:
        return {"<id>": shape(next(iter(value.values())))}
    return {} if name in FREE else {key: shape(item, key) for key, item in value.items()}


def differences(real: Any, given: Any, where: str) -> list[str]:
    """List where two shapes differ; null goes with anything, an empty map of ids with a filled one."""
    if isinstance(real, dict) and isinstance(given, dict):
        return _differences_of_maps(real, given, where)
    if isinstance(real, list) and isinstance(given, list):
        if where.endswith(".list") and bool(real) != bool(given):
            return [f"{where} has {len(given)} rows"]
        return differences(real[0], given[0], f"{where}[]") if real and given else []
    return [] if real == given or "NoneType" in (real, given) else [f"{where}: {real!r} here {given!r}"]


def _differences_of_maps(real: dict[str, Any], given: dict[str, Any], where: str) -> list[str]:
    if where.endswith(MAPS) and not (real and given):
        return []
    found = [f"{where}.{key} is missing" for key in real.keys() - given.keys()]
    found += [f"{where}.{key} is new" for key in given.keys() - real.keys()]
    for key in real.keys() & given.keys():
        found += differences(real[key], given[key], f"{where}.{key}")
    return sorted(found)


FLAGS = ("notStorable", "noLoad", "decimal", "directAccessDisabled", "isCustom", "disabled")


def _entity_defs(defs: dict[str, Any]) -> Any:
    fields = {
        name: {"type": field["type"], "link": field.get("link") or "", "field": field.get("field") or ""}
        | {flag: bool(field.get(flag)) for flag in FLAGS}
        for name, field in defs.get("fields", {}).items()
        if "type" in field
    }
    links = {
        name: {key: link.get(key) or "" for key in ("type", "entity", "foreign", "relationName")}
        for name, link in defs.get("links", {}).items()
    }
    collection = {
        key: defs.get("collection", {}).get(key) or "" for key in ("orderBy", "order", "countDisabled")
    }
    return {"fields": fields, "links": links, "collection": collection}


def _scopes(scopes: dict[str, Any]) -> Any:
    keys = ("entity", "object", "disabled", "acl", "stream", "isCustom", "module", "type", "statusField")
    return {name: {key: scope.get(key) or "" for key in keys} for name, scope in scopes.items()}


def _metadata(metadata: dict[str, Any]) -> Any:
    defs = {name: _entity_defs(each) for name, each in metadata["entityDefs"].items()}
    defs.pop("Settings", None)  # the administrator's form, no entity type
    return {
        "entityDefs": defs,
        "scopes": _scopes(metadata["scopes"]),
        "fields": _field_types(metadata["fields"]),
    }


def _field_types(fields: dict[str, Any]) -> Any:
    keys = ("actualFields", "notActualFields", "naming")
    return {name: {key: str(field.get(key) or "") for key in keys} for name, field in fields.items()}


def _labels(labels: dict[str, Any]) -> Any:
    parts = {
        "Global": ("scopeNames", "scopeNamesPlural", "fields"),
        "Account": ("fields", "links", "options"),
    }
    return {
        scope: {part: type(labels[scope][part]).__name__ for part in names if part in labels[scope]}
        for scope, names in parts.items()
        if scope in labels
    }


PROJECTIONS: dict[str, Callable[[Any], Any]] = {
    "entity_defs": _entity_defs,
    "field_types": _field_types,
    "labels": _labels,
    "metadata": _metadata,
    "scopes": _scopes,
}
