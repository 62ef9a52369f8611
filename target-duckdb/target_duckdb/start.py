"""Starts what the command line asks for: plain loads at once, everything else in another way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from target_duckdb import channels, logs
from target_duckdb.configuration import read_files
from target_duckdb.errors import LoadError
from target_duckdb.interruption import STOP
from target_duckdb.settings import is_plain, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PAIR = 2


def start(arguments: Sequence[str], run_sdk: Callable[[], int]) -> int:
    """Run the target, here or by the Singer SDK, and return its exit code; a user's mistake is one line."""
    os.umask(0o077)
    channels.fill_gaps()
    try:
        channels.check_output()
        config = read_files(plain_files(arguments))
        return run(config) if is_plain(config) else run_sdk()
    except LoadError as error:
        logs.say(error)
        return 1


def plain_files(arguments: Sequence[str]) -> list[str]:
    """Return the configuration files if the command line asks for a load and for nothing else."""
    words = [part for argument in arguments for part in argument.split("=", 1)]
    names, files = words[::PAIR], words[1::PAIR]
    is_only = len(words) % PAIR == 0 and set(names) == {"--config"} and "ENV" not in files
    return files if is_only else []


def run(config: Mapping[str, object]) -> int:
    """Load what standard input holds."""
    from target_duckdb.loader import Load  # noqa: PLC0415 - DuckDB is slow to import
    from target_duckdb.reader import Reader, blocks  # noqa: PLC0415

    logs.set_up()
    with Load(read_settings(config)) as load:
        STOP.tell(load.hurry)
        Reader(load).read(blocks(channels.STDIN))
        load.finish(is_complete=not STOP.is_wanted)
    return 0
