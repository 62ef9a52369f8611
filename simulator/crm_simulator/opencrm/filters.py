"""Which records a list or count call speaks of: `query_string` and `keywords`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulator.opencrm.modules import Kind, Module
    from crm_simulator.opencrm.store import Record, Table
    from crm_simulator.opencrm.switches import OpenCRMSwitches

    Test = Callable[[Record], bool]


class UnknownFilterError(Exception):
    """The filter names a field or an operator that OpenCRM does not know."""


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "LIKE": lambda value, wanted: re.fullmatch(_pattern(wanted), value, re.DOTALL) is not None,
    "BEGINS": lambda value, wanted: value.startswith(wanted),
    "ENDS": lambda value, wanted: value.endswith(wanted),
    "CONTAINS": lambda value, wanted: wanted in value,
}


def tests_of(table: Table, params: dict[str, str], switches: OpenCRMSwitches) -> list[Test]:
    """Turn the parameters of a call into tests on stored records."""
    tests: list[Test] = []
    if condition := params.get("query_string"):
        try:
            tests.append(_condition(table, condition, modified=switches.modifiedtime_filter))
        except UnknownFilterError:
            if switches.unknown_filter == "error":
                raise
    if words := params.get("keywords"):
        tests.append(_keywords(table, words.casefold()))
    return tests


def _condition(table: Table, text: str, *, modified: bool) -> Test:
    parts = text.split("|", 2)
    if len(parts) != 3:  # noqa: PLR2004 - field, operator, value
        raise UnknownFilterError(text)
    compare = _OPERATORS.get(parts[1].strip().upper())
    name = _query_names(table.module, table.kinds).get(parts[0].strip())
    if compare is None or name is None or (name == "modifiedtime" and not modified):
        raise UnknownFilterError(text)
    wanted = parts[2].casefold()
    return lambda record: compare(record.values.get(name, "").casefold(), wanted)


def _query_names(module: Module, kinds: dict[str, Kind]) -> dict[str, str]:
    return {module.query_names.get(name, name): name for name in kinds}


def _keywords(table: Table, wanted: str) -> Test:
    names = [name for name, kind in table.kinds.items() if kind == "text"]
    return lambda record: any(wanted in record.values.get(name, "").casefold() for name in names)


def _pattern(like: str) -> str:
    return re.escape(like).replace("%", ".*").replace("_", ".")
