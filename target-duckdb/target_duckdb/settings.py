"""The settings of the target: one table, read by the command line, the documentation and Meltano."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from target_duckdb.address import check, is_file
from target_duckdb.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


def _setting(kind: str, title: str, description: str, **more: object) -> dict[str, Any]:
    return {"type": [kind, "null"], "title": title, "description": description, **more}


def _number_setting(title: str, description: str, **more: object) -> dict[str, Any]:
    """Return a setting that may have a fraction; Meltano can only hand it over as text."""
    return {
        "type": ["number", "string", "null"],
        "title": title,
        "description": description,
        "pattern": r"^\d{1,9}(\.\d+)?$",
        "maximum": 999_999_999,
        **more,
    }


Json: TypeAlias = Any  # a value out of a JSON text
LARGEST = 10**15  # in effect no limit


SETTINGS: dict[str, dict[str, Any]] = {
    "path": {
        "type": "string",
        "title": "Path",
        "description": "The DuckDB file to load, made if absent. `md:…` and `ducklake:…` go to ATTACH.",
        "minLength": 1,
    },
    "default_target_schema": _setting(
        "string",
        "Default target schema",
        "The schema of all tables; a stream `sales-orders` or `erp-sales-orders` becomes `orders` in it."
        " Without it that becomes `orders` in schema `sales`, any other stream a table in `main`.",
        pattern=r"^(?!(?i:_load|information_schema|pg_catalog|system|temp)$)",
    ),
    "load_method": _setting(
        "string",
        "Load method",
        "`upsert` replaces rows of the same key (streams without a key append), `append-only` keeps every"
        " record, whatever ACTIVATE_VERSION says, `overwrite` replaces the table at the end of a successful"
        " run.",
        enum=["upsert", "append-only", "overwrite", None],
        default="upsert",
    ),
    "hard_delete": _setting(
        "boolean",
        "Hard delete",
        "Remove deleted rows instead of marking them in `_sdc_deleted_at`.",
        default=False,
    ),
    "max_delete_fraction": _number_setting(
        "Largest share of rows to delete",
        "A delete of more than this share of a table with 100 rows or more is withheld and the run fails.",
        default=0.1,
        minimum=0,
        maximum=1,
        pattern=r"^(0(\.\d+)?|1(\.0+)?)$",
    ),
    "live_keys_suffix": _setting(
        "string",
        "Suffix of live-key streams",
        "A stream `<name><suffix>` lists the keys of `<name>` that still exist; empty turns this off.",
        default="__live",
    ),
    "add_record_metadata": _setting(
        "boolean",
        "Add record metadata",
        "Add the `_sdc_*` columns of the Singer SDK to every table.",
        default=False,
    ),
    "batch_size_rows": _setting(
        "integer",
        "Batch size in rows",
        "Commit after this many records of all streams, sooner at first; after twice as many while"
        " no STATE covers them.",
        default=368_640,
        minimum=1,
        maximum=LARGEST,
    ),
    "batch_size_bytes": _setting(
        "integer",
        "Batch size in bytes",
        "Commit after this many bytes of records of all streams, sooner at first; after twice as many while"
        " no STATE covers them.",
        default=384 * 1024 * 1024,
        minimum=1,
        maximum=LARGEST,
    ),
    "max_batch_age_seconds": _number_setting(
        "Longest wait",
        "Commit when the oldest record has waited this long; twice as long while no STATE covers it.",
        default=300,
        minimum=0,
    ),
    "on_invalid_value": _setting(
        "string",
        "On an invalid value",
        "`quarantine` stores NULL and keeps the raw text in `_load.rejected_values`; `fail` stops the run.",
        enum=["quarantine", "fail", None],
        default="quarantine",
    ),
    "schema_evolution": _setting(
        "string",
        "Schema evolution",
        "`evolve` adds and widens columns; `freeze` stops the run when an existing table would change.",
        enum=["evolve", "freeze", None],
        default="evolve",
    ),
    "lock_timeout_seconds": _number_setting(
        "Wait for the lock",
        "How long to wait while another process holds the database file.",
        default=300,
        minimum=0,
    ),
    "memory_limit": _setting(
        "string",
        "Memory limit",
        "DuckDB's memory, such as `400MB` or `1.5GiB`; by default 400MB, and 1600MB once a table needs it.",
        pattern=r"^[0-9]+(\.[0-9]+)?\s*[kmgtKMGT]([iI]?[bB])?$(?!\n)",
    ),
    "threads": _setting(
        "integer", "Threads", "DuckDB's threads; by default one per core.", minimum=1, maximum=256
    ),
    "temp_directory": _setting(
        "string",
        "Directory for spool files",
        "Where records wait, up to two batches, and DuckDB spills; by default the system's.",
    ),
    "storage_compatibility_version": _setting(
        "string",
        "Storage version",
        "The DuckDB version whose readers shall be able to open a new file.",
        default="v1.2.0",
    ),
    "validate_records": _setting(
        "boolean",
        "Validate records",
        "Check each record against its JSON schema in Python, slowly. Types are always checked.",
        default=False,
    ),
    "process_activate_version_messages": _setting(
        "boolean",
        "Process ACTIVATE_VERSION",
        "Let ACTIVATE_VERSION messages delete the rows that a stream no longer holds.",
        default=True,
    ),
}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": SETTINGS,
    "required": ["path"],
    "additionalProperties": False,
}
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


PATHS = ("path", "temp_directory")
HALF_PAIR = re.compile("[\ud800-\udfff]")
FLATTENING = "flattening_enabled"
SDK_SETTINGS = (
    *("stream_maps", "stream_map_config", "faker_config", "batch_config"),
    *(FLATTENING, "flattening_max_depth", "flattening_max_key_length", "flattening_separator"),
)
"""Settings that ask for something that only the Singer SDK does, unless they are null."""


@dataclass(frozen=True)
class Settings:
    """The settings of one run, defaults filled in."""

    path: str
    default_target_schema: str | None
    load_method: str
    hard_delete: bool
    max_delete_fraction: float
    live_keys_suffix: str
    add_record_metadata: bool
    batch_size_rows: int
    batch_size_bytes: int
    max_batch_age_seconds: float
    on_invalid_value: str
    schema_evolution: str
    lock_timeout_seconds: float
    memory_limit: str | None
    threads: int | None
    temp_directory: str | None
    storage_compatibility_version: str
    process_activate_version_messages: bool


def read_settings(config: Mapping[str, Any]) -> Settings:
    """Return a run's settings from its configuration; a `~` at the beginning of a path is the user's home."""
    given = {name: value for name, value in config.items() if value is not None}
    values: dict[str, Any] = {
        name: given.get(name, SETTINGS[name].get("default")) for name in Settings.__dataclass_fields__
    }
    values.update({name: float(values[name]) for name, rule in SETTINGS.items() if "number" in rule["type"]})
    for name, value in values.items():
        if isinstance(value, str):
            values[name] = _text(name, value)
    if is_file(values["path"]):
        check(values["path"])
    return Settings(**values)


def _text(name: str, value: str) -> str:
    """Return a text that DuckDB and the system can take; a path with the user's home for a `~`."""
    if "\0" in value or HALF_PAIR.search(value):
        raise SettingsError(f"{name} holds a NUL or half a surrogate pair, with which nothing can be named")
    if name not in PATHS or not value.startswith("~"):
        return value
    try:
        return str(Path(value).expanduser())
    except RuntimeError as error:
        raise SettingsError(f"{name} {value} begins with the home of a user who has none here") from error


def is_plain(config: Mapping[str, Any]) -> bool:
    """Return whether a configuration is sound and asks for nothing that needs the Singer SDK."""
    return (
        bool(config.get("path"))
        and not config.get("validate_records")
        and all(
            _fits(SETTINGS[name], value) if name in SETTINGS else _is_absent(name, value)
            for name, value in config.items()
        )
    )


def _is_absent(name: str, value: Json) -> bool:
    return (name in SDK_SETTINGS and value is None) or (name == FLATTENING and value is False)


def _fits(rule: Mapping[str, Any], value: Json) -> bool:
    kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    if not any(type(value) in KINDS[kind] for kind in kinds):
        return False
    if value not in rule.get("enum", [value]):
        return False
    if isinstance(value, str):
        return re.search(rule.get("pattern", ""), value) is not None
    return value is None or rule.get("minimum", value) <= value <= rule.get("maximum", value)
