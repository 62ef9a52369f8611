"""Every model of a schema as Parquet and CSV, and a manifest that says what is in them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import duckdb

from target_duckdb.lake import LARGEST_INTEGER
from target_duckdb.names import free_name
from target_duckdb.publish.database import PublishError, named, one_line
from target_duckdb.publish.sql import (
    count,
    csv_copy,
    csv_lines,
    fit,
    parquet_copy,
    qualified,
    recast,
    without_huge,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from target_duckdb.publish.database import Connection

MODELS = """
SELECT table_name, comment FROM (
  SELECT schema_name, table_name, comment, database_name, internal FROM duckdb_tables()
  UNION ALL SELECT schema_name, view_name, comment, database_name, internal FROM duckdb_views()
)
WHERE database_name = current_catalog() AND NOT internal AND schema_name = ? ORDER BY table_name
"""
COLUMNS = """
SELECT column_name, data_type, comment FROM duckdb_columns()
WHERE database_name = current_catalog() AND schema_name = ? AND table_name = ? ORDER BY column_index
"""
MANIFEST = "manifest.json"
UNSAFE_IN_FILE_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|\0', "_"))
LONGEST_FILE_NAME = 240
"""In bytes. File systems take 255; the rest is for a number and the format."""


@dataclass(frozen=True)
class Choices:
    """What is exported, and how."""

    schema: str
    formats: tuple[str, ...]
    escape_formulas: bool
    bom: bool


@dataclass(frozen=True)
class Column:
    """A column as the manifest describes it: `type` is its type in Parquet, `origin` that in the database."""

    name: str
    type: str
    description: str | None
    origin: str


@dataclass(frozen=True)
class File:
    """A file as the manifest lists it."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """A table or view as the manifest describes it."""

    name: str
    description: str | None
    rows: int
    columns: list[Column]
    files: list[File]


def export(connection: Connection, directory: Path, choices: Choices) -> list[Model]:
    """Write every model of the chosen schema into a directory; return what was written."""
    found = connection.execute(MODELS, [choices.schema]).fetchall()
    if not found:
        raise PublishError(f"there is nothing in schema {choices.schema} to export: build the models first")
    files = file_names([name for name, _ in found])
    models = []
    for name, comment in found:
        try:
            models.append(export_model(connection, directory / files[name], choices, (name, comment)))
        except duckdb.Error as error:
            raise PublishError(f"cannot export {choices.schema}.{name}: {one_line(error)}") from None
    return models


def file_names(models: Collection[str]) -> dict[str, str]:
    """Return the file name of each model, without the format; a number tells apart what would be one file.

    Names that need no change come first, then the others in order, so that each run gives the same names.
    """
    taken: set[str] = set()
    names: dict[str, str] = {}
    for model in sorted(models, key=lambda model: (safe(model) != model, model)):
        names[model] = free_name(safe(model), taken)
        taken.add(names[model].casefold())
    return names


def safe(name: str) -> str:
    """Return a name that every file system takes; other models may get the same one."""
    return name.translate(UNSAFE_IN_FILE_NAMES).encode()[:LONGEST_FILE_NAME].decode(errors="ignore")


def export_model(
    connection: Connection, stem: Path, choices: Choices, described: tuple[str, str | None]
) -> Model:
    """Write one model in every chosen format; return its entry in the manifest."""
    name, description = described
    relation = qualified(choices.schema, name)
    found = connection.execute(COLUMNS, [choices.schema, name]).fetchall()
    types = exact(connection, relation, {column: kind for column, kind, _ in found})
    columns = [Column(column, types.get(column, kind), comment, kind) for column, kind, comment in found]
    rows = connection.execute(count(relation)).fetchall()[0][0]
    files = []
    for kind in choices.formats:
        path = stem.with_name(f"{stem.name}.{kind}")
        connection.execute(FORMATS[kind](relation, columns, str(path), choices))
        files.append(describe(path))
    return Model(name, description, rows, columns, files)


def exact(connection: Connection, relation: str, columns: Mapping[str, str]) -> dict[str, str]:
    """Return, for columns whose numbers would be doubles outside DuckDB, the types that they get there."""
    decimals = {name: without_huge(kind, LARGEST_INTEGER) for name, kind in columns.items()}
    huge = {name: decimal for name, decimal in decimals.items() if decimal != columns[name]}
    if not huge:
        return {}
    fitting = connection.execute(fit(relation, huge.items())).fetchall()[0]
    return {
        name: decimal if fits else without_huge(columns[name], "VARCHAR")
        for (name, decimal), fits in zip(huge.items(), fitting, strict=True)
    }


def _parquet(relation: str, columns: Iterable[Column], path: str, _choices: Choices) -> str:
    return parquet_copy(recast(relation, changed(columns)), path)


def changed(columns: Iterable[Column]) -> list[tuple[str, str]]:
    """Return name and type of the columns that leave DuckDB in another type."""
    return [(column.name, column.type) for column in columns if column.type != column.origin]


def _csv(relation: str, columns: Iterable[Column], path: str, choices: Choices) -> str:
    typed = [(column.name, column.origin) for column in columns]
    lines = csv_lines(relation, typed, escape_formulas=choices.escape_formulas, bom=choices.bom)
    return csv_copy(lines, path)


FORMATS: dict[str, Callable[[str, list[Column], str, Choices], str]] = {"parquet": _parquet, "csv": _csv}


def describe(path: Path) -> File:
    """Return a file's name, size and digest."""
    with path.open("rb") as stream:
        return File(path.name, path.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest())


def said(fields: list[tuple[str, object]]) -> dict[str, object]:
    """Return what the manifest says of a model, a column or a file."""
    return {name: value for name, value in fields if name != "origin"}


def write_manifest(directory: Path, facts: dict[str, object], models: list[Model]) -> None:
    """Write manifest.json: the facts of the version, then every model with its columns and files."""
    manifest = {**facts, "models": [asdict(model, dict_factory=said) for model in models]}
    text = json.dumps(manifest, indent=2, ensure_ascii=False, default=str)
    with named(directory / MANIFEST):
        (directory / MANIFEST).write_text(text + "\n", encoding="utf-8")
