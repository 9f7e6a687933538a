"""Answers what a term of AI engineering means, from a fixed list of them.

The small model finds a term by its words and gives one sentence; the large one also finds a term
that is only paraphrased, and gives the fuller text. Left out: comparing two terms, how-to
questions, everything that is not in `glossary.json`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.resources import files

from shared.offline.skills import wishes
from shared.offline.skills.mind import Mind
from shared.offline.words import name_terms, sentences, terms

# MiniLM on own examples: of 11 paraphrased questions 6 found their entry above this cosine and 3 a
# neighbour of it; 8 of 8 unrelated questions stayed below 0.24.
_CLOSE = 0.34


@dataclass(frozen=True, slots=True)
class Entry:
    term: str
    aliases: list[str]
    short: str
    full: str
    related: list[str]


def entries() -> list[Entry]:
    text = (files("shared.offline") / "glossary.json").read_text("utf-8")
    return [Entry(**entry) for entry in json.loads(text)]


def reply(question: str, wish: wishes.Wishes, mind: Mind) -> str:
    """The entry that the question is about in the wished form, or "" when there is none."""
    known = entries()
    entry = _named(question, known) or (_meant(question, known, mind) if mind.large else None)
    if entry is None:
        return ""
    if not mind.large:
        return wishes.shaped([entry.short], wish, 1)
    text = wishes.shaped([entry.short, *sentences(entry.full)], wish, 5)
    plain = wish == wishes.Wishes(cite=wish.cite, decline=wish.decline)
    return text + (f" Related: {', '.join(entry.related)}." if plain else "")


def defines(question: str) -> bool:
    """Whether this is a question for the meaning of a term that is known by its name."""
    asks = re.match(
        r"^\W*(?:what(?:'s| is| are| does)|explain|define|describe|tell me about)\b", question, re.I
    )
    entry = _named(question, entries()) if asks else None
    names = [name_terms(name) for name in (entry.term, *entry.aliases)] if entry else []
    return any(set(terms(question)) - {"mean", "term"} <= set(name) for name in names)


def _named(question: str, known: list[Entry]) -> Entry | None:
    """The entry with the longest name in the question; of two, the one named first."""
    asked = " " + " ".join(name_terms(question)) + " "
    best: tuple[int, int, Entry] | None = None
    for entry in known:
        for name in (entry.term, *entry.aliases):
            words = name_terms(name)
            at = asked.find(f" {' '.join(words)} ")
            if at >= 0 and (best is None or (-len(words), at) < best[:2]):
                best = (-len(words), at, entry)
    return best[2] if best else None


def _meant(question: str, known: list[Entry], mind: Mind) -> Entry | None:
    if len(terms(question)) < 2:
        return None
    close = mind.closeness(question, [f"{entry.term}: {entry.short}" for entry in known])
    best = max(range(len(known)), key=close.__getitem__)
    return known[best] if close[best] >= _CLOSE else None
