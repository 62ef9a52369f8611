"""The bi schema says what plain Python finds in the simulators' own records: to the penny and the day."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import mean, median

import pytest

from tests.transform import truth
from tests.transform.truth import count, month, penny, total, weighted

TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module", params=["first", "second"])
def warehouse(request):
    return request.getfixturevalue(request.param)


def closed(deal):
    return deal.outcome != "open"


def test_pipeline_by_stage(warehouse):
    groups = warehouse.truth.group(lambda deal: not closed(deal), lambda deal: (deal.source, deal.stage))
    told = warehouse.table(
        "SELECT source, stage, count(*), coalesce(sum(amount_base), 0), count(*) FILTER (is_overdue)"
        " FROM bi.sales_pipeline GROUP BY ALL",
        2,
    )
    assert told == {
        group: (len(deals), sum(penny(deal.amount) for deal in deals), late(deals))
        for group, deals in groups.items()
    }


def late(deals):
    return sum(deal.close is not None and deal.close < TODAY for deal in deals)


def test_names_stand_in_place_of_keys(warehouse):
    told = warehouse.table("SELECT source, opportunity_id, owner, account_id FROM bi.sales_pipeline", 2)
    assert told == {
        (deal.source, f"{deal.source.lower()}:{deal.id}"): (deal.owner, deal.account)
        for deal in warehouse.truth.deals
        if not closed(deal)
    }


def test_win_rate(warehouse):
    groups = warehouse.truth.group(
        closed, lambda deal: (deal.source, month(deal.closed), deal.owner, deal.lead_source)
    )
    told = warehouse.table(
        "SELECT source, closed_month, owner, lead_source, won, lost, won_amount_base,"
        " lost_amount_base, win_rate FROM bi.win_rate",
        4,
    )
    assert told == {
        group: (
            count(deals, "won"),
            count(deals, "lost"),
            total(deal for deal in deals if deal.outcome == "won"),
            total(deal for deal in deals if deal.outcome == "lost"),
            count(deals, "won") / len(deals),
        )
        for group, deals in groups.items()
    }


def test_sales_cycle(warehouse):
    groups = warehouse.truth.group(closed, lambda deal: (deal.source, month(deal.closed), deal.outcome))
    told = warehouse.table(
        "SELECT source, closed_month, outcome, opportunities, average_days, median_days, total_amount_base"
        " FROM bi.sales_cycle",
        3,
    )
    expected = {}
    for group, deals in groups.items():
        days = [max((deal.closed - deal.made).days, 0) for deal in deals]
        expected[group] = (len(deals), pytest.approx(mean(days)), median(days), total(deals))
    assert told == expected


def test_forecast(warehouse):
    groups = warehouse.truth.group(
        lambda deal: deal.outcome != "lost",
        lambda deal: (deal.source, month(deal.closed or deal.close), deal.owner),
    )
    told = warehouse.table(
        "SELECT source, close_month, owner, open_opportunities, open_amount_base, weighted_amount_base,"
        " won_opportunities, won_amount_base, forecast_amount_base FROM bi.forecast",
        3,
    )
    expected = {}
    for group, deals in groups.items():
        still = [deal for deal in deals if deal.outcome == "open"]
        won = [deal for deal in deals if deal.outcome == "won"]
        sure = sum((deal.amount or 0 for deal in won), Decimal(0))
        likely = sum((deal.weighted for deal in still), Decimal(0))
        expected[group] = (
            len(still),
            total(still),
            weighted(still),
            len(won),
            total(won),
            penny(sure + likely),
        )
    assert told == expected


def test_revenue_won_by_month(warehouse):
    groups = warehouse.truth.group(
        lambda deal: deal.outcome == "won", lambda deal: (deal.source, month(deal.closed))
    )
    told = warehouse.table(
        "SELECT source, month, won, won_amount_base FROM bi.revenue_monthly WHERE won > 0", 2
    )
    assert told == {group: (len(deals), total(deals)) for group, deals in groups.items()}


def test_revenue_invoiced_by_month(warehouse):
    told = warehouse.table(
        "SELECT month, invoices, invoiced_net, invoiced_gross FROM bi.revenue_monthly WHERE invoices > 0", 1
    )
    expected = truth.invoiced(warehouse.truth.records)
    assert told == {(when,): figures for when, figures in expected.items()}


def test_invoices_paid_by_month(warehouse):
    told = warehouse.table(
        "SELECT month, paid_invoices, paid_gross FROM bi.revenue_monthly WHERE paid_invoices > 0", 1
    )
    sums = {}
    for row in warehouse.truth.records["invoice"]:
        if when := month(truth.day(row["paiddate"])):
            number, gross = sums.get((when,), (0, Decimal(0)))
            sums[when,] = (number + 1, gross + (truth.number(row["total"]) or 0))
    assert told == {when: (number, penny(gross)) for when, (number, gross) in sums.items()}


def test_flaws_are_counted(warehouse):
    told = warehouse.table("SELECT source, entity, check_name, failing FROM bi.data_quality", 3)
    records, deals = warehouse.truth.records, warehouse.truth.deals
    assert told["OpenCRM", "contact", "no e-mail"] == (sum(not row["email"] for row in records["contact"]),)
    assert told["EspoCRM", "contact", "no account"] == (
        sum(not row["accountId"] for row in records["Contact"]),
    )
    assert told["OpenCRM", "opportunity", "no amount"] == (
        sum(deal.source == "OpenCRM" and not deal.amount for deal in deals),
    )
    assert told["OpenCRM", "opportunity", "unknown stage"] == (
        sum(deal.stage == "Abandoned by us" for deal in deals),
    )


def test_last_activity_of_each_account_of_opencrm(first):
    """An activity without an account counts for that of its opportunity, else for that of its contact."""
    records, last = first.truth.records, {}
    deals = {row["id"]: row["accountid"] for row in records["opportunity"]}
    contacts = {row["id"]: row["accountid"] for row in records["contact"]}
    for row in records["activity"]:
        on = truth.activity_day(row)
        ways = (row["accountid"], deals.get(row["parent_id"]), contacts.get(row["contact_id"]))
        account = next((key for way in ways if (key := truth.key("opencrm", way))), None)
        if on and on <= TODAY and row["status"] == "Completed" and account:
            last[account] = max(on, last.get(account, on))
    told = first.table("SELECT account_id, last_activity_on FROM bi.account_360 WHERE source = 'OpenCRM'", 1)
    assert {account: told[account,] for account in last} == {account: (on,) for account, on in last.items()}


def test_activities_by_day_and_kind(warehouse):
    told = warehouse.table("SELECT source, day, type, sum(activities) FROM bi.activity_daily GROUP BY ALL", 3)
    assert {group: figures[0] for group, figures in told.items()} == truth.activities(warehouse.truth.records)


def test_open_tickets_at_the_end_of_each_day(warehouse):
    told = warehouse.table("SELECT source, day, sum(open_at_end) FROM bi.ticket_daily GROUP BY ALL", 2)
    tickets = truth.tickets(warehouse.truth.records)
    for (source, day), (number,) in told.items():
        expected = sum(
            crm == source and opened <= day and (done is None or done > day) for crm, opened, done in tickets
        )
        assert number == expected, (source, day)


def test_accounts_add_up(warehouse):
    told = warehouse.table(
        "SELECT account_id, open_opportunities, won, won_amount_base, contacts FROM bi.account_360", 1
    )
    deals = warehouse.truth.group(lambda _: True, lambda deal: (deal.account,))
    records = warehouse.truth.records
    contacts = Counter(truth.key("opencrm", row["accountid"]) for row in records["contact"])
    contacts += Counter(truth.key("espocrm", row["accountId"]) for row in records["Contact"])
    ids = [f"opencrm:{row['id']}" for row in records["company"]] + [
        f"espocrm:{row['id']}" for row in records["Account"]
    ]
    assert told == {
        (account,): (
            count(deals[account,], "open"),
            count(deals[account,], "won"),
            total(deal for deal in deals[account,] if deal.outcome == "won"),
            contacts[account],
        )
        for account in ids
    }


def test_owners(warehouse):
    told = warehouse.table(
        "SELECT source, owner, sum(won), sum(lost), sum(open_opportunities) FROM bi.owner_performance"
        " GROUP BY ALL HAVING sum(won) + sum(lost) + sum(open_opportunities) > 0",
        2,
    )
    groups = warehouse.truth.group(
        lambda deal: deal.owner != "Unassigned", lambda deal: (deal.source, deal.owner)
    )
    assert told == {
        group: (count(deals, "won"), count(deals, "lost"), count(deals, "open"))
        for group, deals in groups.items()
    }


def test_leads_by_month(warehouse):
    records = warehouse.truth.records
    expected: Counter[tuple] = Counter()
    for row in records["lead"]:
        expected["OpenCRM", month(truth.day(row["createdtime"])), row["leadstatus"] == "Qualified"] += 1
    for row in records["Lead"]:
        expected["EspoCRM", month(truth.utc_day(row["createdAt"])), row["status"] == "Converted"] += 1
    told = warehouse.rows(
        "SELECT source, created_month, sum(converted), sum(leads) FROM bi.lead_conversion GROUP BY ALL"
    )
    counts = Counter({(source, when, True): converted for source, when, converted, _ in told})
    counts.update({(source, when, False): leads - converted for source, when, converted, leads in told})
    assert +counts == expected


def test_funnel_of_espocrm_counts_by_the_last_open_stage(first):
    order = {"Prospecting": 10, "Qualification": 20, "Proposal": 70, "Negotiation": 80, "Almost there": 500}
    deals = [deal for deal in first.truth.deals if deal.source == "EspoCRM"]

    def reached(deal):
        if deal.outcome == "won":
            return 1000
        return max(order.get(deal.stage, 0), order.get(deal.last_stage, 0) if deal.outcome == "lost" else 0)

    told = first.table(
        "SELECT stage, opportunities_reached FROM bi.opportunity_funnel"
        " WHERE source = 'EspoCRM' AND outcome = 'open'",
        1,
    )
    lowest = min(order[stage] for (stage,) in told)
    assert told == {
        (stage,): (sum(order[stage] == lowest or reached(deal) >= order[stage] for deal in deals),)
        for (stage,) in told
    }


def test_yesterday_is_remembered(second, first):
    """The pipeline of the day of the first load is told after the second load as it was then."""
    groups = first.truth.group(lambda deal: not closed(deal), lambda deal: (deal.source, deal.stage))
    told = second.table(
        "SELECT source, stage, opportunities, amount_base FROM bi.pipeline_snapshot_daily"
        " WHERE day = DATE '2026-11-20' AND NOT is_reconstructed",
        2,
    )
    assert told == {group: (len(deals), total(deals)) for group, deals in groups.items()}


def test_pipeline_of_the_last_day_is_the_pipeline(second):
    groups = second.truth.group(lambda deal: not closed(deal), lambda deal: (deal.source,))
    told = second.table(
        "SELECT source, sum(opportunities), sum(amount_base) FROM bi.pipeline_snapshot_daily"
        f" WHERE day = DATE '{TODAY}' GROUP BY ALL",
        1,
    )
    near = Decimal("0.01") * 10
    assert {group: figures[0] for group, figures in told.items()} == {
        group: len(deals) for group, deals in groups.items()
    }
    assert all(abs(told[group][1] - total(deals)) < near for group, deals in groups.items())


def test_days_before_the_first_load_are_worked_out(first):
    """Once more from creation and closing days alone, for every day that no load saw."""
    told = first.table(
        "SELECT source, day, opportunities FROM bi.pipeline_snapshot_daily WHERE is_reconstructed", 2
    )
    day = min(day for _, day in told)
    while day <= TODAY:
        for source in ("OpenCRM", "EspoCRM"):
            expected = sum(
                deal.source == source and deal.made <= day < min(deal.changed, deal.closed or date.max)
                for deal in first.truth.deals
            )
            assert told.get((source, day), (0,))[0] == expected, (source, day)
        day += timedelta(days=1)


def test_half_a_penny_rounds_away_from_zero(first):
    assert first.rows(
        "SELECT lost_amount_base FROM bi.win_rate WHERE lost_amount_base BETWEEN 10 AND 10.02"
    ) == [(Decimal("10.005").quantize(Decimal("0.01"), ROUND_HALF_UP),)]
