"""The defects that `make mutants` puts in are defects of the code as it is."""

from __future__ import annotations

from tests.mutants import MUTANTS, ROOT

BEGIN, END = "<!-- begin mutants -->\n", "<!-- end mutants -->"


def test_every_mutant_still_applies_at_one_place():
    found = {m.defect: (ROOT / m.module).read_text(encoding="utf-8").count(m.before) for m in MUTANTS}
    assert {defect: times for defect, times in found.items() if times != 1} == {}


def test_the_readme_lists_every_mutant_and_no_other():
    text = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    rows = text.partition(BEGIN)[2].partition(END)[0].splitlines()[2:]
    assert rows == [f"| {m.defect} | `{m.test.removeprefix('tests/')}` |" for m in MUTANTS]
