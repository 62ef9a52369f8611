"""What a BI tool sees: names, types, comments and local times."""

from __future__ import annotations

import re
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

TRANSFORM = Path(__file__).resolve().parents[2] / "transform"
PLAIN = {"BIGINT", "DOUBLE", "VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP", "DECIMAL(28,2)"}


def declared(layer):
    """Return the columns that the YAML of a layer declares, in order, with their types."""
    return {
        model["name"]: [(column["name"], column["data_type"]) for column in model["columns"]]
        for path in (TRANSFORM / "models" / layer).rglob("*.yml")
        for model in yaml.safe_load(path.read_text()).get("models", [])
    }


def built(warehouse, layer):
    """Return the columns that are there, in order, with their types."""
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in warehouse.rows(
        "SELECT table_name, column_name, data_type FROM duckdb_columns()"
        f" WHERE schema_name = '{layer}' ORDER BY table_name, column_index"
    ):
        tables.setdefault(table, []).append((column, kind))
    return tables


@pytest.mark.parametrize("layer", ["staging", "bi"])
def test_columns_are_those_the_documents_declare(second, layer):
    assert built(second, layer) == declared(layer)


def test_crm_columns_begin_with_those_the_documents_declare(second):
    there = built(second, "crm")
    assert {name: there[name][: len(columns)] for name, columns in declared("crm").items()} == declared("crm")


def test_bi_holds_plain_types_only(second):
    assert {kind for columns in built(second, "bi").values() for _, kind in columns} <= PLAIN


def test_everything_is_described_in_the_file_itself(second):
    bare = second.rows(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns()"
        " WHERE schema_name IN ('staging', 'crm', 'bi') AND comment IS NULL"
        " UNION ALL SELECT schema_name, table_name, '' FROM duckdb_tables()"
        " WHERE schema_name IN ('staging', 'crm', 'bi') AND comment IS NULL"
        " UNION ALL SELECT schema_name, view_name, '' FROM duckdb_views()"
        " WHERE schema_name IN ('staging', 'crm', 'bi') AND comment IS NULL"
    )
    assert bare == []


def test_a_local_time_names_its_zone(second):
    comments = second.rows(
        "SELECT comment FROM duckdb_columns() WHERE column_name LIKE '%\\_local' ESCAPE '\\'"
        " AND schema_name IN ('staging', 'crm', 'bi')"
    )
    assert comments
    assert all("Europe/London" in comment for (comment,) in comments)


def test_local_times_are_those_of_the_zone(second):
    for utc, local in second.rows("SELECT modified_at, modified_at_local FROM crm.opportunity"):
        assert utc.replace(tzinfo=UTC).astimezone(ZoneInfo("Europe/London")).replace(tzinfo=None) == local


def test_custom_fields_of_the_seed_are_columns_with_type_and_comment(second):
    assert second.rows(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE schema_name = 'crm'"
        " AND table_name = 'account' AND column_name IN ('tier', 'stated_revenue') ORDER BY ALL"
    ) == [
        ("stated_revenue", "DECIMAL(28,2)", "Yearly revenue as the account states it"),
        ("tier", "VARCHAR", "Tier of the account"),
    ]


def test_one_custom_column_serves_both_crms(second):
    records = second.truth.records
    expected = {f"opencrm:{row['id']}": row["cf_612"] or None for row in records["company"]}
    expected |= {f"espocrm:{row['id']}": row["cTierLevel"] or None for row in records["Account"]}
    assert dict(second.rows("SELECT id, tier FROM crm.account WHERE NOT is_deleted")) == expected


def test_html_entities_are_decoded_in_texts_of_opencrm_only(second):
    ours = {f"opencrm:{row['id']}": row["description"] for row in second.truth.records["ticket"]}
    told = dict(
        second.rows("SELECT id, description FROM crm.ticket WHERE source = 'opencrm' AND NOT is_deleted")
    )
    encoded = [key for key, text in ours.items() if "&amp;" in text]
    assert encoded
    assert all('Terms & conditions: "as agreed", it\'s <b>urgent</b>' in told[key] for key in encoded)


def test_many_to_many_links_are_pairs(second):
    expected = {
        (f"espocrm:{row['id']}", f"espocrm:{contact}")
        for row in second.truth.records["Opportunity"]
        for contact in row["contactsIds"]
    }
    told = second.rows(
        "SELECT left_id, right_id, link FROM crm.association WHERE NOT is_deleted"
        " AND link IN ('opportunity__contacts', 'contact__opportunities')"
    )
    pairs = {(left, right) if link.startswith("opp") else (right, left) for left, right, link in told}
    assert pairs == expected


def test_fields_can_be_looked_up_by_label(second):
    assert second.rows(
        "SELECT label, options, is_custom FROM crm.field WHERE stream = 'account' AND field = 'cTierLevel'"
    ) == [("Tier Level", "Bronze, Silver, Gold", True)]


def test_loads_are_reported(second):
    told = second.rows(
        "SELECT runs, failed_runs, rows_in_table FROM bi.load_health WHERE stream = 'opportunities'"
    )
    live = sum(deal.source == "OpenCRM" for deal in second.truth.deals)
    assert told == [(2, 0, live + 1)]  # and the deleted one


def test_dbt_tells_nobody_that_it_ran():
    project = yaml.safe_load((TRANSFORM / "dbt_project.yml").read_text())
    assert project["flags"]["send_anonymous_usage_stats"] is False


def test_every_variable_is_used():
    files = [
        path
        for folder in ("macros", "models", "snapshots", "tests")
        for path in (TRANSFORM / folder).rglob("*.*")
        if path.is_file()
    ]
    text = "\n".join(path.read_text() for path in files)
    names = yaml.safe_load((TRANSFORM / "dbt_project.yml").read_text())["vars"]
    assert [name for name in names if not re.search(rf"""var\(["']{name}["']\)""", text)] == []
