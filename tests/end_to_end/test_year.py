"""Day after day for a year the warehouse equals both CRMs; neither file nor state grows without reason."""

from __future__ import annotations

import json
import os
from contextlib import closing

import duckdb
import pytest
from crm_simulator import Clock, Simulator

from tests import figures
from tests.end_to_end.worlds import EspoCRMWorld, OpenCRMWorld

YEAR = int(os.environ.get("CRM_SOAK_DAYS", "365"))
SMALL = 8 << 20
"""Free blocks that do not matter: DuckDB gives a table of ten rows a quarter of a megabyte."""
ENTITIES = {
    OpenCRMWorld: ("company", "contact", "opportunity", "quote", "ticket"),
    EspoCRMWorld: ("Account", "Contact", "Opportunity", "Case"),
}


def fresh_copy_size(path, folder) -> int:
    """Measure the same content written once into a new file."""
    copy = folder / "fresh.duckdb"
    copy.unlink(missing_ok=True)
    with closing(duckdb.connect()) as connection:
        connection.execute(f"ATTACH '{path}' AS old (READ_ONLY)")
        connection.execute(f"ATTACH '{copy}' AS fresh (STORAGE_VERSION 'v1.2.0')")
        connection.execute("COPY FROM DATABASE old TO fresh")
    return copy.stat().st_size


def live(days: int, forks, folder, scale: float) -> None:
    proof = f"{days} days"
    simulator = Simulator(seed=7, scale=scale, clock=Clock.frozen("2026-02-20T06:00:00+00:00")).start()
    try:
        worlds = []
        for kind, entities in ENTITIES.items():
            place = folder / kind.crm_name
            place.mkdir()
            worlds.append(kind.create(forks, place, simulator, entities))
        sizes = {}
        for day in range(days):
            for world in worlds:
                outcome = world.run()
                assert outcome.succeeded, f"day {day}\n{outcome.errors}"
                assert world.differences() == [], f"day {day}"
                sizes.setdefault(world.tap, len(json.dumps(world.pipeline.state)))
                figures.count(proof, "daily syncs equal to the source")
            diaries = simulator.live_a_day()
            for world in worlds:
                diary = diaries[world.crm_name].values()
                world.restored |= {identity for entry in diary for identity in entry.undeleted}
        for world in worlds:
            assert len(json.dumps(world.pipeline.state)) <= 1.5 * sizes[world.tap], "the state grows"
            size, fresh = world.path.stat().st_size, fresh_copy_size(world.path, folder)
            figures.count(proof, f"% of a fresh copy ({world.crm_name} file)", round(100 * size / fresh))
            assert size <= max(1.5 * fresh, fresh + SMALL), f"{world.path.name}: {size} bytes, fresh {fresh}"
    finally:
        simulator.stop()


def test_ten_days_each_end_equal_to_the_source(forks, tmp_path):
    live(10, forks, tmp_path, scale=0.02)


@pytest.mark.soak
def test_a_year_of_days_each_ends_equal_to_the_source(forks, tmp_path):
    live(YEAR, forks, tmp_path, scale=0.1)
