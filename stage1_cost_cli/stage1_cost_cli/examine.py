"""`make compare STAGE=1`: any program that follows `contract`, beside the reference.

The offline server is the examiner's instrument. It answers for every model id, breaks on request,
and its log holds the true tokens, times and tries. `CHECKS` is the list of what is asked.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from shared.examine import Check, Examination, chosen, examine
from shared.offline.server import LocalServer
from shared.offline.service import Options
from shared.prices import open_prices
from shared.programs import Program, clean_environment, words
from shared.settings import Settings
from stage1_cost_cli import examine_checks as checks
from stage1_cost_cli import examine_failures as failures
from stage1_cost_cli.examine_bench import AskBench

REFERENCE = (sys.executable, "-m", "stage1_cost_cli", "ask", "--receipt", "json")
WORKERS = 3  # of each program, which waits for the server about half of its time
STAGE1, PROVIDERS = "stage1_cost_cli/stage1_cost_cli", "shared/shared/providers"
CHECKS: tuple[Check[AskBench], ...] = (
    Check(
        "answers",
        "does a plain question end with the answer, unchanged, and exit code 0?",
        f"{STAGE1}/ask.py:ask_one",
        checks.answers,
    ),
    Check(
        "receipt",
        "is there one line of JSON with all fields?",
        f"{STAGE1}/receipt.py:Receipt",
        checks.receipt,
    ),
    Check(
        "models",
        "do small and big ask for two models, and does the receipt name them?",
        "shared/shared/models.py:resolve",
        checks.models,
    ),
    Check(
        "streams",
        "is the first text printed before the server has finished?",
        f"{STAGE1}/ask.py:_streamed",
        checks.streams,
    ),
    Check(
        "clean_pipe",
        "is a pipe free of colour codes?",
        f"{STAGE1}/terminal.py:to_text",
        checks.clean_pipe,
    ),
    Check(
        "unicode",
        "do other scripts and joined emoji arrive unchanged?",
        "shared/shared/providers/sse.py",
        checks.unicode,
    ),
    Check(
        "cost_small",
        "is the cost of small right to a hundredth of a cent?",
        "shared/shared/prices.py:PriceList.cost",
        checks.cost_small,
    ),
    Check(
        "cost_big",
        "is the cost of big right to a hundredth of a cent?",
        "shared/shared/prices.py:PriceList.cost",
        checks.cost_big,
    ),
    Check(
        "cost_cached",
        "is it right when most of the input was read from the provider's cache?",
        f"{PROVIDERS}/anthropic_wire.py:_usage",
        checks.cost_cached,
    ),
    Check(
        "cost_long",
        "is it right for a prompt so long that another price holds?",
        "shared/shared/prices.py:_listed",
        checks.cost_long,
    ),
    Check(
        "latency",
        "do first_token_s and total_s say what the server's clock says?",
        f"{PROVIDERS}/provider.py:Provider._one_try",
        checks.latency,
    ),
    Check(
        "rate_limit",
        "is a 429 survived, and its retry-after kept?",
        f"{PROVIDERS}/retry.py:RetryPolicy.wait_s",
        failures.rate_limit,
    ),
    Check(
        "cut_reset",
        "is a connection that breaks in the middle reported, and the text kept?",
        f"{PROVIDERS}/provider.py:Provider._events",
        failures.cut_reset,
    ),
    Check(
        "cut_clean",
        "is a stream that ends in the middle as if it were whole reported?",
        f"{PROVIDERS}/provider.py:Provider._one_try",
        failures.cut_clean,
    ),
    Check(
        "bad_key",
        "is a bad key one clear sentence and a non-zero exit code?",
        f"{PROVIDERS}/failures.py:from_status",
        failures.bad_key,
    ),
    Check(
        "overloaded",
        "does it give up, with a sentence, on a provider that stays down?",
        f"{PROVIDERS}/retry.py:RetryPolicy.wait_s",
        failures.overloaded,
    ),
    Check(
        "empty_question",
        "is an empty question refused before anything is sent?",
        f"{STAGE1}/ask.py:question_request",
        failures.empty_question,
    ),
    Check(
        "secret",
        "is the API key printed nowhere, in this check or any other?",
        "shared/shared/redaction.py:redact",
        failures.secret,
        last=True,
    ),
)


def compare(mine: str, only: Sequence[str], settings: Settings) -> Examination:
    """Examines the command `mine` and the reference; `only` names checks, none means all."""
    asked, argv = chosen(CHECKS, only), words(mine)
    prices = open_prices(settings.prices_file)
    options = Options(any_model="offline-small", control=True)
    with tempfile.TemporaryDirectory() as folder, LocalServer(options=options) as server:
        empty = Path(folder) / "empty"  # no `.env` is found from here
        empty.mkdir()
        yours = Program(argv, environment=_environment(folder, "yours"))
        reference = Program(REFERENCE, environment=_environment(folder, "reference"), cwd=empty)
        try:
            benches = [AskBench(program, server, prices) for program in (yours, reference)]
            return examine(1, mine, asked, *benches, workers=WORKERS)
        finally:
            yours.stop()
            reference.stop()


def _environment(folder: str, side: str) -> dict[str, str]:
    """STAGES_HOME is no part of the contract: it keeps a copy of ours out of the real ledger."""
    return clean_environment(os.environ) | {"STAGES_HOME": str(Path(folder) / side)}
