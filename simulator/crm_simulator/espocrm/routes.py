"""Which function answers which request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_simulator.espocrm import about, reading, streams, writing
from crm_simulator.espocrm.calls import answer_value
from crm_simulator.espocrm.refusals import not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulator.espocrm.calls import Call
    from crm_simulator.messages import Response

    Handler = Callable[[Call], Response]

ROUTES: tuple[tuple[str, str, str | None, Handler], ...] = (
    ("GET", "", None, lambda _call: answer_value("EspoCRM REST API")),
    ("GET", "App/user", None, about.app_user),
    ("GET", "Settings", None, about.show_settings),
    ("GET", "Metadata", None, about.show_metadata),
    ("GET", "I18n", None, about.show_labels),
    ("GET", "CurrencyRate", None, about.rates),
    ("GET", "GlobalStream", "8.2", streams.global_stream),
    ("GET", "Stream", None, streams.own_stream),
    ("GET", ":entity", None, reading.list_records),
    ("POST", ":entity", None, writing.create),
    ("GET", ":entity/:id", None, reading.read_record),
    ("PUT", ":entity/:id", None, writing.update),
    ("PATCH", ":entity/:id", None, writing.update),
    ("DELETE", ":entity/:id", None, writing.delete),
    ("GET", ":entity/:id/stream", None, streams.record_stream),
    ("GET", ":entity/:id/posts", None, streams.record_posts),
    ("GET", ":entity/:id/updateStream", None, streams.record_updates),
    ("GET", ":entity/:id/followers", None, streams.followers),
    ("PUT", ":entity/:id/subscription", None, streams.follow),
    ("DELETE", ":entity/:id/subscription", None, streams.unfollow),
    ("GET", ":entity/:id/:link", None, reading.list_related),
    ("POST", ":entity/:id/:link", None, writing.relate),
    ("DELETE", ":entity/:id/:link", None, writing.unrelate),
)
"""Method, path, first version, answer; the first that fits is taken."""
_SPLIT = tuple(
    (method, path.split("/") if path else [], since, handler) for method, path, since, handler in ROUTES
)


def route(
    method: str, parts: tuple[str, ...], since: Callable[[str], bool]
) -> tuple[Handler, dict[str, str]]:
    """Find the answer to a request and the names in its path."""
    for allowed, pattern, version, handler in _SPLIT:
        if allowed == method and len(pattern) == len(parts) and (version is None or since(version)):
            found = _match(pattern, parts)
            if found is not None:
                return handler, found
    controller = parts[0] if parts else ""
    raise not_found(f"Action {method} '{'/'.join(parts[1:])}' does not exist in controller '{controller}'.")


def _match(pattern: list[str], parts: tuple[str, ...]) -> dict[str, str] | None:
    found = {}
    for expected, given in zip(pattern, parts, strict=True):
        if expected.startswith(":"):
            found[expected[1:]] = given
        elif expected != given:
            return None
    return found
