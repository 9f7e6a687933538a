"""Every failure as one class of our tree, on both wires and engines, blocking and streaming."""

import socket
from typing import Any

import pytest

from shared.errors import (
    BadRequest,
    CallError,
    CallTimedOut,
    Conflict,
    ConnectionFailed,
    KeyRejected,
    ModelNotFound,
    OperatorError,
    OutOfCredit,
    Overloaded,
    PermissionDenied,
    ProtocolError,
    ProviderError,
    RateLimited,
    RequestTooLarge,
    ServerFault,
    UnsupportedParameter,
    UserError,
)
from shared.messages import Request, user

ASK = Request(messages=(user("What is RRF?"),))
STATUSES: list[tuple[int, str | None, type[CallError]]] = [
    (400, None, BadRequest),
    (401, None, KeyRejected),
    (402, None, OutOfCredit),
    (403, None, PermissionDenied),
    (404, None, ModelNotFound),
    (408, None, CallTimedOut),
    (409, None, Conflict),
    (412, None, BadRequest),
    (413, None, RequestTooLarge),
    (418, None, BadRequest),
    (422, None, BadRequest),
    (429, None, RateLimited),
    (431, None, RequestTooLarge),
    (500, None, ServerFault),
    (502, None, ServerFault),
    (503, None, Overloaded),
    (504, None, CallTimedOut),
    (520, None, ServerFault),
    (529, None, Overloaded),
    # A 429 that no waiting cures
    (429, "insufficient_quota", OutOfCredit),
    (429, "billing_hard_limit_reached", OutOfCredit),
    (429, "enforced_spend_limit_reached", OutOfCredit),
    (429, "contract_spend_limit_reached", OutOfCredit),
    (429, "ramp_limit_exceeded", RateLimited),
    (400, "context_length_exceeded", RequestTooLarge),
]


async def test_status_and_code_to_our_error(bench: Any, mode: str) -> None:
    fault = {"kind": "status", "message": "Because of X."}
    script = [fault | {"status": s} | ({"code": code} if code else {}) for s, code, _ in STATUSES]
    bench.script(*script)
    errors = []
    async with bench.provider(tries=1) as provider:
        for _ in script:
            with pytest.raises(CallError, match=r"Because of X\.") as caught:
                await bench.ask(provider, ASK, mode)
            errors.append(caught.value)
    got = [(error.status, error.code, type(error)) for error in errors]
    wanted = [
        (s, code or e.code, kind) for (s, code, kind), e in zip(STATUSES, errors, strict=True)
    ]
    assert got == wanted
    log = await bench.finished(len(script))
    assert [error.request_id for error in errors] == [entry.request_id for entry in log]
    for error in errors:
        groups = (UserError, OperatorError, ProviderError)
        assert sum(isinstance(error, group) for group in groups) == 1
        assert error.retryable == isinstance(error, ProviderError)


async def test_a_bad_key(bench: Any, mode: str) -> None:
    bench.key = f"bad-{bench.key}"
    async with bench.provider() as provider:
        with pytest.raises(KeyRejected) as caught:
            await bench.ask(provider, ASK, mode)
    assert caught.value.status == 401
    assert bench.waits == []


async def test_a_key_that_the_server_echoes_is_taken_out(bench: Any, mode: str) -> None:
    message = f"Incorrect API key provided: {bench.key}, or sk-other-0123456789."
    bench.script({"kind": "status", "status": 401, "message": message})
    async with bench.provider() as provider:
        with pytest.raises(KeyRejected) as caught:
            await bench.ask(provider, ASK, mode)
    told = "".join(str(e) for e in (caught.value, caught.value.__cause__, *bench.records))
    assert "[key]" in told
    assert bench.key not in told
    assert "sk-other" not in told


