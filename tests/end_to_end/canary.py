"""Looks for secrets where none may be, in every form in which they could get there."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

API_KEY = 'cAnArY-"7f3/+&=%-api-key'
PASS_KEY = "cAnArY<2c9'?#;:-pass-key"
PASSWORD = 'cAnArY§5e1 ü/"-password'


def forms(secret: str) -> set[bytes]:
    """List what a secret looks like raw, URL-encoded, in JSON, in base64 at any offset, in hex."""
    raw = secret.encode()
    texts = {
        secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(json.dumps(secret))[1:-1],
        repr(secret)[1:-1], raw.hex(),
    }  # fmt: skip
    found = {text.encode() for text in texts}
    for shift in range(3):  # inside base64 of something longer a secret has one of three shapes
        whole = base64.b64encode(b"\0" * shift + raw)
        inner = whole[(0, 2, 3)[shift] : -4]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def hits(secrets: Iterable[str], places: dict[str, bytes]) -> list[str]:
    """Name the places that hold a secret, and its form."""
    wanted = {form for secret in secrets for form in forms(secret)}
    return [
        f"{place} holds {form!r}" for place, content in places.items() for form in wanted if form in content
    ]


def files_under(folder: Path, *, apart_from: Iterable[Path] = ()) -> dict[str, bytes]:
    """Read every file of a folder but those a test wrote the secrets into itself."""
    skipped = {path.resolve() for path in apart_from}
    return {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.resolve() not in skipped
    }


class CommandLines:
    """Watches the arguments of every process on this machine while something runs."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._done = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    self.seen.add((process / "cmdline").read_bytes())

    @property
    def places(self) -> dict[str, bytes]:
        return {"a process's arguments": b"\n".join(self.seen)}
