"""A set of record ids that takes next to no memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST = 1 << 27  # 16 MB of bits; larger ids, and ids that are not numbers, are kept one by one


def _number(text: str) -> int:
    """Return the id as a number, -1 where it has to be kept as text."""
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0"):
        return -1
    number = int(text)
    return number if number < _LARGEST else -1


class Ids:
    """The ids of a list: one bit for each number, so that half a million records cost 64 kB."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self._others: set[str] = set()
        self._count = 0

    def __len__(self) -> int:
        return self._count + len(self._others)

    def __contains__(self, text: str) -> bool:
        number = _number(text)
        if number < 0:
            return text in self._others
        byte = number >> 3
        return byte < len(self._bits) and bool(self._bits[byte] & (1 << (number & 7)))

    def __iter__(self) -> Iterator[str]:
        for place, byte in enumerate(self._bits):
            if byte:
                yield from (str(place * 8 + bit) for bit in range(8) if byte & (1 << bit))
        yield from sorted(self._others)

    def add(self, text: str) -> bool:
        """Add an id and return whether it is new."""
        number = _number(text)
        if number < 0:
            is_new = text not in self._others
            self._others.add(text)
            return is_new
        byte, bit = number >> 3, 1 << (number & 7)
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 4096 - len(self._bits)))
        if self._bits[byte] & bit:
            return False
        self._bits[byte] |= bit
        self._count += 1
        return True
