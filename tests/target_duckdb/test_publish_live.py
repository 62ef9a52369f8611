"""The file of views: open once, always the newest version."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import duckdb
import pytest
from target_duckdb.publish.run import main


@pytest.fixture
def publish(tmp_path):
    """Fill the working file with a version of one model and publish it."""

    def publish(select: str, *more: str) -> None:
        with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS bi; CREATE OR REPLACE TABLE bi.one AS {select}")
            connection.execute("COMMENT ON TABLE bi.one IS 'One'; COMMENT ON COLUMN bi.one.n IS 'The number'")
        words = [f"--{name}={tmp_path / value}" for name, value in PATHS.items()]
        assert main([*words, *more]) == 0

    before = os.umask(0o022)
    yield publish
    os.umask(before)


PATHS = {
    "database": "warehouse.duckdb",
    "target": "analytics.duckdb",
    "exports": "exports",
    "live": "live.duckdb",
}


def test_one_connection_sees_every_version(tmp_path, publish):
    publish("SELECT 1 AS n, DATE '2026-01-02' AS day, 1.5::DECIMAL(18,2) AS amount")
    seen = []
    with duckdb.connect(str(tmp_path / "live.duckdb"), read_only=True) as connection:
        for number in (1, 2, 3):
            publish(f"SELECT {number} AS n, DATE '2026-01-02' AS day, 1.5::DECIMAL(18,2) AS amount")
            seen += connection.execute("SELECT n FROM bi.one").fetchall()
    assert seen == [(1,), (2,), (3,)]


def test_the_views_read_their_own_folder_whatever_its_name(tmp_path, publish):
    publish("SELECT 1 AS n", f"--exports={tmp_path / 'e1'}", "--live=")
    publish("SELECT 2 AS n", f"--exports={tmp_path / 'e[1]'}")
    with duckdb.connect(str(tmp_path / "live.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT n FROM bi.one").fetchall() == [(2,)]


def test_a_folder_is_no_value_of_a_column(tmp_path, publish):
    publish("SELECT 1 AS n", f"--exports={tmp_path / 'n=5'}")
    with duckdb.connect(str(tmp_path / "live.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT n FROM bi.one").fetchall() == [(1,)]


def test_the_file_is_not_touched_while_the_models_stay_the_same(tmp_path, publish):
    publish("SELECT 1 AS n")
    before = (tmp_path / "live.duckdb").stat().st_ino
    publish("SELECT 2 AS n")
    assert (tmp_path / "live.duckdb").stat().st_ino == before


def test_a_new_column_replaces_the_file_and_does_not_disturb_who_has_it_open(tmp_path, publish):
    publish("SELECT 1 AS n")
    with duckdb.connect(str(tmp_path / "live.duckdb"), read_only=True) as connection:
        publish("SELECT 'new' AS word, 2 AS n")
        assert connection.execute("FROM bi.one").fetchall() == [(2,)]
    with duckdb.connect(str(tmp_path / "live.duckdb"), read_only=True) as connection:
        assert connection.execute("FROM bi.one").fetchall() == [("new", 2)]


def test_types_and_descriptions_are_those_of_the_model(tmp_path, publish):
    publish("SELECT 1::BIGINT AS n, DATE '2026-01-02' AS day, 1.5::DECIMAL(18,2) AS amount, true AS won")
    with duckdb.connect(str(tmp_path / "live.duckdb"), read_only=True) as connection:
        types = connection.execute("SELECT data_type, comment FROM duckdb_columns() WHERE schema_name = 'bi'")
        assert types.fetchall() == [
            ("BIGINT", "The number"),
            ("DATE", None),
            ("DECIMAL(18,2)", None),
            ("BOOLEAN", None),
        ]


@pytest.mark.parametrize("more", [["--live="], ["--formats=csv"]], ids=["not wanted", "no Parquet"])
def test_there_is_no_such_file_without_need(tmp_path, publish, more):
    publish("SELECT 1 AS n", *more)
    assert not (tmp_path / "live.duckdb").exists()


def test_a_file_whose_views_would_read_nothing_is_removed(tmp_path, publish):
    publish("SELECT 1 AS n")
    publish("SELECT 2 AS n", "--formats=")
    assert (tmp_path / "live.duckdb").exists()
    publish("SELECT 3 AS n", "--formats=csv")
    assert not (tmp_path / "live.duckdb").exists()


def test_the_file_may_lie_on_another_file_system_in_a_folder_to_be_made(tmp_path, publish):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        assert Path(elsewhere).stat().st_dev != tmp_path.stat().st_dev
        live = Path(elsewhere) / "nothere/live.duckdb"
        publish("SELECT 1 AS n", f"--live={live}")
        with duckdb.connect(str(live), read_only=True) as connection:
            assert connection.execute("SELECT n FROM bi.one").fetchall() == [(1,)]


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_shown(tmp_path, publish, capsys):
    (tmp_path / "taken").touch()
    with pytest.raises(AssertionError):
        publish("SELECT 1 AS n", f"--live={tmp_path / 'taken/live.duckdb'}")
    assert f"cannot make the folder {tmp_path / 'taken'}: " in capsys.readouterr().err
    assert not (tmp_path / "analytics.duckdb").exists()
