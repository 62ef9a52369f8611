"""The outside world: which records the CRMs show, and people working in them. Knows no warehouse."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crm_simulator import Simulator

PAGE = 200
PLURALS = {
    "activity": "activities",
    "company": "companies",
    "opportunity": "opportunities",
    "salesorder": "sales_orders",
    "purchaseorder": "purchase_orders",
}
"""OpenCRM streams whose name is more than the module with an s."""

STREAMED = {"Note"}
"""Entities whose list shows a user only its own records: the rest is read from the global stream."""

WORKED_IN = {
    "opencrm": ("company", "contact", "opportunity", "ticket"),
    "espocrm": ("Account", "Case", "Contact", "Opportunity"),
}
"""The entities of each CRM in which somebody works between the two runs."""


def snake_case(entity: str) -> str:
    """Return an EspoCRM entity type as a stream name: KnowledgeBaseArticle is knowledge_base_article."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", entity).lower()


def visible_ids(simulator: Simulator, entity: str) -> frozenset[str] | None:
    """Return the ids EspoCRM shows the demo's API user, asked over HTTP; None where it refuses the list."""
    query = f"select=id&orderBy=id&order=asc&maxSize={PAGE}"
    headers = {"X-Api-Key": simulator.espocrm.credentials["api_key"]["api_key"], "X-No-Total": "true"}
    found: set[str] = set()
    size = PAGE
    while size == PAGE:
        url = f"{simulator.espocrm.url}/api/v1/{entity}?{query}&offset={len(found)}"
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 (the simulator's own address)
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                page = json.load(answer)["list"]
        except urllib.error.HTTPError:
            return None
        found |= {row["id"] for row in page}
        size = len(page)
    return frozenset(found)


def sources(simulator: Simulator) -> dict[tuple[str, str], frozenset[str]]:
    """Return the live ids of every readable entity of both CRMs by (schema, table)."""
    found = {
        ("opencrm", PLURALS.get(entity, f"{entity}s")): frozenset(simulator.opencrm.store.ids(entity))
        for entity in simulator.opencrm.store.entities()
    }
    store = simulator.espocrm.store
    for entity in store.entities():
        ids = frozenset(store.ids(entity)) if entity in STREAMED else visible_ids(simulator, entity)
        if ids is not None:
            found["espocrm", snake_case(entity)] = ids
    return found


def work_in(simulator: Simulator) -> int:
    """Change, add and delete records in both CRMs, as people would; returns how many."""
    touched = 0
    for name, crm in (("opencrm", simulator.opencrm), ("espocrm", simulator.espocrm)):
        for entity in WORKED_IN[name]:
            ids = sorted(crm.store.ids(entity))
            for record_id in ids[:5]:
                crm.store.update(entity, record_id, {"description": "Changed between the two runs"})
            for record_id in ids[-2:]:
                crm.store.delete(entity, record_id)
            for _ in range(3):
                crm.store.create(entity)
            touched += 10
    return touched
