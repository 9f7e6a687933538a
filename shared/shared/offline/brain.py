"""What the offline model answers: one page that picks a skill by the structure of the request.

The brain sees the request and nothing else, so the same request always gets the same answer. What
each skill can and cannot do stands in its own file. Left out: the wire, faults, streaming, billing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.messages import Request
from shared.offline.answer import Answer
from shared.offline.skills import (
    answer,
    chat,
    cited,
    classify,
    documents,
    examples,
    fill,
    glossary,
    judge,
    summarise,
    tools,
    wishes,
)
from shared.offline.skills.fields import Schema
from shared.offline.skills.mind import Mind, Size

if TYPE_CHECKING:
    from shared.embeddings import Embedder


def think(request: Request, size: Size, embedder: Embedder | None) -> Answer:
    """The answer of one model to one request.

    `MissingExtra` when the large model must compare meanings and has no embedder.
    """
    mind = Mind(size, embedder)
    if request.tools:
        acted = tools.act(request, mind)
        if acted:
            return acted
    if request.output:
        return Answer(_json(request, request.output.schema, mind))
    return Answer(_say(request, mind))


def _json(request: Request, schema: Schema, mind: Mind) -> str:
    """JSON by a schema: a verdict, an answer with its sources, or data out of a text."""
    if judge.fits(request, schema):
        return judge.reply(request, schema, mind)
    if cited.fits(request, schema):
        return cited.reply(request, schema, mind)
    return fill.reply(request, schema, mind)


def _say(request: Request, mind: Mind) -> str:
    """Free text: a verdict, a label, a summary, an answer, a term, or what this model is."""
    instructions = documents.instructions(request)
    wish = wishes.read(instructions)
    if judge.asked(request):
        return judge.said(request, mind)
    options = classify.listed(instructions)
    if options:
        return classify.said(request, options, instructions, mind)
    wanted = examples.template(request)
    if wanted:
        return fill.reply(request, wanted, mind)
    if summarise.asked(request):
        return summarise.reply(request, wish)
    question = documents.question(request)
    given = documents.in_request(request)
    if given:
        return answer.reply(question, given, wish, mind)
    return glossary.reply(question, wish, mind) or chat.reply(question, wish, mind)
