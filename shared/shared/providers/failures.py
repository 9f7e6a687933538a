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
    """The error for an answer of status 400 or above. `headers` have lower-case names."""
    error = _error_object(body)
    kind = _kind(status, error)
    message = str(error.get("message") or body.strip()[:200] or "no message")
    return kind(
        f"HTTP {status}: {KEY.sub('[key]', message)}",
        status=status,
        code=_code(error),
        request_id=headers.get("request-id") or headers.get("x-request-id") or "",
        retry_after_s=retry_after_s(headers),
    )


def from_error_event(error: Mapping[str, Any]) -> CallError:
    """The error for an error event inside a stream, which has no status of its own."""
    kind = BY_CODE.get(_code(error)) or BY_TYPE.get(str(error.get("type") or "")) or ServerFault
    message = str(error.get("message") or error.get("type") or "no message")
    return kind(f"error in the stream: {KEY.sub('[key]', message)}", code=_code(error))


def not_the_api(content_type: str, body: str) -> ProtocolError:
    """A 200 whose body is not of the API, such as the page of a proxy."""
    start = " ".join(body.split())[:80]
    return ProtocolError(
        f"the answer is {content_type or 'of no stated type'}, not the API's ({start!r}): "
        "check the base URL and any proxy in between"
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after` (a number or a date); None when unusable."""
    from datetime import UTC, datetime

    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        return seconds if 0 < seconds < float("inf") else None
    try:
        wanted = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    aware = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _kind(status: int, error: Mapping[str, Any]) -> type[CallError]:
    known = BY_CODE.get(_code(error)) or BY_STATUS.get(status)
    if known:
        return known
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
