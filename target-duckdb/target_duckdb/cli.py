"""The command `target-duckdb`: takes signals before anything else, because imports take half a second."""

from __future__ import annotations

import sys

from target_duckdb.interruption import STOP


def main() -> None:
    """Run the target."""
    STOP.take_signals()
    from target_duckdb.start import start  # noqa: PLC0415 - slow to import

    sys.exit(start(sys.argv[1:]))


if __name__ == "__main__":
    main()
