"""Recognizes what a publisher has made: nothing else is ever replaced."""

from __future__ import annotations

import filecmp
import json
import re
from typing import TYPE_CHECKING

from target_duckdb.publish.database import BusyError, PublishError, connect
from target_duckdb.publish.exports import MANIFEST
from target_duckdb.publish.place import is_marked
from target_duckdb.publish.swap import STAMP, version_of, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

HELD = """
SELECT sql FROM duckdb_views() WHERE database_name = current_catalog() AND NOT internal
UNION ALL SELECT NULL FROM duckdb_tables() WHERE database_name = current_catalog() AND NOT internal
UNION ALL SELECT NULL FROM duckdb_sequences() WHERE database_name = current_catalog()
UNION ALL SELECT NULL FROM duckdb_functions() WHERE database_name = current_catalog() AND NOT internal
UNION ALL SELECT NULL FROM duckdb_types() WHERE database_name = current_catalog() AND NOT internal
"""
"""The definition of each view in a file, and NULL for everything else it holds."""
OURS = re.compile(
    r"CREATE VIEW .* FROM read_parquet\((main\.)?list_value\('([^']|'')*\.parquet'\),"
    r" \(hive_partitioning = [^()]*(\([^()]*\))?\)\);?",
    re.DOTALL,
)
"""A view by `view_on_parquet` as DuckDB prints it, with options that people hardly ever write."""


def tell_apart(places: Mapping[str, Path]) -> None:
    """Raise PublishError if two places are the same, or one lies in the folder that will be replaced."""
    taken: dict[Path, str] = {}
    for name, path in places.items():
        here = path.parent.resolve() / path.name
        if other := taken.get(here):
            raise PublishError(f"{other} and {name} are one file: {path}")
        taken |= {here: name} | ({path.resolve(): name} if name == "database" else {})
    exports = places["exports"]
    for name, path in places.items():
        above = path.parent.resolve()
        if {above, *above.parents} & {exports.parent.resolve() / exports.name, exports.resolve()}:
            raise PublishError(
                f"{name} {path} lies in the folder of exports, which is replaced: name another"
            )


def check_owned(name: str, path: Path) -> None:
    """Raise PublishError if there is something in a place that no publisher has put there."""
    is_owned, kind = KINDS[name]
    there = path.parent.resolve() / path.name  # `new/../x` is x once the folder `new` is made
    if (there.exists() or there.is_symlink()) and not is_owned(there):
        raise PublishError(
            f"{name} {path} is no {kind}, and would be replaced: name another, or rename or remove this one"
        )


def is_read_copy(path: Path) -> bool:
    """Return whether a file is one of the versions beside it: a link or, where none can be made, a copy."""
    if not is_plain_file(path):
        return False
    return not path.stat().st_size or any(
        path.samefile(version) or filecmp.cmp(path, version, shallow=False)
        for version in versions(path)[::-1]
    )


def is_file_of_views(path: Path) -> bool:
    """Return whether a file holds nothing but our views or, if it is in use, whether it is marked as ours."""
    if not is_plain_file(path):
        return False
    try:
        with connect(path, wait_seconds=0, read_only=True) as connection:
            held = [row[0] for row in connection.execute(HELD).fetchall()]
    except BusyError:
        return is_marked(path)
    except PublishError:
        return not path.stat().st_size
    return all(sql is not None and OURS.fullmatch(sql) for sql in held)


def is_plain_file(path: Path) -> bool:
    """Return whether a path is itself a file: no link to one, and no FIFO or device, which would wait."""
    return path.is_file() and not path.is_symlink()


def is_exports(path: Path) -> bool:
    """Return whether a path is a link to a version beside it or, where none can be made, a copy of one."""
    if path.is_symlink():
        link = path.readlink()
        name = re.escape(f"{path.stem}_") + STAMP + re.escape(path.suffix)
        return len(link.parts) == 1 and re.fullmatch(name, link.name) is not None
    try:
        manifest = json.loads((path / MANIFEST).read_text("utf-8"))
        return version_of(path, manifest["version"]).is_dir()
    except (OSError, ValueError, KeyError, TypeError):
        return False


KINDS: dict[str, tuple[Callable[[Path], bool], str]] = {
    "target": (
        is_read_copy,
        "read copy that duckdb-publish has made (no version beside it is the same file)",
    ),
    "exports": (
        is_exports,
        "folder of exports that duckdb-publish has made (or its version is not beside it)",
    ),
    "live": (is_file_of_views, "file of nothing but the views of duckdb-publish"),
}
