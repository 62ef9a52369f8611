"""The compact set of ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tap_opencrm.ids import Ids

some_ids = st.integers(0, 3_000).map(str) | st.sampled_from(
    ["", "007", "a-1", "9" * 30, "²", "-5", "134217728"]
)


@given(st.lists(some_ids))
def test_it_behaves_like_a_set(texts):
    ids, plain = Ids(), set()
    for text in texts:
        assert ids.add(text) is (text not in plain)
        plain.add(text)
    assert len(ids) == len(plain)
    assert set(ids) == plain
    assert all(text in ids for text in plain)
    assert "3001" not in ids


def test_half_a_million_ids_take_less_than_a_hundred_kilobytes():
    ids = Ids()
    for number in range(500_000):
        ids.add(str(number))
    assert len(ids._bits) < 100_000
    assert not ids._others
