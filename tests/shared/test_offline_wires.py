"""The unmodified SDKs against the offline server: what they return is what was scripted."""

from __future__ import annotations

import json
from collections.abc import Iterator

import anthropic
import httpx2
import openai
import pytest
from pydantic import BaseModel

from shared.messages import Request, ToolCall
from shared.offline.answer import Answer
from shared.offline.server import LocalServer
from shared.tokens import count_tokens

MODEL = "offline-small"
HI = [{"role": "user", "content": "hi"}]
TEXT = "Grüße, 你好 🧑‍🚀! One two three."
CALLS = [
    {"id": "call_a", "name": "weather", "arguments": {"city": "Oslo"}},
    {"id": "call_b", "name": "weather", "arguments": {"city": "Kyōto"}},
]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}


class City(BaseModel):
    city: str


def think(request: Request, size: str, embedder: object) -> Answer:
    return Answer(TEXT)


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


# --- Anthropic Messages ------------------------------------------------------------------------
def test_messages_blocking(claude: anthropic.Anthropic) -> None:
    message = claude.messages.create(model=MODEL, max_tokens=99, messages=HI, system="Be kind.")
    assert message.content[0].text == TEXT
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == count_tokens(TEXT)
    assert message._request_id.startswith("req_")


def test_messages_stream_equals_blocking(claude: anthropic.Anthropic) -> None:
    blocking = claude.messages.create(model=MODEL, max_tokens=99, messages=HI)
    with claude.messages.stream(model=MODEL, max_tokens=99, messages=HI) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert "".join(pieces) == TEXT
    assert len(pieces) > 5
    assert final.usage == blocking.usage
    assert final.stop_reason == "end_turn"
    assert stream.request_id.startswith("req_")


async def test_messages_async(server: LocalServer) -> None:
    client = anthropic.AsyncAnthropic(base_url=server.base_url, api_key="a")
    asked = {"model": MODEL, "max_tokens": 99, "messages": HI}
    async with client, client.messages.stream(**asked) as stream:
        assert "".join([text async for text in stream.text_stream]) == TEXT


@pytest.mark.parametrize("stream", [False, True])
def test_messages_parallel_tools(
    server: LocalServer, claude: anthropic.Anthropic, stream: bool
) -> None:
    server.script("a", [{"kind": "reply", "text": "Looking.", "tool_calls": CALLS}])
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    asked = {"model": MODEL, "max_tokens": 99, "messages": HI, "tools": tools}
    if stream:
        with claude.messages.stream(**asked) as events:
            message = events.get_final_message()
    else:
        message = claude.messages.create(**asked)
    assert [block.type for block in message.content] == ["text", "tool_use", "tool_use"]
    assert [block.input for block in message.content[1:]] == [c["arguments"] for c in CALLS]
    assert message.stop_reason == "tool_use"


def test_messages_structured(server: LocalServer, claude: anthropic.Anthropic) -> None:
    server.script("a", [{"kind": "reply", "text": '{"city": "Oslo"}'}])
    message = claude.messages.parse(model=MODEL, max_tokens=99, messages=HI, output_format=City)
    assert message.parsed_output == City(city="Oslo")
    assert server.log("a")[-1].as_json()["body"]["output_config"]["format"]["schema"]


