"""Standard input, output and error: what happens if some are closed."""

from __future__ import annotations

import fcntl
import os
import sys

from target_duckdb.errors import OutputError

STDIN, STDOUT, STDERR = range(3)
MODES = {STDIN: os.O_WRONLY, STDOUT: os.O_RDONLY, STDERR: os.O_WRONLY}
"""Modes for /dev/null in the place of a closed channel: the wrong direction, so that using it still fails."""


def fill_gaps() -> None:
    """Take the numbers of closed channels: the next file, perhaps the database, would get them otherwise."""
    for number, mode in MODES.items():
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, mode), number)
    if sys.stderr is None:  # nobody listens, and that is no reason not to load
        sys.stderr = os.fdopen(STDERR, "w", errors="backslashreplace")


def check_output() -> None:
    """Raise OutputError if nothing can be written to standard output, before anything is loaded."""
    if fcntl.fcntl(STDOUT, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OutputError(
            "standard output is closed, but STATE goes there: redirect it to where you keep STATE, or into a"
            " file; nothing was loaded"
        )
