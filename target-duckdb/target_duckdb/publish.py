"""`duckdb-publish`: give BI tools a copy of the database that no load ever locks."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from target_duckdb.publish_copy import check_name, inspect, write_read_copy
from target_duckdb.publish_exports import FORMATS, Choices, Model, describe, export, write_manifest
from target_duckdb.publish_files import DatabaseError, PublishError, connect, one_line
from target_duckdb.publish_place import workplace
from target_duckdb.publish_postgres import serve
from target_duckdb.publish_swap import next_stamp, prune, show_directory, show_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ENVIRONMENT = "DUCKDB_PUBLISH_"
TRUE = {"1", "true", "yes", "on"}


def words(text: str) -> tuple[str, ...]:
    """Return the comma-separated words of a setting."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def formats(text: str) -> tuple[str, ...]:
    """Return the export formats of a setting; raises ValueError for an unknown one."""
    if unknown := set(words(text)) - set(FORMATS):
        raise ValueError(f"unknown format {', '.join(sorted(unknown))}")
    return words(text)


def octal(text: str) -> int:
    """Return a file mode written as 0640."""
    return int(text, 8)


def truth(text: str) -> bool:
    """Return whether a setting is switched on."""
    return text.lower() in TRUE


def positive(text: str) -> int:
    """Return a whole number from one up."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


@dataclass(frozen=True)
class Settings:
    """What is published, where to and how."""

    database: Path
    target: Path
    exports: Path
    schema: str
    schemas: tuple[str, ...]
    formats: tuple[str, ...]
    escape_formulas: bool
    bom: bool
    keep: int
    mode: int
    wait: float
    storage_version: str
    postgres: str
    postgres_extension: str


class Option(NamedTuple):
    """A setting: its default as text, how the text is read, what it means."""

    default: str
    read: Callable[[str], object]
    help: str


OPTIONS: dict[str, Option] = {
    "database": Option("output/warehouse.duckdb", Path, "the working file that loads write"),
    "target": Option(
        "output/published/analytics.duckdb", Path, "the read copy; not named like a schema in it"
    ),
    "exports": Option("output/published/exports", Path, "the directory of Parquet and CSV files"),
    "schema": Option("bi", str, "the schema whose tables and views are exported"),
    "schemas": Option("", words, "the schemas the read copy holds, by commas; nothing: all"),
    "formats": Option("parquet,csv", formats, "the export formats, by commas; nothing: no exports"),
    "escape_formulas": Option("false", truth, "put ' before CSV texts a spreadsheet would run as a formula"),
    "bom": Option("false", truth, "start CSV files with a byte order mark, for Excel"),
    "keep": Option("3", positive, "how many versions to keep, the current one included"),
    "mode": Option("0600", octal, "the mode of published files: 0640 lets the group read"),
    "wait": Option("60", float, "how many seconds to wait for a load to end"),
    "storage_version": Option("v1.2.0", str, "the oldest DuckDB that shall open the read copy"),
    "postgres_extension": Option(
        "", str, "the file of DuckDB's postgres extension, where it cannot be downloaded"
    ),
}
SECRET = "postgres"  # noqa: S105 (the name of a setting: its value, an address with a password, comes by environment)


def settings(arguments: Sequence[str] | None = None) -> Settings:
    """Read the settings from the command line, else from the environment, else the defaults."""
    parser = argparse.ArgumentParser(
        prog="duckdb-publish",
        description="Give BI tools a copy of a DuckDB database that no load ever locks.",
        epilog=f"Each option can be set by {ENVIRONMENT}<NAME> too; by the environment alone "
        f"{ENVIRONMENT}{SECRET.upper()}, the address of a PostgreSQL database that gets the exported schema.",
    )
    for name, option in OPTIONS.items():
        default = os.environ.get(ENVIRONMENT + name.upper(), option.default)
        text = f"{option.help} (default: {option.default or 'nothing'})"
        parser.add_argument("--" + name.replace("_", "-"), default=default, type=option.read, help=text)
    found = vars(parser.parse_args(arguments))
    return Settings(**found, postgres=os.environ.get(ENVIRONMENT + SECRET.upper(), ""))


def publish(chosen: Settings) -> str:
    """Publish one version; return what happened in one line."""
    started = time.monotonic()
    with workplace(chosen.target, wait_seconds=chosen.wait) as place:
        copy = place / "copy.duckdb"
        broken = write_read_copy(
            chosen.database,
            copy,
            schemas=chosen.schemas,
            wait_seconds=chosen.wait,
            storage_version=chosen.storage_version,
        )
        models = show(chosen, copy)
    if chosen.postgres:
        serve(chosen.target, chosen.postgres, chosen.schema, models, extension=chosen.postgres_extension)
    rows = sum(model.rows for model in models)
    size = chosen.target.stat().st_size / 1e6
    warning = f"; these views read nothing: {', '.join(broken)}" if broken else ""
    return (
        f"published {chosen.target} ({size:.1f} MB) and {len(models)} models ({rows:,} rows) "
        f"in {time.monotonic() - started:.1f} s{warning}"
    )


def show(chosen: Settings, copy: Path) -> list[Model]:
    """Export from a finished read copy, then put both in the place of the published ones."""
    with workplace(chosen.exports, wait_seconds=chosen.wait) as place:
        stamp = max(next_stamp(chosen.target), next_stamp(chosen.exports))
        directory = place / "exports"
        directory.mkdir()
        models = write_exports(chosen, copy, directory, stamp)
        show_file(copy, chosen.target, stamp, mode=chosen.mode)
        prune(chosen.target, chosen.keep)
        if chosen.formats:
            show_directory(directory, chosen.exports, stamp, mode=chosen.mode)
            prune(chosen.exports, chosen.keep)
    return models


def write_exports(chosen: Settings, copy: Path, directory: Path, stamp: str) -> list[Model]:
    """Write the exports of a read copy and their manifest into a directory."""
    choices = Choices(chosen.schema, chosen.formats, chosen.escape_formulas, chosen.bom)
    with connect(copy, wait_seconds=0, read_only=True) as connection:
        check_name(connection, chosen.target.stem)
        facts = inspect(connection)
        models = export(connection, directory, choices) if chosen.formats or chosen.postgres else []
    facts |= {"version": stamp, "schema": chosen.schema, "storage_version": chosen.storage_version}
    database = {**vars(describe(copy)), "file": chosen.target.name}
    write_manifest(directory, {**facts, "database": database}, models)
    return models


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish as the command line says; return the exit code: 0, 1 for a failure, 75 for a busy database."""
    os.umask(0o077)
    try:
        line, code = publish(settings(arguments)), 0
    except PublishError as error:
        line, code = str(error), error.exit_code
    except (DatabaseError, OSError) as error:
        line, code = one_line(error), PublishError.exit_code
    sys.stderr.write(f"duckdb-publish: {line}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
