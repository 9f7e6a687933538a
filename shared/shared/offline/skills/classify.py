"""Chooses one of several labels by their names, their descriptions and solved examples.

The small model compares words (tf-idf). The large one learns from the solved examples if every
label has some (`probe`); else it takes the label with the nearest prototype, a part of its
description or an example, near to the whole text and to its best sentence. Left out: irony,
negation, rules of precedence, which of two problems matters. Without any evidence it takes a label
like "other", else the commonest.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.messages import Request
from shared.offline.skills import examples, probe
from shared.offline.skills.mind import Mind
from shared.offline.words import Rarity, name_terms, rarity, sentences, terms

_OTHER = frozenset(
    ("other", "unknown", "none", "general", "misc", "miscellaneous", "neutral", "unclear", "n/a")
)
_BULLETS = r"(?:[-*\u2022]|\d+[.)])"
_LISTED = re.compile(
    r"\b(?:one of|either|choose (?:from|between)|(?:labels?|categories|classes|options)(?: are)?)"
    r"\s*(?:(?:the following|these)(?: \w+)?)?\s*:?[ \t]*"
    rf"(?P<list>(?:\n+[ \t]*{_BULLETS}[^\n]+)+|\s*[^\n.?]{{3,400}})",
    re.I,
)
_BULLETED = re.compile(rf"^[ \t]*{_BULLETS}[ \t]*[`\"'*]*([^\n:`\"'*(\u2014]{{1,60}})", re.M)
_SHORTEST, _MOST_SENTENCES = 12, 12  # letters and number of sentences that are compared
_WORDS = 0.05  # what shared words count beside meaning
_ENOUGH = 4  # solved examples of each label from which the large model learns
_FENCE = re.compile(r"\s*<(\w+)>\n?(.*?)\n?</\1>\s*", re.S)
_LONGEST = 2_000  # characters of a text that are compared; the topic is nearly always said by then


@dataclass(frozen=True, slots=True)
class Label:
    value: Any
    about: str = ""
    shots: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        name = " ".join(_plain(str(self.value)))
        return f"{name}: {self.about}" if self.about else name

    @property
    def prototypes(self) -> tuple[str, ...]:
        """Parts of the description that stand for the label, and its examples."""
        return (*(self.parts or [self.line]), *(shot[:_LONGEST] for shot in self.shots))

    @property
    def parts(self) -> tuple[str, ...]:
        """What a description lists between semicolons; nothing for one that is not a list."""
        parts = [part.strip() for part in self.about.split(";") if len(part.strip()) > 3]
        return tuple(parts) if len(parts) > 2 else ()


@dataclass(frozen=True, slots=True)
class Choice:
    """`confidence` is 0 to 1, not calibrated; `clues` are words of the text that spoke for it."""

    value: Any
    confidence: float
    clues: tuple[str, ...] = ()
    evidence: bool = True


def _plain(name: str) -> list[str]:
    return re.sub(r"[_\-/]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).lower().split()


def labels(
    options: Sequence[Any], about: str, shots: Mapping[Any, Sequence[str]] | None = None
) -> list[Label]:
    """The options with what `about` (descriptions, rules) says of each, and their examples."""
    names = "|".join(_way(str(option)) for option in options)
    return [
        Label(o, _said_of(str(o), names, about), tuple(map(_unfenced, (shots or {}).get(o, ()))))
        for o in options
    ]


def _unfenced(shot: str) -> str:
    """An example without the tags that the text to be sorted has lost, too."""
    match = _FENCE.fullmatch(shot)
    return match[2] if match else shot


def _way(option: str) -> str:
    return re.escape(option).replace("_", "[_ ]")


def _said_of(option: str, names: str, about: str) -> str:
    """What follows the name of an option up to the end of the line or the next option."""
    name = _way(option)
    way = (
        rf"(?:^|[\n;(]|, )[ \t]*{_BULLETS}?[ \t]*[`\"'*]*{name}[`\"'*]*[ \t]*"
        r"(?::|=|\u2014|\u2013| -|\()[ \t]*(?P<said>[^\n]+?)"
        rf"(?=\n|$|;\s*(?:{names})[`\"'*]*\s*[:=(\u2014\u2013])"
    )
    found = [match["said"].strip(" *)") for match in re.finditer(way, about, re.I)]
    return " ".join(dict.fromkeys(found))[:_LONGEST]


def listed(instructions: str) -> list[str]:
    """Labels that a prompt without a schema lists: `one of: a, b, c`, or bullets after it."""
    for match in _LISTED.finditer(instructions):
        lines = _BULLETED.findall(match["list"])
        cut = lines or re.split(r",\s*(?:or |and )?|\s+or\s+|\s*[/|]\s*", match["list"])
        names = [part.strip(" `\"'*.:\u201c\u201d[]()") for part in cut]
        short = [name for name in names if name and len(name.split()) <= 4]
        if len(short) >= 2 and len(short) == len(names):
            return list(dict.fromkeys(short))
    return []


def choose(text: str, options: Sequence[Label], mind: Mind) -> Choice:
    text = text[:_LONGEST]
    known = tuple(
        probe.Known(tuple(_newest(shot[:_LONGEST]) for shot in option.shots), option.parts)
        for option in options
    )
    if mind.embedder is not None and _enough(known):
        learned = probe.learn(mind.embedder, known).scores(_newest(text))
        best = max(range(len(options)), key=learned.__getitem__)
        return Choice(options[best].value, _share(learned, best, 0.2), _clues(text, options, best))
    by_words = _word_scores(text, options)
    if mind.large:
        scores = [
            (1 - _WORDS) * meaning + _WORDS * word
            for meaning, word in zip(_meaning_scores(text, options, mind), by_words, strict=True)
        ]
        best = max(range(len(options)), key=scores.__getitem__)
        return Choice(options[best].value, _share(scores, best, 0.05), _clues(text, options, best))
    best = max(range(len(options)), key=by_words.__getitem__)
    if by_words[best] <= 0:
        return Choice(_without_evidence(options), round(1 / len(options), 2), (), evidence=False)
    return Choice(options[best].value, _share(by_words, best, 0.1), _clues(text, options, best))


def _enough(known: Sequence[probe.Known]) -> bool:
    """Whether every label has the examples that learning needs, and they are not too many."""
    lessons = sum(len(label.shots) + len(label.parts) for label in known)
    fewest = min((len(label.shots) for label in known), default=0)
    return fewest >= _ENOUGH and lessons <= probe.MOST


def _newest(text: str) -> str:
    """A mail without the lines it quotes, if anything else stands in it."""
    own = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))
    return own.strip() if len(own.strip()) > _SHORTEST else text


@lru_cache(maxsize=4_096)
def _terms(shot: str) -> tuple[str, ...]:
    """Examples come again with every request: cut into words once."""
    return tuple(terms(shot))


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said of each label, as words, and how rare each word is among them."""

    bags: tuple[Counter[str], ...]
    weigh: Rarity


