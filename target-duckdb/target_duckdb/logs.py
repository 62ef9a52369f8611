"""Logging as the Singer SDK does it: to standard error, or as SINGER_SDK_LOG_CONFIG says."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from target_duckdb.errors import SettingsError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME, METRICS = "target-duckdb", "singer_sdk.metrics"
FORMAT = "{asctime:23s} | {levelname:8s} | {name:30s} | {message}"
LEVELS, USUAL = ("TARGET_DUCKDB_LOGLEVEL", "LOGLEVEL"), "INFO"
FILE = "SINGER_SDK_LOG_CONFIG"


def say(error: Exception) -> None:
    """Say in one line what is wrong, also if logging has not been set up yet."""
    _log_to_stderr(USUAL)
    logging.getLogger(NAME).error("%s", printable(str(error)))


def set_up() -> None:
    """Log to standard error; then as the file says, if one is named."""
    with checking() as config:
        _log_to_stderr(_level())
        if config is not None:
            from logging.config import dictConfig  # noqa: PLC0415 - rarely needed

            dictConfig(config)
        elif path := os.environ.get(FILE):
            logging.getLogger(NAME).warning("Logging config file not found: %s", path)


@contextmanager
def checking() -> Iterator[dict[str, Any] | None]:
    """Have logging set up, by us or the SDK: an unknown level is a warning, an invalid file an error.

    Yields what the file holds, if there is one.
    """
    wrong = _level()
    if is_wrong := wrong not in logging.getLevelNamesMapping():
        os.environ[LEVELS[0]] = USUAL  # for the SDK
    path = os.environ.get(FILE) or os.environ.pop(FILE, "")
    try:
        yield _read(path) if path else None
    except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        reason = ": ".join(str(found) for found in (error, error.__cause__) if found)
        raise SettingsError(f"cannot log as {FILE} says: {path}: {reason}") from error
    finally:
        for name in (NAME, METRICS):  # a file disables, unless it says otherwise, whatever it does not name
            logging.getLogger(name).disabled = False
    if is_wrong:
        logging.getLogger(NAME).warning("%s is no level of logging, %s is taken", ascii(wrong), USUAL)


def _log_to_stderr(level: str) -> None:
    if not logging.getLogger().handlers:
        logging.basicConfig(stream=sys.stderr, level=level, format=FORMAT, style="{")


def _level() -> str:
    return next((os.environ[name].upper() for name in LEVELS if os.environ.get(name)), USUAL)


def _read(path: str) -> dict[str, Any] | None:
    import yaml  # noqa: PLC0415 - rarely needed

    try:
        found = yaml.safe_load(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    if not isinstance(found, dict):
        raise TypeError("it holds no settings of logging")
    return found
