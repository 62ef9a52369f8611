"""Values in words: money with its sign, shares in percent, dates as people write them."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CURRENCIES = {"GBP": "£", "USD": "$", "EUR": "€", "JPY": "¥", "INR": "₹", "AUD": "A$", "CAD": "C$"}
SHARES = {
    "win_rate",
    "three_months",
    "share_reached",
    "conversion_from_previous",
    "conversion_rate",
    "share_failing",
}
"""Columns that hold a share of one."""
MONEY = {"amount", "weighted", "won_amount", "open_amount", "won", "open", "ordered", "invoiced"}
"""Columns that hold money where they are decimals."""
STEPS = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))

NOTHING = "\N{EN DASH}"

Number = int | float | decimal.Decimal


def sign(currency: object) -> str:
    """Return a currency's sign, or its code and a space where it has none."""
    if not currency:
        return ""
    return CURRENCIES.get(str(currency), f"{currency}\u202f")


def short_money(value: object, currency: object) -> str:
    """Return an amount as a headline shows it: three digits and a step."""
    if not isinstance(value, Number):
        return NOTHING
    amount = float(value)
    step, letter = next(((step, letter) for step, letter in STEPS if abs(amount) >= step), (1.0, ""))
    scaled = f"{amount / step:.3g}" if letter and abs(amount / step) < 100 else f"{amount / step:.0f}"  # noqa: PLR2004 (three digits)
    return f"{sign(currency)}{scaled}{letter}"


def number(value: object) -> str:
    """Return a number with thousands and no more digits than it needs."""
    if not isinstance(value, Number):
        return NOTHING
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(float(value)) >= 1 else f"{value:.2g}"


def percent(value: object) -> str:
    """Return a share of one in percent."""
    return f"{float(value):.0%}" if isinstance(value, Number) else NOTHING


def cell(column: str, value: object) -> str:
    """Return a table's cell as text, exact where it is money."""
    if column in SHARES and isinstance(value, float) and 0 <= value <= 1:
        return f"{value:.1%}"
    if column in MONEY and isinstance(value, decimal.Decimal):
        return f"{value:,.2f}"
    return next(word(value) for kind, word in WORDS.items() if isinstance(value, kind))


WORDS: dict[type, Callable[[object], str]] = {
    type(None): lambda _: NOTHING,
    bool: lambda value: "yes" if value else "no",
    int: number,
    float: number,
    decimal.Decimal: lambda value: f"{value:,}",
    dt.datetime: lambda value: f"{value:%Y-%m-%d %H:%M}",
    object: str,
}
"""How a value of each type is told; the first type that fits decides."""
