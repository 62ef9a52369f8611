"""What no publisher has made is never replaced, and what one has made always is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest
from target_duckdb.publish.place import workplace
from target_duckdb.publish.run import main

from tests.target_duckdb.loading import HOLD


def database(path: Path, table: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE SCHEMA bi; CREATE TABLE bi.{table} AS SELECT 1 AS id")
    return path


@pytest.fixture
def working(tmp_path):
    before = os.umask(0o022)
    yield database(tmp_path / "w.duckdb", "one")
    os.umask(before)


def publish(working: Path, *more: str) -> int:
    return main(["--database", str(working), "--target", str(working.parent / "pub/a.duckdb"), *more])


def tables(path: Path) -> list[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]


PRECIOUS = (
    "--target={0}/prod.duckdb",
    "--target={0}/new/../prod.duckdb",
    "--live={0}/prod.duckdb",
    "--live=../prod.duckdb",
)


@pytest.mark.parametrize("option", PRECIOUS)
def test_a_database_of_somebody_else_is_refused_with_its_log(working, option, capsys):
    precious = database(working.parent / "prod.duckdb", "precious")
    log = working.parent / "prod.duckdb.wal"
    log.touch()
    assert publish(working, option.format(working.parent)) == 1
    assert "prod.duckdb is no " in capsys.readouterr().err
    assert log.exists()
    assert tables(precious) == ["precious"]
    assert not list(working.parent.glob("pub/*"))


def test_a_database_that_was_put_in_the_place_of_the_read_copy_stays(working, capsys):
    assert publish(working) == 0
    (working.parent / "pub/a.duckdb").unlink()
    precious = database(working.parent / "pub/a.duckdb", "precious")
    assert publish(working) == 1
    assert "rename or remove this one" in capsys.readouterr().err
    assert tables(precious) == ["precious"]


def test_database_and_target_the_wrong_way_round_do_not_cost_the_warehouse(working):
    assert publish(working) == 0
    before = working.read_bytes()
    assert main(["--database", str(working.parent / "pub/a.duckdb"), "--target", str(working)]) == 1
    assert working.read_bytes() == before


@pytest.mark.parametrize("name", ["a.duckdb", "live.duckdb", "exports"])
@pytest.mark.parametrize("is_there", [True, False], ids=["there", "dangling"])
def test_a_link_of_somebody_else_stays(working, name, is_there):
    (working.parent / "pub").mkdir()
    if is_there:
        (working.parent / "big").mkdir()
    link = working.parent / "pub" / name
    link.symlink_to("../big")
    assert publish(working) == 1
    assert link.readlink() == Path("../big")


def test_a_view_of_somebody_else_on_parquet_stays(working):
    (working.parent / "pub").mkdir()
    with duckdb.connect(str(working.parent / "pub/live.duckdb")) as connection:
        connection.execute(f"COPY (SELECT 1 AS n) TO '{working.parent}/n.parquet'")
        connection.execute(f"CREATE VIEW mine AS SELECT n FROM read_parquet('{working.parent}/n.parquet')")
    assert publish(working) == 1
    assert not (working.parent / "pub/a.duckdb").exists()


@pytest.mark.parametrize(
    "more", ["CREATE TABLE mine (n INT)", "CREATE MACRO mine() AS 1", "CREATE SEQUENCE s"]
)
def test_a_file_of_views_to_which_somebody_added_stays(working, more):
    assert publish(working) == 0
    with duckdb.connect(str(working.parent / "pub/live.duckdb")) as connection:
        connection.execute(more)
    assert publish(working) == 1


def restored(place: Path, *, symlinks: bool = True) -> None:
    copied = shutil.copytree(place, place.with_name("copied"), symlinks=symlinks)
    shutil.rmtree(place)
    copied.rename(place)


MISHAPS = {
    "nothing": Path.stat,
    "moved there and back": lambda place: place.rename(place.with_name("x")).rename(place),
    "restored without hard links": restored,
    "restored without any links": lambda place: restored(place, symlinks=False),
    "marks removed": lambda place: [shutil.rmtree(mark) for mark in place.glob(".*.publish")],
    "read copy removed": lambda place: (place / "a.duckdb").unlink(),
    "exports removed": lambda place: shutil.rmtree((place / "exports").resolve()),
}


@pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)
def test_what_a_publisher_has_made_is_replaced(working, mishap):
    assert publish(working) == 0
    mishap(working.parent / "pub")
    with duckdb.connect(str(working)) as connection:
        connection.execute("CREATE TABLE bi.two AS SELECT 2 AS id")
    assert publish(working) == 0
    assert tables(working.parent / "pub/a.duckdb") == ["one", "two"]
    assert (working.parent / "pub/exports/two.csv").is_file()


def test_a_reader_that_took_the_views_for_itself_stops_nobody(working):
    assert publish(working) == 0
    hold = HOLD.format(path=str(working.parent / "pub/live.duckdb"), wait="sys.stdin.read()")
    command = [sys.executable, "-c", hold]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline() == "held\n"
        assert publish(working) == 0
        reader.stdin.close()


def test_what_another_publisher_is_about_to_replace_is_looked_at_once_it_is_done(working):
    assert publish(working) == 0
    target = working.parent / "pub/a.duckdb"
    version = next(target.parent.glob("a_*"))
    command = [sys.executable, "-m", "target_duckdb.publish.run", "--database", working, "--target", target]
    with ExitStack() as other:
        other.enter_context(workplace(target, wait_seconds=0))
        away = version.rename(working.parent / "away")
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as waiting:
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(1.5)
            away.rename(version)
            other.close()
    assert waiting.returncode == 0
