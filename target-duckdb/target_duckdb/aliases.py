"""Streams to which stream maps give one name: they share a table, which has the properties of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from target_duckdb.errors import InvalidSchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable

Message: TypeAlias = dict[str, Any]


class Aliases:
    """Knows which streams come under which name, and with which schema."""

    def __init__(self, *, is_deleting: bool) -> None:
        """Take whether an ACTIVATE_VERSION message deletes what a stream no longer holds."""
        self._is_deleting = is_deleting
        self._sources: dict[str, dict[str, Message]] = {}
        self._activated: dict[str, str] = {}

    def join(self, source: str, message: Message) -> Message:
        """Return the SCHEMA of a stream under its alias, with the properties of all that have the same."""
        alias = message["stream"]
        sources = self._sources.setdefault(alias, {})
        sources[source] = message
        if len(sources) == 1:
            return message
        if len({tuple(sent["key_properties"] or ()) for sent in sources.values()}) > 1:
            raise InvalidSchemaError(
                f"{self._said(alias)} but do not have the same key: give each its own name"
            )
        self._refuse(alias)
        return message | {"schema": message["schema"] | {"properties": _joined(sources.values())}}

    def activate(self, source: str, message: Message) -> Message:
        """Return an ACTIVATE_VERSION under its alias, unless that would delete what another stream holds."""
        self._activated.setdefault(message["stream"], source)
        self._refuse(message["stream"])
        return message

    def _refuse(self, alias: str) -> None:
        if self._is_deleting and alias in self._activated and len(self._sources[alias]) > 1:
            raise InvalidSchemaError(
                f"{self._said(alias)}, and ACTIVATE_VERSION of {self._activated[alias]!r} would delete rows"
                " of the others: give each its own name, or set process_activate_version_messages to false"
            )

    def _said(self, alias: str) -> str:
        return f"streams {', '.join(map(repr, self._sources[alias]))} are all called {alias!r} by stream_maps"


def _joined(messages: Iterable[Message]) -> dict[str, Any]:
    """Return the properties of some schemas; one that has several rules may be as any of them says."""
    rules: dict[str, list[Any]] = {}
    for message in messages:
        for name, rule in message["schema"].get("properties", {}).items():
            known = rules.setdefault(name, [])
            if rule not in known:
                known.append(rule)
    return {name: known[0] if len(known) == 1 else {"anyOf": known} for name, known in rules.items()}
