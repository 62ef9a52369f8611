"""What OpenCRM answers: rows, counts and keys, or a named error; never an empty list by mistake. Pure."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import msgspec

from tap_opencrm.errors import (
    BlockedError,
    CallError,
    NotFoundError,
    QuotaError,
    RefusedError,
    RetriableCallError,
    ServerError,
    TooManyRequestsError,
    UnauthorizedError,
    UnreadableError,
)

_BY_STATUS: dict[int, type[CallError | RetriableCallError]] = {
    HTTPStatus.UNAUTHORIZED: UnauthorizedError,
    HTTPStatus.FORBIDDEN: BlockedError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.REQUEST_TIMEOUT: ServerError,
    HTTPStatus.TOO_MANY_REQUESTS: TooManyRequestsError,
}
# Only the first of these wordings is known.
_BY_MESSAGE: dict[str, type[CallError]] = {
    "unauthori[sz]ed": UnauthorizedError,
    "quota|exceeded|too many requests|rate limit|request limit": QuotaError,
}
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def status_error(status: int) -> type[CallError | RetriableCallError]:
    """Return the error that an HTTP status stands for."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerError
    return _BY_STATUS.get(status, RefusedError)


def decode(asked: str, content: bytes) -> Any:  # noqa: ANN401 # the JSON boundary
    """Return the JSON of an answer, None for an empty one.

    Raises:
        UnreadableError: if the answer is not JSON.
        UnauthorizedError: if it says that the credentials are wrong.
        RefusedError: if it is any other error of OpenCRM's.
    """
    text = content.removeprefix(BOM_UTF8).strip()  # PHP files saved with a mark send it along
    if not text:
        return None
    try:
        body = _decode(text)
    except (ValueError, RecursionError):
        raise UnreadableError(asked, f"the answer is not JSON but {_excerpt(text)}") from None
    if isinstance(body, dict) and "error" in body and not {"id", "crmid", "record_id"} & body.keys():
        raise _refusal(asked, str(body["error"]))
    return body


def _decode(text: bytes) -> Any:  # noqa: ANN401 # the JSON boundary
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The standard library accepts lone surrogates; no message could carry them: they become U+FFFD.
        loose = json.loads(text.decode("utf-8", errors="replace"), parse_constant=_refuse)
        return json.loads(
            json.dumps(loose, ensure_ascii=False)
            .encode("utf-16", "surrogatepass")
            .decode("utf-16", "replace")
        )


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _refusal(asked: str, message: str) -> CallError:
    kinds = [kind for mark, kind in _BY_MESSAGE.items() if re.search(mark, message, re.IGNORECASE)]
    return (kinds or [RefusedError])[0](asked, f'OpenCRM answered "{message}"')


def _excerpt(text: bytes) -> str:
    if text[:1] == b"<":
        return "an HTML page"
    return repr(text[:60].decode("utf-8", errors="replace"))


def rows(asked: str, body: Any) -> list[dict[str, Any]]:  # noqa: ANN401 # the JSON boundary
    """Return the rows of a list; whether "no rows" is believable is for the caller to check."""
    if body in (None, "", False):
        return []
    if isinstance(body, dict):
        # A lone row may come without its list; PHP makes an object of a list with gaps.
        is_row = not all(isinstance(value, dict) for value in body.values())
        body = [body] if is_row else list(body.values())
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise UnreadableError(asked, f"expected a list of records, got {_excerpt(str(body).encode())}")
    return body


def count(asked: str, body: Any) -> int:  # noqa: ANN401 # the JSON boundary
    """Return a count, which may come as a number, as text, or as text with quotes of its own."""
    text = str(body).strip().strip('"').strip()
    if isinstance(body, bool) or not (text.isascii() and text.isdigit()):
        raise UnreadableError(asked, f"expected a number, got {_excerpt(str(body).encode())}")
    return int(text)


def access_key(asked: str, body: Any) -> str:  # noqa: ANN401 # the JSON boundary
    """Return the access key, which is a bare string, or an object that holds it."""
    key = body.get("accesskey") if isinstance(body, dict) else body
    if not isinstance(key, str) or not key:
        raise UnreadableError(asked, "expected an access key, got something else")
    return key


def record(asked: str, body: Any) -> dict[str, Any]:  # noqa: ANN401 # the JSON boundary
    """Return one record; empty if OpenCRM says that there is none."""
    found = rows(asked, body)
    return found[0] if found else {}
