"""The truth behind the API: rows and relations, with the rules of what a write changes."""

from __future__ import annotations

import random
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm import relations
from crm_simulator.espocrm.attributes import attributes
from crm_simulator.espocrm.definitions import Link, entities
from crm_simulator.espocrm.records import Records
from crm_simulator.espocrm.relations import Columns, Relation, Side
from crm_simulator.espocrm.tables import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crm_simulator.clock import Clock
    from crm_simulator.espocrm.seeds import Seeds
    from crm_simulator.espocrm.switches import EspoCRMSwitches
    from crm_simulator.messages import Request

PRIMARY = {
    ("Contact", "accountId"): "accounts",
    ("Opportunity", "contactId"): "contacts",
    ("Case", "contactId"): "contacts",
}
"""Attributes that name the first of the records of a many-to-many link."""
NUMBERED = {
    "ActionHistoryRecord": "number",
    "CEverything": "fAutoincrement",
    "Case": "number",
    "Job": "number",
    "Note": "number",
    "Notification": "number",
}
_UNWATCHED = frozenset({"ActionHistoryRecord", "AuthLogRecord", "Notification"})
_LINK_PARTS = ("Ids", "Columns", "Names", "Types")


class Store:
    """Every record of the CRM; safe to use from many threads."""

    def __init__(self, seeds: Seeds, clock: Clock, switches: EspoCRMSwitches) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.switches = switches
        self.seeds = seeds
        self.records = Records(self)
        self.followers: dict[tuple[str, str], set[str]] = {}
        self._tables: dict[str, Table] = {}
        self._relations: dict[tuple[Side, ...], Relation] = {}
        self._random = random.Random(f"{seeds.seed}/ids")  # noqa: S311 - ids, not cryptography
        self._last: dict[str, int] = {}
        self._logins: deque[tuple[float, str, str, str, str]] = deque(maxlen=5000)

    def now(self) -> str:
        """Tell the time as EspoCRM writes it: UTC, whole seconds."""
        return str(self.clock.now())[:19]

    def entities(self) -> list[str]:
        """Name the entity types that have records."""
        return [name for name, entity in entities().items() if entity.has("entity")]

    def links(self, entity: str) -> list[str]:
        """Name the many-to-many links of an entity type that the API shows as ids."""
        shown = (name[:-3] for name in attributes(entity) if name.endswith("Ids"))
        found = ((name, relations.link_of(entity, name)) for name in shown)
        return [name for name, link in found if link is not None and relations.is_many_to_many(link)]

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

    def row(self, entity: str, identity: str) -> Row:
        """Give the stored row, live or deleted; it is not to be changed."""
        table = self.table(entity)
        row = table.live.get(identity) or table.gone.get(identity)
        if row is None:
            raise KeyError(f"no {entity} {identity}")
        return row

    def find(self, entity: str, identity: object) -> Row | None:
        """Give a live row, or None."""
        known = entity in entities() and isinstance(identity, str)
        return self.table(entity).live.get(identity) if known and isinstance(identity, str) else None

    def new_id(self) -> str:
        """Make an id: the time in hex and nine random digits."""
        return f"{int(self.clock.now().timestamp()):08x}{self._random.getrandbits(36):09x}"

    def create(self, entity: str, fields: Row | None = None, *, by: str | None = None) -> str:
        """Add a record; what is not given gets believable content unless somebody (`by`) creates it."""
        with self.lock:
            table = self.table(entity)
            given = dict(fields or {})
            row = {} if by else self.seeds.sample(entity)
            now = self.now()
            row |= {"id": self.new_id(), "createdAt": now, "createdById": by or self.seeds.admin_id}
            row |= self._stamps(entity, now) | self._number(entity)
            links = _take_links(entity, given)
            row |= _with_channels(entity, given)
            table.put(row)
            self._link_primaries(entity, row, row)
            self._set_links(entity, row["id"], links)
            self.records.created(entity)
            return str(row["id"])

    def update(self, entity: str, identity: str, fields: Row, *, by: str | None = None) -> bool:
        """Save changes to a live record; tells whether the save counted as one."""
        with self.lock:
            old = self.table(entity).live[identity]
            given = dict(fields)
            links = _take_links(entity, given)
            changes = _with_channels(entity, given)
            versioned = entities()[entity].has("versioned")
            moved = self._set_links(entity, identity, links)
            changed = {name: value for name, value in changes.items() if old.get(name) != value}
            if not (changed or moved or versioned):
                return False
            row = old | {"modifiedAt": self.now(), "modifiedById": by or self.seeds.admin_id} | changed
            if versioned:
                row["versionNumber"] = old.get("versionNumber", 1) + 1
            self.table(entity).put(row)
            self._link_primaries(entity, row, changed)
            self.records.changed(entity, identity, changed)
            return True

    def touch(self, entity: str, identity: str, fields: Row) -> None:
        """Change stored attributes without any of the signs of a save."""
        with self.lock:
            self.table(entity).put(self.table(entity).live[identity] | fields)
            self.records.changed(entity, identity, fields)

    def delete(self, entity: str, identity: str, *, by: str | None = None) -> None:
        """Delete a record softly; whatever points to it still does."""
        with self.lock:
            table = self.table(entity)
            stamps = {"deleted": True, "modifiedAt": self.now(), "modifiedById": by or self.seeds.admin_id}
            row = table.live[identity] | stamps
            table.drop(row)
            self.records.changed(entity, identity, {"name": None})

    def undelete(self, entity: str, identity: str) -> None:
        """Bring a deleted record back; modifiedAt stays as the deletion set it."""
        with self.lock:
            table = self.table(entity)
            table.put(table.gone[identity] | {"deleted": False})
            self.records.changed(entity, identity, {"name": None})

    def relate(
        self, entity: str, identity: str, link: str, foreign_id: str, columns: Columns | None = None
    ) -> None:
        """Relate two records; modifiedAt of neither changes."""
        with self.lock:
            definition = self._link(entity, link)
            if relations.is_many_to_many(definition):
                self._pair(entity, identity, definition, foreign_id, columns or {})
            else:
                self._point(entity, identity, definition, foreign_id, identity)

    def unrelate(self, entity: str, identity: str, link: str, foreign_id: str) -> None:
        """Part two records; modifiedAt of neither changes."""
        with self.lock:
            definition = self._link(entity, link)
            if relations.is_many_to_many(definition):
                self._part(entity, identity, definition, foreign_id)
            else:
                self._point(entity, identity, definition, foreign_id, None)

    def related(self, entity: str, identity: str, link: str) -> dict[str, Columns]:
        """Give the live records a record is related to, with the columns of each pair."""
        with self.lock:
            definition = self._link(entity, link)
            found = self._related(entity, identity, definition)
            live = self.table(definition.entity).live if definition.entity in entities() else {}
            return {other: dict(columns) for other, columns in found.items() if other in live}

    def fill(self, entity: str, count: int) -> None:
        """Add many plain records quickly, for measurements."""
        with self.lock:
            table = self.table(entity)
            table.fill(self.seeds.bulk(entity, count))
            self.records.created(entity)

    def write_down(self, action: str, entity: str, identity: str, user: str) -> None:
        """Keep a record of what somebody did to a single record."""
        if not self.switches.action_history or entity in _UNWATCHED:
            return
        now = self.now()
        row: Row = {"id": self.new_id(), "createdAt": now, "action": action, "ipAddress": "127.0.0.1"}
        row |= {"targetType": entity, "targetId": identity, "userId": user}
        row |= self._number("ActionHistoryRecord")
        self.table("ActionHistoryRecord").put(row)

    def note_login(self, user: str, request: Request, method: str) -> None:
        """Keep a record of a request that was let in, the last few thousand of them."""
        self._logins.append((self.clock.now().timestamp(), user, request.path, request.method, method))

    def follow(self, entity: str, identity: str, user: str) -> None:
        """Let a user follow a record; its modifiedAt stays."""
        with self.lock:
            self.followers.setdefault((entity, identity), set()).add(user)

    def unfollow(self, entity: str, identity: str, user: str) -> None:
        """Let a user follow a record no more."""
        with self.lock:
            self.followers.get((entity, identity), set()).discard(user)

    def pairs(self, entity: str, link: Link) -> tuple[Relation, bool]:
        """Give the pairs behind a many-to-many link and whether the entity type is their second side."""
        key, backward = relations.sides(entity, link)
        for side, _ in key:
            self.table(side)
        return self._relations.setdefault(key, Relation()), backward

    def seed_pair(self, entity: str, identity: str, link: str, foreign_id: str, columns: Columns) -> None:
        """Relate two records while their tables are being filled."""
        definition = entities()[entity].links[link]
        key, backward = relations.sides(entity, definition)
        left, right = (foreign_id, identity) if backward else (identity, foreign_id)
        self._relations.setdefault(key, Relation()).add(left, right, columns)

    def _stamps(self, entity: str, now: str) -> Row:
        known = attributes(entity)
        stamps: Row = {"modifiedAt": now, "streamUpdatedAt": now, "versionNumber": 1}
        return {name: value for name, value in stamps.items() if name in known}

    def _number(self, entity: str) -> Row:
        name = NUMBERED.get(entity)
        if name is None:
            return {}
        rows = self.table(entity).live.values()
        last = self._last.get(entity) or max((row.get(name) or 0 for row in rows), default=0)
        self._last[entity] = last + 1
        number: Row = {name: last + 1}
        if entity == "CEverything":
            number["fNumber"] = f"EV-{last + 1:06d}"
        return number

    def _link(self, entity: str, name: str) -> Link:
        link = relations.link_of(entity, name)
        if link is None:
            raise KeyError(f"{entity} has no link {name}")
        return link

    def _related(self, entity: str, identity: str, link: Link) -> dict[str, Columns]:
        if relations.is_many_to_many(link):
            pairs, backward = self.pairs(entity, link)
            return pairs.of(identity, backward=backward)
        if link.type in {"belongsTo", "belongsToParent"}:
            other = self.row(entity, identity).get(f"{link.name}Id")
            return {other: {}} if other else {}
        groups = self.table(link.entity).grouped_by(f"{link.foreign}Id")
        found = groups.get(identity, [])
        if self._is_parental(link):
            rows = self.table(link.entity).live
            found = [other for other in found if self._is_parent(rows[other], entity, link)]
        return {other: {} for other in found}

    def _is_parental(self, link: Link) -> bool:
        return link.type == "hasChildren" or relations.foreign_type(link) == "belongsToParent"

    def _is_parent(self, row: Row, entity: str, link: Link) -> bool:
        if link.relation == "attachments" and row.get("field") not in {None, link.name}:
            return False
        return bool(row.get(f"{link.foreign}Type") == entity)

    def _pair(self, entity: str, identity: str, link: Link, foreign_id: str, columns: Columns) -> None:
        pairs, backward = self.pairs(entity, link)
        left, right = (foreign_id, identity) if backward else (identity, foreign_id)
        known = pairs.of(left, backward=False).get(right, {})
        pairs.add(left, right, known | columns)
        self._fill_primary(entity, identity, link.name, foreign_id)
        if link.foreign:
            self._fill_primary(link.entity, foreign_id, link.foreign, identity)
        self.records.changed(entity, identity, {})
        self.records.changed(link.entity, foreign_id, {})

    def _part(self, entity: str, identity: str, link: Link, foreign_id: str) -> None:
        pairs, backward = self.pairs(entity, link)
        left, right = (foreign_id, identity) if backward else (identity, foreign_id)
        pairs.remove(left, right)
        self._empty_primary(entity, identity, link.name, foreign_id)
        if link.foreign:
            self._empty_primary(link.entity, foreign_id, link.foreign, identity)
        self.records.changed(entity, identity, {})
        self.records.changed(link.entity, foreign_id, {})

    def _fill_primary(self, entity: str, identity: str, link: str, foreign_id: str) -> None:
        name = _primary(entity, link)
        row = self.find(entity, identity)
        if name and row is not None and row.get(name) is None:
            self.touch(entity, identity, {name: foreign_id})

    def _empty_primary(self, entity: str, identity: str, link: str, foreign_id: str) -> None:
        name = _primary(entity, link)
        row = self.find(entity, identity)
        if name and row is not None and row.get(name) == foreign_id:
            self.touch(entity, identity, {name: None})

    def _point(self, entity: str, identity: str, link: Link, foreign_id: str, value: str | None) -> None:
        if link.type == "belongsTo":
            self.touch(entity, identity, {f"{link.name}Id": foreign_id if value else None})
            return
        fields: Row = {f"{link.foreign}Id": value}
        if self._is_parental(link):
            fields[f"{link.foreign}Type"] = entity if value else None
        self.touch(link.entity, foreign_id, fields)
        self.records.changed(entity, identity, {})

    def _link_primaries(self, entity: str, row: Row, changed: Iterable[str]) -> None:
        for (owner, name), link in PRIMARY.items():
            if owner == entity and name in changed and row.get(name):
                self._pair(entity, row["id"], entities()[entity].links[link], row[name], {})

    def _set_links(self, entity: str, identity: str, links: dict[str, dict[str, Any]]) -> bool:
        return any([self._set_link(entity, identity, name, parts) for name, parts in links.items()])

    def _set_link(self, entity: str, identity: str, name: str, parts: dict[str, Any]) -> bool:
        before = self.related(entity, identity, name)
        columns = parts.get("Columns") or {}
        wanted = parts.get("Ids")
        wanted = list(before) if wanted is None else wanted
        for other in set(before) - set(wanted):
            self.unrelate(entity, identity, name, other)
        for other in wanted:
            if other not in before or columns.get(other):
                self.relate(entity, identity, name, other, columns.get(other) or {})
        return self.related(entity, identity, name) != before


def _primary(entity: str, link: str) -> str | None:
    return next((name for (owner, name), via in PRIMARY.items() if (owner, via) == (entity, link)), None)


def _take_links(entity: str, fields: Row) -> dict[str, dict[str, Any]]:
    """Take the parts of link-multiples out of the fields."""
    found: dict[str, dict[str, Any]] = {}
    for name in list(fields):
        for part in _LINK_PARTS:
            link = name.removesuffix(part)
            if link != name and relations.link_of(entity, link) is not None:
                found.setdefault(link, {})[part] = fields.pop(name)
                break
    return found


def _with_channels(entity: str, fields: Row) -> Row:
    """Keep an address and the list it heads in step."""
    changes = dict(fields)
    for field in entities()[entity].fields.values():
        if field.type in {"email", "phone"}:
            changes |= _channel(field.name, fields)
    return changes


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
