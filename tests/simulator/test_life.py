from __future__ import annotations

from crm_simulator import Clock, Simulator

NOON = "2026-11-20T12:00:00+00:00"


def test_a_day_of_life_happens_in_the_store_and_on_the_clock():
    sim = Simulator(scale=0.2, clock=Clock.frozen(NOON))
    before = {row["id"]: row for row in sim.opencrm.store.rows("contact")}
    diary = sim.live_a_day()["opencrm"]["contact"]
    after = {row["id"]: row for row in sim.opencrm.store.rows("contact")}
    assert set(after) - set(before) == set(diary.created) | set(diary.undeleted)
    assert set(before) - set(after) == set(diary.deleted)
    assert {key for key in after if key in before and before[key] != after[key]} <= set(diary.updated)
    assert all(row["modifiedtime"] >= "2026-11-20 12:00:00" for row in map(after.get, diary.created))
    assert sim.clock.now().isoformat() == "2026-11-21T12:00:00+00:00"


def test_a_month_of_life_changes_adds_and_deletes_and_is_the_same_every_time():
    def month() -> list[dict[str, dict[str, object]]]:
        sim = Simulator(scale=0.2, clock=Clock.frozen(NOON))
        return [sim.live_a_day() for _ in range(30)]

    days = month()
    assert days == month()
    for name in ("opencrm", "espocrm"):
        for deed in ("created", "updated", "deleted"):
            assert sum(len(getattr(diary, deed)) for day in days for diary in day[name].values()) > 10
