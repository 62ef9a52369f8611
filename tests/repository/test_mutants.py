"""The defects that `make mutants` puts in are defects of the code as it is."""

from __future__ import annotations

from tests.mutants import MUTANTS, ROOT


def test_every_mutant_still_applies_at_one_place():
    found = {m.defect: (ROOT / m.module).read_text(encoding="utf-8").count(m.before) for m in MUTANTS}
    assert {defect: times for defect, times in found.items() if times != 1} == {}