def test_messages_tool_results_are_understood(claude: anthropic.Anthropic) -> None:
    use = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Oslo"}}
    result = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [{"type": "text", "text": "9"}],
    }
    turns = [*HI, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    assert claude.messages.create(model=MODEL, max_tokens=99, messages=turns).content
    with pytest.raises(anthropic.BadRequestError, match="t1"):
        claude.messages.create(model=MODEL, max_tokens=99, messages=turns[:2])


@pytest.mark.parametrize(
    ("max_tokens", "stop", "text", "reason"),
    [(2, [], None, "max_tokens"), (99, ["One"], TEXT[: TEXT.index("One")], "stop_sequence")],
)
def test_messages_cut(
    claude: anthropic.Anthropic, max_tokens: int, stop: list[str], text: str, reason: str
) -> None:
    message = claude.messages.create(
        model=MODEL, max_tokens=max_tokens, messages=HI, stop_sequences=stop
    )
    assert message.stop_reason == reason
    assert TEXT.startswith(message.content[0].text)
    assert message.usage.output_tokens <= max_tokens
    assert text is None or message.content[0].text == text


def test_count_tokens_is_what_is_billed(claude: anthropic.Anthropic) -> None:
    asked = {"model": MODEL, "messages": HI, "system": "Be kind."}
    counted = claude.messages.count_tokens(**asked).input_tokens
    assert counted == claude.messages.create(max_tokens=9, **asked).usage.input_tokens


# --- OpenAI Chat Completions -------------------------------------------------------------------
def test_chat_blocking(gpt: openai.OpenAI) -> None:
    reply = gpt.chat.completions.create(model=MODEL, messages=HI)
    assert reply.choices[0].message.content == TEXT
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.completion_tokens == count_tokens(TEXT)
    assert reply._request_id.startswith("req_")


@pytest.mark.parametrize("usage", [False, True])
def test_chat_stream(gpt: openai.OpenAI, usage: bool) -> None:
    chunks = list(
        gpt.chat.completions.create(
            model=MODEL, messages=HI, stream=True, stream_options={"include_usage": usage}
        )
    )
    texts = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(texts) == TEXT
    assert [bool(c.usage) for c in chunks].count(True) == usage
    assert chunks[-1].choices == [] or not usage


def test_chat_helpers(server: LocalServer, gpt: openai.OpenAI) -> None:
    server.script("o", [{"kind": "reply", "text": '{"city": "Oslo"}', "times": 2}])
    parsed = gpt.chat.completions.parse(model=MODEL, messages=HI, response_format=City)
    assert parsed.choices[0].message.parsed == City(city="Oslo")
    with gpt.chat.completions.stream(model=MODEL, messages=HI, response_format=City) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.parsed == City(city="Oslo")


@pytest.mark.parametrize("stream", [False, True])
def test_chat_parallel_tools(server: LocalServer, gpt: openai.OpenAI, stream: bool) -> None:
    server.script("o", [{"kind": "reply", "tool_calls": CALLS}])
    asked = {"model": MODEL, "messages": HI, "tools": [CHAT_TOOL]}
    if stream:
        with gpt.chat.completions.stream(**asked) as events:
            events.until_done()
            reply = events.get_final_completion()
    else:
        reply = gpt.chat.completions.create(**asked)
    calls = reply.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [
        c["arguments"] for c in CALLS
    ]
    assert [call.id for call in calls] == ["call_a", "call_b"]
    assert reply.choices[0].finish_reason == "tool_calls"


async def test_chat_async(server: LocalServer) -> None:
    async with openai.AsyncOpenAI(base_url=server.openai_base_url, api_key="o") as client:
        stream = await client.chat.completions.create(model=MODEL, messages=HI, stream=True)
        assert "".join([c.choices[0].delta.content or "" async for c in stream]) == TEXT


def test_chat_length(gpt: openai.OpenAI) -> None:
    reply = gpt.chat.completions.create(model=MODEL, messages=HI, max_completion_tokens=3)
    assert reply.choices[0].finish_reason == "length"
    with pytest.raises(openai.LengthFinishReasonError):
        gpt.chat.completions.parse(
            model=MODEL, messages=HI, max_completion_tokens=3, response_format=City
        )


# --- OpenAI Responses --------------------------------------------------------------------------
def test_responses_blocking_and_stream(gpt: openai.OpenAI) -> None:
    blocking = gpt.responses.create(model=MODEL, input="hi", instructions="Be kind.")
    assert blocking.output_text == TEXT
    assert blocking.usage.output_tokens == count_tokens(TEXT)
    with gpt.responses.stream(model=MODEL, input="hi", instructions="Be kind.") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert final.output_text == TEXT
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert final.usage.input_tokens == blocking.usage.input_tokens


def test_responses_tools_and_parse(server: LocalServer, gpt: openai.OpenAI) -> None:
    tool = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
    calls = {"kind": "reply", "text": "Looking.", "tool_calls": CALLS}
    server.script("o", [calls, calls, {"kind": "reply", "text": '{"city": "Oslo"}', "times": 2}])
    blocking = gpt.responses.create(model=MODEL, input="hi", tools=[tool])
    with gpt.responses.stream(model=MODEL, input="hi", tools=[tool]) as stream:
        streamed = stream.get_final_response()
    for reply in (blocking, streamed):
        assert [item.type for item in reply.output] == ["message", *["function_call"] * 2]
        assert [json.loads(item.arguments) for item in reply.output[1:]] == [
            c["arguments"] for c in CALLS
        ]
    assert gpt.responses.parse(model=MODEL, input="x", text_format=City).output_parsed
    with gpt.responses.stream(model=MODEL, input="x", text_format=City) as stream:
        assert stream.get_final_response().output_parsed == City(city="Oslo")


def test_responses_go_on_from_an_earlier_one(gpt: openai.OpenAI) -> None:
    first = gpt.responses.create(model=MODEL, input="My name is Ada.")
    alone = gpt.responses.create(model=MODEL, input="And?")
    second = gpt.responses.create(model=MODEL, input="And?", previous_response_id=first.id)
    earlier = count_tokens("My name is Ada.") + count_tokens(TEXT) + 2 * 4
    assert second.usage.input_tokens == alone.usage.input_tokens + earlier
    with pytest.raises(openai.BadRequestError, match="not found"):
        gpt.responses.create(model=MODEL, input="And?", previous_response_id="resp_none")


def test_responses_truncated_and_counted(gpt: openai.OpenAI) -> None:
    reply = gpt.responses.create(model=MODEL, input="hi", max_output_tokens=3)
    assert reply.status == "incomplete"
    assert reply.incomplete_details.reason == "max_output_tokens"
    counted = gpt.responses.input_tokens.count(model=MODEL, input="hi")
    assert counted.input_tokens == reply.usage.input_tokens


def test_responses_take_back_what_they_gave(server: LocalServer, gpt: openai.OpenAI) -> None:
    server.script("o", [{"kind": "reply", "tool_calls": CALLS}])
    asked = [{"role": "user", "content": "hi"}]
    asked += [item.model_dump() for item in gpt.responses.create(model=MODEL, input=asked).output]
    results = [
        {"type": "function_call_output", "call_id": c["id"], "output": "9 °C"} for c in CALLS
    ]
    with pytest.raises(openai.BadRequestError, match="call_b"):
        gpt.responses.create(model=MODEL, input=asked + results[:1])
    assert gpt.responses.create(model=MODEL, input=asked + results).output_text == TEXT


# --- the same on all wires ---------------------------------------------------------------------
def test_refusals(server: LocalServer, claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    for key in "ao":
        server.script(key, [{"kind": "refusal", "message": "No, sorry.", "times": 4}])
    message = claude.messages.parse(model=MODEL, max_tokens=9, messages=HI, output_format=City)
    assert (message.stop_reason, message.parsed_output) == ("refusal", None)
    assert message.stop_details.explanation == "No, sorry."
    with claude.messages.stream(model=MODEL, max_tokens=9, messages=HI) as stream:
        assert stream.get_final_message().stop_reason == "refusal"
    said = gpt.chat.completions.create(model=MODEL, messages=HI).choices[0].message
    assert (said.content, said.refusal) == (None, "No, sorry.")
    with gpt.chat.completions.stream(model=MODEL, messages=HI) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.refusal == "No, sorry."
    assert gpt.responses.create(model=MODEL, input="x").output[0].content[0].refusal
    with gpt.responses.stream(model=MODEL, input="x") as stream:
        assert stream.get_final_response().output[0].content[0].refusal == "No, sorry."


def test_one_call_at_a_time() -> None:
    def two_calls(request: Request, size: str, embedder: object) -> Answer:
        return Answer(tool_calls=(ToolCall("a", "weather", "{}"), ToolCall("b", "weather", "{}")))

    with LocalServer(think=two_calls) as server:
        claude = anthropic.Anthropic(base_url=server.base_url, api_key="a")
        gpt = openai.OpenAI(base_url=server.openai_base_url, api_key="o")
        tools = [{"name": "weather", "input_schema": SCHEMA}]
        asked = {"model": MODEL, "max_tokens": 99, "messages": HI, "tools": tools}
        one = {"type": "auto", "disable_parallel_tool_use": True}
        assert len(claude.messages.create(**asked).content) == 2
        assert len(claude.messages.create(tool_choice=one, **asked).content) == 1
        reply = gpt.chat.completions.create(
            model=MODEL, messages=HI, tools=[CHAT_TOOL], parallel_tool_calls=False
        )
        assert len(reply.choices[0].message.tool_calls) == 1


def test_rate_limit_headers_count_down(server: LocalServer) -> None:
    with anthropic.Anthropic(base_url=server.base_url, api_key="limits") as claude:
        left = []
        for _ in range(2):
            raw = claude.messages.with_raw_response.create(model=MODEL, max_tokens=9, messages=HI)
            left.append(int(raw.headers["anthropic-ratelimit-requests-remaining"]))
        assert left[0] - left[1] == 1
    with openai.OpenAI(base_url=server.openai_base_url, api_key="limits") as gpt:
        raw = gpt.chat.completions.with_raw_response.create(model=MODEL, messages=HI)
        assert int(raw.headers["x-ratelimit-remaining-requests"]) == left[1] - 1
        assert raw.headers["x-ratelimit-reset-tokens"].endswith("s")


def test_models_in_both_shapes(claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    names = {"offline-small", "offline-large", "offline-embed"}
    assert {model.id for model in claude.models.list()} == names
    assert {model.id for model in gpt.models.list()} == names
    assert claude.models.retrieve(MODEL).display_name
    assert gpt.models.retrieve(MODEL).object == "model"


def test_typed_errors(server: LocalServer, claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    asked = {"max_tokens": 9, "messages": HI}
    with pytest.raises(anthropic.NotFoundError) as missing:
        claude.messages.create(model="gpt-nine", **asked)
    assert missing.value.type == "not_found_error"
    assert missing.value.request_id.startswith("req_")
    with pytest.raises(openai.NotFoundError) as unknown:
        gpt.chat.completions.create(model="gpt-nine", messages=HI)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(anthropic.AuthenticationError):
        claude.with_options(api_key="bad-key").messages.create(model=MODEL, **asked)
    with pytest.raises(openai.AuthenticationError) as bad:
        gpt.with_options(api_key="bad").chat.completions.create(model=MODEL, messages=HI)
    assert bad.value.code == "invalid_api_key"
    with pytest.raises(anthropic.BadRequestError, match="temperature"):
        claude.messages.create(model=MODEL, extra_body={"temperature": 0}, **asked)
    older = {"anthropic-version": "2023-06-01"}
    assert claude.messages.create(
        model=MODEL, extra_body={"temperature": 0}, extra_headers=older, **asked
    )


def test_a_prompt_over_the_window(claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    long = [{"role": "user", "content": "word " * 128_000}]
    with pytest.raises(anthropic.BadRequestError, match="too long: 128008 tokens > 128000"):
        claude.messages.create(model=MODEL, max_tokens=9, messages=long)
    with pytest.raises(openai.BadRequestError) as too_long:
        gpt.chat.completions.create(model=MODEL, messages=long)
    assert too_long.value.code == "context_length_exceeded"


def test_x_api_key_is_as_good_as_bearer(server: LocalServer) -> None:
    body = {"model": MODEL, "max_tokens": 9, "messages": HI}
    with httpx2.Client(base_url=server.base_url) as client:
        assert client.post("/v1/messages", json=body).status_code == 401
        for headers in ({"x-api-key": "k"}, {"authorization": "Bearer k"}):
            assert client.post("/v1/messages", json=body, headers=headers).status_code == 200
