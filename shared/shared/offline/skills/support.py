"""Is a claim supported by a passage? Each clause is held against the lines that speak of it.

Support is the share of a clause's words that its best line has, rare words counting more, with less
credit for a word that only stands just before the line or elsewhere. Numbers that are missing or
stand for something else, opposites, and names from nowhere take it away. The weakest clause decides.
Left out: conclusions of several steps, knowledge that is not in the passage, irony.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.offline.skills import polarity, quantities
from shared.offline.skills.mind import Mind
from shared.offline.skills.passages import Line, lines, names, plain, wide_terms
from shared.offline.skills.synonyms import any_alike
from shared.offline.words import STOP, Rarity, rarity, sentences, stem

_SPLIT = re.compile(r"[,;]\s+(?:and|but|so|while|whereas|because|since)\s+|;\s+|:\s+(?=[a-z])", re.I)
_LEAD = re.compile(r"^\s*(?:yes|no|sure|correct)\s*[,.:;]\s+(?=\w)", re.I)
_NEAR, _FAR, _ELSEWHERE, _ALIKE = 0.85, 0.65, 0.45, 0.85  # credit for a word that is not in the line itself
_LIGHT = frozenset(
    map(stem, "make take get give go come put keep also however still now say state include use mean well need too thing way case example way sum today".split())
)
_LIGHT_WEIGHT, _NUMBER_WEIGHT = 0.3, 0.8
_PRONOUN = re.compile(r"\b(?:it|he|she|they|its|his|her|their|this|these|those|both|such|there)\b", re.I)
_SUBJECT = 0.7
_MISSING_NUMBER, _SWAPPED_NUMBER, _OPPOSED, _OVERSTATED, _STRANGER = 0.35, 0.45, 0.4, 0.55, 0.7
_CANDIDATES, _MOST_CLAIMS, _STUMP = 4, 40, 3
_JOINED = 0.85  # what two lines together are worth against one
SUPPORTED = 0.6


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
    if len(parts) < 2 or any(sum(map(_says, wide_terms(part))) < _STUMP for part in parts):
        return [bare]
    return parts


def _finding(
    clause: str, known: Sequence[Line], weigh: Rarity, mind: Mind, question: str
) -> Finding:
    asked = f"{question.rstrip('? ')} {clause}" if question else clause
    wanted = [term for term in dict.fromkeys(wide_terms(asked)) if _says(term)]
    everything = frozenset().union(*(line.terms for line in known)) if known else frozenset()
    weights = {term: weigh(term) * (_LIGHT_WEIGHT if term in _LIGHT else 1.0) for term in wanted}
    total = sum(weights.values()) or 1.0
    soft = mind.alignment(asked, [line.text for line in known]) if mind.large and known else None

    said = quantities.quantities(asked)
    each = total / max(1, len(wanted)) * _NUMBER_WEIGHT
    whole = total + each * len(said)

    def covered(at: int) -> float:
        credit = _credit(known[at], everything, soft[at] if soft else None)
        counted = each * quantities.present(said, known[at])
        return (sum(weights[term] * credit(term) for term in wanted) + counted) / whole

    scores = [covered(at) for at in range(len(known))]
    order = sorted(range(len(known)), key=lambda at: -scores[at])[:_CANDIDATES]
    best = scores[order[0]] if order else 0.0
    if len(order) > 1:
        credits = [_credit(known[at], everything, soft[at] if soft else None) for at in order]
        pairs = (
            (
                sum(weights[t] * max(credits[0](t), other(t)) for t in wanted)
                + each * quantities.present(said, known[order[0]], known[at])
            )
            / whole
            for at, other in zip(order[1:], credits[1:], strict=True)
        )
        best = max(best, _JOINED * max(pairs, default=0.0))
    near = [known[at] for at in order if scores[at] >= max(0.3, best - 0.12)]
    score, clash = best * _numbers_factor(asked, near, known), False
    numbers = quantities.compare(asked, near, known)
    if near and not numbers.derived and polarity.opposed(clause, near[0].text):
        score, clash = score * _OPPOSED, True
    if near and polarity.overstated(clause, [line.text for line in near]):
        score *= _OVERSTATED
    if near and wanted and _other_subject(wanted[0], near[0], soft[order[0]] if soft else {}):
        score *= _SUBJECT
    clash = clash or bool(near and (numbers.swapped or numbers.missing))
    strangers = [n for n in set(names(clause)) if n not in everything and n not in STOP]
    return Finding(min(1.0, score * _STRANGER ** len(strangers)), clash, clause)


def _says(term: str) -> bool:
    """Numbers and units are compared on their own."""
    return not term[0].isdigit() and term not in quantities.NUMBER_STEMS


def _numbers_factor(clause: str, near: Sequence[Line], known: Sequence[Line]) -> float:
    found = quantities.compare(clause, near, known)
    return float(_MISSING_NUMBER**found.missing * _SWAPPED_NUMBER**found.swapped)


def _other_subject(first: str, line: Line, soft: dict[str, float]) -> bool:
    """The claim begins with something that the line does not speak of, and no pronoun stands for it."""
    here = first in line.terms or any_alike(first, line.terms) or soft.get(first, 0.0) > 0.6
    return not here and not _PRONOUN.search(line.text)


def _credit(
    line: Line, everything: frozenset[str], soft: dict[str, float] | None
) -> Callable[[str], float]:
    def credit(term: str) -> float:
        if term in line.terms:
            return 1.0
        meant = soft.get(term, 0.0) if soft else 0.0
        if any_alike(term, line.terms) or polarity.affixed(term, line.terms):
            meant = max(meant, _ALIKE)
        if term in line.near:
            return max(meant, _NEAR if _PRONOUN.search(line.text) else _FAR)
        return max(meant, _ELSEWHERE if term in everything else 0.0)

    return credit
