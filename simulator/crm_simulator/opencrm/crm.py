"""The OpenCRM system as a whole: from a request to its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from crm_simulator.crm import CRM
from crm_simulator.messages import Request, Response
from crm_simulator.opencrm.access import Access
from crm_simulator.opencrm.filters import UnknownFilterError, tests_of
from crm_simulator.opencrm.modules import MODULES
from crm_simulator.opencrm.php import from_url
from crm_simulator.opencrm.render import (
    Format,
    Style,
    encode,
    make_format,
    with_user_names,
    write_row,
    write_single,
)
from crm_simulator.opencrm.store import OpenCRMStore, Record, Table
from crm_simulator.opencrm.switches import OpenCRMSwitches

if TYPE_CHECKING:
    from crm_simulator.clock import Clock

_JSON = {"Content-Type": "application/json"}
_PAGES = {
    status: Response.html(
        f"<!DOCTYPE html><html><head><title>{text}</title></head><body>{text}</body></html>", status
    )
    for status, text in ((403, "Forbidden"), (404, "Not Found"))
}
_NOTHING = {"[]": b"[]", "null": b"null", "blank": b""}
_BASE = ("api", "rest")
_COUNTS: dict[str, Callable[[int], object]] = {
    "string": str,
    "int": int,
    "quoted": lambda count: f'"{count}"',
}

Rows = list[tuple[int, Record]]


class OpenCRM(CRM):
    """An OpenCRM system with content made from a seed."""

    secret_names: ClassVar[frozenset[str]] = frozenset(
        {"key1", "key2", "key", "apikey", "passkey", "accesskey", "password", "authorization", "cookie"}
    )

    def __init__(self, *, seed: int, scale: float, clock: Clock) -> None:
        super().__init__(clock)
        self.switches = OpenCRMSwitches()
        self.store = OpenCRMStore(seed=seed, scale=scale, clock=clock, switches=self.switches)
        self.access = Access(seed, clock, self.switches)
        self.violations: list[str] = []

    @property
    def credentials(self) -> dict[str, str]:
        """The key pair, under the names that settings use."""
        return {"api_key": self.access.api_key, "pass_key": self.access.pass_key}

    def expire_access_keys(self) -> None:
        """Let every access key expire at once."""
        self.access.expire()

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        end_point, pairs = _address(request)
        if not end_point or self.access.blocks(request):
            return _PAGES[404 if not end_point else 403]
        params = {**request.params, **pairs}
        if end_point.startswith("edit_"):
            self.violations.append(end_point)
        if end_point == "login":
            return self._log_in(request, params)
        return (
            self._dispatch(end_point, params) if self.access.may(request, params) else _error("Unauthorized")
        )

    def _log_in(self, request: Request, params: dict[str, str]) -> Response:
        if not self.access.has_keys(request, params):
            return _error("Unauthorized")
        return Response.json(self.access.log_in())

    def _dispatch(self, end_point: str, params: dict[str, str]) -> Response:
        action, module = _END_POINTS.get(end_point, ("", ""))
        known = bool(action) and (module != "user" or self.switches.users)
        if not known or (action == "full" and not self.switches.full_lists):
            return self._unknown_end_point()
        with self.store.lock:
            return _ACTIONS[action](self, self.store.table(module), params)

    def _unknown_end_point(self) -> Response:
        if self.switches.unknown_end_point == "404":
            return _PAGES[404]
        if self.switches.unknown_end_point == "blank":
            return Response(200, _JSON)
        return _error("Unknown end point")

    def _count(self, table: Table, params: dict[str, str]) -> Response:
        try:
            count = len(self._matching(table, params))
        except UnknownFilterError:
            return _error("Invalid field in query_string")
        return Response(200, _JSON, encode(_COUNTS[self.switches.count](count)))

    def _basic(self, table: Table, params: dict[str, str]) -> Response:
        return self._list(table, params, "basic")

    def _full(self, table: Table, params: dict[str, str]) -> Response:
        return self._list(table, params, "full")

    def _list(self, table: Table, params: dict[str, str], style: Style) -> Response:
        try:
            numbers = self._page(self._matching(table, params), params)
        except UnknownFilterError:
            return _error("Invalid field in query_string")
        form = self._format(style, params)
        rows = self._named(table, [(number, table.records[number]) for number in numbers], params)
        return self._array([write_row(table, number, record, form) for number, record in rows])

    def _single(self, table: Table, params: dict[str, str]) -> Response:
        number = _whole(params.get("crmid")) or 0
        if number not in table.records:
            return self._missing()
        rows = self._named(table, [(number, table.records[number])], params)
        return Response(200, _JSON, write_single(table, *rows[0], self._format("single", params)))

    def _refuse(self, _table: Table, _params: dict[str, str]) -> Response:
        return _error("Writing is not allowed")

    def _missing(self) -> Response:
        if self.switches.missing_record == "404":
            return _PAGES[404]
        if self.switches.missing_record == "error":
            return _error("Record not found")
        return Response(200, _JSON, _NOTHING[self.switches.missing_record])

    def _matching(self, table: Table, params: dict[str, str]) -> list[int]:
        numbers = self.store.order(table, shuffled=self.switches.order == "shuffled")
        tests = tests_of(table, params, self.switches)
        if not tests:
            return numbers
        return [number for number in numbers if all(test(table.records[number]) for test in tests)]

    def _page(self, numbers: list[int], params: dict[str, str]) -> list[int]:
        start = _whole(params.get("limit_start")) or 0
        end = _whole(params.get("limit_end"))
        stop = len(numbers)
        if end is not None:
            stop = {"exclusive": end, "inclusive": end + 1, "count": start + end}[self.switches.paging]
        if self.switches.page_cap is not None:
            stop = min(stop, start + self.switches.page_cap)
        return numbers[start : max(stop, start)]

    def _format(self, style: Style, params: dict[str, str]) -> Format:
        if not self.switches.overrides:
            return make_format(style, self.switches)
        date_time, date = params.get("dateTimeOverride"), params.get("dateOverride")
        return make_format(
            style, self.switches, from_url(date_time) if date_time else None, from_url(date) if date else None
        )

    def _named(self, table: Table, rows: Rows, params: dict[str, str]) -> Rows:
        labels = params.get("change_assignedidtouser")
        if not labels:
            return rows
        users = self.store.table("user").records
        names = {str(number): user.values["user_name"] for number, user in users.items()}
        chosen = {_field_of(label, table) for label in labels.split(",")}
        return [(number, with_user_names(record, names, chosen)) for number, record in rows]

    def _array(self, rows: list[bytes]) -> Response:
        if not rows:
            return Response(200, _JSON, _NOTHING[self.switches.empty])
        if len(rows) == 1 and self.switches.lone_row == "object":
            return Response(200, _JSON, rows[0])
        return Response(200, _JSON, b"[" + b",".join(rows) + b"]")


Action = Callable[[OpenCRM, Table, dict[str, str]], Response]

_ACTIONS: dict[str, Action] = {
    "count": OpenCRM._count,  # noqa: SLF001 - the class's own table of actions
    "basic": OpenCRM._basic,  # noqa: SLF001
    "full": OpenCRM._full,  # noqa: SLF001
    "single": OpenCRM._single,  # noqa: SLF001
    "write": OpenCRM._refuse,  # noqa: SLF001
}


def _end_points() -> dict[str, tuple[str, str]]:
    table: dict[str, tuple[str, str]] = {}
    for name in MODULES:
        table[f"get_{name}_list_count"] = ("count", name)
        table[f"get_{name}_list"] = ("basic", name)
        table[f"get_{name}_list_full"] = ("full", name)
        table[f"get_{name}" if name != "user" else "get_user_details"] = ("single", name)
        if name != "user":
            table[f"edit_{name}"] = ("write", name)
    table["edit_contracts"] = ("write", "contract")
    return table


_END_POINTS = _end_points()


def _address(request: Request) -> tuple[str, dict[str, str]]:
    """Split the path into the end point and the pairs `/name/value` after it."""
    segments = request.segments
    if segments[:2] != _BASE or len(segments) < 3:  # noqa: PLR2004 - api, rest, end point
        return "", {}
    pairs = segments[3:]
    return segments[2], dict(zip(pairs[::2], pairs[1::2], strict=False))


def _error(message: str) -> Response:
    return Response.json({"error": message})


def _whole(text: str | None) -> int | None:
    """Read a number as PHP's intval does, nothing staying nothing."""
    if text is None or text == "":
        return None
    digits = text.strip()
    return int(digits) if digits.isdecimal() else 0


def _field_of(label: str, table: Table) -> str:
    """Find the field behind a label such as `Assigned_to`; which labels there are is not documented."""
    name = label.strip().lower()
    return {"assigned_to": "smownerid", "assigned_user_id": "smownerid"}.get(
        name, name if name in table.kinds else ""
    )
