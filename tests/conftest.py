"""Says which tests share a process, and brings what they counted to the end of the output from all of them.

Figures travel with the report of their test. So those of every test that has ended are printed, also when the
rest is cut short with Ctrl-C or a worker dies.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.figures import Figures, take

FIGURES = Figures()
TOGETHER = "tests/transform/"
"""Its files share a warehouse that takes the better part of a minute to make."""


class Scheduling(LoadFileScheduling):
    """Gives all tests of a file to one process, and those of files that share something dear to the same."""

    def _split_scope(self, nodeid):
        return TOGETHER if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    """Take the place of xdist's scheduler where each file is to stay whole."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


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
