"""Who may call OpenCRM: the key pair, access keys and the firewall before them."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from crm_simulator.clock import Clock
    from crm_simulator.messages import Request
    from crm_simulator.opencrm.switches import OpenCRMSwitches


class Access:
    """Knows the one key pair of the system and the access keys that were given out for it."""

    def __init__(self, seed: int, clock: Clock, switches: OpenCRMSwitches) -> None:
        self.api_key = _token(seed, "api key")
        self.pass_key = _token(seed, "pass key")
        self._seed = seed
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self._last_used: dict[str, datetime] = {}
        self._given = 0

    def blocks(self, request: Request) -> bool:
        """Tell whether the firewall turns the agent away: it minds curl and anything of Python."""
        agent = request.headers.get("user-agent", "").lower()
        return self._switches.web_application_firewall and (agent.startswith("curl/") or "python" in agent)

    def log_in(self) -> str:
        """Give out an access key."""
        with self._lock:
            self._given += 1
            key = _token(self._seed, f"access key {self._given}")
            self._last_used[key] = self._clock.now()
            return key

    def expire(self) -> None:
        """Let every access key expire at once."""
        with self._lock:
            self._last_used.clear()

    def has_keys(self, request: Request, params: dict[str, str]) -> bool:
        """Tell whether the call carries the key pair, in headers or parameters."""
        keys = [request.headers.get("key1")]
        if self._switches.accept_key:
            keys.append(params.get("key"))
        if self._switches.accept_apikey:
            keys.append(params.get("apikey"))
        passes = (request.headers.get("key2"), params.get("passkey"))
        return self.api_key in keys and self.pass_key in passes

    def may(self, request: Request, params: dict[str, str]) -> bool:
        """Tell whether the call is authorised; using an access key keeps it alive."""
        return self.has_keys(request, params) or self._use(params.get("accesskey", ""))

    def _use(self, key: str) -> bool:
        with self._lock:
            used, now = self._last_used.get(key), self._clock.now()
            if used is None or now - used > timedelta(seconds=self._switches.access_key_idle_seconds):
                self._last_used.pop(key, None)
                return False
            self._last_used[key] = now
            return True


def _token(seed: int, purpose: str) -> str:
    return hashlib.sha256(f"{seed}/opencrm/{purpose}".encode()).hexdigest()[:32]
