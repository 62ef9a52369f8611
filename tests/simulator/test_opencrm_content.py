from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

import pytest
from crm_simulator import Clock, OpenCRM

NOON = "2026-11-20T12:00:00+00:00"


def make(seed: int = 7, scale: float = 1) -> OpenCRM:
    return OpenCRM(seed=seed, scale=scale, clock=Clock.frozen(NOON))


@pytest.fixture(scope="module")
def store():
    return make().store


def rows_by_id(store, entity: str) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in store.rows(entity)}


def test_scale_one_is_about_ten_thousand_records(store):
    assert 9_500 <= sum(len(store.ids(entity)) for entity in store.entities()) <= 10_500


def test_every_module_has_content_at_any_scale():
    small = make(scale=0.001).store
    assert all(small.rows(entity) for entity in small.entities())


def test_content_depends_on_the_seed_and_not_on_who_asks_first():
    one, two = make(scale=0.05).store, make(scale=0.05).store
    names = one.entities()
    for entity in reversed(names):
        two.rows(entity)
    assert all(one.rows(entity) == two.rows(entity) for entity in names)
    assert make(seed=8, scale=0.05).store.rows("company") != one.rows("company")


def test_changes_before_a_first_look_do_not_change_other_content():
    one, two = make(scale=0.05), make(scale=0.05)
    one.clock.advance(days=3)
    for identifier in sorted(one.store.ids("company"))[:5]:
        one.store.delete("company", identifier)
    assert one.store.rows("contact") == two.store.rows("contact")


REFERENCES = [
    ("contact", "accountid", "company"),
    ("opportunity", "contactid", "contact"),
    ("quote", "potential_id", "opportunity"),
    ("salesorder", "quote_id", "quote"),
    ("invoice", "salesorder_id", "salesorder"),
    ("activity", "contact_id", "contact"),
    ("ticket", "contactid", "contact"),
    ("asset", "product_id", "product"),
    ("project", "salesorder_id", "salesorder"),
]


@pytest.mark.parametrize(("entity", "field", "parent"), REFERENCES)
def test_records_hang_together_and_parents_are_older(store, entity, field, parent):
    parents = rows_by_id(store, parent)
    linked = [(row, parents[row[field]]) for row in store.rows(entity) if row[field] in parents]
    rows = store.rows(entity)
    assert len(linked) > 0.7 * len(rows)
    assert sum(child["createdtime"] >= elder["createdtime"] for child, elder in linked) > 0.9 * len(linked)
    assert {row[field] for row in rows} - set(parents) <= {"", "0", "deleted user"}


def test_deals_move_through_stages_over_two_years(store):
    rows = [row for row in store.rows("opportunity") if row["closingdate"][:2] == "20"]
    stages = Counter(row["sales_stage"] for row in rows)
    assert len(stages) == 8
    closed = {row["sales_stage"] for row in rows if row["closingdate"] < "2026-11-01"}
    assert closed == {"Closed Won", "Closed Lost"}
    assert min(row["createdtime"] for row in rows) < "2024-12"


def test_invoices_repeat_the_lines_of_their_orders(store):
    orders = store.ids("salesorder")
    for row in store.rows("invoice")[:50]:
        if row["salesorder_id"] in orders:
            assert store.lines("invoice", row["id"]) == store.lines("salesorder", row["salesorder_id"])


@pytest.mark.parametrize("entity", ["quote", "salesorder", "invoice", "purchaseorder"])
def test_lines_add_up_to_the_total(store, entity):
    for row in store.rows(entity):
        net = sum(Decimal(line["netprice"]) for line in store.lines(entity, row["id"]))
        assert Decimal(row["subtotal"]) == net
        assert abs(Decimal(row["total"]) - net * Decimal("1.2")) < Decimal("0.01")


def test_tickets_get_closed(store):
    statuses = Counter(row["status"] for row in store.rows("ticket"))
    assert statuses["Closed"] > 0.7 * statuses.total()
    assert statuses["Open"] > 0


def test_nobody_was_changed_before_being_created_but_by_clock_change_or_import(store):
    early = [row for row in store.rows("contact") if row["modifiedtime"] < row["createdtime"]]
    assert len(early) < 0.06 * len(store.ids("contact"))


@pytest.fixture(scope="module")
def everything(store) -> list[tuple[str, str]]:
    return [
        (store.kinds(entity).get(name, ""), value)
        for entity in store.entities()
        for row in store.rows(entity)
        for name, value in row.items()
    ]


DIRT = {
    "text for money": ("money", r"approx. 500"),
    "text for a number": ("int", r"ten"),
    "thousands": ("money", r"1,250.00"),
    "many decimals": ("money", r"\d+\.\d{9}"),
    "html entities": ("text", r".*&amp;.*&#039;.*"),
    "lists with commas": ("text", r"north,wholesale"),
    "unset keys as 0": ("ref", r"0"),
    "unset keys as blank": ("ref", r""),
    "zero dates": ("date", r"0000-00-00"),
    "zero moments": ("datetime", r"0000-00-00 00:00:00"),
    "empty dates": ("date", r""),
    "no dates": ("date", r"tbc"),
    "impossible dates": ("date", r"2026-02-31"),
    "line ends and astral characters": ("text", r".*\r\n.*𝄞.*"),
    "the hour that came twice": ("datetime", r"2026-10-25 01:30:00"),
    "the hour that never was": ("datetime", r"2026-03-29 01:30:00"),
}


@pytest.mark.parametrize("dirt", DIRT)
def test_the_dirt_of_real_systems_is_there(everything, dirt):
    kind, pattern = DIRT[dirt]
    assert any(of == kind and re.fullmatch(pattern, value, re.DOTALL) for of, value in everything)


def test_some_records_were_changed_in_the_same_second(store):
    assert Counter(row["modifiedtime"] for row in store.rows("contact")).most_common(1)[0][1] >= 4


def test_a_custom_field_is_on_some_rows_only(store):
    counts = Counter(name for row in store.rows("company") for name in row if name.startswith("cf_"))
    assert counts["cf_612"] == len(store.ids("company"))
    assert 0 < counts["cf_613"] < counts["cf_612"]
