"""A file of views on the exported Parquet files, for readers that keep one database open for days.

A reader that has the read copy open keeps the version it opened. A view reads its Parquet file anew for each
query, so a reader of the views sees each new version without reconnecting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_duckdb.publish.database import PublishError, connect, in_memory
from target_duckdb.publish.sql import qualified, view_on_parquet
from target_duckdb.publish.swap import replace, sync
from target_duckdb.sql import literal, quote

if TYPE_CHECKING:
    from pathlib import Path

    from target_duckdb.publish.database import Connection
    from target_duckdb.publish.exports import Model

SHAPE = """
SELECT views.sql, columns.column_name, columns.data_type, columns.comment, views.comment
FROM duckdb_views() AS views JOIN duckdb_columns() AS columns
  ON columns.database_name = views.database_name AND columns.schema_name = views.schema_name
  AND columns.table_name = views.view_name
WHERE views.database_name = current_catalog() AND NOT views.internal ORDER BY ALL
"""

Shape = list[tuple[object, ...]]


def write_views(new: Path, exports: Path, schema: str, models: list[Model], storage_version: str) -> None:
    """Write a database file with a view on the Parquet file of each model, described like the model."""
    with in_memory(new.parent) as connection:
        version = f"(STORAGE_VERSION {literal(storage_version)})"
        connection.execute(f"ATTACH {literal(str(new))} AS {quote('live: new')} {version}")
        connection.execute(f"USE {quote('live: new')}")
        connection.execute(f"CREATE SCHEMA {quote(schema)}")
        for model in models:
            view(connection, exports, schema, model)


def view(connection: Connection, exports: Path, schema: str, model: Model) -> None:
    """Create the view of one model: its columns by name, so that a column added later breaks nothing."""
    name = qualified(schema, model.name)
    file = next(file.file for file in model.files if file.file.endswith(".parquet"))
    columns = [column.name for column in model.columns]
    connection.execute(view_on_parquet(name, columns, str(exports.absolute() / file)))
    described = [(f"VIEW {name}", model.description)]
    described += [(f"COLUMN {name}.{quote(column.name)}", column.description) for column in model.columns]
    for what, text in described:
        if text:
            connection.execute(f"COMMENT ON {what} IS {literal(text)}")


def show_views(new: Path, target: Path, *, mode: int) -> None:
    """Put a file of views in its place, unless the one there, which readers hold open, has the same views."""
    if shape(target) == shape(new):
        target.chmod(mode)
        return
    new.chmod(mode)
    sync(new)
    replace(new, target)


def shape(path: Path) -> Shape | None:
    """Return the definitions of a file of views, or None if it cannot be read."""
    if not path.is_file():
        return None
    try:
        with connect(path, wait_seconds=0, read_only=True) as connection:
            return list(connection.execute(SHAPE).fetchall())
    except PublishError:
        return None
