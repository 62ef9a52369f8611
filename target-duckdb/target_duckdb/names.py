"""Names that DuckDB cannot hold or tell apart get another one, and a comment that says whose it is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from target_duckdb.columns import Column, TableColumn

RENAMED = re.compile(r'^name (".*")$', re.MULTILINE)


def assign_names(
    columns: Iterable[Column], existing: Collection[TableColumn], reserved: Collection[str] = ()
) -> dict[str, str]:
    """Return the column name of each property: its own, or a numbered one where DuckDB would confuse two."""
    owners = {_property_of(column): column.name for column in existing}
    taken = {*reserved, *(column.name.casefold() for column in existing)}
    names: dict[str, str] = {}
    for column in columns:
        name = owners.get(column.property) or free_name(column.property, taken)
        taken.add(name.casefold())
        names[column.property] = name
    return names


def _property_of(column: TableColumn) -> str:
    """Return whose a column is; a description that looks like our mark names what has another column."""
    name = original_name(column.comment)
    return column.name if name is None or not _is_made_of(column.name, name) else name


def _is_made_of(name: str, wanted: str) -> bool:
    return re.fullmatch(rf"{re.escape(_held(wanted))}(_[0-9]+)?", name) is not None


def original_name(comment: str) -> str | None:
    """Return the property or stream that a comment says a column or table was made for under another name."""
    for found in reversed(RENAMED.findall(comment)):
        try:
            return str(json.loads(found))
        except ValueError:
            continue
    return None


def name_comment(name: str) -> str:
    """Return the comment that records a name that DuckDB does not hold."""
    return f"name {json.dumps(name)}"


def comment_of(column: Column, name: str) -> str:
    """Return the comment of a column: its description and, where it was renamed, its property.

    The property is there, too, where a description could be taken for that.
    """
    text = _readable(column.comment)
    if name != column.property or original_name(text) is not None:
        text = "\n".join(part for part in (text, name_comment(column.property)) if part)
    return text


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name that DuckDB can hold and tell from those taken, given case-folded."""
    base = _held(wanted)
    name, number = base, 1
    while name.casefold() in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _held(wanted: str) -> str:
    return _readable(wanted) or "unnamed"


def _readable(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()
