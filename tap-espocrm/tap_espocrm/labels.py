"""Names things for people and for tables: stream names, titles and help texts; touches no network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tap_espocrm.field_types import attribute_name

if TYPE_CHECKING:
    from tap_espocrm.field_types import Schema

Document = Mapping[str, Any]

_MAX_OPTIONS = 40


def snake_case(name: str) -> str:
    """Turn an entity type or link into a stream name: `KnowledgeBaseArticle` is `knowledge_base_article`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Labels:
    """The names and help texts that EspoCRM's own users see."""

    def __init__(self, entity: str, labels: Document) -> None:
        self.own: Document = labels.get(entity) or {}
        self.shared: Document = labels.get("Global") or {}
        self.entity = str(_dig(self.shared, "scopeNames", entity) or entity)

    def of(self, field_name: str, part: str, facts: Document) -> Schema:
        """Make `title` and `description` of an attribute."""
        attribute = attribute_name(field_name, part)
        title = self._label(attribute) if part else None
        if title is None:
            label = self._label(field_name) or _words(field_name)
            title = f"{label} {part[:1].upper()}{part[1:]}" if part else label
        description = " ".join(filter(None, (self._tooltip(field_name), _options(facts))))
        return {"title": title, "description": description} if description else {"title": title}

    def _label(self, name: str) -> str | None:
        found = _dig(self.own, "fields", name) or _dig(self.shared, "fields", name)
        return found if isinstance(found, str) else None

    def _tooltip(self, name: str) -> str | None:
        found = _dig(self.own, "tooltips", name) or _dig(self.shared, "tooltips", name)
        return found if isinstance(found, str) else None


def _words(name: str) -> str:
    return " ".join(word.capitalize() for word in snake_case(name).split("_"))


def _options(facts: Document) -> str | None:
    options = facts.get("options")
    if not isinstance(options, list):
        return None
    named = [str(o) for o in options if o != ""]
    shown = ", ".join(named[:_MAX_OPTIONS])
    rest = len(named) - _MAX_OPTIONS
    return f"Options: {shown}{f' and {rest} more' if rest > 0 else ''}." if named else None


def _dig(document: Document, *path: str) -> object:
    found: object = document
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
