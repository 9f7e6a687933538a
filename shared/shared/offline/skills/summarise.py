"""Shortens a text or a conversation by keeping its most central sentences, in their order.

Central means: shares rare words with many other sentences. It cannot rephrase, merge two
sentences, or tell what is important from what is said often. Both models do the same here.
"""

from __future__ import annotations

import re
from collections import Counter

from shared.messages import Request
from shared.offline.skills import documents, wishes
from shared.offline.words import sentences, terms

_ASKED = re.compile(
    r"\b(?:summari[sz]e|summary|tl;?dr|condense|shorten|recap|sum up|boil down|compress)\b", re.I
)
_DEFINED = re.compile(r"\bwhat (?:is|are|does)\b", re.I)
_TASK = re.compile(
    r"^.{0,400}?\b(?:summari[sz]|condens|shorten|recap|compress|summary|sum up).{0,300}?[:.]\s*\n",
    re.I | re.S,
)
USUAL_SENTENCES = 5


def asked(request: Request) -> bool:
    """True when the instructions ask to shorten something; a question about summaries does not."""
    said = documents.last_user_text(request)
    head, tail = said[:400], said[-300:]
    if _DEFINED.match(head.strip()):
        return False
    return bool(_ASKED.search(head) or _ASKED.search(tail) or _ASKED.search(request.system[:300]))


def reply(request: Request, wish: wishes.Wishes) -> str:
    return wishes.shaped(central(_material(request), _count(wish)), wish, USUAL_SENTENCES)


def central(text: str, count: int) -> list[str]:
    """At most `count` sentences of `text`, in the order of the text."""
    lines = list(dict.fromkeys(sentences(text)))
    bags = [set(terms(line)) for line in lines]
    often = Counter(term for bag in bags for term in bag)

    def weight(at: int) -> float:
        shared = sum(often[term] - 1 for term in bags[at])
        return shared / (4 + len(bags[at])) + (1.0 if at == 0 else 0.0) + 1 / (2 + at)

    best = sorted(range(len(lines)), key=lambda at: (-weight(at), at))[:count]
    return [lines[at] for at in sorted(best)]


def _count(wish: wishes.Wishes) -> int:
    if wish.bullets is not None:
        return wish.bullets
    return USUAL_SENTENCES if wish.sentences is None else wish.sentences


def _material(request: Request) -> str:
    """The documents; else the last turn without its task; else the turns before the last."""
    found = documents.in_request(request)
    if found:
        return "\n".join(document.text for document in found)
    said = documents.last_user_text(request)
    own = _TASK.sub("", said, count=1)
    if len(sentences(own)) > 2 and own != said:
        return own
    lines = [line for line in sentences(said) if not _ASKED.search(line)]
    if len(lines) >= 2:
        return "\n".join(lines)
    return "\n".join(message.text for message in request.messages[:-1])
