"""`make compare STAGE=2`: any program that follows `contract`, beside the reference.

The offline server is the examiner's instrument: it answers for every model id, breaks on request,
and its log holds every call. `CHECKS` is the list of what is asked.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from shared.examine import Check, Examination, chosen, examine
from shared.offline.server import LocalServer
from shared.offline.service import Options
from shared.programs import Program, clean_environment, words
from stage2_extractor import examine_checks as checks
from stage2_extractor import examine_failures as failures
from stage2_extractor.dataset import Case, load_cases
from stage2_extractor.examine_bench import ExtractBench
from stage2_extractor.examine_model import ExaminersModel

REFERENCE = (sys.executable, "-m", "stage2_extractor", "extract", "-", "--format", "record")
WORKERS = 3  # of each program, which waits for the server about half of its time
EVERY = 4  # of the development split, one document in four is extracted
STAGE2, SHARED = "stage2_extractor/stage2_extractor", "shared/shared"
CHECKS: tuple[Check[ExtractBench], ...] = (
    Check(
        "record",
        "does a plain invoice give one valid record, exit code 0 and nothing else?",
        f"{STAGE2}/contract.py:read_record",
        checks.record,
    ),
    Check(
        "field_f1",
        "is field F1 on real documents at most 0.10 below the reference's?",
        f"{STAGE2}/prompts.py:request",
        checks.field_f1,
    ),
    Check(
        "decimals",
        "are amounts exact to the last digit?",
        f"{STAGE2}/shape.py:loads",
        checks.decimals,
    ),
    Check(
        "dates",
        "is a date that the model wrote in words mended, left out or reported?",
        f"{STAGE2}/reading.py:read",
        checks.dates,
    ),
    Check(
        "invented",
        "is a value that stands nowhere in the document kept out of the record?",
        f"{STAGE2}/evidence.py:unsupported",
        checks.invented,
    ),
    Check(
        "hidden",
        "is an order that stands in the document not followed?",
        f"{STAGE2}/prompts.py:_question",
        checks.hidden,
    ),
    Check(
        "retry_json",
        "is the model asked again after an answer that is not JSON?",
        f"{STAGE2}/extract.py:Extractor.extract",
        failures.retry_json,
    ),
    Check(
        "retry_drift",
        "and after JSON with other keys than were asked for?",
        f"{STAGE2}/prompts.py:follow_up",
        failures.retry_drift,
    ),
    Check(
        "gives_up",
        "does it end with a sentence, after few calls, when no answer is ever JSON?",
        f"{STAGE2}/extract.py:Extractor.extract",
        failures.gives_up,
    ),
    Check(
        "truncated",
        "is an answer that was cut at the token limit recognised and said so?",
        f"{STAGE2}/reading.py:read",
        failures.truncated,
    ),
    Check(
        "refused",
        "is a refusal recognised and said so?",
        f"{STAGE2}/reading.py:read",
        failures.refused,
    ),
    Check(
        "overloaded",
        "does it give up, with a sentence, on a provider that stays down?",
        f"{SHARED}/providers/retry.py:RetryPolicy.wait_s",
        failures.overloaded,
    ),
    Check(
        "names",
        "do names in other scripts arrive unchanged?",
        f"{STAGE2}/output.py:json_line",
        checks.names,
    ),
    Check(
        "encoding",
        "is a text in Windows-1252 read right or reported?",
        f"{SHARED}/documents.py:decode",
        checks.encoding,
    ),
    Check(
        "empty",
        "is a blank document refused before anything is sent?",
        f"{STAGE2}/documents.py:usable",
        checks.empty,
    ),
    Check(
        "huge",
        "is a document that is too long reported, and not cut in silence?",
        f"{STAGE2}/documents.py:usable",
        checks.huge,
    ),
    Check(
        "secret",
        "is the API key printed nowhere, in this check or any other?",
        f"{SHARED}/redaction.py:redact",
        failures.secret,
        last=True,
    ),
)


def compare(mine: str, only: Sequence[str]) -> Examination:
    """Examines the command `mine` and the reference; `only` names checks, none means all."""
    asked, argv = chosen(CHECKS, only), words(mine)
    cases = documents()
    model = ExaminersModel()
    options = Options(any_model=best_offline_model(), control=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalServer(think=model, options=options) as server,
    ):
        home = Path(folder)
        empty = home / "empty"  # no `.env` is found from here
        empty.mkdir()
        environment = clean_environment()
        yours = Program(argv, environment=environment)
        ours = Program(REFERENCE, environment=environment, cwd=empty)
        reference = ExtractBench(ours, server, model, home / "reference", cases=cases)
        bench = ExtractBench(yours, server, model, home / "yours", cases=cases, peer=reference)
        try:
            return examine(2, mine, asked, bench, reference, workers=WORKERS)
        finally:
            yours.stop()
            ours.stop()


def documents() -> list[Case]:
    """Real documents, easy and hard ones; those of the test split are for `stage2 score` alone."""
    return load_cases("invoice", "dev")[::EVERY]


def best_offline_model() -> str:
    """offline-large where the embedding model can be run."""
    able = find_spec("onnxruntime") and find_spec("tokenizers")
    return "offline-large" if able else "offline-small"
