"""Finds the texts that a list cut: EspoCRM does it without a sign, at a length that its API does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_espocrm.values import Row

#: The default is 10,000 (`maxSelectTextAttributeLengthForList`); texts cut below this would be useless.
NEVER_CUT_BELOW = 250
PROOFS_ENOUGH = 20


class CutLength:
    """Learns the length by comparing the longest texts with what a list without `select` gives."""

    def __init__(self) -> None:
        self.known: int | None = None
        self._proved = NEVER_CUT_BELOW
        self._proofs = 0

    def suspects(self, rows: Iterable[Row], names: frozenset[str]) -> list[str]:
        """Name the rows whose texts may be cut: those with a text of that length, or with the longest."""
        lengths = {row["id"]: longest(row, names) for row in rows}
        most = max(lengths.values(), default=0)
        if self.known is not None and most > self.known:
            self.known = None  # no text can be longer than the cut: what looked like one was an edit
        suspicious = most if self.known is None else self.known
        if suspicious < self._proved:
            return []
        return [record_id for record_id, length in lengths.items() if length == suspicious]

    def learn(self, cut: Mapping[str, Row], whole: Mapping[str, Row], names: frozenset[str]) -> None:
        """Compare rows read with `select` with the same rows read without."""
        for record_id, full in whole.items():
            for name in names:
                self._compare(cut[record_id].get(name), full.get(name))

    def _compare(self, listed: object, full: object) -> None:
        if not isinstance(listed, str) or not isinstance(full, str) or not full.startswith(listed):
            return
        if len(full) > len(listed):
            self.known = len(listed)
        elif len(listed) >= self._proved:
            self._proofs = 1 if len(listed) > self._proved else self._proofs + 1
            self._proved = len(listed)
            self._settle()

    def _settle(self) -> None:
        """Believe that texts of this length are whole after so many of them were."""
        if self._proofs >= PROOFS_ENOUGH:
            self._proved, self._proofs = self._proved + 1, 0


def longest(row: Row, names: frozenset[str]) -> int:
    """Measure the longest of some texts of a row."""
    return max((len(value) for name in names if isinstance(value := row.get(name), str)), default=0)
