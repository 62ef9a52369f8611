"""A read copy with the columns that the `bi` models declare and figures a CRM could hold."""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TODAY = dt.date(2026, 11, 20)
SOURCES = {"OpenCRM": "GBP", "EspoCRM": "USD"}
STAGES = {
    "OpenCRM": ["Prospecting", "Needs analysis", "Value proposition", "Quoted", "Negotiation", "Closed Won"],
    "EspoCRM": ["Prospecting", "Qualification", "Proposal", "Negotiation", "Closed Won"],
}
OWNERS = [
    "Amelia Hart",
    "Ben Okafor",
    "Chloë Dupont",
    "Daniel Weiß",
    "Ewa Nowak",
    "Farid Haddad",
    "Grace Lin",
]
CHECKS = [
    ("contact", "missing_email", "warning", 412, 3870),
    ("contact", "duplicate_email", "warning", 96, 3870),
    ("opportunity", "close_date_in_past", "error", 31, 640),
    ("opportunity", "amount_missing", "error", 12, 640),
    ("account", "no_owner", "warning", 4, 1210),
]

Rows = list[dict[str, Any]]


def months(before: int, after: int) -> list[dt.date]:
    """Return the first days of the months around today."""
    numbers = range(TODAY.year * 12 + TODAY.month - 1 - before, TODAY.year * 12 + TODAY.month + after)
    return [dt.date(number // 12, number % 12 + 1, 1) for number in numbers]


def declared() -> dict[str, dict[str, str]]:
    """Return the columns and types of every `bi` model, as the dbt project declares them."""
    models = yaml.safe_load((ROOT / "transform/models/bi/bi.yml").read_text(encoding="utf-8"))["models"]
    return {
        model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
        for model in models
    }


def each_source() -> list[dict[str, Any]]:
    return [{"source": source, "base_currency": currency} for source, currency in SOURCES.items()]


def open_deals(rng: random.Random) -> Rows:
    return [
        {
            **base,
            "opportunity_id": f"{base['source']}-{number}",
            "opportunity": f"Deal {number}: {rng.choice(['fleet', 'office', 'plant', 'shop'])} refit",
            "account": f"Company {number % 37}",
            "owner": rng.choice(OWNERS),
            "stage": STAGES[base["source"]][stage],
            "stage_order": stage,
            "amount_base": (amount := round(rng.lognormvariate(9.6, 0.8), 2)),
            "weighted_amount_base": round(amount * (stage + 1) * 0.15, 2),
            "close_date": TODAY + dt.timedelta(days=rng.randint(-20, 200)),
            "days_in_stage": rng.randint(1, 120),
            "is_overdue": rng.random() < 0.1,
            "is_stalled": rng.random() < 0.2,
        }
        for base in each_source()
        for number in range(90)
        for stage in [min(int(rng.expovariate(0.5)), len(STAGES[base["source"]]) - 2)]
    ]


def tables() -> dict[str, Rows]:
    """Return the rows of every model."""
    rng = random.Random(7)
    days = [TODAY - dt.timedelta(days=back) for back in range(400)]
    return {
        "sales_pipeline": open_deals(rng),
        "pipeline_snapshot_daily": [
            {
                **base,
                "day": day,
                "stage": "Quoted",
                "opportunities": 60 - number // 12 + int(rng.random() * 5),
            }
            | {"amount_base": 9e5 - number * 900 + rng.random() * 4e4, "is_reconstructed": number > 90}
            for base in each_source()
            for number, day in enumerate(days)
        ],
        "win_rate": [
            {
                **base,
                "closed_month": month,
                "owner": owner,
                "closed": closed,
                "won": won,
                "lost": closed - won,
            }
            for base in each_source()
            for month in months(30, 0)
            for owner in OWNERS
            for closed in [rng.randint(1, 6)]
            for won in [sum(rng.random() < 0.38 for _ in range(closed))]
        ],
        "sales_cycle": [
            {**base, "closed_month": month, "outcome": outcome, "opportunities": rng.randint(4, 20)}
            | {
                "average_days": (mean := rng.uniform(35, 70)),
                "median_days": mean * 0.9,
                "slowest_tenth_days": mean * 2,
            }
            for base in each_source()
            for month in months(30, 0)
            for outcome in ("won", "lost")
        ],
        "opportunity_funnel": [
            {
                **base,
                "stage": stage,
                "stage_order": number,
                "opportunities_reached": (reached := int(640 * 0.72**number)),
            }
            | {"share_reached": reached / 640, "conversion_from_previous": 0.72 if number else None}
            | {"opportunities_now": rng.randint(5, 40), "average_days_in_stage": rng.uniform(4, 30)}
            for base in each_source()
            for number, stage in enumerate(STAGES[base["source"]])
        ],
        "forecast": [
            {**base, "close_month": month, "owner": owner, "open_opportunities": rng.randint(0, 4)}
            | {"won_amount_base": (won := max(0, 12e3 - ahead * 7e3) * rng.random())}
            | {"weighted_amount_base": (weighted := max(0, ahead) * 2e3 * rng.random())}
            | {"open_amount_base": weighted * 2.2, "forecast_amount_base": won + weighted}
            for base in each_source()
            for ahead, month in enumerate(months(8, 6), start=-8)
            for owner in OWNERS
        ],
        "lead_conversion": [
            {
                **base,
                "created_month": month,
                "lead_source": name,
                "leads": (made := rng.randint(3, 30)),
                "owner": OWNERS[0],
            }
            | {"converted": int(made * share)}
            for base in each_source()
            for month in months(14, 0)
            for name, share in (
                ("Web site", 0.3),
                ("Partner", 0.5),
                ("Cold call", 0.1),
                ("Trade show", 0.22),
                (None, 0.2),
            )
        ],
        "owner_performance": [
            {
                **base,
                "owner_id": owner,
                "owner": owner,
                "open_opportunities": rng.randint(1, 20),
                "won": 30,
                "lost": 40,
            }
            | {"win_rate": rng.uniform(0.2, 0.55), "won_last_12_months": rng.randint(3, 20)}
            | {
                "won_amount_last_12_months_base": rng.uniform(4e4, 4e5),
                "open_amount_base": rng.uniform(4e4, 3e5),
            }
            | {"activities_last_30_days": rng.randint(10, 90)}
            for base in each_source()
            for owner in OWNERS
        ],
        "activity_daily": [
            {
                "day": day,
                "source": source,
                "owner": owner,
                "type": kind,
                "activities": 4,
                "done": rng.randint(0, 3),
            }
            for day in days[:70]
            for source in SOURCES
            for owner in OWNERS
            for kind in ("call", "meeting", "email", "task")
        ],
        "account_360": [
            {**base, "account_id": str(number), "account": f"Company {number}", "owner": rng.choice(OWNERS)}
            | {
                "phone": f"020 7946 0{number:03}",
                "open_opportunities": 2,
                "open_amount_base": rng.uniform(1e3, 9e4),
            }
            | {
                "last_activity_on": TODAY - dt.timedelta(days=(quiet := rng.randint(5, 120))),
                "days_since_activity": quiet,
            }
            | {"next_close_date": TODAY + dt.timedelta(days=rng.randint(3, 90))}
            for base in each_source()
            for number in range(30)
        ],
        "ticket_daily": [
            {
                "day": day,
                "source": source,
                "priority": priority,
                "opened": rng.randint(0, 4),
                "closed": rng.randint(0, 4),
            }
            | {"open_at_end": 30 + int(10 * rng.random()) + number // 20}
            for number, day in enumerate(days)
            for source in SOURCES
            for priority in ("High", "Normal")
        ],
        "revenue_monthly": [
            {**base, "month": month, "won_amount_base": rng.uniform(5e4, 2e5)}
            | {"ordered_net": rng.uniform(4e4, 2e5), "invoiced_net": rng.uniform(4e4, 2e5)}
            for base in each_source()[:1]
            for month in months(18, 0)
        ],
        "data_quality": [
            {"source": source, "entity": entity, "check_name": name, "severity": severity, "failing": failing}
            | {"records": records, "share_failing": failing / records, "description": "What is wrong."}
            for source in SOURCES
            for entity, name, severity, failing, records in CHECKS
        ],
        "load_health": [
            {
                "stream": f"{stream}",
                "schema_name": schema,
                "status": rng.choices(["ok", "late", "rejected"], [9, 1, 1])[0],
            }
            | {
                "last_run_at_local": "2026-11-20 06:00:00",
                "hours_since_success": 6.0,
                "rows_in": 120,
            }
            | {
                "rows_in_table": rng.randint(100, 9000),
                "rows_rejected": 0,
                "values_rejected": 0,
                "schema_changes": 0,
            }
            for schema, streams in (("opencrm", 24), ("espocrm", 31))
            for stream in (f"stream_{number}" for number in range(streams))
        ],
    }


def build(path: Path) -> Path:
    """Write a read copy with every model."""
    rows = tables()
    lines = path.with_suffix(".json")
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA bi")
        for model, columns in declared().items():
            lines.write_text("\n".join(json.dumps(row, default=str) for row in rows[model]), encoding="utf-8")
            connection.execute(
                f"CREATE TABLE bi.{model} AS "
                f"FROM read_json('{lines}', format='newline_delimited', columns={columns})"
            )
    return path


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("published") / "analytics.duckdb")
