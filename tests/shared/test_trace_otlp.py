"""Tracing to a collector in a second process, which reads the OTLP protobuf by itself.

What the collector got is the truth; a collector that is down, slow or refuses is trouble to bear.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.calls import CallRecord
from shared.errors import RateLimited
from shared.messages import Message, Reply, Request, Text, Timing, ToolCall, ToolResult, Usage, user
from shared.trace_export import traces_url
from shared.trace_store import read_traces
from shared.tracing import open_tracing

COLLECTOR = """
import http.server, json, sys
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

def value(v):
    kind = v.WhichOneof("value")
    if kind == "array_value":
        return [value(item) for item in v.array_value.values]
    return getattr(v, kind)

def pairs(attributes):
    return {a.key: value(a.value) for a in attributes}

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        raw.write(body)
        raw.flush()
        for resource in TracesData.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for s in scope.spans:
                    spans.write(json.dumps({
                        "path": self.path,
                        "headers": {k.lower(): v for k, v in self.headers.items()},
                        "resource": pairs(resource.resource.attributes), "name": s.name,
                        "kind": s.kind, "start": s.start_time_unix_nano,
                        "end": s.end_time_unix_nano, "trace": s.trace_id.hex(),
                        "parent": s.parent_span_id.hex(), "code": s.status.code,
                        "message": s.status.message, "attributes": pairs(s.attributes),
                        "events": [[e.name, pairs(e.attributes)] for e in s.events],
                    }) + "\\n")
        spans.flush()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass

raw, spans = open(sys.argv[1], "ab"), open(sys.argv[2], "a")
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
KEY = "sk-ant-api03-Zm9vYmFyYmF6cXV4LXRoaXMtaXMtbm90LXJlYWw"
PRIVATE = [KEY, "hunter2-hunter2", "ann@example.com", "4111 1111 1111 1111", "203.0.113.9"]
BEGAN = datetime(2026, 11, 21, 10, 30, 0, 123456, tzinfo=UTC)
BEGAN_NS = 1795257000123456000


class Collector:
    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.url = f"http://127.0.0.1:{port}"

    @property
    def raw(self) -> bytes:
        return (self._folder / "raw").read_bytes()

    @property
    def spans(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self._folder / "spans").read_text().splitlines()]


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    command = [sys.executable, "-c", COLLECTOR, str(tmp_path / "raw"), str(tmp_path / "spans")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield Collector(tmp_path, int(process.stdout.readline()))
        process.terminate()


def a_call(text: str = "hello", **changes: Any) -> CallRecord:
    reply = Reply(
        text=text, stop="tool_use", usage=Usage(100, 20, 60, 10), model="m-1", request_id="req_7",
        tool_calls=(ToolCall("c", "look", json.dumps({"arg": text})),), timing=Timing(0.25, 1.5),
    )  # fmt: skip
    turns = (user(text), Message("user", (Text(text), ToolResult("c", text))))
    call = {
        "started_at": BEGAN, "total_s": 1.5, "provider": "openai", "model": "m", "feature": "ask",
        "streamed": False, "request": Request(messages=turns, system=text), "reply": reply,
    }  # fmt: skip
    return CallRecord(**(call | changes))


def test_a_collector_gets_the_call_with_its_times_and_names(collector: Collector) -> None:
    headers = {"authorization": "Basic dXNlcjpodW50ZXIy"}
    with open_tracing(None, collector.url, "stage1", otlp_headers=headers) as tracing:
        with tracing.span("turn"):
            tracing.record(a_call(), Decimal("0.25"))
        limited = RateLimited("slow down", status=429)
        tracing.record(a_call(reply=None, error=limited))
    call, turn, failed = collector.spans
    assert call["path"] == "/v1/traces"
    assert headers.items() <= call["headers"].items()
    assert call["resource"] == {"service.name": "stage1"}
    assert (call["name"], call["kind"]) == ("chat m", 3)  # 3 is CLIENT in the protocol
    assert (call["start"], call["end"]) == (BEGAN_NS, BEGAN_NS + 1_500_000_000)
    assert (call["trace"], turn["name"], turn["parent"]) == (turn["trace"], "turn", "")
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.finish_reasons": ["tool_call"],
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.cost.amount": 0.25,
    }
    assert expected.items() <= call["attributes"].items()
    assert (failed["code"], failed["message"]) == (2, "slow down")  # 2 is ERROR
    assert failed["attributes"]["error.type"] == "RateLimited"


