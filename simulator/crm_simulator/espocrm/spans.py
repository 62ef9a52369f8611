"""Which stretch of an index can hold the rows that pass a filter, and whether it holds no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crm_simulator.espocrm.tables import Key
    from crm_simulator.espocrm.where import Filters

LAST = "\U0010ffff"
"""Greater than any id."""
_FIRST: Key = (0,)


@dataclass(frozen=True)
class Span:
    """After `low`, before `high`; exact if everything in between passes."""

    low: Key = _FIRST
    high: Key | None = None
    exact: bool = True

    def within(self, other: Span) -> Span:
        """Give what two spans have in common."""
        highs = [high for high in (self.high, other.high) if high is not None]
        return Span(max(self.low, other.low), min(highs, default=None), self.exact and other.exact)


def _above(value: object) -> Span:
    return Span(low=(1, value, LAST))


def _from(value: object) -> Span:
    return Span(low=(1, value))


def _below(value: object) -> Span:
    return Span(low=(1,), high=(1, value))


def _to(value: object) -> Span:
    return Span(low=(1,), high=(1, value, LAST))


def _at(value: object) -> Span:
    return Span(low=(1, value), high=(1, value, LAST))


def _after(sign: object, value: object, tie: str) -> Span | None:
    if sign == "greaterThan":
        return Span(low=(1, value, tie, LAST))
    return Span(low=(1,), high=(1, value, tie)) if sign == "lessThan" else None


_SPANS: dict[str, Callable[[object], Span]] = {
    "after": _above,
    "before": _below,
    "equals": _at,
    "greaterThan": _above,
    "greaterThanOrEquals": _from,
    "lessThan": _below,
    "lessThanOrEquals": _to,
}
_ANY = Span(exact=False)


@dataclass(frozen=True)
class Spans:
    """Finds spans in the index of one attribute."""

    filters: Filters
    attribute: str
    tie: Callable[[str], str]

    def of(self, items: Sequence[dict[str, Any]]) -> Span:
        """Find the span of items that must all pass."""
        span = Span()
        for item in items:
            span = span.within(self._item(item))
        return span

    def _item(self, item: dict[str, Any]) -> Span:
        kind, value = str(item.get("type")), item.get("value")
        if kind == "and":
            return self.of(list(value.values()) if isinstance(value, dict) else value or ())
        if kind == "or":
            return self._keyset(value) or _ANY
        if kind not in _SPANS or item.get("attribute", item.get("field")) != self.attribute:
            return _ANY
        read = self.filters.value(kind, self.attribute, item)
        return _ANY if read is None else _SPANS[kind](read)

    def _keyset(self, branches: object) -> Span | None:
        """Recognise `(a > v) or (a = v and id > i)`, and the same with `<`."""
        match branches:
            case [
                {"type": sign, "attribute": first, "value": value},
                {
                    "type": "and",
                    "value": [
                        {"type": "equals", "attribute": second, "value": same},
                        {"type": then, "attribute": "id", "value": identity},
                    ],
                },
            ] if first == second == self.attribute and sign == then and value == same:
                read = self.filters.value("equals", self.attribute, {"value": value})
                return None if read is None else _after(sign, read, self.tie(str(identity)))
        return None
