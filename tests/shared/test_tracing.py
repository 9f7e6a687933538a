"""Tracing into the local store: true times, the conventions' names, trouble that stops nobody."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.calls import CallRecord
from shared.errors import LocalError, RateLimited, StreamBroken
from shared.messages import (
    Message,
    Reply,
    Request,
    Text,
    Timing,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    user,
)
from shared.trace_store import StoredSpan, TraceStore, read_trace, read_traces
from shared.tracing import open_tracing

BEGAN = datetime(2026, 11, 21, 10, 30, 0, 123456, tzinfo=UTC)
BEGAN_NS = 1795257000123456000
KEY = "sk-ant-api03-Zm9vYmFyYmF6cXV4LXRoaXMtaXMtbm90LXJlYWw"
PRIVATE = [KEY, "hunter2-hunter2", "ann@example.com", "4111 1111 1111 1111", "415-555-2671"]


def a_call(**changes: Any) -> CallRecord:
    reply = Reply(
        text="Four.",
        stop="end",
        usage=Usage(100, 20, 60, 10, 5),
        provider="anthropic",
        model="claude-x-1",
        request_id="req_7",
        timing=Timing(0.25, 1.5),
        attempts=2,
    )
    call = {
        "started_at": BEGAN,
        "total_s": 1.5,
        "provider": "anthropic",
        "model": "claude-x",
        "feature": "ask",
        "streamed": True,
        "request": Request(messages=(user("2 + 2?"),), temperature=0.5, stop=("END",)),
        "reply": reply,
    }
    return CallRecord(**(call | changes))


def recorded(path: Path, call: CallRecord, *, content: bool = False, **more: Any) -> StoredSpan:
    with open_tracing(path, None, "stage1", capture_content=content) as tracing:
        tracing.record(call, Decimal("0.00123"), **more)
    return read_traces(path)[0].spans[0]


def test_a_call_has_its_true_times_and_the_conventions_names(tmp_path: Path) -> None:
    span = recorded(tmp_path / "t.db", a_call(), **{"app.command": "ask", "app.skipped": None})
    assert (span.start_ns, span.end_ns) == (BEGAN_NS, BEGAN_NS + 1_500_000_000)
    assert (span.name, span.kind, span.status) == ("chat claude-x", "CLIENT", "UNSET")
    assert (span.service, span.parent_id, span.seconds) == ("stage1", "", 1.5)
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-x",
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.output.type": "text",
        "gen_ai.response.model": "claude-x-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.cache_write.input_tokens": 10,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "gen_ai.usage.cost.amount": 0.00123,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "local",
        "app.feature": "ask",
        "app.cancelled": False,
        "app.request_id": "req_7",
        "app.attempts": 2,
        "app.command": "ask",
    }


def test_the_names_are_the_ones_of_the_constants_package() -> None:
    """All but those the package has not got yet, which are listed in `trace_attributes`."""
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

    from shared.trace_attributes import call_attributes

    known = {v for v in vars(gen_ai_attributes).values() if isinstance(v, str)}
    ours = call_attributes(a_call(), Decimal(1), True)
    assert {name for name in ours if name.startswith("gen_ai.")} - known == {
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cost.amount",
        "gen_ai.usage.cost.currency",
        "gen_ai.usage.cost.source",
    }


def test_unknown_is_left_out_and_not_zero(tmp_path: Path) -> None:
    with open_tracing(tmp_path / "t.db", None, "s") as tracing:
        tracing.record(a_call(reply=Reply(text="x")))
    names = read_traces(tmp_path / "t.db")[0].spans[0].attributes
    assert not [n for n in names if "usage" in n or "finish" in n or "response.model" in n]


def test_a_failed_call_says_who_failed_and_keeps_what_was_spent(tmp_path: Path) -> None:
    partial = Reply(text="Fo", usage=Usage(100, 1), request_id="req_8")
    broken = StreamBroken("cut after 2 characters", partial=partial)
    span = recorded(tmp_path / "t.db", a_call(reply=None, error=broken))
    assert (span.status, span.status_message) == ("ERROR", "cut after 2 characters")
    assert span.attributes["error.type"] == "StreamBroken"
    assert span.attributes["app.request_id"] == "req_8"
    assert span.attributes["gen_ai.usage.output_tokens"] == 1

    limited = RateLimited("slow down", status=429, code="rate_limit_error", request_id="req_9")
    limited.attempts = 4
    span = recorded(tmp_path / "u.db", a_call(reply=None, error=limited))
    assert span.attributes["http.response.status_code"] == 429
    assert (span.attributes["app.attempts"], span.attributes["app.request_id"]) == (4, "req_9")


def test_a_cancelled_call_is_no_error(tmp_path: Path) -> None:
    span = recorded(tmp_path / "t.db", a_call(cancelled=True))
    assert (span.status, span.attributes["app.cancelled"]) == ("UNSET", True)


def test_content_is_kept_only_when_asked_for(tmp_path: Path) -> None:
    tool = ToolSpec("look", "Looks.", {"type": "object"})
    turns = (
        user("mail ann@example.com"),
        Message("assistant", (Text("ok"), ToolCall("c1", "look", '{"password": "hunter2"}'))),
        Message("user", (ToolResult("c1", "line\nann@example.com"),)),
    )
    call = a_call(request=Request(messages=turns, system="Be brief.", tools=(tool,)))
    plain = recorded(tmp_path / "off.db", call)
    assert not [n for n in plain.attributes if "messages" in n or "instructions" in n]

    span = recorded(tmp_path / "on.db", call, content=True)
    first, second, third = json.loads(span.attributes["gen_ai.input.messages"])
    assert first == {"role": "user", "parts": [{"type": "text", "content": "mail [email]"}]}
    assert json.loads(second["parts"][1]["arguments"]) == {"password": "[secret]"}
    assert third["parts"][0]["response"] == "line\n[email]"
    (answer,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert (answer["parts"][0]["content"], answer["finish_reason"]) == ("Four.", "stop")
    assert "Be brief." in span.attributes["gen_ai.system_instructions"]
    assert "Looks." in span.attributes["gen_ai.tool.definitions"]


def test_live_spans_nest_and_records_fall_under_them(tmp_path: Path) -> None:
    path = tmp_path / "t.db"

    async def ask(tracing: Any, name: str) -> None:
        with tracing.span(name) as span:
            await asyncio.sleep(0)
            span.set(**{"app.hits": 3, "app.path": Path("a/b"), "app.map": {"k": [1]}})
            span.event("found", n=1)
            tracing.record(a_call(feature=name))

    async def both() -> None:
        with open_tracing(path, None, "s") as tracing, tracing.span("turn", started_at=BEGAN):
            await asyncio.gather(ask(tracing, "one"), ask(tracing, "two"))

    asyncio.run(both())
    (trace,) = read_traces(path)
    by_id = {span.span_id: span for span in trace.spans}
    (root,) = [span for span in trace.spans if not span.parent_id]
    assert (root.name, root.start_ns) == ("turn", BEGAN_NS)
    for call in (span for span in trace.spans if span.kind == "CLIENT"):
        parent = by_id[call.parent_id]
        assert (parent.name, parent.parent_id) == (call.attributes["app.feature"], root.span_id)
    one = next(span for span in trace.spans if span.name == "one")
    assert one.attributes == {"app.hits": 3, "app.path": "a/b", "app.map": '{"k": [1]}'}
    assert one.events[0]["attributes"] == {"n": 1}
    assert read_trace(path, trace.trace_id) == trace
    assert read_trace(path, "0" * 32) is None


def test_an_exception_is_recorded_redacted_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    tracing = open_tracing(path, None, "s")
    with tracing, pytest.raises(ValueError, match="ann@"), tracing.span("step"):
        raise ValueError(f"for ann@example.com with {KEY}")
    (span,) = read_traces(path)[0].spans
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "ValueError")
    assert span.status_message == "ValueError: for [email] with [secret]"
    assert span.events[0]["attributes"]["exception.message"] == "for [email] with [secret]"


# --- nothing private reaches the file ------------------------------------------------------------
def everywhere(path: Path, text: str) -> None:
    """`text` in every field that a program can fill."""
    error = RateLimited(f"refused {text}", code=text, request_id=text)
    turns = (
        user(f"look: {text}"),
        Message(
            "assistant", (Text(text), ToolCall(text, text, json.dumps({"arg": text, text: 1})))
        ),
        Message("user", (ToolResult(text, text),)),
    )
    asked = Request(
        messages=turns, system=text, stop=(text,), tools=(ToolSpec(text, text, {"a": text}),)
    )
    answered = Reply(text=text, refusal=text, model=text, request_id=text)
    headers = {"http.request.header.authorization": [f"Bearer {text}"], "app.args": {"x": [text]}}
    tracing = open_tracing(path, None, text, secrets=[PRIVATE[1]], capture_content=True)
    with tracing:
        tracing.record(a_call(request=asked, reply=answered, feature=text, model=text))
        tracing.record(a_call(reply=None, error=error, provider=text), **headers)
        with suppress(KeyError), tracing.span(f"s {text}", **{f"k {text}": text}) as span:
            span.set(list=[text, text], number=4111111111111111)
            span.event(f"e {text}", note=f"a\n{text}", nested=json.dumps(json.dumps([text])))
            raise KeyError(text)


def test_no_attribute_is_too_odd_to_trace(tmp_path: Path) -> None:
    circle: list[Any] = []
    circle.append(circle)
    odd = {"big": 10**5000, "circle": circle, "key": {(1, 2): 3}, "half": "\ud800", "bytes": b"x"}
    nested = {"nan": float("nan"), "deep": {"big": [10**5000]}, "exact": Decimal("0.1"), "": 1}
    span = recorded(tmp_path / "t.db", a_call(), **odd, **nested)
    assert span.attributes["half"] == "?"
    assert span.attributes["exact"] == 0.1
    assert span.attributes["circle"].startswith("not shown")


def kept(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))


@pytest.mark.parametrize("private", PRIVATE)
def test_what_is_private_is_in_no_byte_of_the_file(tmp_path: Path, private: str) -> None:
    everywhere(tmp_path / "t.db", private)
    spans = [span for trace in read_traces(tmp_path / "t.db") for span in trace.spans]
    assert len(spans) == 3
    assert private.encode() not in kept(tmp_path / "t.db")
    assert b"4111111111111111" not in kept(tmp_path / "t.db")


@given(before=st.text(max_size=6), after=st.text(max_size=6))
@settings(max_examples=25, deadline=None)
def test_a_known_secret_is_kept_from_the_file_whatever_stands_around_it(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.db"
    everywhere(path, before + PRIVATE[1] + after)
    assert PRIVATE[1].encode() not in kept(path)
    assert len(read_traces(path)) == 3


# --- trouble with the file -----------------------------------------------------------------------
def run(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=60, check=False
    )


TRACE_TWICE = """
import sys
from pathlib import Path
from shared.tracing import open_tracing
with open_tracing(Path(sys.argv[1]), None, "s") as tracing:
    for _ in range(2):
        with tracing.span("x"):
            print("answer")
        tracing.flush()
