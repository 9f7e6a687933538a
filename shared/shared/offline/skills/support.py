"""Is a claim supported by a passage? Each clause is held against the lines that speak of it.

Support is the share of a clause's words that its best line has, rare words counting more, with less
credit for a word that only stands just before the line or elsewhere. Numbers that are missing or
stand for something else, opposites, and names from nowhere take it away. The weakest clause
decides. Left out: conclusions of several steps, knowledge that is not in the passage, irony.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.offline.skills import polarity, quantities
from shared.offline.skills.amounts import NUMBER_STEMS
from shared.offline.skills.amounts import quantities as quantities_of
from shared.offline.skills.mind import Mind
from shared.offline.skills.passages import Line, lines, names, plain, wide_terms
from shared.offline.skills.synonyms import any_alike
from shared.offline.skills.word_lists import LIGHT
from shared.offline.words import STOP, Rarity, rarity, sentences

_SPLIT = re.compile(
    r"[,;]\s+(?:and|but|so|while|whereas|because|since)\s+|;\s+|:\s+(?=[a-z])", re.I
)
_LEAD = re.compile(r"^\s*(?:yes|no|sure|correct)\s*[,.:;]\s+(?=\w)", re.I)
_NEAR, _FAR, _ELSEWHERE, _ALIKE = (
    0.75,
    0.65,
    0.45,
    0.85,
)  # credit for a word that is not in the line itself
_LIGHT_WEIGHT, _NUMBER_WEIGHT = 0.3, 0.8
_PRONOUN = re.compile(
    r"\b(?:it|he|she|they|its|his|her|their|this|these|those|both|such|there)\b", re.I
)
_SUBJECT = 0.85
_MISSING_NUMBER, _SWAPPED_NUMBER, _OPPOSED, _OVERSTATED, _STRANGER = 0.35, 0.45, 0.4, 0.55, 0.7
_CANDIDATES, _MOST_CLAIMS, _STUMP, _MOST_JOINED = 4, 40, 4, 3
_LEAST, _CLOSE, _ALSO, _MEANT = 0.3, 0.2, 0.85, 0.6
_ASKS = re.compile(
    r"^\s*(?:how (?:long|many|much|fast|often|far|wide|large|old|soon)|what|which|who|when|where"
    r"|why)\b",
    re.I,
)
_JOINED = 0.85  # what two lines together are worth against one
SUPPORTED = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """One clause. `clash`: the passage contradicts it and does not only lack it."""

    support: float
    clash: bool
    clause: str


def findings(claim: str, grounds: str, mind: Mind, question: str = "") -> list[Finding]:
    """One for each clause that says anything; none when the claim is empty.

    A clause of few words ("Within five days.") is read as an answer to the question.
    """
    known = lines(grounds)
    weigh = rarity([line.terms for line in known])
    clauses = [part for whole in sentences(plain(claim))[:_MOST_CLAIMS] for part in _clauses(whole)]
    return [
        _finding(clause, known, weigh, mind, question if _short(clause) else "")
        for clause in clauses
        if wide_terms(clause)
    ]


def _short(clause: str) -> bool:
    return sum(map(_says, wide_terms(clause))) <= _STUMP


def _clauses(sentence: str) -> list[str]:
    """Cut where a new statement begins; a cut that leaves a stump is not made."""
    bare = _LEAD.sub("", sentence)
    parts = _SPLIT.split(bare)
    if len(parts) < 2 or any(_size(part) < _STUMP for part in parts):
        return [bare]
    return parts


def _size(part: str) -> int:
    return sum(map(_says, wide_terms(part))) + len(quantities_of(part))


def _finding(
    clause: str, known: Sequence[Line], weigh: Rarity, mind: Mind, question: str
) -> Finding:
    asked = f"{_subject(question)} {clause}" if question else clause
    view = _View(asked, known, weigh, mind)
    near, best = view.near()
    if not near:
        return Finding(best, False, clause)
    numbers = quantities.compare(asked, near, known)
    score = best * _MISSING_NUMBER**numbers.missing * _SWAPPED_NUMBER**numbers.swapped
    clash = bool(numbers.swapped or numbers.missing)
    if not numbers.derived and any(polarity.opposed(clause, line.text) for line in view.about()):
        score, clash = score * _OPPOSED, True
    if polarity.overstated(clause, [line.text for line in near]):
        score *= _OVERSTATED
    if view.other_subject(near[0]):
        score *= _SUBJECT
    strangers = set(names(clause)) - view.everything - STOP
    return Finding(min(1.0, score * _STRANGER ** len(strangers)), clash, clause)


def _subject(question: str) -> str:
    """What is asked about, without the word that asks and without numbers, which nobody claimed."""
    return re.sub(r"\d[\d.,]*", " ", _ASKS.sub("", question)).rstrip("? ")


class _View:
    """A clause against every line: how much of its words and numbers each has."""

    def __init__(self, asked: str, known: Sequence[Line], weigh: Rarity, mind: Mind) -> None:
        self._known = known
        self._wanted = [term for term in dict.fromkeys(wide_terms(asked)) if _says(term)]
        self._numbers = quantities_of(asked)
        self.everything = frozenset().union(*(line.terms for line in known))
        self._weights = {
            term: weigh(term) * (_LIGHT_WEIGHT if term in LIGHT else 1.0) for term in self._wanted
        }
        self._soft: list[dict[str, float]] = [{} for _ in known]
        if mind.large and known:
            self._soft = mind.alignment(asked, [line.text for line in known])
        self._credits = [
            {term: self._credit(term, line, soft) for term in self._wanted}
            for line, soft in zip(known, self._soft, strict=True)
        ]
        self._order = sorted(range(len(known)), key=lambda at: -self._share([at]))

    def near(self) -> tuple[list[Line], float]:
        """The lines that the clause speaks of, best first, and how much they have together."""
        if not self._order:
            return [], 0.0
        first = self._order[0]
        best = self._share([first])
        near = [
            self._known[at]
            for at in self._order[:_CANDIDATES]
            if self._share([at]) >= max(_LEAST, best - _CLOSE)
        ]
        taken = [first]
        for _ in range(_MOST_JOINED - 1):
            rest = [at for at in self._order[:_CANDIDATES] if at not in taken]
            if rest:
                taken.append(max(rest, key=lambda at: self._share([*taken, at])))
                best = max(best, self._share(taken) * _JOINED ** (len(taken) - 1))
        return near, best

    def about(self) -> list[Line]:
        """The lines with most of the clause's words, whatever their numbers."""
        shares = {at: self._words([at]) for at in self._order}
        order = sorted(shares, key=lambda at: -shares[at])[:2]
        return [self._known[at] for at in order if at == order[0] or shares[at] >= _ALSO]

    def other_subject(self, line: Line) -> bool:
        """It begins with something that the line does not speak of, with no pronoun for it."""
        if not self._wanted:
            return False
        first = self._wanted[0]
        soft = self._soft[self._known.index(line)].get(first, 0.0)
        here = first in line.terms or any_alike(first, line.terms) or soft > _MEANT
        return not here and not _PRONOUN.search(line.text)

    def _words(self, lines: Sequence[int]) -> float:
        total = sum(self._weights.values())
        got = sum(w * max(self._credits[at][t] for at in lines) for t, w in self._weights.items())
        return got / total if total else 1.0

    def _share(self, lines: Sequence[int]) -> float:
        """Numbers weigh a little less than a word of middling rarity each."""
        count = len(self._wanted)
        numbers = len(self._numbers) * _NUMBER_WEIGHT
        present = quantities.present(self._numbers, *(self._known[at] for at in lines))
        whole = count + numbers
        return (self._words(lines) * count + present * _NUMBER_WEIGHT) / whole if whole else 0.0

    def _credit(self, term: str, line: Line, soft: dict[str, float]) -> float:
        if term in line.terms:
            return 1.0
        meant = soft.get(term, 0.0)
        if any_alike(term, line.terms) or polarity.affixed(term, line.terms):
            meant = max(meant, _ALIKE)
        if term in line.near:
            return max(meant, _NEAR if _PRONOUN.search(line.text) else _FAR)
        return max(meant, _ELSEWHERE if term in self.everything else 0.0)


def _says(term: str) -> bool:
    """Numbers and units are compared on their own."""
    return not term[0].isdigit() and term not in NUMBER_STEMS
