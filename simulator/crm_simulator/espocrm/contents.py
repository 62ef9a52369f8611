"""Believable records of every entity type, and how they hang together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_simulator import words
from crm_simulator.espocrm.activities import ACTIVITY_MAKERS
from crm_simulator.espocrm.chronicle import CHRONICLE_MAKERS, stage_moments, stage_path
from crm_simulator.espocrm.customs import CUSTOM_MAKERS
from crm_simulator.espocrm.drafts import DAY, Draft, Maker
from crm_simulator.espocrm.options import OPTIONS
from crm_simulator.espocrm.system import SYSTEM_MAKERS

if TYPE_CHECKING:
    from crm_simulator.espocrm.tables import Row

_ROLES = ("Decision maker", "Buyer", "Technical contact", "Accounts payable", None)
_LEAD_DAYS, _CASE_DAYS = 90, 60
"""After how many days leads and cases are dealt with."""
_OPEN = 4
"""How many stages come before the last."""
_OCCASIONS = ("spring", "autumn", "launch", "renewal")
_PROBABILITIES = {
    "Prospecting": 10,
    "Qualification": 20,
    "Proposal": 50,
    "Negotiation": 80,
    "Closed Won": 100,
    "Closed Lost": 0,
}


def _address(draft: Draft, prefix: str) -> Row:
    if draft.content.chance(0.2):
        return {}
    address = draft.content.address()
    return {
        f"{prefix}Street": address.street,
        f"{prefix}City": address.city,
        f"{prefix}State": address.county,
        f"{prefix}Country": address.country,
        f"{prefix}PostalCode": address.postcode,
    }


def _person(draft: Draft, domain: str = "mail.example") -> Row:
    content = draft.content
    first, last = content.first_name(), content.last_name()
    email = content.email(first, last, domain) if content.chance(0.85) else None
    phone = content.mobile() if content.chance(0.7) else None
    return {
        "salutationName": draft.maybe(content.pick(OPTIONS["Contact", "salutationName"])),
        "firstName": first,
        "lastName": last,
        "emailAddress": email and email.replace("@", f".{draft.index}@"),
        "emailAddressIsOptedOut": bool(email) and content.chance(0.05),
        "phoneNumber": phone,
        "description": draft.maybe(content.text(2), 0.3),
    }


def _account(draft: Draft) -> Row:
    content = draft.content
    name = content.company()
    domain = content.domain(name)
    return {
        "name": name,
        "website": draft.maybe(f"https://www.{domain}", 0.8),
        "emailAddress": draft.maybe(f"office{draft.index}@{domain}", 0.8),
        "phoneNumber": draft.maybe(content.phone(), 0.8),
        "type": draft.maybe(draft.option("type"), 0.9),
        "industry": draft.maybe(draft.option("industry"), 0.8),
        "sicCode": draft.maybe(str(content.number(1000, 9999)), 0.4),
        **_address(draft, "billingAddress"),
        **(_address(draft, "shippingAddress") if content.chance(0.3) else {}),
        "description": draft.maybe(content.text(5)),
        "cTierLevel": draft.maybe(draft.option("cTierLevel"), 0.7),
        "cAnnualRevenue": round(content.random() * 9_000_000, 2),
        "cAnnualRevenueCurrency": content.pick(("USD", "EUR", "GBP", "UAH")),
        "cTags": draft.maybe([draft.option("cTags")], 0.6),
        "assignedUserId": draft.maybe(draft.user(), 0.8),
        "campaignId": draft.maybe(draft.any("Campaign"), 0.1),
        **_teams(draft),
    }


def _teams(draft: Draft) -> Row:
    if draft.id:
        draft.pair("teams", "Team", 2)
    return {}


def _contact(draft: Draft) -> Row:
    content = draft.content
    account = draft.any("Account") if content.chance(0.9) else None
    if account:
        role = {"role": content.pick(_ROLES), "isInactive": content.chance(0.05)}
        draft.pairs.append(("accounts", account, role))
        if content.chance(0.15):
            draft.pair("accounts", "Account", 2, lambda: {"role": content.pick(_ROLES), "isInactive": False})
    return {
        **_person(draft),
        **_address(draft, "address"),
        "accountId": account,
        "doNotCall": content.chance(0.05),
        "assignedUserId": draft.maybe(draft.user(), 0.8),
        "campaignId": draft.maybe(draft.any("Campaign"), 0.1),
        "cBirthDate": draft.maybe(
            f"{content.number(1950, 2004)}-{content.number(1, 12):02d}-{content.number(1, 28):02d}"
        ),
        "cNewsletter": content.chance(0.4),
        **_teams(draft),
    }


def _lead(draft: Draft) -> Row:
    content = draft.content
    status = draft.option("status")
    if draft.age > _LEAD_DAYS:
        status = content.pick(("Converted", "Dead", "Recycled"))
    return {
        **_person(draft, "lead.example"),
        **_address(draft, "address"),
        "title": draft.maybe(content.pick(words.JOB_TITLES)),
        "status": status,
        "source": draft.maybe(draft.option("source"), 0.9),
        "industry": draft.maybe(draft.option("industry")),
        "opportunityAmount": draft.maybe(float(content.number(1, 800) * 250), 0.7),
        "opportunityAmountCurrency": "EUR",
        "accountName": content.company(),
        "assignedUserId": draft.maybe(draft.user(), 0.9),
        "campaignId": draft.maybe(draft.any("Campaign"), 0.3),
        "cUtm": draft.maybe(f"utm_source={content.pick(('mail', 'ads', 'fair'))}", 0.4),
        **_teams(draft),
    }


def _opportunity(draft: Draft) -> Row:
    content = draft.content
    reached = min(5, int(draft.age / content.number(15, 45)))
    stages = OPTIONS["Opportunity", "stage"]
    stage = str(stages[reached] if reached < _OPEN else content.pick(stages[_OPEN:]))
    last_stage = str(stages[min(reached, _OPEN - 1)])
    close = draft.created + content.number(30, 150) * DAY
    contacts = []
    if draft.id:
        contacts = draft.pair("contacts", "Contact", 3, lambda: {"role": content.pick(_ROLES)})
        steps = stage_moments(draft.created, draft.seeds.today, len(stage_path(stage, last_stage)))
        draft.modified = max([draft.modified, *steps])
        close = steps[-1] if reached >= _OPEN else max(close, draft.seeds.today + 7 * DAY)
    return {
        "name": f"{content.pick(words.ROOTS)}: {content.pick(words.DEALS)}",
        "amount": round(500 + content.random() ** 2 * 120_000, 2),
        "amountCurrency": content.pick(("USD", "EUR", "EUR", "GBP")),
        "accountId": draft.any("Account"),
        "contactId": contacts[0] if contacts else None,
        "stage": stage,
        "lastStage": last_stage,
        "probability": _PROBABILITIES[stage],
        "leadSource": draft.maybe(draft.option("leadSource")),
        "closeDate": draft.day(close),
        "description": draft.maybe(content.text(4), 0.4),
        "assignedUserId": draft.user(),
        "campaignId": draft.maybe(draft.any("Campaign"), 0.2),
        "cScore": draft.maybe(content.random() * 10, 0.6),
        **_teams(draft),
    }


def _case(draft: Draft) -> Row:
    content = draft.content
    status = draft.option("status")
    if draft.age > _CASE_DAYS:
        status = content.pick(("Closed", "Closed", "Rejected"))
    contacts = draft.pair("contacts", "Contact", 2) if draft.id else []
    return {
        "name": content.pick(words.ISSUES),
        "number": draft.index + 1,
        "status": status,
        "priority": draft.option("priority"),
        "type": draft.maybe(draft.option("type"), 0.8),
        "description": draft.maybe(content.text(6), 0.7),
        "accountId": draft.maybe(draft.any("Account"), 0.9),
        "contactId": contacts[0] if contacts else None,
        "assignedUserId": draft.user(),
        **_teams(draft),
    }


def _campaign(draft: Draft) -> Row:
    content = draft.content
    if draft.id:
        draft.pair("targetLists", "TargetList", 3)
    return {
        "name": f"{content.pick(words.ROOTS)} {content.pick(_OCCASIONS)} campaign",
        "status": draft.option("status"),
        "type": draft.option("type"),
        "startDate": draft.day(draft.created),
        "endDate": draft.maybe(draft.day(draft.created + 40 * DAY)),
        "budget": float(content.number(1, 40) * 500),
        "budgetCurrency": "EUR",
        "openedCount": 0,
        "clickedCount": 0,
        "optedOutCount": 0,
        "bouncedCount": 0,
        "mailMergeOnlyWithAddress": True,
        "assignedUserId": draft.maybe(draft.user()),
    }


def _target_list(draft: Draft) -> Row:
    content = draft.content

    def columns() -> Row:
        return {"optedOut": content.chance(0.08)}

    if draft.id:
        draft.pair("contacts", "Contact", 60, columns)
        draft.pair("leads", "Lead", 60, columns)
        draft.pair("accounts", "Account", 20, columns)
    return {
        "name": f"{content.pick(words.CITIES)[0]} {content.pick(('customers', 'prospects', 'newsletter'))}",
        "description": draft.maybe(content.sentence()),
        "categoryId": draft.maybe(draft.any("TargetListCategory")),
        "assignedUserId": draft.maybe(draft.user()),
    }


MAKERS = {
    "Account": Maker(_account),
    "Campaign": Maker(_campaign),
    "Case": Maker(_case),
    "Contact": Maker(_contact),
    "Lead": Maker(_lead),
    "Opportunity": Maker(_opportunity),
    "TargetList": Maker(_target_list),
    **ACTIVITY_MAKERS,
    **CUSTOM_MAKERS,
    **SYSTEM_MAKERS,
    **CHRONICLE_MAKERS,
}