"""


@pytest.mark.parametrize("trouble", ["corrupt", "folder", "no folder", "newer", "locked"])
def test_a_file_that_cannot_be_written_costs_one_sentence(tmp_path: Path, trouble: str) -> None:
    path, holder = tmp_path / "t.db", None
    if trouble == "corrupt":
        path.write_bytes(b"not a database, however long this text may be" * 100)
    elif trouble == "folder":
        path.mkdir()
    elif trouble == "no folder":
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "t.db"
    else:
        recorded(path, a_call())
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("PRAGMA user_version = 99" if trouble == "newer" else "BEGIN IMMEDIATE")
    done = run(TRACE_TWICE, str(path))
    if holder:
        holder.close()
    assert (done.returncode, done.stdout) == (0, "answer\nanswer\n")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Traces are not kept: ")
    assert str(path) in done.stderr


REFUSE = "CREATE TRIGGER no BEFORE INSERT ON span BEGIN SELECT RAISE(ABORT, 'no room'); END"


def test_a_file_that_takes_no_more_rows_costs_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    recorded(path, a_call())
    with sqlite3.connect(path) as connection:
        connection.execute(REFUSE)
    path.chmod(0o444)  # for everybody but root, to whom it means nothing
    done = run(TRACE_TWICE, str(path))
    assert (done.returncode, done.stdout) == (0, "answer\nanswer\n")
    assert done.stderr.startswith("Traces are not kept: ")
    assert done.stderr.count("\n") == 1


def test_reading_what_is_no_trace_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    assert read_traces(tmp_path / "none.db") == ()
    (tmp_path / "bad.db").write_bytes(b"x" * 5000)
    with pytest.raises(LocalError, match=r"bad\.db"):
        read_traces(tmp_path / "bad.db")


def test_several_processes_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "t.db"
    code = TRACE_TWICE.replace("range(2)", "range(25)")
    command = [sys.executable, "-c", code, str(path)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdout=pipe, stderr=pipe) for _ in range(6)]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert errors == [b""] * 6
    assert sum(len(trace.spans) for trace in read_traces(path, 1000)) == 150
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_only_the_last_spans_are_kept(tmp_path: Path) -> None:
    store = TraceStore(tmp_path / "t.db", keep_last=10)
    for n in range(25):
        span = StoredSpan(
            trace_id=f"{n:032x}", span_id=f"{n:016x}", parent_id="", name=str(n), kind="INTERNAL",
            service="s", start_ns=n, end_ns=n, status="UNSET",
        )  # fmt: skip
        assert store.write([span])
    store.close()
    names = [trace.spans[0].name for trace in read_traces(tmp_path / "t.db", 100)]
    assert names == [str(n) for n in range(24, 14, -1)]


# --- what is imported ----------------------------------------------------------------------------
IMPORTED = """
import sys
from pathlib import Path
from shared.tracing import open_tracing
tracing = open_tracing(Path(sys.argv[1]) if sys.argv[1] else None, None, "s")
early = [m for m in ("opentelemetry", "sqlite3", "pydantic", "google.protobuf") if m in sys.modules]
with tracing, tracing.span("x"):
    pass
late = [m for m in ("opentelemetry.sdk", "google.protobuf", "requests") if m in sys.modules]
print(early, late)
"""


def test_nothing_is_imported_before_it_is_used(tmp_path: Path) -> None:
    assert run(IMPORTED, str(tmp_path / "t.db")).stdout == "[] ['opentelemetry.sdk']\n"
    assert run(IMPORTED, "").stdout == "[] []\n"


def test_no_global_provider_is_set(tmp_path: Path) -> None:
    from opentelemetry import trace

    before = trace.get_tracer_provider()
    recorded(tmp_path / "t.db", a_call())
    assert trace.get_tracer_provider() is before


def test_a_closed_or_absent_tracing_does_nothing(tmp_path: Path) -> None:
    tracing = open_tracing(tmp_path / "t.db", None, "s")
    tracing.close()
    tracing.record(a_call())
    with tracing.span("x") as span:
        span.set(a=1)
        span.event("e")
    tracing.close()
    assert list(tmp_path.iterdir()) == []
