"""`make demo`: exit code 1 if any row is missing, too many, or not marked as deleted after either run."""

from __future__ import annotations

import shutil
import sys

from crm_simulator import Simulator

from demo.crms import sources, work_in
from demo.pipeline import OUTPUT, ROOT, WAREHOUSE, run, say
from demo.warehouse import compare, print_answers, print_tables


def main() -> int:
    """Load, work in the CRMs, load again, and show what arrived."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    with Simulator(scale=1, seed=7) as simulator:
        say(f"OpenCRM at {simulator.opencrm.url}, EspoCRM at {simulator.espocrm.url} (simulated)")
        seconds = run(simulator, "run 1", "run", "crm-to-duckdb")
        first = compare(sources(simulator))
        rows = sum(len(table.loaded) for table in first)
        say(f"run 1: {rows:,} records of {len(first)} entities in {seconds:.1f} s")
        say(f"people work: {work_in(simulator)} records changed, added and deleted in the two CRMs")
        seconds = run(simulator, "run 2", "run", "crm-to-duckdb")
        second = compare(sources(simulator))
        say(f"run 2: what changed, in {seconds:.1f} s\n")
    print_tables(second)
    print_answers()
    different = [table for table in (*first, *second) if not table.is_equal]
    verdict = f"{len(different)} tables differ from their CRM" if different else "every table equals its CRM"
    say(f"\n{WAREHOUSE.relative_to(ROOT)}: {verdict}")
    say("look into it: .venv/bin/python -m duckdb output/warehouse.duckdb")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
