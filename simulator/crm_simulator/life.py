"""What happens in a CRM from day to day: people create, change and delete records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from crm_simulator import words
from crm_simulator.content import Content

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crm_simulator.clock import Clock

Change = dict[str, object]

_PAUSE = 60
_BROUGHT_BACK = 0.2


class Store(Protocol):
    """The part of a CRM's store that life needs."""

    def ids(self, entity: str, /) -> set[str]:
        """Give the ids of all living records."""

    def create(self, entity: str, /) -> str:
        """Create a record, now."""

    def update(self, entity: str, record_id: str, fields: Change, /) -> object:
        """Change fields of a living record."""

    def delete(self, entity: str, record_id: str, /) -> object:
        """Delete a record."""

    def undelete(self, entity: str, record_id: str, /) -> object:
        """Bring a deleted record back."""


@dataclass(frozen=True)
class Habit:
    """What happens to one entity: records created a day, and the shares of records changed and deleted."""

    entity: str
    created: float
    changed: float
    deleted: float
    changes: tuple[Change, ...]


@dataclass
class Diary:
    """What happened to one entity, by ids; a record may have been changed more than once."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    undeleted: list[str] = field(default_factory=list)


def _each(name: str, values: Iterable[object]) -> tuple[Change, ...]:
    return tuple({name: value} for value in values)


_TITLES = _each("title", words.JOB_TITLES)
_NOTES = _each("description", words.MIDDLES)

OPENCRM = (
    Habit("company", 2, 0.004, 0.0003, _each("rating", ("Active", "Acquired", "Shutdown"))),
    Habit("contact", 5, 0.004, 0.0006, _TITLES),
    Habit("lead", 4, 0.01, 0.001, _each("leadstatus", ("Contacted", "Warm", "Hot", "Lost"))),
    Habit(
        "opportunity",
        3,
        0.01,
        0.0005,
        (
            {"sales_stage": "Negotiation/Review", "probability": "80"},
            {"sales_stage": "Closed Won", "probability": "100"},
            {"sales_stage": "Closed Lost", "probability": "0"},
        ),
    ),
    Habit("activity", 9, 0.006, 0.001, _each("status", ("Completed", "Deferred"))),
    Habit("ticket", 3, 0.01, 0.0005, _each("status", ("In Progress", "Closed"))),
    Habit("quote", 2, 0.006, 0.0005, _each("quotestage", ("Delivered", "Accepted", "Rejected"))),
    Habit("salesorder", 1.5, 0.004, 0.0002, _each("sostatus", ("Approved", "Delivered"))),
    Habit("invoice", 1.5, 0.01, 0, _each("invoicestatus", ("Sent", "Paid"))),
    Habit("purchaseorder", 0.5, 0.004, 0.0005, _each("postatus", ("Approved", "Delivered"))),
    Habit("project", 0.5, 0.02, 0, _each("projectstatus", ("In Progress", "On Hold", "Complete"))),
    Habit("product", 0.1, 0.01, 0.001, _each("unit_price", ("19.99", "250.00", "1200.00"))),
    Habit("asset", 1, 0.001, 0.001, _NOTES),
    Habit("contract", 0.5, 0.002, 0.001, _NOTES),
)
ESPOCRM = (
    Habit("Account", 2, 0.004, 0.0003, _NOTES),
    Habit("Contact", 5, 0.004, 0.0006, _NOTES),
    Habit("Lead", 4, 0.01, 0.001, _each("status", ("Assigned", "In Process", "Dead"))),
    Habit(
        "Opportunity",
        3,
        0.01,
        0.0005,
        (
            {"stage": "Negotiation", "probability": 80},
            {"stage": "Closed Won", "probability": 100},
            {"stage": "Closed Lost", "probability": 0},
        ),
    ),
    Habit("Case", 3, 0.01, 0.0005, _each("status", ("Assigned", "Pending", "Closed"))),
    Habit("Task", 6, 0.01, 0.001, _each("status", ("Started", "Completed"))),
    Habit("Meeting", 4, 0.005, 0.001, _each("status", ("Held", "Not Held"))),
    Habit("Call", 4, 0.005, 0.001, _each("status", ("Held", "Not Held"))),
)


class Life:
    """Lets people work in one CRM, in the same way every time; less happens in a small CRM."""

    def __init__(self, store: Store, clock: Clock, habits: tuple[Habit, ...], scale: float) -> None:
        self._store = store
        self._clock = clock
        self._habits = habits
        self._scale = scale
        self._content = Content(0, f"life/{habits[0].entity}")
        self._deleted: dict[str, list[str]] = {habit.entity: [] for habit in habits}

    def day(self) -> dict[str, Diary]:
        """Do the work of one day, moving the clock from deed to deed; tell what was done to which entity."""
        return {habit.entity: self._live(habit) for habit in self._habits}

    def _live(self, habit: Habit) -> Diary:
        store, entity, diary = self._store, habit.entity, Diary()
        living = sorted(store.ids(entity))
        for identifier in self._some(living, habit.deleted):
            self._tick()
            store.delete(entity, identifier)
            living.remove(identifier)
            diary.deleted.append(identifier)
        for identifier in self._some(living, habit.changed):
            self._tick()
            store.update(entity, identifier, self._content.pick(habit.changes))
            diary.updated.append(identifier)
        if self._deleted[entity] and self._content.chance(_BROUGHT_BACK):
            diary.undeleted.append(self._deleted[entity].pop())
            store.undelete(entity, diary.undeleted[0])
        self._deleted[entity] += diary.deleted
        for _ in range(self._count(habit.created * self._scale)):
            self._tick()
            diary.created.append(store.create(entity))
        return diary

    def _tick(self) -> None:
        self._clock.advance(seconds=self._content.number(0, _PAUSE))

    def _some(self, living: list[str], share: float) -> list[str]:
        return list(dict.fromkeys(self._picks(living, self._count(share * len(living)))))

    def _picks(self, living: list[str], count: int) -> Iterator[str]:
        return (self._content.pick(living) for _ in range(count if living else 0))

    def _count(self, expected: float) -> int:
        return int(expected) + self._content.chance(expected - int(expected))
