"""The command `target-duckdb`: takes signals before anything else, because imports take half a second."""

from __future__ import annotations

import sys

from target_duckdb.interruption import STOP


def main() -> None:
    """Run the target."""
    STOP.take_signals()
    from target_duckdb.start import start  # noqa: PLC0415 - slow to import

    sys.exit(start(sys.argv[1:], run_sdk))


def run_sdk() -> int:
    """Have the Singer SDK do what the command line says."""
    from target_duckdb import logs  # noqa: PLC0415 - slow to import
    from target_duckdb.target import TargetDuckDB  # noqa: PLC0415 - costs most of a second

    with logs.checking():
        command = TargetDuckDB.cli
    command()
    return 0


if __name__ == "__main__":
    main()
