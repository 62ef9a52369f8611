#!/usr/bin/env python3
"""Measure `dbt build` and the answers over a million opportunities and a million activities.

Usage: python benchmarks/transform.py [--rows 1000000] [--keep FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]

# `n` is the number of a row; every column is drawn from it, so that each run makes the same file.
OPENCRM = {
    "companies": (20, "'Company ' || n AS accountname, 'Retail' AS industry"),
    "contacts": (10, "'Ann' AS firstname, 'No ' || n AS lastname, CAST(n // 2 AS VARCHAR) AS accountid"),
    "opportunities": (
        2,
        """
        'Deal ' || n AS potentialname, CAST(1 + n // 10 AS VARCHAR) AS accountid, 'GBP' AS def_currency,
        ['Prospecting', 'Qualification', 'Negotiation/Review', 'Closed Won', 'Closed Lost'][1 + n % 5]
            AS sales_stage,
        CAST((n * 7919) % 10000000 / 100 AS DECIMAL(38, 9)) AS amount, CAST(n % 101 AS BIGINT) AS probability,
        CAST('2026-03-01' AS DATE) + CAST(n % 400 AS INTEGER) AS closingdate,
        ['Web', 'Fair', 'Call'][1 + n % 3] AS leadsource, 'F' || n % 7 AS cf_901
        """,
    ),
    "activities": (
        2,
        """
        'Call back' AS subject, ['Call', 'Task', 'Meeting'][1 + n % 3] AS activitytype,
        ['Completed', 'Planned'][1 + n % 2] AS status, CAST(1 + n AS VARCHAR) AS parent_id,
        TIMESTAMPTZ '2025-01-01 09:00:00+00' + to_minutes(CAST(n % 900000 AS BIGINT)) AS date_start,
        1.0::DOUBLE AS duration_hours
        """,
    ),
}
ESPOCRM = {
    "account": (20, "'Account ' || n AS name, 'Retail' AS industry"),
    "contact": (10, """'Bob' AS "firstName", 'No ' || n AS "lastName", 'e' || n // 2 AS "accountId" """),
    "opportunity": (
        2,
        """
        'Deal ' || n AS name, 'Proposal' AS "lastStage", 'e' || n // 10 AS "accountId",
        'USD' AS "amountCurrency",
        ['Prospecting', 'Proposal', 'Negotiation', 'Closed Won', 'Closed Lost'][1 + n % 5] AS stage,
        (n * 7919) % 10000000 / 100 AS amount, (n * 7919) % 10000000 / 100 AS "amountConverted",
        CAST(n % 101 AS BIGINT) AS probability,
        CAST('2026-03-01' AS DATE) + CAST(n % 400 AS INTEGER) AS "closeDate",
        0.5::DOUBLE AS "cScore"
        """,
    ),
    "call": (
        2,
        """
        'Call' AS name, ['Held', 'Planned'][1 + n % 2] AS status, 'e' || n // 5 AS "parentId",
        TIMESTAMPTZ '2025-01-01 09:00:00+00' + to_minutes(CAST(n % 900000 AS BIGINT)) AS "dateStart",
        CAST(900 AS BIGINT) AS duration
        """,
    ),
}
STEPS = {
    "first `dbt build`": ("build",),
    "second `dbt build`": ("build",),
    "`dbt run --select bi`": ("run", "--select", "bi"),
}
TABLE = """
CREATE TABLE {schema}.{table} AS
SELECT {key} AS id, {owner},
  TIMESTAMPTZ '2024-06-01 08:00:00+00' + to_minutes(CAST(n % 1000000 AS BIGINT)) AS {created},
  TIMESTAMPTZ '2026-06-01 08:00:00+00' + to_minutes(CAST(n % 200000 AS BIGINT)) AS {modified},
  CAST(NULL AS TIMESTAMPTZ) AS _sdc_deleted_at, {columns}
FROM range({rows}) AS numbers(n)
"""
SHAPES = {
    "opencrm": (
        OPENCRM,
        "CAST(n + 1 AS VARCHAR)",
        "CAST(1 + n % 40 AS VARCHAR) AS smownerid",
        "createdtime",
        "modifiedtime",
    ),
    "espocrm": (
        ESPOCRM,
        "'e' || n",
        """'u' || n % 40 AS "assignedUserId", 'User ' || n % 40 AS "assignedUserName" """,
        '"createdAt"',
        '"modifiedAt"',
    ),
}
ANSWERS = {
    "pipeline by stage": "SELECT source, stage, sum(amount_base) FROM bi.sales_pipeline GROUP BY ALL",
    "win rate by month": "SELECT closed_month, sum(won) / sum(closed) FROM bi.win_rate GROUP BY ALL",
    "pipeline over time": "SELECT day, sum(amount_base) FROM bi.pipeline_snapshot_daily GROUP BY ALL",
    "whom to call": (
        "SELECT account FROM bi.account_360 WHERE open_amount_base > 0"
        " ORDER BY days_since_activity DESC NULLS FIRST, open_amount_base DESC LIMIT 20"
    ),
}


