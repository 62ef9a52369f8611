"""The report as a file: written whole, whatever the read copy lacks."""

from __future__ import annotations

import duckdb
import pytest
from crm_report.__main__ import main
from crm_report.panels import SECTIONS
from crm_report.words import NOTHING, cell, short_money

PANELS = [panel for section in SECTIONS for panel in section.panels]


def report(database, tmp_path, *more: str) -> str:
    assert main(["--database", str(database), "--output", str(tmp_path / "report.html"), *more]) == 0
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def copy_without(published, tmp_path, change: str):
    """Return a copy of the read copy after a change."""
    path = tmp_path / "analytics.duckdb"
    path.write_bytes(published.read_bytes())
    with duckdb.connect(str(path)) as connection:
        for (model,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            connection.execute(change.format(model=f"bi.{model}"))
    return path


@pytest.fixture(scope="module")
def written(published, tmp_path_factory):
    path = tmp_path_factory.mktemp("written")
    report(published, path)
    return path


def test_the_page_is_small_enough_to_mail(written):
    assert (written / "report.html").stat().st_size < 2_000_000


def test_an_empty_database_makes_a_page_that_says_what_is_missing(tmp_path):
    duckdb.connect(str(tmp_path / "analytics.duckdb")).close()
    assert report(tmp_path / "analytics.duckdb", tmp_path).count("Not in this database") == len(PANELS)


def test_empty_models_make_a_page_that_says_so(published, tmp_path):
    page = report(copy_without(published, tmp_path, "DELETE FROM {model}"), tmp_path)
    assert page.count("Nothing to show yet") == len(PANELS)


def test_a_column_of_another_type_costs_its_panels_and_no_more(published, tmp_path):
    path = tmp_path / "retyped.duckdb"
    path.write_bytes(published.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE OR REPLACE TABLE bi.ticket_daily AS SELECT 'soon' AS day, 'x' AS open_at_end"
        )
    page = report(path, tmp_path)
    assert page.count("Not in this database") == 2


@pytest.mark.parametrize("source", ["OpenCRM", "EspoCRM"])
def test_one_crm_alone_is_enough(published, tmp_path, source):
    one = tmp_path / "one.duckdb"
    one.write_bytes(published.read_bytes())
    with duckdb.connect(str(one)) as connection:
        models = "SELECT table_name FROM duckdb_columns() WHERE column_name = 'source' AND schema_name = 'bi'"
        for (model,) in connection.execute(models).fetchall():
            connection.execute(f"DELETE FROM bi.{model} WHERE source <> '{source}'")
    page = report(one, tmp_path)
    assert "Not in this database" not in page
    assert f"<figcaption>{source}" in page


def test_a_day_can_be_chosen(tmp_path):
    duckdb.connect(str(tmp_path / "analytics.duckdb")).close()
    page = report(tmp_path / "analytics.duckdb", tmp_path, "--today", "2026-06-01")
    assert "As of 1 June 2026" in page
    assert "DATE &#x27;2026-06-01&#x27;" in page


def test_the_day_is_that_of_the_data(written):
    assert "As of 20 November 2026" in (written / "report.html").read_text(encoding="utf-8")


def test_names_from_the_crm_cannot_become_markup(published, tmp_path):
    path = tmp_path / "evil.duckdb"
    path.write_bytes(published.read_bytes())
    evil = "<script>alert(1)</script>"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"UPDATE bi.owner_performance SET owner = '{evil}'")
        connection.execute(f"UPDATE bi.sales_pipeline SET stage = '{evil}', opportunity = '\"><img src=x>'")
    page = report(path, tmp_path)
    assert evil not in page
    assert "<img" not in page


def test_a_missing_read_copy_is_said_in_one_line(tmp_path, capsys):
    assert main(["--database", str(tmp_path / "nothing.duckdb")]) == 1
    assert capsys.readouterr().err.endswith("nothing.duckdb: publish one first\n")


def test_nothing_but_the_page_is_left(written):
    assert [path.name for path in written.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("value", "currency", "told"),
    [
        (1_638_782, "GBP", "£1.64M"),
        (892_100, "USD", "$892k"),
        (12.4, "EUR", "€12"),
        (2_500_000_000, "PLN", "PLN\u202f2.5bn"),
        (None, "GBP", NOTHING),
    ],
    ids=str,
)
def test_headlines_hold_three_digits(value, currency, told):
    assert short_money(value, currency) == told


def test_cells_are_exact():
    assert cell("rows", 1234567) == "1,234,567"
    assert cell("win_rate", 0.3352) == "33.5%"
    assert cell("x", None) == NOTHING
    assert cell("x", value=True) == "yes"
