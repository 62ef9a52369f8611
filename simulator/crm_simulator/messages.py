"""What goes in and comes out over HTTP, as values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from datetime import datetime

HIDDEN = "***"
"""Stands in the log where a secret stood."""


@dataclass
class Request:
    """One HTTP request; header names are lower case, `path` and `query` are as sent."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    number: int = 0
    client: str = ""

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The decoded parts of the path, empty ones left out."""
        return tuple(unquote(part) for part in self.path.split("/") if part)

    @cached_property
    def query_pairs(self) -> list[tuple[str, str]]:
        """The query string as pairs in order, repeated names kept."""
        return parse_qsl(self.query, keep_blank_values=True)

    @cached_property
    def form_pairs(self) -> list[tuple[str, str]]:
        """The form of the body (urlencoded or multipart) as pairs in order."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        if kind.startswith("multipart/form-data"):
            return _multipart(kind, self.body)
        return []

    @cached_property
    def json_body(self) -> object:
        """The body read as JSON, or None where it is not JSON."""
        if self.body[:1] not in b'{["-0123456789tfn \t\r\n':
            return None
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None

    @cached_property
    def params(self) -> dict[str, str]:
        """Query, then form, then top-level JSON members as one dict of texts; the later wins."""
        merged = dict(self.query_pairs)
        merged.update(self.form_pairs)
        if not self.form_pairs and isinstance(self.json_body, dict):
            merged.update({str(name): _text(value) for name, value in self.json_body.items()})
        return merged


@dataclass
class Response:
    """One HTTP answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def json(cls, value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """Answer with a value written as compact JSON."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, {"Content-Type": "application/json", **(headers or {})}, body)

    @classmethod
    def html(cls, text: str, status: int = 200) -> Response:
        """Answer with a web page."""
        return cls(status, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


@dataclass(frozen=True)
class LoggedRequest:
    """One line of a server's log; values of secrets read `***`, status 0 means the connection was cut."""

    number: int
    method: str
    path: str
    query: str
    headers: dict[str, str]
    params: dict[str, str]
    status: int
    at: datetime
    fault: str | None = None


def log_line(
    request: Request, status: int, at: datetime, secrets: frozenset[str], fault: str | None
) -> LoggedRequest:
    """Write down a request without the values of its secrets."""
    return LoggedRequest(
        request.number,
        request.method,
        _hide_path(request.path, secrets),
        _hide_query(request.query, secrets),
        {name: HIDDEN if name in secrets else value for name, value in request.headers.items()},
        {name: HIDDEN if name.lower() in secrets else value for name, value in request.params.items()},
        status,
        at,
        fault,
    )


def _hide_path(path: str, secrets: frozenset[str]) -> str:
    parts = path.split("/")
    for index in range(1, len(parts)):
        if parts[index - 1].lower() in secrets:
            parts[index] = HIDDEN
    return "/".join(parts)


def _hide_query(query: str, secrets: frozenset[str]) -> str:
    if not query:
        return query
    pairs = (part.partition("=") for part in query.split("&"))
    return "&".join(
        name + mark + (HIDDEN if unquote(name).lower() in secrets else value) for name, mark, value in pairs
    )


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    pairs = []
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            pairs.append((name, content.decode("utf-8", "replace")))
    return pairs


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
