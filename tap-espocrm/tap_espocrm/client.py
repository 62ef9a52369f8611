"""Sends GET requests to EspoCRM: paced, retried by one policy, and never anything but GET."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from singer_sdk.exceptions import ConfigurationError, FatalAPIError, RetriableAPIError

from tap_espocrm.answers import (
    Answer,
    LoginRefusedError,
    Next,
    RefusedError,
    UnexpectedAnswerError,
    UnreachableError,
    judge,
    parse,
)
from tap_espocrm.auth import API_PATH, Authenticator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_espocrm.values import Json

logger = logging.getLogger("tap-espocrm.client")

#: EspoCRM's own count runs over 60 seconds; measured, an address was free again after 65.
THROTTLE_SECONDS = 66.0
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 300.0
CONNECT_SECONDS = 5.0
#: Until a server has answered once, a wrong address is likelier than a passing failure.
FIRST_CONTACT_RETRIES = 1


@dataclass(frozen=True)
class Connection:
    """Where EspoCRM is and how to treat it."""

    url: str
    timeout: float = 300.0
    user_agent: str = ""
    ca_bundle: str | None = None
    max_retries: int = 5
    max_requests_per_second: float | None = None
    connections: int = 10


def site_url(text: str) -> str:
    """Normalise the address of a site: without a trailing slash, without `/api/v1`, without credentials."""
    stripped = text.strip().partition("#")[0].rstrip("/").removesuffix(API_PATH).rstrip("/")
    parts = urlsplit(stripped)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(f"url must look like https://crm.example.com, but is {text!r}.")
    if "@" in parts.netloc:
        raise ConfigurationError("url must not hold a user name or password: use the settings for them.")
    return stripped


class Client:
    """The one way to the server; every thread of a run shares it."""

    def __init__(self, connection: Connection, authenticator: Authenticator) -> None:
        self.connection = connection
        self.base = site_url(connection.url) + API_PATH
        self.server_time: str | None = None
        self.requests_sent = 0
        self._has_answered = False
        self._authenticator = authenticator
        self._pace = _Pace(connection.max_requests_per_second)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._throttle_waits = 0
        self._login_generation = 0
        self._session = self._make_session()

    def get(
        self,
        path: str,
        parameters: Iterable[tuple[str, str]] = (),
        *,
        retries: int | None = None,
        with_total: bool = False,
    ) -> Json:
        """Ask for a path under `/api/v1`; counting costs, so lists come uncounted by default."""
        asked = _Question(path, tuple(parameters), with_total)
        limit = self.connection.max_retries if retries is None else retries
        attempt = 0
        while True:
            try:
                return self._ask(asked)
            except RetriableAPIError as error:
                attempt += 1
                if attempt > self._allowed(limit, error):
                    raise self._final(asked, error, attempt) from error
                wait = _retry_seconds(attempt, error)
                logger.warning(
                    "GET %s: %s. Trying again in %.1f s (%d of %d).", path, error, wait, attempt, limit
                )
                self._sleep(wait)

    def log_in(self) -> dict[str, Json]:
        """Read `App/user`: who we are, what we may read, and the token for a password."""
        found = self.get("App/user")
        if not isinstance(found, dict) or "acl" not in found:
            raise UnexpectedAnswerError("GET App/user: no `acl` in the answer; is `url` an EspoCRM site?")
        self._authenticator.learn(found.get("token"))
        return found

    def stop(self) -> None:
        """End all waiting: the run is over."""
        self._stop.set()

    def _make_session(self) -> requests.Session:
        session = requests.Session()
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=self.connection.connections)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        agent = self.connection.user_agent or f"tap-espocrm/{version('tap-espocrm')}"
        session.headers.update({"User-Agent": agent, "Accept": "application/json"})
        session.verify = _authorities(self.connection.ca_bundle)
        # A .netrc entry for the host would replace our own credentials.
        session.trust_env = False
        session.proxies = requests.utils.get_environ_proxies(self.base)
        return session

    def _ask(self, asked: _Question) -> Json:
        generation, waits = self._login_generation, self._throttle_waits
        answer = self._send(asked)
        after, why = judge(answer)
        if after is Next.USE:
            return self._parsed(answer)
        if after is Next.RETRY:
            raise _LaterError(why, _retry_after(answer))
        if after is Next.LOG_IN_AGAIN and self._renew(asked, generation):
            return self._ask(asked)
        if after is Next.WAIT_FOR_THROTTLE and self._wait_for_throttle(waits, why):
            return self._ask(asked)
        raise (RefusedError if after is Next.GIVE_UP else LoginRefusedError)(f"GET {asked.path}: {why}")

    def _parsed(self, answer: Answer) -> Json:
        try:
            found = parse(answer)
        except ValueError as error:
            raise RetriableAPIError(f"HTTP 200 with {error}") from error
        self._has_answered = True
        return found

    def _send(self, asked: _Question) -> Answer:
        self._pace.wait(self._sleep)
        if self._stop.is_set():
            raise FatalAPIError("The run was stopped.")
        try:
            response = self._session.get(
                f"{self.base}/{asked.path}",
                params=asked.parameters,
                headers={} if asked.with_total else {"X-No-Total": "true"},
                auth=self._authenticator,
                timeout=(min(CONNECT_SECONDS, self.connection.timeout), self.connection.timeout),
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise UnreachableError(f"{self.base}: TLS failed ({_short(error)}); see `ca_bundle`.") from error
        except requests.RequestException as error:
            raise RetriableAPIError(f"no answer ({_short(error)})") from error
        self._note(response)
        return Answer(response.status_code, response.headers, response.content)

    def _note(self, response: requests.Response) -> None:
        self.requests_sent += 1
        try:
            stamp = parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError):
            return
        self.server_time = stamp.strftime("%Y-%m-%d %H:%M:%S")

    def _renew(self, asked: _Question, generation: int) -> bool:
        """Log in again after a token died; tells whether to ask once more."""
        with self._lock:
            if self._login_generation != generation:
                return True
            if not self._authenticator.forget():
                return False
            self._login_generation += 1
        logger.info("The login token is no longer accepted: logging in again.")
        if asked.path != "App/user":
            self.log_in()
        return True

    def _wait_for_throttle(self, waits: int, why: str) -> bool:
        """Wait until EspoCRM forgets failed logins, once in a run; tells whether to ask again."""
        with self._lock:
            if self._throttle_waits != waits:
                return True
            if self._throttle_waits:
                return False
            logger.warning("HTTP 403 without a reason: %s. Waiting %.0f s, once.", why, THROTTLE_SECONDS)
            self._sleep(THROTTLE_SECONDS)
            self._throttle_waits += 1
        return True

    def _allowed(self, limit: int, error: Exception) -> int:
        is_known = self._has_answered or isinstance(error, _LaterError)
        return limit if is_known else min(limit, FIRST_CONTACT_RETRIES)

    def _final(self, asked: _Question, error: Exception, attempts: int) -> Exception:
        if self._has_answered or isinstance(error, _LaterError):
            return FatalAPIError(f"GET {asked.path}: {error}; gave up after {attempts} attempts.")
        return UnreachableError(f"No EspoCRM at {self.base}: {error}. Check `url` and that the server is up.")

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise FatalAPIError("The run was stopped.")


def _authorities(ca_bundle: str | None) -> str | bool:
    """Choose whom to trust; the variables are those that `requests` itself looks at."""
    chosen = ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if chosen and not Path(chosen).exists():
        raise ConfigurationError(f"ca_bundle: there is no {chosen}.")
    return chosen or True


@dataclass(frozen=True)
class _Question:
    path: str
    parameters: tuple[tuple[str, str], ...]
    with_total: bool = False


class _LaterError(RetriableAPIError):
    """Worth another attempt, perhaps not before the time the server names."""

    def __init__(self, message: str, seconds: float | None) -> None:
        super().__init__(message)
        self.seconds = seconds


class _Pace:
    """Keeps requests of all threads at least so far apart."""

    def __init__(self, per_second: float | None) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, sleep: Callable[[float], None]) -> None:
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._gap
        if at > now:
            sleep(at - now)


_spread = random.SystemRandom()


def _retry_seconds(attempt: int, error: Exception) -> float:
    named = error.seconds if isinstance(error, _LaterError) else None
    if named is not None:
        return min(named, LONGEST_RETRY_AFTER_SECONDS)
    wait = min(FIRST_RETRY_SECONDS * (1 << (attempt - 1)), LONGEST_RETRY_SECONDS)
    return wait * _spread.uniform(0.75, 1.25)


def _retry_after(answer: Answer) -> float | None:
    """Read `Retry-After`, in seconds or as a date."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _short(error: Exception) -> str:
    """Name the innermost cause of a failed connection, without the URL and its parameters."""
    cause: BaseException = error
    while True:
        inner = [a for a in (getattr(cause, "reason", None), *cause.args) if isinstance(a, BaseException)]
        if not inner:
            break
        cause = inner[-1]
    text = str(cause)
    return text.rpartition(": ")[2] if ": " in text else text or type(cause).__name__
