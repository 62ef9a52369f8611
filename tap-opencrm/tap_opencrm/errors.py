"""What can go wrong when OpenCRM is asked, named by what the user can do about it."""

from __future__ import annotations

from typing import ClassVar

from singer_sdk.exceptions import ConfigurationError, DataError, FatalAPIError, RetriableAPIError


class SettingsError(ConfigurationError):
    """A setting is missing, unknown or wrong."""


class CallError(FatalAPIError):
    """A call that there is no point in repeating."""

    advice: ClassVar[str] = "Ask OpenCRM support if this goes on."

    def __init__(self, asked: str, answered: str) -> None:
        super().__init__(f"{asked}: {answered}. {self.advice}")


class RetriableCallError(RetriableAPIError):
    """A call that may succeed when it is repeated."""

    advice: ClassVar[str] = "Run again later."

    def __init__(self, asked: str, answered: str, retry_after: float | None = None) -> None:
        super().__init__(f"{asked}: {answered}. {self.advice}")
        self.retry_after = retry_after


class ForbiddenEndPointError(CallError):
    """The tap was about to call something that is not on its list of read end points."""

    advice = "tap-opencrm only reads; this is a bug, please report it."


class UnauthorizedError(CallError):
    """OpenCRM does not accept the credentials."""

    advice = (
        "Check api_key and pass_key, and that OpenCRM support has switched on API access for this system "
        "and this IP address."
    )


class BlockedError(CallError):
    """A firewall in front of OpenCRM refused the request."""

    advice = (
        "A firewall blocks user agents with `python` or `curl`, and IP addresses that are not allowed: "
        "check user_agent, and ask OpenCRM support to allow this IP address."
    )


class NotFoundError(CallError):
    """There is no such end point or system."""

    advice = (
        "Check system_name (or url); this OpenCRM may not have this module: leave it out with `entities`."
    )


class RefusedError(CallError):
    """OpenCRM answered with an error of its own."""

    advice = "The message is OpenCRM's own."


class RedirectError(CallError):
    """The server sent the tap somewhere else; keys are never carried to another address."""

    advice = "Check system_name (or url): redirects are not followed, because the keys would travel along."


class TLSError(CallError):
    """The connection is not secure."""

    advice = "The certificate must be valid and TLS 1.2 or newer; set ca_bundle for a private authority."


class UnreachableError(CallError):
    """The server could not be reached at all."""

    advice = "Check system_name (or url) and the network."


class WaitTooLongError(CallError):
    """The server wants the tap to wait longer than a run should take."""

    advice = "Run again later; what was not finished is read from its old bookmark then."


class QuotaError(CallError):
    """OpenCRM says that the requests of the subscription are used up."""

    advice = "The subscription limits the requests: run less often, or set a higher page_size."


class BudgetSpentError(CallError):
    """The requests allowed per day are used up."""

    advice = "What was not finished is read from its old bookmark next time; or raise daily_request_budget."


class NoConnectionError(RetriableCallError):
    """The server, which has answered before, cannot be reached any more."""

    advice = "Check the network."


class LostConnectionError(RetriableCallError):
    """The connection broke off while the server was answering."""

    advice = "Run again; a lower page_size or a higher timeout may help."


class TooManyRequestsError(RetriableCallError):
    """OpenCRM wants to be asked more slowly."""

    advice = "Set max_requests_per_second lower; the number of requests depends on the OpenCRM subscription."


class ServerError(RetriableCallError):
    """The server failed."""

    advice = "OpenCRM has a problem of its own; run again later."


class UnreadableError(RetriableCallError):
    """The answer is not what this end point gives."""

    advice = "This is never taken for an empty list; run again, and ask OpenCRM support if it stays so."


class IncompleteError(DataError):
    """A list did not hold as many records as OpenCRM counts."""


class UnstableListError(DataError):
    """The order of a list changes from page to page."""


class FilterIgnoredError(DataError):
    """OpenCRM gave something else than what it was asked for."""


class MissingIdError(DataError):
    """A record has no id, so nothing could be done with it."""


class PartialSyncError(DataError):
    """Some streams failed; the others are complete."""