@pytest.mark.parametrize("private", PRIVATE)
def test_nothing_private_arrives(collector: Collector, tmp_path: Path, private: str) -> None:
    store = tmp_path / "t.db"
    tracing = open_tracing(
        store, collector.url, f"s {private}", secrets=[PRIVATE[1]], capture_content=True
    )
    with tracing:
        error = RateLimited(f"refused {private}", code=private)
        tracing.record(a_call(private), **{"http.request.header.x-api-key": [private]})
        tracing.record(a_call(private, reply=None, error=error, feature=private), note=[private])
        with suppress(RuntimeError), tracing.span(f"s {private}", **{private: 1}) as span:
            span.event(f"e {private}", args={"a": [f"x\n{private}"]})
            raise RuntimeError(private) from ValueError(private)
    assert len(collector.spans) == 3
    assert private.encode() not in collector.raw
    assert json.dumps(private)[1:-1].encode() not in collector.raw
    assert len([span for trace in read_traces(store) for span in trace.spans]) == 3


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://h:4318", "http://h:4318/v1/traces"),
        ("http://h:6006/v1/traces/", "http://h:6006/v1/traces"),
        ("https://h/api/public/otel", "https://h/api/public/otel/v1/traces"),
    ],
)
def test_a_base_address_gets_the_path_of_traces(endpoint: str, url: str) -> None:
    assert traces_url(endpoint) == url


# --- a collector that is no help -----------------------------------------------------------------
CLI = """
import sys, time
from pathlib import Path
from shared.tracing import open_tracing
with open_tracing(Path(sys.argv[1]), sys.argv[2], "s") as tracing:
    with tracing.span("x"):
        print("answer", flush=True)
    began = time.monotonic()
print(time.monotonic() - began)
"""


@contextmanager
def listening(answer: bytes | None) -> Iterator[str]:
    """A server that says `answer` to everyone, or, with None, takes a connection and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    held.append(connection)
                    if answer is not None:
                        connection.recv(65536)
                        connection.sendall(answer)
                        connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


def close_time(tmp_path: Path, endpoint: str) -> tuple[float, str]:
    command = [sys.executable, "-c", CLI, str(tmp_path / "t.db"), endpoint]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    took = time.monotonic() - began
    answer, seconds = done.stdout.splitlines()
    assert (done.returncode, answer) == (0, "answer")
    assert took - float(seconds) < 10  # leaving the program is not held up either
    assert len(read_traces(tmp_path / "t.db")) == 1, "the local store has it all the same"
    return float(seconds), done.stderr


UNAVAILABLE = (
    b"HTTP/1.1 503 no\r\nretry-after: 30\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)
DENIED = b"HTTP/1.1 401 Who?\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
HALF = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf"


@pytest.mark.parametrize("answer", [None, UNAVAILABLE, DENIED, HALF], ids=lambda a: str(a)[11:16])
def test_a_collector_that_is_no_help_costs_two_seconds_and_a_sentence(
    tmp_path: Path, answer: bytes | None
) -> None:
    with listening(answer) as endpoint:
        seconds, said = close_time(tmp_path, endpoint)
    assert seconds < 2.5
    assert said.startswith(f"Traces were not delivered to {endpoint}/v1/traces: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:1", "localhost:4318", "http://user:pw@[", ""]
)
def test_an_address_where_nothing_listens_costs_a_sentence(tmp_path: Path, endpoint: str) -> None:
    seconds, said = close_time(tmp_path, endpoint)
    assert seconds < 2.5
    assert said.count("\n") == (1 if endpoint else 0)
    assert "Traceback" not in said
    assert "pw" not in said
