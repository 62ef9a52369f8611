"""Compares the warehouse with what the CRMs hold: the oracle of every end-to-end test.

It shares no code with taps or target: what a stored text means is worked out here again, from the documents.
Each comparison returns the differences it found, so that an empty list is the proof.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crm_simulator.espocrm.computed import COMPUTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.end_to_end.warehouse import Landed, Row, Warehouse

OPENCRM_STREAMS = {
    "activity": "activities", "asset": "assets", "company": "companies", "contact": "contacts",
    "contract": "contracts", "lead": "leads", "opportunity": "opportunities", "product": "products",
    "project": "projects", "quote": "quotes", "salesorder": "sales_orders", "invoice": "invoices",
    "purchaseorder": "purchase_orders", "ticket": "tickets", "user": "users",
}  # fmt: skip
Link = tuple[str, str, str, tuple[str, str]]
"""Entity type, link, table of its pairs, and that table's two keys."""
LONDON = ZoneInfo("Europe/London")
PASSWORDS = {"password", "user_password"}


class Misfit:
    """What a text becomes that is no value of its field's kind: null, with its text kept."""


def opencrm_value(kind: str, raw: str) -> Any:
    """Tell what a stored text means; Misfit where it means nothing."""
    return _READ[kind](raw)


def _whole(raw: str) -> Any:
    if not raw.strip():
        return None
    return int(raw) if re.fullmatch(r"[+-]?\d+", raw.strip()) else Misfit


def _money(raw: str) -> Any:
    if not raw.strip():
        return None
    return Decimal(raw.strip()) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", raw.strip()) else Misfit


def _flag(raw: str) -> Any:
    known = {"": None, "0": False, "no": False, "off": False, "1": True, "yes": True, "on": True}
    return known.get(raw.strip().lower(), Misfit)


def _reference(raw: str) -> Any:
    return None if raw.strip() in {"", "0"} else raw.strip()


