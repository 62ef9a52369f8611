"""What can go wrong, in words for the person who has to put it right."""

from __future__ import annotations


class LoadError(Exception):
    """A load cannot go on; the message says what happened and what to do."""


class InvalidLineError(LoadError):
    """A line of the input is not a Singer message."""


class InvalidSchemaError(LoadError):
    """A SCHEMA message cannot be turned into a table."""


class UnknownStreamError(LoadError):
    """A message belongs to a stream whose SCHEMA has not been seen."""


class MissingKeyError(LoadError):
    """A record lacks one of its key properties."""


class InvalidValueError(LoadError):
    """A value does not fit its column and the settings say that this stops the load."""


class SpoolError(LoadError):
    """The directory where records wait cannot be written."""


class OutputError(LoadError):
    """Nobody reads the standard output any more, where STATE goes."""


class DatabaseError(LoadError):
    """DuckDB cannot be opened, is locked, or refuses a statement."""


class OutOfMemoryError(DatabaseError):
    """DuckDB cannot do a statement with the memory it may use."""


class DeleteGuardError(LoadError):
    """A delete would remove more rows than `max_delete_fraction` permits."""


class OddError(LoadError):
    """Records are not as plain as a straight insert needs them; they have to be staged."""


class RowGroupError(LoadError):
    """A table has to be altered whose row groups are larger than those of the transaction."""


class SettingsError(LoadError):
    """The configuration cannot be read, or asks for something impossible."""


class InputError(LoadError):
    """The input cannot be read."""


def printable(text: str) -> str:
    """Return a message as one line fit for a terminal, whatever names it holds."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
