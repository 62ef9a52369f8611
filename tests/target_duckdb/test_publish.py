"""`duckdb-publish`: a read copy and exports that are whole, whoever reads, writes or dies."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from target_duckdb.publish.database import copy_bytes
from target_duckdb.publish.run import main
from target_duckdb.publish.swap import house

from tests.target_duckdb.loading import HOLD

PUBLISH = [sys.executable, "-c", "from target_duckdb.cli import publish; publish()"]
VALUES = [
    (1, "a,b", "2026-01-02", "2026-01-02 03:04:05", "1.50", True),
    (2, 'say "hi"\nthere', None, None, "-0.10", False),
    (3, "", None, None, None, None),
    (4, None, None, None, None, None),
    (5, "=cmd()", None, None, None, None),
    (6, "Zoë Müller 🙂", None, None, None, None),
]


@pytest.fixture
def working(tmp_path) -> Path:
    """A working file as a load and dbt leave it: raw tables, views that spell the file's name, models."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("""
            CREATE SCHEMA opencrm; CREATE SCHEMA staging; CREATE SCHEMA bi;
            CREATE TABLE opencrm.contacts AS SELECT range AS id, 'c' || range AS name FROM range(1000);
            CREATE VIEW warehouse.staging.contacts AS SELECT id, name FROM warehouse.opencrm.contacts;
            CREATE VIEW bi.people AS SELECT id FROM warehouse.staging.contacts;
            COMMENT ON VIEW bi.people IS 'Who we know'; COMMENT ON COLUMN bi.people.id IS 'The key';
            CREATE TABLE bi.deals (id BIGINT, name VARCHAR, day DATE, seen TIMESTAMP,
                amount DECIMAL(18,2), won BOOLEAN);
            COMMENT ON TABLE bi.deals IS 'What we sell';
        """)
        connection.executemany("INSERT INTO bi.deals VALUES (?, ?, ?, ?, ?, ?)", VALUES)
    return path


def arguments(working: Path, *more: str) -> list[str]:
    there = working.parent / "published"
    target, exports = str(there / "analytics.duckdb"), str(there / "exports")
    live = str(there / "live.duckdb")
    paths = ["--database", str(working), "--target", target, "--exports", exports, "--live", live]
    return [*paths, "--wait", "5", *more]


@pytest.fixture(autouse=True)
def _umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def publish(working: Path, *more: str) -> Path:
    assert main(arguments(working, *more)) == 0
    return working.parent / "published"


def query(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def manifest(there: Path) -> dict:
    return json.loads((there / "exports/manifest.json").read_text(encoding="utf-8"))


def test_the_read_copy_holds_every_table_and_its_views_answer_under_the_new_name(working):
    there = publish(working)
    assert query(there / "analytics.duckdb", "SELECT count(*) FROM opencrm.contacts") == [(1000,)]
    assert query(there / "analytics.duckdb", "SELECT count(*), max(id) FROM bi.people") == [(1000, 999)]


def test_comments_survive_on_tables_views_and_columns(working):
    there = publish(working)
    comments = """
        SELECT comment FROM duckdb_views() WHERE comment IS NOT NULL UNION ALL
        SELECT comment FROM duckdb_tables() WHERE comment IS NOT NULL UNION ALL
        SELECT comment FROM duckdb_columns() WHERE comment IS NOT NULL ORDER BY 1
    """
    assert query(there / "analytics.duckdb", comments) == [("The key",), ("What we sell",), ("Who we know",)]


def write(working: Path, row: int, then: str = "") -> None:
    """Add a row to a model in a process of its own, which may fail."""
    script = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); "
        "c.execute(\"SET checkpoint_threshold = '1GB'\"); "
        f"c.execute('INSERT INTO bi.deals (id) VALUES ({row})'); {then}"
    )
    subprocess.run([sys.executable, "-c", script, str(working)], check=False)


@pytest.mark.parametrize("name", ["warehouse.duckdb", "link.duckdb"])
def test_a_working_file_with_an_unfinished_log_is_published_with_what_was_committed(working, name):
    (working.parent / "link.duckdb").symlink_to(working)
    write(working, 7, "os._exit(9)")
    assert working.with_name("warehouse.duckdb.wal").exists()
    there = publish(working.with_name(name))
    assert query(there / "analytics.duckdb", "SELECT max(id) FROM bi.deals") == [(7,)]


def test_a_load_does_not_get_between_the_copies_of_the_working_file_and_of_its_log(working, monkeypatch):
    def copy_and_load(source: Path, copy: Path) -> None:
        copy_bytes(source, copy)
        write(working, 8)

    write(working, 7, "os._exit(9)")
    monkeypatch.setattr("target_duckdb.publish.database.copy_bytes", copy_and_load)
    assert query(publish(working) / "analytics.duckdb", "SELECT max(id) FROM bi.deals") == [(7,)]
    assert query(working, "SELECT max(id) FROM bi.deals") == [(8,)]


def test_parquet_holds_the_rows_of_the_model(working):
    there = publish(working)
    same = f"""
        SELECT count(*) FROM (FROM bi.deals EXCEPT ALL FROM read_parquet('{there}/exports/deals.parquet'))
    """
    assert query(there / "analytics.duckdb", same) == [(0,)]


def test_csv_is_rfc_4180_and_tells_nothing_from_empty(working):
    raw = (publish(working) / "exports/deals.csv").read_bytes()
    assert raw.startswith(b"id,name,day,seen,amount,won\r\n1,")
    assert raw.endswith(b"\r\n")
    assert b'3,"",,,,\r\n4,,,,,\r\n' in raw


def test_csv_reads_back_as_what_was_written(working):
    with (publish(working) / "exports/deals.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    written = [["" if value is None else str(value) for value in row] for row in VALUES]
    assert rows == [[*row[:5], row[5].lower()] for row in written]


def test_csv_quotes_lists_and_structures_and_tells_times_in_utc(working):
    with duckdb.connect(str(working)) as connection:
        connection.execute("""
            CREATE TABLE bi.odd AS
            SELECT [1, 2] AS list, {'a': 'x,y'} AS structure, TIMESTAMPTZ '2026-07-01 12:00:00+02' AS seen
        """)
    with (publish(working) / "exports/odd.csv").open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream))[1] == ["[1, 2]", "{'a': 'x,y'}", "2026-07-01 10:00:00+00"]


def test_formulas_are_escaped_where_asked_and_negative_numbers_are_not(working):
    text = (publish(working, "--escape-formulas", "true") / "exports/deals.csv").read_text(encoding="utf-8")
    assert "5,'=cmd()," in text
    assert ",-0.10,false" in text


def test_formulas_are_escaped_in_names_too(working):
    with duckdb.connect(str(working)) as connection:
        connection.execute("""CREATE TABLE bi.odd AS SELECT 1 AS "=cmd()", 2 AS "-a,b", 3 AS c""")
    there = publish(working, "--escape-formulas", "true")
    assert (there / "exports/odd.csv").read_bytes() == b"'=cmd(),\"'-a,b\",c\r\n1,2,3\r\n"


def test_a_byte_order_mark_is_written_where_asked(working):
    assert (
        (publish(working, "--bom", "yes") / "exports/deals.csv").read_bytes().startswith(b"\xef\xbb\xbfid,")
    )


def test_the_manifest_says_what_the_files_hold(working):
    there = publish(working)
    for model in manifest(there)["models"]:
        for file in model["files"]:
            content = (there / "exports" / file["file"]).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    deals = manifest(there)["models"][0]
    assert (deals["rows"], deals["columns"][4]["type"]) == (6, "DECIMAL(18,2)")


def test_the_manifest_names_the_database_of_the_same_version(working):
    there = publish(working)
    content = (there / "analytics.duckdb").read_bytes()
    assert manifest(there)["database"]["sha256"] == hashlib.sha256(content).hexdigest()


def test_publishing_again_keeps_the_last_versions_and_no_more(working):
    for _ in range(4):
        there = publish(working, "--keep", "2")
    assert len(list(there.glob("analytics_*.duckdb"))) == len(list(there.glob("exports_*"))) == 2


def test_only_the_chosen_schemas_are_in_the_read_copy(working):
    with duckdb.connect(str(working)) as connection:
        connection.execute("DROP VIEW bi.people")
    there = publish(working, "--schemas", "bi")
    found = query(there / "analytics.duckdb", "SELECT DISTINCT schema_name FROM duckdb_tables()")
    assert found == [("bi",)]


def test_a_table_that_needs_a_schema_that_is_left_out_is_told_and_not_left_out_too(tmp_path, capsys):
    working = tmp_path / "loaded.duckdb"
    with duckdb.connect() as connection:  # as loads make it: older files do not hold what depends on what
        connection.execute(f"ATTACH '{working}' AS loaded (STORAGE_VERSION 'v1.2.0'); USE loaded")
        connection.execute("""
            CREATE SCHEMA bi; CREATE SCHEMA lists; CREATE SCHEMA zoo; CREATE SEQUENCE lists.numbers;
            CREATE TABLE bi.deals AS SELECT 1 AS id;
            CREATE TABLE zoo.animals (id BIGINT DEFAULT nextval('lists.numbers'));
        """)
    publish(working, "--schemas", "bi")  # both are left out
    with duckdb.connect(str(working)) as connection:
        connection.execute("CREATE TABLE bi.notes (id BIGINT DEFAULT nextval('lists.numbers'))")
    capsys.readouterr()
    assert main(arguments(working, "--schemas", "bi")) == 1
    told = capsys.readouterr().err
    assert (told.count("\n"), "bi.notes needs what is in schema lists" in told) == (1, True), told
    there = publish(working, "--schemas", "bi,lists")
    assert query(there / "analytics.duckdb", "SELECT count(*) FROM bi.notes") == [(0,)]


def test_a_table_that_refers_to_itself_is_told(working, capsys):
    with duckdb.connect(str(working)) as connection:
        connection.execute("CREATE TABLE bi.tree (id BIGINT PRIMARY KEY, up BIGINT REFERENCES bi.tree (id))")
        for row in ("(1, NULL)", "(2, 1)"):
            connection.execute(f"INSERT INTO bi.tree VALUES {row}")
    assert main(arguments(working)) == 1
    told = capsys.readouterr().err
    assert (told.count("\n"), "drop the constraint" in told) == (1, True), told


def test_schemas_may_be_spelt_in_another_case(working):
    there = publish(working, "--schemas", "BI,OpenCRM,STAGING", "--schema", "Bi")
    assert query(there / "live.duckdb", "SELECT count(*) FROM bi.deals") == [(6,)]
    assert manifest(there)["schema"] == "bi"


def test_a_schema_may_be_called_as_duckdb_calls_what_is_in_memory(working):
    with duckdb.connect(str(working)) as connection:
        connection.execute("""
            CREATE SCHEMA memory; CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 1 AS id;
            CREATE TABLE memory.t AS SELECT 1 AS id; CREATE VIEW memory.v AS SELECT * FROM memory.t
        """)
    there = publish(working, "--schema", "memory", "--schemas", "memory")
    answers = [query(there / name, "FROM memory.v") for name in ("analytics.duckdb", "live.duckdb")]
    assert answers == [[(1,)], [(1,)]]


def test_the_mode_decides_who_may_read(working):
    there = publish(working, "--mode", "0640")
    assert (there / "analytics.duckdb").stat().st_mode & 0o777 == 0o640
    assert (there / "exports/deals.csv").stat().st_mode & 0o777 == 0o640
    assert (there / "exports").stat().st_mode & 0o777 == there.stat().st_mode & 0o777 == 0o750


def modes(*paths: Path) -> list[str]:
    return [oct(path.stat().st_mode & 0o777) for path in paths]


def test_another_mode_counts_for_all_that_a_publisher_has_made(working):
    there = working.parent / "q/w/published"
    for mode in ("0600", "0640"):
        publish(
            working, f"--target={there / 'a.duckdb'}", f"--live={there / 'live.duckdb'}", f"--mode={mode}"
        )
    assert modes(there / "a.duckdb", there / "live.duckdb") == ["0o640"] * 2
    assert modes(there, there.parent, there.parent.parent) == ["0o750"] * 3


def test_a_folder_that_no_publisher_has_made_or_that_somebody_has_opened_keeps_its_mode(working):
    there = working.parent / "q"
    there.mkdir(mode=0o700)
    publish(working, f"--target={there / 'w/a.duckdb'}")
    (there / "w").chmod(0o711)
    publish(working, f"--target={there / 'w/a.duckdb'}", "--mode=0640")
    assert modes(there, there / "w") == ["0o700", "0o711"]


def test_a_stale_log_of_somebody_who_wrote_into_the_copy_is_removed(working):
    there = publish(working)
    (there / "analytics.duckdb.wal").write_bytes(b"not of this version")
    publish(working)
    assert query(there / "analytics.duckdb", "SELECT count(*) FROM bi.deals") == [(6,)]


def test_settings_come_from_the_environment_too(working, monkeypatch):
    there = working.parent / "published"
    names = {"DATABASE": working, "TARGET": there / "a.duckdb", "EXPORTS": there / "e", "FORMATS": "csv"}
    environment = {f"DUCKDB_PUBLISH_{name}": str(value) for name, value in names.items()}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main([]) == 0
    assert sorted(path.name for path in (there / "e").iterdir()) == [
        "deals.csv",
        "manifest.json",
        "people.csv",
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--database", "nowhere.duckdb"), "there is no database at nowhere.duckdb: run a load first"),
        (("--schema", "marts"), "there is nothing in schema marts to export: build the models first"),
        (("--schemas", "bi,ghost"), "the working file has no schema ghost"),
        (("--target", "bi.duckdb"), "a read copy called bi could not be queried: it holds a schema bi"),
        (("--target", "bi.v1.duckdb"), "a read copy called bi could not be queried: it holds a schema bi"),
        (("--target", "BI.duckdb"), "a read copy called BI could not be queried: it holds a schema bi"),
        (("--live", "Bi.x"), "a file of views called Bi could not be queried: it holds a schema bi"),
        (("--storage-version", "v9.9.9"), "v9.9.9"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_said_in_one_line_and_nothing_is_published(working, more, said, capsys, monkeypatch):
    monkeypatch.chdir(working.parent)
    code, told = main(arguments(working, *more)), capsys.readouterr().err
    assert (code, told.count("\n"), said in told) == (1, 1, True), told
    assert more[0] != "--database" or not (working.parent / "published").exists()
    assert list(working.parent.rglob("analytics*.duckdb")) == list(working.parent.rglob("bi*.duckdb")) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--target", "warehouse.duckdb"), "database and target are one file: "),
        (("--target", "published/../warehouse.duckdb"), "database and target are one file: "),
        (("--database", "link.duckdb", "--target", "warehouse.duckdb"), "database and target are one file: "),
        (("--database", "link.duckdb", "--live", "link.duckdb"), "database and live are one file: "),
        (("--live", "warehouse.duckdb"), "database and live are one file: "),
        (("--exports", "warehouse.duckdb"), "database and exports are one file: "),
        (
            ("--exports", "analytics.duckdb", "--target", "analytics.duckdb"),
            "target and exports are one file: ",
        ),
        (("--live", "analytics.duckdb", "--target", "analytics.duckdb"), "target and live are one file: "),
        (("--target", "e/a.duckdb", "--exports", "e"), " lies in the folder of exports"),
        (("--live", "e/x/l.duckdb", "--exports", "f/../e"), " lies in the folder of exports"),
    ],
    ids=" ".join,
)
def test_the_working_file_is_never_replaced(working, more, said, capsys):
    before = working.read_bytes()
    (working.parent / "link.duckdb").symlink_to(working)
    placed = [word if word.startswith("--") else str(working.parent / word) for word in more]
    assert main(arguments(working, *placed)) == 1
    assert said in capsys.readouterr().err
    assert working.read_bytes() == before
    assert not working.is_symlink()
    assert not list(working.parent.glob("published/*"))


def test_exports_may_be_called_like_the_read_copy(working):
    there = publish(working, "--exports", str(working.parent / "published" / "analytics"))
    assert query(there / "analytics.duckdb", "SELECT count(*) FROM bi.deals") == [(6,)]
    assert (there / "analytics" / "deals.csv").is_file()


def test_a_file_that_is_no_database_is_said_so(tmp_path, capsys):
    (tmp_path / "warehouse.duckdb").write_text("hello, this is not a database at all" * 1000)
    assert main(arguments(tmp_path / "warehouse.duckdb")) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_directory_of_somebody_else_is_never_replaced(working):
    there = working.parent / "published"
    (there / "exports").mkdir(parents=True)
    (there / "exports/mine.txt").write_text("mine")
    assert main(arguments(working)) == 1
    assert (there / "exports/mine.txt").read_text() == "mine"


def test_a_full_disk_is_said_in_one_line_and_the_old_version_stays(working):
    there = publish(working)
    with duckdb.connect(str(working)) as connection:
        connection.execute("CREATE TABLE bi.more AS SELECT uuid() AS id FROM range(100000)")
    half = working.stat().st_size // 2

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (half, half))

    command = [*PUBLISH, *arguments(working)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr == f"duckdb-publish: {there}/.analytics.duckdb.publish/raw.duckdb: File too large\n"
    assert query(there / "analytics.duckdb", "SELECT count(*) FROM bi.deals") == [(6,)]
    left = sorted(path.name for path in (there / ".analytics.duckdb.publish").iterdir())
    assert left == ["folders", "lock"]


@pytest.mark.parametrize("channels", ["2>&-", "2>/dev/full", "<&- >&- 2>&-"])
def test_that_nobody_listens_changes_nothing(working, channels):
    words = shlex.join([*PUBLISH, *arguments(working)])
    assert subprocess.run(f"{words} {channels}", shell=True, check=False).returncode == 0
    assert query(working.parent / "published/analytics.duckdb", "SELECT count(*) FROM bi.deals") == [(6,)]


def test_an_interrupted_publisher_says_so_in_one_line(working, loading):
    with subprocess.Popen([*PUBLISH, *arguments(working)], stderr=subprocess.PIPE, text=True) as waiting:
        wait_until((working.parent / "published/.analytics.duckdb.publish/lock").exists)
        time.sleep(0.2)
        waiting.send_signal(signal.SIGINT)
        assert (waiting.stderr.read().count("\n"), waiting.wait(10)) == (1, 130)


def test_a_publisher_that_is_interrupted_while_it_starts_is_no_traceback(working, tmp_path):
    slow = tmp_path / "slow"
    slow.mkdir()
    begin = "import pathlib, time\npathlib.Path(__file__ + '.begun').touch()\ntime.sleep(60)"
    (slow / "duckdb.py").write_text(begin)
    environment = os.environ | {"PYTHONPATH": str(slow)}
    command = [*PUBLISH, *arguments(working)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as starting:
        wait_until((slow / "duckdb.py.begun").exists)
        starting.send_signal(signal.SIGINT)
        assert (starting.stderr.read(), starting.wait(10)) == ("", -signal.SIGINT)


@pytest.mark.parametrize("seconds", [0, 0.05, 0.1, 0.15, 0.2])
def test_an_interrupted_query_of_a_publisher_is_no_traceback(working, seconds):
    with duckdb.connect(str(working)) as connection:
        connection.execute("CREATE TABLE bi.more AS SELECT uuid()::VARCHAR AS id FROM range(500000)")
    with subprocess.Popen([*PUBLISH, *arguments(working)], stderr=subprocess.PIPE, text=True) as at_work:
        wait_until((working.parent / "published/.analytics.duckdb.publish/lock").exists)
        time.sleep(seconds)
        at_work.send_signal(signal.SIGINT)
        said = at_work.stderr.read()
    assert (said.count("\n"), at_work.returncode) in {(1, 130), (1, 0)}, said


def wait_until(claim) -> None:
    deadline = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def loading(working):
    """A load that holds the working file until it is told to end."""
    hold = HOLD.format(path=str(working), wait="sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.close()


def test_a_load_that_does_not_end_is_named_after_the_wait(working, loading, capsys):
    assert main(arguments(working, "--wait", "0.3")) == 75
    assert f"(PID {loading.pid}) after 0.3 s" in capsys.readouterr().err


def test_publishing_waits_for_a_load_to_end(working, loading):
    waiting = subprocess.Popen(
        [*PUBLISH, *arguments(working, "--wait", "20")], stderr=subprocess.PIPE, text=True
    )
    with waiting:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.7)
        loading.stdin.close()
        assert waiting.wait(20) == 0
        waiting.stderr.read()


def test_two_publishers_at_once_make_the_same_new_folders(tmp_path):
    places, together = [tmp_path / str(number) / "published" for number in range(300)], threading.Barrier(2)

    def make(_number: int) -> None:
        for place in places:
            together.wait(20)
            house(place, 0o644)

    with ThreadPoolExecutor(2) as both:
        list(both.map(make, range(2)))
    assert {place.stat().st_mode & 0o777 for place in places} == {0o755}


def test_two_publishers_at_once_follow_each_other(working):
    both = [
        subprocess.Popen([*PUBLISH, *arguments(working, "--wait", "20")], stderr=subprocess.PIPE)
        for _ in "ab"
    ]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len(list((working.parent / "published").glob("analytics_*.duckdb"))) == 2


PLACES = {"target": "analytics.duckdb", "live": "live.duckdb", "exports": "exports"}
TAKEN = {
    "a text": lambda path: path.write_text("what somebody has written"),
    "a FIFO": os.mkfifo,
    "a folder": Path.mkdir,
}


@pytest.mark.parametrize("take", TAKEN.values(), ids=TAKEN)
@pytest.mark.parametrize("place", PLACES)
def test_what_no_publisher_has_made_is_not_replaced(working, place, take, capsys):
    path = working.parent / "published" / PLACES[place]
    path.parent.mkdir()
    take(path)
    before = path.lstat()
    assert main(arguments(working)) == 1
    assert f"{place} {path} is no " in capsys.readouterr().err
    assert path.lstat() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_text_that_is_no_target_of_this_run_is_left_alone(working):
    there = working.parent / "published"
    there.mkdir()
    (there / "exports").write_text("mine")
    publish(working, "--formats=")
    assert (there / "exports").read_text() == "mine"


def test_an_empty_file_makes_way(working):
    there = working.parent / "published"
    there.mkdir()
    (there / "analytics.duckdb").touch()
    publish(working)
    assert query(there / "analytics.duckdb", "SELECT count(*) FROM opencrm.contacts") == [(1000,)]


def test_a_database_that_was_cut_short_is_called_by_its_name(working, capsys):
    os.truncate(working, working.stat().st_size // 3)
    assert main(arguments(working)) == 1
    said = capsys.readouterr().err
    assert str(working) in said
    assert "raw.duckdb" not in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("below", ["", "sub"])
def test_a_folder_that_cannot_be_made_is_named(working, below, capsys):
    taken = working.parent / "taken"
    taken.write_text("a file")
    assert main([*arguments(working), "--target", str(taken / below / "x.duckdb")]) == 1
    assert capsys.readouterr().err == f"duckdb-publish: cannot make the folder {taken}: File exists\n"