def make_raw(path: Path, rows: int) -> None:
    """Write a warehouse file with the raw tables of both CRMs: `rows` opportunities, as many activities."""
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v1.2.0"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for schema, (tables, key, owner, created, modified) in SHAPES.items():
            connection.execute(f"CREATE SCHEMA {schema}")
            for table, (share, columns) in tables.items():
                connection.execute(
                    TABLE.format(
                        schema=schema,
                        table=table,
                        key=key,
                        owner=owner,
                        created=created,
                        modified=modified,
                        columns=columns,
                        rows=rows // share,
                    )
                )


def processor_seconds() -> float:
    """Return the processor time of all ended child processes, which a busy machine changes little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def build(path: Path, work: Path, *words: str) -> tuple[float, float, dict[str, float]]:
    """Run dbt; return its seconds, its processor seconds and the seconds of each model."""
    environment = {
        **os.environ,
        "DBT_DUCKDB_PATH": str(path),
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_PROJECT_DIR": str(ROOT / "transform"),
        "DBT_PROFILES_DIR": str(ROOT / "transform"),
    }
    started, used = time.perf_counter(), processor_seconds()
    subprocess.run([Path(sys.executable).with_name("dbt"), "--quiet", *words], env=environment, check=True)
    seconds, processor = time.perf_counter() - started, processor_seconds() - used
    results = json.loads((work / "target" / "run_results.json").read_text())["results"]
    return (
        seconds,
        processor,
        {result["unique_id"].split(".")[2]: result["execution_time"] for result in results},
    )


def time_answers(path: Path) -> dict[str, float]:
    """Return the seconds each answer takes in a fresh read-only connection."""
    seconds = {}
    for question, sql in ANSWERS.items():
        with duckdb.connect(str(path), read_only=True) as connection:
            started = time.perf_counter()
            connection.execute(sql).fetchall()
            seconds[question] = time.perf_counter() - started
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'bi'"
        ).fetchall()
    for (name,) in names:
        with duckdb.connect(str(path), read_only=True) as connection:
            started = time.perf_counter()
            connection.execute(f"SELECT count(*), min(columns(*)) FROM bi.{name}").fetchall()
            seconds[f"every column of {name}"] = time.perf_counter() - started
    return seconds


def show(title: str, seconds: dict[str, float], most: int = 100) -> None:
    """Print a table of seconds, the slowest first."""
    print(f"\n| {title} | seconds |\n|---|---|")
    for name, value in sorted(seconds.items(), key=lambda item: -item[1])[:most]:
        print(f"| {name} | {value:.2f} |")


def main() -> None:
    """Make the file, build twice, ask."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="opportunities, and as many activities")
    parser.add_argument("--keep", type=Path, help="write the warehouse here and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        path = options.keep or work / "warehouse.duckdb"
        path.unlink(missing_ok=True)
        make_raw(path, options.rows)
        print(f"{options.rows:,} opportunities, as many activities, {path.stat().st_size / 1e6:.0f} MB raw")
        steps = {}
        for title, words in STEPS.items():
            *steps[title], models = build(path, work, *words)
        print("\n| step | seconds | processor seconds |\n|---|---|---|")
        for title, (seconds, processor) in steps.items():
            print(f"| {title} | {seconds:.1f} | {processor:.1f} |")
        show("bi model", models)
        show("answer", time_answers(path), 8)


if __name__ == "__main__":
    main()
