"""The one HTTP connection of a run: where it leads, what it may carry and what became of each request."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_opencrm import answers
from tap_opencrm.auth import Credentials, credentials_for
from tap_opencrm.entities import LOGIN, READ_END_POINTS
from tap_opencrm.errors import (
    BudgetSpentError,
    CallError,
    ForbiddenEndPointError,
    LostConnectionError,
    NoConnectionError,
    RedirectError,
    RetriableCallError,
    TLSError,
    UnauthorizedError,
    UnreachableError,
    WaitTooLongError,
)
from tap_opencrm.redaction import hide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_opencrm.limits import Budget, Pace

PATIENCE = 600.0
_CONNECT_TIMEOUT = 10.0
_FIRST_TRIES = 3


class ReadOnlyAdapter(HTTPAdapter):
    """Lets nothing pass but read end points of one OpenCRM, over TLS 1.2 or newer."""

    def __init__(self, url_base: str, connections: int) -> None:
        self.url_base = url_base
        super().__init__(pool_connections=1, pool_maxsize=connections)

    @override
    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_minimum_version=ssl.TLSVersion.TLSv1_2)  # type: ignore[arg-type] # untyped in requests

    @override
    def send(self, request: requests.PreparedRequest, *args: object, **kwargs: object) -> requests.Response:
        end_point = end_point_of(request.url or "", self.url_base)
        if end_point not in READ_END_POINTS:
            raise ForbiddenEndPointError(end_point, "not sent")
        return super().send(request, *args, **kwargs)  # type: ignore[arg-type] # handed through as they came


def end_point_of(url: str, url_base: str) -> str:
    """Return the end point that a URL addresses."""
    return url.removeprefix(url_base).partition("/")[0]


@dataclass
class Connection:
    """Sends requests to one OpenCRM, at the pace and within the budget of the user."""

    settings: Mapping[str, Any]
    url_base: str
    pace: Pace
    budget: Budget
    lanes: int = 1
    has_answered: bool = False
    has_read: bool = False
    requests_sent: int = 0
    _failed_tries: int = field(default=0)

    @cached_property
    def session(self) -> requests.Session:
        """The session, which knows no other address than this OpenCRM's."""
        session = requests.Session()
        session.adapters.clear()
        session.mount(self.url_base, ReadOnlyAdapter(self.url_base, self.lanes + 1))
        # Sessions heed this variable, too, but not for requests that were prepared beforehand.
        session.verify = self.settings["ca_bundle"] or os.environ.get("REQUESTS_CA_BUNDLE") or True
        return session

    @cached_property
    def credentials(self) -> Credentials:
        """What proves who asks."""
        settings = self.settings
        return credentials_for(
            settings["auth_method"], settings["api_key"], settings["pass_key"], self.log_in
        )

    def log_in(self) -> str:
        """Exchange the key pair for an access key."""
        try:
            key = self._log_in_with("key")
        except UnauthorizedError:
            key = self._log_in_with("apikey")
        hide([key])
        return key

    def _log_in_with(self, name_of_key: str) -> str:
        request = requests.Request(
            "POST",
            self.url_base + LOGIN,
            headers={"User-Agent": self.settings["user_agent"]},
            data={name_of_key: self.settings["api_key"], "passkey": self.settings["pass_key"]},
        ).prepare()
        return answers.access_key(LOGIN, answers.decode(LOGIN, self.send(request).content))

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """Send one request and return its answer if the status is good; raise a named error if not."""
        asked = end_point_of(request.url or "", self.url_base)
        if not self.budget.spend():
            raise BudgetSpentError(
                asked, f"daily_request_budget of {self.budget.per_day} requests is used up"
            )
        self.pace.wait()
        self.requests_sent += 1
        seconds = float(self.settings["timeout"])
        try:
            response = self.session.send(
                request, timeout=(min(_CONNECT_TIMEOUT, seconds), seconds), allow_redirects=False
            )
        except requests.RequestException as error:
            raise self._connection_error(asked, error) from None
        self.has_answered = True
        check_status(asked, response)
        return response

    def _connection_error(
        self, asked: str, error: requests.RequestException
    ) -> CallError | RetriableCallError:
        host = self.url_base.removesuffix("api/rest/")
        if isinstance(error, requests.exceptions.SSLError):
            return TLSError(f"{asked} at {host}", _reason(error))
        if not _is_unconnected(error):
            return LostConnectionError(f"{asked} at {host}", _reason(error))
        self._failed_tries += 1
        if not self.has_answered and self._failed_tries >= _FIRST_TRIES:
            return UnreachableError(f"{asked} at {host}", _reason(error))
        return NoConnectionError(f"{asked} at {host}", _reason(error))


def check_status(asked: str, response: requests.Response) -> None:
    """Raise the named error that the HTTP status of an answer stands for."""
    status = response.status_code
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return
    answered = f"HTTP {status} {response.reason}"
    if status < HTTPStatus.BAD_REQUEST:
        raise RedirectError(asked, f"{answered} to {response.headers.get('Location', 'nowhere')}")
    kind = answers.status_error(status)
    if issubclass(kind, CallError):
        raise kind(asked, answered)
    seconds = retry_after(response)
    if seconds is not None and seconds > PATIENCE:
        raise WaitTooLongError(asked, f"{answered}, asks to wait {seconds:.0f} seconds")
    raise kind(asked, answered, seconds)


def retry_after(response: requests.Response) -> float | None:
    """Return the seconds the server asks to wait, which it may give as a number or as a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment - (server_time(response) or datetime.now(UTC))).total_seconds())


def server_time(response: requests.Response) -> datetime | None:
    """Return the time by the server's own clock."""
    try:
        return parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return None


_REASONS = (
    ("NameResolutionError", "the host name does not exist"),
    ("getaddrinfo", "the host name does not exist"),
    ("Connection refused", "connection refused"),
    ("CERTIFICATE_VERIFY_FAILED", "the certificate cannot be verified"),
    ("UNSUPPORTED_PROTOCOL", "the server offers only outdated TLS versions"),
    ("ALERT_PROTOCOL_VERSION", "the server offers only outdated TLS versions"),
    ("timed out", "no answer in time"),
    ("IncompleteRead", "the answer broke off"),
    ("reset by peer", "the connection was reset"),
    ("RemoteDisconnected", "the server hung up"),
)


def _is_unconnected(error: requests.RequestException) -> bool:
    """Tell whether the request never left, so that it does not matter which one it was."""
    text = repr(error)
    return any(mark in text for mark in ("NewConnectionError", "NameResolutionError", "ConnectTimeout"))


def _reason(error: requests.RequestException) -> str:
    text = repr(error)
    return next((reason for mark, reason in _REASONS if mark in text), type(error).__name__)
