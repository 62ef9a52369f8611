"""What one run knows of all its streams: who failed, who stopped it, and which ids are alive."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_opencrm.errors import (
    BlockedError,
    BudgetSpentError,
    NoConnectionError,
    PartialSyncError,
    QuotaError,
    RedirectError,
    TLSError,
    UnauthorizedError,
    UnreachableError,
    WaitTooLongError,
)

if TYPE_CHECKING:
    from singer_sdk.exceptions import SyncError

    from tap_opencrm.ids import Ids

_logger = logging.getLogger("tap-opencrm")

# These would befall the next stream just the same.
_STOPS_ALL = (
    BudgetSpentError,
    NoConnectionError,
    QuotaError,
    RedirectError,
    TLSError,
    UnreachableError,
    WaitTooLongError,
)
_STOPS_ALL_AT_FIRST = (BlockedError, UnauthorizedError)


@dataclass
class Run:
    """The outcome of a run, stream by stream."""

    failures: dict[str, SyncError] = field(default_factory=dict)
    stopped_by: SyncError | None = None
    live: dict[str, Ids] = field(default_factory=dict)

    @staticmethod
    def is_hopeless(error: SyncError, *, is_first: bool) -> bool:
        """Tell whether an error would befall all streams; more of them do if it is the first answer."""
        return isinstance(error, _STOPS_ALL) or (is_first and isinstance(error, _STOPS_ALL_AT_FIRST))

    def fail(self, stream: str, error: SyncError, *, is_first: bool) -> None:
        """Remember that a stream failed, and stop the run if that is hopeless."""
        self.failures[stream] = error
        if self.is_hopeless(error, is_first=is_first):
            self.stopped_by = error
        else:
            _logger.error("%s: %s", stream, error)

    def conclude(self) -> None:
        """Raise the error that stopped the run, or else say which streams are not complete."""
        if self.stopped_by:
            raise self.stopped_by
        if self.failures:
            names = ", ".join(sorted(self.failures))
            raise PartialSyncError(f"not complete: {names}; all other streams are. The errors are above.")
