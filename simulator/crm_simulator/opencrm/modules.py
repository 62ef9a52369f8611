"""The modules of OpenCRM and their fields, as tables after the API document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "date", "datetime", "flag", "int", "money", "ref"]

BLANKS: dict[Kind, str] = {"flag": "0", "ref": "0"}
"""What a field holds before anybody fills it in; other kinds are empty."""


@dataclass(frozen=True)
class Module:
    """One module: its names, its fields with their kinds, its share of the content and its age in days."""

    name: str
    internal: str
    fields: dict[str, Kind]
    basic: tuple[str, ...]
    share: int
    query_names: dict[str, str] = field(default_factory=dict)
    custom: dict[str, Kind] = field(default_factory=dict)
    has_lines: bool = False
    history: int = 730

    def of_kind(self, *kinds: Kind) -> tuple[str, ...]:
        """List the fields of some kinds, custom ones last."""
        return tuple(name for name, kind in {**self.fields, **self.custom}.items() if kind in kinds)


def _fields(text: str) -> dict[str, Kind]:
    fields: dict[str, Kind] = {}
    for word in text.split():
        name, _, kind = word.partition(":")
        fields[name] = _KINDS[kind]
    return fields


_KINDS: dict[str, Kind] = {
    "": "text",
    "d": "date",
    "t": "datetime",
    "f": "flag",
    "i": "int",
    "m": "money",
    "r": "ref",
}
_COMMON = "smownerid:r description createdtime:t modifiedtime:t"
_CONSENT = (
    "do_not_email:f tps:f fps:f consent_to_processing:f data_processing_consent_given:f "
    "date_consent_given:d consent_given_to righttobeforgotten:f righttobeforgotten_date:d"
)
_PORTAL = "portal:f login password portal_islocked:f"
_PLANS = "actionplan_id:i emailplan:i reassigned_date:d"
_SHIPPING = (
    "bill_street bill_city bill_code bill_country ship_street ship_city ship_code ship_country "
    "terms_conditions"
)
_OWNER = {"smownerid": "assigned_user_id"}

LEADS = _fields(
    f"""{_COMMON} {_CONSENT} {_PORTAL} firstname lastname company designation email phone mobile homephone
    fax leadsource leadstatus leadtype industry rating annualrevenue:m noofemployees:i lane lane2 city
    state code country website greeting assistant_email cost_centre data_collected dob:d donotlivechat:f
    email_bounced:f email_bounce_history actionplan_id:i emailplan:i firstaction subscription
    leaddetails_tags"""
)
CONTACTS = _fields(
    f"""{_COMMON} {_CONSENT} {_PORTAL} firstname lastname accountid:r title department contacttype
    leadsource greeting birthday:d email email2 phone mobile homephone otherphone fax assistant
    assistantphone assistant_email mailingstreet mailingstreet2 mailingcity mailingstate mailingzip
    mailingcountry otherstreet otherstreet2 othercity otherstate otherzip othercountry addressinherit:f
    reportsto:r folder donotlivechat:f canesign:f support_start_date:d support_end_date:d sage_ref
    includeinsync:f subscription contactdetails_tags"""
)
COMPANIES = _fields(
    f"""{_COMMON} {_CONSENT} accountname account_type industry ownership rating employees:i annualrevenue:m
    companynumber proprietor parentid:r email1 email2 phone otherphone fax website street bill_street_2
    city state code country billemail ship_street ship_street_2 ship_city ship_state ship_code
    ship_country shipemail reg_street reg_street_2 reg_city reg_state reg_code reg_country
    address_inherit:f sage_ref vatnumber vatexempt:f def_currency pricebook:r language paymenttype
    credit_limit:m credit_limit_days:i credit_status stockfund:m creditcheckon:d creditcheckby
    outstanding_balance:m due_balance:m overdue_balance:m currentspend:m year_to_date:m majoraccount:f
    includeinsync:f subscription account_tags"""
)
OPPORTUNITIES = _fields(
    f"""{_COMMON} {_PLANS} potentialname potentialtype sales_stage leadsource nextstep accountid:r
    contactid:r campaignid:r projectid:r single_event_id:r parent_id:r email amount:m previous_amount:m
    gain_loss:m weightedamount:m probability:i salescommission:m start_date:d closingdate:d activedays:i
    commission_approved:f commission_approved_date:d def_currency cost_centre vat_rate:m potential_tags"""
)
ACTIVITIES = _fields(
    f"""{_COMMON} subject activitytype status priority date_start:t due_date:d duration_hours:i parent_id:r
    contact_id:r accountid:r single_asset_id:r category tasklist chargetime:m cost_net:m cost_gross:m
    vat_rate:m livechat_convo_url cf_faqrating sendnotification:f sendnotificationcont:f reminder_time:i
    reminder_time_cont:i showonportal:f"""
)
PROJECTS = _fields(
    f"""{_COMMON} {_PLANS} name projectnum projecttype projectstatus projpriority accountid:r contactid:r
    salesorder_id:r parent_id:r email startdate:d enddate:d targetend:d budget:m cost_net:m cost_gross:m
    vat_rate:m time_m:i time_taken_m:i nc_time_m:i sched_time_m:i active:f private:f showonportal:f
    showdocsonportal:f projects_tags"""
)
TICKETS = _fields(
    f"""{_COMMON} {_PLANS} title status priority severity category support_queue contactid:r parent_id:r
    extra_parent_id:r contractid:r projectid:r product_id:r single_asset_id:r solution tech_solution
    closedon:d closedby:r openedby:r cost_net:m cost_gross:m showonportal:f email_to
    sent_to_support_email troubletickets_tags"""
)
PRODUCTS = _fields(
    f"""{_COMMON} productname productcode productcategory product_status subproducttype discontinued:f
    product_description mini_description unit_price:m buy_price:m commissionrate:m commission_band
    manufacturer vendor_id:r vendor_part_no qtyinstock:m qtyindemand:i reorderlevel:i qty_per_unit:m
    location_warehouse location_shelf location_bin serialno batch_number model_revision
    sales_start_date:d sales_end_date:d start_date:d expiry_date:d datein:d despatchdate:d
    price_check_date:d contract_term nominal_code purch_nom_code purch_nom_desc glacct taxclass
    def_currency usageunit size weight_stock:m prod_supplytype bundle_product:f website productsheet
    parentprodid:r customerid:r installerid:r products_tags reassigned_date:d"""
)
ASSETS = _fields(f"{_COMMON} account_id:r contact_id:r product_id:r")
CONTRACTS = _fields(
    f"{_COMMON} contact_id:r salesorder_id:r contracttype cost_net:m cost_gross:m contracts_tags"
)
QUOTES = _fields(
    f"""{_COMMON} {_SHIPPING} subject quotestage quotetype account_id:r contact_id:r potential_id:r
    validtill:d subtotal:m total:m"""
)
SALES_ORDERS = _fields(
    f"""{_COMMON} {_SHIPPING} subject sostatus customerno account_id:r contact_id:r quote_id:r
    potential_id:r duedate:d subtotal:m total:m salesorder_tags"""
)
INVOICES = _fields(
    f"""{_COMMON} {_SHIPPING} subject invoicestatus customerno account_id:r contact_id:r salesorder_id:r
    potential_id:r invoicedate:d duedate:d paiddate:d subtotal:m total:m invoice_tags"""
)
PURCHASE_ORDERS = _fields(
    f"""{_COMMON} {_SHIPPING} subject purchaseorder_no postatus vendor_id:r contact_id:r requisition_no
    tracking_no duedate:d issue_date:d subtotal:m total:m taxtype discount_percent:m discount_amount:m
    s_h_amount:m s_h_percent:m currency_id:r conversion_rate:m purchaseorder_tags"""
)
USERS = _fields(
    "user_name first_name last_name email1 status title department phone_work user_password date_entered:t "
    "date_modified:t"
)

MODULES = {
    module.name: module
    for module in (
        Module(
            "user",
            "Users",
            USERS,
            ("user_name", "first_name", "last_name", "email1", "status"),
            12,
            history=1800,
        ),
        Module(
            "company",
            "Accounts",
            COMPANIES,
            ("accountname", "city", "phone", "website", "smownerid"),
            900,
            {
                **_OWNER,
                "parentid": "account_id",
                "account_type": "accounttype",
                "annualrevenue": "annual_revenue",
                "street": "bill_street",
                "city": "bill_city",
                "state": "bill_state",
                "code": "bill_code",
                "country": "bill_country",
            },
            {"cf_612": "text", "cf_613": "text", "cf_640": "date", "cf_641": "money"},
            history=1500,
        ),
        Module(
            "contact",
            "Contacts",
            CONTACTS,
            ("firstname", "lastname", "accountid", "email", "phone", "smownerid"),
            2200,
            {**_OWNER, "accountid": "account_id", "reportsto": "contact_id"},
            {"cf_701": "text", "cf_702": "text", "cf_703": "datetime"},
            history=1200,
        ),
        Module(
            "lead",
            "Leads",
            LEADS,
            ("firstname", "lastname", "company", "leadstatus", "smownerid"),
            600,
            _OWNER,
            {"cf_801": "text", "cf_802": "flag"},
        ),
        Module(
            "product",
            "Products",
            PRODUCTS,
            ("productname", "productcode", "unit_price"),
            120,
            _OWNER,
            history=1500,
        ),
        Module(
            "opportunity",
            "Potentials",
            OPPORTUNITIES,
            ("potentialname", "sales_stage", "amount", "closingdate", "smownerid"),
            900,
            {**_OWNER, "accountid": "account_id", "potentialtype": "opportunity_type"},
            {"cf_901": "text", "cf_902": "int"},
            history=800,
        ),
        Module(
            "quote", "Quotes", QUOTES, ("subject", "quotestage"), 500, _OWNER, has_lines=True, history=760
        ),
        Module(
            "salesorder",
            "SalesOrder",
            SALES_ORDERS,
            ("subject", "sostatus"),
            350,
            _OWNER,
            has_lines=True,
        ),
        Module(
            "invoice",
            "Invoice",
            INVOICES,
            ("subject", "invoicestatus"),
            400,
            _OWNER,
            {"cf_951": "text"},
            has_lines=True,
        ),
        Module(
            "purchaseorder",
            "PurchaseOrder",
            PURCHASE_ORDERS,
            ("subject", "postatus"),
            120,
            _OWNER,
            has_lines=True,
        ),
        Module("contract", "Contracts", CONTRACTS, ("contracttype", "contact_id"), 150, _OWNER),
        Module("asset", "Assets", ASSETS, ("account_id", "product_id"), 300, _OWNER),
        Module(
            "project",
            "Projects",
            PROJECTS,
            ("name", "projectstatus", "smownerid"),
            150,
            _OWNER,
            {"cf_612": "text"},
        ),
        Module(
            "ticket",
            "HelpDesk",
            TICKETS,
            ("title", "status", "priority", "smownerid"),
            700,
            {
                **_OWNER,
                "priority": "ticketpriorities",
                "status": "ticketstatus",
                "category": "ticketcategories",
                "title": "ticket_title",
            },
            {"cf_990": "text"},
        ),
        Module(
            "activity",
            "Activities",
            ACTIVITIES,
            ("subject", "status", "date_start", "smownerid"),
            2600,
            {**_OWNER, "status": "taskstatus", "priority": "taskpriority"},
            {"cf_faqscore": "int"},
        ),
    )
}
