"""Whatever state a run was killed at, the next run from it leaves nothing out."""

from __future__ import annotations

import pytest
from crm_simulator import Fault

STREAMS = ("contacts", "invoices", "leads", "users")


@pytest.fixture
def run(sync):
    return lambda state=None, **settings: sync(state, entities=list(STREAMS), page_size=3, **settings)


def whole(destination, source):
    return {name: destination.ids(name) for name in STREAMS} == {name: source(name) for name in STREAMS}


def test_every_state_of_a_first_run_is_a_restart_point(run, source, destination):
    messages = run().messages
    places = [place for place, message in enumerate(messages) if message["type"] == "STATE"]
    assert len(places) > len(STREAMS)
    for place in places:
        kept = type(destination)().apply(messages[: place + 1])
        kept.apply(run(messages[place]["value"]).messages)
        assert whole(kept, source), messages[place]


def test_every_state_of_an_incremental_run_is_a_restart_point(run, crm, clock, source, destination):
    first = run()
    clock.advance(days=1)
    for module in ("contact", "invoice", "lead"):
        one, two, *_ = sorted(crm.store.ids(module))
        crm.store.update(module, one, {"description": "Changed"})
        crm.store.delete(module, two)
        crm.store.create(module, {"description": "Added"})
    clock.advance(minutes=1)
    second = run(first.state)
    places = [place for place, message in enumerate(second.messages) if message["type"] == "STATE"]
    for place in places:
        kept = type(destination)().apply(first.messages).apply(second.messages[: place + 1])
        kept.apply(run(second.messages[place]["value"]).messages)
        assert whole(kept, source), second.messages[place]
        changed = min(crm.store.ids("contact"))
        assert kept.tables["contacts"][changed]["description"] == "Changed"


def test_a_state_written_in_the_middle_of_a_stream_holds_the_old_bookmark(run, monkeypatch):
    monkeypatch.setattr("singer_sdk.Stream.STATE_MSG_FREQUENCY", 2)
    output = run()
    in_the_middle = [
        message["value"]["bookmarks"].get("contacts", {})
        for before, message, after in zip(
            output.messages, output.messages[1:], output.messages[2:], strict=False
        )
        if message["type"] == "STATE" and before.get("stream") == after.get("stream") == "contacts"
    ]
    assert in_the_middle
    assert all("replication_key_value" not in bookmark for bookmark in in_the_middle)


@pytest.mark.parametrize("at", range(0, 40, 3))
def test_a_run_that_breaks_at_any_request_is_made_good_by_the_next(
    run, crm, source, destination, no_waiting, at
):
    crm.server.faults.add(Fault(kind="reset", match="get_", skip=at, times=None))
    broken = run(fails=True, max_retries=0)
    crm.server.faults.clear()
    destination.apply(broken.messages)
    state = broken.state if broken.states else None
    destination.apply(run(state).messages)
    assert whole(destination, source)