async def test_an_html_page_under_200_is_no_answer(bench: Any, mode: str) -> None:
    bench.script({"kind": "html"})
    async with bench.provider() as provider:
        with pytest.raises(ProtocolError, match=r"text/html.*base URL"):
            await bench.ask(provider, ASK, mode)
    assert bench.waits == []


@pytest.mark.parametrize(
    "body",
    [{}, {"ok": True}, [], "just text", "", {"choices": [], "content": []}, {"content": "x"}],
    ids=str,
)
async def test_a_200_that_is_not_of_the_api(bench: Any, mode: str, body: Any) -> None:
    bench.script({"kind": "status", "status": 200, "body": body})
    async with bench.provider() as provider:
        with pytest.raises(ProtocolError):
            await bench.ask(provider, ASK, mode)


async def test_an_error_under_200_is_that_error(bench: Any) -> None:
    body = {"error": {"message": "Upstream is full.", "type": "overloaded_error", "code": 529}}
    bench.script({"kind": "status", "status": 200, "body": body})
    async with bench.provider(tries=1) as provider:
        with pytest.raises(Overloaded, match=r"Upstream is full\."):
            await provider.complete(ASK)


async def test_half_a_body_is_no_answer(bench: Any) -> None:
    bench.script({"kind": "cut", "how": "clean"}, {"kind": "cut", "how": "reset"})
    async with bench.provider(tries=1) as provider:
        with pytest.raises(ProtocolError):
            await provider.complete(ASK)
        with pytest.raises(ConnectionFailed):
            await provider.complete(ASK)


async def test_a_redirect_is_named_and_not_followed(bench: Any, mode: str) -> None:
    """Following it would hand the key to whoever answers there."""
    headers = {"location": "http://127.0.0.1:9/elsewhere"}
    bench.script({"kind": "status", "status": 308, "headers": headers})
    async with bench.provider() as provider:
        with pytest.raises(ProtocolError, match=r"redirected to http://127\.0\.0\.1:9/elsewhere"):
            await bench.ask(provider, ASK, mode)


async def test_nothing_listens_there(bench: Any, mode: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else gets it
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with bench.provider(base_url=address, tries=2) as provider:
            with pytest.raises(ConnectionFailed) as caught:
                await bench.ask(provider, ASK, mode)
    assert len(bench.waits) == 1
    assert caught.value.attempts == 2
    if bench.engine != "sdk":
        assert "127.0.0.1" in str(caught.value)


async def test_an_unknown_host(bench: Any, mode: str) -> None:
    """`.invalid` is reserved to never resolve (RFC 2606)."""
    async with bench.provider(base_url="http://nowhere.invalid", tries=1) as provider:
        with pytest.raises(ConnectionFailed):
            await bench.ask(provider, ASK, mode)


async def test_a_parameter_that_the_model_lacks_is_refused_before_the_call(
    bench: Any, mode: str
) -> None:
    request = Request(messages=ASK.messages, temperature=0.0)
    async with bench.provider() as provider:
        with pytest.raises(UnsupportedParameter, match="temperature"):
            await bench.ask(provider, request, mode)
    assert bench.server.log(bench.key) == []
    assert bench.records == []


async def test_a_key_that_no_header_can_hold_is_not_quoted(bench: Any, mode: str) -> None:
    bench.key = "key-abcdefgh\r\nx: 1"
    async with bench.provider() as provider:
        with pytest.raises(BadRequest) as caught:
            await bench.ask(provider, ASK, mode)
    assert "abcdefgh" not in f"{caught.value}{caught.value.__cause__}"


@pytest.mark.parametrize("text", ["half a \ud83e pair"])
async def test_a_text_that_is_no_unicode_is_a_bad_request(bench: Any, mode: str, text: str) -> None:
    """Such text comes from files and pipes in another encoding."""
    async with bench.provider() as provider:
        with pytest.raises(BadRequest, match="surrogates"):
            await bench.ask(provider, Request(messages=(user(text),)), mode)
    assert bench.server.log(bench.key) == []
    assert bench.waits == []
