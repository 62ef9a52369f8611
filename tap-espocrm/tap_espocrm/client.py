"""Sends GET requests to EspoCRM: paced, retried by one policy, and never anything but GET."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError, SingerSDKError

from tap_espocrm.answers import (
    Answer,
    LoginRefusedError,
    Next,
    RefusedError,
    TooLongError,
    UnexpectedAnswerError,
    UnreachableError,
    judge,
    parse,
)
from tap_espocrm.auth import API_PATH
from tap_espocrm.connection import innermost_cause, open_session, site_url, warn_of_clear_text
from tap_espocrm.patience import LaterError, Pace, retry_after, retry_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_espocrm.auth import Authenticator
    from tap_espocrm.connection import Connection
    from tap_espocrm.values import Json

logger = logging.getLogger("tap-espocrm.client")

#: EspoCRM's own count runs over 60 seconds; measured, an address was free again after 65.
THROTTLE_SECONDS = 66.0
CONNECT_SECONDS = 5.0
#: Until a server has answered once, a wrong address is likelier than a passing failure.
FIRST_CONTACT_RETRIES = 1

_ERRORS: dict[Next, type[SingerSDKError]] = {
    Next.GIVE_UP: RefusedError,
    Next.ASK_SHORTER: TooLongError,
    Next.STOP_EVERYTHING: UnreachableError,
}


class Client:
    """The one way to the server; every thread of a run shares it."""

    def __init__(self, connection: Connection, authenticator: Authenticator) -> None:
        self.connection = connection
        self.base = site_url(connection.url) + API_PATH
        warn_of_clear_text(self.base)
        self.server_time: str | None = None
        self.requests_sent = 0
        self._has_answered = False
        self._authenticator = authenticator
        self._pace = Pace(connection.max_requests_per_second)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._throttle_waits = 0
        self._login_generation = 0
        self._session = open_session(connection)

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
                self._wait_to_retry(path, error, attempt)

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

    def _ask(self, asked: _Question) -> Json:
        generation, waits = self._login_generation, self._throttle_waits
        answer = self._send(asked)
        after, why = judge(answer)
        if after is Next.USE:
            return self._parsed(answer)
        if after is Next.RETRY:
            raise LaterError(why, retry_after(answer.headers.get("Retry-After", "").strip()))
        if after is Next.LOG_IN_AGAIN and self._renew(asked, generation):
            return self._ask(asked)
        if after is Next.WAIT_FOR_THROTTLE and self._wait_for_throttle(waits, why):
            return self._ask(asked)
        raise _ERRORS.get(after, LoginRefusedError)(f"GET {asked.path}: {why}")

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
            raise UnreachableError(
                f"{self.base}: TLS failed ({innermost_cause(error)}); see `ca_bundle`."
            ) from error
        except requests.RequestException as error:
            raise RetriableAPIError(f"no answer ({innermost_cause(error)})") from error
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

    def _wait_to_retry(self, path: str, error: Exception, attempt: int) -> None:
        wait = retry_seconds(attempt, error)
        level = logging.WARNING if self._has_answered else logging.DEBUG
        logger.log(level, "GET %s: %s. Trying again in %.1f s.", path, error, wait)
        self._sleep(wait)

    def _allowed(self, limit: int, error: Exception) -> int:
        is_known = self._has_answered or isinstance(error, LaterError)
        return limit if is_known else min(limit, FIRST_CONTACT_RETRIES)

    def _final(self, asked: _Question, error: Exception, attempts: int) -> Exception:
        if self._has_answered or isinstance(error, LaterError):
            return FatalAPIError(f"GET {asked.path}: {error}; gave up after {attempts} attempts.")
        return UnreachableError(f"No EspoCRM at {self.base}: {error}. Check `url` and that the server is up.")

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise FatalAPIError("The run was stopped.")


@dataclass(frozen=True)
class _Question:
    path: str
    parameters: tuple[tuple[str, str], ...]
    with_total: bool = False
