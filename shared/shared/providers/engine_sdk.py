"""The official SDKs as engines: they move the bytes, `provider` retries and keeps the time.

Each SDK is imported when its engine is made, since that costs up to two seconds. Their own retries
are off: one obeys a `retry-after` of a day, the other gives up above 120 s. Replies are taken as
plain JSON, since neither SDK validates them and `parse()` loses the usage of a truncated one.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from shared.errors import (
    BadRequest,
    CallError,
    CallTimedOut,
    ConnectionFailed,
    KeyRejected,
    ProtocolError,
    StreamBroken,
)
from shared.providers.failures import from_error_event, from_status, not_the_api
from shared.providers.transports import bad_proxy, is_local
from shared.providers.wires import Answered, Headers, Json, Opened

NO_LIMIT_S = 3600.0  # `provider` ends a call long before

# Exceptions that carry no HTTP answer, by class name, looked up along the class's own ancestors.
# Those with an answer go by their status; tests/shared lists every class of both SDKs.
WITHOUT_ANSWER: dict[str, type[CallError]] = {
    "APITimeoutError": CallTimedOut,
    "APIConnectionError": ConnectionFailed,
    "APIResponseValidationError": ProtocolError,
    "APIWebhookValidationError": ProtocolError,
    "InvalidWebhookSignatureError": ProtocolError,
    "WebSocketConnectionClosedError": StreamBroken,
    "WebSocketQueueFullError": StreamBroken,
    "LengthFinishReasonError": ProtocolError,
    "ContentFilterFinishReasonError": ProtocolError,
    "CredentialsError": KeyRejected,
    "WorkloadIdentityError": KeyRejected,
    "SubjectTokenProviderError": KeyRejected,
    "MutuallyExclusiveAuthError": KeyRejected,
    "RetryableError": ConnectionFailed,
    "StreamAlreadyConsumed": StreamBroken,
    # parts of the SDKs that this engine does not call
    "_AmbiguousModuleClientUsageError": BadRequest,
    "APIRemovedInV1": BadRequest,
    "MissingDependencyError": BadRequest,
    "ToolsetUsageError": BadRequest,
    "AgentFilePreparationError": BadRequest,
    "AgentFileStagingError": BadRequest,
    "AgentOutputParseError": ProtocolError,
    "AgentTurnResultError": ProtocolError,
    # the roots: only what is raised as such, since tests/shared wants a row for each subclass
    "APIError": ProtocolError,
    "AnthropicError": BadRequest,
    "OpenAIError": BadRequest,
}


class SdkEngine:
    """`create` is the SDK's own method; `accepted` are its named parameters."""

    def __init__(self, client: Any, create: Any, root_error: type[Exception]) -> None:
        self._client = client
        self._create = create
        self._root_error = root_error
        self._accepted = set(inspect.signature(create.create).parameters)

    async def post(self, body: Json) -> Answered:
        with self._errors():
            raw = await self._create.with_raw_response.create(**self._arguments(body))
            headers = _lower(raw.headers)
            parsed = raw.parse()
            value = await parsed if inspect.isawaitable(parsed) else parsed
        return Answered(_as_json(value, headers), headers)

    @asynccontextmanager
    async def stream(self, body: Json) -> AsyncIterator[Opened]:
        with self._errors():
            stream = await self._create.create(**self._arguments(body))
        try:
            headers = _lower(stream.response.headers)
            if "text/event-stream" not in headers.get("content-type", "").lower():
                raise not_the_api(headers.get("content-type", ""), "")
            yield Opened(headers, self._events(stream))
        finally:
            await stream.close()

    async def _events(self, stream: Any) -> AsyncIterator[Json]:
        try:
            with self._errors():
                async for event in stream:
                    yield event.to_dict(mode="json", warnings=False)
        except (ConnectionFailed, ProtocolError) as error:
            raise StreamBroken(f"the stream broke in the middle: {error}") from error

    async def aclose(self) -> None:
        await self._client.close()

    def _arguments(self, body: Json) -> Json:
        """Named parameters by name, anything newer or older than the SDK through `extra_body`."""
        named = {key: value for key, value in body.items() if key in self._accepted}
        extra = {key: value for key, value in body.items() if key not in self._accepted}
        return named | ({"extra_body": extra} if extra else {})

    @contextmanager
    def _errors(self) -> Iterator[None]:
        import httpx2

        try:
            yield
        except self._root_error as error:
            raise from_sdk(error) from None  # its text repeats the whole body of the answer
        except httpx2.HTTPError as error:  # anthropic lets these through once a stream is open
            raise StreamBroken(f"the connection broke in the middle: {error}") from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ProtocolError(f"the answer is not JSON: {error}") from error
        except ValueError as error:  # half a surrogate pair, or a number that JSON has not
            raise BadRequest(f"the SDK cannot write the request: {error}") from error
        except (AttributeError, TypeError, KeyError, IndexError, RecursionError) as error:
            raise ProtocolError(f"the SDK could not read the answer: {error!r}") from error


