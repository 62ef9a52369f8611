"""Filters: every operator against the plain rows, and what is refused."""

from __future__ import annotations

import operator
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulator.espocrm_client import Client, make_crm, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crm_simulator.espocrm import EspoCRM


@pytest.fixture(scope="module")
def shared() -> Iterator[EspoCRM]:
    with running(0.1) as crm:
        yield crm


@pytest.fixture
def crm() -> Iterator[EspoCRM]:
    crm = make_crm(0.02)
    crm.server.start()
    yield crm
    crm.server.stop()


def item(kind: str, attribute: str, value: Any = None) -> dict[str, Any]:
    found = {"type": kind, "attribute": attribute}
    return found if value is None else {**found, "value": value}


MOMENT = "2026-01-01 00:00:00"
OPERATORS: dict[str, tuple[dict, Callable[[dict], bool]]] = {
    "equals": (item("equals", "stage", "Closed Won"), lambda row: row["stage"] == "Closed Won"),
    "equals-other-case": (item("equals", "stage", "closed WON"), lambda row: row["stage"] == "Closed Won"),
    "notEquals": (item("notEquals", "stage", "Closed Won"), lambda row: row["stage"] != "Closed Won"),
    "in": (item("in", "probability", ["10", "100"]), lambda row: row["probability"] in {10, 100}),
    "notIn": (item("notIn", "leadSource", ["Call"]), lambda row: row["leadSource"] not in {"Call", None}),
    "isNull": (item("isNull", "leadSource"), lambda row: row["leadSource"] is None),
    "isNotNull": (item("isNotNull", "leadSource"), lambda row: row["leadSource"] is not None),
    "isTrue": (item("isTrue", "deleted"), lambda _row: False),
    "isFalse": (item("isFalse", "deleted"), lambda _row: True),
    "greaterThan": (item("greaterThan", "amount", "20000"), lambda row: row["amount"] > 20000),
    "greaterThanOrEquals": (
        item("greaterThanOrEquals", "probability", 50),
        lambda row: row["probability"] >= 50,
    ),
    "lessThan": (item("lessThan", "modifiedAt", MOMENT), lambda row: row["modifiedAt"] < MOMENT),
    "lessThanOrEquals": (
        item("lessThanOrEquals", "closeDate", "2026-01-01"),
        lambda row: row["closeDate"] <= MOMENT,
    ),
    "after": (item("after", "createdAt", "2026-01-01"), lambda row: row["createdAt"] > MOMENT),
    "after-iso": (item("after", "createdAt", "2026-01-01T00:00:00Z"), lambda row: row["createdAt"] > MOMENT),
    "offset-is-dropped": (
        item("after", "createdAt", "2026-01-01T00:00:00+02:00"),
        lambda row: row["createdAt"] > MOMENT,
    ),
    "before": (item("before", "createdAt", MOMENT), lambda row: row["createdAt"] < MOMENT),
    "between": (item("between", "probability", [20, 80]), lambda row: 20 <= row["probability"] <= 80),
    "contains": (item("contains", "name", "WARE"), lambda row: "ware" in row["name"].lower()),
    "startsWith": (item("startsWith", "name", "C"), lambda row: row["name"].startswith("C")),
    "endsWith": (item("endsWith", "name", "renewal"), lambda row: row["name"].endswith("renewal")),
    "like": (item("like", "name", "%licence%"), lambda row: "licence" in row["name"]),
    "null-value": (item("greaterThan", "amount", ""), lambda row: row["amount"] > 0),
    "garbage-is-before-all": (item("greaterThanOrEquals", "modifiedAt", "garbage"), lambda _row: True),
    "fraction": (
        item("greaterThanOrEquals", "createdAt", MOMENT + ".5"),
        lambda row: row["createdAt"] > MOMENT,
    ),
    "isLinked": (item("isLinked", "contacts"), lambda row: bool(row["contactsIds"])),
    "isNotLinked": (item("isNotLinked", "contacts"), lambda row: not row["contactsIds"]),
    "and": (
        {"type": "and", "value": [item("isNotNull", "leadSource"), item("equals", "probability", 100)]},
        lambda row: row["leadSource"] is not None and row["probability"] == 100,
    ),
    "or": (
        {"type": "or", "value": [item("isNull", "leadSource"), item("equals", "probability", 100)]},
        lambda row: row["leadSource"] is None or row["probability"] == 100,
    ),
    "old-name-of-attribute": (
        {"type": "equals", "field": "stage", "value": "Closed Lost"},
        lambda row: row["stage"] == "Closed Lost",
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operator_passes_the_rows_it_should(shared: EspoCRM, name: str) -> None:
    where, passes = OPERATORS[name]
    answer = Client(shared).get("Opportunity", where=[where], select="id", orderBy="id")
    expected = sorted(row["id"] for row in shared.store.rows("Opportunity") if passes(row))
    assert answer.ids == expected[:200]
    assert answer.json["total"] == len(expected)


def test_linked_with_and_array_any_of(shared: EspoCRM) -> None:
    team = min(shared.store.ids("Team"))
    answer = Client(shared).get("Account", where=[item("linkedWith", "teams", [team])])
    assert set(answer.ids) == {row["id"] for row in shared.store.rows("Account") if team in row["teamsIds"]}
    answer = Client(shared).get("Account", where=[item("arrayAnyOf", "cTags", ["vip"])])
    assert set(answer.ids) == {
        row["id"] for row in shared.store.rows("Account") if "vip" in (row["cTags"] or ())
    }


@pytest.mark.parametrize(("kind", "matches"), [("after", True), ("greaterThan", False)])
def test_zones_are_heeded_by_date_operators_only(crm: EspoCRM, kind: str, *, matches: bool) -> None:
    crm.clock.set("2026-11-20T23:30:00+00:00")
    crm.store.create("CVisit", {"name": "late"})
    zoned = item(kind, "createdAt", "2026-11-21 01:00:00") | {"dateTime": "true", "timeZone": "Europe/Kyiv"}
    assert bool(Client(crm).get("CVisit", where=[zoned]).rows) is matches


REFUSED = {
    "not": ({"type": "not", "value": [item("isNull", "name")]}, "Sub-queries are forbidden in where."),
    "expression": (item("equals", "YEAR:(createdAt)", 1), "Complex expressions are forbidden in where."),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize(("version", "status", "times"), [("9.2.7", 400, 2), ("8.4.2", 403, 1)])
def test_refused_filters(crm: EspoCRM, name: str, version: str, status: int, times: int) -> None:
    crm.switches.version = version
    where, reason = REFUSED[name]
    answer = Client(crm).get("Account", where=[where])
    assert (answer.status, answer.reason, answer.body) == (status, " ".join([reason] * times), b"")


@pytest.mark.parametrize(
    ("where", "status"),
    [
        (item("equals", "nope", "x"), 400),
        (item("frobnicate", "name", "x"), 400),
        (item("in", "name"), 400),
        (item("between", "name", ["x"]), 400),
        ({"attribute": "name", "value": "x"}, 500),
    ],
    ids=["attribute", "operator", "no-list", "half-a-range", "no-type"],
)
def test_senseless_filters(crm: EspoCRM, where: dict, status: int) -> None:
    assert Client(crm).get("Account", where=[where]).status == status


@pytest.mark.parametrize(
    "where", [item("after", "modifiedAt", "garbage"), item("equals", "probability", "x")]
)
def test_postgresql_breaks_on_values_of_the_wrong_type(crm: EspoCRM, where: dict) -> None:
    crm.switches.database = "postgresql"
    answer = Client(crm).get("Opportunity", where=[where])
    assert (answer.status, answer.reason, answer.body) == (500, None, b"")


@pytest.mark.parametrize(("database", "found"), [("mariadb", 2), ("postgresql", 1)])
def test_case_of_texts_and_ids_matters_to_postgresql_only(crm: EspoCRM, database: str, found: int) -> None:
    crm.switches.database = database
    for name in ("Zebra", "zebra"):
        crm.store.create("CVisit", {"name": name})
    assert len(Client(crm).get("CVisit", where=[item("equals", "name", "Zebra")]).rows) == found


PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "equals": operator.eq,
    "greaterThan": operator.gt,
    "greaterThanOrEquals": operator.ge,
    "lessThan": operator.lt,
    "lessThanOrEquals": operator.le,
}


def passes(where: dict, row: dict) -> bool:
    """Judge a row as SQL would: nothing compares with null."""
    if where["type"] in {"and", "or"}:
        return {"and": all, "or": any}[where["type"]](passes(each, row) for each in where["value"])
    value = row[where["attribute"]]
    return value is not None and PLAIN[where["type"]](value, where["value"])


def random_filter(dice: random.Random, rows: list[dict], depth: int = 2) -> dict:
    if depth and dice.random() < 0.4:
        kind = dice.choice(["and", "or"])
        return {"type": kind, "value": [random_filter(dice, rows, depth - 1) for _ in range(2)]}
    attribute = dice.choice(["id", "modifiedAt", "dateCompleted", "number"])
    values = [row[attribute] for row in rows if row.get(attribute) is not None] or ["2026-01-01 00:00:00"]
    return item(dice.choice(list(PLAIN)), attribute, dice.choice(values))


@pytest.mark.parametrize("seed", range(60))
def test_any_filter_in_any_order_gives_what_plain_filtering_gives(shared: EspoCRM, seed: int) -> None:
    dice = random.Random(seed)
    entity = dice.choice(["Case", "Task"])
    rows = [{"number": None, "dateCompleted": None} | row for row in shared.store.rows(entity)]
    known = {"Case": ["id", "modifiedAt", "number"], "Task": ["id", "modifiedAt", "dateCompleted"]}[entity]
    where = [random_filter(dice, [{name: row[name] for name in known} for row in rows]) for _ in range(2)]
    while any(name in repr(where) for name in {"number", "dateCompleted"} - set(known)):
        where = [random_filter(dice, [{name: row[name] for name in known} for row in rows])]
    order, direction = dice.choice(known), dice.choice(["asc", "desc"])
    answer = Client(shared).get(entity, where=where, orderBy=order, order=direction, select="id", maxSize=200)
    wanted = [row for row in rows if all(passes(each, row) for each in where)]
    wanted.sort(
        key=lambda row: (row[order] is not None, row[order] or "", row["id"]), reverse=direction == "desc"
    )
    assert answer.ids == [row["id"] for row in wanted]
    assert answer.json["total"] == len(wanted)
