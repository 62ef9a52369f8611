"""Names that DuckDB cannot hold or tell apart get another one, and a comment that says whose it is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from target_duckdb.columns import Column, TableColumn

RENAMED = re.compile(r'^name (".*")$', re.MULTILINE)


def assign_names(columns: Iterable[Column], existing: Iterable[TableColumn]) -> dict[str, str]:
    """Return the column name of each property: its own, or a numbered one where DuckDB would confuse two."""
    owners = {_property_of(column): column.name for column in existing}
    taken = {column.name.casefold() for column in existing}
    names: dict[str, str] = {}
    for column in columns:
        name = owners.get(column.property) or free_name(column.property, taken)
        taken.add(name.casefold())
        names[column.property] = name
    return names


def _property_of(column: TableColumn) -> str:
    name = original_name(column.comment)
    return column.name if name is None else name


def original_name(comment: str) -> str | None:
    """Return the property or stream that a comment says a column or table was made for under another name."""
    found = RENAMED.findall(comment)
    return str(json.loads(found[-1])) if found else None


def name_comment(name: str) -> str:
    """Return the comment that records a name that DuckDB does not hold."""
    return f"name {json.dumps(name)}"


def comment_of(column: Column, name: str) -> str:
    """Return the comment of a column: its description and, where it was renamed, its property."""
    renamed = "" if name == column.property else name_comment(column.property)
    text = "\n".join(part for part in (column.comment, renamed) if part)
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name that DuckDB can hold and tell from those taken, given case-folded."""
    base = wanted.replace("\0", "").encode("utf-8", "replace").decode() or "unnamed"
    name, number = base, 1
    while name.casefold() in taken:
        name, number = f"{base}_{number}", number + 1
    return name
