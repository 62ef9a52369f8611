"""The entities of OpenCRM, one row each, and the end points that may be called."""

from __future__ import annotations

from dataclasses import dataclass

LIVE_SUFFIX = "__live"


@dataclass(frozen=True)
class Entity:
    """One OpenCRM module and how it becomes streams."""

    name: str
    module: str
    line_stream: str = ""
    is_incremental: bool = True
    is_optional: bool = False

    @property
    def list_end_point(self) -> str:
        """The end point that lists records with all their fields."""
        return f"get_{self.module}_list_full"

    @property
    def basic_end_point(self) -> str:
        """The end point that lists records with few of their fields."""
        return f"get_{self.module}_list"

    @property
    def count_end_point(self) -> str:
        """The end point that counts records."""
        return f"get_{self.module}_list_count"

    @property
    def record_end_point(self) -> str:
        """The end point that reads one record."""
        return f"get_{self.module}" if self.module != "user" else "get_user_details"

    @property
    def live_stream(self) -> str:
        """The stream of the ids that exist now."""
        return self.name + LIVE_SUFFIX


ENTITIES = (
    Entity("activities", "activity"),
    Entity("assets", "asset"),
    Entity("companies", "company"),
    Entity("contacts", "contact"),
    Entity("contracts", "contract"),
    Entity("invoices", "invoice", line_stream="invoice_lines"),
    Entity("leads", "lead"),
    Entity("opportunities", "opportunity"),
    Entity("products", "product"),
    Entity("projects", "project"),
    Entity("purchase_orders", "purchaseorder", line_stream="purchase_order_lines"),
    Entity("quotes", "quote", line_stream="quote_lines"),
    Entity("sales_orders", "salesorder", line_stream="sales_order_lines"),
    Entity("tickets", "ticket"),
    Entity("users", "user", is_incremental=False, is_optional=True),
)
NAMES = tuple(entity.name for entity in ENTITIES)

LOGIN = "login"
READ_END_POINTS = frozenset(
    {LOGIN}
    | {entity.list_end_point for entity in ENTITIES}
    | {entity.basic_end_point for entity in ENTITIES}
    | {entity.count_end_point for entity in ENTITIES}
    | {entity.record_end_point for entity in ENTITIES}
)
