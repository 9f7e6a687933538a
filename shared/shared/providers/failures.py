"""A server's status, type and code to our error tree, for both wire formats and both engines.

The body's type and code win over the status where they say more: a 429 that means "no money left"
is not worth a retry. Messages come from servers, so keys that they echo are taken out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from shared.errors import (
    BadRequest,
    CallError,
    CallTimedOut,
    Conflict,
    KeyRejected,
    ModelNotFound,
    OutOfCredit,
    Overloaded,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    RequestTooLarge,
    ServerFault,
)

BY_STATUS: dict[int, type[CallError]] = {
    400: BadRequest,
    401: KeyRejected,
    402: OutOfCredit,
    403: PermissionDenied,
    404: ModelNotFound,
    408: CallTimedOut,
    409: Conflict,
    412: BadRequest,
    413: RequestTooLarge,
    422: BadRequest,
    429: RateLimited,
    431: RequestTooLarge,
    499: CallTimedOut,
    501: BadRequest,
    503: Overloaded,
    504: CallTimedOut,
    529: Overloaded,
}
BY_TYPE: dict[str, type[CallError]] = {
    "invalid_request_error": BadRequest,
    "authentication_error": KeyRejected,
    "billing_error": OutOfCredit,
    "permission_error": PermissionDenied,
    "not_found_error": ModelNotFound,
    "request_too_large": RequestTooLarge,
    "rate_limit_error": RateLimited,
    "timeout_error": CallTimedOut,
    "api_error": ServerFault,
    "server_error": ServerFault,
    "overloaded_error": Overloaded,
    "conflict_error": Conflict,
}
BY_CODE: dict[str, type[CallError]] = {
    "insufficient_quota": OutOfCredit,
    "billing_hard_limit_reached": OutOfCredit,
    "enforced_spend_limit_reached": OutOfCredit,
    "contract_spend_limit_reached": OutOfCredit,
    "context_length_exceeded": RequestTooLarge,
    "rate_limit_exceeded": RateLimited,
}
KEY = re.compile(r"\b(sk-[\w-]{6,}|Bearer\s+[\w.-]{6,})")


def from_status(status: int, headers: Mapping[str, str], body: str) -> CallError:
    """The error for an answer of status 300 or above. `headers` have lower-case names."""
    error = _error_object(body)
    kind = _kind(status, error)
    message = str(error.get("message") or body.strip()[:200] or "no message")
    if status < 400:
        message = f"redirected to {headers.get('location', '?')}: is the base URL right?"
    return kind(
        f"HTTP {status}: {KEY.sub('[key]', message)}",
        status=status,
        code=_code(error),
        request_id=headers.get("request-id") or headers.get("x-request-id") or "",
        retry_after_s=retry_after_s(headers),
    )


def from_error_event(error: Any) -> CallError:
    """The error for an error inside a 200: an object, or from some servers a mere sentence."""
    if not isinstance(error, Mapping):
        error = {"message": error}
    code, type_ = _code(error), str(error.get("type") or "")
    kind = BY_CODE.get(code) or BY_TYPE.get(type_) or _by_number(code) or ServerFault
    message = str(error.get("message") or type_ or "no message")
    return kind(f"error instead of an answer: {KEY.sub('[key]', message)}", code=code)


def _by_number(code: str) -> type[CallError] | None:
    """Some servers put the HTTP status into the code."""
    return _kind(int(code), {}) if code.isascii() and code.isdigit() and len(code) == 3 else None


def not_the_api(content_type: str, body: str) -> ProtocolError:
    """A 200 whose body is not of the API, such as the page of a proxy."""
    start = " ".join(body.split())[:80]
    return ProtocolError(
        f"the answer is {content_type or 'of no stated type'}, not the API's ({start!r}): "
        "check the base URL and any proxy in between"
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after` (a number or a date); None when unusable."""
    in_ms, plain = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    for seconds in (_number(in_ms) / 1000, _number(plain), _until(plain)):
        if 0 < seconds < float("inf"):
            return seconds
    return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _until(date: str) -> float:
    from datetime import UTC, datetime

    try:
        wanted = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return 0.0
    aware = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    return (aware - datetime.now(UTC)).total_seconds()


def _kind(status: int, error: Mapping[str, Any]) -> type[CallError]:
    known = BY_CODE.get(_code(error)) or BY_STATUS.get(status)
    if known:
        return known
    if status < 400:
        return ProtocolError
    by_type = BY_TYPE.get(str(error.get("type") or ""))
    return by_type or (ServerFault if status >= 500 else BadRequest)


def _code(error: Mapping[str, Any]) -> str:
    details = error.get("details")
    nested = details.get("error_code") if isinstance(details, dict) else None
    return str(nested or error.get("code") or "")


def _error_object(body: str) -> Mapping[str, Any]:
    try:
        payload = json.loads(body)
    except ValueError:
        return {}
    error = payload.get("error") if isinstance(payload, dict) else None
    return error if isinstance(error, dict) else {"message": error} if error else {}