def _unless_never(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Make a reader of dates give None for empty and zero dates, and Misfit for what is no date."""

    def careful(raw: str) -> Any:
        if not raw or raw.startswith("0000-00-00"):
            return None
        try:
            return read(raw)
        except ValueError:
            return Misfit

    return careful


@_unless_never
def _date(raw: str) -> Any:
    return date.fromisoformat(raw[:10])


@_unless_never
def _datetime(raw: str) -> Any:
    """Place a local time in London: the second of two equal hours, forward out of the hour that is lost."""
    local = datetime.fromisoformat(raw)
    if local.tzinfo:
        return local.astimezone(UTC)
    later = local.replace(tzinfo=LONDON, fold=1).astimezone(UTC)
    if later.astimezone(LONDON).replace(tzinfo=None) == local:
        return later
    return local.replace(tzinfo=LONDON, fold=0).astimezone(UTC)


_READ: dict[str, Callable[[str], Any]] = {
    "text": lambda raw: raw,
    "ref": _reference,
    "flag": _flag,
    "int": _whole,
    "money": _money,
    "date": _date,
    "datetime": _datetime,
}


def opencrm_differences(
    crm: Any, warehouse: Warehouse, entities: Iterable[str], schema: str = "opencrm"
) -> list[str]:
    """Compare the chosen modules, row by row and value by value."""
    found: list[str] = []
    for entity in entities:
        landed = warehouse.table(schema, OPENCRM_STREAMS[entity])
        kinds = crm.store.kinds(entity)
        source = {row["id"]: row for row in crm.store.rows(entity)}
        found += _key_differences(entity, landed, set(source))
        for row in landed.live:
            if row["id"] in source:
                found += _opencrm_row(entity, kinds, source[row["id"]], row)
        if crm.store.table(entity).module.has_lines:
            found += _line_differences(crm, warehouse, entity, schema)
    return found


def _opencrm_row(entity: str, kinds: dict[str, str], source: Row, landed: Row) -> list[str]:
    extra, unparsed = landed.get("_extra") or {}, landed.get("_unparsed") or {}
    found = []
    for name, raw in source.items():
        if name == "id" or name in PASSWORDS:
            continue
        stored = landed[name] if name in landed else extra.get(name)
        if not _same_opencrm(kinds.get(name, "text"), raw, stored, unparsed.get(name)):
            found.append(f"{entity} {source['id']} {name}: source {raw!r}, warehouse {stored!r}")
    gone = [name for name in kinds if name not in source and landed.get(name) is not None]
    found += [
        f"{entity} {source['id']} {name}: not in the source, warehouse {landed[name]!r}" for name in gone
    ]
    found += [f"{entity} {source['id']}: {name} was copied" for name in PASSWORDS & landed.keys()]
    return found


def _same_opencrm(kind: str, raw: str, stored: Any, unparsed: Any) -> bool:
    meant = opencrm_value(kind, raw)
    if meant is Misfit:
        return (stored is None and unparsed == raw) or stored == raw
    if isinstance(stored, str) and not isinstance(meant, str):  # a custom field: always text
        return opencrm_value(kind, stored) == meant
    if isinstance(stored, float) and isinstance(meant, Decimal):
        return stored == float(meant)
    is_nothing = kind == "ref" and meant is None and stored in {"", "0"}
    return stored == meant or is_nothing or _is_kept(meant, raw, stored, unparsed)


def _is_kept(meant: Any, raw: str, stored: Any, unparsed: Any) -> bool:
    """Tell whether a number has more digits than a double holds, and is kept as text for that."""
    if stored is not None or unparsed != raw or not isinstance(meant, int | Decimal):
        return False
    return Decimal(repr(float(meant))) != meant


def _line_differences(crm: Any, warehouse: Warehouse, entity: str, schema: str) -> list[str]:
    stream = OPENCRM_STREAMS[entity].removesuffix("s") + "_lines"
    landed = warehouse.table(schema, stream)
    if not landed.types:
        return []
    parent = next(name for name in landed.types if name.endswith("_id") and name != "id")
    stored: dict[str, Counter[str]] = {}
    for row in landed.live:
        stored.setdefault(row[parent], Counter())[f"{row.get('productname')} {row.get('quantity')}"] += 1
    found = []
    for identity in crm.store.ids(entity):
        lines = Counter(
            f"{line['productname']} {Decimal(line['quantity'])}" for line in crm.store.lines(entity, identity)
        )
        have = stored.get(identity, Counter())
        if sum(lines.values()) != sum(have.values()):
            found.append(f"{stream} of {identity}: source {lines}, warehouse {have}")
    return found


def espocrm_differences(
    crm: Any, warehouse: Warehouse, entities: Iterable[str], restored: Iterable[str] = ()
) -> list[str]:  # fmt: skip
    """Compare the chosen entity types by their stored attributes.

    Names of other records, link ids and converted amounts change in EspoCRM without `modifiedAt` moving:
    no incremental tap can follow them, and link streams and joins stand for them. A record that was restored
    carries the stamps of its deletion, which no list ever showed.
    """
    found: list[str] = []
    for entity in entities:
        landed = warehouse.table("espocrm", snake_case(entity))
        rows = {row["id"]: row for row in crm.store.rows(entity)}
        found += _key_differences(entity, landed, set(rows))
        known = crm.store.schema.attributes(entity)
        stored = [name for name, attribute in known.items() if attribute.kind == "stored"]
        checked = [name for name in stored if name in landed.types and (entity, name) not in _UNSTAMPED]
        for row in landed.live:
            if row["id"] in rows:
                names = [name for name in checked if row["id"] not in restored or name not in _STAMPS]
                found += _espocrm_row(entity, names, rows[row["id"]], row, landed)
    return found


_STAMPS = {"modifiedAt", "modifiedById", "modifiedByName"}
_UNSTAMPED = {("Contact", "accountId"), ("Opportunity", "contactId"), ("Case", "contactId"), *COMPUTED}
"""Set by the server when a many-to-many link is made or the other record changes, without a stamp."""


def _espocrm_row(entity: str, names: list[str], source: Row, landed: Row, table: Landed) -> list[str]:
    return [
        f"{entity} {source['id']} {name}: source {source[name]!r}, warehouse {landed[name]!r}"
        for name in names
        if name in source and not _same_espocrm(source[name], landed[name], table.types[name])
    ]


def _same_espocrm(source: Any, stored: Any, kind: str) -> bool:
    if source is None or stored is None:
        return source is stored
    meant = _ESPOCRM.get(kind.partition("(")[0], lambda same: same)(source)
    return bool(stored == meant)


_ESPOCRM: dict[str, Callable[[Any], Any]] = {
    "TIMESTAMP WITH TIME ZONE": lambda source: datetime.fromisoformat(source).replace(tzinfo=UTC),
    "DATE": date.fromisoformat,
    "DECIMAL": lambda source: Decimal(str(source)),
    "VARCHAR": str,  # also of a field that was of another type
}


def link_differences(crm: Any, warehouse: Warehouse, followed: Link, schema: str = "espocrm") -> list[str]:
    """Compare the pairs of a many-to-many link."""
    entity, link, table, keys = followed
    landed = warehouse.table(schema, table)
    stored = Counter((row[keys[0]], row[keys[1]]) for row in landed.live)
    source = {
        (identity, other)
        for identity in crm.store.ids(entity)
        for other in crm.store.related(entity, identity, link)
    }
    found = [f"{table}: {pair} lies there {count} times" for pair, count in stored.items() if count > 1]
    found += [f"{table}: {pair} is missing" for pair in source - stored.keys()]
    return found + [f"{table}: {pair} should be gone" for pair in stored.keys() - source]


def _key_differences(entity: str, landed: Landed, source: set[str]) -> list[str]:
    counts = Counter(row["id"] for row in landed.rows)
    live = {row["id"] for row in landed.live}
    found = [f"{entity} {identity}: {count} rows" for identity, count in counts.items() if count > 1]
    found += [f"{entity} {identity}: missing" for identity in source - counts.keys()]
    found += [
        f"{entity} {identity}: marked as deleted but alive" for identity in (source & counts.keys()) - live
    ]
    return found + [f"{entity} {identity}: deleted but not marked" for identity in live - source]


def ledger_differences(warehouse: Warehouse) -> list[str]:
    """Check that every row that came in is accounted for."""
    found = []
    for row in warehouse.ledger("streams"):
        kept = sum(row[f"rows_{name}"] for name in ("inserted", "updated", "superseded", "rejected"))
        if row["rows_in"] != kept:
            found.append(f"ledger: {row['stream']}: {row['rows_in']} in, {kept} accounted for")
    return found


def snake_case(name: str) -> str:
    """Name the stream of an entity type."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return spaced.lower()
