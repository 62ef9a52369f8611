"""Brings what the tests counted to the end of the output, from whichever process they ran in.

Figures travel with the report of their test. So those of every test that has ended are printed, also when the
rest is cut short with Ctrl-C or a worker dies.
"""

from __future__ import annotations

import pytest

from tests.figures import Figures, take

FIGURES = Figures()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Let the report carry what its test counted."""
    report = yield
    if taken := take():
        report.user_properties.append(("figures", taken))
    return report


def pytest_runtest_logreport(report):
    """Add up what the reports bring."""
    for name, value in report.user_properties:
        if name == "figures":
            FIGURES.add(value, report.duration)


def pytest_terminal_summary(terminalreporter):
    """Print what the proofs did."""
    FIGURES.add(take(), 0)  # of a test that Ctrl-C ended in this process, before it had a report
    if lines := FIGURES.lines():
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.line(line)
