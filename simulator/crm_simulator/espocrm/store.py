"""The truth behind the API: rows and relations, with the rules of what a write changes."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

from crm_simulator.espocrm.computed import RATES
from crm_simulator.espocrm.links import Links
from crm_simulator.espocrm.moments import make_id, text_of
from crm_simulator.espocrm.notes import Notes
from crm_simulator.espocrm.records import Records
from crm_simulator.espocrm.schema import Schema
from crm_simulator.espocrm.tables import Row, Table

if TYPE_CHECKING:
    from crm_simulator.clock import Clock
    from crm_simulator.espocrm.relations import Columns
    from crm_simulator.espocrm.seeds import Seeds
    from crm_simulator.espocrm.switches import EspoCRMSwitches

NUMBERED = {
    "ActionHistoryRecord": "number",
    "CEverything": "fAutoincrement",
    "Case": "number",
    "Job": "number",
    "Note": "number",
    "Notification": "number",
}


class Store:
    """Every record of the CRM; safe to use from many threads."""

    def __init__(self, seeds: Seeds, clock: Clock, switches: EspoCRMSwitches) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.schema = Schema()
        self.schema.on_change.append(self._schema_changed)
        self.switches = switches
        self.seeds = seeds
        self.records = Records(self)
        self.joints = Links(self)
        self.notes = Notes(self)
        self.rates: dict[str, float] = dict(RATES)
        self.followers: dict[tuple[str, str], set[str]] = {}
        self._settled = False
        self._tables: dict[str, Table] = {}
        self._random = random.Random(f"{seeds.seed}/ids")  # noqa: S311 - ids, not cryptography
        self._last: dict[str, int] = {}

    def entities(self) -> list[str]:
        """Name the entity types that have records."""
        return [name for name, entity in self.schema.entities.items() if entity.has("entity")]

    def links(self, entity: str) -> list[str]:
        """Name the many-to-many links of an entity type that are fields of it, loaded in lists or not."""
        shown = (name.removesuffix("Ids") for name in self.schema.attributes(entity) if name.endswith("Ids"))
        found = ((name, self.schema.link(entity, name)) for name in shown)
        return [name for name, link in found if link is not None and self.schema.is_many_to_many(link)]

    def ids(self, entity: str) -> set[str]:
        """Give the ids of all live records."""
        with self.lock:
            return set(self.table(entity).live)

    def get(self, entity: str, identity: str) -> Row:
        """Give a record with all attributes that a list can give, in full; it may be a deleted one."""
        with self.lock:
            return self.records.whole(entity, self.row(entity, identity))

    def rows(self, entity: str) -> list[Row]:
        """Give all live records as `get` does."""
        with self.lock:
            return [self.records.whole(entity, row) for row in self.table(entity).live.values()]

    def create(self, entity: str, fields: Row | None = None, *, by: str | None = None) -> str:
        """Add a record; what is not given gets believable content unless somebody (`by`) creates it."""
        with self.lock:
            self._settle()
            table, given, now = self.table(entity), dict(fields or {}), self.now()
            row: Row = {} if by else self.seeds.sample(entity)
            row |= {"id": self.new_id(), "createdAt": now, "createdById": by or self.seeds.admin_id}
            row |= self._stamps(entity, now) | self.number(entity)
            links = self.joints.take(entity, given)
            row |= self._with_channels(entity, given)
            table.put(row)
            self.joints.follow_primaries(entity, row, row)
            self.joints.set(entity, row["id"], links)
            self.records.created(entity)
            self.notes.created(entity, row)
            return str(row["id"])

    def update(self, entity: str, identity: str, fields: Row, *, by: str | None = None) -> bool:
        """Save changes to a live record; tells whether the save counted as one."""
        with self.lock:
            self._settle()
            given = dict(fields)
            moved = self.joints.set(entity, identity, self.joints.take(entity, given))
            old = self.table(entity).live[identity]
            changed = {
                name: new for name, new in self._with_channels(entity, given).items() if old.get(name) != new
            }
            versioned = self.schema.entities[entity].has("versioned")
            if not (changed or moved or versioned):
                return False
            row = old | {"modifiedAt": self.now(), "modifiedById": by or self.seeds.admin_id} | changed
            if versioned:
                row["versionNumber"] = old.get("versionNumber", 1) + 1
            self.table(entity).put(row)
            self.joints.follow_primaries(entity, row, changed)
            self.records.changed(entity, identity, changed)
            self.notes.updated(entity, row, changed)
            return True

    def touch(self, entity: str, identity: str, fields: Row) -> None:
        """Change stored attributes without any of the signs of a save."""
        with self.lock:
            self._settle()
            self.table(entity).put(self.table(entity).live[identity] | fields)
            self.records.changed(entity, identity, fields)

    def delete(self, entity: str, identity: str, *, by: str | None = None) -> None:
        """Delete a record softly; whatever points to it still does."""
        with self.lock:
            self._settle()
            table = self.table(entity)
            stamps = {"deleted": True, "modifiedAt": self.now(), "modifiedById": by or self.seeds.admin_id}
            table.drop(table.live[identity] | stamps)
            self.records.changed(entity, identity, {"name"})

    def undelete(self, entity: str, identity: str) -> None:
        """Bring a deleted record back; modifiedAt stays as the deletion set it."""
        with self.lock:
            table = self.table(entity)
            table.put(table.gone[identity] | {"deleted": False})
            self.records.changed(entity, identity, {"name"})

    def relate(
        self, entity: str, identity: str, link: str, foreign_id: str, columns: Columns | None = None
    ) -> None:
        """Relate two records, or change the columns of their pair; modifiedAt of neither changes."""
        with self.lock:
            self.joints.relate(entity, identity, link, foreign_id, columns or {})

    def unrelate(self, entity: str, identity: str, link: str, foreign_id: str) -> None:
        """Part two records; modifiedAt of neither changes."""
        with self.lock:
            self.joints.unrelate(entity, identity, link, foreign_id)

    def related(self, entity: str, identity: str, link: str) -> dict[str, Columns]:
        """Give the live records a record is related to, with the columns of each pair."""
        with self.lock:
            return self.joints.related(entity, identity, link)

    def follow(self, entity: str, identity: str, user: str) -> None:
        """Let a user follow a record; its modifiedAt stays."""
        with self.lock:
            self.followers.setdefault((entity, identity), set()).add(user)

    def unfollow(self, entity: str, identity: str, user: str) -> None:
        """Let a user follow a record no more."""
        with self.lock:
            self.followers.get((entity, identity), set()).discard(user)

    def set_rate(self, currency: str, rate: float) -> None:
        """Change what a currency is worth; converted amounts change without their records being saved."""
        with self.lock:
            self.rates[currency] = rate
            self.records.forget()

    def fill(self, entity: str, count: int) -> None:
        """Add many plain records quickly, for measurements."""
        with self.lock:
            self._settle()
            self.table(entity).fill(self.seeds.bulk(entity, count))
            self.records.created(entity)

    def table(self, entity: str) -> Table:
        """Give the table of an entity type, filled with its seeded rows when it is first wanted."""
        table = self._tables.get(entity)
        if table is None:
            with self.lock:
                table = self._tables.get(entity)
                if table is None:
                    table = self._tables[entity] = Table()
                    self.seeds.fill(self, entity, table)
        return table

    def row(self, entity: str, identity: str) -> Row:
        """Give the stored row, live or deleted; it is not to be changed."""
        table = self.table(entity)
        row = table.live.get(identity) or table.gone.get(identity)
        if row is None:
            raise KeyError(f"no {entity} {identity}")
        return row

    def find(self, entity: str, identity: object) -> Row | None:
        """Give a live row, or None."""
        known = entity in self.schema.entities and isinstance(identity, str)
        return self.table(entity).live.get(identity) if known and isinstance(identity, str) else None

    def now(self) -> str:
        """Tell the time as EspoCRM writes it."""
        return text_of(self.clock.now().timestamp())

    def new_id(self) -> str:
        """Make an id."""
        return make_id(self.switches.id_type, int(self.clock.now().timestamp()), self._random)

    def number(self, entity: str) -> Row:
        """Give the next number to a record of a type that has numbers."""
        name = NUMBERED.get(entity)
        if name is None:
            return {}
        rows = self.table(entity).live.values()
        last = self._last.get(entity) or max((row.get(name) or 0 for row in rows), default=0)
        self._last[entity] = last + 1
        number: Row = {name: last + 1}
        return number | ({"fNumber": f"EV-{last + 1:06d}"} if entity == "CEverything" else {})

    def _settle(self) -> None:
        """Make the first records that follow from others before those change."""
        if not self._settled:
            self._settled = True
            for entity in self.seeds.derived():
                self.table(entity)

    def _stamps(self, entity: str, now: str) -> Row:
        known = self.schema.attributes(entity)
        stamps: Row = {"modifiedAt": now, "streamUpdatedAt": now, "versionNumber": 1}
        return {name: value for name, value in stamps.items() if name in known}

    def _with_channels(self, entity: str, fields: Row) -> Row:
        """Keep an address and the list it heads in step."""
        changes = dict(fields)
        for field in self.schema.entities[entity].fields.values():
            if field.type in {"email", "phone"}:
                changes |= _channel(field.name, fields)
        return changes

    def _schema_changed(self) -> None:
        with self.lock:
            self.records.forget_schema()
            for table in self._tables.values():
                table.forget_indexes()


def _channel(name: str, fields: Row) -> Row:
    data = fields.get(f"{name}Data")
    if data is not None:
        first = next((item for item in data if item.get("primary")), data[0] if data else {})
        return {
            name: first.get(name),
            f"{name}IsOptedOut": bool(first.get("optOut")),
            f"{name}IsInvalid": bool(first.get("invalid")),
        }
    return {f"{name}Data": None} if name in fields else {}
