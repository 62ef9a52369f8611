"""Recorded answers of a real EspoCRM go over HTTP through tap and target: the tables hold every value."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests import captures
from tests.tap_espocrm.replay import Replay, body, captured_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = captures.needed

BIN = Path(sys.executable).parent
#: What only a single read of a record gives is not asked for by default.
SINGLE_READS = (
    json.loads((captures.FOLDER / "attributes-list-vs-read.json").read_text()) if captures.ARE_HERE else {}
)
ENTITIES = {
    "Account": "account",
    "Call": "call",
    "Campaign": "campaign",
    "Case": "case",
    "CEverything": "c_everything",
    "CGuest": "c_guest",
    "CMembership": "c_membership",
    "CSupplier": "c_supplier",
    "CVisit": "c_visit",
    "Contact": "contact",
    "Document": "document",
    "Email": "email",
    "EmailTemplate": "email_template",
    "KnowledgeBaseArticle": "knowledge_base_article",
    "Lead": "lead",
    "Meeting": "meeting",
    "Opportunity": "opportunity",
    "TargetList": "target_list",
    "Task": "task",
    "Team": "team",
    "User": "user",
}
#: How a value is read back, by the type of its column.
READ = {
    "TIMESTAMP WITH TIME ZONE": "strftime(timezone('UTC', {0}), '%Y-%m-%d %H:%M:%S')",
    "TIMESTAMP": "strftime({0}, '%Y-%m-%d %H:%M:%S')",
    "DATE": "CAST({0} AS VARCHAR)",
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("captures")
    replay = Replay()
    tap = folder / "tap.json"
    tap.write_text(json.dumps({"url": replay.url, "api_key": "replay-key", "max_retries": 0}))
    target = folder / "target.json"
    path = folder / "warehouse.duckdb"
    target.write_text(json.dumps({"path": str(path), "default_target_schema": "espocrm"}))
    try:
        with subprocess.Popen(
            [BIN / "tap-espocrm", "--config", tap], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder
        ) as source:
            loaded = subprocess.run(
                [BIN / "target-duckdb", "--config", target],
                stdin=source.stdout,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                cwd=folder,
            )
            said = source.stderr.read().decode()
        assert source.returncode == 0, said
        assert loaded.returncode == 0, loaded.stderr
    finally:
        replay.close()
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def table(
    connection: duckdb.DuckDBPyConnection, name: str
) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """The types of a table's columns, and its rows by id."""
    described = connection.execute(f'DESCRIBE espocrm."{name}"').fetchall()
    types = {column: kind for column, kind, *_ in described if not column.startswith("_sdc")}
    chosen = ", ".join(READ.get(kind, "{0}").format(f'"{column}"') for column, kind in types.items())
    rows = connection.execute(f'SELECT {chosen} FROM espocrm."{name}"').fetchall()
    return types, {row[list(types).index("id")]: dict(zip(types, row, strict=True)) for row in rows}


def same(kind: str, stored: Any, captured: Any) -> bool:
    if captured is None or stored is None:
        return stored is captured
    if kind.startswith("DECIMAL"):
        return stored == Decimal(str(captured))
    if isinstance(captured, (dict, list)):
        return json.loads(stored) == captured if isinstance(stored, str) else stored == captured
    return stored == captured


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_captured_value_is_in_its_table(warehouse, entity) -> None:
    types, stored = table(warehouse, ENTITIES[entity])
    only_single = set(SINGLE_READS.get(entity, {}).get("read_only", []))
    listed = {row["id"] for row in body(f"list-{entity}")["list"]}
    compared, wrong = 0, []
    for row in captured_rows(entity):
        if row["id"] not in listed:
            only_read = set(row) - set(types)
            assert only_read <= only_single | {"reminders", "emailAddressData", "phoneNumberData"}
        for name, value in row.items():
            if name in types and not same(types[name], stored[row["id"]][name], value):
                wrong.append((row["id"], name, types[name], stored[row["id"]][name], value))
            compared += name in types
            assert name in types or name not in body(f"list-{entity}")["list"][0]
    assert wrong == []
    assert compared > 0


def test_every_record_is_alive_and_every_pair_is_there(warehouse) -> None:
    for entity, name in ENTITIES.items():
        ids = {row["id"] for row in captured_rows(entity)}
        alive = {i for (i,) in warehouse.execute(f'SELECT id FROM espocrm."{name}__live"').fetchall()}
        assert alive == ids
    pairs = set(
        warehouse.execute('SELECT "contactId", "accountId" FROM espocrm.contact__accounts').fetchall()
    )
    wanted = {(r["id"], a) for r in captured_rows("Contact") for a in r.get("accountsIds", ())}
    assert pairs == wanted
    assert wanted
