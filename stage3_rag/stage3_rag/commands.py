"""One function a command: from parsed arguments to printed result and exit code."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace

from shared.errors import UserError
from shared.process import answer, answer_json, unwinding
from shared.settings import load_settings
from stage3_rag.commands_ingest import run_ingest, run_reindex, run_stats  # noqa: F401 (by name)
from stage3_rag.contract import Answer, Filters
from stage3_rag.covered import Covered
from stage3_rag.retrieve import Retrieved

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
        return await rag.answerer.ask(
            question, filters=filters_of(arguments), passages=arguments.passages
        )


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
