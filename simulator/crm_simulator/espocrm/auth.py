"""Who is asking: the five ways to log in, tokens, and what happens after too many wrong guesses."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from crm_simulator.espocrm.acl import Viewer
from crm_simulator.espocrm.refusals import HTML, Refusal
from crm_simulator.espocrm.users import USERS, User

if TYPE_CHECKING:
    from datetime import datetime

    from crm_simulator.espocrm.store import Store
    from crm_simulator.messages import Request

SECRET_HEADERS = frozenset({"authorization", "espo-authorization", "x-api-key", "x-hmac-authorization"})
API_ROOT = "/api/v1/"


@dataclass
class Token:
    """Stands for a password until nobody used it for too long."""

    user: User
    used: datetime
    epoch: int


@dataclass(frozen=True)
class Login:
    """Somebody who was let in, and how."""

    viewer: Viewer
    method: str
    by_password: bool = False


class Gate:
    """Lets users in or refuses them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tokens: dict[str, Token] = {}
        self._failures: dict[str, deque[datetime]] = {}

    def admit(self, request: Request) -> Login:
        """Tell who asks, or refuse."""
        headers = request.headers
        by_token = headers.get("espo-authorization-by-token") == "true"
        if not by_token:
            self._check_address(request.client)
        login = self._login(request, by_token=by_token)
        if login is not None:
            return login
        if SECRET_HEADERS.isdisjoint(headers):
            challenge = {} if "x-requested-with" in headers else {"WWW-Authenticate": 'Basic realm=""'}
            raise Refusal(401, None, HTML, headers=challenge)
        if not by_token:
            self._failures.setdefault(request.client, deque()).append(self._store.clock.now())
        raise Refusal(401, None, HTML)

    def token_of(self, login: Login) -> str | None:
        """Make a token for somebody who came with a password in the Espo way."""
        if not (login.method == "Espo" and login.by_password):
            return None
        token = secrets.token_hex(16)
        user = login.viewer.user
        self._tokens[token] = Token(user, self._store.clock.now(), self._store.switches.token_epoch)
        return token

    def _login(self, request: Request, *, by_token: bool) -> Login | None:
        headers, modern = request.headers, self._store.switches.since("5.5")
        if "espo-authorization" in headers:
            return self._by_espo(headers["espo-authorization"], by_token=by_token)
        if "x-hmac-authorization" in headers and modern:
            return self._by_hmac(headers["x-hmac-authorization"], request)
        if "x-api-key" in headers and modern:
            return self._by_key(headers["x-api-key"])
        return self._by_basic(headers.get("authorization", ""))

    def _check_address(self, client: str) -> None:
        failures = self._failures.get(client)
        if not failures:
            return
        switches = self._store.switches
        oldest = self._store.clock.now() - timedelta(seconds=switches.login_window_seconds)
        while failures and failures[0] <= oldest:
            failures.popleft()
        if len(failures) > switches.login_failures:
            raise Refusal(403, None, HTML)

    def _by_espo(self, text: str, *, by_token: bool) -> Login | None:
        name, separator, word = _decode(text).partition(":")
        if not separator:
            raise Refusal(400, "Auth: Bad authorization string provided.", HTML)
        token = self._tokens.get(word)
        if token is not None and token.user.name == name and self._is_alive(token):
            token.used = self._store.clock.now()
            return self._enter(token.user, "Espo")
        if by_token:
            return None
        return self._by_password(name, word, "Espo")

    def _by_basic(self, text: str) -> Login | None:
        scheme, _, pair = text.partition(" ")
        name, _, word = _decode(pair).partition(":")
        return self._by_password(name, word, "Basic") if scheme.lower() == "basic" else None

    def _by_password(self, name: str, word: str, method: str) -> Login | None:
        user = next((user for user in USERS if user.name == name), None)
        if user is None or user.password is None or not _same(user.password, word):
            return None
        return self._enter(user, method, by_password=True)

    def _by_key(self, key: str) -> Login | None:
        user = next((user for user in USERS if user.api_key and _same(user.api_key, key)), None)
        return None if user is None or user.secret_key else self._enter(user, "ApiKey")

    def _by_hmac(self, text: str, request: Request) -> Login | None:
        try:
            key, _, signature = base64.b64decode(text).partition(b":")
        except binascii.Error:
            return None
        user = next((user for user in USERS if user.api_key and user.api_key.encode() == key), None)
        if user is None or user.secret_key is None:
            return None
        signed = f"{request.method} /{request.path.partition(API_ROOT)[2]}".encode()
        digest = hmac.new(user.secret_key.encode(), signed, hashlib.sha256)
        allowed = [digest.digest()]
        if self._store.switches.since("8.4.1"):
            allowed.append(digest.hexdigest().encode())
        return self._enter(user, "Hmac") if signature in allowed else None

    def _enter(self, user: User, method: str, *, by_password: bool = False) -> Login | None:
        if not user.active:
            return None
        identity = self._store.seeds.origins("User")[USERS.index(user)][0]
        row = self._store.find("User", identity)
        if row is None or not row.get("isActive"):
            return None
        return Login(Viewer(user, identity, self._store), method, by_password=by_password)

    def _is_alive(self, token: Token) -> bool:
        switches = self._store.switches
        idle = self._store.clock.now() - token.used
        return token.epoch == switches.token_epoch and idle <= timedelta(hours=switches.token_idle_hours)


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
