"""Whatever becomes of the raw tables, every model is there, can be read and keeps what can be kept."""

from __future__ import annotations

import shutil

import duckdb
import pytest

from tests.transform.conftest import Warehouse

DRIFT = """
DROP SCHEMA espocrm CASCADE;
DROP SCHEMA _load CASCADE;
UPDATE opencrm.opportunities SET _sdc_deleted_at = NULL;
DROP TABLE opencrm.tickets;
DROP TABLE opencrm.users;
ALTER TABLE opencrm.opportunities ALTER id TYPE BIGINT;
ALTER TABLE opencrm.opportunities ALTER amount TYPE VARCHAR;
ALTER TABLE opencrm.opportunities ALTER probability TYPE DECIMAL(10, 2);
ALTER TABLE opencrm.opportunities ALTER closingdate TYPE TIMESTAMPTZ;
ALTER TABLE opencrm.opportunities ALTER modifiedtime TYPE VARCHAR;
ALTER TABLE opencrm.opportunities ALTER sales_stage TYPE JSON USING to_json(sales_stage);
ALTER TABLE opencrm.opportunities DROP leadsource;
ALTER TABLE opencrm.opportunities DROP cf_901;
ALTER TABLE opencrm.opportunities ADD cf_999 STRUCT(a INTEGER);
ALTER TABLE opencrm.opportunities ADD "new; field" VARCHAR;
ALTER TABLE opencrm.companies DROP accountname;
"""
PIPELINE = (
    "SELECT opportunity_id, stage, amount, probability, close_date, weighted_amount_base,"
    " created_at, is_overdue FROM bi.sales_pipeline WHERE source = '{}' ORDER BY 1"
)


def change(dbt, old, sql):
    """Bring a copy of a built warehouse into another shape, and build again."""
    shutil.copy(old, dbt.path)
    with duckdb.connect(str(dbt.path)) as connection:
        connection.execute(f"SET TimeZone = 'UTC'; {sql}")
    dbt.build(tests=False)


@pytest.fixture(scope="module")
def drifted(dbt, second):
    """OpenCRM alone, with fields dropped, added and of other types; and a deleted record is back."""
    change(dbt, second.path, DRIFT)
    return Warehouse(dbt.keep("drifted"))


@pytest.fixture(scope="module")
def alone(dbt, second):
    """EspoCRM alone, without a custom field, its last load cut off."""
    change(
        dbt,
        second.path,
        'DROP SCHEMA opencrm CASCADE; ALTER TABLE espocrm.account DROP "cTierLevel";'
        " DROP TABLE espocrm.campaign;"
        " UPDATE _load.runs SET status = 'running'"
        " WHERE started_at = (SELECT max(started_at) FROM _load.runs);",
    )
    return Warehouse(dbt.keep("alone"))


@pytest.fixture(scope="module")
def empty(dbt):
    """A file in which nothing was ever loaded."""
    dbt.path.unlink(missing_ok=True)
    dbt.build()
    return Warehouse(dbt.keep("empty"))


def columns(warehouse):
    return warehouse.rows(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE schema_name IN ('staging', 'crm', 'bi') ORDER BY ALL"
    )


@pytest.mark.parametrize("shape", ["drifted", "alone", "empty"])
def test_every_model_has_the_same_columns(request, second, shape):
    assert columns(request.getfixturevalue(shape)) == columns(second)


@pytest.mark.parametrize("shape", ["drifted", "alone", "empty"])
def test_every_model_can_be_read(request, shape):
    warehouse = request.getfixturevalue(shape)
    relations = warehouse.rows(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema IN ('staging', 'crm', 'bi')"
    )
    assert len(relations) > 60
    for schema, name in relations:
        warehouse.rows(f'FROM {schema}."{name}"')


def test_fields_of_other_types_keep_their_values(drifted, second):
    told = set(drifted.rows(PIPELINE.format("OpenCRM")))
    expected = set(second.rows(PIPELINE.format("OpenCRM")))
    assert told >= expected
    assert len(told) == len(expected) + 1  # the one that is back


def test_a_record_that_is_back_was_never_away(drifted, first):
    told = drifted.rows(
        "SELECT sum(opportunities) FROM bi.pipeline_snapshot_daily"
        " WHERE day = DATE '2026-11-20' AND source = 'OpenCRM' AND NOT is_reconstructed"
    )
    deals = [deal for deal in first.truth.deals if deal.source == "OpenCRM" and deal.outcome == "open"]
    assert told == [(len(deals),)]


def test_a_dropped_field_reads_as_not_given(drifted):
    assert drifted.rows("SELECT DISTINCT lead_source FROM bi.win_rate") == [("Not given",)]


def test_owners_without_a_user_list_have_a_name(drifted):
    owners = drifted.rows("SELECT DISTINCT owner FROM bi.sales_pipeline")
    assert all(owner.startswith("User ") for (owner,) in owners)


def test_a_crm_that_is_gone_leaves_no_row_behind(drifted):
    assert drifted.rows("SELECT count(*) FROM crm.opportunity WHERE source = 'espocrm'") == [(0,)]


def test_history_outlives_the_raw_tables(drifted):
    assert drifted.rows("SELECT count(*) > 0 FROM crm.opportunity_versions WHERE source = 'espocrm'") == [
        (True,)
    ]


def test_one_crm_alone_gives_its_figures(alone, second):
    assert alone.rows(PIPELINE.format("EspoCRM")) == second.rows(PIPELINE.format("EspoCRM"))


def test_a_load_that_did_not_end_well_shows(alone):
    assert alone.rows("SELECT DISTINCT schema_name, status, failed_runs FROM bi.load_health") == [
        ("espocrm", "failed", 1)
    ]


def test_without_a_row_every_model_is_empty(empty):
    for schema, table in empty.rows(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name = 'bi'"
    ):
        assert empty.rows(f"SELECT count(*) FROM {schema}.{table}") == [(0,)]
