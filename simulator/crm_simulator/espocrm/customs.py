"""Believable records of the custom entity types; the first CEverything holds a value of every field type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_simulator import words
from crm_simulator.espocrm.activities import file_id
from crm_simulator.espocrm.drafts import DAY, Draft, Maker
from crm_simulator.espocrm.moments import text_of

if TYPE_CHECKING:
    from crm_simulator.espocrm.tables import Row

LONG = "First line\nsecond\t" + "long text, " * 1090
"""More than the 10,000 characters that a list with selected attributes gives."""


def _everything(draft: Draft) -> Row:
    row: Row = {"name": f"Everything {draft.index}", "fAutoincrement": draft.index + 1}
    row["fNumber"] = f"EV-{draft.index + 1:06d}"
    if draft.index == 0 and draft.id:
        return row | _full(draft)
    if draft.index == 1:
        return row | {"name": "Everything empty", "fAutoincrement": 2}
    return row | _some(draft)


def _full(draft: Draft) -> Row:
    for _ in range(3):
        draft.pair("contacts", "Contact", 2)
    account = draft.any("Account")
    return {
        "name": "Everything full",
        "fVarchar": "plain 'q' \"dq\" \U0001f600",
        "fText": LONG,
        "fWysiwyg": "<p>héllo</p>",
        "fBool": True,
        "fInt": 2147483647,
        "fFloat": 2.7182818284591,
        "fDecimal": "98.7654",
        "fEnum": "Beta",
        "fMultiEnum": ["red", "Ünïcode, comma"],
        "fChecklist": ["one", "three"],
        "fArray": ["free", "text", "ü"],
        "fUrl": "https://example.com/?a=1&b=2",
        "fUrlMultiple": ["https://a.example", "https://b.example"],
        "fDate": "2024-02-29",
        "fDatetime": "2025-12-31 23:59:59",
        "fDatetimeOptionalDate": "2026-03-01",
        "fCurrency": 4321.5,
        "fCurrencyCurrency": "EUR",
        "fCurrencyDecimal": "12345678.9012",
        "fCurrencyDecimalCurrency": "USD",
        "fAddressStreet": "7 Quay\n2nd floor",
        "fAddressCity": "Łódź",
        "fAddressCountry": "Poland",
        "fAddressPostalCode": "90-001",
        "salutationFPersonName": "Dr.",
        "firstFPersonName": "Anna",
        "lastFPersonName": "Nowak",
        "fBarcode": "4006381333931",
        "fColor": "#336699",
        "fEnumInt": 2,
        "fEnumFloat": 2.5,
        "fArrayInt": [1, 2, 3],
        "fJsonArray": [{"a": 1}, 2, "x"],
        "fJsonObject": {"k": {"n": [1, None, "ü"]}, "e": {}},
        "fDuration": 600,
        "fPassword": "secret",
        "fromFRangeInt": 1,
        "toFRangeInt": 9,
        "fFileId": file_id(draft.id),
        "fImageId": f"{draft.id[:8]}d{draft.id[9:]}",
        "fLinkParentType": "Account",
        "fLinkParentId": account,
        "accountId": account,
        "parentThingType": "Account",
        "parentThingId": draft.any("Account"),
    }


def _some(draft: Draft) -> Row:
    content = draft.content
    if draft.id:
        draft.pair("contacts", "Contact", 2)
    return {
        "fVarchar": draft.maybe(content.sentence()),
        "fText": draft.maybe(content.text(8)),
        "fBool": content.chance(0.5),
        "fInt": draft.maybe(content.number(-1000, 1000)),
        "fFloat": draft.maybe(content.random() * 100),
        "fDecimal": draft.maybe(content.money(1, 900) + "00"),
        "fEnum": draft.maybe(draft.option("fEnum")),
        "fMultiEnum": draft.maybe([draft.option("fMultiEnum")]),
        "fDate": draft.maybe(draft.day(draft.created)),
        "fDatetime": draft.maybe(text_of(draft.created)),
        "fCurrency": round(content.random() * 1000, 2),
        "fCurrencyCurrency": content.pick(("EUR", "USD", "GBP")),
        "fCurrencyDecimal": content.money(1, 90_000) + "01",
        "fCurrencyDecimalCurrency": "EUR",
        "accountId": draft.maybe(draft.any("Account")),
    }


def _membership(draft: Draft) -> Row:
    if draft.id:
        draft.pair("accounts", "Account", 3)
    names = ("Gold club", "Silver club", "Partner programme", "Press list")
    return {
        "name": f"{draft.content.pick(names)} {draft.index}",
        "everythingId": draft.maybe(draft.any("CEverything"), 0.5),
        "assignedUserId": draft.maybe(draft.user()),
    }


def _visit(draft: Draft) -> Row:
    start = draft.created - draft.created % DAY + draft.content.number(1, 30) * DAY + 10 * 3600
    return {
        "name": f"Visit to {draft.content.pick(words.CITIES)[0]}",
        "status": "Held" if start < draft.seeds.today else "Planned",
        "dateStart": text_of(start),
        "dateEnd": text_of(start + 3600),
        **draft.parent(("Account", "Contact", "Lead")),
        "assignedUserId": draft.maybe(draft.user()),
    }


def _supplier(draft: Draft) -> Row:
    content = draft.content
    name = content.company()
    address = content.address()
    return {
        "name": name,
        "website": draft.maybe(f"https://{content.domain(name)}"),
        "emailAddress": draft.maybe(f"orders{draft.index}@{content.domain(name)}"),
        "billingAddressStreet": address.street,
        "billingAddressCity": address.city,
        "billingAddressPostalCode": address.postcode,
        "assignedUserId": draft.maybe(draft.user()),
    }


def _guest(draft: Draft) -> Row:
    everything = draft.seeds.origins("CEverything")
    place = draft.index + 2
    return {
        "firstName": draft.content.first_name(),
        "lastName": draft.content.last_name(),
        "oneEverythingId": everything[place][0] if place < len(everything) else None,
    }


CUSTOM_MAKERS = {
    "CEverything": Maker(_everything),
    "CGuest": Maker(_guest),
    "CMembership": Maker(_membership),
    "CSupplier": Maker(_supplier),
    "CVisit": Maker(_visit),
}
