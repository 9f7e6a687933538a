"""One function a command: from parsed arguments to printed result and exit code."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import LocalError, UserError
from shared.process import answer, answer_json, unwinding
from shared.settings import load_settings
from stage3_rag.commands_ingest import run_ingest, run_reindex, run_stats
from stage3_rag.contract import Answer, Filters, Turn
from stage3_rag.covered import Covered
from stage3_rag.retrieve import Retrieved

if TYPE_CHECKING:
    from shared.embeddings import MiniLM
    from stage3_rag.ablate import Case
    from stage3_rag.contract import Document
    from stage3_rag.golden import Split
    from stage3_rag.refusal import Line

__all__ = ["run_ingest", "run_reindex", "run_stats"]  # the others are here

MOST_BYTES = 10_000_000  # of a file of questions
LONGEST_QUESTION = 40_000  # characters; a file that was meant as a document is told of


def run_ask(arguments: Namespace) -> int:
    from stage3_rag.view import answer_json as to_json
    from stage3_rag.view import answer_text

    result = asyncio.run(_ask(arguments, question_of(arguments)))
    if arguments.json:
        answer_json(to_json(result))
    else:
        answer(answer_text(result))
    return 0


def run_search(arguments: Namespace) -> int:
    from stage3_rag.view import hits_json, hits_text

    found = asyncio.run(_search(arguments, question_of(arguments), arguments.k))
    if arguments.json:
        body = {"confidence": found.confidence, "refusal": found.refusal}
        answer_json({**body, "hits": hits_json(found.hits)})
    else:
        answer(hits_text(found.hits) if found.hits else "Nothing is found.\n")
    return 0


def run_covered(arguments: Namespace) -> int:
    """Exit code 0 also for a no: the question was answered."""
    from stage3_rag.view import covered_json, covered_text

    found = asyncio.run(_covered(arguments, question_of(arguments)))
    if arguments.json:
        answer_json(covered_json(found))
    else:
        answer(covered_text(found))
    return 0


def run_pipe(arguments: Namespace) -> int:
    from stage3_rag.pipe import serve

    with unwinding():
        asyncio.run(serve(load_settings(), arguments.tenant, arguments.model))
    return 0


def run_compare(arguments: Namespace) -> int:
    from shared.examine import tell
    from stage3_rag.examine import compare

    with unwinding():  # the programs it started end with it
        examination = compare(arguments.mine, arguments.only)
    return tell(examination, arguments)


def run_score(arguments: Namespace) -> int:
    from shared.progress import progress
    from shared.score import tell
    from stage3_rag.golden import load_questions
    from stage3_rag.score import render_score, score

    with progress(len(load_questions()), "questions") as step:
        result = score(arguments.model, load_settings(), finished=step)
    return tell(result, render_score(result), arguments)


def run_calibrate(arguments: Namespace) -> int:
    line = asyncio.run(_calibrate(arguments, good_questions(arguments.file)))
    if arguments.json:
        answer_json({"threshold": line.threshold, "questions": line.questions})
    else:
        answer(
            f"Below a confidence of {line.threshold:.3f} a question is refused from now on "
            f"(set on {line.questions} questions, of which 5% fall below it).\n"
        )
    return 0


def run_ablate(arguments: Namespace) -> int:
    from shared.progress import progress
    from stage3_rag.ablate import ablate, render, to_json
    from stage3_rag.chunking import CHUNKERS
    from stage3_rag.library import METHODS

    cases, documents, embedder = _ablation(arguments.split)
    with progress(len(CHUNKERS) * len(METHODS), "rankings") as step:
        outcomes = ablate(documents, cases, embedder, step=step)
    if arguments.html:
        from stage3_rag.ablate_page import page

        text = page(
            outcomes, questions=len(cases), documents=len(documents), embedder=embedder.name
        )
        _write(Path(arguments.html), text)
    if arguments.json:
        answer_json(to_json(outcomes))
    else:
        answer(render(outcomes))
    return 0


def good_questions(file: str | None) -> list[str]:
    """A line each of `file`; without one the answerable questions of the handbook's dev split."""
    from shared.documents import decode, read_bytes
    from stage3_rag.golden import load_questions

    if file is None:
        return [one.text for one in load_questions("dev", most=100) if one.answerable]
    return decode(file, read_bytes(Path(file), MOST_BYTES)).splitlines()


def question_of(arguments: Namespace) -> str:
    """The question, from standard input for `-`; `UserError` when there is none."""
    text: str = arguments.question
    if text == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise UserError("nothing on standard input: pipe a question in, or write it")
        text = sys.stdin.read(LONGEST_QUESTION + 1)
    if not text.strip():
        raise UserError("the question is empty: ask in words")
    if len(text) > LONGEST_QUESTION:
        raise UserError(
            f"the question has more than {LONGEST_QUESTION:,} characters: ingest a text of that "
            "length as a document, and ask about it"
        )
    return text


def filters_of(arguments: Namespace) -> Filters:
    return Filters(
        documents=tuple(arguments.document),
        tags=tuple(arguments.tag),
        since=arguments.since,
        until=arguments.until,
    )


async def _ask(arguments: Namespace, question: str) -> Answer:
    from stage3_rag.opening import open_rag

    async with open_rag(load_settings(), arguments.tenant, arguments.model) as rag:
        history: list[Turn] = []
        for earlier in arguments.after:  # what was asked before is answered first, as in a chat
            said = await rag.answerer.ask(earlier, history=history, filters=filters_of(arguments))
            history.append(Turn(earlier, said.text or "I do not know."))
        return await rag.answerer.ask(
            question,
            history=history,
            filters=filters_of(arguments),
            passages=arguments.passages,
            expand=arguments.expand,
        )


async def _calibrate(arguments: Namespace, questions: list[str]) -> Line:
    from stage3_rag.calibrate import calibrate
    from stage3_rag.opening import open_collection

    async with open_collection(load_settings(), arguments.tenant) as collection:
        return await calibrate(collection.retriever, questions)


def _ablation(split: Split) -> tuple[list[Case], list[Document], MiniLM]:
    """The answerable questions of the handbook and its documents, as any corpus would be."""
    from shared.embeddings import MiniLM
    from stage3_rag.ablate import Case
    from stage3_rag.golden import CORPUS, holds, load_questions
    from stage3_rag.reading import find_sources, load, read_source

    questions = [q for q in load_questions(split, most=100) if q.answerable and not q.history]
    cases = [Case(q.text, len(q.needs), partial(holds, q)) for q in questions]
    documents = [
        document
        for source in find_sources(CORPUS)
        for document in read_source(source, load(source))
        if document.tenant == "handbook"
    ]
    return cases, documents, MiniLM()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LocalError(f"{path} cannot be written: {error.strerror}") from None


async def _search(arguments: Namespace, question: str, k: int) -> Retrieved:
    from stage3_rag.opening import open_collection

    async with open_collection(load_settings(), arguments.tenant) as collection:
        return await collection.retriever.find(question, k, filters_of(arguments))


async def _covered(arguments: Namespace, question: str) -> Covered:
    from stage3_rag.covered import covered
    from stage3_rag.opening import open_collection

    async with open_collection(load_settings(), arguments.tenant) as collection:
        found = await collection.retriever.find(question, 3, filters_of(arguments))
        return await asyncio.to_thread(covered, question, found, collection.embedder)
