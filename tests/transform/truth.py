"""The answers of the bi schema in plain Python from the simulators' own records: no SQL, no seed, no tap.

Records of theirs are dicts of texts; everything here turns them into days, pennies and words on its own.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crm_simulator import Simulator

OPENCRM = ("user", "company", "contact", "lead", "opportunity", "ticket", "activity", "invoice")
ESPOCRM = ("User", "Account", "Contact", "Lead", "Opportunity", "Case", "Call", "Meeting", "Task", "Email")
LONDON = ZoneInfo("Europe/London")
Row = dict[str, Any]


def penny(value: Decimal | None) -> Decimal:
    """Round to the penny, half away from zero."""
    return (value or Decimal(0)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def number(text: Any) -> Decimal | None:
    """Read a number as a person would who trusts only digits."""
    if isinstance(text, int | float):
        return Decimal(repr(text)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return Decimal(text) if re.fullmatch(r"-?\d+(\.\d+)?", text or "") else None


def day(text: str | None) -> date | None:
    """Read a day; a day that does not exist is none."""
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def utc_day(text: str | None) -> date | None:
    """Return the day in London of a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(LONDON).date() if text else None


def month(value: date | None) -> date | None:
    return value.replace(day=1) if value else None


def key(source: str, value: Any) -> str | None:
    return f"{source}:{value}" if value not in {None, "", "0"} else None


def deal_outcome(stage: str) -> str:
    return {"Closed Won": "won", "Closed Lost": "lost", "Abandoned by us": "lost"}.get(stage, "open")


@dataclass(frozen=True)
class Deal:
    """An opportunity of either CRM."""

    source: str
    id: str
    stage: str
    amount: Decimal | None
    probability: Decimal
    made: date
    close: date | None
    changed: date
    owner: str
    account: str | None
    lead_source: str
    last_stage: str | None

    @property
    def outcome(self) -> str:
        return deal_outcome(self.stage)

    @property
    def closed(self) -> date | None:
        return None if self.outcome == "open" else self.close or self.changed

    @property
    def weighted(self) -> Decimal:
        share = {"won": Decimal(100), "lost": Decimal(0)}.get(self.outcome, self.probability)
        return ((self.amount or Decimal(0)) * share / 100).quantize(Decimal("0.0001"), ROUND_HALF_UP)


@dataclass(frozen=True)
class Truth:
    """Everything the simulators held at one moment."""

    deals: list[Deal]
    records: dict[str, list[Row]]

    @classmethod
    def of(cls, simulator: Simulator) -> Truth:
        """Copy what both CRMs hold now."""
        records = {
            entity: crm.store.rows(entity)
            for crm, entities in (
                (simulator.opencrm, OPENCRM),
                (simulator.espocrm, ESPOCRM),
            )
            for entity in entities
        }
        users = {row["id"]: f"{row['first_name']} {row['last_name']}".strip() for row in records["user"]}
        ours = [_opencrm_deal(row, users) for row in records["opportunity"]]
        return cls([*ours, *map(_espocrm_deal, records["Opportunity"])], records)

    def group(self, keep: Callable[[Deal], bool], by: Callable[[Deal], tuple]) -> dict[tuple, list[Deal]]:
        """Group the opportunities that a question is about."""
        groups: dict[tuple, list[Deal]] = defaultdict(list)
        for deal in filter(keep, self.deals):
            groups[by(deal)].append(deal)
        return groups


def _opencrm_deal(row: Row, users: dict[str, str]) -> Deal:
    owner = row["smownerid"]
    chance = {"Prospecting": 10, "Qualification": 20}
    return Deal(
        "OpenCRM", row["id"], row["sales_stage"], number(row["amount"]),
        number(row["probability"]) or Decimal(chance.get(row["sales_stage"], 0)),
        day(row["createdtime"]), day(row["closingdate"]), day(row["modifiedtime"]),
        users.get(owner, f"User {owner}") if owner not in {"", "0"} else "Unassigned",
        key("opencrm", row["accountid"]), row["leadsource"] or "Not given", None,
    )  # fmt: skip


def _espocrm_deal(row: Row) -> Deal:
    return Deal(
        "EspoCRM", row["id"], row["stage"], number(row["amountConverted"]),
        number(row["probability"]) or Decimal(0),
        utc_day(row["createdAt"]), day(row["closeDate"]), utc_day(row["modifiedAt"]),
        row["assignedUserName"] or "Unassigned", key("espocrm", row["accountId"]),
        row["leadSource"] or "Not given", row["lastStage"],
    )  # fmt: skip


def total(deals: Iterable[Deal]) -> Decimal:
    """Add up amounts, to the penny."""
    return penny(sum((deal.amount for deal in deals if deal.amount is not None), Decimal(0)))


def weighted(deals: Iterable[Deal]) -> Decimal:
    """Add up weighted amounts, to the penny."""
    return penny(sum((deal.weighted for deal in deals), Decimal(0)))


def count(deals: Iterable[Deal], outcome: str) -> int:
    return sum(deal.outcome == outcome for deal in deals)


def activity_day(row: Row) -> date | None:
    """Return the day an activity of OpenCRM counts for: it starts, else is due, else was made."""
    return day(row["date_start"]) or day(row["due_date"]) or day(row["createdtime"])


def activities(records: dict[str, list[Row]]) -> Counter[tuple[str, date, str]]:
    """Count activities by CRM, day in London and kind."""
    counts: Counter[tuple[str, date, str]] = Counter()
    for row in records["activity"]:
        counts["OpenCRM", activity_day(row), row["activitytype"].lower()] += 1
    for entity in ("Call", "Meeting", "Task"):
        for row in records[entity]:
            start = utc_day(row["dateStart"]) or day(row.get("dateStartDate"))
            due = day(row.get("dateEndDate")) or utc_day(row["dateEnd"]) if entity == "Task" else None
            counts["EspoCRM", start or due or utc_day(row["createdAt"]), entity.lower()] += 1
    for row in records["Email"]:
        counts["EspoCRM", utc_day(row["dateSent"] or row["createdAt"]), "email"] += 1
    return counts


def tickets(records: dict[str, list[Row]]) -> list[tuple[str, date, date | None]]:
    """List tickets: CRM, day opened, day closed."""
    ours = [
        (
            "OpenCRM",
            day(row["createdtime"]),
            (day(row["closedon"]) or day(row["modifiedtime"])) if row["status"] == "Closed" else None,
        )
        for row in records["ticket"]
    ]
    done = {"Closed", "Rejected", "Duplicate"}
    theirs = [
        ("EspoCRM", utc_day(row["createdAt"]), utc_day(row["modifiedAt"]) if row["status"] in done else None)
        for row in records["Case"]
    ]
    return [(crm, opened, closed and max(opened, closed)) for crm, opened, closed in ours + theirs]


def invoiced(records: dict[str, list[Row]]) -> dict[date, tuple[int, Decimal, Decimal]]:
    """Add up invoices by month: number, without VAT, with VAT."""
    sums: dict[date, list[Any]] = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
    for row in records["invoice"]:
        entry = sums[month(day(row["invoicedate"]) or day(row["createdtime"]))]
        entry[0] += 1
        entry[1] += number(row["subtotal"]) or 0
        entry[2] += number(row["total"]) or 0
    return {when: (entry[0], penny(entry[1]), penny(entry[2])) for when, entry in sums.items()}
