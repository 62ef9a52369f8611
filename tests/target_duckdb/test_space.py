"""The file stays small: what deleted rows leave is given back."""

from __future__ import annotations

import os
import random

import duckdb
import pytest

from tests import figures
from tests.target_duckdb.loading import Warehouse, noise, record, schema, state


def load_daily(warehouse: Warehouse, days: int) -> float:
    """Load as many days of upserts and return the file's size by that of a fresh copy."""
    chance = random.Random(1)

    def rows(ids, day):
        return [record("a", id=number, name=f"{noise(chance)} {day}") for number in ids]

    warehouse.load(schema("a"), *rows(range(20_000), 0))
    for day in range(days):
        old, new = chance.sample(range(20_000), 400), range(20_000 + day * 20, 20_020 + day * 20)
        warehouse.load(schema("a"), *rows(old, day), *rows(new, day), state(day))
    fresh = warehouse.path.with_name("fresh.duckdb")
    with duckdb.connect(str(fresh)) as connection:
        connection.execute(f"ATTACH '{warehouse.path}' AS old (READ_ONLY)")
        connection.execute("COPY FROM DATABASE old TO fresh")
    assert warehouse.one("SELECT count(*) FROM crm.a") == 20_000 + days * 20
    share = warehouse.path.stat().st_size / fresh.stat().st_size
    figures.count(f"target-duckdb, {days} days", "% of a fresh copy", round(100 * share))
    return share


def test_the_file_stays_small(tmp_path):
    assert load_daily(Warehouse(tmp_path / "warehouse.duckdb"), 12) <= 1.5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh.duckdb", "warehouse.duckdb"]


@pytest.mark.soak
def test_the_file_stays_small_for_a_year(tmp_path):
    assert load_daily(Warehouse(tmp_path / "warehouse.duckdb"), 365) <= 1.5


def test_comments_views_and_mode_survive_compaction(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    rules = {"id": {"type": "integer", "title": "Number"}, "name": {"type": "string"}}
    chance = random.Random(1)
    rows = [record("a", id=number, name=noise(chance)) for number in range(30_000)]
    warehouse.load(schema("a", rules), *rows)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE VIEW crm.v AS SELECT id FROM crm.a")
    warehouse.path.chmod(0o640)
    is_root = os.geteuid() == 0
    owner = (1234, 5678) if is_root else (os.geteuid(), os.getegid())
    os.chown(warehouse.path, *owner)
    size = warehouse.path.stat().st_size
    warehouse.load(schema("a", rules), load_method="overwrite")
    warehouse.load(schema("a", rules), record("a", id=1, name="y"))
    assert warehouse.path.stat().st_size < size / 2
    found = warehouse.path.stat()
    assert (oct(found.st_mode)[-3:], found.st_uid, found.st_gid) == ("640", *owner)
    assert warehouse.sql("SELECT id FROM crm.v") == [(1,)]
    comments = warehouse.sql("SELECT comment FROM duckdb_columns() WHERE comment IS NOT NULL")
    assert comments == [("Number",)]
