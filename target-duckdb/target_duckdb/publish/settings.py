"""The settings of `publish`: a table of options for the command line and the environment."""

from __future__ import annotations

import argparse
import os
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from target_duckdb.address import is_file, shown
from target_duckdb.configuration import NO, YES
from target_duckdb.publish.exports import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ENVIRONMENT = "DUCKDB_PUBLISH_"


def words(text: str) -> tuple[str, ...]:
    """Return the comma-separated words of a setting."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


@contextmanager
def sensible(said: str) -> Iterator[None]:
    """Say what a setting has to be where its text is something else."""
    try:
        yield
    except ValueError:
        raise argparse.ArgumentTypeError(said) from None


def formats(text: str) -> tuple[str, ...]:
    """Return the export formats of a setting, each once; raises ArgumentTypeError for an unknown one."""
    found = dict.fromkeys(words(text))
    if unknown := found.keys() - FORMATS:
        raise argparse.ArgumentTypeError(f"unknown format {', '.join(sorted(unknown))}")
    return tuple(found)


def path(text: str) -> Path:
    """Return a path that ends in a name, with the home in place of a `~` that no shell has replaced."""
    try:
        found = Path(text).expanduser()
        text.encode()
    except (RuntimeError, UnicodeEncodeError) as error:
        raise argparse.ArgumentTypeError(f"no path: {error}") from error
    if found.name in {"", ".."}:
        raise argparse.ArgumentTypeError("a file has to have a name")
    return found


def working_file(text: str) -> Path:
    """Return the path of the database; raises ArgumentTypeError for an address, which may hold a secret."""
    if not is_file(text):
        raise argparse.ArgumentTypeError(
            f"{shown(text)} is no file: only database files are published; read a DuckLake where it is"
        )
    return path(text)


def no_address(_text: str) -> NoReturn:
    """Refuse the address of a PostgreSQL database on the command line, which everybody sees."""
    raise argparse.ArgumentTypeError(
        f"an address may hold a password: put it into {ENVIRONMENT}{SECRET.upper()}; nothing was published"
    )


def directory(text: str) -> Path:
    """Return the path of a directory; raises ArgumentTypeError without a name."""
    if not text:
        raise argparse.ArgumentTypeError("a directory has to have a name; --formats '' makes no exports")
    return path(text)


def path_or_none(text: str) -> Path | None:
    """Return a path, or None for nothing."""
    return path(text) if text else None


def octal(text: str) -> int:
    """Return a file mode, written as in 0640; it has to let the owner read."""
    with sensible("a mode is between 0400 and 0777 and lets the owner read"):
        mode = int(text, 8)
        if not 0 <= mode <= ALL_RIGHTS or not mode & stat.S_IRUSR:
            raise ValueError(text)
        return mode


def truth(text: str) -> bool:
    """Return whether a setting is switched on."""
    if text.lower() not in (*YES, *NO, ""):
        raise argparse.ArgumentTypeError("it is either true or false")
    return text.lower() in YES


def seconds(text: str) -> float:
    """Return a number of seconds that is not negative."""
    with sensible("it is a number of seconds, from 0 up"):
        if not float(text) >= 0:  # NaN is not
            raise ValueError(text)
        return float(text)


def positive(text: str) -> int:
    """Return a whole number from one up."""
    with sensible("it is a whole number, from 1 up"):
        if int(text) < 1:
            raise ValueError(text)
        return int(text)


@dataclass(frozen=True)
class Settings:
    """What is published, where to and how."""

    database: Path
    target: Path
    exports: Path
    live: Path | None
    schema: str
    schemas: tuple[str, ...]
    formats: tuple[str, ...]
    escape_formulas: bool
    bom: bool
    keep: int
    mode: int
    wait: float
    storage_version: str
    postgres: str
    postgres_extension: str

    @property
    def views(self) -> Path | None:
        """The file of views, where it is wanted and there are Parquet files to view."""
        return self.live if "parquet" in self.formats else None


class Option(NamedTuple):
    """A setting: its default as text, how the text is read, what it means."""

    default: str
    read: Callable[[str], object]
    help: str


OPTIONS: dict[str, Option] = {
    "database": Option("output/warehouse.duckdb", working_file, "the working file that loads write"),
    "target": Option(
        "output/published/analytics.duckdb", path, "the read copy; not named like a schema in it"
    ),
    "exports": Option(
        "exports", directory, "the directory of Parquet and CSV files, beside the read copy or a full path"
    ),
    "live": Option(
        "live.duckdb", path_or_none, "a file of views on the Parquet files, likewise; nothing: none"
    ),
    "schema": Option("bi", str, "the schema whose tables and views are exported"),
    "schemas": Option("", words, "the schemas the read copy holds, by commas; nothing: all"),
    "formats": Option("parquet,csv", formats, "the export formats, by commas; nothing: no exports"),
    "escape_formulas": Option("false", truth, "put ' before CSV texts a spreadsheet would run as a formula"),
    "bom": Option("false", truth, "start CSV files with a byte order mark, for Excel"),
    "keep": Option("3", positive, "how many versions to keep, the current one included"),
    "mode": Option("0600", octal, "the mode of published files: 0640 lets the group read"),
    "wait": Option("60", seconds, "how many seconds to wait for a load to end"),
    "storage_version": Option("v1.2.0", str, "the oldest DuckDB that shall open the read copy"),
    "postgres_extension": Option(
        "", str, "the file of DuckDB's postgres extension, where it cannot be downloaded"
    ),
}
ALL_RIGHTS = 0o777
SECRET = "postgres"  # noqa: S105 (the name of a setting: its value, an address with a password, comes by environment)


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the command line."""

    def error(self, message: str) -> NoReturn:
        """End with one line."""
        self.exit(2, f"{self.prog}: {message}; --help lists the options\n")


