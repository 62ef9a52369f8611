"""The page: headings, figures, charts, tables and SQL as one HTML document that needs nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from crm_report.charts import draw, specification
from crm_report.panels import FIGURES, SECTIONS, Figure, Panel, Section
from crm_report.words import NOTHING, Number, cell, number, percent, short_money, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crm_report.answers import Answer, Row

FULL, HALF, PHONE = 1104, 524, 302
"""Widths in pixels that charts are drawn for: across the page, in half of it, on a phone."""


@dataclass(frozen=True)
class Facts:
    """What the page says about itself."""

    title: str
    subtitle: str
    footer: str


def asset(name: str) -> str:
    """Return one of the files that go into the page."""
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def render(ask: Callable[[str], Answer], facts: Facts) -> str:
    """Return the whole page."""
    return Template(asset("page.html")).substitute(
        title=escape(facts.title),
        subtitle=escape(facts.subtitle),
        footer=escape(facts.footer),
        style=asset("style.css"),
        script=asset("tooltip.js"),
        contents="".join(f'<a href="#{section.id}">{escape(section.title)}</a>' for section in SECTIONS),
        figures="".join(figure_html(figure, ask(figure.id)) for figure in FIGURES),
        sections="".join(section_html(section, ask) for section in SECTIONS),
    )


def section_html(section: Section, ask: Callable[[str], Answer]) -> str:
    """Return a heading with its panels."""
    panels = "".join(panel_html(panel, ask(panel.id)) for panel in section.panels)
    heading = f"<h2>{escape(section.title)}</h2>"
    return f'<section id="{section.id}">{heading}<div class="grid">{panels}</div></section>'


def figure_html(figure: Figure, answer: Answer) -> str:
    """Return one of the numbers on top; a query without an answer leaves a dash."""
    rows = [row for row in answer.records() if row["value"] is not None]
    values = "".join(value_html(figure, row) for row in rows) or f'<p class="value">{NOTHING}</p>'
    heading = f"<h3>{escape(figure.label)}</h3>"
    return f'<div class="figure" id="{figure.id}">{heading}<div class="values">{values}</div></div>'


def value_html(figure: Figure, row: Row) -> str:
    """Return a figure's value and what it is to be compared with."""
    told = {name: figure_text(figure, name, value, row) for name, value in row.items()}
    direction = verdict(figure.better, row) if figure.better and row.get("before") is not None else ""
    note = "" if "before" in row and row["before"] is None else figure.note.format(**told)
    value = f'<p class="value">{escape(told["value"])}</p>'
    return f'<div>{value}<p class="note {direction}">{escape(note)}</p></div>'


def figure_text(figure: Figure, name: str, value: object, row: Row) -> str:
    """Return one of a figure's numbers as text; only its value and its likes are in the figure's format."""
    if figure.format == "money" and name in {"value", "won"}:
        return short_money(value, row["currency"])
    if figure.format == "percent" and name in {"value", "before"}:
        return percent(value)
    return number(round(value)) if isinstance(value, float) else number(value)


def verdict(better: str, row: Row) -> str:
    """Return which way a figure went and whether that is good, as far as its rounded words show it."""
    value, before = float(str(row["value"])), float(str(row["before"]))
    if math.isclose(value, before, rel_tol=0.01):
        return ""
    went = "up" if value > before else "down"
    return f"{went} good" if went == better else f"{went} bad"


def panel_html(panel: Panel, answer: Answer) -> str:
    """Return a card: title, chart or reason why there is none, table, SQL."""
    kind = "card wide" if panel.is_wide else "card"
    if answer.missing:
        body = f'<p class="empty">Not in this database: {escape(answer.missing)}</p>'
    elif not answer.rows:
        body = '<p class="empty">Nothing to show yet.</p>'
    else:
        body = "".join(charts_html(panel, answer))
    table = table_html(answer) if answer.rows else ""
    if panel.is_table:
        body, table = body + table, ""
    table = folded("Table", table) if table else ""
    query = folded("SQL", f"<pre><code>{escape(answer.sql)}</code></pre>")
    return (
        f'<article class="{kind}" id="{panel.id}"><h3>{escape(panel.title)}</h3>'
        f'<p class="lead">{escape(panel.lead)}</p>{body}<div class="folds">{table}{query}</div></article>'
    )


def charts_html(panel: Panel, answer: Answer) -> Iterator[str]:
    """Yield a panel's charts, one for each part it is split into."""
    spec = specification(panel.id)
    if not spec:
        return
    parts = split(answer.records(), panel.split_by)
    width = FULL if panel.is_wide and len(parts) == 1 else HALF
    yield '<div class="charts">'
    for place, (part, rows) in enumerate(parts.items()):
        currency = sign(rows[0].get("currency"))
        heading = " · ".join(word for word in (part, str(rows[0].get("currency") or "")) if word)
        yield f'<figure aria-label="{escape(panel.title)}">'
        yield f"<figcaption>{escape(heading)}</figcaption>" if heading else ""
        for drawn, pixels in (("desk", width), ("phone", PHONE)):
            svg = draw(spec, rows, width=pixels, currency=currency, name=f"{panel.id}-{place}-{drawn}")
            yield f'<div class="{drawn}">{svg}</div>'
        yield "</figure>"
    yield "</div>"


def split(rows: list[Row], column: str) -> dict[str, list[Row]]:
    """Return rows by the value of a column; all of them under an empty name where there is no column."""
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(str(row[column]) if column else "", []).append(row)
    return parts


def folded(summary: str, content: str) -> str:
    """Return content that folds away under one word."""
    return f"<details><summary>{summary}</summary>{content}</details>"


def table_html(answer: Answer) -> str:
    """Return the rows of an answer as a table, numbers to the right."""
    records = answer.records()
    sides = [
        "number" if any(isinstance(row[name], Number) for row in records) else "text"
        for name in answer.columns
    ]
    head = "".join(
        f'<th class="{side}">{escape(name.replace("_", " ").capitalize())}</th>'
        for name, side in zip(answer.columns, sides, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{side}">{escape(cell(name, row[name]))}</td>'
            for name, side in zip(answer.columns, sides, strict=True)
        )
        + "</tr>"
        for row in records
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
