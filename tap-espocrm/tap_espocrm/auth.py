"""The four ways to log in to EspoCRM; each puts its header on a request and knows nothing of streams."""

from __future__ import annotations

import base64
import hashlib
import hmac
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests.auth
from singer_sdk.exceptions import ConfigurationError
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

API_PATH = "/api/v1"


class Authenticator(requests.auth.AuthBase, ABC):
    """Puts credentials on a request."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add this way's headers."""
        request.headers.update(self.headers(request))
        return request

    @abstractmethod
    def headers(self, request: requests.PreparedRequest) -> dict[str, str]:
        """Give the headers for one request."""

    def learn(self, token: object) -> None:
        """Take the token that `App/user` gives to whoever logs in with a password."""

    def forget(self) -> bool:
        """Drop a token that no longer works; tells whether there was one."""
        return False


class ApiKey(Authenticator):
    """An API user's key."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    @override
    def headers(self, request: requests.PreparedRequest) -> dict[str, str]:
        return {"X-Api-Key": self._api_key}


class Hmac(Authenticator):
    """A signature per request. The raw digest is used: the hexadecimal one needs EspoCRM 8.4.1."""

    def __init__(self, api_key: str, secret_key: str) -> None:
        self._api_key = api_key
        self._secret_key = secret_key.encode()

    @override
    def headers(self, request: requests.PreparedRequest) -> dict[str, str]:
        path = urlsplit(str(request.url)).path.partition(API_PATH)[2]
        signed = hmac.digest(self._secret_key, f"{request.method} {path}".encode(), hashlib.sha256)
        return {"X-Hmac-Authorization": _base64(self._api_key.encode() + b":" + signed)}


class Token(Authenticator):
    """A password once, then the token it gave: a password costs the server a slow check every time."""

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        self._token: str | None = None

    @override
    def headers(self, request: requests.PreparedRequest) -> dict[str, str]:
        secret = self._token or self._password
        by_token = "true" if self._token else "false"
        return {
            "Espo-Authorization": _base64(f"{self._username}:{secret}".encode()),
            "Espo-Authorization-By-Token": by_token,
        }

    @override
    def learn(self, token: object) -> None:
        self._token = token if isinstance(token, str) and token else None

    @override
    def forget(self) -> bool:
        had, self._token = self._token is not None, None
        return had


class Basic(Authenticator):
    """User name and password on every request."""

    def __init__(self, username: str, password: str) -> None:
        self._value = _base64(f"{username}:{password}".encode())

    @override
    def headers(self, request: requests.PreparedRequest) -> dict[str, str]:
        return {"Authorization": f"Basic {self._value}"}


def authenticator_for(config: Mapping[str, Any]) -> Authenticator:
    """Choose the way to log in by what the settings hold."""
    api_key, secret_key = config.get("api_key"), config.get("secret_key")
    username, password = config.get("username"), config.get("password")
    if api_key and (username or password):
        raise ConfigurationError("Both api_key and username/password are set: set one way to log in.")
    if api_key:
        return Hmac(api_key, secret_key) if secret_key else ApiKey(api_key)
    if secret_key:
        raise ConfigurationError("secret_key is set without api_key: HMAC needs both.")
    if not (username and password):
        raise ConfigurationError("No credentials: set api_key, or username and password.")
    return Basic(username, password) if config["basic_auth"] else Token(username, password)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
