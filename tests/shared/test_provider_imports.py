"""What is loaded when: nobody waits for an SDK, a price list or a model that is not used."""

import json
import subprocess
import sys

import pytest

from shared.offline.server import LocalServer

HEAVY = {
    "anthropic",
    "openai",
    "onnxruntime",
    "numpy",
    "opentelemetry",
    "genai_prices",
    "rs_bpe",
    "uvicorn",
    "torch",
}
TAIL = "\nimport sys, json\nprint(json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"


def loaded(code: str) -> set[str]:
    """Top-level modules of a fresh interpreter after `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code + TAIL], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


CALL = """
import asyncio
from shared.messages import Request, user
from shared.models import Model
from shared.providers.opening import open_provider
from shared.settings import Settings

async def main():
    settings = Settings(_env_file=None, OFFLINE_BASE_URL={url!r}, OPENAI_BASE_URL={url!r} + "/v1",
                        OPENAI_API_KEY="some-key", STAGES_ENGINE={engine!r})
    for provider, wire in {wires}:
        model = Model("offline-small", provider, wire, 128_000)
        async with open_provider(model, settings) as provider:
            request = Request(messages=(user("What is RRF?"),))
            assert (await provider.complete(request)).text
            async with provider.stream(request) as events:
                assert [event async for event in events]

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "code",
    [
        "import shared.providers.opening",
        "import shared.providers.engine_http, shared.providers.engine_sdk",
        "import shared.providers.transport_httpx2, shared.providers.transport_aiohttp",
        "import shared.providers.anthropic_wire, shared.providers.chat_wire",
        "import shared.models, shared.prices, shared.budget, shared.schemas, shared.calls",
        "import shared.messages, shared.errors, shared.tokens",
        "import shared.offline.attach",
    ],
)
def test_an_import_does_no_work(code: str) -> None:
    found = loaded(code)
    assert "shared" in found
    assert not found & (HEAVY | {"httpx2", "aiohttp"})


def test_words_and_errors_need_no_pydantic() -> None:
    code = "import shared.messages, shared.errors, shared.calls, shared.models, shared.schemas"
    assert not loaded(code) & {"pydantic", "pydantic_settings"}


@pytest.mark.parametrize(
    ("engine", "client", "other"), [("http", "httpx2", "aiohttp"), ("aiohttp", "aiohttp", "httpx2")]
)
def test_a_call_on_our_engine_loads_no_sdk(engine: str, client: str, other: str) -> None:
    with LocalServer() as server:
        wires = [("offline", "anthropic"), ("openai", "chat")]
        found = loaded(CALL.format(url=server.base_url, engine=engine, wires=wires))
        assert {entry.wire for entry in server.log()} == {"anthropic", "chat"}
    assert client in found
    assert not found & (HEAVY | {other})


@pytest.mark.parametrize(
    ("provider", "wire", "sdk"),
    [("offline", "anthropic", "anthropic"), ("openai", "chat", "openai")],
)
def test_a_call_on_an_sdk_loads_only_that_one(provider: str, wire: str, sdk: str) -> None:
    with LocalServer() as server:
        found = loaded(CALL.format(url=server.base_url, engine="sdk", wires=[(provider, wire)]))
    assert sdk in found
    assert not found & (HEAVY - {sdk, "opentelemetry"})
