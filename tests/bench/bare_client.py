"""The least that streams an answer: one client, a loop over lines, no errors handled.

What a reader would write in five minutes, and so the floor for what `stage1 ask` may cost.
Usage: bare_client.py httpx2|aiohttp|http.client URL QUESTION
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import sys
from typing import Any


def show(line: str) -> None:
    if not line.startswith("data: {"):
        return
    for choice in json.loads(line[6:])["choices"]:
        sys.stdout.write(choice["delta"].get("content") or "")
        sys.stdout.flush()


async def with_httpx2(url: str, body: dict[str, Any]) -> None:
    httpx2 = importlib.import_module("httpx2")
    async with (
        httpx2.AsyncClient(verify=False, trust_env=False) as client,
        client.stream("POST", url, json=body) as response,
    ):
        async for line in response.aiter_lines():
            show(line)


async def with_aiohttp(url: str, body: dict[str, Any]) -> None:
    aiohttp = importlib.import_module("aiohttp")
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        async for line in response.content:
            show(line.decode())


def with_standard_library(url: str, body: dict[str, Any]) -> None:
    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc)
    connection.request("POST", parts.path, json.dumps(body), {"content-type": "application/json"})
    for line in connection.getresponse():
        show(line.decode())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=("httpx2", "aiohttp", "http.client"))
    parser.add_argument("url")
    parser.add_argument("question")
    given = parser.parse_args()
    messages = [{"role": "user", "content": given.question}]
    body = {"model": "bench", "messages": messages, "stream": True}
    url = given.url + "/v1/chat/completions"
    if given.client == "http.client":
        with_standard_library(url, body)
    else:
        asyncio.run((with_httpx2 if given.client == "httpx2" else with_aiohttp)(url, body))


if __name__ == "__main__":
    main()
