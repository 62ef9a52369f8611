"""Reads configuration files and variables, and refuses in one line what the Singer SDK would stumble over."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from target_duckdb.errors import SettingsError
from target_duckdb.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NOTHING_ELSE, REMOVED = "__else__", "__NULL__"
YES, NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def read_files(paths: Iterable[str]) -> dict[str, Any]:
    """Return the settings of some files; a later one counts more."""
    config: dict[str, Any] = {}
    for path in paths:
        config |= _read_file(path)
    return config


@cache  # a pipe, as of `--config <(…)`, can be read only once
def _read_file(path: str) -> dict[str, Any]:
    where = f"configuration file {path!r}"
    try:
        found = json.loads(Path(path).read_text("utf-8-sig"), parse_constant=_refuse_constant)
    except OSError as error:
        raise SettingsError(f"cannot read {where}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        kind = "UTF-8" if isinstance(error, UnicodeError) else "JSON"
        raise SettingsError(f"{where} is not {kind}: {error}") from error
    if not isinstance(found, dict):
        raise SettingsError(f'{where} has to hold settings as {{"path": "…"}}')
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _truth(text: str) -> bool:
    if text.lower() not in YES + NO:
        raise ValueError(text)
    return text.lower() in YES


VARIABLES: dict[str, tuple[Callable[[str], object], str]] = {
    "integer": (int, "a whole number"),
    "number": (float, "a number"),
    "boolean": (_truth, f"one of {', '.join(YES + NO)}"),
    "array": (json.loads, "a list as JSON"),
    "object": (json.loads, "an object as JSON"),
}
"""How a variable of each kind of setting is read, most by the SDK, and what to write there."""


def check_variables(prefix: str, rules: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise SettingsError for a variable that the SDK cannot read, or would take for `false`."""
    for name, rule in rules.items():
        variable, kinds = prefix + name.upper(), rule.get("type", [])
        text = os.environ.get(variable)
        for kind in [kinds] if isinstance(kinds, str) else kinds:
            if text is not None and kind in VARIABLES:
                _check_variable(variable, text, *VARIABLES[kind])


def _check_variable(variable: str, text: str, read: Callable[[str], object], wanted: str) -> None:
    try:
        read(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"variable {variable} has to be {wanted}") from error


def check_path(path: object) -> None:
    """Raise SettingsError for a `path` of which the SDK would say what it holds: a token, perhaps."""
    if path is not None and not isinstance(path, str):
        raise SettingsError("path has to be a text, as in output/warehouse.duckdb")


SECONDS = "a number of seconds, such as 300"
WANTED = {
    "default_target_schema": "another name, which neither DuckDB nor this target uses itself",
    "max_delete_fraction": "a number from 0 to 1",
    "max_batch_age_seconds": SECONDS,
    "lock_timeout_seconds": SECONDS,
    "memory_limit": "a size, such as 400MB or 1.5GiB",
}
"""What to write where a text has to match a pattern, which few users could read."""
SHOWN = 40


def check_texts(config: Mapping[str, object]) -> None:
    """Raise SettingsError for texts of which the SDK would show the pattern that they do not match."""
    wrong = [
        f"{name} has to be {wanted}, not {value[:SHOWN]!r}"
        for name, wanted in WANTED.items()
        if isinstance(value := config.get(name), str) and not re.search(SETTINGS[name]["pattern"], value)
    ]
    if wrong:
        raise SettingsError("; ".join(wrong))


def check_stream_maps(maps: object) -> None:
    """Raise SettingsError for an `__else__` that the SDK fails at while it checks its own schema."""
    inner = maps.values() if isinstance(maps, dict) else ()
    for found in (maps, *inner):
        if isinstance(found, dict) and found.get(NOTHING_ELSE) not in (None, REMOVED):
            raise SettingsError(f'stream_maps: {NOTHING_ELSE} has to be null, "{REMOVED}" or left out')
