"""Views under a new file name: whatever way they spell the old one."""

from __future__ import annotations

import os

import duckdb
import pytest
from target_duckdb.publish import main

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


def test_a_view_that_reads_nothing_any_more_is_named_and_stops_nobody(working, capsys):
    with duckdb.connect(str(working)) as connection:
        connection.execute("""
            CREATE TABLE bi.fine AS SELECT 1 AS id; CREATE TABLE raw.gone AS SELECT 1 AS id;
            CREATE VIEW raw.broken AS SELECT id FROM raw.gone; DROP TABLE raw.gone;
        """)
    assert publish(working) == 0
    assert "these views read nothing: raw.broken" in capsys.readouterr().err


def test_a_broken_view_among_the_models_is_said_and_nothing_is_published(working, capsys):
    with duckdb.connect(str(working)) as connection:
        connection.execute("""
            CREATE TABLE raw.gone AS SELECT 1 AS id;
            CREATE VIEW bi.broken AS SELECT id FROM raw.gone; DROP TABLE raw.gone;
        """)
    assert publish(working) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not working.with_name("analytics.duckdb").exists()
