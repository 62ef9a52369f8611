"""The command line: what a user did wrong is said in one line, with exit code 1 and without a traceback."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.plugin_base import SingerCommand
from typing_extensions import override

from tap_opencrm.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

# The mistakes and mishaps that are not bugs: our own errors, unreadable files, a target that has gone.
EXPECTED = (SingerSDKError, OSError)


class Command(SingerCommand):
    """The SDK's command with one-line errors."""

    @override
    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override] # fewer names
        try:
            return super().main(args, **extra)
        except EXPECTED as error:
            self._complain(_one_line(error))
        except ValueError as error:
            if not _is_unreadable(error):
                raise
            self._complain(f"a file given on the command line is not JSON: {error}")
        sys.exit(1)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        logging.captureWarnings(capture=True)
        return click.Command.invoke(self, ctx)

    def _complain(self, message: str) -> None:
        self.logger.error("%s", redact(message))


def _is_unreadable(error: ValueError) -> bool:
    """Tell a file that is not JSON, or not text, from a bug; the SDK reads files with two JSON libraries."""
    return isinstance(error, UnicodeDecodeError) or type(error).__name__ == "JSONDecodeError"


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.strerror}: {error.filename}"
    return " ".join(str(error).split()) or type(error).__name__
