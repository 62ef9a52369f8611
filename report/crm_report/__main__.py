"""`crm-report`: write the report of a read copy as one HTML file."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from crm_report.answers import Answers, ReportError
from crm_report.page import Facts, render

if TYPE_CHECKING:
    from collections.abc import Sequence

ENVIRONMENT = "CRM_REPORT_"


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the options from the command line, else from the environment, else the defaults."""
    parser = argparse.ArgumentParser(
        prog="crm-report",
        description="Write the report of a read copy as one HTML file that needs nothing else.",
        epilog=f"Each option can be set by {ENVIRONMENT}<NAME> too.",
    )
    for name, default, kind, text in (
        (
            "database",
            "output/published/analytics.duckdb",
            Path,
            "the read copy; only read, only its schema bi",
        ),
        ("output", "output/report.html", Path, "the file to write"),
        ("title", "Sales report", str, "the heading of the page"),
        ("today", "", day, "the day the report is of, as 2026-11-20; nothing: the last day of the data"),
    ):
        chosen = os.environ.get(ENVIRONMENT + name.upper(), default)
        parser.add_argument(
            f"--{name}", default=chosen, type=kind, help=f"{text} (default: {default or 'nothing'})"
        )
    return parser.parse_args(arguments)


def day(text: str) -> dt.date | None:
    """Return a day written the ISO way, or None for nothing."""
    return dt.date.fromisoformat(text) if text else None


def facts(title: str, answers: Answers, copy: Path) -> Facts:
    """Return what the page says about itself."""
    written = dt.datetime.fromtimestamp(copy.stat().st_mtime, dt.UTC)
    subtitle = f"As of {answers.today:%-d %B %Y} · published {written:%-d %B %Y, %H:%M} UTC"
    footer = (
        "Amounts of different CRMs are in their own base currencies and never added up. "
        "Every number is the answer to the SQL beneath it."
    )
    return Facts(title, subtitle, footer)


def write(page: str, path: Path) -> None:
    """Write the page so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(page, encoding="utf-8")
    new.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report; return the exit code."""
    chosen = options(arguments)
    started = time.monotonic()
    try:
        answers = Answers(chosen.database, chosen.today)
        write(render(answers.ask, facts(chosen.title, answers, chosen.database)), chosen.output)
        answers.close()
    except (ReportError, OSError) as error:
        sys.stderr.write(f"crm-report: {error}\n")
        return 1
    size = chosen.output.stat().st_size
    sys.stderr.write(
        f"crm-report: wrote {chosen.output} ({size / 1e6:.1f} MB) in {time.monotonic() - started:.1f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
