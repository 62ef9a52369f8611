"""Meets a server: logs in and reads the documents in which it describes itself and what we may do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError, FatalAPIError

from tap_espocrm.answers import UnexpectedAnswerError
from tap_espocrm.metadata import may_read

if TYPE_CHECKING:
    from tap_espocrm.client import Client

logger = logging.getLogger("tap-espocrm.server")

DEFAULT_PAGE_SIZE = 200
#: `orderBy` exists since 5.5, ties are broken by id since 7.0 (source tags of EspoCRM).
FIRST_WITH_ORDER_BY = (5, 5)
FIRST_WITH_TIE_BREAK = (7, 0)

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Server:
    """What a server said about itself and about us."""

    version: str
    user_name: str
    is_admin: bool
    page_cap: int
    metadata: Document
    acl: Document
    labels: Document

    @property
    def release(self) -> tuple[int, ...] | None:
        """The version as numbers; None where it does not tell (a development checkout)."""
        parts = self.version.split(".")[:2]
        return tuple(int(p) for p in parts) if all(p.isdecimal() for p in parts) else None

    @property
    def has_id_tie_break(self) -> bool:
        """Whether rows that share a value of `orderBy` come ordered by id."""
        return self.release is None or self.release >= FIRST_WITH_TIE_BREAK

    def may_follow(self, entity: str) -> bool:
        """Tell whether the role lets us read the notes of an entity type's records."""
        access = (self.acl.get("table") or {}).get(entity, self.is_admin)
        return access.get("stream") != "no" if isinstance(access, Mapping) else access is True

    def may_use(self, scope: str) -> bool:
        """Tell whether the access table lets us read a scope."""
        return may_read((self.acl.get("table") or {}).get(scope, self.is_admin))


def meet_server(client: Client, *, is_legacy: bool) -> Server:
    """Log in and read the documents that describe the server."""
    me = client.log_in()
    settings = me.get("settings") or {}
    if "version" not in settings:
        settings = {**_document(client.get("Settings"), "Settings"), **settings}
    with ThreadPoolExecutor(max_workers=2) as pool:
        metadata = pool.submit(client.get, "Metadata")
        labels = pool.submit(_labels, client)
    user = me.get("user") or {}
    server = Server(
        version=str(settings.get("version") or "unknown"),
        user_name=str(user.get("userName") or ""),
        is_admin=user.get("type") in {"admin", "super-admin"} or user.get("isAdmin") is True,
        page_cap=int(settings.get("recordListMaxSizeLimit") or DEFAULT_PAGE_SIZE),
        metadata=_document(metadata.result(), "Metadata"),
        acl=me["acl"],
        labels=labels.result(),
    )
    if server.release is not None and server.release < FIRST_WITH_ORDER_BY and not is_legacy:
        raise ConfigurationError(
            f"This server runs EspoCRM {server.version}: before 5.5 lists know only the old sort parameters. "
            "Set legacy_dialect: true, or update EspoCRM."
        )
    return server


def _labels(client: Client) -> Document:
    try:
        return _document(client.get("I18n", retries=1), "I18n")
    except (FatalAPIError, UnexpectedAnswerError) as error:
        logger.warning("No labels: %s", error)
        return {}


def _document(found: object, name: str) -> Document:
    """Check that a document is an object; PHP writes an empty one as an array."""
    if not isinstance(found, dict):
        raise UnexpectedAnswerError(f"GET {name}: the answer is not an object.")
    return found
