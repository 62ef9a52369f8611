"""A server that answers from the captured responses of a real EspoCRM 9.2.7, over real HTTP."""

from __future__ import annotations

import gzip
import json
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests import captures

if TYPE_CHECKING:
    from collections.abc import Iterator

#: By API key: which user's documents are served.
USERS = {
    "replay-key": ("key", "apikey"),
    "replay-limited": ("limited", "limited"),
    "replay-admin": ("admin", "admin"),
}


@cache
def capture(name: str) -> dict[str, Any]:
    return json.loads((captures.FOLDER / f"{name}.json").read_text())


def body(name: str) -> Any:
    return capture(name)["response"]["body"]


@cache
def document(name: str) -> Any:
    return json.loads(gzip.decompress((captures.FOLDER / f"{name}.json.gz").read_bytes()))


def captured_rows(entity: str, suffix: str = "") -> list[dict[str, Any]]:
    """All that the captured lists say of each record of an entity type."""
    rows: dict[str, dict[str, Any]] = {}
    for name in (f"list-{entity}{suffix}", f"list-select-{entity}-linkmultiple", f"read-{entity}"):
        if not (captures.FOLDER / f"{name}.json").exists() or (suffix and name != f"list-{entity}{suffix}"):
            continue
        found = body(name)
        for row in found["list"] if "list" in found and "total" in found else [found]:
            rows.setdefault(row["id"], {}).update(row)
    return list(rows.values())


class Replay:
    """Serves the captures until it is closed; `requests` holds what was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def handle_one_request(self) -> None:
                super().handle_one_request()

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                parameters = dict(parse_qsl(parts.query))
                path = unquote(parts.path.removeprefix("/api/v1/"))
                replay.requests.append((self.command, path, parameters))
                status, headers, found = replay.answer(path, parameters, self.headers.get("X-Api-Key", ""))
                content = b"" if found is None else json.dumps(found).encode()
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, parameters: dict[str, str], key: str) -> tuple[int, dict[str, str], Any]:
        json_type = {"Content-Type": "application/json"}
        if key not in USERS:
            return 401, {"Content-Type": "text/html; charset=UTF-8"}, None
        user, name = USERS[key]
        fixed = {
            "App/user": lambda: body(f"auth-app-user-{name}"),
            "Metadata": lambda: document(f"metadata-full-{user}"),
            "I18n": lambda: document("i18n-full"),
            "GlobalStream": lambda: {**body("stream-GlobalStream"), "total": -2},
        }
        if path in fixed:
            return 200, json_type, fixed[path]()
        entity, _, rest = path.partition("/")
        suffix = {"replay-limited": "-limited", "replay-admin": "-admin"}.get(key, "")
        if rest or not (captures.FOLDER / f"list-{entity}{suffix}.json").exists():
            return 404, {**json_type, "X-Status-Reason": f"Controller '{entity}' does not exist."}, None
        return 200, json_type, listing(captured_rows(entity, suffix), parameters)


def listing(rows: list[dict[str, Any]], parameters: dict[str, str]) -> dict[str, Any]:
    """Filter, order and cut captured rows as EspoCRM's list would."""
    wheres = list(_wheres(parameters))
    order = parameters.get("orderBy", "id")
    kept = [row for row in rows if all(_meets(row, where) for where in wheres)]
    kept.sort(key=lambda row: (row.get(order) or "", row["id"]))
    size = int(parameters.get("maxSize", 200))
    total = -1 if len(kept) > size else -2
    shown = kept[:size]
    if "select" in parameters:
        names = {"id", *parameters["select"].split(",")}
        # Links come when selected; those of which nothing was captured come empty.
        links = {name: [] for name in names if name.endswith("Ids")}
        shown = [{**links, **{k: _cut(v) for k, v in row.items() if k in names}} for row in shown]
    return {"total": total, "list": shown}


def _cut(value: Any) -> Any:
    return value[:10_000] if isinstance(value, str) else value


def _wheres(parameters: dict[str, str]) -> Iterator[dict[str, Any]]:
    tree: dict[str, Any] = {}
    for key, value in parameters.items():
        if key.startswith("where["):
            node = tree
            *path, last = key.removeprefix("where").strip("[]").split("][")
            for part in path:
                node = node.setdefault(part, {})
            node[last] = value
    yield from tree.values()


def _meets(row: dict[str, Any], where: dict[str, Any]) -> bool:
    if where["type"] in {"or", "and"}:
        parts = [_meets(row, inner) for inner in where["value"].values()]
        return any(parts) if where["type"] == "or" else all(parts)
    value, wanted = row.get(where["attribute"]), where.get("value")
    if isinstance(value, int) and isinstance(wanted, str):
        wanted = int(wanted)
    return {
        "equals": lambda: value == wanted,
        "greaterThan": lambda: value is not None and value > wanted,
        "greaterThanOrEquals": lambda: value is not None and value >= wanted,
        "isNull": lambda: value is None,
        "isNotNull": lambda: value is not None,
        "in": lambda: value in wanted.values(),
    }[where["type"]]()
