"""Finds what can be read: the entity types by a probe of each, and the many-to-many links between them."""

from __future__ import annotations

import difflib
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError, FatalAPIError

from tap_espocrm.answers import RefusedError, UnexpectedAnswerError
from tap_espocrm.labels import snake_case
from tap_espocrm.links import Link, LinkSide, find_links
from tap_espocrm.lists import page_of
from tap_espocrm.metadata import Entity, build_entity, candidates
from tap_espocrm.query import ListQuery

if TYPE_CHECKING:
    from tap_espocrm.client import Client
    from tap_espocrm.server import Server

logger = logging.getLogger("tap-espocrm.discovery")

_PROBES_AT_ONCE = 8
#: A link that no list gives costs one request for each record of a side, in every run.
MOST_RELATED_LISTS = 20_000

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Probe:
    """What one small list request told about an entity type."""

    is_readable: bool
    can_order_by_stamp: bool = False
    sample_id: str | None = None
    refusal: str = ""
    is_failure: bool = False
    """Whether the server failed, instead of refusing."""


@dataclass(frozen=True)
class Wanted:
    """Which entity types the user wants, by entity type or stream name; empty means all."""

    entities: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def choose(self, readable: Iterable[str], existing: Iterable[str]) -> list[str]:
        """Keep the wanted of the readable entity types; an unknown name is an error, in either setting."""
        by_name = _by_either_name(readable)
        wanted = [_find(by_name, name, "entities") for name in self.entities] or by_name.values()
        known = {**_by_either_name(existing), **by_name}
        unwanted = {_find(known, name, "exclude_entities") for name in self.excluded}
        return sorted({name for name in wanted if name not in unwanted})


def _by_either_name(names: Iterable[str]) -> dict[str, str]:
    return {alias: name for name in names for alias in (name, snake_case(name))}


def _find(by_name: Mapping[str, str], name: str, setting: str) -> str:
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, by_name, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ConfigurationError(
        f"{setting}: {name!r} is no entity type that this server has and this user may read.{hint}"
    )


@dataclass(frozen=True)
class Findings:
    """Everything discovery found out."""

    server: Server
    entities: tuple[Entity, ...]
    links: tuple[Link, ...]
    probes: Mapping[str, Probe] = field(default_factory=dict)
    is_legacy: bool = False

    @property
    def failures(self) -> dict[str, str]:
        """The streams that should be there, if the server had not failed when asked for them."""
        return {snake_case(name): probe.refusal for name, probe in self.probes.items() if probe.is_failure}


def discover(client: Client, server: Server, wanted: Wanted, *, is_legacy: bool) -> Findings:
    """Find the entity types that can be read, and the many-to-many links between them."""
    readable = candidates(server.metadata, server.acl, is_admin=server.is_admin)
    chosen = [name for name in wanted.choose(readable, server.metadata["entityDefs"]) if name != "Note"]
    with ThreadPoolExecutor(max_workers=_PROBES_AT_ONCE) as pool:
        probes = dict(
            zip(
                chosen,
                pool.map(lambda n: _probe(client, n, server, is_legacy=is_legacy), chosen),
                strict=True,
            )
        )
    for name, probe in probes.items():
        if not probe.is_readable and {name, snake_case(name)} & set(wanted.entities):
            raise ConfigurationError(f"entities: {name} cannot be read. {probe.refusal}")
    found = [name for name, probe in probes.items() if probe.is_readable]
    entities = [_entity(name, server, probes[name]) for name in found]
    links = find_links(server.metadata, found, server.acl)
    return Findings(server, tuple(entities), tuple(links), probes, is_legacy=is_legacy)


def usable_links(client: Client, findings: Findings) -> list[Link]:
    """Keep the links whose ids are listed, and those whose related lists answer."""
    with ThreadPoolExecutor(max_workers=_PROBES_AT_ONCE) as pool:
        links = _confirmed(client, findings, pool)
        unlisted = {s.entity for k in links if not k.near.is_listed for s in (k.near, k.far) if s}
        counts = dict(zip(unlisted, pool.map(lambda name: _count(client, name), unlisted), strict=True))
        kept = pool.map(lambda link: _choose_side(client, findings, link, counts), links)
        return [link for link in kept if link is not None]


