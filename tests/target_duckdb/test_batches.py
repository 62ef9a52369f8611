"""How a batch is divided that needs more memory than there is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from target_duckdb.batches import Activation, Batch, Declaration, Swap
from target_duckdb.columns import Column
from target_duckdb.segments import Segment
from target_duckdb.shapes import Shape
from target_duckdb.sql import Table


def shape(stream: str, columns: int = 3, *, is_keyed: bool = True) -> Shape:
    names = tuple(Column(f"c{number}", "VARCHAR", "") for number in range(columns))
    return Shape(stream, Table("main", stream), names, ("c0",) if is_keyed else ())


def segment(of: Shape, base: Shape | None = None) -> Segment:
    return Segment(of, Path("x"), Path("y"), base=base)


A, B, C, LOG = shape("a"), shape("b"), shape("c", 6), shape("log", is_keyed=False)
LIVE = shape("b__live", 1)
STEPS = [
    *(segment(each) for each in (A, B, C, LOG)),
    segment(LIVE, B),
    Activation(LIVE, 1, B),
    Activation(A, 1),
    Declaration(C),
    Declaration(LOG),
]


def group(step) -> str:
    return (getattr(step, "base", None) or step.shape).stream


@given(st.lists(st.sampled_from(STEPS), max_size=12), st.booleans())
def test_halves_hold_all_steps_in_order_and_state_comes_with_the_last(steps, is_final):
    steps = [replace(step) for step in steps]
    batch = Batch(tuple(steps), b"1", is_final)
    halves = batch.halves()
    if halves is None:
        return
    first, second = halves
    assert (first.state, first.is_final, second.state, second.is_final) == (None, False, b"1", is_final)
    assert sorted(map(id, first.steps + second.steps)) == sorted(map(id, steps))
    assert first.columns
    assert first.columns < batch.columns or not second.columns
    assert all(step.shape.keys for step in first.steps)
    if len({*map(group, steps)}) > 1:
        assert not {*map(group, first.steps)} & {*map(group, second.steps)}
    for half in halves:
        places = [next(place for place, each in enumerate(steps) if each is step) for step in half.steps]
        assert places == sorted(places)


def test_about_half_of_the_columns_come_first():
    streams = [shape(f"s{number}") for number in range(8)]
    first, second = Batch(tuple(map(segment, streams)), None, is_final=False).halves()
    assert (first.columns, second.columns) == (12, 12)


def test_of_a_stream_whose_schema_changed_half_of_the_columns_come_first():
    steps = tuple(segment(A if number % 2 else shape("a", 6)) for number in range(9))
    for more in ((), (Activation(A, 1),), (Swap(A),), (Declaration(A),)):
        first, second = Batch((*steps, *more), b"1", is_final=True).halves()
        assert first.steps + second.steps == (*steps, *more)
        assert (first.columns, second.columns) == (18, 24)


def test_what_cannot_be_divided():
    live = [segment(B), segment(LIVE, B), segment(B)]
    for steps in ([segment(A)], [segment(A), Activation(A, 1)], [segment(LOG), segment(LOG)], live, []):
        assert Batch(tuple(steps), None, is_final=True).halves() is None


def test_tables_are_swapped_together():
    steps = (segment(A), Swap(A), segment(B), Swap(B))
    first, second = Batch(steps, None, is_final=True).halves()
    assert first.steps == steps[:1]
    assert second.steps == steps[1:]
