"""Query strings as PHP reads them, and the search parameters found in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from crm_simulator.espocrm.refusals import bad_request, broken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crm_simulator.espocrm.switches import EspoCRMSwitches

_MAX_INPUT_VARS = 1000
_BRACKETS = re.compile(r"\[([^\]]*)\]")


def parse_query(query: str) -> dict[str, Any]:
    """Read `a[b][0]=c` into nested values; what comes after the first 1000 pairs is lost without a word."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True)[:_MAX_INPUT_VARS]:
        base, bracket, rest = name.partition("[")
        _put(tree, [base, *_BRACKETS.findall(bracket + rest)], value)
    return {name: _listed(value) for name, value in tree.items()}


def _put(tree: dict[str, Any], path: list[str], value: str) -> None:
    node = tree
    for part in path[:-1]:
        deeper = node.setdefault(part or str(len(node)), {})
        if not isinstance(deeper, dict):
            deeper = node[part] = {}
        node = deeper
    node[path[-1] or str(len(node))] = value


def _listed(value: Any) -> Any:  # noqa: ANN401 - any shape a query can spell
    if not isinstance(value, dict):
        return value
    items = {key: _listed(item) for key, item in value.items()}
    return list(items.values()) if all(key.isdigit() for key in items) else items


@dataclass(frozen=True)
class Search:
    """What a list was asked for."""

    where: tuple[dict[str, Any], ...] = ()
    select: tuple[str, ...] | None = None
    order_by: str | None = None
    order: str | None = None
    max_size: int | None = None
    offset: int = 0
    text: str | None = None
    primary: str | None = None
    bools: tuple[str, ...] = ()
    quick: bool = False


def read_search(params: dict[str, Any], switches: EspoCRMSwitches) -> Search:
    """Read the search parameters in the dialects that this version knows."""
    if "searchParams" in params and switches.since("7.0"):
        return _from_json(params["searchParams"])
    where, select = params.get("where"), params.get("select")
    if switches.since("9.0"):
        where = params.get("whereGroup", where)
        select = params.get("attributeSelect", select)
    order_by, order = _order(params, switches)
    return Search(
        where=_items(where),
        select=_names(select) if switches.since("5.3") else None,
        order_by=order_by,
        order=order,
        max_size=_integer(params.get("maxSize")),
        offset=_integer(params.get("offset")) or 0,
        text=params.get("textFilter") or params.get("q"),
        primary=params.get("primaryFilter") or None,
        bools=tuple(_texts(params.get("boolFilterList"))),
        quick="q" in params,
    )


def _order(params: dict[str, Any], switches: EspoCRMSwitches) -> tuple[str | None, str | None]:
    if params.get("orderBy") and switches.since("5.5"):
        return str(params["orderBy"]), params.get("order")
    if params.get("sortBy"):
        return str(params["sortBy"]), "asc" if params.get("asc") == "true" else "desc"
    return None, params.get("order") if switches.since("5.5") else None


def _from_json(text: object) -> Search:
    try:
        given = json.loads(str(text))
    except ValueError:
        raise bad_request("Invalid search params JSON.") from None
    if not isinstance(given, dict):
        raise bad_request("Invalid search params JSON.")
    for name in ("maxSize", "offset"):
        if not isinstance(given.get(name, 0), int | None):
            raise bad_request(f"Bad {name}.")
    select = given.get("select")
    return Search(
        where=_items(given.get("where")),
        select=tuple(_texts(select)) if isinstance(select, list) else None,
        order_by=given.get("orderBy"),
        order=given.get("order"),
        max_size=given.get("maxSize"),
        offset=given.get("offset") or 0,
        text=given.get("textFilter") or given.get("q"),
        primary=given.get("primaryFilter"),
        bools=tuple(_texts(given.get("boolFilterList"))),
        quick="q" in given,
    )


def _items(where: object) -> tuple[dict[str, Any], ...]:
    """Take the items of a filter; one that is a text is ignored, as EspoCRM does."""
    if isinstance(where, dict):
        where = list(where.values())
    if not isinstance(where, list):
        return ()
    if not all(isinstance(item, dict) for item in where):
        raise broken()
    return tuple(where)


def _names(select: object) -> tuple[str, ...] | None:
    if not isinstance(select, str) or not select or select == "*":
        return None
    return tuple(name for name in select.split(",") if name != "*")


def _texts(value: object) -> Iterable[str]:
    return (str(item) for item in value) if isinstance(value, list) else ()


def _integer(value: object) -> int | None:
    """Read a number as PHP's intval does: text that is none counts as 0."""
    if value is None or value == "":
        return None
    found = re.match(r"\s*[+-]?\d+", str(value))
    return int(found.group()) if found else 0
