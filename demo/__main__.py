"""`make demo`: exit code 1 if any row is missing, too many, or not marked as deleted after either run."""

from __future__ import annotations

import shutil
import sys

from crm_simulator import Simulator

from demo.crms import sources, work_in
from demo.pipeline import COPY, EXPORTS, LOG, OUTPUT, REPORT, ROOT, WAREHOUSE, run, say
from demo.warehouse import Table, compare, print_answers, print_tables

PLACES = {
    "the database": WAREHOUSE,
    "a copy for BI tools": COPY,
    "Parquet and CSV": EXPORTS,
    "the report": REPORT,
    "what Meltano printed": LOG,
}


def load_twice(simulator: Simulator) -> list[Table]:
    """Load, work in the CRMs, load again; return every table that differs from its CRM after either run."""
    seconds = run(simulator, "run 1", "run", "crm-to-duckdb")
    first = compare(sources(simulator))
    rows = sum(len(table.loaded) for table in first)
    say(f"run 1: {rows:,} records of {len(first)} entities in {seconds:.1f} s")
    say(f"people work: {work_in(simulator)} records changed, added and deleted in the two CRMs")
    seconds = run(simulator, "run 2", "run", "crm-to-duckdb")
    second = compare(sources(simulator))
    say(f"run 2: what changed, in {seconds:.1f} s\n")
    print_tables(second)
    return [table for table in (*first, *second) if not table.is_equal]


def main() -> int:
    """Fill the warehouse, turn it into answers, and say where everything is."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    with Simulator(scale=1, seed=7) as simulator:
        say(f"OpenCRM at {simulator.opencrm.url}, EspoCRM at {simulator.espocrm.url} (simulated)")
        different = load_twice(simulator)
        seconds = run(simulator, "answers", "run", "duckdb-to-report")
    say(f"\nanswers: one CRM model, published and drawn in {seconds:.1f} s")
    print_answers(COPY)
    verdict = f"{len(different)} tables differ from their CRM" if different else "every table equals its CRM"
    say(f"\n{verdict}; look at")
    for name, place in PLACES.items():
        say(f"  {place.relative_to(ROOT)!s:<38} {name}")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
