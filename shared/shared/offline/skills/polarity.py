"""Whether a claim and a line say opposite things: negation, opposites, comparisons, roles.

A clause is negated as a whole, "without X" only what follows. Left out: double negation, irony,
opposites that only a subject knows, and scope such as "not all".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.offline.skills.synonyms import alike
from shared.offline.skills.word_lists import (
    ALL,
    BE,
    DENYING,
    MONTHS,
    NARROWING,
    ONLY,
    OPPOSITE,
    RELATIVE,
    STOP_STEMS,
    SURE,
    UNSURE,
    WITHOUT,
)
from shared.offline.words import STOP, stem, terms, tokens

_CLAUSE = re.compile(
    r"[,;:()\u2013\u2014]|\b(?:but|because|although|though|whereas|while|since|if|when|and|so|or|until|"
    r"which|who|that)\b|(?=\bunless\b)",
    re.I,
)
_DIRECT = 3  # content words behind a negation that it surely denies
_WHEN = re.compile(
    r"\b(this|next|last|previous|coming|past)\s+(year|month|week|season|summer|winter|time|day|quarter)\b",
    re.I,
)
_WHEN_SAME = {"previous": "last", "past": "last", "coming": "next"}
_UP, _DOWN = stem("rise"), stem("fall")


def opposed(claim: str, line: str) -> bool:
    """True when one of the checks finds that the two contradict each other."""
    checks = (negation, _comparison, _opposites, _roles, _times)
    return any(check(claim, line) for check in checks)


def overstated(claim: str, lines: Sequence[str]) -> bool:
    """`all` for `most`, `always` for `may`, `only` for `mainly`: more than the lines say."""
    said = _words(re.sub(r"\bonly (?=[\d(])", " ", claim))
    known = set().union(*map(_words, lines))
    if said & ALL and not known & ALL:
        return True
    if said & ONLY and not known & NARROWING:
        return True
    return bool(said & SURE) and not said & UNSURE and bool(known & UNSURE) and not known & SURE


@dataclass(frozen=True, slots=True)
class Signs:
    """Stems that a text affirms and denies; `direct` are those right behind the denying word."""

    affirmed: frozenset[str]
    denied: frozenset[str]
    direct: frozenset[str]


@lru_cache(maxsize=4096)
def signs(text: str) -> Signs:
    bare = re.sub(r"^\s*(?:yes|no)\s*[,.:;]\s+", "", text, flags=re.I).replace("\u2019", "'")
    bare = re.sub(r"\bnot only\b|\bno later than\b|\bno (?:more|less|fewer) than\b", " ", bare)
    affirmed: set[str] = set()
    denied: set[str] = set()
    direct: set[str] = set()
    clauses = _CLAUSE.split(bare)
    for clause in clauses:
        before, denying, behind = _cut(clause)
        if not denying:
            affirmed |= set(before)
            continue
        denied |= set(behind)
        direct |= set(behind[:_DIRECT])
        if denying in WITHOUT and denying != "unless":
            denied -= set(behind[_DIRECT:]) - direct
            affirmed |= set(before) | set(behind[_DIRECT:])
        elif len(clauses) == 1:
            denied |= set(before)
    return Signs(frozenset(affirmed - denied), frozenset(denied - affirmed), frozenset(direct))


def _cut(clause: str) -> tuple[list[str], str, list[str]]:
    """Stems before the first denying word, that word, and the stems behind it."""
    before: list[str] = []
    behind: list[str] = []
    denying = ""
    for token in tokens(clause):
        word = token.lower()
        if not denying and (word in DENYING or word in WITHOUT or word.endswith("n't")):
            denying = word
        elif word not in STOP:
            (behind if denying else before).append(stem(word))
    return before, denying, behind


def negation(claim: str, line: str) -> bool:
    """A shared word that one of the two denies outright, or most shared words differ in sign."""
    said, known = signs(claim), signs(line)
    if said.affirmed & known.direct & known.denied or known.affirmed & said.direct & said.denied:
        return True
    for term in (said.affirmed | said.denied) - (known.affirmed | known.denied):
        other = affixed(term, known.affirmed | known.denied)
        if other and (term in said.affirmed) == (other in known.affirmed):
            return True
    differ = (said.affirmed & known.denied) | (said.denied & known.affirmed)
    agree = (said.affirmed & known.affirmed) | (said.denied & known.denied)
    return bool(differ) and len(differ) > len(agree)


def affixed(term: str, known: frozenset[str]) -> str:
    """`valid` for `invalid`, where the other text has it."""
    for affix in ("un", "in", "im", "ir", "non", "dis", "il"):
        if affix + term in known and len(term) > 3 and term not in known:
            return affix + term
        if term.startswith(affix) and len(term) - len(affix) > 3 and term not in known:
            root = term.removeprefix(affix)
            if root in known:
                return root
    return ""


def _opposites(claim: str, line: str) -> bool:
    if _crossed(claim, line):
        return False
    said, known = _stems(claim), _stems(line)
    claim_denies, line_denies = signs(claim).denied, signs(line).denied
    for term in said - known:
        for rival in (OPPOSITE.get(term, set()) & known) - said:
            if (term in claim_denies) != (rival in line_denies):
                continue
            if term in RELATIVE and not _following(claim, term) & _following(line, rival):
                continue
            return True
    return _direction(said) * _direction(known) < 0


def _direction(words: set[str]) -> int:
    """1 for a text in which something rose, -1 where it fell, 0 for neither or both."""
    up = any(alike(word, _UP) for word in words)
    down = any(alike(word, _DOWN) for word in words)
    return up - down


def _following(text: str, term: str) -> set[str]:
    words = [stem(token) for token in tokens(text)]
    return {
        w for at, word in enumerate(words) if word == term for w in words[at + 1 : at + 4]
    } - STOP_STEMS


def _times(claim: str, line: str) -> bool:
    """This year against next year."""
    said = {(_WHEN_SAME.get(a.lower(), a.lower()), b.lower()) for a, b in _WHEN.findall(claim)}
    known = {(_WHEN_SAME.get(a.lower(), a.lower()), b.lower()) for a, b in _WHEN.findall(line)}
    return any(b == d for _, b in said for _, d in known) and not said & known


def _comparison(claim: str, line: str) -> bool:
    """ "A is larger than B" against "B is larger than A"."""
    one, other = _sides(claim), _sides(line)
    if not one or not other or one[1] != other[1]:
        return False
    return bool(one[0] & other[2]) and bool(one[2] & other[0]) and not one[0] & other[0]


def _crossed(claim: str, line: str) -> bool:
    """Opposite words and exchanged sides agree again."""
    one, other = _sides(claim), _sides(line)
    if not one or not other:
        return False
    return bool(one[0] & other[2]) or bool(one[2] & other[0])


def _sides(text: str) -> tuple[frozenset[str], str, frozenset[str]] | None:
    match = re.search(
        r"(.{1,80}?)\b(?:(more|less|fewer)\s+\w+|(\w+))\s+than\s+(.{1,60})", text, re.I
    )
    if not match:
        return None
    word = stem((match[2] or match[3]).lower())
    return frozenset(terms(match[1])), word, frozenset(terms(match[4]))


def _roles(claim: str, line: str) -> bool:
    """Two names on the same verb in the other order, both active or both passive."""
    for verb, before, behind, passive in _deeds(claim):
        for verb2, before2, behind2, passive2 in _deeds(line):
            if verb != verb2 or not (before and behind):
                continue
            doer, done = (behind2, before2) if passive != passive2 else (before2, behind2)
            same = before & doer or behind & done
            if not same and before & done and behind & doer:
                return True
    return False


def _deeds(text: str) -> Iterator[tuple[str, frozenset[str], frozenset[str], bool]]:
    """Each lower-case word with the names before and behind it, and whether "by" follows."""
    words = re.findall(r"[^\W_]+|[.;]", text)
    for at, word in enumerate(words):
        if word[0].islower() and word not in STOP:
            before = _capitals(words[max(0, at - 6) : at])
            behind = _capitals(words[at + 1 : at + 12])
            if before and behind:
                passive = (
                    bool(BE & set(words[max(0, at - 2) : at])) and "by" in words[at + 1 : at + 9]
                )
                yield stem(word), before, behind, passive


def _capitals(words: Sequence[str]) -> frozenset[str]:
    return frozenset(
        stem(word) for word in words if word[0].isupper() and word.lower() not in STOP | MONTHS
    )


def _stems(text: str) -> set[str]:
    return {stem(token) for token in tokens(text)}


def _words(text: str) -> set[str]:
    return {token.lower() for token in tokens(text)}
