"""The exports: every model in files of its own, whatever it is called and whatever it holds."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import duckdb
import pytest
from target_duckdb.publish.exports import file_names
from target_duckdb.publish.run import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def publish(tmp_path):
    """Fill the schema `bi` of a working file and publish it; return where."""

    def publish(statements: str, *more: str, code: int = 0) -> Path:
        with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS bi; {statements}")
        words = ["--database", str(tmp_path / "w.duckdb"), "--target", str(tmp_path / "pub/a.duckdb")]
        assert main([*words, *more]) == code
        return tmp_path / "pub"

    before = os.umask(0o022)
    yield publish
    os.umask(before)


def ask(path: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def model(there: Path, name: str) -> dict:
    models = json.loads((there / "exports/manifest.json").read_text(encoding="utf-8"))["models"]
    return next(model for model in models if model["name"] == name)


def test_models_whose_names_differ_in_what_no_file_name_has_are_kept_apart(publish):
    there = publish(
        'CREATE TABLE bi."a/b" AS SELECT 1 AS n; CREATE TABLE bi.a_b AS SELECT 2 AS n;'
        ' CREATE TABLE bi."A?B" AS SELECT 3 AS n'
    )
    found = [ask(there / "live.duckdb", f'SELECT n FROM bi."{name}"') for name in ("a/b", "a_b", "A?B")]
    assert found == [[(1,)], [(2,)], [(3,)]]


def test_a_name_that_is_a_file_name_keeps_it_whoever_else_wants_it():
    names = file_names(["a*b", "a/b", "a_b", "Ä", "ä"])
    assert names == {"a_b": "a_b", "a*b": "a_b_1", "a/b": "a_b_2", "Ä": "Ä", "ä": "ä_1"}


def test_names_too_long_for_a_file_are_shortened_and_kept_apart(publish):
    long = "ü" * 125
    there = publish(f'CREATE TABLE bi."{long}" AS SELECT 1 AS n; CREATE TABLE bi."{long}_" AS SELECT 2 AS n')
    assert ask(there / "live.duckdb", f'SELECT n FROM bi."{long}_"') == [(2,)]
    assert [path.suffix for path in sorted((there / "exports").glob("ü*"))].count(".csv") == 2


LARGEST = 2**127 - 1
NUMBERS = f"""
CREATE TABLE bi.sums AS SELECT 'HUGEINT' AS word, sum(n) AS total, {LARGEST} AS largest,
    7::UHUGEINT AS unsigned, [9007199254740993::HUGEINT] AS list, {{'HUGEINT': 1, 'n': {LARGEST}}} AS nested
FROM (SELECT 9007199254740993 AS n)
"""


def test_no_digit_of_a_large_number_is_lost_in_parquet(publish):
    there = publish(NUMBERS)
    query = "SELECT columns(*)::VARCHAR FROM bi.sums"
    assert ask(there / "live.duckdb", query) == ask(there / "a.duckdb", query)


def test_the_manifest_tells_the_types_that_the_parquet_file_has(publish):
    there = publish(NUMBERS)
    types = [column["type"] for column in model(there, "sums")["columns"]]
    assert types == [row[1] for row in ask(there / "live.duckdb", "DESCRIBE bi.sums")]
    assert types[:4] == ["VARCHAR", "DECIMAL(38,0)", "VARCHAR", "DECIMAL(38,0)"]


def test_the_largest_number_is_whole_in_csv(publish):
    text = (publish(NUMBERS, "--formats=csv", "--escape-formulas=true") / "exports/sums.csv").read_text()
    assert f"HUGEINT,9007199254740993,{LARGEST},7," in text


TEXTS = """
CREATE VIEW bi.texts AS SELECT '=cmd()'::ENUM('=cmd()', 'x') AS word, '@cmd'::BLOB AS bytes,
    INTERVAL '-1 day' AS span, '+x'::UNION(i INTEGER, v VARCHAR) AS one, '-x'::VARIANT AS any
"""
NUMERIC = """
CREATE VIEW bi.numbers AS SELECT -1::TINYINT AS tiny, -2.5::FLOAT AS float, -3::BIGNUM AS big,
    '-4'::JSON AS json, (-5)::UNION(i INTEGER, v VARCHAR) AS one, (-6)::VARIANT AS any, ['=x'] AS list,
    '"=x"'::JSON AS quoted
"""


def test_formulas_are_escaped_in_texts_of_every_type(publish):
    text = (publish(TEXTS, "--formats=csv", "--escape-formulas=true") / "exports/texts.csv").read_text()
    assert text.splitlines()[1] == "'=cmd(),'@cmd,'-1 day,'+x,'-x"


def test_numbers_of_every_type_are_no_formulas(publish):
    there = publish(NUMERIC, "--formats=csv", "--escape-formulas=true")
    line = (there / "exports/numbers.csv").read_text().splitlines()[1]
    assert line == """-1,-2.5,-3,-4,-5,-6,['=x'],""" + '"""=x"""'


def test_a_format_that_is_named_twice_is_written_once(publish):
    there = publish("CREATE TABLE bi.t AS SELECT 1 AS n", "--formats=csv,parquet,csv")
    assert [file["file"] for file in model(there, "t")["files"]] == ["t.csv", "t.parquet"]