def settings(arguments: Sequence[str] | None = None) -> Settings:
    """Read the settings from the command line, else from the environment, else the defaults."""
    parser = Parser(
        prog="duckdb-publish",
        allow_abbrev=False,  # else --postgres would stand for --postgres-extension
        description="Give BI tools a copy of a DuckDB database that no load ever locks.",
        epilog=f"Each option can be set by {ENVIRONMENT}<NAME> too; by the environment alone "
        f"{ENVIRONMENT}{SECRET.upper()}, the address of a PostgreSQL database that gets the exported schema.",
    )
    for name, option in OPTIONS.items():
        text = f"{option.help} (default: {option.default or 'nothing'})"
        word = "--" + name.replace("_", "-")
        parser.add_argument(word, default=argparse.SUPPRESS, type=option.read, help=text)
    parser.add_argument(f"--{SECRET}", type=no_address, help=argparse.SUPPRESS)
    given, rest = parser.parse_known_args(arguments)
    if rest:
        parser.error(strange(rest))
    found: dict[str, Any] = {
        name: vars(given)[name] if name in given else from_environment(parser, name, option)
        for name, option in OPTIONS.items()
    }
    beside = found["target"].parent
    found |= {name: beside / found[name] for name in ("exports", "live") if found[name]}
    return Settings(**found, postgres=os.environ.get(ENVIRONMENT + SECRET.upper(), ""))


def from_environment(parser: Parser, name: str, option: Option) -> object:
    """Return what the environment says of a setting, else its default."""
    variable = ENVIRONMENT + name.upper()
    try:
        return option.read(os.environ.get(variable, option.default))
    except argparse.ArgumentTypeError as error:
        parser.error(f"{variable}: {error}")


def strange(rest: Sequence[str]) -> str:
    """Say which words are no option, without their values: they may hold a secret."""
    names = [found[0] for word in rest if (found := re.match("--?[A-Za-z_-]+", word))]
    if names:
        return f"unknown option {', '.join(names)}"
    return "some words belong to no option: put quotes around what has spaces"
