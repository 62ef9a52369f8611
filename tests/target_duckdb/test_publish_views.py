"""Views under a new file name: whatever way they spell the old one."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import duckdb
import pytest
from target_duckdb.publish.run import main

VIEWS = {
    "plain": "CREATE VIEW bi.v AS SELECT id, name FROM warehouse.raw.t",
    "columns named anew": 'CREATE VIEW bi.v (id, "the AS name") AS SELECT id, name FROM warehouse.raw.t',
    "columns named in full": "CREATE VIEW bi.v AS SELECT warehouse.raw.t.id, t.name FROM warehouse.raw.t",
    "join and subquery": """
        CREATE VIEW bi.v AS SELECT a.id, a.name FROM warehouse.raw.t AS a JOIN warehouse.raw.t AS b USING (id)
        WHERE a.id IN (SELECT max(id) FROM warehouse.raw.t UNION ALL SELECT min(id) FROM warehouse.raw.t)""",
    "with": "CREATE VIEW bi.v AS WITH x AS (SELECT * FROM warehouse.raw.t) SELECT id, name FROM x",
    "window": """
        CREATE VIEW bi.v AS SELECT id, name FROM warehouse.raw.t
        QUALIFY row_number() OVER (PARTITION BY id) = 1""",
    "a text that looks like it": """
        CREATE VIEW bi.v AS SELECT id, ' AS warehouse.raw.t' AS name FROM warehouse.raw.t""",
    "another view": """
        CREATE VIEW bi.z AS SELECT * FROM warehouse.raw.t;
        CREATE VIEW bi.v AS SELECT id, name FROM warehouse.bi.z""",
    "a table called like the file": """
        CREATE TABLE raw.warehouse AS FROM raw.t;
        CREATE VIEW bi.v AS SELECT warehouse.id, name FROM raw.warehouse""",
    "another case": "CREATE VIEW bi.v AS SELECT id, WAREHOUSE.RAW.T.name FROM Warehouse.Raw.T",
    "a number that is none": "CREATE VIEW bi.v AS SELECT id, 1e400 AS name FROM raw.t",
    "a name like a definition": """
        CREATE VIEW raw."x AS SELECT 1 --" AS SELECT id, name FROM warehouse.raw.t;
        CREATE VIEW bi.v AS SELECT * FROM raw."x AS SELECT 1 --\"""",
}


@pytest.fixture
def working(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("""
            CREATE SCHEMA raw; CREATE SCHEMA bi;
            CREATE TABLE raw.t AS SELECT range AS id, 'n' || range AS name FROM range(3);
        """)
    before = os.umask(0o022)
    yield path
    os.umask(before)


def publish(working) -> int:
    return main(["--database", str(working), "--target", str(working.with_name("analytics.duckdb"))])


@pytest.mark.parametrize("definition", VIEWS.values(), ids=VIEWS.keys())
def test_a_view_answers_in_the_copy_what_it_answered_before(working, definition):
    with duckdb.connect(str(working)) as connection:
        connection.execute(definition)
        expected = connection.execute("FROM bi.v ORDER BY ALL").fetchall()
    assert publish(working) == 0
    with duckdb.connect(str(working.with_name("analytics.duckdb")), read_only=True) as connection:
        assert connection.execute("FROM bi.v ORDER BY ALL").fetchall() == expected


BROKEN = {
    "a table that is gone": """
        CREATE TABLE raw.gone AS SELECT 1 AS id;
        CREATE VIEW {0}.broken AS SELECT id FROM raw.gone; DROP TABLE raw.gone""",
    "a file that is gone": """
        COPY (SELECT 1 AS id) TO '{1}'; CREATE VIEW {0}.broken AS SELECT id FROM read_csv('{1}')""",
    "a macro that spells the file's name": """
        CREATE MACRO raw.all_of() AS TABLE SELECT * FROM warehouse.raw.t;
        CREATE VIEW {0}.broken AS SELECT * FROM raw.all_of()""",
}


def break_view(working, definition: str, schema: str) -> None:
    with duckdb.connect(str(working)) as connection:
        connection.execute("CREATE TABLE bi.fine AS SELECT 1 AS id")
        connection.execute(definition.format(schema, working.with_name("gone.csv")))
    working.with_name("gone.csv").unlink(missing_ok=True)


@pytest.mark.parametrize("definition", BROKEN.values(), ids=BROKEN.keys())
def test_a_view_that_reads_nothing_any_more_is_named_and_stops_nobody(working, definition, capsys):
    break_view(working, definition, "raw")
    assert publish(working) == 0
    assert "these views do not work: raw.broken" in capsys.readouterr().err


BROKEN_MODELS = BROKEN | {
    "a value that does not fit": "CREATE VIEW {0}.broken AS SELECT name::INT FROM raw.t"
}


@pytest.mark.parametrize("definition", BROKEN_MODELS.values(), ids=BROKEN_MODELS.keys())
def test_a_broken_view_among_the_models_is_said_and_nothing_is_published(working, definition, capsys):
    break_view(working, definition, "bi")
    assert publish(working) == 1
    said = capsys.readouterr().err
    assert said.startswith("duckdb-publish: cannot export bi.broken: ")
    assert said.count("\n") == 1
    assert not working.with_name("analytics.duckdb").exists()


def test_a_disk_that_is_full_of_views_is_no_view_that_reads_nothing(working):
    with duckdb.connect(str(working)) as connection:
        for number in range(40):
            long = f"CREATE VIEW raw.v{number} AS SELECT id AS {'x' * 20_000} FROM warehouse.raw.t"
            connection.execute(long)
    limit = working.stat().st_size + 100_000
    words = ["--database", working, "--target", working.with_name("analytics.duckdb"), "--formats="]
    done = subprocess.run(
        [sys.executable, "-m", "target_duckdb.publish.run", *words],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        check=False,
    )
    assert (done.returncode, "File too large" in done.stderr) == (1, True), done.stderr
    assert not working.with_name("analytics.duckdb").exists()