def anthropic_engine(base_url: str, key: str) -> SdkEngine:
    import anthropic

    client = anthropic.AsyncAnthropic(
        base_url=base_url,
        api_key=key,
        max_retries=0,
        timeout=NO_LIMIT_S,
        open_telemetry=False,  # `tracing` writes the one span of a call
        http_client=_http_client(base_url, anthropic.DefaultAsyncHttpxClient),
    )
    return SdkEngine(client, client.messages, anthropic.AnthropicError)


def openai_engine(base_url: str, key: str) -> SdkEngine:
    import openai

    client = openai.AsyncOpenAI(
        base_url=base_url,
        api_key=key,
        max_retries=0,
        timeout=NO_LIMIT_S,
        http_client=_http_client(base_url, openai.DefaultAsyncHttpxClient),
    )
    return SdkEngine(client, client.chat.completions, openai.OpenAIError)


def from_sdk(error: Exception) -> CallError:
    """Our error for any exception of either SDK."""
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None)
    if response is not None and status is not None:
        body = getattr(error, "body", None)
        if status >= 300:
            text = json.dumps(body) if isinstance(body, dict) else _text(response)
            return from_status(status, _lower(response.headers), _wrapped(text))
        return from_error_event(_inner(body))
    body = getattr(error, "body", None)
    if body:
        return from_error_event(_inner(body))
    return _without_answer(error)


def _without_answer(error: Exception) -> CallError:
    import httpx2

    cause = error.__cause__
    if isinstance(
        cause, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError | httpx2.InvalidURL
    ):
        # its text can hold the key: it quotes a header it refuses
        return BadRequest(f"no request could be made ({type(cause).__name__})")
    kind = sdk_error_kind(type(error))
    return kind(f"{type(error).__name__}: {error}" + (f" ({cause})" if cause else ""))


def sdk_error_kind(sdk_class: type[BaseException]) -> type[CallError]:
    """Our class for an SDK exception that carries no HTTP answer."""
    for ancestor in sdk_class.__mro__:
        if kind := WITHOUT_ANSWER.get(ancestor.__name__):
            return kind
    raise LookupError(f"{sdk_class.__name__} is in no row of WITHOUT_ANSWER")


def _http_client(base_url: str, default: Callable[..., Any]) -> Any:
    """The SDK's own client; local calls go through no proxy, and no call to another address."""
    try:
        return default(
            base_url=base_url,
            trust_env=not is_local(base_url),
            follow_redirects=False,
            verify=base_url.startswith("https"),  # building a TLS context takes 80 ms
        )
    except (ImportError, ValueError) as error:
        raise bad_proxy(error) from error


def _inner(body: Any) -> Any:
    """The error itself, with or without the envelope: one SDK unwraps it, the other does not."""
    return body.get("error", body) if isinstance(body, dict) else body or {}


def _wrapped(text: str) -> str:
    """openai hands over the inner error object; put it back into its envelope."""
    try:
        body = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(body, dict) and "error" in body else json.dumps({"error": body})


def _text(response: Any) -> str:
    import httpx2

    try:
        return str(response.text)
    except httpx2.ResponseNotRead:
        return ""


def _as_json(value: Any, headers: Headers) -> Json:
    """A model object as JSON; an HTML page comes back from both SDKs as a plain `str`."""
    if not hasattr(value, "to_dict"):
        raise not_the_api(headers.get("content-type", ""), str(value))
    payload: Json = value.to_dict(mode="json", warnings=False)
    return payload


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
