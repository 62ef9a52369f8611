"""What the report shows, and in which words; the queries are in queries/, the drawings in charts/."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A single number on top: its query gives `value`, perhaps `currency`, perhaps what it was `before`."""

    id: str
    label: str
    format: str
    note: str
    better: str = ""
    """Which way is good news, `up` or `down`; nothing: neither."""


@dataclass(frozen=True)
class Panel:
    """A question with its answer: a table, and a chart where charts/ has one of that name."""

    id: str
    title: str
    lead: str
    is_wide: bool = False
    split_by: str = ""
    """The column whose every value gets its own chart: amounts of two CRMs are in different currencies."""
    is_table: bool = False
    """True where the table itself is the answer."""


@dataclass(frozen=True)
class Section:
    """Panels under one heading."""

    id: str
    title: str
    panels: tuple[Panel, ...]


FIGURES = (
    Figure("kpi_open_pipeline", "Open pipeline", "money", "{opportunities} open"),
    Figure("kpi_forecast", "Forecast this quarter", "money", "{won} of it won"),
    Figure("kpi_win_rate", "Win rate, 12 months", "percent", "from {before} the year before", better="up"),
    Figure(
        "kpi_days_to_win", "Days to win, average", "number", "from {before} the year before", better="down"
    ),
    Figure("kpi_overdue", "Overdue opportunities", "number", "{stalled} have stalled"),
    Figure(
        "kpi_activities", "Activities, 30 days", "number", "from {before} the 30 days before", better="up"
    ),
    Figure("kpi_open_tickets", "Open tickets", "number", "from {before} 30 days ago", better="down"),
    Figure("kpi_loads", "Streams loaded well", "number", "of {total}"),
)

SECTIONS = (
    Section(
        "sales",
        "Pipeline and forecast",
        (
            Panel(
                "pipeline_by_stage",
                "Where the open pipeline stands",
                "Amount of open opportunities by stage; in the stronger colour: weighted by probability.",
                is_wide=True,
                split_by="source",
            ),
            Panel(
                "forecast",
                "What each month should bring",
                "By month of closing: won, open weighted by probability, and what is open at best.",
                is_wide=True,
                split_by="source",
            ),
            Panel(
                "pipeline_over_time",
                "How the pipeline grew",
                "Open amount at the end of each week; dashed: worked out for the time before the first load.",
                is_wide=True,
                split_by="source",
            ),
        ),
    ),
    Section(
        "winning",
        "Winning",
        (
            Panel(
                "win_rate",
                "Win rate",
                "Share of closed opportunities that were won; the line is the mean of three months.",
            ),
            Panel(
                "sales_cycle",
                "Days from creation to winning",
                "Median per month; the line is the average of three months.",
            ),
            Panel(
                "funnel",
                "How far opportunities get",
                "Share of all opportunities that came at least this far.",
                is_wide=True,
                split_by="source",
            ),
            Panel("leads_over_time", "Leads", "Made per month; in the stronger colour: converted since."),
            Panel(
                "leads",
                "Where leads come from",
                "Of the last 12 months; in the stronger colour: converted.",
            ),
            Panel(
                "revenue",
                "Won, ordered, invoiced",
                "Per month, without VAT.",
                is_wide=True,
                split_by="source",
            ),
        ),
    ),
    Section(
        "people",
        "People",
        (
            Panel(
                "owners",
                "Who wins",
                "Amount won in the last 12 months, with the win rate of each owner.",
                is_wide=True,
                split_by="source",
            ),
            Panel(
                "activity_by_owner",
                "Who is busy with what",
                "Activities of each owner done in the last 30 days.",
            ),
            Panel("activity_over_time", "How busy the weeks were", "Activities done per week."),
            Panel(
                "whom_to_call",
                "Whom to call",
                "Accounts with the largest open amounts, no activity for a month and none planned.",
                is_wide=True,
                is_table=True,
            ),
            Panel(
                "stuck_deals",
                "What is stuck",
                "The largest open opportunities that are past their closing date, or have not moved.",
                is_wide=True,
                is_table=True,
            ),
        ),
    ),
    Section(
        "tickets",
        "Tickets",
        (
            Panel("tickets_open", "Open tickets", "At the end of each week."),
            Panel("tickets_flow", "Opened and closed", "Tickets per month."),
        ),
    ),
    Section(
        "trust",
        "Can this be trusted?",
        (
            Panel(
                "data_quality",
                "What is wanting in the CRMs",
                "Share of the records that a check found wanting.",
                is_wide=True,
                split_by="source",
            ),
            Panel(
                "load_health",
                "How the loads went",
                "One square per stream of each CRM.",
                is_wide=True,
                split_by="schema_name",
            ),
        ),
    ),
)
