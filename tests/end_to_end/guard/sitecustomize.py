"""Put on PYTHONPATH: lets a Python process connect to one origin only, and writes down every attempt.

An audit hook cannot be taken away again by the program it watches. CRM_GUARD_LOG is the file that gets one
line per attempt (no guard without it), CRM_GUARD_ALLOW the places allowed: `host:port,host:port`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PLACES = {"socket.connect", "socket.sendto"}
NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def watch(event: str, arguments: tuple) -> None:
    if event not in PLACES | NAMES or not (log := os.environ.get("CRM_GUARD_LOG")):
        return
    allowed = set(filter(None, os.environ.get("CRM_GUARD_ALLOW", "").split(",")))
    place = place_of(event, arguments)
    hosts = {name.rpartition(":")[0] for name in allowed}
    is_allowed = place in allowed if event in PLACES else place in hosts
    with Path(log).open("a", encoding="utf-8") as written:
        written.write(f"{'allowed' if is_allowed else 'REFUSED'} {event} {place}\n")
    if not is_allowed:
        raise PermissionError(f"socket guard: {event} to {place} is not the configured origin")


def place_of(event: str, arguments: tuple) -> str:
    if event in PLACES:
        address = arguments[1]
        return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)
    host = arguments[0]
    return host.decode() if isinstance(host, bytes) else str(host)


sys.addaudithook(watch)
