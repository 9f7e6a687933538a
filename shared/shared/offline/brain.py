"""What the offline model answers: one page that picks a skill by the structure of the request.

The brain sees the request and nothing else, so the same request always gets the same answer. What
each skill can and cannot do stands in its own file. Left out: the wire, faults, streaming, billing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.messages import Request
from shared.offline.answer import Answer
from shared.offline.skills import answer, chat, documents, fill, glossary, summarise, tools, wishes
from shared.offline.skills.mind import Mind, Size

if TYPE_CHECKING:
    from shared.embeddings import Embedder


def think(request: Request, size: Size, embedder: Embedder | None) -> Answer:
    """The answer of one model to one request.

    `MissingExtra` when the large model must compare meanings and has no embedder.
    """
    mind = Mind(size, embedder)
    if request.tools:
        done = tools.act(request, mind)
        if done:
            return done
    if request.output:
        return Answer(fill.reply(request, request.output.schema, mind))
    return Answer(_say(request, mind))


def _say(request: Request, mind: Mind) -> str:
    """Free text: a summary, an answer from documents, a term explained, or what this model is."""
    wish = wishes.read(documents.instructions(request))
    if summarise.asked(request):
        return summarise.reply(request, wish)
    question = documents.question(request)
    given = documents.in_request(request)
    if given:
        return answer.reply(question, given, wish, mind)
    return glossary.reply(question, wish, mind) or chat.reply(question, wish, mind)
