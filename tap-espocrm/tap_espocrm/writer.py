"""Writes Singer messages to stdout, a page of records at a time, from any thread."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter
from typing_extensions import override

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from singer_sdk.singerlib.encoding.simple import Message

    from tap_espocrm.values import Row

_encode = msgspec.json.Encoder().encode


class PageWriter(MsgSpecWriter):
    """The SDK's writer, except that threads may share it and that records go out by the page."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.RLock()

    @override
    def write_message(self, message: Message) -> None:
        with self.lock:
            super().write_message(message)

    def write_records(
        self, stream: str, records: Iterable[Row], version: int | None, extracted: dt.datetime
    ) -> None:
        """Write one RECORD message per record, all in one go."""
        head = b'{"type":"RECORD","stream":' + _encode(stream) + b',"record":'
        facts = {} if version is None else {"version": version}
        tail = b"," + _encode({**facts, "time_extracted": extracted})[1:] + b"\n"
        lines = b"".join([part for record in records for part in (head, _encode(record), tail)])
        with self.lock:
            sys.stdout.buffer.write(lines)
            sys.stdout.flush()
