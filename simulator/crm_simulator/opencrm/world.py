"""The content of an OpenCRM system: who bought what, when, and what became of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crm_simulator import words

if TYPE_CHECKING:
    from crm_simulator.content import Content

Values = dict[str, str]
Known = Callable[[str], list[tuple[str, Values]]]

_STAGES = (
    ("Prospecting", 10),
    ("Qualification", 20),
    ("Needs Analysis", 30),
    ("Value Proposition", 50),
    ("Proposal/Price Quote", 65),
    ("Negotiation/Review", 80),
)
_VAT = 20


@dataclass
class Draft:
    """What a builder works with: content, the other modules, what they sold, the time; and its own lines."""

    content: Content
    known: Known
    sold: Callable[[str, str], tuple[Values, ...]]
    created: datetime
    now: datetime
    lines: tuple[Values, ...] = ()

    def some(self, module: str, *, recent: bool = False) -> tuple[str, Values]:
        """Draw an older record of another module, or one of the last before; ("0", {}) where it has none."""
        rows = self.known(module)
        if not rows:
            return "0", {}
        older = max(1, bisect_right(rows, self.created.isoformat(" "), key=_creation))
        span = min(older, max(10, older // 8)) if recent else older
        return rows[older - 1 - int(self.content.random() * span)]

    def age(self) -> int:
        """Count the days since the record was created."""
        return (self.now - self.created).days

    def day(self, days: int) -> str:
        """Name the day so many days after creation."""
        return (self.created + timedelta(days=days)).date().isoformat()


def _creation(row: tuple[str, Values]) -> str:
    return row[1].get("createdtime", "")


def _user(draft: Draft) -> Values:
    first, last = draft.content.first_name(), draft.content.last_name()
    name = f"{first[0]}{last}".lower().replace("'", "")
    return {
        "user_name": f"{name}{draft.content.number(1, 99)}",
        "first_name": first,
        "last_name": last,
        "email1": draft.content.email(first, last, "crm.example"),
        "status": "Active" if draft.content.chance(0.85) else "Inactive",
        "department": draft.content.pick(words.DEPARTMENTS),
        "phone_work": draft.content.phone(),
        "user_password": "$1$rasm$NotARealHashOfAnything",
    }


def _company(draft: Draft) -> Values:
    content = draft.content
    name, place = content.company(), content.address()
    domain = content.domain(name)
    return {
        "accountname": name,
        "account_type": content.pick(("Customer", "Prospect", "Supplier", "Partner", "Competitor")),
        "industry": content.pick(words.INDUSTRIES),
        "ownership": content.pick(("Limited Company", "PLC", "Partnership", "Sole Trader")),
        "rating": content.pick(("", "Active", "Acquired", "Project Cancelled", "Shutdown")),
        "employees": str(content.number(1, 900)),
        "annualrevenue": content.money(50_000, 9_000_000) + "000000",
        "companynumber": f"{content.number(1_000_000, 9_999_999):08d}",
        "email1": f"info@{domain}",
        "phone": content.phone(),
        "website": f"www.{domain}",
        "street": place.street,
        "city": place.city,
        "state": place.county,
        "code": place.postcode,
        "country": place.country,
        "billemail": f"accounts@{domain}",
        "ship_street": place.street,
        "ship_city": place.city,
        "ship_code": place.postcode,
        "ship_country": place.country,
        "vatnumber": f"GB{content.number(100_000_000, 999_999_999)}",
        "def_currency": content.pick(("GBP", "GBP", "GBP", "EUR", "USD")),
        "paymenttype": content.pick(("BACS", "Card", "Cheque")),
        "credit_limit": content.money(0, 50_000),
        "credit_limit_days": content.pick(("14", "30", "30", "60")),
        "outstanding_balance": content.money(0, 9_000),
        "account_tags": content.pick(("", "", "key account", "north,wholesale", "export,key account")),
        "creditcheckon": draft.day(content.number(0, 20)),
        "cf_612": content.pick(("", "Gold", "Silver", "Bronze")),
        "cf_640": draft.day(365),
        "cf_641": content.money(0, 800),
    }


def _contact(draft: Draft) -> Values:
    content = draft.content
    company_id, company = draft.some("company")
    first, last = content.first_name(), content.last_name()
    return {
        "firstname": first,
        "lastname": last,
        "accountid": company_id,
        "title": content.pick(words.JOB_TITLES),
        "department": content.pick(words.DEPARTMENTS),
        "contacttype": content.pick(("Customer", "Prospect", "Supplier")),
        "leadsource": content.pick(words.LEAD_SOURCES),
        "greeting": f"Dear {first}",
        "birthday": f"{content.number(1950, 2004)}-{content.number(1, 12):02d}-{content.number(1, 28):02d}",
        "email": content.email(first, last, company.get("website", "www.crm.example")[4:]),
        "phone": company.get("phone", ""),
        "mobile": content.mobile(),
        "mailingstreet": company.get("street", ""),
        "mailingcity": company.get("city", ""),
        "mailingstate": company.get("state", ""),
        "mailingzip": company.get("code", ""),
        "mailingcountry": company.get("country", ""),
        "portal": "1",
        "login": f"{first}.{last}".lower(),
        "password": "portal-password",
        "consent_to_processing": "1",
        "date_consent_given": draft.day(1),
        "contactdetails_tags": content.pick(("", "", "newsletter", "decision maker,newsletter")),
        "description": content.text(2),
        "cf_701": content.pick(("", "Tea", "Coffee")),
        "cf_703": (draft.created + timedelta(hours=5)).isoformat(" "),
    }


def _lead(draft: Draft) -> Values:
    content = draft.content
    first, last, company, place = (
        content.first_name(),
        content.last_name(),
        content.company(),
        content.address(),
    )
    domain = content.domain(company)
    old = draft.age() > 90  # noqa: PLR2004 - a quarter
    return {
        "firstname": first,
        "lastname": last,
        "company": company,
        "designation": content.pick(words.JOB_TITLES),
        "email": content.email(first, last, domain),
        "phone": content.phone(),
        "leadsource": content.pick(words.LEAD_SOURCES),
        "leadstatus": content.pick(
            ("Qualified", "Lost", "Junk") if old else ("New", "Contacted", "Warm", "Hot")
        ),
        "leadtype": content.pick(("Inbound", "Outbound")),
        "industry": content.pick(words.INDUSTRIES),
        "annualrevenue": content.money(10_000, 900_000),
        "noofemployees": str(content.number(1, 300)),
        "lane": place.street,
        "city": place.city,
        "state": place.county,
        "code": place.postcode,
        "country": place.country,
        "website": f"www.{domain}",
        "description": content.text(3),
        "leaddetails_tags": content.pick(("", "webinar", "fair,2026")),
        "cf_801": content.pick(("", "A", "B", "C")),
    }


def _product(draft: Draft) -> Values:
    content = draft.content
    price = content.number(5, 4000)
    return {
        "productname": content.pick(words.PRODUCTS) + content.pick((" Mk I", " Mk II", " Pro", " Lite", "")),
        "productcode": f"P-{content.number(1000, 9999)}",
        "productcategory": content.pick(("Hardware", "Software", "Service")),
        "product_status": "Active",
        "unit_price": f"{price}.00",
        "buy_price": f"{price * 0.6:.2f}",
        "qtyinstock": f"{content.number(0, 500)}.00",
        "reorderlevel": str(content.number(0, 20)),
        "usageunit": content.pick(("Each", "Hours", "Box")),
        "taxclass": "VAT",
        "sales_start_date": draft.day(0),
        "vendor_id": draft.some("company")[0],
        "product_description": content.text(2),
    }


def _opportunity(draft: Draft) -> Values:
    content = draft.content
    contact_id, contact = draft.some("contact")
    length = content.number(30, 180)
    stage, probability = _stage(draft, length)
    amount = content.money(500, 80_000)
    return {
        "potentialname": f"{contact.get('lastname', 'New')} - {content.pick(words.DEALS)}",
        "potentialtype": content.pick(("Existing Business", "New Business")),
        "sales_stage": stage,
        "leadsource": content.pick(words.LEAD_SOURCES),
        "nextstep": content.pick(("", "Call", "Send quote", "Meet the board")),
        "accountid": contact.get("accountid", "0"),
        "contactid": contact_id,
        "email": contact.get("email", ""),
        "amount": amount,
        "weightedamount": f"{float(amount) * probability / 100:.2f}",
        "probability": str(probability),
        "start_date": draft.day(0),
        "closingdate": draft.day(length),
        "activedays": str(min(draft.age(), length)),
        "def_currency": "GBP",
        "vat_rate": "20.00",
        "description": content.text(3),
        "cf_901": content.pick(("", "Tender", "Framework")),
        "cf_902": str(content.number(0, 10)),
    }


def _stage(draft: Draft, length: int) -> tuple[str, int]:
    progress = draft.age() / length
    if progress >= 1:
        return ("Closed Won", 100) if draft.content.chance(0.45) else ("Closed Lost", 0)
    return _STAGES[min(int(progress * len(_STAGES)), len(_STAGES) - 1)]


def _sale(draft: Draft, source: Values, sold: tuple[Values, ...] = ()) -> Values:
    content = draft.content
    draft.lines = sold or tuple(_line(draft, number) for number in range(1, content.number(1, 5) + 1))
    cents = sum(int(line["netprice"].replace(".", "")) for line in draft.lines)
    account_id = source.get("account_id") or source.get("accountid") or "0"
    place = content.address()
    return {
        "account_id": account_id,
        "contact_id": source.get("contact_id") or source.get("contactid") or "0",
        "subtotal": _pounds(cents),
        "total": _pounds(cents * (100 + _VAT) // 100),
        "bill_street": place.street,
        "bill_city": place.city,
        "bill_code": place.postcode,
        "bill_country": place.country,
        "ship_street": place.street,
        "ship_city": place.city,
        "ship_code": place.postcode,
        "ship_country": place.country,
        "terms_conditions": "Payment within 30 days.",
    }


def _line(draft: Draft, number: int) -> Values:
    product_id, product = draft.some("product")
    quantity = draft.content.number(1, 12)
    price = int(product.get("unit_price", "10.00").replace(".", "") or 0)
    discount = draft.content.pick((0, 0, 0, 5, 10))
    return {
        "sequence_no": str(number),
        "productid": product_id,
        "productname": product.get("productname", "Service"),
        "quantity": f"{quantity}.000",
        "listprice": _pounds(price),
        "discount_percent": f"{discount}.000",
        "discount_amount": _pounds(price * quantity * discount // 100),
        "tax1": f"{_VAT}.000",
        "netprice": _pounds(price * quantity * (100 - discount) // 100),
        "comment": draft.content.sentence() if draft.content.chance(0.2) else "",
    }


def _pounds(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _quote(draft: Draft) -> Values:
    opportunity_id, opportunity = draft.some("opportunity", recent=True)
    stage = opportunity.get("sales_stage", "")
    outcome = {"Closed Won": "Accepted", "Closed Lost": "Rejected"}
    return {
        **_sale(draft, opportunity),
        "subject": f"Quote for {opportunity.get('potentialname', 'new business')}",
        "quotestage": outcome.get(stage) or draft.content.pick(("Created", "Delivered", "Reviewed")),
        "quotetype": draft.content.pick(("Standard", "Tender")),
        "potential_id": opportunity_id,
        "validtill": draft.day(30),
    }


def _accepted_quote(draft: Draft) -> tuple[str, Values]:
    tries = (draft.some("quote", recent=True) for _ in range(8))
    return next((row for row in tries if row[1].get("quotestage") == "Accepted"), ("0", {}))


def _salesorder(draft: Draft) -> Values:
    quote_id, quote = _accepted_quote(draft)
    late = draft.age() > 45  # noqa: PLR2004 - well past delivery
    return {
        **_sale(draft, quote, draft.sold("quote", quote_id)),
        "subject": quote.get("subject", "Direct order").replace("Quote", "Order"),
        "sostatus": "Delivered" if late else draft.content.pick(("Created", "Approved")),
        "customerno": f"C{draft.content.number(100, 9999)}",
        "quote_id": quote_id,
        "potential_id": quote.get("potential_id", "0"),
        "duedate": draft.day(30),
    }


def _invoice(draft: Draft) -> Values:
    order_id, order = draft.some("salesorder", recent=True)
    paid = draft.age() > 30 and draft.content.chance(0.92)  # noqa: PLR2004 - the term of payment
    return {
        **_sale(draft, order, draft.sold("salesorder", order_id)),
        "subject": order.get("subject", "Direct sale").replace("Order", "Invoice"),
        "invoicestatus": "Paid" if paid else draft.content.pick(("Sent", "Created", "Overdue")),
        "customerno": order.get("customerno", ""),
        "salesorder_id": order_id,
        "potential_id": order.get("potential_id", "0"),
        "invoicedate": draft.day(0),
        "duedate": draft.day(30),
        "paiddate": draft.day(draft.content.number(5, 30)) if paid else "",
        "cf_951": draft.content.pick(("", "PO required")),
    }


def _purchaseorder(draft: Draft) -> Values:
    return {
        **_sale(draft, {}),
        "subject": f"Stock of {draft.some('product')[1].get('productname', 'parts')}",
        "purchaseorder_no": f"PO-{draft.content.number(1000, 99999)}",
        "postatus": draft.content.pick(("Created", "Approved", "Delivered", "Received Shipment")),
        "vendor_id": draft.some("company")[0],
        "issue_date": draft.day(0),
        "duedate": draft.day(21),
        "taxtype": "group",
        "discount_percent": "0.000",
        "currency_id": "1",
        "conversion_rate": "1.000",
    }


def _contract(draft: Draft) -> Values:
    order_id, order = draft.some("salesorder")
    cost = draft.content.number(100, 5000)
    return {
        "contact_id": order.get("contact_id", "0"),
        "salesorder_id": order_id,
        "contracttype": draft.content.pick(("Support", "Maintenance", "Rental")),
        "cost_net": f"{cost}.00",
        "cost_gross": f"{cost * 1.2:.2f}",
    }


def _asset(draft: Draft) -> Values:
    contact_id, contact = draft.some("contact")
    return {
        "account_id": contact.get("accountid", "0"),
        "contact_id": contact_id,
        "product_id": draft.some("product")[0],
    }


def _project(draft: Draft) -> Values:
    content = draft.content
    order_id, order = draft.some("salesorder")
    length = content.number(20, 200)
    done = draft.age() > length
    return {
        "name": f"{content.pick(words.DEALS).capitalize()} {content.number(100, 999)}",
        "projectnum": f"PR{content.number(1000, 9999)}",
        "projecttype": content.pick(("Installation", "Development", "Internal")),
        "projectstatus": "Complete" if done else content.pick(("Planning", "In Progress", "On Hold")),
        "projpriority": content.pick(("High", "Medium", "Low")),
        "accountid": order.get("account_id", "0"),
        "contactid": order.get("contact_id", "0"),
        "salesorder_id": order_id,
        "startdate": draft.day(0),
        "targetend": draft.day(length),
        "enddate": draft.day(length) if done else "",
        "budget": content.money(1000, 40_000),
        "time_m": str(content.number(0, 9000)),
        "active": "0" if done else "1",
        "description": content.text(2),
    }


def _ticket(draft: Draft) -> Values:
    content = draft.content
    contact_id, contact = draft.some("contact")
    closed = draft.age() > 14 and content.chance(0.93)  # noqa: PLR2004 - two weeks to solve it
    return {
        "title": content.pick(words.ISSUES),
        "status": "Closed" if closed else content.pick(("Open", "In Progress", "Wait For Response")),
        "priority": content.pick(("Low", "Normal", "High", "Urgent")),
        "severity": content.pick(("Minor", "Major", "Critical")),
        "category": content.pick(("Big Problem", "Small Problem", "Other Problem")),
        "support_queue": content.pick(("First line", "Second line")),
        "contactid": contact_id,
        "parent_id": contact.get("accountid", "0"),
        "product_id": draft.some("product")[0],
        "closedon": draft.day(content.number(0, 14)) if closed else "",
        "closedby": draft.some("user")[0] if closed else "0",
        "openedby": draft.some("user")[0],
        "solution": content.sentence() if closed else "",
        "description": content.text(4),
        "cf_990": content.pick(("", "phone", "portal")),
    }


def _activity(draft: Draft) -> Values:
    content = draft.content
    contact_id, contact = draft.some("contact")
    start = draft.created + timedelta(days=content.number(0, 20), hours=content.number(0, 8))
    kind = content.pick(("Task", "Call", "Meeting"))
    return {
        "subject": content.pick(words.ACTIVITY_SUBJECTS),
        "activitytype": kind,
        "status": "Completed" if start < draft.now else content.pick(("Not Started", "Planned")),
        "priority": content.pick(("Low", "Medium", "High")),
        "date_start": start.replace(second=0).isoformat(" "),
        "due_date": (start + timedelta(days=content.number(0, 3))).date().isoformat(),
        "duration_hours": content.pick(("0", "1", "1", "2")),
        "parent_id": draft.some("opportunity")[0],
        "contact_id": contact_id,
        "accountid": contact.get("accountid", "0"),
        "category": content.pick(("Sales", "Support", "Admin")),
        "description": content.text(2),
        "cf_faqscore": str(content.number(0, 5)),
    }


BUILDERS: dict[str, Callable[[Draft], Values]] = {
    "user": _user,
    "company": _company,
    "contact": _contact,
    "lead": _lead,
    "product": _product,
    "opportunity": _opportunity,
    "quote": _quote,
    "salesorder": _salesorder,
    "invoice": _invoice,
    "purchaseorder": _purchaseorder,
    "contract": _contract,
    "asset": _asset,
    "project": _project,
    "ticket": _ticket,
    "activity": _activity,
}
