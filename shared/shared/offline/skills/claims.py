"""Finds the claim and what to hold it against in a prompt, as tags or as labelled sections."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.messages import Request
from shared.offline.skills import documents
from shared.offline.skills.documents import elements

_CLAIMS = "claim|answer|statement|response|summary|hypothesis|candidate|prediction|reply|output"
_GROUNDS = (
    "context|passages|passage|source|sources|documents|document|evidence|premise|article|text|"
    "reference answer|reference|expected answer|expected|ground truth|gold answer|gold|facts"
)
_RIVALS = "answer a|answer b|response a|response b|assistant a|assistant b|candidate a|candidate b"
_TASK = "question|query|prompt|task|instruction"
_SECTION = re.compile(
    rf"^[ \t#*\[]*(?P<name>{_RIVALS}|{_GROUNDS}|{_CLAIMS}|{_TASK})"
    r"\**[ \t]*(?:\d+)?\]?[ \t]*:\**[ \t]*",
    re.M | re.I,
)


@dataclass(frozen=True, slots=True)
class Case:
    """`against` are both answers where the prompt asks which one is better."""

    claim: str
    grounds: str
    question: str = ""
    against: tuple[str, str] | None = None


def case(request: Request) -> Case | None:
    """The claim and the passage of the last turn, if the prompt has a section for each."""
    text = documents.last_user_text(request)
    found = _sections(text)
    rivals = [found[name] for name in _RIVALS.split("|") if name in found]
    question = next((found[name] for name in _TASK.split("|") if name in found), "")
    grounds = "\n".join(found[name] for name in _GROUNDS.split("|") if found.get(name))
    if len(rivals) == 2:
        return Case("", grounds, question, (rivals[0], rivals[1]))
    claim = next((found[name] for name in _CLAIMS.split("|") if found.get(name)), "")
    return Case(claim, grounds, question) if claim and (grounds or question) else None


def _sections(text: str) -> dict[str, str]:
    names = "|".join((_RIVALS, _GROUNDS, _CLAIMS, _TASK)).replace(" ", "[_ ]")
    tagged = {e.tag.replace("_", " "): e.body.strip() for e in elements(text, names)}
    if len(tagged) > 1:
        return tagged
    heads = list(_SECTION.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    found: dict[str, str] = dict(tagged)
    for head, end in zip(heads, ends, strict=False):
        name = re.sub(r"\s+", " ", head["name"].lower())
        found[name] = (found.get(name, "") + "\n" + text[head.end() : end]).strip()
    return found
