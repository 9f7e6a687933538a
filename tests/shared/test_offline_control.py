"""The control routes, the log, embeddings, other model names, and the command itself."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import httpx2
import openai
import pytest

from shared.messages import Request
from shared.offline.__main__ import main
from shared.offline.answer import Answer
from shared.offline.log import RequestLog
from shared.offline.server import LocalServer
from shared.offline.service import Options
from shared.tokens import count_tokens

GOOD: dict[str, Any] = {
    "model": "offline-small",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
}
SECRET = "sk-very-secret-key"


def think(request: Request, size: str, embedder: object) -> Answer:
    return Answer(f"I am {size}.")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(think=think) as server:
        yield server


@pytest.fixture
def client(server: LocalServer) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {SECRET}", "user-agent": "me/1"}
    with httpx2.Client(base_url=server.base_url, headers=headers) as client:
        yield client


def test_script_ask_and_read_back(client: httpx2.Client) -> None:
    faults = [{"kind": "status", "status": 503}, None]
    script = client.post("/control/scripts", json={"key": SECRET, "faults": faults})
    assert script.json() == {"entries": 2}
    assert [client.post("/v1/messages", json=GOOD).status_code for _ in "12"] == [503, 200]
    seen = client.get("/control/wait", params={"key": SECRET, "count": 2}).json()["requests"]
    assert [entry["status"] for entry in seen] == [503, 200]
    last = seen[1]
    assert last["body"] == GOOD
    assert last["user_agent"] == "me/1"
    assert (last["model"], last["wire"], last["streamed"]) == ("offline-small", "anthropic", False)
    assert last["arrived_at"] <= last["first_byte_at"] <= last["finished_at"]
    assert last["billed"]["output"] == count_tokens("I am small.")
    client.delete("/control/log", params={"key": SECRET})
    assert client.get("/control/log").json() == {"requests": []}


def test_keys_are_apart_and_never_shown(client: httpx2.Client) -> None:
    client.post("/v1/messages", json=GOOD)
    client.post("/v1/messages", json=GOOD, headers={"authorization": "Bearer other"})
    everything = client.get("/control/log").text
    assert SECRET not in everything
    assert len(json.loads(everything)["requests"]) == 2
    assert len(client.get("/control/log", params={"key": SECRET}).json()["requests"]) == 1


@pytest.mark.parametrize(
    "faults",
    [
        "cut",
        [{"kind": "earthquake"}],
        [{"kind": "cut", "after": 3}],
        [{"kind": "cut", "after_tokens": "three"}],
        [{"kind": "cut", "how": "softly"}],
        [{"kind": "status"}],
        [{"kind": "pace", "seconds_per_token": -1}],
        [3],
        [{"kind": "reply", "tool_calls": {}}],
        [{"kind": "reply", "tool_calls": [3]}],
        [{"kind": "status", "status": 99}],
    ],
)
def test_a_wrong_script_is_refused(client: httpx2.Client, faults: Any) -> None:
    reply = client.post("/control/scripts", json={"key": "k", "faults": faults})
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_no_control_unless_asked_for() -> None:
    with LocalServer(think=think, options=Options()) as server:
        reply = httpx2.get(f"{server.base_url}/control/log", headers={"x-api-key": "k"})
        assert reply.status_code == 404


def test_any_model(client: httpx2.Client) -> None:
    options = Options(any_model="offline-large")
    with LocalServer(think=think, options=options) as server:
        gpt = openai.OpenAI(base_url=server.openai_base_url, api_key="k", max_retries=0)
        reply = gpt.chat.completions.create(model="gpt-6-sol", messages=GOOD["messages"])
        assert (reply.model, reply.choices[0].message.content) == ("gpt-6-sol", "I am large.")
        small = gpt.chat.completions.create(model="offline-small", messages=GOOD["messages"])
        assert small.choices[0].message.content == "I am small."


def test_the_log_is_bounded() -> None:
    log = RequestLog(capacity=3)
    for number in range(5):
        entry = log.open("k", "/v1/messages", "anthropic")
        log.keep_body(entry, json.dumps(number).encode())
    assert [entry.as_json()["body"] for entry in log.read("k")] == [2, 3, 4]
    assert [entry.sequence for entry in log.read()] == [3, 4, 5]
    assert log.read("unknown") == []


# --- embeddings --------------------------------------------------------------------------------
class Letters:
    """A stand-in embedding: counts of letters."""

    name, dimensions = "letters", 384

    def embed(self, texts: Sequence[str]) -> Any:
        numpy = pytest.importorskip("numpy")
        rows = [[text.count(chr(97 + i % 26)) for i in range(384)] for text in texts]
        return numpy.array(rows, dtype="float32")


@pytest.mark.embeddings
@pytest.mark.parametrize("extra", [{}, {"encoding_format": "float"}])
def test_embeddings(extra: dict[str, str]) -> None:
    with LocalServer(think=think, embedder=Letters()) as server:
        gpt = openai.OpenAI(base_url=server.openai_base_url, api_key="k", max_retries=0)
        reply = gpt.embeddings.create(model="offline-embed", input=["abba", "c"], **extra)
        assert [row.embedding[:3] for row in reply.data] == [[2, 2, 0], [0, 0, 1]]
        assert reply.usage.prompt_tokens == count_tokens("abba") + count_tokens("c")
        server.script("k", [{"kind": "status", "status": 429}])
        with pytest.raises(openai.RateLimitError):
            gpt.embeddings.create(model="offline-embed", input="a")
        for wrong in ([], [[1, 2]], [""]):
            with pytest.raises(openai.BadRequestError):
                gpt.embeddings.create(model="offline-embed", input=wrong)
        with pytest.raises(openai.NotFoundError):
            gpt.embeddings.create(model="offline-small", input="a")


# --- the command -------------------------------------------------------------------------------
def test_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    assert f"127.0.0.1 port {port}" in capsys.readouterr().err


def test_control_stays_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "0.0.0.0", "--control"]) == 2
    assert "--control" in capsys.readouterr().err


def test_the_command_serves_and_ends_cleanly() -> None:
    command = [sys.executable, "-m", "shared.offline", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        root = line.split("ANTHROPIC_BASE_URL=")[1].split()[0]
        reply = httpx2.post(f"{root}/v1/messages", json=GOOD, headers={"x-api-key": "k"})
        assert reply.json()["content"][0]["text"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert "Traceback" not in process.stderr.read()
