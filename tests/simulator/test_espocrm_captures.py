"""Requests that real EspoCRMs once answered, sent to the simulated one: status, headers and shape must agree."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import http.client
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from crm_simulator import Clock
from crm_simulator.espocrm import EspoCRM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CAPTURES = Path(__file__).parents[3] / "shared" / "espocrm-captures"
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
"""Answers that hold definitions: the parts that a client builds on are compared (entitydefs-* likewise)."""

ABSENT = {"deleted-read-deleted-admin.json", "deleted-read-deleted-apikey.json"}
SETUPS: dict[str, Callable[[EspoCRM], None]] = {
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
        auth = "<taplimited key>" if "limited" in path.name else "<tapkey key>"
        key = "base64(admin:<token>)" if "admin" in path.name else auth
        name = "Espo-Authorization" if "admin" in path.name else "X-Api-Key"
        what = "Metadata" if path.name.startswith("metadata") else "I18n"
        request = {"method": "GET", "path": f"/api/v1/{what}", "query": "", "headers": {name: key}}
        kind = {"Content-Type": "application/json"}
        return Capture(path.name, request, 200, kind, json.loads(gzip.decompress(path.read_bytes())))
    data = json.loads(path.read_text("utf-8"))
    response = data["response"]
    body = None if response.get("body_is_empty") else response.get("body")
    return Capture(path.name, data["request"], response["status"], response["headers"], body)


def _paths() -> list[Path]:
    found = sorted(CAPTURES.glob("*.json")) + sorted(CAPTURES.glob("*.json.gz"))
    return [path for path in found if path.name not in EXCLUDED]


@pytest.fixture
def crm() -> Iterator[EspoCRM]:
    crm = EspoCRM(seed=7, scale=1.0, clock=Clock.frozen(THEN))
    crm.server.start()
    yield crm
    crm.server.stop()


def send(
    crm: EspoCRM, method: str, target: str, headers: dict[str, str], body: bytes | None
) -> tuple[Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", crm.server.port, timeout=10)
    try:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def _fail_logins(crm: EspoCRM, times: int) -> None:
    for _ in range(times):
        send(crm, "GET", "/api/v1/Account", {"X-Api-Key": "wrong"}, None)


def _headers(crm: EspoCRM, capture: Capture) -> dict[str, str]:
    given = HEADERS.get(capture.name) or capture.request["headers"]
    if isinstance(given, str):
        given = {"X-Api-Key": "<tapkey key>"}
    return {name: _secret(crm, capture, name, value) for name, value in given.items()}


def _secret(crm: EspoCRM, capture: Capture, name: str, value: str) -> str:
    known = crm.credentials
    keys = {"<tapkey key>": "api_key", "<taplimited key>": "limited", "<tapnorole key>": "norole"}
    if value in keys:
        return str(known[keys[value]]["api_key"])
    if name == "X-Hmac-Authorization" and "hex" in value:
        path = capture.request["path"].removeprefix("/api/v1")
        secret = known["hmac"]["secret_key"].encode()
        digest = hmac.new(secret, f"GET {path}".encode(), hashlib.sha256).hexdigest()
        return base64.b64encode(f"{known['hmac']['api_key']}:{digest}".encode()).decode()
    if value == "base64(admin:<token>)":
        return base64.b64encode(f"admin:{_admin_token(crm)}".encode()).decode()
    return value


def _admin_token(crm: EspoCRM) -> str:
    admin = crm.credentials["admin"]
    pair = base64.b64encode(f"{admin['username']}:{admin['password']}".encode()).decode()
    return str(
        json.loads(send(crm, "GET", "/api/v1/App/user", {"Espo-Authorization": pair}, None)[1])["token"]
    )


class Stage:
    """Gives the simulator the records that the captures speak of."""

    def __init__(self, crm: EspoCRM) -> None:
        self.store = crm.store
        self.users = {row["userName"]: row["id"] for row in self.store.rows("User")}

    def id_of(self, entity: str, capture: Capture) -> str:
        if capture.name in ABSENT:
            identity = self.store.create("Account", {"name": "to be deleted"})
            self.store.delete("Account", identity)
            return identity
        if entity == "Account" and capture.name.startswith(("related", "stream")):
            return self._rich_account()
        if entity == "Account":
            return self.store.create("Account", {"emailAddress": "a@b.example", "phoneNumber": "1"})
        if entity == "User":
            return self.users["sales2"]
        if entity == "Team":
            return min(self.store.ids("Team"))
        if entity in {"Meeting", "Opportunity", "TargetList"}:
            return self._with_members(entity)
        return min(self.store.ids(entity))

    def _rich_account(self) -> str:
        store = self.store
        store.clock.set("2026-11-21T22:32:00+00:00")
        account = store.create("Account", {"name": "Rich", "teamsIds": []})
        for _ in range(3):
            store.create("Contact", {"accountId": account})
            store.create("Note", {"type": "Post", "parentId": account, "parentType": "Account"})
            store.create("Case", {"accountId": account})
            store.create("CEverything", {"accountId": account})
            store.create("Task", {"parentId": account, "parentType": "Account"})
            store.relate("Account", account, "documents", min(store.ids("Document")))
            store.relate("Account", account, "cMemberships", min(store.ids("CMembership")))
        here = {"parentId": account, "parentType": "Account"}
        document = {"relatedType": "Document", "relatedId": min(store.ids("Document"))}
        store.create("Note", {"type": "CreateRelated", **here, **document})
        child = {"parentId": min(store.ids("CEverything")), "parentType": "CEverything"}
        above = {"superParentId": account, "superParentType": "Account"}
        store.create("Note", {"type": "Create", **child, **above})
        self.store.follow("Account", account, self.users["admin"])
        return account

    def _with_members(self, entity: str) -> str:
        identity = self.store.create(entity, {})
        for contact in sorted(self.store.ids("Contact"))[:3]:
            self.store.relate(entity, identity, "contacts", contact)
        if entity == "Meeting":
            self.store.relate("Meeting", identity, "users", self.users["sales1"])
        return identity


def prepare(crm: EspoCRM, capture: Capture) -> tuple[str, bytes | None]:
    """Put the simulator's own ids where the captured request has ids of another system."""
    stage, store = Stage(crm), crm.store
    path, query = capture.request["path"], capture.request.get("query") or ""
    parts = path.split("/")
    if len(parts) > 4 and len(parts[4]) == 17:
        parts[4] = _foreign_record(crm, capture) or stage.id_of(parts[3], capture)
    for name in ("list-CEverything-text", "list-select-CEverything-text"):
        if capture.name.startswith(name):
            query = query.replace("6b021b0152a40b2dd", min(store.ids("CEverything")))
    if capture.name.startswith("list-Account-limited"):
        for number in range(3):
            store.create("Account", {"name": f"Own {number}", "assignedUserId": stage.users["limited"]})
    if "ActionHistory" in capture.name:
        for number in range(6):
            crm.audit.write_down("delete", "Account", f"0123456789abcdef{number}", stage.users["admin"])
    if capture.name.startswith("search-where"):
        for minute in (27, 28, 29):
            store.clock.set(f"2026-11-21T22:{minute}:35+00:00")
            store.create("Account", {})
    if capture.name.startswith("search-textFilter"):
        store.create("Account", {"name": "Contoso & Sons"})
    body = capture.request.get("body")
    if capture.name == "error-duplicate-409.json":
        store.create("Account", {"name": body["name"]})
    raw = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    return "/".join(parts) + (f"?{quote(query, safe='=&%+,:[]')}" if query else ""), raw


