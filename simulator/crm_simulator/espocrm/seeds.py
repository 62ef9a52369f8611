"""Which records this CRM begins with: how many, made when, with which ids; the same for the same seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from crm_simulator.content import Content
from crm_simulator.espocrm.attributes import attributes_of
from crm_simulator.espocrm.contents import MAKERS
from crm_simulator.espocrm.definitions import entities
from crm_simulator.espocrm.drafts import Draft
from crm_simulator.espocrm.moments import make_id, text_of
from crm_simulator.espocrm.users import USERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.switches import EspoCRMSwitches
    from crm_simulator.espocrm.tables import Row, Table

COUNTS = {
    "Account": 450,
    "CEverything": 30,
    "CGuest": 30,
    "CMembership": 60,
    "CSupplier": 30,
    "CVisit": 40,
    "Call": 600,
    "Campaign": 12,
    "Case": 450,
    "Contact": 1000,
    "Document": 120,
    "DocumentFolder": 4,
    "Email": 750,
    "EmailTemplate": 6,
    "EmailTemplateCategory": 2,
    "KnowledgeBaseArticle": 40,
    "KnowledgeBaseCategory": 5,
    "Lead": 800,
    "Meeting": 500,
    "Opportunity": 550,
    "TargetList": 8,
    "TargetListCategory": 2,
    "Task": 650,
    "Template": 3,
    "WorkingTimeCalendar": 1,
}
"""Records at scale 1; entity types that are not here begin empty or follow from others."""
FIXED = {"User": len(USERS), "Team": 3, "Role": 2, "ScheduledJob": 4, "Job": 3}
"""Records at any scale."""
_SPAN_DAYS = 730


class Seeds:
    """The content of a new CRM, made entity type by entity type when it is first wanted."""

    def __init__(self, seed: int, scale: float, today: datetime, switches: EspoCRMSwitches) -> None:
        self.seed = seed
        self.switches = switches
        self.scale = scale
        self.today = int(today.timestamp())
        self.start = self.today - _SPAN_DAYS * 86400
        self._origins: dict[str, list[tuple[str, int]]] = {}
        self._samples = 0

    @property
    def admin_id(self) -> str:
        """The id of the administrator."""
        return self.origins("User")[0][0]

    def count(self, entity: str) -> int:
        """Tell how many records of a type there are in the beginning."""
        if entity in FIXED:
            return FIXED[entity]
        most = COUNTS.get(entity, 0)
        return max(min(most, 2), round(most * self.scale))

    def origins(self, entity: str) -> list[tuple[str, int]]:
        """Give the ids of a type's first records with the moments they were made."""
        known = self._origins.get(entity)
        if known is None:
            known = self._origins[entity] = list(self._make_origins(entity))
        return known

    def _make_origins(self, entity: str) -> Iterator[tuple[str, int]]:
        source = random.Random(f"{self.seed}/{entity}/ids")  # noqa: S311 - ids, not cryptography
        count = self.count(entity)
        early = entity in FIXED
        span = 86400 if early else self.today - self.start - 86400
        for index in range(count):
            created = self.start + int(span * (index + source.random()) / count) + (0 if early else 86400)
            yield make_id(self.switches.id_type, created, source), created

    def fill(self, store: Store, entity: str, table: Table) -> None:
        """Put the first records of a type into its table, and their relations beside it."""
        maker = MAKERS.get(entity)
        if maker is None:
            return
        draft = Draft(self, Content(self.seed, entity), entity)
        if maker.of_others is not None:
            table.fill(self._finish(entity, row, draft) for row in list(maker.of_others(store, draft)))
            return
        rows = []
        for index, (identity, created) in enumerate(self.origins(entity)):
            draft.begin(index, identity, created)
            rows.append(self._finish(entity, maker.make(draft), draft))
            for link, other, columns in draft.pairs:
                store.joints.seed(entity, identity, link, other, columns)
        table.fill(rows)

    def derived(self) -> list[str]:
        """Name the types whose first records follow from those of others."""
        return [name for name, maker in MAKERS.items() if maker.of_others is not None]

    def sample(self, entity: str) -> Row:
        """Make believable content for one more record."""
        maker = MAKERS.get(entity)
        if maker is None:
            return {}
        self._samples += 1
        draft = Draft(self, Content(self.seed, f"{entity}/{self._samples}"), entity)
        draft.begin(self._samples + 1_000_000, "", self.today)
        return maker.make(draft)

    def bulk(self, entity: str, count: int) -> Iterator[Row]:
        """Make many plain records: a few hundred different ones, told apart by number and time."""
        templates = [self.sample(entity) for _ in range(min(count, 256))]
        names = [name for name in ("name", "lastName") if name in templates[0]]
        owner = self.admin_id
        step = max(0.2, min(60.0, 86400.0 * 365 / count))
        for index in range(count):
            template = templates[index % len(templates)]
            moment = int(self.start + index * step)
            stamp = text_of(moment)
            row = template | {"id": f"{moment:08x}{index:09x}", "createdAt": stamp, "modifiedAt": stamp}
            row["createdById"] = owner
            for name in names:
                row[name] = f"{template[name]} {index}"
            if entities()[entity].has("versioned"):
                row["versionNumber"] = 1
            yield row

    def _finish(self, entity: str, row: Row, draft: Draft) -> Row:
        known = attributes_of(entities()[entity])
        stamps: Row = {"id": draft.id, "createdAt": text_of(draft.created), "createdById": self.admin_id}
        stamps["modifiedAt"] = text_of(draft.modified)
        if draft.modified != draft.created:
            stamps["modifiedById"] = draft.user()
        stamps["streamUpdatedAt"] = text_of(draft.modified)
        stamps["versionNumber"] = 1 if draft.modified == draft.created else 2
        return {name: value for name, value in stamps.items() if name in known} | row
