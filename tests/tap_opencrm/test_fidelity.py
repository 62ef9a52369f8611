"""Every stored value of every record arrives as what it is: compared with the CRM's own store."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from crm_simulator import Simulator
from tap_opencrm.entities import ENTITIES

LONDON = ZoneInfo("Europe/London")
SCHEMAS = Path(__file__).resolve().parents[2] / "tap-opencrm/tap_opencrm/schemas"
MISFIT = object()


def expected_date(stored):
    return date.fromisoformat(stored).isoformat()


def expected_time(stored):
    local = datetime.fromisoformat(stored).replace(tzinfo=LONDON, fold=1)
    instant = local.astimezone(UTC)
    if instant.astimezone(LONDON).replace(tzinfo=None) != local.replace(tzinfo=None):
        instant = local.replace(fold=0).astimezone(
            UTC
        )  # in the hour that spring leaves out, PHP goes forward
    return instant.isoformat()


def expected_boolean(stored):
    return {"1": True, "yes": True, "0": False}[stored]


def expected_integer(stored):
    return int(Decimal(stored)) if Decimal(stored) == int(Decimal(stored)) else MISFIT


def expected_decimal(stored):
    return str(stored) if Decimal(stored).is_finite() else MISFIT


ORACLES = {
    ("string", "date"): expected_date,
    ("string", "date-time"): expected_time,
    ("string", "x-singer.decimal"): expected_decimal,
    ("boolean", None): expected_boolean,
    ("integer", None): expected_integer,
    ("number", None): float,
}


def expected(schema, stored):
    """Say what a stored value should become, by other means than the tap's."""
    is_reference = "x-reference" in schema
    oracle = ORACLES.get((schema["type"][0], schema.get("format")))
    if oracle is None or is_reference:
        return None if is_reference and stored in {"", "0"} else stored
    if stored == "" or stored.startswith("0000-00-00"):
        return None
    try:
        return oracle(stored)
    except (KeyError, ValueError, InvalidOperation):
        return MISFIT


@pytest.fixture
def sim(clock):
    with Simulator(seed=11, scale=0.03, clock=clock) as simulator:
        yield simulator


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
@pytest.mark.parametrize("overrides", [True, False], ids=["iso", "native"])
def test_every_value_arrives_as_what_it_is(crm, sync, entity, overrides):
    crm.switches.overrides = overrides
    output = sync(
        entities=[entity.name], include_line_items=False, page_size=50, custom_field_sample_size=500
    )
    properties = json.loads((SCHEMAS / f"{entity.name}.json").read_text(encoding="utf-8"))["properties"]
    records = {record["id"]: record for record in output.records(entity.name)}
    assert set(records) == crm.store.ids(entity.module)
    for record_id, record in records.items():
        stored = crm.store.get(entity.module, record_id)
        for name, value in stored.items():
            if name in properties and name != "id":
                wanted = expected(properties[name], value)
                assert record[name] == (None if wanted is MISFIT else wanted), (name, value)
                assert (name in record.get("_unparsed", {})) is (wanted is MISFIT), (name, value)
