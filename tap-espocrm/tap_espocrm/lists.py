"""Reads pages of EspoCRM's lists whole: with every selected attribute and every text uncut."""

from __future__ import annotations

import datetime as dt
import logging
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from tap_espocrm.answers import RefusedError, TooLongError, UnexpectedAnswerError
from tap_espocrm.query import ListQuery, Together, equals, is_in
from tap_espocrm.texts import CutLength

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_espocrm.client import Client
    from tap_espocrm.values import Row

logger = logging.getLogger("tap-espocrm.lists")

#: nginx and Apache refuse a request line above 8 kB by default; what a proxy adds needs room too.
LONGEST_QUERY = 6500
#: The filter of a page alone takes some 700 characters.
SHORTEST_QUERY = 1500
_REREAD_AT_ONCE = 20
_TOO_LARGE = re.compile(r"Max size should not exceed (\d+)")
_NONE_FOLLOW, _MORE_FOLLOW = -2, -1


@dataclass(frozen=True)
class Page:
    """The rows of one answer, and whether more follow."""

    rows: list[Row]
    is_last: bool
    received_at: dt.datetime


@dataclass(frozen=True)
class WholeRows:
    """What must come with each row beyond a plain list: the long texts, and what single reads give."""

    long_texts: frozenset[str] = frozenset()
    is_full: bool = False


class Lists:
    """Reads lists of any entity type through one client."""

    def __init__(self, client: Client, page_size: int, *, is_legacy: bool = False) -> None:
        self.client = client
        self.page_size = page_size
        self.is_legacy = is_legacy
        self.longest_query = LONGEST_QUERY
        self._cut_length = CutLength()

    def query(self, order_by: str, select: Iterable[Together] = ()) -> ListQuery:
        """Start a query in the server's dialect and page size."""
        return ListQuery(order_by, (), tuple(select), self.page_size, self.is_legacy)

    def read(self, path: str, query: ListQuery) -> Page:
        """Read one page; a `select` too long for a URL is read in parts that are joined by id."""
        try:
            return self._read_parts(path, query.split(self.longest_query))
        except TooLongError:
            if self.longest_query < SHORTEST_QUERY:
                raise
            self.longest_query //= 2
            return self.read(path, query)

    def _read_parts(self, path: str, parts: list[ListQuery]) -> Page:
        page = self._read_one(path, parts[0])
        for part in parts[1:]:
            page = self._join(path, page, self._read_one(path, part), part)
        return page

    def _read_one(self, path: str, query: ListQuery, *, retries: int | None = None) -> Page:
        query = replace(query, max_size=min(query.max_size, self.page_size))
        try:
            body = self.client.get(path, query.parameters(), retries=retries)
        except RefusedError as error:
            allowed = _TOO_LARGE.search(str(error))
            if allowed is None or int(allowed[1]) >= query.max_size:
                raise
            self.page_size = min(self.page_size, int(allowed[1]))
            logger.warning("The server allows pages of %s rows only.", allowed[1])
            return self._read_one(path, replace(query, max_size=int(allowed[1])))
        return page_of(path, body, query.max_size)

    def _join(self, path: str, page: Page, other: Page, part: ListQuery) -> Page:
        """Add the attributes of another part; a row that moved meanwhile is asked for by its id."""
        found = {row["id"]: row for row in other.rows}
        # Answers hold more than was selected, some of it as null: of each part only the selected counts.
        names = [name for name in part.selected if name not in {"id", part.order_by}]
        rows: list[Row] = []
        for row in page.rows:
            rest = found.get(row["id"]) or self._find(path, part, row["id"])
            rows.append({**row, **{name: rest[name] for name in names if name in rest}})
        return replace(page, rows=rows)

    def _find(self, path: str, part: ListQuery, record_id: str) -> Row:
        alone = replace(part, where=(equals("id", record_id),), max_size=1)
        return next(iter(self._read_one(path, alone).rows), {})

    def complete(self, path: str, page: Page, whole: WholeRows) -> Page:
        """Add what a list with `select` leaves out: long texts in full, or the whole single read."""
        if whole.is_full:
            return replace(page, rows=[full for row in page.rows if (full := self._single(path, row))])
        suspects = self._cut_length.suspects(page.rows, whole.long_texts)
        if not suspects:
            return page
        listed = {row["id"]: row for row in page.rows}
        asked, rest = suspects[:_REREAD_AT_ONCE], suspects[_REREAD_AT_ONCE:]
        texts = self._uncut(path, asked, whole.long_texts)
        self._cut_length.learn(listed, texts, whole.long_texts)
        if rest and self._cut_length.known is not None:
            asked += rest
            texts.update(self._uncut(path, rest, whole.long_texts))
        # A row that is gone by now was deleted after it was listed: the id sweep tells.
        rows = [
            {**row, **texts.get(row["id"], {})}
            for row in page.rows
            if row["id"] in texts or row["id"] not in asked
        ]
        return replace(page, rows=rows)

    def _uncut(self, path: str, ids: list[str], long_texts: frozenset[str]) -> dict[str, Row]:
        """Read rows again without `select`: such lists do not cut, and leave no trace in the audit log."""
        texts: dict[str, Row] = {}
        for start in range(0, len(ids), _REREAD_AT_ONCE):
            some = ids[start : start + _REREAD_AT_ONCE]
            query = replace(
                self.query("id").narrowed(is_in("id", some)), max_size=min(len(some), self.page_size)
            )
            for row in self._read_one(path, query).rows:
                texts[row["id"]] = {name: row[name] for name in long_texts if name in row}
        return texts

    def _single(self, path: str, row: Row) -> Row | None:
        try:
            full = self.client.get(f"{path}/{quote(str(row['id']), safe='')}")
        except RefusedError as error:
            logger.warning("%s %s can no longer be read: %s", path, row["id"], error)
            return None
        return {**row, **full}


def page_of(path: str, body: object, max_size: int) -> Page:
    """Check that an answer is a list of records, and tell from its total whether more follow."""
    rows = body.get("list") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("id") for row in rows):
        raise UnexpectedAnswerError(f"GET {path}: the answer is not a list of records.")
    total = body.get("total") if isinstance(body, dict) else None
    if total == _MORE_FOLLOW and not rows:
        raise UnexpectedAnswerError(
            f"GET {path}: an empty page, although the server says that more rows follow."
        )
    return Page(rows, _is_last(total, len(rows), max_size), dt.datetime.now(dt.UTC))


def _is_last(total: object, count: int, max_size: int) -> bool:
    """Tell the end: without counting, `total` is -1 or -2 (before 7.1 servers always count)."""
    if total in {_MORE_FOLLOW, _NONE_FOLLOW}:
        return total == _NONE_FOLLOW
    return count >= total if isinstance(total, int) else count < max_size
