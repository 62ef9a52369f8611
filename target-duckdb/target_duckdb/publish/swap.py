"""Files and directories that appear whole or not at all, even if the power fails."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from target_duckdb.publish.database import PublishError, named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAMP = r"\d{8}T\d{12}Z"
STAMP_FORMAT = "%Y%m%dT%H%M%S%fZ"


def version_of(path: Path, stamp: str) -> Path:
    """Return where a version of a published file or directory lies: beside it, with its time in its name."""
    return path.with_name(f"{path.stem}_{stamp}{path.suffix}")


def next_stamp(path: Path) -> str:
    """Return the time now as a version's name, later than every version there is, whatever the clock says."""
    now = datetime.now(UTC)
    if older := versions(path):
        latest = older[-1].stem.removeprefix(f"{path.stem}_")
        now = max(
            now, datetime.strptime(latest, STAMP_FORMAT).replace(tzinfo=UTC) + timedelta(microseconds=1)
        )
    return now.strftime(STAMP_FORMAT)


def versions(path: Path) -> list[Path]:
    """Return the versions of a published file or directory, oldest first."""
    name = re.compile(re.escape(f"{path.stem}_") + STAMP + re.escape(path.suffix))
    return sorted(found for found in path.parent.glob("*") if name.fullmatch(found.name))


def directory_mode(file_mode: int) -> int:
    """Return the mode of a directory, given that of its files: whoever may read them may enter it."""
    return 0o700 | file_mode & 0o055 | (file_mode & 0o044) >> 2


def house(directory: Path, file_mode: int) -> list[Path]:
    """Make a directory and its parents, open to whoever may read its files; return those that were made."""
    made = []
    for folder in [*reversed(directory.parents), directory]:
        if folder.is_dir():
            continue
        try:
            folder.mkdir()
        except OSError as error:
            if folder.is_dir():  # another publisher may have made it this very moment
                continue
            raise PublishError(f"cannot make the folder {folder}: {error.strerror}") from None
        folder.chmod(directory_mode(file_mode))
        made.append(folder)
    return made


def sync(path: Path) -> None:
    """Make a file, or the entries of a directory, safe on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        with named(path):
            os.fsync(handle)
    finally:
        os.close(handle)


def files_below(directory: Path) -> Iterator[Path]:
    """Yield the files of a directory and of those in it."""
    return (path for path in sorted(directory.rglob("*")) if path.is_file())


def show_file(new: Path, target: Path, stamp: str, *, mode: int) -> None:
    """Put a finished file in the place of the published one; its version stays beside it.

    Whoever has the old file open keeps it; whoever opens the path gets the old or the new one, whole.
    """
    new.chmod(mode)
    sync(new)
    version = version_of(target, stamp)
    new.replace(version)
    link = new.with_name("current")
    try:
        link.hardlink_to(version)
    except OSError:  # a file system without hard links
        shutil.copy2(version, link)
        sync(link)
    log = target.with_name(target.name + ".wal")  # of somebody who opened the old copy to write
    log.unlink(missing_ok=True)
    replace(link, target)


def replace(new: Path, target: Path) -> None:
    """Rename over the published path; raises PublishError where the system does not let us."""
    try:
        new.replace(target)
    except OSError as error:  # on Windows while a reader has it open
        raise PublishError(f"cannot replace {target}: {error.strerror}") from None
    sync(target.parent)


def show_directory(new: Path, target: Path, stamp: str, *, mode: int) -> None:
    """Put a finished directory in the place of the published one; its version stays beside it.

    The published path is a symbolic link, replaced in one step; a reader of several files resolves it once.
    Where links cannot be made the directory is copied in, and for a moment there is none.
    """
    for path in files_below(new):
        path.chmod(mode)
        sync(path)
    new.chmod(directory_mode(mode))
    sync(new)
    version = version_of(target, stamp)
    new.replace(version)
    link = new.with_name("current")
    try:
        link.symlink_to(version.name, target_is_directory=True)
    except OSError:  # Windows without the privilege
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(version, target)
    else:
        if not target.is_symlink():  # a copy of a version: of Windows, or of a backup that followed links
            shutil.rmtree(target, ignore_errors=True)
        replace(link, target)
    sync(target.parent)


def prune(target: Path, keep: int) -> None:
    """Remove all but the newest versions."""
    for path in versions(target)[:-keep]:
        remove(path)


def remove(path: Path) -> None:
    """Remove a file or a directory, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
