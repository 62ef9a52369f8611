"""Keeps secrets out of everything that is logged, by their values."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MASK = "(redacted)"
_SHORTEST = 4
_hidden: set[str] = set()


def spellings(secret: str) -> set[str]:
    """Return the ways a secret may be written in a URL, in JSON or in a header."""
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }


def redact(text: str) -> str:
    """Return a text without any secret that was hidden."""
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def hide(secrets: Iterable[str]) -> None:
    """Take secrets out of every log record from now on."""
    _hidden.update(form for secret in secrets if len(secret) >= _SHORTEST for form in spellings(secret))
    factory = logging.getLogRecordFactory()
    if not isinstance(factory, _RedactingFactory):
        logging.setLogRecordFactory(_RedactingFactory(factory))


class _RedactingFactory:
    """Makes log records whose text, arguments and traceback hold no secret."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: object, **kwargs: object) -> logging.LogRecord:
        record = self._make(*args, **kwargs)
        text = record.getMessage()
        clean = redact(text)
        if clean != text:
            record.msg, record.args = clean, ()
        if record.exc_info:
            trace = "".join(traceback.format_exception(*record.exc_info))
            record.exc_text, record.exc_info = redact(trace).rstrip(), None
        return record
