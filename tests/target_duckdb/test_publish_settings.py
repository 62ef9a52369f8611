"""The table of settings in the documents is that of the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from target_duckdb.publish.settings import OPTIONS, settings

PAGE = Path(__file__).resolve().parents[2] / "docs/bi/README.md"


def test_the_documents_list_every_setting_with_its_default():
    rows = re.findall(
        r"^\| `(\w+)` \| (?:`([^`]*)`)? ?\| ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    listed = {name: default for name, default in rows if name in OPTIONS}
    assert listed == {name: option.default for name, option in OPTIONS.items()}


def test_exports_and_views_lie_beside_the_read_copy_unless_told_otherwise():
    found = settings(["--target", "/data/published/sales.duckdb", "--live", "/elsewhere/live.duckdb"])
    assert found.exports == Path("/data/published/exports")
    assert found.live == Path("/elsewhere/live.duckdb")


def test_a_tilde_is_the_home_of_the_user(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("DUCKDB_PUBLISH_TARGET", "~/published/sales.duckdb")
    found = settings(["--database=~/warehouse.duckdb", "--live=~/live.duckdb"])
    assert found.database == Path("/home/ada/warehouse.duckdb")
    assert found.exports == Path("/home/ada/published/exports")
    assert found.live == Path("/home/ada/live.duckdb")


@pytest.mark.parametrize(
    "words",
    [
        ["--keep", "0"],
        ["--mode", "rw"],
        ["--formats", "xlsx"],
        ["--wait", "soon"],
        ["--exports", ""],
        ["--exports", "/"],
        ["--target", ""],
        ["--target", "/"],
        ["--target", "a/.."],
        ["--target", "~nosuchuser/x"],
        ["--database", "~nosuchuser/x"],
        ["--database", "\udcff"],
        ["--database", "ducklake:warehouse.ducklake"],
        ["--database", ":memory:"],
        ["--postgr", "x"],
        ["--live", "/"],
        *(["--wait", text] for text in ("nan", "-5")),
        *(["--mode", text] for text in ("0", "77777", "-1", "0222")),
        ["--escape-formulas", "maybe"],
        ["--bom", "maybe"],
    ],
    ids=" ".join,
)
def test_a_setting_that_makes_no_sense_is_refused(words, capsys):
    with pytest.raises(SystemExit) as refused:
        settings(["=".join(words)])
    assert refused.value.code == 2
    said = capsys.readouterr().err
    assert words[0] in said
    assert said.count("\n") == 1


SECRETS = {
    "--postgres": ["--postgres", "host=db password=Pa55-w0rd"],
    "DUCKDB_PUBLISH_POSTGRES": ["--postgres=postgresql://crm:Pa55-w0rd@db"],
    "--databse": ["--databse=postgres:password=Pa55-w0rd"],
    "--database: postgres:… is no file": ["--database", "postgres:password=Pa55-w0rd"],
    "quotes": ["password=Pa55-w0rd"],
}


@pytest.mark.parametrize(("said", "words"), SECRETS.items(), ids=SECRETS)
def test_an_address_on_the_command_line_is_refused_without_repeating_it(said, words, capsys):
    with pytest.raises(SystemExit) as refused:
        settings(words)
    told = capsys.readouterr().err
    assert (refused.value.code, said in told, "Pa55" in told, told.count("\n")) == (2, True, False, 1)


@pytest.mark.parametrize(
    ("variable", "text"),
    [("KEEP", "0"), ("MODE", "rw"), ("WAIT", "nan"), ("FORMATS", "xlsx"), ("DATABASE", "md:x"), ("BOM", "?")],
)
def test_a_variable_that_makes_no_sense_is_called_by_its_name(variable, text, monkeypatch, capsys):
    monkeypatch.setenv(f"DUCKDB_PUBLISH_{variable}", text)
    with pytest.raises(SystemExit) as refused:
        settings([])
    assert refused.value.code == 2
    assert capsys.readouterr().err.startswith(f"duckdb-publish: DUCKDB_PUBLISH_{variable}: ")


def test_a_variable_that_an_option_overrules_is_not_looked_at(monkeypatch):
    monkeypatch.setenv("DUCKDB_PUBLISH_KEEP", "0")
    assert settings(["--keep=5"]).keep == 5
