"""Names that DuckDB cannot hold or tell apart get another one, and a comment with the original."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from target_duckdb.metadata import VALUES

if TYPE_CHECKING:
    from collections.abc import Collection

    from target_duckdb.columns import Column, TableColumn

METADATA = frozenset(column.property for column in VALUES)
"""Columns that the target adds itself: absence from a SCHEMA does not free them for another property."""
RENAMED = re.compile(r'^name (".*")$', re.MULTILINE)


def assign_names(
    columns: Collection[Column], existing: Collection[TableColumn], reserved: Collection[str] = ()
) -> dict[str, str]:
    """Return the column name of each property: its own, or a numbered one where DuckDB would confuse two.

    Its own is what it had before, else what differs in nothing but case, if that belongs to nobody here.
    """
    here = {column.property for column in columns} | METADATA
    owners = {property_of(column): column.name for column in existing}
    spare = {
        folded(owner): name
        for owner, name in owners.items()
        if owner not in here and folded(name) == folded(_held(owner))
    }
    taken = {*reserved, *(column.name.casefold() for column in existing)}
    names: dict[str, str] = {}
    for column in columns:
        name = owners.get(column.property) or spare.pop(folded(column.property), None)
        name = name or free_name(column.property, taken)
        taken.add(name.casefold())
        names[column.property] = name
    return names


def folded(name: str) -> bytes:
    """Return what is equal for names that are one to DuckDB: it knows the case of ASCII letters only."""
    return name.encode("utf-8", "surrogatepass").lower()


def property_of(column: TableColumn) -> str:
    """Return the property that owns a column; ignore a description that only looks like our mark."""
    name = original_name(column.comment)
    return column.name if name is None or not _is_made_of(column.name, name) else name


def _is_made_of(name: str, wanted: str) -> bool:
    held = _held(wanted)
    return folded(name) == folded(held) or re.fullmatch(rf"{re.escape(held)}_[0-9]+", name) is not None


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


def comment_of(column: Column, current: TableColumn) -> str:
    """Return the comment of a column: its description and, where it was renamed, its property.

    The property is there, too, where a description or an earlier owner could be taken for that. A column that
    had another owner, or that somebody made under a name of other case, keeps what its comment says.
    """
    text, is_own = _readable(column.comment), column.property == current.name == property_of(current)
    if not is_own and folded(column.property) == folded(current.name):
        text = _unmarked(current) or text
    if not is_own or original_name(text) is not None:
        text = "\n".join(part for part in (text, name_comment(column.property)) if part)
    return text


def _unmarked(column: TableColumn) -> str:
    """Return the comment of a column without our mark of its owner."""
    text, _, mark = column.comment.rpartition("\n")
    owner = original_name(mark)
    return text if owner is not None and folded(owner) == folded(column.name) else column.comment


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
