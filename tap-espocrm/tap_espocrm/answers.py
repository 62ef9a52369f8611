"""Reads an HTTP answer of EspoCRM and says what to do next; touches no network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from singer_sdk.exceptions import ConfigurationError, DataError, FatalAPIError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_espocrm.values import Json


class LoginRefusedError(ConfigurationError):
    """The server does not accept the credentials: nothing else can be read either."""


class UnreachableError(ConfigurationError):
    """No EspoCRM answers at the address."""


class RefusedError(FatalAPIError):
    """EspoCRM refuses this request (permission, unknown entity or attribute): others may still work."""


class TooLongError(RefusedError):
    """The address is too long for the server or for what stands in front of it."""


class UnexpectedAnswerError(DataError):
    """The server answered something that EspoCRM's API would not."""


class Next(Enum):
    """What to do after an answer."""

    USE = auto()
    RETRY = auto()
    ASK_SHORTER = auto()
    LOG_IN_AGAIN = auto()
    WAIT_FOR_THROTTLE = auto()
    GIVE_UP = auto()
    STOP_EVERYTHING = auto()


@dataclass(frozen=True)
class Answer:
    """The parts of an HTTP answer that decide."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        """EspoCRM's own words, from the `X-Status-Reason` header."""
        return self.headers.get("X-Status-Reason", "").strip()

    @property
    def is_json(self) -> bool:
        """Whether the answer calls itself JSON."""
        return "json" in self.headers.get("Content-Type", "")


#: By status: what to do next, and what the user should know or do.
_ANSWERS: dict[int, tuple[Next, str]] = {
    400: (Next.GIVE_UP, "the server does not accept the request"),
    401: (
        Next.LOG_IN_AGAIN,
        "the credentials are wrong or the user is not active (API keys need EspoCRM 5.5); check the settings",
    ),
    403: (Next.GIVE_UP, "the user may not read this; give its role read access, or leave the entity out"),
    404: (Next.GIVE_UP, "it does not exist on this server"),
    408: (Next.RETRY, "the server gave up waiting"),
    409: (Next.GIVE_UP, "the server reports a conflict"),
    413: (Next.ASK_SHORTER, "the request is too long for the server"),
    414: (Next.ASK_SHORTER, "the address is too long for the server"),
    425: (Next.RETRY, "the server is not ready"),
    429: (Next.RETRY, "too many requests; set max_requests_per_second"),
    500: (Next.RETRY, "the server failed; its log (data/logs) knows more"),
    502: (Next.RETRY, "the web server cannot reach EspoCRM"),
    503: (Next.RETRY, "EspoCRM is in maintenance or overloaded"),
    504: (Next.RETRY, "EspoCRM did not answer its web server in time"),
}
_THROTTLED = (
    "this address had too many failed logins in the last minute: EspoCRM refuses every request from it, "
    "valid credentials too, for about a minute"
)


def judge(answer: Answer) -> tuple[Next, str]:
    """Say what to do after an answer, and why, in words for the user."""
    if answer.status == HTTPStatus.OK:
        return Next.USE, ""
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        target = answer.headers.get("Location", "elsewhere").partition("?")[0]
        return Next.STOP_EVERYTHING, f"the server redirects to {target}; set `url` to where EspoCRM really is"
    # The login throttle is told from a permission by what is missing (measured on 9.2).
    if answer.status == HTTPStatus.FORBIDDEN and not answer.reason and not answer.is_json:
        return _refused_by_nobody(answer)
    after, hint = _ANSWERS.get(answer.status) or _unknown(answer.status)
    reason = f'"{answer.reason}"' if answer.reason else "no reason given"
    return after, f"HTTP {answer.status}, {reason}" + (f": {hint}" if hint else "")


def _refused_by_nobody(answer: Answer) -> tuple[Next, str]:
    if answer.body.strip():
        return Next.GIVE_UP, "HTTP 403 with a web page: a firewall or web server before EspoCRM refuses this"
    return Next.WAIT_FOR_THROTTLE, _THROTTLED


def _unknown(status: int) -> tuple[Next, str]:
    is_passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return (Next.RETRY if is_passing else Next.GIVE_UP), "an answer that EspoCRM is not known to give"


def parse(answer: Answer) -> Json:  # the JSON boundary
    """Decode the body of a good answer; raises ValueError with what is wrong about it."""
    if not answer.body.strip():
        raise ValueError("an empty body")
    if answer.body.lstrip()[:1] == b"<":
        raise ValueError("a web page instead of JSON; `url` must be the address of EspoCRM itself")
    try:
        return msgspec.json.decode(answer.body)
    except msgspec.MsgspecError as error:
        raise ValueError(f"broken or cut off JSON ({error})") from error