def _confirmed(client: Client, findings: Findings, pool: ThreadPoolExecutor) -> list[Link]:
    """Ask one row of each entity type for the ids of its links: what does not come is not listed."""
    wanted: dict[str, list[str]] = {}
    for link in findings.links:
        if link.near.is_listed and findings.probes[link.near.entity].sample_id:
            wanted.setdefault(link.near.entity, []).append(link.near.ids)
    rows = dict(
        zip(wanted, pool.map(lambda name: _row(client, findings, name, wanted[name]), wanted), strict=True)
    )
    absent = {
        link.stream
        for link in findings.links
        if link.near.entity in rows and link.near.is_listed and link.near.ids not in rows[link.near.entity]
    }
    return [link.unlisted() if link.stream in absent else link for link in findings.links]


def _row(
    client: Client, findings: Findings, name: str, attributes: Sequence[str]
) -> Mapping[str, Any] | Sequence[str]:
    query = ListQuery("id", select=(("id", *attributes),), max_size=1, is_legacy=findings.is_legacy)
    try:
        page = page_of(name, client.get(name, query.parameters()), 1)
    except (FatalAPIError, UnexpectedAnswerError) as error:
        logger.debug("The links of %s cannot be confirmed: %s", name, error)
        return attributes
    return page.rows[0] if page.rows else attributes


def _count(client: Client, name: str) -> int:
    """Count the records of an entity type; one that the server does not count is taken for large."""
    try:
        body = client.get(name, (("maxSize", "0"),), retries=1, with_total=True)
    except (RefusedError, FatalAPIError):
        return sys.maxsize
    total = body.get("total") if isinstance(body, dict) else None
    return total if isinstance(total, int) and total >= 0 else sys.maxsize


def _choose_side(client: Client, findings: Findings, link: Link, counts: Mapping[str, int]) -> Link | None:
    """Read a link that no list gives from the side with fewer records, if that has a related list."""
    if link.near.is_listed:
        return link
    sides = sorted((side for side in (link.near, link.far) if side), key=lambda s: counts[s.entity])
    for side in [side for side in sides if counts[side.entity] <= MOST_RELATED_LISTS]:
        if _related_answers(client, side, findings):
            return link.read_from(side)
    logger.warning(
        "Link %s left out: no list gives its ids, and no side with at most %d records has a related list.",
        link.stream,
        MOST_RELATED_LISTS,
    )
    return None


def _related_answers(client: Client, side: LinkSide, findings: Findings) -> bool:
    sample_id = findings.probes[side.entity].sample_id
    if sample_id is None:
        return True
    path = f"{side.entity}/{sample_id}/{side.link}"
    query = ListQuery("id", select=(("id",),), max_size=1, is_legacy=findings.is_legacy)
    try:
        page_of(path, client.get(path, query.parameters(), retries=1), 1)
    except (RefusedError, UnexpectedAnswerError, FatalAPIError) as error:
        logger.debug("Related list not usable: %s", error)
        return False
    return True


def _probe(client: Client, name: str, server: Server, *, is_legacy: bool) -> Probe:
    """List one row, ordered as the stream will be."""
    fields = (server.metadata["entityDefs"][name].get("fields")) or {}
    orders: Sequence[str] = ("modifiedAt", "id") if "modifiedAt" in fields else ("id",)
    refused = Probe(is_readable=False)
    for order in orders:
        query = ListQuery(order, select=(("id",),), max_size=1, is_legacy=is_legacy)
        try:
            # A failure of the better order is no failure of the entity type: the other order is tried soon.
            retries = None if order == orders[-1] else 1
            page = page_of(name, client.get(name, query.parameters(), retries=retries), 1)
        except RefusedError as error:
            refused = Probe(is_readable=False, refusal=str(error))
            continue
        except (FatalAPIError, UnexpectedAnswerError) as error:
            refused = Probe(is_readable=False, refusal=str(error), is_failure=True)
            continue
        return Probe(
            is_readable=True,
            can_order_by_stamp=order == "modifiedAt",
            sample_id=str(page.rows[0]["id"]) if page.rows else None,
        )
    logger.log(logging.WARNING if refused.is_failure else logging.INFO, "Left out: %s", refused.refusal)
    return refused


def _entity(name: str, server: Server, probe: Probe) -> Entity:
    entity = build_entity(name, server.metadata, server.acl, server.labels)
    if entity.hidden_fields:
        logger.warning(
            "Entity %s: the role hides %s; these fields are left out.", name, ", ".join(entity.hidden_fields)
        )
    for field_name, field_type in entity.unknown_types.items():
        logger.warning(
            "Entity %s: field %s has the unknown type %r; it is loaded as it comes.",
            name,
            field_name,
            field_type,
        )
    if entity.password_fields:
        logger.warning(
            "Entity %s: %s holds passwords in clear text; deselect it to keep it out.",
            name,
            ", ".join(entity.password_fields),
        )
    return entity if probe.can_order_by_stamp else entity.without_stamp()
