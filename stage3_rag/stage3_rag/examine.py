"""`make compare STAGE=3`: any program that follows `pipe_contract`, beside the reference.

The offline server is the examiner's instrument: it answers for every model id, breaks on request,
and its log holds every call. `CHECKS` is the list of what is asked.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.examine import Check, Examination, chosen, examine
from shared.offline.server import LocalServer
from shared.offline.service import Options
from shared.programs import Program, clean_environment, words
from stage3_rag import examine_changes as changes
from stage3_rag import examine_checks as checks
from stage3_rag import examine_failures as failures
from stage3_rag.examine_bench import Library, RagBench
from stage3_rag.examine_model import ExaminersModel
from stage3_rag.golden import CORPUS, load_questions

REFERENCE = (sys.executable, "-m", "stage3_rag", "pipe")
WORKERS = 4  # of each program; a check waits for the folder that it is about
STAGE3, SHARED = "stage3_rag/stage3_rag", "shared/shared"
CHECKS: tuple[Check[RagBench], ...] = (
    Check(
        "answers",
        "does it ingest a folder and answer questions about it, one line each?",
        f"{STAGE3}/pipe.py:serve",
        checks.answers,
    ),
    Check(
        "recall",
        "is recall@5 on the handbook's questions at most 0.10 below the reference's?",
        f"{STAGE3}/lexical.py:terms",
        checks.recall,
    ),
    Check(
        "identifiers",
        "are camelCase names, article numbers and error codes found?",
        f"{STAGE3}/lexical.py:terms",
        checks.identifiers,
    ),
    Check(
        "languages",
        "are German, Spanish, Russian and Chinese documents found?",
        f"{STAGE3}/lexical.py:terms",
        checks.languages,
    ),
    Check(
        "off_topic",
        "is a question about something else declined?",
        f"{STAGE3}/answer.py:Answerer.ask",
        checks.off_topic,
    ),
    Check(
        "close_miss",
        "and one that the folder nearly answers?",
        f"{STAGE3}/answer.py:Answerer.ask",
        checks.close_miss,
    ),
    Check(
        "quotes",
        "does every quote stand word for word in a document that exists?",
        f"{STAGE3}/citations.py:found",
        checks.quotes,
    ),
    Check(
        "supports",
        "do the quotes hold the numbers of the answer, also when the model gets one wrong?",
        f"{STAGE3}/citations.py:supported",
        checks.supports,
    ),
    Check(
        "invented",
        "is a number that the model made up, quote and all, kept out?",
        f"{STAGE3}/citations.py:checked",
        checks.invented,
    ),
    Check(
        "hidden",
        "is an order that stands in a document not followed?",
        f"{STAGE3}/context.py:written",
        checks.hidden,
    ),
    Check(
        "updated",
        "is a changed document answered from its new text alone?",
        f"{STAGE3}/ingest.py:ingest_path",
        changes.updated,
    ),
    Check(
        "deleted",
        "is nothing left of a deleted document?",
        f"{STAGE3}/ingest.py:ingest_path",
        changes.deleted,
    ),
    Check(
        "added",
        "is a new document found within 3 s of its ingestion?",
        f"{STAGE3}/ingest.py:ingest_path",
        changes.added,
    ),
    Check(
        "unchanged",
        "does a second ingestion of the same folder cost next to nothing?",
        f"{STAGE3}/reading.py:content_hash",
        changes.unchanged,
    ),
    Check(
        "broken_files",
        "are the good files of a folder ingested when others cannot be read?",
        f"{STAGE3}/reading.py:read_source",
        changes.broken_files,
    ),
    Check(
        "malformed",
        "does it survive a model whose answers are broken?",
        f"{STAGE3}/answer.py:Answerer._call",
        failures.malformed,
    ),
    Check(
        "overloaded",
        "does it say so, after few calls, when the model is down, and go on?",
        f"{SHARED}/providers/retry.py:RetryPolicy.wait_s",
        failures.overloaded,
    ),
    Check(
        "ends",
        "does it end with its input, exit code 0?",
        f"{STAGE3}/pipe.py:serve",
        failures.ends,
        last=True,
    ),
    Check(
        "latency",
        "is the slowest of 30 answers there within 3 s?",
        f"{STAGE3}/retrieve.py:Retriever.find",
        checks.latency,
        last=True,
    ),
    Check(
        "secret",
        "is the API key printed nowhere, in this check or any other?",
        f"{SHARED}/redaction.py:redact",
        failures.secret,
        last=True,
    ),
)


def compare(mine: str, only: Sequence[str], reference: Sequence[str] = REFERENCE) -> Examination:
    """Examines the command `mine` and the reference; `only` names checks, none means all."""
    asked, argv = chosen(CHECKS, only), words(mine)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        empty = home / "empty"  # no `.env` is found from here
        empty.mkdir()
        environment = clean_environment()
        # The reference must not write into a database of the user's.
        without = {name: value for name, value in environment.items() if name != "DATABASE_URL"}
        yours = Program(argv, environment=environment)
        ours = Program(reference, environment=without, cwd=empty)
        books = library()
        with (
            open_bench(ours, home / "reference", library=books) as peer,
            open_bench(yours, home / "yours", library=books, peer=peer) as bench,
        ):
            return examine(3, mine, asked, bench, peer, workers=WORKERS)


@contextmanager
def open_bench(program: Program, home: Path, **more: Any) -> Iterator[RagBench]:
    """A bench with a server and a model of its own; everything it started ends with the block."""
    model = ExaminersModel()
    options = Options(any_model="offline-small", control=True)
    with LocalServer(think=model, options=options) as server:
        bench = RagBench(program, server, model, home, **more)
        try:
            yield bench
        finally:
            bench.close()
            program.stop()


def library() -> Library:
    """The handbook with its development questions; those of the test split are for `score`."""
    questions = load_questions("dev")
    return Library(CORPUS, [one for one in questions if one.answerable and not one.history])
