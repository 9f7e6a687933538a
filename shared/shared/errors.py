"""Every failure the stages know, grouped by who must act on it.

User: the request or the set-up is wrong and only its author can change it. Operator: an account,
a key or a limit must be changed. Provider: waiting or another provider helps. Model: the call
worked and the answer is not usable. A message names what is wrong, where it was looked for, and
what to do; secrets never enter one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from shared.messages import Reply


class StageError(Exception):
    """Root of the tree. `exit_code` is what a command ends with when nobody catches it."""

    exit_code: ClassVar[int] = 1


# --- the user must act -------------------------------------------------------------------------
class UserError(StageError):
    exit_code = 2


class UnknownModel(UserError): ...


class UnpricedModel(UserError): ...


class UnsupportedParameter(UserError): ...


class UnsupportedSchema(UserError): ...


class EmptyPrompt(UserError): ...


class PromptTooLong(UserError): ...


class BadSettings(UserError): ...


class MissingKey(UserError): ...


class MissingExtra(UserError): ...


class BudgetExceeded(UserError):
    """Refused before the call: it could cost more than is left."""


# --- a call to a provider failed ---------------------------------------------------------------
class CallError(StageError):
    """A call that reached for a provider and failed.

    `retryable`: the same call may work later. `retry_after_s`: the server's own wish in seconds.
    `partial`: what had arrived before it broke; its usage is spent money.
    """

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        retry_after_s: float | None = None,
        partial: Reply | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.partial = partial
        self.attempts = 1


# the user must act
class BadRequest(CallError, UserError):
    """400, 412, 422, 431 and the like: the server understood and refuses this request."""


class RequestTooLarge(CallError, UserError):
    """413, or a context window that is full."""


# the operator must act
class OperatorError(CallError):
    exit_code = 3


class KeyRejected(OperatorError):
    """401: the key is unknown, expired or malformed."""


class OutOfCredit(OperatorError):
    """402, or a 429 that says that money, not time, is what is missing."""


class PermissionDenied(OperatorError):
    """403: the key is good and may not do this."""


class ModelNotFound(OperatorError):
    """404: the server does not serve this model or path."""


# the provider must act
class ProviderError(CallError):
    exit_code = 4
    retryable = True


class RateLimited(ProviderError):
    """429: too much, too soon."""


class Overloaded(ProviderError):
    """503 and 529: too many others."""


class ServerFault(ProviderError):
    """500, 502 and every other 5xx."""


class Conflict(ProviderError):
    """409: another request was in the way."""


class CallTimedOut(ProviderError):
    """408, 504, or our own limit for one try."""


class ConnectionFailed(ProviderError):
    """Nothing there, name not found, connection closed before an answer."""


class StreamBroken(ProviderError):
    """The stream ended before its end marker; `partial` holds what had arrived."""


class ProtocolError(ProviderError):
    """An answer that is not of the API, such as a proxy's HTML page under status 200."""

    retryable = False


class DeadlineExceeded(ProviderError):
    """The time budget over all tries is used up, or the wished wait is longer than what is left."""

    retryable = False


# --- the model's answer is not usable ------------------------------------------------------------
class ModelError(StageError):
    """The call worked and was paid; `reply` holds its text and usage."""

    exit_code = 5

    def __init__(self, message: str, *, reply: Reply | None = None) -> None:
        super().__init__(message)
        self.reply = reply


class Refused(ModelError): ...


class Truncated(ModelError): ...


class InvalidOutput(ModelError):
    """Not JSON, or JSON that breaks the schema."""


# --- things on this machine ----------------------------------------------------------------------
class LocalError(StageError):
    exit_code = 6


class LedgerUnavailable(LocalError):
    """The file cannot be read or written now: locked, read-only, or not a database."""


class OfflineServerFailed(LocalError): ...


class DatabaseUnavailable(LocalError):
    """Down, refused us, went away, too old, or without pgvector."""