def _foreign_record(crm: EspoCRM, capture: Capture) -> str | None:
    if capture.name != "error-forbidden-record-limited.json":
        return None
    return crm.store.create("Account", {"assignedUserId": None, "teamsIds": []})


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"real answers of EspoCRM are not here: {CAPTURES}")
@pytest.mark.parametrize("path", _paths(), ids=lambda path: path.name)
def test_answers_like_a_real_espocrm(crm: EspoCRM, path: Path) -> None:
    capture = load(path)
    target, body = prepare(crm, capture)
    headers = _headers(crm, capture)
    SETUPS.get(capture.name, lambda _crm: None)(crm)
    response, raw = send(crm, capture.request["method"], target, headers, body)
    assert response.status == capture.status
    assert response.headers.get("X-Status-Reason") == _reason(capture, target)
    for name in ("Content-Type", "WWW-Authenticate"):
        assert response.headers.get(name) == capture.headers.get(name)
    if capture.body is None:
        assert raw == b""
        return
    given = _of_that_time(capture, json.loads(raw))
    if capture.name.startswith("auth-app-user"):
        for table in ("table", "fieldTable"):
            assert given["acl"][table] == capture.body["acl"][table]
    if capture.projection:
        project = PROJECTIONS[capture.projection]
        assert differences(project(capture.body), project(given), "") == []
    else:
        assert differences(shape(capture.body), shape(given), "") == []


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


