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

NAME = "target-duckdb"
LOGGER = logging.getLogger(NAME)
FORMAT = "{asctime:23s} | {levelname:8s} | {name:30s} | {message}"
LEVELS, USUAL = ("TARGET_DUCKDB_LOGLEVEL", "LOGLEVEL"), "INFO"
CONFIG = "SINGER_SDK_LOG_CONFIG"


def set_up() -> None:
    """Log to standard error; then as the file says, if one is named and there."""
    _log_to_stderr(_level())
    if config := _log_config():
        from logging.config import dictConfig  # noqa: PLC0415 - rarely needed

        dictConfig(config)


def say(error: Exception) -> None:
    """Say in one line what is wrong, also if logging has not been set up yet."""
    _log_to_stderr(USUAL)
    LOGGER.error("%s", printable(str(error)))


def _log_to_stderr(level: str) -> None:
    if not logging.getLogger().handlers:
        logging.basicConfig(stream=sys.stderr, level=level, format=FORMAT, style="{")


def _level() -> str:
    return next((os.environ[name].upper() for name in LEVELS if os.environ.get(name)), USUAL)


def _log_config() -> dict[str, Any] | None:
    if CONFIG not in os.environ:
        return None
    import yaml  # noqa: PLC0415 - rarely needed

    try:
        found = yaml.safe_load(Path(os.environ[CONFIG]).read_text("utf-8"))
    except FileNotFoundError:
        LOGGER.warning("Logging config file not found: %s", os.environ[CONFIG])
        return None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(found, dict):
        raise TypeError("it holds no settings of logging")
    return found


@contextmanager
def checking() -> Iterator[None]:
    """Have logging set up, by us or the SDK: with a warning for a level that is none, or not at all."""
    wrong = _level()
    if is_wrong := wrong not in logging.getLevelNamesMapping():
        os.environ[LEVELS[0]] = USUAL  # for the SDK
    if not os.environ.get(CONFIG):
        os.environ.pop(CONFIG, None)
    try:
        yield
    except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        reason = ": ".join(str(found) for found in (error, error.__cause__) if found)
        raise SettingsError(f"{CONFIG} {os.environ.get(CONFIG)}: {reason}") from error
    if is_wrong:
        LOGGER.warning("%s is no level of logging, %s is taken", ascii(wrong), USUAL)
