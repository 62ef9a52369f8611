"""How OpenCRM is asked: one call becomes one request, is repeated where that helps, and judged."""

from __future__ import annotations

import random
from abc import abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import backoff
from singer_sdk import RESTStream
from singer_sdk.exceptions import RetriableAPIError
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage
from singer_sdk.streams.rest import HTTPRequest, PageContext
from typing_extensions import override

from tap_opencrm import answers
from tap_opencrm.connection import server_time
from tap_opencrm.errors import RefusedError, UnauthorizedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    import requests
    from backoff.types import Details
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, RequestFunc

    from tap_opencrm.auth import Credentials
    from tap_opencrm.connection import Connection
    from tap_opencrm.paging import Window
    from tap_opencrm.records import Row

# Documented only as path pairs; `c` is PHP's name for ISO 8601.
ISO_DATES = "/dateTimeOverride/c/dateOverride/c"
_LONGEST_PAUSE = 60.0
_FIRST_PAUSE = 0.5


@dataclass(frozen=True)
class Call:
    """One end point with its parameters."""

    end_point: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back, and when by the server's clock."""

    body: Any
    at: datetime


class OpenCRMStream(RESTStream[Call]):
    """A stream that asks OpenCRM; knows calls, not records."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # values are made to conform as they are read
    payload_as_json = False

    def __init__(self, tap: Tap, name: str, connection: Connection) -> None:
        self.connection = connection
        super().__init__(tap, name=name, path="", http_method="POST")

    @property
    @override
    def url_base(self) -> str:
        return self.connection.url_base

    @property
    @override
    def authenticator(self) -> Credentials:
        return self.connection.credentials

    @property
    @override
    def requests_session(self) -> requests.Session:
        return self.connection.session

    @override
    def get_http_request(self, *, page: PageContext[Call]) -> HTTPRequest:
        call = page.next_page_token or Call("")
        return HTTPRequest(
            url=f"{self.url_base}{call.end_point}{ISO_DATES}{self._user_names}",
            method=self.http_method,
            data=call.parameters,
        )

    @cached_property
    def _user_names(self) -> str:
        """The fields whose user ids are to come as user names."""
        fields = ",".join(self.config["change_assignedidtouser"])
        return f"/change_assignedidtouser/{quote(fields, safe=',')}" if fields else ""

    def ask(self, call: Call) -> Answer:
        """Return the answer to a call, after as many tries as it takes."""
        return self._patiently(call)

    @cached_property
    def _patiently(self) -> Callable[[Call], Answer]:
        return self.request_decorator(self._exchange)  # type: ignore[arg-type,return-value] # only wraps it

    def _exchange(self, call: Call) -> Answer:
        request = self._prepared(call)
        try:
            return self._answer(call, request)
        except UnauthorizedError:
            if not self.authenticator.has_another_way(request):
                raise
        return self._answer(call, self._prepared(call))

    def _prepared(self, call: Call) -> requests.PreparedRequest:
        asked = self.get_http_request(page=PageContext(stream_context=None, next_page_token=call))
        return self.build_prepared_request(
            method=asked.method, url=asked.url, headers=asked.headers, data=asked.data
        )

    def _answer(self, call: Call, request: requests.PreparedRequest) -> Answer:
        response = self.connection.send(request)
        body = answers.decode(call.end_point, response.content)
        self.connection.has_read = True
        return Answer(body, server_time(response) or datetime.now(UTC))

    def ask_count(self, end_point: str, condition: str = "") -> tuple[int | None, datetime]:
        """Return how many records there are, None where OpenCRM will not say, and the server's time."""
        try:
            answer = self.ask(Call(end_point, {"query_string": condition} if condition else {}))
        except RefusedError as error:
            self.logger.warning("%s: cannot check that the list is complete (%s)", self.name, error)
            return None, datetime.now(UTC)
        return answers.count(end_point, answer.body), answer.at

    def ask_rows(self, end_point: str, window: Window, condition: str = "") -> list[Row]:
        """Return the rows in one window of a list."""
        parameters = {"limit_start": str(window.start), "limit_end": str(window.end)}
        if condition:
            parameters["query_string"] = condition
        return answers.rows(end_point, self.ask(Call(end_point, parameters)).body)

    def ask_record(self, end_point: str, record_id: str) -> Row:
        """Return one record with everything it holds."""
        return answers.record(end_point, self.ask(Call(end_point, {"crmid": record_id})).body)

    @override
    def request_decorator(self, func: RequestFunc) -> RequestFunc:
        """Repeat what failed in passing; the SDK would log the last failure, which is raised anyway."""
        repeat = backoff.on_exception(
            self.backoff_wait_generator,
            RetriableAPIError,
            max_tries=self.backoff_max_tries,
            on_backoff=self.backoff_handler,
            jitter=self.backoff_jitter,
            logger=None,
        )
        return repeat(func)

    @override
    def backoff_max_tries(self) -> int:
        return int(self.config["max_retries"]) + 1

    @override
    def backoff_wait_generator(self) -> Generator[float, Any, None]:
        error = yield  # type: ignore[misc] # backoff starts a wait generator with None
        for tries in count():
            wanted = getattr(error, "retry_after", None)
            error = yield min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tries) if wanted is None else wanted

    @override
    def backoff_jitter(self, value: float) -> float:
        return value * random.uniform(1.0, 1.5)  # noqa: S311 # spreads load, guards nothing

    @override
    def backoff_handler(self, details: Details) -> None:
        self.logger.warning("%s Trying again in %.1f s.", details.get("exception"), details.get("wait", 0))

    @override
    def _generate_record_messages(self, record: Row) -> Generator[RecordMessage, None, None]:
        """Spare a record the walk over its fields, a third of all work, where every field is selected."""
        if not self._selects_all:
            yield from super()._generate_record_messages(record)
            return
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
                yield RecordMessage(stream_map.stream_alias, mapped, self._stream_version, datetime.now(UTC))

    @cached_property
    def _selects_all(self) -> bool:
        return all(self.mask.values())

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Row]:
        return answers.rows(self.name, answers.decode(self.name, response.content))

    @abstractmethod
    @override
    def get_records(self, context: Context | None) -> Iterable[Row]: ...