def shape(value: Any, name: str = "") -> Any:
    """Reduce a value to its keys and JSON types; maps from ids to the shape of one of their values."""
    if isinstance(value, dict):
        if name.endswith(MAPS) and value:
            return {"<id>": shape(next(iter(value.values())))}
        return {} if name in FREE else {key: shape(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value and name not in FREE else []
    if name == "total" and isinstance(value, int):
        return value if value < 0 else "count"
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else "text"


MAPS = ("Names", "Columns", "Types", "Hash", "Map")
FREE = {"data", "fieldData", "fJsonObject", "fJsonArray", "timeZoneList", "dashboardLayout", "tabList"}
"""Values of no fixed shape."""


def differences(real: Any, given: Any, where: str) -> list[str]:
    """List where two shapes differ; null goes with anything, an empty list or map with a filled one of a map."""
    if "NoneType" in (real, given):
        return []
    if isinstance(real, dict) and isinstance(given, dict):
        found = [
            f"{where}.{key} is missing" for key in real.keys() - given.keys() if given or not _open(where)
        ]
        found += [f"{where}.{key} is new" for key in given.keys() - real.keys() if real or not _open(where)]
        for key in real.keys() & given.keys():
            found += differences(real[key], given[key], f"{where}.{key}")
        return sorted(found)
    if isinstance(real, list) and isinstance(given, list):
        if where.endswith(".list") and bool(real) != bool(given):
            return [f"{where} has {len(given)} rows"]
        return differences(real[0], given[0], f"{where}[]") if real and given else []
    return [] if real == given else [f"{where}: {real!r} here {given!r}"]


def _open(where: str) -> bool:
    return where.endswith(MAPS)


FLAGS = ("notStorable", "noLoad", "decimal", "directAccessDisabled", "isCustom", "disabled")


def _entity_defs(defs: dict[str, Any]) -> Any:
    fields = {
        name: [
            field["type"],
            *(flag for flag in FLAGS if field.get(flag)),
            field.get("link"),
            field.get("field"),
        ]
        for name, field in defs.get("fields", {}).items()
        if "type" in field
    }
    links = {
        name: [link.get("type"), link.get("entity"), link.get("foreign"), link.get("relationName")]
        for name, link in defs.get("links", {}).items()
    }
    collection = defs.get("collection", {})
    keys = ("orderBy", "order", "countDisabled")
    return {"fields": fields, "links": links, "collection": [collection.get(key) for key in keys]}


def _scopes(scopes: dict[str, Any]) -> Any:
    keys = ("entity", "object", "disabled", "acl", "stream", "isCustom", "module", "type", "statusField")
    return {name: {key: scope.get(key) or None for key in keys} for name, scope in scopes.items()}


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
    return {name: [field.get(key) for key in keys] for name, field in fields.items()}


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
