"""What arrived: tables beside their source, the ledger, and three answers. Knows no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from demo.pipeline import WAREHOUSE, say

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWERS = {
    "What is in the EspoCRM pipeline, by stage?": """
        SELECT stage, count(*) AS deals, sum(amount) AS amount
        FROM espocrm.opportunity WHERE _sdc_deleted_at IS NULL
        GROUP BY stage ORDER BY amount DESC LIMIT 5""",
    "Which companies have the most open tickets in OpenCRM?": """
        SELECT company.accountname AS company, count(*) AS tickets
        FROM opencrm.tickets AS ticket JOIN opencrm.companies AS company ON company.id = ticket.parent_id
        WHERE ticket.status <> 'Closed' AND ticket._sdc_deleted_at IS NULL
        GROUP BY ALL ORDER BY tickets DESC, company LIMIT 5""",
    "Did every record of every run arrive?": """
        SELECT target_schema AS crm, sum(rows_in) AS rows_in, sum(inserted) AS inserted,
          sum(updated) AS updated, sum(superseded) AS superseded, sum(rejected) AS rejected,
          sum(deleted) AS deleted
        FROM _load.streams GROUP BY run_id, crm ORDER BY min(started_at)""",
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
    sql = f'SELECT id::VARCHAR FROM "{schema}"."{table}" WHERE _sdc_deleted_at IS NULL'  # noqa: S608 (our names)
    try:
        return frozenset(row[0] for row in connection.execute(sql).fetchall())
    except duckdb.CatalogException:
        return frozenset()


def compare(sources: Mapping[tuple[str, str], frozenset[str]]) -> list[Table]:
    """Return every table beside its source."""
    with duckdb.connect(str(WAREHOUSE), read_only=True) as connection:
        return [
            Table(schema, name, ids, live_ids(connection, schema, name))
            for (schema, name), ids in sorted(sources.items())
        ]


def ledger(age: int) -> dict[tuple[str, str], tuple[int, int, int, float]]:
    """Return new, changed, deleted, records/s by (schema, table) of the last run (1) or the one before it."""
    with duckdb.connect(str(WAREHOUSE), read_only=True) as connection:
        rows = connection.execute(
            """
            SELECT target_schema, stream, inserted, updated, deleted, rows_in / greatest(seconds, 0.001)
            FROM _load.streams JOIN _load.runs USING (run_id)
            QUALIFY dense_rank() OVER (PARTITION BY target_schema ORDER BY runs.started_at DESC) = ?""",
            [age],
        ).fetchall()
    return {(row[0], row[1]): row[2:] for row in rows}


def print_tables(tables: list[Table]) -> None:
    """Print one line per table: the source, the warehouse, and what the second run brought."""
    heads = ("in CRM", "DuckDB", "new", "changed", "deleted", "records/s")
    say(f"  {'table':<34}" + "".join(f"{head:>10}" for head in heads))
    second, first = ledger(1), ledger(2)
    for table in tables:
        key = (table.schema, table.name)
        new, changed, deleted, _ = second.get(key, (0, 0, 0, 0.0))
        speed = first.get(key, (0, 0, 0, 0.0))[3]
        numbers = (len(table.source), len(table.loaded), new, changed, deleted, round(speed))
        mark = "" if table.is_equal else "  <- differs"
        say(f"  {'.'.join(key):<34}" + "".join(f"{number:>10,}" for number in numbers) + mark)


def print_answers() -> None:
    """Print three questions and what SQL answers."""
    with duckdb.connect(str(WAREHOUSE), read_only=True) as connection:
        for question, sql in ANSWERS.items():
            say(f"\n{question}")
            say(str(connection.sql(sql)).rstrip())
