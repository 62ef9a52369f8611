"""The command `target-duckdb`: plain loads start at once, the rest goes to the Singer SDK."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from target_duckdb.errors import LoadError
from target_duckdb.settings import is_plain, read_settings

PAIR = 2


def main() -> None:
    """Run the target."""
    config = plain_config(sys.argv[1:])
    if config is None:
        from target_duckdb.target import TargetDuckDB  # noqa: PLC0415 - costs most of a second

        sys.exit(TargetDuckDB.cli())
    sys.exit(run(config))


def plain_config(arguments: list[str]) -> dict[str, object] | None:
    """Return the configuration if the command line asks for a load and for nothing else."""
    words = [part for argument in arguments for part in argument.split("=", 1)]
    if not words or len(words) % PAIR or set(words[::PAIR]) != {"--config"} or "ENV" in words[1::PAIR]:
        return None
    config: dict[str, object] = {}
    try:
        for path in words[1::PAIR]:
            config |= json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return None
    return config if is_plain(config) else None


def run(config: dict[str, object]) -> int:
    """Load what standard input holds."""
    from target_duckdb.loader import Load  # noqa: PLC0415 - DuckDB is slow to import
    from target_duckdb.reader import Interruption, Reader, blocks  # noqa: PLC0415

    os.umask(0o077)
    stop = Interruption()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        with Load(read_settings(config)) as load:
            Reader(load).read(blocks(sys.stdin.fileno(), stop))
            load.finish(is_complete=not stop.is_wanted)
    except LoadError as error:
        sys.stderr.write(f"target-duckdb: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    main()
