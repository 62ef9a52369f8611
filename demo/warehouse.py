"""What arrived: tables beside their source, the ledger, and three answers. Knows no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from demo.pipeline import WAREHOUSE, say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ANSWERS = {
    "How much is in the pipeline, and what is it worth?": """
        SELECT source AS crm, count(*) AS deals, sum(amount_base) AS amount,
          sum(weighted_amount_base)::DECIMAL(28, 2) AS weighted, base_currency AS currency
        FROM bi.sales_pipeline GROUP BY ALL ORDER BY crm""",
    "Who won most in the last twelve months?": """
        SELECT source AS crm, owner, won_last_12_months AS won, won_amount_last_12_months_base AS amount,
          base_currency AS currency, round(100 * win_rate) AS "win rate %"
        FROM bi.owner_performance QUALIFY row_number() OVER (PARTITION BY crm ORDER BY amount DESC) <= 2
        ORDER BY crm, amount DESC""",
    "Which customers should be called: most open business, longest silence?": """
        SELECT source AS crm, account, owner, open_amount_base AS open, base_currency AS currency,
          days_since_activity AS "days silent"
        FROM bi.account_360 WHERE days_since_activity > 90
        QUALIFY row_number() OVER (PARTITION BY crm ORDER BY open DESC) <= 2 ORDER BY crm, open DESC""",
}


@dataclass(frozen=True)
class Table:
    """One table of the warehouse beside the entity of a CRM it must equal."""

    schema: str
    name: str
    source: frozenset[str]
    loaded: frozenset[str]

    @property
    def is_equal(self) -> bool:
        """Whether the live rows of the table are exactly the live records of the CRM."""
        return self.source == self.loaded


def live_ids(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> frozenset[str]:
    """Return the keys of the rows of a table that are not marked as deleted; none where there is no table."""
    name = f'"{schema}"."{table}"'
    try:
        columns = {row[0] for row in connection.execute(f"DESCRIBE {name}").fetchall()}
    except duckdb.CatalogException:
        return frozenset()
    alive = "_sdc_deleted_at IS NULL" if "_sdc_deleted_at" in columns else "true"
    sql = f"SELECT id::VARCHAR FROM {name} WHERE {alive}"  # noqa: S608 (our own names)
    return frozenset(row[0] for row in connection.execute(sql).fetchall())


def compare(sources: Mapping[tuple[str, str], frozenset[str]]) -> list[Table]:
    """Return every table beside its source."""
    with duckdb.connect(str(WAREHOUSE), read_only=True) as connection:
        return [
            Table(schema, name, ids, live_ids(connection, schema, name))
            for (schema, name), ids in sorted(sources.items())
        ]


@dataclass(frozen=True)
class Load:
    """What the ledger says of one table in one run."""

    new: int = 0
    changed: int = 0
    deleted: int = 0
    rows: int = 0
    seconds: float = 0.0

    @property
    def speed(self) -> float:
        """Rows loaded a second."""
        return self.rows / self.seconds if self.seconds else 0.0


def ledger(age: int) -> dict[tuple[str, str], Load]:
    """Return the ledger by (schema, table) of the last run (1) or the one before it (2)."""
    with duckdb.connect(str(WAREHOUSE), read_only=True) as connection:
        rows = connection.execute(
            """
            SELECT schema_name, table_name, rows_inserted, rows_updated, rows_deleted,
              streams.rows_in, seconds
            FROM _load.streams JOIN _load.runs USING (run_id)
            QUALIFY dense_rank() OVER (PARTITION BY schema_name ORDER BY started_at DESC) = ?""",
            [age],
        ).fetchall()
    return {(row[0], row[1]): Load(*row[2:]) for row in rows}


def print_tables(tables: list[Table]) -> None:
    """Print one line per table: the source, the warehouse, what run 2 brought, and how fast run 1 loaded."""
    heads = ("in CRM", "DuckDB", "new", "changed", "deleted", "seconds", "rows/s")
    say(f"  {'table':<34}" + "".join(f"{head:>9}" for head in heads))
    first, second = ledger(2), ledger(1)
    for table in tables:
        key = (table.schema, table.name)
        full, delta = first.get(key, Load()), second.get(key, Load())
        numbers = (len(table.source), len(table.loaded), delta.new, delta.changed, delta.deleted)
        speed = f"{full.seconds:>9.2f}{full.speed:>9,.0f}"
        mark = "" if table.is_equal else "  <- differs"
        say(f"  {'.'.join(key):<34}" + "".join(f"{number:>9,}" for number in numbers) + speed + mark)


def print_answers(copy: Path) -> None:
    """Print three questions and what SQL answers, asked of the published copy."""
    with duckdb.connect(str(copy), read_only=True) as connection:
        for question, sql in ANSWERS.items():
            say(f"\n{question}")
            say(str(connection.sql(sql)).rstrip())
