"""The stream notes of the first records: who made them, how their stages went, and what people said."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from crm_simulator.espocrm.drafts import DAY, Draft, Maker
from crm_simulator.espocrm.moments import make_id, moment_of, text_of
from crm_simulator.espocrm.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

_TALKED_ABOUT = ("Account", "Opportunity", "Case", "Lead", "Contact", "Meeting")
_POSTS = 0.1
"""How many of these records somebody has posted to."""
STAGES = tuple(str(stage) for stage in OPTIONS["Opportunity", "stage"])
_OPEN = len(STAGES) - 2
"""How many stages come before the last, which is one of two."""


def stage_path(stage: str, last_stage: str) -> list[str]:
    """Give the stages a deal went through after its first."""
    path = list(STAGES[1 : STAGES.index(last_stage) + 1])
    return [*path, stage] if stage in STAGES[_OPEN:] else path


def stage_moments(created: int, today: int, steps: int) -> list[int]:
    """Give the moments of so many steps, about a month each but never in the future."""
    length = min(30 * DAY, max(60, (today - created - 3600) // (steps + 1)))
    return [created + length * (step + 1) for step in range(steps)]


def _unix(row: Row, name: str = "createdAt") -> int:
    moment = moment_of(row.get(name))
    return int(moment.timestamp()) if moment else 0


def _of_deals(rows: Iterable[Row], today: int) -> Iterator[Row]:
    for row in rows:
        parent: Row = {"parentType": "Opportunity", "parentId": row["id"]}
        yield parent | {"type": "Create", "data": {}, "at": _unix(row), "by": row.get("createdById")}
        path = stage_path(str(row["stage"]), str(row["lastStage"]))
        for stage, moment in zip(path, stage_moments(_unix(row), today, len(path)), strict=True):
            data = {"field": "stage", "value": stage, "style": "default"}
            yield parent | {"type": "Status", "data": data, "at": moment, "by": row["assignedUserId"]}


def _of_cases(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        if row["status"] != "New":
            data = {"field": "status", "value": row["status"], "style": "default"}
            parent: Row = {"parentType": "Case", "parentId": row["id"]}
            yield parent | {
                "type": "Status",
                "data": data,
                "at": _unix(row, "modifiedAt"),
                "by": row["assignedUserId"],
            }


def _posts(store: Store, draft: Draft) -> Iterator[Row]:
    content = draft.content
    for kind in _TALKED_ABOUT:
        for row in store.table(kind).live.values():
            if content.chance(_POSTS):
                said = {"type": "Post", "post": content.sentence(), "data": {}, "by": draft.user()}
                at = min(draft.seeds.today - 60, _unix(row) + content.number(60, 40 * DAY))
                yield {"parentType": kind, "parentId": row["id"], "at": at, **said}


def _notes(store: Store, draft: Draft) -> Iterator[Row]:
    notes = [
        *_of_deals(store.table("Opportunity").live.values(), draft.seeds.today),
        *_of_cases(store.table("Case").live.values()),
        *_posts(store, draft),
    ]
    notes.sort(key=lambda note: int(note["at"]))
    bits = Random(f"{store.seeds.seed}/Note/ids")  # noqa: S311 - ids, not cryptography
    for number, note in enumerate(notes, 1):
        at, by = note.pop("at"), note.pop("by")
        identity = make_id(store.switches.id_type, at, bits)
        stamps = {"createdAt": text_of(at), "modifiedAt": text_of(at), "createdById": by}
        yield {"id": identity, "number": number, **stamps, **note}


def _note(draft: Draft) -> Row:
    return {"type": "Post", "post": draft.content.sentence(), "data": {}, **draft.parent(_TALKED_ABOUT)}


CHRONICLE_MAKERS = {"Note": Maker(_note, _notes)}
