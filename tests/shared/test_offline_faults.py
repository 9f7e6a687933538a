"""Each scripted fault and what the unmodified SDKs make of it, retries switched off."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pydantic
import pytest

from shared.messages import Request
from shared.offline.answer import Answer
from shared.offline.faults import KINDS
from shared.offline.server import LocalServer

MODEL = "offline-small"
HI = [{"role": "user", "content": "hi"}]
TEXT = "One two three four five six seven eight."
ASKED: dict[str, Any] = {"model": MODEL, "max_tokens": 99, "messages": HI}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


class City(pydantic.BaseModel):
    city: str
    people: int


def think(request: Request, size: str, embedder: object) -> Answer:
    return Answer('{"city": "Oslo", "people": 700000}' if request.output else TEXT)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(think=think) as server:
        yield server


@pytest.fixture
def claude(server: LocalServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.base_url, api_key="a", max_retries=0) as client:
        yield client


@pytest.fixture
def gpt(server: LocalServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.openai_base_url, api_key="o", max_retries=0) as client:
        yield client


def chat_text(chunks: list[Any]) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


# --- error statuses ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (413, anthropic.ContentTooLargeError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (503, anthropic.ServiceUnavailableError),
        (504, anthropic.GatewayTimeoutError),
        (529, anthropic.OverloadedError),
    ],
)
def test_messages_status(
    server: LocalServer, claude: anthropic.Anthropic, status: int, kind: type[Exception]
) -> None:
    server.script("a", [{"kind": "status", "status": status, "headers": {"retry-after": "7"}}])
    with pytest.raises(kind) as error:
        claude.messages.create(**ASKED)
    assert error.value.response.headers["retry-after"] == "7"
    assert error.value.request_id.startswith("req_")
    assert claude.messages.create(**ASKED).content[0].text == TEXT


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (402, openai.APIStatusError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
def test_chat_status(
    server: LocalServer, gpt: openai.OpenAI, status: int, kind: type[Exception]
) -> None:
    server.script("o", [{"kind": "status", "status": status, "code": "because"}])
    with pytest.raises(kind) as error:
        gpt.chat.completions.create(model=MODEL, messages=HI)
    assert (error.value.status_code, error.value.code) == (status, "because")


def test_the_sdk_retries_and_the_log_shows_it(server: LocalServer) -> None:
    server.script("r", [{"kind": "status", "status": 429, "headers": {"retry-after-ms": "5"}}])
    with anthropic.Anthropic(base_url=server.base_url, api_key="r", max_retries=2) as client:
        assert client.messages.create(**ASKED).content[0].text == TEXT
    seen = server.log("r")
    assert [(e.status, e.retry_count, e.faults) for e in seen] == [
        (429, 0, ["status"]),
        (200, 1, []),
    ]


def test_a_specific_error_code(server: LocalServer, claude: anthropic.Anthropic) -> None:
    code = "enforced_spend_limit_reached"
    server.script("a", [{"kind": "status", "status": 429, "code": code}])
    with pytest.raises(anthropic.EnforcedSpendLimitReachedError):
        claude.messages.create(**ASKED)


def test_html_page_and_broken_json(
    server: LocalServer, claude: anthropic.Anthropic, gpt: openai.OpenAI
) -> None:
    broken = {"kind": "status", "status": 200, "body": "{not", "headers": {}}
    broken["headers"] = {"content-type": "application/json"}
    for key in "ao":
        server.script(key, [{"kind": "html"}, broken])
    assert "<h1>" in str(claude.messages.create(**ASKED))
    assert "<h1>" in str(gpt.chat.completions.create(model=MODEL, messages=HI))
    with pytest.raises(json.JSONDecodeError):
        claude.messages.create(**ASKED)
    with pytest.raises(json.JSONDecodeError):
        gpt.chat.completions.create(model=MODEL, messages=HI)


# --- streams that break ------------------------------------------------------------------------
def test_messages_clean_cut_is_no_error(server: LocalServer, claude: anthropic.Anthropic) -> None:
    server.script("a", [{"kind": "cut", "after_tokens": 3, "how": "clean"}])
    with claude.messages.stream(**ASKED) as stream:
        assert list(stream.text_stream) == ["One", " two", " three"]
        assert stream.get_final_message().stop_reason is None


def test_messages_reset(server: LocalServer, claude: anthropic.Anthropic) -> None:
    server.script("a", [{"kind": "cut", "after_tokens": 3}])
    seen: list[str] = []
    with (
        pytest.raises(httpx2.RemoteProtocolError),
        claude.messages.stream(**ASKED) as stream,
    ):
        seen.extend(stream.text_stream)
    assert seen == ["One", " two", " three"]
    entry = server.wait_finished("a", len(server.log("a")))[-1]
    assert (entry.output_tokens_sent, entry.error) == (3, "cut by a fault")


def test_messages_error_event(server: LocalServer, claude: anthropic.Anthropic) -> None:
    server.script("a", [{"kind": "error_event", "after_tokens": 2}])
    with (
        pytest.raises(anthropic.APIStatusError) as error,
        claude.messages.stream(**ASKED) as stream,
    ):
        stream.until_done()
    assert (error.value.status_code, error.value.type) == (200, "overloaded_error")
    assert stream.current_message_snapshot.content[0].text == "One two"


def test_chat_cuts(server: LocalServer, gpt: openai.OpenAI) -> None:
    cut = {"kind": "cut", "after_tokens": 2}
    server.script("o", [cut | {"how": "clean"}, cut])
    chunks = list(gpt.chat.completions.create(model=MODEL, messages=HI, stream=True))
    assert chat_text(chunks) == "One two"
    assert chunks[-1].choices[0].finish_reason is None
    with pytest.raises(openai.APIConnectionError):
        list(gpt.chat.completions.create(model=MODEL, messages=HI, stream=True))


def test_chat_error_event(server: LocalServer, gpt: openai.OpenAI) -> None:
    server.script("o", [{"kind": "error_event", "after_tokens": 2, "message": "no more"}])
    with pytest.raises(openai.APIError, match="no more"):
        list(gpt.chat.completions.create(model=MODEL, messages=HI, stream=True))


def test_responses_breaks(server: LocalServer, gpt: openai.OpenAI) -> None:
    error = {"kind": "error_event", "after_tokens": 1}
    cut = {"kind": "cut", "after_tokens": 1}
    script = [error, error | {"shape": "failed"}, error | {"shape": "nested"}]
    server.script("o", [*script, cut | {"how": "clean"}, cut | {"how": "clean"}, cut])

    def events() -> list[str]:
        return [e.type for e in gpt.responses.create(model=MODEL, input="x", stream=True)]

    assert events()[-1] == "error"
    assert events()[-1] == "response.failed"
    with pytest.raises(openai.APIError):
        events()
    assert events()[-1] == "response.output_text.delta"
    with pytest.raises(RuntimeError), gpt.responses.stream(model=MODEL, input="x") as stream:
        stream.get_final_response()
    with pytest.raises(openai.APIConnectionError):
        events()


def test_a_short_body_without_a_stream(
    server: LocalServer, claude: anthropic.Anthropic, gpt: openai.OpenAI
) -> None:
    for key in "ao":
        server.script(key, [{"kind": "cut"}, {"kind": "error_event"}])
    with pytest.raises(anthropic.APIConnectionError):
        claude.messages.create(**ASKED)
    with pytest.raises(anthropic.OverloadedError):
        claude.messages.create(**ASKED)
    with pytest.raises(openai.APIConnectionError):
        gpt.chat.completions.create(model=MODEL, messages=HI)


# --- answers that are wrong --------------------------------------------------------------------
def test_structured_answers_that_break(server: LocalServer, claude: anthropic.Anthropic) -> None:
    server.script("a", [{"kind": "invalid_json"}, {"kind": "schema_drift"}, {"kind": "truncated"}])
    for _ in range(2):
        with pytest.raises(pydantic.ValidationError):
            claude.messages.parse(output_format=City, **ASKED)
    with claude.messages.stream(**ASKED) as stream:
        final = stream.get_final_message()
    assert final.stop_reason == "max_tokens"
    assert TEXT.startswith(final.content[0].text)
    assert 0 < final.usage.output_tokens < 9


def test_schema_drift_is_valid_json(server: LocalServer, gpt: openai.OpenAI) -> None:
    server.script("o", [{"kind": "schema_drift"}])
    shape = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
    reply = gpt.chat.completions.create(model=MODEL, messages=HI, response_format=shape)
    value = json.loads(reply.choices[0].message.content)
    assert value == {"city_v2": "Oslo", "people": "700000"}


def test_wrong_calls(server: LocalServer, gpt: openai.OpenAI) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
    call = {"kind": "reply", "tool_calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]}
    script = [
        [call, {"kind": "wrong_tool", "name": "wether"}],
        [call, {"kind": "wrong_arguments"}],
        [call, {"kind": "wrong_arguments", "arguments": {"x": 1}}],
        [call, {"kind": "invalid_json"}],
        {"kind": "wrong_tool"},
    ]
    server.script("o", script)
    said = []
    for _ in script:
        reply = gpt.chat.completions.create(model=MODEL, messages=HI, tools=[tool])
        function = reply.choices[0].message.tool_calls[0].function
        said.append((function.name, function.arguments))
    assert said[0] == ("wether", '{"city": "Oslo"}')
    assert said[1] == ("weather", '{"city_v2": "Oslo"}')
    assert said[2] == ("weather", '{"x": 1}')
    with pytest.raises(json.JSONDecodeError):
        json.loads(said[3][1])
    assert said[4][0] == "weather_v2"


def test_usage_that_is_wrong_or_missing(
    server: LocalServer, claude: anthropic.Anthropic, gpt: openai.OpenAI
) -> None:
    wrong = {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}
    server.script(
        "o", [{"kind": "usage", "overrides": wrong}, {"kind": "usage", "overrides": None}]
    )
    usage = gpt.chat.completions.create(model=MODEL, messages=HI).usage
    assert (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens) == (5, 4)
    assert gpt.chat.completions.create(model=MODEL, messages=HI).usage is None
    entry = server.log("o")[-2]
    assert entry.usage["prompt_tokens"] == 5
    assert entry.billed["total"] > 5


# --- time --------------------------------------------------------------------------------------
def test_waits(server: LocalServer, claude: anthropic.Anthropic) -> None:
    server.script(
        "a",
        [
            {"kind": "hang", "seconds": 0.05},
            [
                {"kind": "slow_first_token", "seconds": 0.05},
                {"kind": "pace", "seconds_per_token": 0.01},
            ],
        ],
    )
    claude.messages.create(**ASKED)
    with claude.messages.stream(**ASKED) as stream:
        stream.until_done()
    hung, slow = server.log("a")[-2:]
    assert hung.first_byte_at - hung.arrived_at >= 0.05
    assert slow.first_byte_at - slow.arrived_at < 0.05
    assert slow.finished_at - slow.first_byte_at >= 0.05 + 8 * 0.01


def test_a_client_that_will_not_wait(server: LocalServer) -> None:
    server.script("impatient", [{"kind": "hang", "seconds": 60}])
    client = anthropic.Anthropic(
        base_url=server.base_url, api_key="impatient", max_retries=0, timeout=0.1
    )
    with client, pytest.raises(anthropic.APITimeoutError):
        client.messages.create(**ASKED)
    started = time.monotonic()
    assert server.wait_finished("impatient")[0].client_disconnected
    assert time.monotonic() - started < 5


def test_hold_proves_that_text_comes_before_the_end(
    server: LocalServer, claude: anthropic.Anthropic
) -> None:
    server.script("a", [{"kind": "hold", "after_tokens": 2}])
    with claude.messages.stream(**ASKED) as stream:
        texts = iter(stream.text_stream)
        assert [next(texts), next(texts)] == ["One", " two"]
        assert server.log("a")[-1].finished_at is None
        server.release("a")
        assert "".join(texts) == TEXT.removeprefix("One two")


def test_a_release_that_comes_first_is_kept(
    server: LocalServer, claude: anthropic.Anthropic
) -> None:
    server.script("a", [{"kind": "hold"}])
    server.release("a")
    assert claude.messages.create(**ASKED).content[0].text == TEXT


def test_closing_a_held_stream_is_noticed(server: LocalServer) -> None:
    server.script("leaver", [{"kind": "hold", "after_tokens": 2}])
    client = anthropic.Anthropic(base_url=server.base_url, api_key="leaver")
    with client, client.messages.stream(**ASKED) as stream:
        next(iter(stream.text_stream))
    entry = server.wait_finished("leaver")[0]
    assert entry.client_disconnected
    assert entry.output_tokens_sent == 2


# --- the script itself -------------------------------------------------------------------------
def test_each_fault_is_used_once_and_in_order(
    server: LocalServer, claude: anthropic.Anthropic
) -> None:
    one, two = ({"kind": "reply", "text": text} for text in "12")
    server.script("a", [one, None, two | {"times": 2}])
    said = [claude.messages.create(**ASKED).content[0].text for _ in range(5)]
    assert said == ["1", TEXT, "2", "2", TEXT]


def test_every_kind_is_in_the_table() -> None:
    from shared.offline import faults

    for kind, fields in KINDS.items():
        row = faults.__doc__.split(f"\n{kind} ")[1]
        assert all(name in row for name in fields), kind
