"""The command `target-duckdb`: plain loads start at once, everything else goes to the Singer SDK."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from pathlib import Path

from target_duckdb.errors import LoadError
from target_duckdb.settings import is_plain, read_settings

NAME = "target-duckdb"
FORMAT = "{asctime:23s} | {levelname:8s} | {name:30s} | {message}"
PAIR = 2


def main() -> None:
    """Run the target."""
    config = plain_config(sys.argv[1:])
    if config is None:
        from target_duckdb.target import TargetDuckDB  # noqa: PLC0415 - costs most of a second

        sys.exit(TargetDuckDB.cli())
    set_up_logging()
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


def set_up_logging() -> None:
    """Log as the Singer SDK does, to standard error or as SINGER_SDK_LOG_CONFIG says."""
    level = os.environ.get("TARGET_DUCKDB_LOGLEVEL") or os.environ.get("LOGLEVEL") or "INFO"
    logging.basicConfig(stream=sys.stderr, level=level.upper(), format=FORMAT, style="{")
    if path := os.environ.get("SINGER_SDK_LOG_CONFIG"):
        from logging.config import dictConfig  # noqa: PLC0415 - rarely needed

        import yaml  # noqa: PLC0415

        try:
            dictConfig(yaml.safe_load(Path(path).read_text("utf-8")))
        except FileNotFoundError:
            logging.getLogger(NAME).warning("Logging config file not found: %s", path)


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
            stop.listeners.append(load.commits.hurry)
            Reader(load).read(blocks(sys.stdin.fileno(), stop))
            load.finish(is_complete=not stop.is_wanted)
    except LoadError as error:
        logging.getLogger(NAME).error("%s", error)  # noqa: TRY400 - a user's mistake needs no traceback
        return 1
    return 0


if __name__ == "__main__":
    main()
