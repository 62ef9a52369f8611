"""The page in a real browser: drawn, right, quiet, at home on a phone and in the dark."""

from __future__ import annotations

import decimal
import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
from crm_report.__main__ import main
from crm_report.charts import specification
from crm_report.panels import SECTIONS

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=3000",
]
PANELS = [panel.id for section in SECTIONS for panel in section.panels]
CHARTS = [name for name in PANELS if specification(name)]

PROBE = f"<script>{Path(__file__).with_name('probe.js').read_text(encoding='utf-8')}</script>"


@pytest.fixture(scope="module")
def page(published, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert main(["--database", str(published), "--output", str(path)]) == 0
    return path


def browse(page: Path, *flags: str) -> dict:
    """Open the page in a browser and return what the probe saw."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: the page is not tried in a browser (apt-get install chromium)")
    probed = page.with_name("probed.html")
    probed.write_text(page.read_text(encoding="utf-8").replace("<head>", "<head>" + PROBE), encoding="utf-8")
    profile = f"--user-data-dir={page.parent / 'profile'}"
    command = [CHROMIUM, *QUIET, profile, *flags, "--dump-dom", probed.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(html.unescape(re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)[1]))


@pytest.fixture(scope="module")
def desk(page) -> dict:
    return browse(page, "--window-size=1280,2000")


@pytest.fixture(scope="module")
def phone(page) -> dict:
    """The page as wide as a phone, in the dark; a headless window cannot be that narrow, a frame can."""
    return browse(page, "--window-size=500,2000", "--blink-settings=preferredColorScheme=0")


def as_number(text: str) -> float:
    return float(text.replace(",", "").replace("%", ""))


def test_the_page_asks_for_nothing_and_complains_of_nothing(page, desk):
    assert (desk["errors"], desk["requests"]) == ([], [])
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn(desk, name):
    assert desk["charts"][name], "no chart is to be seen"
    for chart in desk["charts"][name]:
        assert chart["width"] > 300
        assert chart["marks"]
        assert not [mark for mark in chart["marks"] if re.search(r"undefined|NaN|null", mark["told"])]


@pytest.mark.parametrize("name", PANELS)
def test_every_table_holds_what_its_sql_answers(desk, published, name):
    with duckdb.connect(str(published), read_only=True) as connection:
        answers = connection.execute(desk["sql"][name]).fetchall()
    assert len(desk["tables"][name]) == len(answers)
    for shown, row in zip(desk["tables"][name], answers, strict=True):
        for text, value in zip(shown, row, strict=True):
            if isinstance(value, decimal.Decimal):
                assert decimal.Decimal(text.replace(",", "")) == value
            elif isinstance(value, int) and not isinstance(value, bool):
                assert as_number(text) == value
            elif isinstance(value, str):
                assert text == value


def test_bars_are_as_long_as_their_numbers(desk, published):
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(desk["sql"]["owners"]).fetchall()
    shown = {
        mark["told"].partition(":")[0] + str(place): mark["width"]
        for place, chart in enumerate(desk["charts"]["owners"])
        for mark in chart["marks"]
    }
    for place, source in enumerate(("EspoCRM", "OpenCRM")):
        amounts = {row[2] + str(place): float(row[3]) for row in rows if row[0] == source}
        scale = {shown[owner] / amount for owner, amount in amounts.items()}
        assert max(scale) / min(scale) < 1.02


def test_the_figures_are_the_answers(desk, published):
    with duckdb.connect(str(published), read_only=True) as connection:
        pipeline = connection.execute(
            "SELECT sum(amount_base) FROM bi.sales_pipeline GROUP BY base_currency ORDER BY min(source)"
        ).fetchall()
        (overdue,) = connection.execute("SELECT count(*) FROM bi.sales_pipeline WHERE is_overdue").fetchall()[
            0
        ]
    shown = desk["figures"]["kpi_open_pipeline"]
    assert [float(text[1:-1]) for text in shown] == [
        pytest.approx(float(row[0]) / 1e6, abs=0.005) for row in pipeline
    ]
    assert desk["figures"]["kpi_overdue"] == [str(overdue)]


def test_a_mark_tells_what_it_stands_for(desk):
    assert re.fullmatch(r"Prospecting: \$[\d,]+ in \d+ opportunities, weighted \$[\d,]+", desk["tip"])


def test_names_of_parts_are_unique(desk):
    assert len(desk["ids"]) == len(set(desk["ids"]))


def test_a_phone_in_the_dark_gets_its_own_drawings_and_no_sideways_scrolling(desk, phone):
    assert phone["overflow"] <= 0
    assert max(chart["width"] for charts in phone["charts"].values() for chart in charts) < 500
    assert phone["background"] != desk["background"]
    assert {name: len(charts) for name, charts in phone["charts"].items()} == {
        name: len(charts) for name, charts in desk["charts"].items()
    }
