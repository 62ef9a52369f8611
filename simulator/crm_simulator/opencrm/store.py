"""The records of an OpenCRM system, and the ways in which tests change them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from crm_simulator.content import Content
from crm_simulator.opencrm import dirt
from crm_simulator.opencrm.modules import BLANKS, MODULES, Kind, Module
from crm_simulator.opencrm.php import last_clock_changes, to_local
from crm_simulator.opencrm.world import BUILDERS, Draft, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crm_simulator.clock import Clock
    from crm_simulator.opencrm.switches import OpenCRMSwitches

_FIRST_RECORD = 1001
_PATTERNS = 997


@dataclass(frozen=True)
class Record:
    """One state of a record; replaced, never changed, so that what was rendered from it stays true."""

    values: Values
    lines: tuple[Values, ...] = ()
    rendered: dict[object, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass
class Table:
    """The records of one module, living and deleted."""

    module: Module
    kinds: dict[str, Kind]
    records: dict[int, Record] = field(default_factory=dict)
    deleted: dict[int, Record] = field(default_factory=dict)
    order: list[int] | None = None
    shuffled: list[int] | None = None


class OpenCRMStore:
    """Every record as stored: texts, local times `YYYY-MM-DD HH:MM:SS`, dates `YYYY-MM-DD`; thread safe.

    Modules are filled when they are first touched; what they are filled with depends on seed and scale alone,
    and on the clock only for what "today" is.
    """

    def __init__(self, *, seed: int, scale: float, clock: Clock, switches: OpenCRMSwitches) -> None:
        self._lock = threading.RLock()
        self._seed = seed
        self._clock = clock
        self._switches = switches
        self._today = self._local_now()
        self._sizes = {module.name: _size(module, scale) for module in MODULES.values()}
        self._first, self._next = _blocks(self._sizes)
        self._tables: dict[str, Table] = {}
        self._initial: dict[str, list[tuple[str, Values]]] = {}
        self._sold: dict[tuple[str, str], tuple[Values, ...]] = {}
        self._fresh: dict[str, Content] = {}

    def entities(self) -> list[str]:
        """List the modules by the names their end points use."""
        return list(MODULES)

    def ids(self, entity: str) -> set[str]:
        """Give the ids of all living records."""
        with self._lock:
            return {str(number) for number in self.table(entity).records}

    def get(self, entity: str, record_id: str) -> Values:
        """Give a copy of a record as stored, with its `id`; KeyError where it does not live."""
        with self._lock:
            return {"id": str(record_id), **self.table(entity).records[int(record_id)].values}

    def rows(self, entity: str) -> list[Values]:
        """Give copies of all living records, with their `id`, in the order of creation."""
        with self._lock:
            table = self.table(entity)
            return [{"id": str(number), **table.records[number].values} for number in self.order(table)]

    def lines(self, entity: str, record_id: str) -> list[Values]:
        """Give copies of the product lines of a sales record."""
        with self._lock:
            return [dict(line) for line in self.table(entity).records[int(record_id)].lines]

    def kinds(self, entity: str) -> dict[str, Kind]:
        """Tell the kind of every field of a module, custom ones included."""
        with self._lock:
            return dict(self.table(entity).kinds)

    def create(self, entity: str, fields: Mapping[str, object] | None = None) -> str:
        """Create a record, now; fields not given get believable content."""
        with self._lock:
            table = self.table(entity)
            content = self._fresh.setdefault(entity, Content(self._seed, f"{entity}/new"))
            now = self._local_now()
            record = self._draft(table, content, now, now)
            record.values.update(_texts(fields))
            return self._insert(table, record)

    def update(self, entity: str, record_id: str, fields: Mapping[str, object]) -> None:
        """Change fields of a living record and stamp it, unless the fields hold a stamp."""
        with self._lock:
            table = self.table(entity)
            self._replace(table, int(record_id), {_stamp(table): self._now_text(), **_texts(fields)})

    def touch(self, entity: str, record_id: str) -> None:
        """Stamp a record as changed without changing it."""
        self.update(entity, record_id, {})

    def set_lines(self, entity: str, record_id: str, lines: Iterable[Mapping[str, object]]) -> None:
        """Give a sales record other product lines and stamp it."""
        with self._lock:
            table = self.table(entity)
            values = {**table.records[int(record_id)].values, _stamp(table): self._now_text()}
            table.records[int(record_id)] = Record(values, tuple(_texts(line) for line in lines))

    def delete(self, entity: str, record_id: str) -> None:
        """Delete a record; it is gone from every list but can come back."""
        with self._lock:
            table = self.table(entity)
            table.deleted[int(record_id)] = table.records.pop(int(record_id))
            table.order = table.shuffled = None

    def undelete(self, entity: str, record_id: str) -> None:
        """Bring a deleted record back and stamp it."""
        with self._lock:
            table = self.table(entity)
            table.records[int(record_id)] = table.deleted.pop(int(record_id))
            table.order = table.shuffled = None
            self.touch(entity, record_id)

    def add_field(
        self,
        entity: str,
        name: str,
        value: str = "",
        *,
        kind: Kind = "text",
        only: Iterable[str] | None = None,
    ) -> None:
        """Add a custom field, filled in all records or only in some, without stamping any."""
        with self._lock:
            table = self.table(entity)
            table.kinds[name] = kind
            chosen = list(table.records) if only is None else [int(record_id) for record_id in only]
            for number in chosen:
                self._replace(table, number, {name: value})

    def retype(self, entity: str, name: str, convert: Callable[[str], str], *, kind: Kind = "text") -> None:
        """Turn a field into another kind, rewriting its values without stamping any record."""
        with self._lock:
            table = self.table(entity)
            table.kinds[name] = kind
            for number, record in list(table.records.items()):
                if name in record.values:
                    self._replace(table, number, {name: convert(record.values[name])})

    def fill(self, entity: str, count: int) -> None:
        """Add many records cheaply: they share the content of a few hundred."""
        with self._lock:
            table = self.table(entity)
            content = Content(self._seed, f"{entity}/fill")
            moments = _creations(content, self._today, table.module.history, _PATTERNS)
            patterns = [self._draft(table, content, moment, self._today) for moment in moments]
            for offset in range(count):
                table.records[self._next + offset] = patterns[offset % _PATTERNS]
            self._next += count
            table.order = table.shuffled = None

    def table(self, entity: str) -> Table:
        """Give the table of a module, filled; hold `lock` while using it."""
        with self._lock:
            if entity not in self._tables:
                self._tables[entity] = self._fill_in(MODULES[entity])
            return self._tables[entity]

    @property
    def lock(self) -> threading.RLock:
        """The lock that keeps records still."""
        return self._lock

    def order(self, table: Table, *, shuffled: bool = False) -> list[int]:
        """List the living ids, by id or in an order that nobody can explain but that stays."""
        if shuffled:
            if table.shuffled is None:
                table.shuffled = sorted(table.records, key=_scattered)
            return table.shuffled
        if table.order is None:
            table.order = sorted(table.records)
        return table.order

    def _fill_in(self, module: Module) -> Table:
        table = Table(module, {**module.fields, **module.custom})
        content = Content(self._seed, module.name)
        moments = _creations(content, self._today, module.history, self._sizes[module.name])
        records = [self._draft(table, content, moment, self._today) for moment in moments]
        first = self._first[module.name]
        self._initial[module.name] = [
            (str(i), dict(record.values)) for i, record in enumerate(records, first)
        ]
        if module.has_lines:
            self._sold |= {(module.name, str(i)): record.lines for i, record in enumerate(records, first)}
        if "modifiedtime" in module.fields:
            self._soil(module, records)
        table.records = dict(enumerate(records, first))
        return table

    def _soil(self, module: Module, records: list[Record]) -> None:
        changes = last_clock_changes(self._today.date(), self._switches.timezone)
        dirt.straddle(changes, [record.values for record in records])
        dirt.tie([record.values for record in records])
        names = list(module.custom)
        for index, record in enumerate(records):
            dirt.soil(module, index, record.values)
            for position, name in enumerate(names):
                if position and index % (4 + position):  # only the first custom field is on every record
                    record.values.pop(name, None)

    def _draft(self, table: Table, content: Content, created: datetime, now: datetime) -> Record:
        draft = Draft(content, self._known, self._sold_in, created, now)
        values = {name: BLANKS.get(kind, "") for name, kind in table.kinds.items()}
        values.update(BUILDERS[table.module.name](draft))
        entered, stamp = _entered(table), _stamp(table)
        values[entered] = created.isoformat(" ")
        values[stamp] = _modified(content, created, now).isoformat(" ")
        if "smownerid" in values:
            values["smownerid"] = content.pick(self._known("user"))[0]
        return Record(values, draft.lines)

    def _known(self, entity: str) -> list[tuple[str, Values]]:
        self.table(entity)
        return self._initial[entity]

    def _sold_in(self, entity: str, record_id: str) -> tuple[Values, ...]:
        self.table(entity)
        return self._sold.get((entity, record_id), ())

    def _insert(self, table: Table, record: Record) -> str:
        number, self._next = self._next, self._next + 1
        table.records[number] = record
        table.order = table.shuffled = None
        return str(number)

    def _replace(self, table: Table, number: int, changes: Values) -> None:
        record = table.records[number]
        table.records[number] = Record({**record.values, **changes}, record.lines)

    def _local_now(self) -> datetime:
        zone = ZoneInfo(self._switches.timezone)
        return self._clock.now().astimezone(zone).replace(microsecond=0, tzinfo=None)

    def _now_text(self) -> str:
        return to_local(self._clock.now(), self._switches.timezone)


def _size(module: Module, scale: float) -> int:
    least = 3 if module.name == "user" else 1
    return max(least, round(module.share * (1.0 if module.name == "user" else scale)))


def _blocks(sizes: dict[str, int]) -> tuple[dict[str, int], int]:
    """Give every module a block of ids, unique over all modules; users have small ids of their own."""
    first = {"user": 1}
    following = _FIRST_RECORD
    for name, size in sizes.items():
        if name != "user":
            first[name] = following
            following += size
    return first, following


def _creations(content: Content, today: datetime, days: int, count: int) -> list[datetime]:
    """Draw moments of the past, all in office hours."""
    start = today - timedelta(days=days)
    moments = (content.moment(start, today) for _ in range(count))
    return sorted(min(today, moment.replace(hour=8 + moment.hour * 10 // 24)) for moment in moments)


def _modified(content: Content, created: datetime, now: datetime) -> datetime:
    soon = created + timedelta(seconds=content.number(0, 60 * 86400))
    return soon if soon < now and content.chance(0.7) else content.moment(created, now)


def _stamp(table: Table) -> str:
    return "modifiedtime" if "modifiedtime" in table.module.fields else "date_modified"


def _entered(table: Table) -> str:
    return "createdtime" if "createdtime" in table.module.fields else "date_entered"


def _texts(fields: Mapping[str, object] | None) -> Values:
    return {name: "" if value is None else str(value) for name, value in (fields or {}).items()}


def _scattered(number: int) -> int:
    return (number * 2_654_435_761) & 0xFFFFFFFF
