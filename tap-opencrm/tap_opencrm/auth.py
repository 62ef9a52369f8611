"""The three ways to prove who asks; each writes headers or form parameters, never the URL."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from singer_sdk.authenticators import APIAuthenticatorBase
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import PreparedRequest


def _form(request: PreparedRequest) -> dict[str, str]:
    body = request.body or ""
    return dict(parse_qsl(body.decode() if isinstance(body, bytes) else str(body), keep_blank_values=True))


def _with_form(request: PreparedRequest, parameters: Mapping[str, str]) -> PreparedRequest:
    """Put parameters into the form of a request, in place of those of the same name."""
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    request.body = urlencode(_form(request) | dict(parameters))
    request.headers["Content-Length"] = str(len(request.body))
    return request


class KeyHeaders(APIAuthenticatorBase):
    """The key pair as the headers KEY1 and KEY2."""

    def __init__(self, api_key: str, pass_key: str) -> None:
        super().__init__()
        self.auth_headers = {"KEY1": api_key, "KEY2": pass_key}

    @override
    def authenticate_request(self, request: PreparedRequest) -> PreparedRequest:
        request.headers.update(self.auth_headers)
        return request

    def has_another_way(self, refused: PreparedRequest) -> bool:  # noqa: ARG002 # the same for every request
        """Tell whether a refused request is worth sending once more."""
        return False


class KeyParameters(APIAuthenticatorBase):
    """The key pair as form parameters; the documents disagree on their names, so the other is tried once."""

    def __init__(self, api_key: str, pass_key: str) -> None:
        super().__init__()
        self._spellings = [
            {"key": api_key, "passkey": pass_key},
            {"apikey": api_key, "passkey": pass_key},
        ]

    @override
    def authenticate_request(self, request: PreparedRequest) -> PreparedRequest:
        return _with_form(request, self._spellings[0])

    def has_another_way(self, refused: PreparedRequest) -> bool:
        """Turn to the other spelling; False once both were refused."""
        used = _form(refused)
        if all(name in used for name in self._spellings[0]):
            self._spellings = self._spellings[1:] or self._spellings
            return not all(name in used for name in self._spellings[0])
        return True


class AccessKey(APIAuthenticatorBase):
    """An access key from the login end point, renewed when it has expired."""

    def __init__(self, log_in: Callable[[], str]) -> None:
        super().__init__()
        self._log_in = log_in
        self._lock = threading.Lock()
        self._key = ""

    @override
    def authenticate_request(self, request: PreparedRequest) -> PreparedRequest:
        with self._lock:
            if not self._key:
                self._key = self._log_in()
        return _with_form(request, {"accesskey": self._key})

    def has_another_way(self, refused: PreparedRequest) -> bool:
        """Forget the key the request was refused with, so that the next request logs in."""
        with self._lock:
            if _form(refused).get("accesskey") == self._key:
                self._key = ""
        return True


Credentials = KeyHeaders | KeyParameters | AccessKey


def credentials_for(method: str, api_key: str, pass_key: str, log_in: Callable[[], str]) -> Credentials:
    """Return the credentials for one `auth_method`."""
    if method == "login":
        return AccessKey(log_in)
    return KeyParameters(api_key, pass_key) if method == "parameters" else KeyHeaders(api_key, pass_key)
