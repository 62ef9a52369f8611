"""Knows what `path` names, a file or something to attach, and how to speak of it without its secrets."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from urllib.parse import unquote

from target_duckdb.errors import SettingsError

LAKE = "ducklake:"
REMOTE = ("md:", "motherduck:", LAKE, "quack:")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
DOWNLOAD = re.compile('Failed to download extension "([a-z_]+)"')
HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
IN_MEMORY = ":memory:"
LOGIN = re.compile("//([^/]*)@")
LEAST_SECRET = 4  # letters; what is shorter would hide half of the message


KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
LONGEST_NAME = 255 - len(".doublewrite.new")  # bytes, less the longest suffix of a file that we put beside it


def check(path: str) -> None:
    """Raise SettingsError if a path of a file cannot be that of a database: to open a FIFO would hang."""
    try:
        Path(path).absolute()
    except FileNotFoundError as error:
        raise SettingsError(f"cannot open {path}: the folder that this runs in is gone") from error
    try:
        kind = stat.S_IFMT(Path(path).stat().st_mode)
    except FileNotFoundError:
        kind = stat.S_IFREG
    except OSError as error:
        raise SettingsError(f"cannot open {path}: {error.strerror}") from error
    if kind != stat.S_IFREG:
        raise SettingsError(
            f"cannot open {path}: it is {KINDS[kind]}; path has to name a database or a new file"
        )
    if len(os.fsencode(Path(path).name)) > LONGEST_NAME:
        raise SettingsError(f"cannot open {path}: its name is longer than {LONGEST_NAME} bytes")


def is_remote(path: str) -> bool:
    """Return whether the warehouse is more than a file."""
    return path.startswith(REMOTE)


def is_lake(path: str) -> bool:
    """Return whether the warehouse is a DuckLake: a catalogue, and Parquet files."""
    return path.startswith(LAKE)


def is_file(path: str) -> bool:
    """Return whether the warehouse is a file."""
    return path != IN_MEMORY and not SCHEME.match(path)


def shown(path: str) -> str:
    """Return what to call a warehouse in a message: an address may hold a token or a password."""
    scheme = SCHEME.match(path)
    return f"{scheme[0]}…" if scheme else path


def advice(cause: str, version: str) -> str:
    """Return what to do about an extension that DuckDB does not have and cannot fetch."""
    if not (found := DOWNLOAD.search(cause)):
        return ""
    return (
        f"; run INSTALL {found[1]} once in DuckDB {version}, as this user and where it can be downloaded, or"
        " copy its file to where that puts it, below ~/.duckdb/extensions"
    )


def hide(text: str, path: str) -> str:
    """Return a message of DuckDB's without the parts of an address, as they stand there or decoded."""
    if is_file(path):
        return text
    parts = _parts(path)
    for part in sorted(parts | set(map(unquote, parts)), key=len, reverse=True):
        if len(part) >= LEAST_SECRET:
            text = text.replace(part, "…")
    return text


def _parts(path: str) -> set[str]:
    """Return the parts of an address that may be secret: all after a scheme, settings, values, a password."""
    parts, rest = set(), path
    while scheme := SCHEME.match(rest):
        rest = rest[scheme.end() :]
        parts.add(rest)
    for setting in re.split(r"[?&;\s]+", path.partition(":")[2]):
        value = setting.partition("=")[2]
        parts |= {setting, value, value.strip("'\"")}
    if login := LOGIN.search(path):
        parts |= {login[1], login[1].partition(":")[2]}
    return parts
