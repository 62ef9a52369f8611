"""Reading a whole list and making sure that it was whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from tap_opencrm.checks import zone
from tap_opencrm.client import OpenCRMStream
from tap_opencrm.errors import IncompleteError, NotFoundError, RefusedError, UnstableListError
from tap_opencrm.ids import Ids
from tap_opencrm.paging import Key, Scan, Window
from tap_opencrm.records import Row, Shape, row_id
from tap_opencrm.schemas import SCHEMA_FILES
from tap_opencrm.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from singer_sdk import Tap

    from tap_opencrm.connection import Connection
    from tap_opencrm.dates import Zone
    from tap_opencrm.entities import Entity
    from tap_opencrm.errors import CallError

_ATTEMPTS = 2


@dataclass
class Sweep:
    """One attempt to read a list: what OpenCRM counted before and after, and what was seen."""

    condition: str = ""
    before: int | None = None
    after: int | None = None
    started: datetime = datetime.min  # noqa: DTZ901 # replaced by the server's time before it is read
    ids: Ids = field(default_factory=Ids)
    is_complete: bool = False

    @property
    def is_verified(self) -> bool:
        """Every record that OpenCRM counts was seen."""
        return self.is_complete and self.before is not None and self.after is not None

    @property
    def misses_some(self) -> bool:
        """Fewer records were seen than were there all the time."""
        if self.before is None or self.after is None:
            return False
        return len(self.ids) < min(self.before, self.after)

    @property
    def adds_up(self) -> bool:
        """What was seen differs from the counts by no more than what came and went meanwhile."""
        if self.before is None or self.after is None:
            return True
        is_steady = self.before == self.after
        return len(self.ids) == self.after if is_steady else not self.misses_some


class SweepingStream(OpenCRMStream):
    """A stream over one list of OpenCRM."""

    is_basic = False
    _has_full_lists = False
    _has_singles = False

    def __init__(self, tap: Tap, name: str, connection: Connection, entity: Entity) -> None:
        self.entity = entity
        super().__init__(tap, name, connection)

    def shape(self, schema_file: str) -> Shape:
        """Return what makes records of rows; the schema files know more of a field than a catalogue does."""
        declared = SCHEMA_FILES.get_schema(schema_file)["properties"]
        wanted = self.effective_schema["properties"]
        return Shape(
            {name: declared.get(name, schema) for name, schema in wanted.items()},
            self.zone,
            decode_html=self.config["decode_html_entities"],
            dropped=frozenset(declared) - frozenset(wanted),
        )

    @cached_property
    def zone(self) -> Zone:
        """The zone of times without an offset."""
        return zone(self.config)

    def ask_list(self, window: Window, condition: str = "") -> list[Row]:
        """Return the rows in one window of the list; few of their fields where full lists are refused."""
        if self.is_basic:
            return self.ask_rows(self.entity.basic_end_point, window, condition)
        try:
            rows = self.ask_rows(self.entity.list_end_point, window, condition)
        except (RefusedError, NotFoundError) as refusal:
            if self._has_full_lists:
                raise
            return self._turn_to_basic_lists(window, condition, refusal)
        self._has_full_lists = True
        return rows

    def _turn_to_basic_lists(self, window: Window, condition: str, refusal: CallError) -> list[Row]:
        try:
            rows = self.ask_rows(self.entity.basic_end_point, window, condition)
        except (RefusedError, NotFoundError):
            raise refusal from None
        self.is_basic = True
        self.logger.warning(
            "%s: one request per record, because full lists are refused: %s", self.name, refusal
        )
        return rows

    def ask_whole(self, row: Row) -> Row:
        """Return a row of a basic list with everything its record holds."""
        return row | self.ask_single(row_id(row))

    def ask_single(self, record_id: str) -> Row:
        """Return one record; empty if it was deleted since it was listed."""
        try:
            record = self.ask_record(self.entity.record_end_point, record_id)
        except (RefusedError, NotFoundError):
            if not self._has_singles:
                raise
            return {}
        self._has_singles = True
        return record

    def workers(self) -> Workers:
        """Return threads that ask for what comes next while the main thread writes what came."""
        return Workers(self.connection.lanes, self.name)

    def sweep(self, pool: Workers, sweep: Sweep) -> Iterator[list[Row]]:
        """Yield the pages of a list, no row twice; afterwards `sweep` tells how complete they were."""
        for attempt in range(_ATTEMPTS):
            is_last = attempt == _ATTEMPTS - 1
            already, sweep.ids = sweep.ids, Ids()
            try:
                for page in self._attempt(pool, sweep):
                    yield [row for row in page if row_id(row) not in already] if attempt else page
            except UnstableListError:
                if is_last:
                    raise
                continue
            if sweep.adds_up:
                break
            self.logger.warning(
                "%s: %s%s", self.name, self._counts(sweep), "" if is_last else "; reading it once more"
            )
        self._conclude(sweep)

    def _attempt(self, pool: Workers, sweep: Sweep) -> Iterator[list[Row]]:
        sweep.before, started = self.ask_count(self.entity.count_end_point, sweep.condition)
        sweep.started = sweep.started if sweep.started.tzinfo else started
        scan = Scan(int(self.config["page_size"]), sweep.before, self.connection.lanes, sweep.ids)
        yield from self._pages(pool, scan, sweep.condition)
        sweep.after, _ = self.ask_count(self.entity.count_end_point, sweep.condition)
        if sweep.after is not None and len(scan.seen) < sweep.after:
            scan.go_on(sweep.after)
            yield from self._pages(pool, scan, sweep.condition)

    def _pages(self, pool: Workers, scan: Scan, condition: str) -> Iterator[list[Row]]:
        futures: dict[Window, Future[list[Row]]] = {}

        def ask_ahead() -> None:
            for window in scan.next_windows():
                futures[window] = pool.submit(self.ask_list, window, condition)

        ask_ahead()
        while not scan.is_finished:
            rows = futures.pop(scan.waiting[0]).result()
            fresh = scan.accept([self._key(row) for row in rows])
            if not scan.waiting:
                futures.clear()
            ask_ahead()
            yield [row for row, is_new in zip(rows, fresh, strict=True) if is_new]

    @cached_property
    def _modified(self) -> str:
        return str(self.config["replication_key_name"])

    def _key(self, row: Row) -> Key:
        return row_id(row), str(row.get(self._modified) or "")

    def _counts(self, sweep: Sweep) -> str:
        return f"read {len(sweep.ids)} records, OpenCRM counted {sweep.before} before and {sweep.after} after"

    def _conclude(self, sweep: Sweep) -> None:
        sweep.is_complete = not sweep.misses_some
        if sweep.misses_some and self.config["fail_on_count_mismatch"]:
            raise IncompleteError(
                f"{self._counts(sweep)}. The bookmark stays where it was; "
                "set fail_on_count_mismatch to false to accept this"
            )
