"""A record in the making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.moments import text_of
from crm_simulator.espocrm.options import OPTIONS
from crm_simulator.espocrm.users import STAFF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Protocol

    from crm_simulator.content import Content
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

    class Origins(Protocol):
        """What a draft asks of the seeds."""

        today: int

        def origins(self, entity: str) -> list[tuple[str, int]]:
            """Give the ids of a type's first records."""


DAY = 86400
_MODIFIED = 0.55
"""How many records were changed after they were made."""


class Draft:
    """One record in the making: its place, its moment, and dice."""

    def __init__(self, seeds: Origins, content: Content, entity: str) -> None:
        self.seeds = seeds
        self.content = content
        self.entity = entity
        self.begin(0, "", seeds.today)

    def begin(self, index: int, identity: str, created: int) -> None:
        """Go on to the next record."""
        self.index = index
        self.id = identity
        self.created = created
        self.modified = created
        self.pairs: list[tuple[str, str, dict[str, Any]]] = []
        if identity and self.content.chance(_MODIFIED):
            until_now = self.seeds.today - created
            self.modified += self.content.number(0, max(0, min(until_now - 60, 120 * DAY)))

    @property
    def age(self) -> float:
        """How many days ago the record was made."""
        return (self.seeds.today - self.created) / DAY

    def any(self, entity: str) -> str | None:
        """Draw the id of a record of another type."""
        origins = self.seeds.origins(entity)
        return self.content.pick(origins)[0] if origins else None

    def user(self) -> str:
        """Draw the id of somebody who works here."""
        return self.seeds.origins("User")[self.content.pick(STAFF)][0]

    def option(self, field: str) -> Any:  # noqa: ANN401 - choices are texts or numbers
        """Draw a choice of an enum field."""
        return self.content.pick(OPTIONS[self.entity, field])

    def day(self, moment: float) -> str:
        """Write the day of a moment."""
        return text_of(moment)[:10]

    def maybe(self, value: Any, probability: float = 0.5) -> Any:  # noqa: ANN401 - passes anything through
        """Give the value or nothing."""
        return value if self.content.chance(probability) else None

    def pair(
        self, link: str, entity: str, most: int, columns: Callable[[], dict[str, Any]] = dict
    ) -> list[str]:
        """Relate the record to up to `most` others."""
        found = {other for other in (self.any(entity) for _ in range(self.content.number(0, most))) if other}
        self.pairs += [(link, other, columns()) for other in sorted(found)]
        return sorted(found)

    def parent(self, types: Sequence[str]) -> Row:
        """Draw what the record is about."""
        kind = self.content.pick(types)
        identity = self.any(kind)
        return {"parentType": kind, "parentId": identity} if identity else {}


@dataclass(frozen=True)
class Maker:
    """How the records of a type are made: out of nothing, or out of those of other types."""

    make: Callable[[Draft], Row]
    of_others: Callable[[Store, Draft], Iterable[Row]] | None = None
