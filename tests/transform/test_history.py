"""What the CRMs forget is kept from load to load."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tests.transform import lives

CHANGED = datetime.fromisoformat("2026-11-23T12:00:00")


def moved(first, crm, number):
    ours = sorted(
        deal.id
        for deal in first.truth.deals
        if deal.source.lower() == crm and not deal.stage.startswith("Closed")
    )
    return f"{crm}:{ours[number]}"


def history(warehouse, opportunity):
    return warehouse.rows(
        "SELECT stage, outcome, entered_at, left_at, is_current FROM crm.opportunity_stage_history"
        f" WHERE opportunity_id = '{opportunity}' ORDER BY sequence"
    )


def test_a_stage_is_left_when_the_next_is_entered(first, second):
    before, after = history(second, moved(first, "opencrm", 0))
    assert (before[3], before[4]) == (CHANGED, False)
    assert after == ("Closed Won", "won", CHANGED, None, True)


def test_a_stage_change_in_espocrm_is_seen_as_well(first, second):
    assert [row[0] for row in history(second, moved(first, "espocrm", 1))][-1] == "Almost there"


def test_another_amount_is_a_version_but_no_stage(first, second):
    key = moved(first, "opencrm", 1)
    amounts = second.rows(
        f"SELECT amount FROM crm.opportunity_versions WHERE id = '{key}' ORDER BY dbt_valid_from"
    )
    assert amounts[-1] == (Decimal("4321.99"),)
    assert len(amounts) == 2


def test_what_did_not_change_has_one_version(second):
    changed = len(lives.MOVES) * 2 + 1  # two moves per CRM and one deletion
    rows = second.rows(
        "SELECT count(*) FROM (SELECT id FROM crm.opportunity_versions GROUP BY id HAVING count(*) > 1)"
    )
    assert rows == [(changed,)]


def test_a_deleted_record_stays_marked_and_leaves_every_figure(first, second):
    key = moved(first, "opencrm", 2)
    assert second.rows(
        f"SELECT is_deleted, deleted_at IS NOT NULL FROM crm.opportunity WHERE id = '{key}'"
    ) == [(True, True)]
    assert second.rows(f"SELECT count(*) FROM bi.sales_pipeline WHERE opportunity_id = '{key}'") == [(0,)]


def test_stages_of_an_opportunity_follow_on_each_other(second):
    gaps = second.rows(
        "SELECT opportunity_id FROM (SELECT *,"
        " lead(entered_at) OVER (PARTITION BY opportunity_id ORDER BY sequence) AS next"
        " FROM crm.opportunity_stage_history) WHERE left_at IS DISTINCT FROM next"
    )
    assert gaps == []
