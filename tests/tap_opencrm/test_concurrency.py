"""The server is never idle because of the tap, and never busier than the user allows."""

from __future__ import annotations

import threading
import time

import pytest
from tap_opencrm.writing import GatheringWriter


@pytest.fixture
def traffic(crm):
    """How many requests are under way now, at most, and have come so far."""

    class Traffic:
        now = most = begun = 0
        lock = threading.Lock()

    whole = crm.handle

    def counted(request):
        with Traffic.lock:
            Traffic.now += 1
            Traffic.begun += 1
            Traffic.most = max(Traffic.most, Traffic.now)
        time.sleep(0.02)
        try:
            return whole(request)
        finally:
            with Traffic.lock:
                Traffic.now -= 1

    crm.server.handler = counted
    return Traffic


@pytest.fixture
def many(crm):
    for _ in range(60):
        crm.store.create("contact")


@pytest.mark.parametrize("concurrency", [1, 2, 4])
def test_no_more_requests_at_a_time_than_allowed(many, traffic, sync, source, concurrency):
    output = sync(page_size=4, concurrency=concurrency)
    assert sorted(output.ids("contacts")) == sorted(source("contacts"))
    assert traffic.most == concurrency


def test_the_next_page_is_asked_for_while_this_one_is_written(many, traffic, sync, monkeypatch):
    begun = []
    write = GatheringWriter.write_message

    def slowly(self, message):
        if message.type.value == "RECORD" and message.stream == "contacts" and len(begun) < 3:
            time.sleep(0.1)
            begun.append(traffic.begun)
        write(self, message)

    monkeypatch.setattr(GatheringWriter, "write_message", slowly)
    sync(page_size=20)
    assert begun[0] == 4  # discovery, count, the first page, and the second before the first record is out


def test_records_keep_their_order_with_any_concurrency(many, sync):
    assert sync(concurrency=4, page_size=5).ids("contacts") == sync(page_size=5).ids("contacts")


def test_no_thread_is_left_behind(many, sync):
    before = threading.active_count()
    sync(concurrency=4, page_size=5)
    for _ in range(50):
        if threading.active_count() <= before + 4:  # the simulator's own threads, one for each connection
            break
        time.sleep(0.02)
    assert not [t for t in threading.enumerate() if t.name.startswith("contacts")]
