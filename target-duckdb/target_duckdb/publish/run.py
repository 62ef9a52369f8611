"""`duckdb-publish`: give BI tools a copy of the database that no load ever locks."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from target_duckdb.publish.copy import check_name, inspect, schemas_of, spelt, write_read_copy
from target_duckdb.publish.database import PublishError, catalog_of, connect, one_line
from target_duckdb.publish.exports import Choices, describe, export, write_manifest
from target_duckdb.publish.live import show_views, write_views
from target_duckdb.publish.ownership import check_owned, is_file_of_views, tell_apart
from target_duckdb.publish.place import admit, is_marked, workplace
from target_duckdb.publish.postgres import check_schema, serve
from target_duckdb.publish.settings import settings
from target_duckdb.publish.swap import house, next_stamp, prune, remove, show_directory, show_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from target_duckdb.publish.exports import Model
    from target_duckdb.publish.settings import Settings

if sys.platform == "win32":

    def fill_gaps() -> None:
        """Leave the channels as they are: no file takes the number of a closed one here."""
else:
    from target_duckdb.channels import fill_gaps

INTERRUPTED = 130
"""The exit code a shell gives to a program that was interrupted."""
WITHIN_QUERY = "Query interrupted"  # what DuckDB says then, in a RuntimeError


def publish(chosen: Settings) -> str:
    """Publish one version; return what happened in one line."""
    started = time.monotonic()
    check_places(chosen)
    places = [chosen.target, chosen.exports, *([chosen.views] if chosen.views else [])]
    made = [folder for path in places for folder in house(path.parent, chosen.mode)]
    with workplace(chosen.target, wait_seconds=chosen.wait) as place:
        check_owned("target", chosen.target)
        admit(place, made, chosen.mode)
        check_views_name(chosen, place)
        copy = place / "copy" / chosen.target.name  # its name for good: DuckDB names the catalog after it
        copy.parent.mkdir()
        broken = write_read_copy(
            chosen.database,
            copy,
            schemas=chosen.schemas,
            wait_seconds=chosen.wait,
            storage_version=chosen.storage_version,
        )
        chosen = as_spelt(chosen, copy)
        models = show(chosen, copy)
    if chosen.postgres:
        serve(chosen.target, chosen.postgres, chosen.schema, models, extension=chosen.postgres_extension)
    rows = sum(model.rows for model in models)
    size = chosen.target.stat().st_size / 1e6
    warning = f"; these views do not work: {', '.join(broken)}" if broken else ""
    return (
        f"published {chosen.target} ({size:.1f} MB) and {len(models)} models ({rows:,} rows) "
        f"in {time.monotonic() - started:.1f} s{warning}"
    )


def check_places(chosen: Settings) -> None:
    """Refuse a missing database, places that overlap, too long a schema, and to replace what is not ours."""
    if not chosen.database.is_file():
        raise PublishError(f"there is no database at {chosen.database}: run a load first")
    places = {"database": chosen.database, "target": chosen.target, "exports": chosen.exports}
    tell_apart(places | ({"live": chosen.live} if chosen.live else {}))
    if not is_marked(chosen.target):  # else another publisher may be at work: once it is done, we look again
        check_owned("target", chosen.target)
    if chosen.formats:
        check_owned("exports", chosen.exports)
    if chosen.views:
        check_owned("live", chosen.views)
    if chosen.postgres:
        check_schema(chosen.schema)


def check_views_name(chosen: Settings, place: Path) -> None:
    """Refuse a file of views that is named like their schema; an empty file shows what DuckDB calls it."""
    if chosen.views:
        empty = place / "empty" / chosen.views.name
        empty.parent.mkdir()
        with connect(empty, wait_seconds=0, read_only=False) as connection:
            check_name("a file of views", catalog_of(connection), [chosen.schema])


def as_spelt(chosen: Settings, copy: Path) -> Settings:
    """Return the settings with the schema as the read copy spells it; refuse a copy named like a schema."""
    with connect(copy, wait_seconds=0, read_only=True) as connection:
        present = schemas_of(connection)
        check_name("a read copy", catalog_of(connection), present)
    return replace(chosen, schema=spelt(chosen.schema, present))


def show(chosen: Settings, copy: Path) -> list[Model]:
    """Export from a finished read copy, then put copy and exports in the place of the published ones."""
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
            show_live(chosen, models)
    return models


def show_live(chosen: Settings, models: list[Model]) -> None:
    """Put the file of views in its place; remove an earlier run's if there are no Parquet files now."""
    if chosen.live and not chosen.views and is_file_of_views(chosen.live):
        remove(chosen.live)  # the files that its views read are gone
    if chosen.views:
        with workplace(chosen.views, wait_seconds=chosen.wait) as place:
            new = place / "views.duckdb"
            write_views(new, chosen.exports, chosen.schema, models, chosen.storage_version)
            show_views(new, chosen.views, mode=chosen.mode)


def write_exports(chosen: Settings, copy: Path, directory: Path, stamp: str) -> list[Model]:
    """Write the exports of a read copy and their manifest into a directory."""
    choices = Choices(chosen.schema, chosen.formats, chosen.escape_formulas, chosen.bom)
    with connect(copy, wait_seconds=0, read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        facts = inspect(connection)
        models = export(connection, directory, choices) if chosen.formats or chosen.postgres else []
    facts |= {"version": stamp, "schema": chosen.schema, "storage_version": chosen.storage_version}
    write_manifest(directory, {**facts, "database": vars(describe(copy))}, models)
    return models


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish as the command line says; return the exit code: 0, 1 failed, 75 busy, 130 interrupted."""
    fill_gaps()
    os.umask(0o077)
    try:
        line, code = publish(settings(arguments)), 0
    except PublishError as error:
        line, code = str(error), error.exit_code
    except (duckdb.Error, OSError) as error:
        line, code = one_line(error), PublishError.exit_code
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, RuntimeError) and WITHIN_QUERY not in str(error):
            raise
        line, code = "interrupted; whatever was published stays", INTERRUPTED
    tell(f"duckdb-publish: {line}\n")
    return code


def tell(line: str) -> None:
    """Write to standard error; what was published is published even if nobody can read that."""
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except OSError:  # else Python would try again at the end, fail, and exit with another code
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


if __name__ == "__main__":
    sys.exit(main())