@lru_cache(maxsize=32)
def _words(options: tuple[Label, ...]) -> _Words:
    bags = tuple(
        Counter(
            [t for t in name_terms(str(option.value)) if t] * 3
            + terms(option.about)
            + [t for shot in option.shots for t in _terms(shot)]
        )
        for option in options
    )
    return _Words(bags, rarity(bags))


def _word_scores(text: str, options: Sequence[Label]) -> list[float]:
    said = _words(tuple(options))
    asked = Counter(terms(text))
    scores = []
    for option, bag in zip(options, said.bags, strict=True):
        shots = (_cosine(asked, Counter(_terms(shot)), said.weigh) for shot in option.shots)
        whole = _cosine(asked, bag, said.weigh)
        scores.append(0.5 * whole + 0.5 * max(shots) if option.shots else whole)
    return scores


def _clues(text: str, options: Sequence[Label], best: int) -> tuple[str, ...]:
    said = _words(tuple(options))
    shared = set(terms(text)) & set(said.bags[best])
    return tuple(sorted(shared, key=lambda term: (-said.weigh(term), term))[:3])


def _cosine(one: Counter[str], other: Counter[str], weigh: Rarity) -> float:
    """Cosine of tf-idf vectors with dampened counts."""
    a = {t: (1 + math.log(n)) * weigh(t) for t, n in one.items()}
    b = {t: (1 + math.log(n)) * weigh(t) for t, n in other.items()}
    size = math.sqrt(sum(v * v for v in a.values()) * sum(v * v for v in b.values()))
    return sum(value * b[t] for t, value in a.items() if t in b) / size if size else 0.0


def _meaning_scores(text: str, options: Sequence[Label], mind: Mind) -> list[float]:
    """Half from the prototype nearest to the text, half from the one nearest to a sentence."""
    prototypes = [part for option in options for part in option.prototypes]
    said = [line for line in sentences(text) if len(line) > _SHORTEST][:_MOST_SENTENCES]
    whole, *single = mind.grid([text, *(said or [text])], prototypes)
    best = [max(column) for column in zip(*single, strict=True)]
    scores, at = [], 0
    for option in options:
        end = at + len(option.prototypes)
        scores.append(0.5 * max(whole[at:end]) + 0.5 * max(best[at:end]))
        at = end
    if any(o.shots for o in options) and not all(o.shots for o in options):
        return [s if o.shots else 0.9 * s for s, o in zip(scores, options, strict=True)]
    return scores


def _without_evidence(options: Sequence[Label]) -> Any:
    other = [o.value for o in options if str(o.value).lower() in _OTHER]
    return other[0] if other else max(options, key=lambda option: len(option.shots)).value


def _share(scores: Sequence[float], best: int, heat: float) -> float:
    top = scores[best]
    return round(1 / sum(math.exp((score - top) / heat) for score in scores), 2)


def said(request: Request, options: Sequence[str], instructions: str, mind: Mind) -> str:
    """One of the labels that a prompt without a schema lists."""
    shots: dict[Any, list[str]] = {option: [] for option in options}
    for shot in examples.of(request):
        same = [o for o in options if o.lower() == shot.output.strip(" .").lower()]
        if same:
            shots[same[0]].append(shot.input)
    return str(choose(examples.material(request), labels(options, instructions, shots), mind).value)
