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
        SELECT schema_name AS crm, sum(rows_in) AS rows_in, sum(rows_inserted) AS inserted,
          sum(rows_updated) AS updated, sum(rows_superseded) AS superseded,
          sum(rows_rejected) AS rejected, sum(rows_deleted) AS deleted
        FROM _load.streams GROUP BY run_id, crm ORDER BY min(committed_at)""",
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
            SELECT schema_name, table_name, rows_inserted, rows_updated, rows_deleted, streams.rows_in, seconds
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


def print_answers() -> None:
    """Print three questions and what SQL answers."""
    with duckdb.connect(str(WAREHOUSE), read_only=True) as connection:
        for question, sql in ANSWERS.items():
            say(f"\n{question}")
            say(str(connection.sql(sql)).rstrip())
