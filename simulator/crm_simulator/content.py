"""Believable people, companies, places and texts, the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from crm_simulator import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

T = TypeVar("T")


@dataclass(frozen=True)
class Address:
    """A postal address in the United Kingdom or nearby."""

    street: str
    city: str
    county: str
    postcode: str
    country: str


class Content:
    """Draws content from one seeded source; an own source per entity keeps entities independent."""

    def __init__(self, seed: int, part: str) -> None:
        self.random = random.Random(f"{seed}/{part}").random  # noqa: S311 - content, not cryptography

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of the options."""
        return options[int(self.random() * len(options))]

    def number(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Tell true with this probability."""
        return self.random() < probability

    def moment(self, start: datetime, end: datetime) -> datetime:
        """Draw a moment between two, to the second."""
        return (start + (end - start) * self.random()).replace(microsecond=0)

    def money(self, low: int, high: int) -> str:
        """Draw an amount with two decimals, as text, small ones oftener."""
        cents = int((low + (high - low) * self.random() ** 2) * 100)
        return f"{cents // 100}.{cents % 100:02d}"

    def first_name(self) -> str:
        """Draw a given name."""
        return self.pick(words.FIRST_NAMES)

    def last_name(self) -> str:
        """Draw a family name."""
        return self.pick(words.LAST_NAMES)

    def company(self) -> str:
        """Draw the name of a company."""
        root, trade, form = self.pick(words.ROOTS), self.pick(words.TRADES), self.pick(words.FORMS)
        if self.chance(0.15):
            return f"{self.last_name()} & {self.last_name()} {form}"
        return f"{root} {trade} {form}"

    def domain(self, company: str) -> str:
        """Make the web domain of a company."""
        parts = [part for part in company.lower().replace("'", "").split() if part.isalnum()]
        return "".join(parts[:2]) + self.pick((".co.uk", ".com", ".example", ".org"))

    def email(self, first: str, last: str, domain: str) -> str:
        """Make the address of a person at a domain."""
        return f"{first}.{last}@{domain}".lower().replace("'", "").replace(" ", "")

    def phone(self) -> str:
        """Draw a telephone number of the range kept free for fiction."""
        return f"{self.pick(words.DIAL_CODES)} 496 0{self.number(0, 999):03d}"

    def mobile(self) -> str:
        """Draw a mobile number of the range kept free for fiction."""
        return f"07700 900{self.number(0, 999):03d}"

    def address(self) -> Address:
        """Draw an address."""
        city, county, area, country = self.pick(words.CITIES)
        street = f"{self.number(1, 240)} {self.pick(words.STREETS)}"
        postcode = f"{area}{self.number(1, 28)} {self.number(1, 9)}{self.pick(words.POSTCODE_ENDS)}"
        return Address(street, city, county, postcode, country)

    def sentence(self) -> str:
        """Draw one sentence as people write it into a CRM."""
        return f"{self.pick(words.OPENINGS)} {self.pick(words.MIDDLES)} {self.pick(words.ENDINGS)}."

    def text(self, most: int = 4) -> str:
        """Draw a few sentences, or none."""
        return " ".join(self.sentence() for _ in range(self.number(0, most)))
