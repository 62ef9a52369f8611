"""Pages through lists by key instead of by offset, and checks that the server did as it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_espocrm.answers import UnexpectedAnswerError
from tap_espocrm.lists import Page
from tap_espocrm.query import ListQuery, after, at_least, equals, greater_than, is_not_null

if TYPE_CHECKING:
    from tap_espocrm.values import Row

Read = Callable[[ListQuery], Page]
Seen = frozenset[tuple[object, object]]


def pages_by_key(read: Read, query: ListQuery, start: object = None) -> Iterator[Page]:
    """Page by a unique attribute (`id`, `number`): `key > last`, ordered by it."""
    key, last = query.order_by, start
    previous: Seen = frozenset()
    while True:
        page = read(query if last is None else query.narrowed(greater_than(key, str(last))))
        previous = check_new(page, query.order_by, previous)
        if key != "id":
            check_order(page, key, last)
        yield page
        if page.is_last or not page.rows:
            return
        last = page.rows[-1][key]


def pages_by_stamp(
    read: Read, query: ListQuery, start: str | None, *, has_id_tie_break: bool
) -> Iterator[Page]:
    """Page by `(stamp, id)`: rows that share a second are told apart by id, as the server orders them."""
    # Without a lower bound the rows that have no stamp would come too, and cannot be paged by it.
    asked = query.narrowed(is_not_null(query.order_by) if start is None else at_least(query.order_by, start))
    low = start
    previous: Seen = frozenset()
    while True:
        page = read(asked)
        previous = check_new(page, query.order_by, previous)
        check_order(page, query.order_by, low)
        if page.is_last or not page.rows:
            yield page
            return
        last = page.rows[-1]
        low = str(last[query.order_by])
        if has_id_tie_break:
            yield page
            asked = query.narrowed(after(query.order_by, low, last["id"]))
        else:
            yield from _without_tie_break(read, query, page, low)
            asked = query.narrowed(greater_than(query.order_by, low))
            previous = frozenset()


def _without_tie_break(read: Read, query: ListQuery, page: Page, stamp: str) -> Iterator[Page]:
    """Before EspoCRM 7.0 rows of one second come in any order: read the last second of a page by id."""
    yield replace(page, rows=[row for row in page.rows if row[query.order_by] != stamp])
    by_id = replace(query, order_by="id", select=((query.order_by,), *query.select) if query.select else ())
    same_second = by_id.narrowed(equals(query.order_by, stamp))
    for tied in pages_by_key(read, same_second):
        check_order(tied, query.order_by, stamp)
        yield replace(tied, is_last=False)


def check_new(page: Page, key: str, previous: Seen) -> Seen:
    """Refuse a page that repeats a row of the page before, unless it moved; returns what to remember."""
    seen = frozenset((row["id"], row.get(key)) for row in page.rows)
    if seen & previous:
        raise UnexpectedAnswerError(
            "the server repeats rows: it ignores the filter that asks for the next page. "
            "A proxy or firewall may be removing `where` from the address."
        )
    return seen


def check_order(page: Page, key: str, low: object) -> None:
    """Refuse a page with rows below the filter, or out of order."""
    last = low
    for row in page.rows:
        value = _present(row, key)
        if last is not None and _is_below(value, last):
            what = "the filter" if low is not None and _is_below(value, low) else "the order"
            raise UnexpectedAnswerError(
                f"the server ignores {what}: {key} {value!r} came where nothing below {last!r} should. "
                "A proxy or firewall may be removing parameters from the address."
            )
        last = value


def _present(row: Row, key: str) -> object:
    value = row.get(key)
    if value is None:
        raise UnexpectedAnswerError(f"the server ignores the filter or the select: a row came without {key}.")
    return value


def _is_below(value: object, low: object) -> bool:
    if isinstance(value, (int, float)):
        return value < float(str(low))
    return str(value) < str(low)
