"""Nothing is lost or repeated: ties, page sizes, and a source that changes between the pages."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from crm_simulator import Clock, Simulator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tap_espocrm.answers import UnexpectedAnswerError
from tap_espocrm.lists import Lists, page_of
from tap_espocrm.paging import check_new, check_order, pages_by_key, pages_by_stamp

from tests import figures
from tests.tap_espocrm.harness import Warehouse, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator

SAME_SECOND = "2026-05-05 05:05:05"
MORE = {"notes": False, "link_streams": False, "lookback_seconds": 0, "max_retries": 1, "timeout": 10}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def tied():
    """1,500 leads of one second, between others."""
    with Simulator(seed=3, scale=0.02, clock=Clock.frozen("2026-11-20T12:00:00+00:00")) as sim:
        for number in range(1500):
            sim.espocrm.store.create("Lead", {"lastName": f"Tied {number}", "modifiedAt": SAME_SECOND})
        yield sim.espocrm


def read_tied(tied, page_size: int, *, has_id_tie_break: bool = True) -> list[str]:
    config = {**tied.credentials["api_key"], **MORE, "entities": ["Lead"], "detect_deletes": False}
    tap = run_tap({**config, "start_date": "2099-01-01T00:00:00Z"}).tap
    lists = Lists(tap.client, page_size)
    tap.client._stop.clear()
    query = lists.query("modifiedAt", [("id",)])
    pages = pages_by_stamp(lambda q: lists.read("Lead", q), query, None, has_id_tie_break=has_id_tie_break)
    return [row["id"] for page in pages for row in page.rows]


@pytest.mark.parametrize("page_size", [7, 100, 199, 200])
@pytest.mark.parametrize("has_id_tie_break", [True, False], ids=["ordered by id", "in any order"])
def test_ties_across_pages_lose_nothing(tied, page_size, has_id_tie_break) -> None:
    ids = read_tied(tied, page_size, has_id_tie_break=has_id_tie_break)
    assert len(ids) == len(set(ids))
    assert set(ids) == tied.store.ids("Lead")


@pytest.mark.soak
@pytest.mark.parametrize("page_size", range(1, 201))
def test_ties_survive_every_page_size(tied, page_size) -> None:
    ids = read_tied(tied, page_size)
    assert (len(ids), set(ids)) == (len(set(ids)), tied.store.ids("Lead"))


def test_a_run_that_stops_inside_a_tie_is_resumed_without_loss(tied) -> None:
    config = {**tied.credentials["api_key"], **MORE, "entities": ["Lead"], "page_size": 50}
    for skip in (3, 25):
        warehouse = Warehouse()
        tied.server.faults.clear()
        tied.server.faults.add(_outage(skip))
        broken = warehouse.load({**config, "max_retries": 0})
        tied.server.faults.clear()
        assert broken.error is not None
        assert set(warehouse.rows("lead")) < tied.store.ids("Lead")
        assert not warehouse.deleted.get("lead")
        warehouse.load(config)
        assert set(warehouse.rows("lead")) == tied.store.ids("Lead")


def _outage(skip: int):
    from crm_simulator import Fault  # noqa: PLC0415

    return Fault(kind="status", status=500, match="/Lead", skip=skip, times=10_000)


steps = st.lists(
    st.tuples(
        st.sampled_from(["create", "update", "delete", "undelete", "tick", "relate", "unrelate"]),
        st.integers(0, 10_000),
    ),
    max_size=6,
)


class Schedule:
    """What happens in the CRM between the requests of a run."""

    def __init__(self, sim: Simulator, warehouse: Warehouse, rounds: list[list[tuple[str, int]]]) -> None:
        self.sim, self.store, self.warehouse = sim, sim.espocrm.store, warehouse
        self.rounds = iter(rounds)
        self.gone: list[str] = []

    def __call__(self, request, number) -> None:
        if "/Contact" in request.path:
            for action, chance in next(self.rounds, []):
                self.step(action, chance)

    def step(self, action: str, chance: int) -> None:
        ids = sorted(self.store.ids("Contact"))
        getattr(self, action)(ids[chance % len(ids)], chance)

    def create(self, _: str, chance: int) -> None:
        self.store.create("Contact", {"lastName": f"New {chance}"})

    def update(self, some: str, chance: int) -> None:
        self.store.update("Contact", some, {"description": f"changed {chance}"})

    def delete(self, some: str, _: int) -> None:
        if len(self.store.ids("Contact")) > 5:
            self.store.delete("Contact", some)
            # A record restored without ever having been loaded looks older than the bookmark: README, Limits.
            if (some,) in self.warehouse.tables.get("contact", {}):
                self.gone.append(some)

    def undelete(self, _: str, chance: int) -> None:
        if self.gone:
            self.store.undelete("Contact", self.gone.pop(chance % len(self.gone)))

    def relate(self, some: str, chance: int) -> None:
        accounts = sorted(self.store.ids("Account"))
        self.store.relate("Contact", some, "accounts", accounts[chance % len(accounts)], {"role": "R"})

    def unrelate(self, some: str, _: int) -> None:
        for other in list(self.store.related("Contact", some, "accounts"))[:1]:
            self.store.unrelate("Contact", some, "accounts", other)

    def tick(self, _: str, chance: int) -> None:
        self.sim.clock.advance(seconds=chance % 3)


def play(rounds: list[list[tuple[str, int]]], page_size: int, lookback: int) -> None:
    with Simulator(seed=5, scale=0.02, clock=Clock.frozen("2026-11-20T12:00:00+00:00")) as sim:
        crm = sim.espocrm
        config = {
            **crm.credentials["api_key"],
            **MORE,
            "entities": ["Contact"],
            "link_streams": True,
            "page_size": page_size,
            "lookback_seconds": lookback,
        }
        warehouse = Warehouse()
        crm.server.before_request.append(Schedule(sim, warehouse, rounds))
        for _ in range(2):
            assert warehouse.load(config).error is None
        crm.server.before_request.clear()
        assert warehouse.load(config).error is None
        stored = {row["id"]: row for row in crm.store.rows("Contact")}
        got = warehouse.rows("contact")
        assert set(got) == set(stored)
        assert {i: r["description"] for i, r in got.items()} == {
            i: r["description"] for i, r in stored.items()
        }
        pairs = {(i, o) for i in stored for o in crm.store.related("Contact", i, "accounts")}
        assert set(warehouse.pairs("contact__accounts")) == pairs
        figures.count("EspoCRM, changes while the tap alone reads", "histories")


SCHEDULES = {
    "rounds": st.lists(steps, max_size=12),
    "page_size": st.integers(2, 15),
    "lookback": st.sampled_from([0, 60]),
}
QUICK = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
THOROUGH = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(**SCHEDULES)
def test_changes_between_pages_lose_nothing(rounds, page_size, lookback) -> None:
    play(rounds, page_size, lookback)


@pytest.mark.soak
@THOROUGH
@given(**SCHEDULES)
def test_a_thousand_schedules_lose_nothing(rounds, page_size, lookback) -> None:
    play(rounds, page_size, lookback)


@pytest.mark.parametrize("switch", ["ignore_where", "ignore_order"])
def test_a_server_that_ignores_what_is_asked_is_found_out(crm, config, switch) -> None:
    catalog = run_tap({**config, "entities": ["Lead"], "notes": False, "start_date": "2099-01-01T00:00:00Z"})
    setattr(crm.switches, switch, True)
    outcome = run_tap({**config, "entities": ["Lead"], "notes": False, "page_size": 5, "link_streams": False})
    assert catalog.error is None
    assert "ignores" in outcome.tap.config["url"] or "streams failed" in str(outcome.error)
    assert not outcome.of("ACTIVATE_VERSION")


def page(*stamps: str, last: bool = False, first: int = 0):
    rows = [{"id": f"{first + n:03}", "modifiedAt": stamp} for n, stamp in enumerate(stamps)]
    return page_of("X", {"total": -2 if last else -1, "list": rows}, len(rows))


@pytest.mark.parametrize(
    ("rows", "low", "words"),
    [
        (("2026-01-02 00:00:00", "2026-01-01 00:00:00"), None, "the order"),
        (("2026-01-01 00:00:00",), "2026-01-02 00:00:00", "the filter"),
    ],
    ids=["descending", "below the filter"],
)
def test_a_page_that_breaks_its_promise_is_refused(rows, low, words) -> None:
    with pytest.raises(UnexpectedAnswerError, match=words):
        check_order(page(*rows), "modifiedAt", low)


def test_a_repeated_row_is_refused() -> None:
    seen = check_new(page(SAME_SECOND), "modifiedAt", frozenset())
    with pytest.raises(UnexpectedAnswerError, match="repeats"):
        check_new(page(SAME_SECOND), "modifiedAt", seen)


def test_an_empty_page_although_more_should_follow_is_refused() -> None:
    with pytest.raises(UnexpectedAnswerError, match="empty page"):
        page_of("Lead", {"total": -1, "list": []}, 200)


@pytest.mark.parametrize("body", [None, [], {"total": 1}, {"list": [1]}, {"list": [{"name": "x"}]}, "text"])
def test_what_is_no_list_of_records_is_refused(body) -> None:
    with pytest.raises(UnexpectedAnswerError, match="not a list"):
        page_of("Lead", body, 200)


def test_paging_by_key_ends_where_the_server_counts() -> None:
    answers = [
        page_of("X", {"total": total, "list": [{"id": i}]}, 1) for total, i in ((3, "a"), (2, "b"), (1, "c"))
    ]
    pages = iter(answers)
    got = list(pages_by_key(lambda _: next(pages), Lists(None, 1).query("id")))  # type: ignore[arg-type]
    assert [p.rows[0]["id"] for p in got] == ["a", "b", "c"]
