"""The two commands: they take signals before anything else, because imports take half a second."""

from __future__ import annotations

import signal
import sys

from target_duckdb.interruption import STOP


def main() -> None:
    """Run the target."""
    STOP.take_signals()
    from target_duckdb.start import start  # noqa: PLC0415 - slow to import

    sys.exit(start(sys.argv[1:], run_sdk))


def publish() -> None:
    """Run the publisher; before it has begun an interruption ends it without a word."""
    is_heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not so under `nohup`
    if is_heeded:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from target_duckdb.publish.run import main as run  # noqa: PLC0415 - slow to import

    if is_heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run())


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
