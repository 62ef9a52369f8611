"""Views that survive publishing: a renamed file has another catalog name, and views may spell the old one."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from target_duckdb.names import folded
from target_duckdb.publish.database import binds
from target_duckdb.publish.sql import qualified
from target_duckdb.sql import literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_duckdb.publish.database import Connection

CATALOG_KEYS = ("catalog_name", "catalog")
PATH_KEYS = ("column_names", "path")
FULL_PATH = 3
"""catalog.schema.name: a shorter path names no catalog."""

VIEWS = """
SELECT schema_name, view_name, sql, comment FROM duckdb_views()
WHERE database_name = current_catalog() AND NOT internal
"""
COLUMN_COMMENTS = """
SELECT columns.column_name, columns.comment FROM duckdb_columns() AS columns
WHERE database_name = current_catalog() AND schema_name = ? AND table_name = ? AND comment IS NOT NULL
"""


class View(NamedTuple):
    """A view as a database defines it."""

    schema: str
    name: str
    definition: str
    comment: str | None


def relocate_views(connection: Connection, catalog: str) -> list[str]:
    """Define all views again without the name of a catalog; return those that cannot be defined.

    A view may build on another, so what does not bind waits for the rest. A view that binds in no order was
    broken in the working file already; it is left as it was.
    """
    waiting = [View(*row) for row in connection.execute(VIEWS).fetchall()]
    while waiting:
        left = [view for view in waiting if not define(connection, view, catalog)]
        if len(left) == len(waiting):
            break
        waiting = left
    return [f"{view.schema}.{view.name}" for view in waiting]


def define(connection: Connection, view: View, catalog: str) -> bool:
    """Define one view again, with its comments; return False if it cannot be (yet)."""
    comments = connection.execute(COLUMN_COMMENTS, [view.schema, view.name]).fetchall()
    if not any(binds(connection, statement) for statement in statements(connection, view, catalog)):
        return False
    name = qualified(view.schema, view.name)
    if view.comment:
        connection.execute(f"COMMENT ON VIEW {name} IS {literal(view.comment)}")
    for column, comment in comments:
        connection.execute(f"COMMENT ON COLUMN {name}.{qualified(column)} IS {literal(comment)}")
    return True


def statements(connection: Connection, view: View, catalog: str) -> Iterator[str]:
    """Yield what may define a view again: first without a catalog's name, then as it was."""
    with suppress(duckdb.Error):  # it may print what it cannot parse, 1e400 for example
        yield relocated(connection, view.definition, catalog)
    yield again(view.definition)


def relocated(connection: Connection, definition: str, catalog: str) -> str:
    """Return a view's definition without a catalog's name; DuckDB itself parses and prints the query."""
    for head, body in splits(definition):
        tree = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [body]).fetchall()[0][0]
        decoded = json.loads(tree)
        if not decoded["error"]:
            encoded = json.dumps(without_catalog(decoded, catalog))
            query = connection.execute("SELECT json_deserialize_sql(?::JSON)", [encoded]).fetchall()[0][0]
            return f"{again(head)} AS {query}"
    return again(definition)


def again(definition: str) -> str:
    """Return the definition of a view that may be there."""
    return definition.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)


def splits(definition: str) -> Iterator[tuple[str, str]]:
    """Yield `CREATE VIEW … AS SELECT …` split at each `AS` outside names: the first query is right."""
    at = definition.find(" AS ")
    while at >= 0:
        if definition.count('"', 0, at) % 2 == 0:
            yield definition[:at], definition[at + 4 :].rstrip().rstrip(";")
        at = definition.find(" AS ", at + 1)


def without_catalog(tree: object, catalog: str) -> object:
    """Return a syntax tree with every mention of one catalog taken out.

    DuckDB 1.x writes the catalog beside the schema, 2.0 in a path of names as well.
    """
    if isinstance(tree, list):
        return [without_catalog(branch, catalog) for branch in tree]
    if isinstance(tree, dict):
        return {key: _branch(key, branch, catalog) for key, branch in tree.items()}
    return tree


def _branch(key: str, branch: object, catalog: str) -> object:
    if key in CATALOG_KEYS and _is_name(branch, catalog):
        return ""
    if key in PATH_KEYS and isinstance(branch, list) and len(branch) >= FULL_PATH:
        return branch[1:] if _is_name(branch[0], catalog) else branch
    return without_catalog(branch, catalog)


def _is_name(branch: object, catalog: str) -> bool:
    return isinstance(branch, str) and folded(branch) == folded(catalog)
