"""What happens in the simulated CRMs of these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crm_simulator import Simulator

MOVES = {"opencrm": ("sales_stage", "opportunity"), "espocrm": ("stage", "Opportunity")}


def open_deals(simulator: Simulator, crm: str) -> list[str]:
    """List the ids of the open opportunities of a CRM, in a fixed order."""
    field, entity = MOVES[crm]
    rows = getattr(simulator, crm).store.rows(entity)
    return sorted(row["id"] for row in rows if not row[field].startswith("Closed"))


def prepare(simulator: Simulator) -> None:
    """Before the first load: stages that nobody told the vocabulary of, and half a penny."""
    opencrm, espocrm = simulator.opencrm.store, simulator.espocrm.store
    opencrm.create(
        "opportunity", {"potentialname": "Odd", "sales_stage": "Abandoned by us", "amount": "10.005"}
    )
    espocrm.create(
        "Opportunity", {"name": "Odder", "stage": "Almost there", "amount": 0.1, "closeDate": "2026-12-31"}
    )
    espocrm.create("Case", {"name": "Late", "status": "New"})


def go_on(simulator: Simulator) -> None:
    """Between the loads: opportunities move, one goes away, one comes."""
    opencrm, espocrm = simulator.opencrm.store, simulator.espocrm.store
    ours, theirs = open_deals(simulator, "opencrm"), open_deals(simulator, "espocrm")
    opencrm.update("opportunity", ours[0], {"sales_stage": "Closed Won", "closingdate": "2026-11-22"})
    opencrm.update("opportunity", ours[1], {"sales_stage": "Negotiation/Review", "amount": "4321.99"})
    opencrm.delete("opportunity", ours[2])
    espocrm.update("Opportunity", theirs[0], {"stage": "Closed Lost", "closeDate": "2026-11-23"})
    espocrm.update("Opportunity", theirs[1], {"stage": "Almost there", "probability": 80})
    espocrm.create(
        "Opportunity", {"name": "New", "stage": "Prospecting", "amount": 99.99, "closeDate": "2027-01-31"}
    )
