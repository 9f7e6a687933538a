"""How long a person waits: process start to `--help`, and process start to the first token.

Measured from outside as the first byte on standard output, against the `llm` CLI and against the
least code that streams. A real endpoint adds a TLS handshake and the network to every row.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from environments import CACHE, HERE, own, peer, uv
from processes import local_server, timed
from series import Comparison, Measured, Section, interleave, ratios

QUESTION = "Why is the sky blue?"
ROUNDS = 7
COLD = 1  # rounds thrown away: they write the .pyc files
FIRST, CPU = "first byte ms", "CPU ms to it"
OWN, SDK = "stage1 ask (own engine)", "stage1 ask (SDK engine)"
AIOHTTP = "stage1 ask (own on aiohttp)"
CLIENTS = ("httpx2", "aiohttp", "httpx")


def help_section() -> Section:
    commands = {
        "python -c print()": [sys.executable, "-c", "print()"],
        "stage1 --help": [own("stage1"), "--help"],
        "uv run stage1 --help": [uv(), "run", "--no-sync", "stage1", "--help"],
        "llm --version": [str(peer("llm") / "llm"), "--version"],
    }
    with tempfile.TemporaryDirectory() as folder:
        measures = _measures(commands, Path(folder), {})
        measures["uv run stage1 --help"] = partial(
            timed, commands["uv run stage1 --help"], CACHE, {}
        )
        table = interleave(measures, ROUNDS, COLD)
    pair = ("stage1 --help", "llm --version")
    return Section(
        "1a Start-up",
        f"Process start to first byte, {ROUNDS} interleaved rounds: median (min-max).",
        table,
        [Comparison(" : ".join(pair), ratios(table, FIRST, *pair), aim=0.2)],
    )


def first_token_section() -> Section:
    with local_server() as url, tempfile.TemporaryDirectory() as name:
        table = interleave(_first_token_measures(url, Path(name)), ROUNDS, COLD)
    pairs = (
        (OWN, "llm -m", 0.5),
        (OWN, "llm openai endpoint", 0.5),
        (OWN, "bare httpx2", None),
        (AIOHTTP, OWN, None),
        (SDK, OWN, None),
        (SDK, "llm -m", None),
        ("bare aiohttp", "bare httpx2", None),
    )
    return Section(
        "1b First token",
        f"Process start to first token on stdout, same local server, {ROUNDS} rounds.",
        table,
        [Comparison(f"{a} : {b}", ratios(table, FIRST, a, b), aim=aim) for a, b, aim in pairs]
        + [Comparison(f"{a} : {b}, CPU", ratios(table, CPU, a, b)) for a, b, _ in pairs],
    )


def import_section() -> Section:
    """Whole processes, since part of an import's price is paid when the process ends."""
    clients = str(peer("clients") / "python")
    commands = {f"import {one}": [clients, "-c", f"import {one}; print()"] for one in CLIENTS}
    for sdk in ("openai", "anthropic"):
        commands[f"import {sdk}"] = [sys.executable, "-c", f"import {sdk}; print()"]
    with tempfile.TemporaryDirectory() as folder:
        table = interleave(_measures(commands, Path(folder), {}), 4, COLD)
    pair = ("import aiohttp", "import httpx2")
    return Section(
        "1c Imports",
        "A process that imports one package and prints a line, 4 rounds.",
        table,
        [Comparison(" : ".join(pair), ratios(table, FIRST, *pair))],
    )


def _first_token_measures(url: str, folder: Path) -> dict[str, Callable[[], Measured]]:
    llm = str(peer("llm") / "llm")
    bare = str(HERE / "bare_client.py")
    clients = str(peer("clients") / "python")
    (folder / "extra-openai-models.yaml").write_text(
        f"- model_id: bench\n  model_name: bench\n  api_base: {url}/v1\n"
    )
    ask = [own("stage1"), "ask", QUESTION, "--model", "compatible/bench"]
    commands = {
        OWN: ask,
        "llm -m": [llm, "-m", "bench", "--key", "none", QUESTION],
        "llm openai endpoint": [
            *(llm, "openai", "endpoint", f"{url}/v1", QUESTION),
            *("-m", "bench", "--key", "none"),
        ],
        "bare httpx2": [clients, bare, "httpx2", url, QUESTION],
        "bare aiohttp": [clients, bare, "aiohttp", url, QUESTION],
        "bare http.client": [clients, bare, "http.client", url, QUESTION],
    }
    extra = {
        "OPENAI_BASE_URL": f"{url}/v1",
        "STAGES_HOME": str(folder / "home"),
        "LLM_USER_PATH": str(folder),
    }
    engines = {
        name: partial(timed, ask, folder, extra | {"STAGES_ENGINE": engine})
        for name, engine in ((AIOHTTP, "aiohttp"), (SDK, "sdk"))
    }
    measures = _measures(commands, folder, extra)
    return {OWN: measures[OWN]} | engines | measures


def _measures(
    commands: Mapping[str, Sequence[str]], folder: Path, extra: Mapping[str, str]
) -> dict[str, Callable[[], Measured]]:
    return {name: partial(timed, command, folder, extra) for name, command in commands.items()}
