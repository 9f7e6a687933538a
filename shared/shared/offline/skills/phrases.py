"""What the name and the description of a field say about it: labels, what it is not, where it is.

Phrases in quotation marks are labels; those of a clause with `not` speak against a place, those
after `without` are cut from a value. Left out: whatever a description says in other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from shared.offline.skills.fields import Field
from shared.offline.skills.folding import key
from shared.offline.words import STOP, name_terms, stem

QUOTED = re.compile(
    r"[\"\u201c`]([^\"\u201d`]{1,40})[\"\u201d`]|\u00ab\s?([^\u00bb]{1,40}?)\s?\u00bb"
    r"|(?<![\w\"])'([^'\n]{2,40})'(?!\w)"
)
_CALLED = re.compile(
    r"\b(?:(?:also )?(?:called|labell?ed(?: as)?|printed as|written as|shown as|known as|titled)"
    r"|synonyms?:?|aka|a\.k\.a\.)\s+(?P<names>[^.;\n\"]{2,120})",
    re.I,
)
_CLAUSE = re.compile(r";|(?<=[a-z)-])\.(?=\s|$)|\n")
_NOT = re.compile(r"^\W*(?:not|never|nor)\b|\b(?:but not|is not|not (?:the|a|an)|never)\b", re.I)
_WITHOUT = re.compile(r"\bwithout\b", re.I)
QUOTED_WEIGHT, LEARNED, NAMED = 1.0, 1.0, 0.95


@dataclass(frozen=True, slots=True)
class Phrases:
    """`labels` by key with their weight; `against` are stems of words; the rest are cues."""

    labels: Mapping[str, float]
    against: frozenset[str]
    without: tuple[str, ...]
    in_head: bool = False
    unlabelled: bool = False
    last: bool = False
    only_one: bool = False  # several rival values are none
    described: bool = False  # the prompt itself says how the field is labelled


def of(field: Field, learned: Iterable[str] = ()) -> Phrases:
    return _of(field.path, field.description, tuple(learned))


@lru_cache(maxsize=512)
def _of(path: tuple[str, ...], said: str, learned: tuple[str, ...]) -> Phrases:
    labels: dict[str, float] = {}
    against: set[str] = set()
    without: list[str] = []
    for clause in _clauses(said):
        quoted = _quoted(clause)
        if _WITHOUT.search(clause):
            without += _quoted(clause[_WITHOUT.search(clause).end() :])  # type: ignore[union-attr]
            quoted = _quoted(clause[: _WITHOUT.search(clause).start()])  # type: ignore[union-attr]
        if _NOT.search(clause):
            denied = clause[_NOT.search(clause).start() :]  # type: ignore[union-attr]
            against |= {word for word in name_terms(denied) if word not in STOP and len(word) > 2}
            quoted = _quoted(clause[: -len(denied)])
        labels |= {key(phrase): QUOTED_WEIGHT for phrase in quoted}
    for match in _CALLED.finditer(said):
        names = re.split(r",\s*(?:or |and )?|\s+or\s+|\s+and\s+|/", match["names"])
        labels |= {key(name): QUOTED_WEIGHT for name in names}
    described = bool(labels)
    labels |= {key(name): LEARNED for name in learned}
    for name in _own_names(path):
        labels.setdefault(key(name), NAMED)
    labels.pop("", None)
    return Phrases(
        {k: v for k, v in labels.items() if len(k) > 1},
        frozenset(against)
        - {stem("not")}
        - set(name_terms(next((p for p in reversed(path) if p != "[]"), ""))),
        tuple(without),
        in_head=bool(
            re.search(r"\bin the (?:letter ?)?head\b|\bat the top\b|\bfirst line\b", said, re.I)
        ),
        unlabelled=bool(re.search(r"\bwithout a label\b|\bunlabell?ed\b", said, re.I)),
        described=described,
        only_one=bool(re.search(r"\bnull (?:when|if|where) there are several\b", said, re.I)),
        last=bool(re.search(r"\b(?:last|latest) (?:one|of them|date|day)\b", said, re.I)),
    )


def _clauses(said: str) -> Iterator[str]:
    """Parts between semicolons and full stops; those inside quotation marks do not count."""
    masked = QUOTED.sub(lambda match: re.sub(r"\W", "-", match[0]), said)
    at = 0
    for stop in _CLAUSE.finditer(masked):
        yield said[at : stop.start()]
        at = stop.end()
    yield said[at:]


def _quoted(text: str) -> list[str]:
    return [next(filter(None, groups)) for groups in QUOTED.findall(text) if any(groups)]


def _own_names(path: tuple[str, ...]) -> list[str]:
    parts = [re.sub(r"[_-]|(?<=[a-z])(?=[A-Z])", " ", part) for part in path if part != "[]"]
    own = parts[-1:] if parts else []
    own += [part.removesuffix(" name") for part in own if part.endswith(" name")]
    return [*own, *([f"{parts[-2]} {parts[-1]}"] if len(parts) > 1 else [])]


def titles(field: Field) -> dict[object, list[str]]:
    """The phrases that the description of an enum quotes for each option, null included.

    Reads `option: "…", "…"; other: "…"`, and `null for …`.
    """
    options = tuple(o for o in field.schema.get("enum") or () if isinstance(o, str))
    return _titles(options, field.description) if options else {}


@lru_cache(maxsize=128)
def _titles(options: tuple[str, ...], said: str) -> dict[object, list[str]]:
    names: dict[str, object] = {option.lower(): option for option in options} | {"null": None}
    ways = "|".join(re.escape(name).replace("_", "[_ ]") for name in names)
    way = rf"(?:^|[;.\n,]|\bor\b)\s*[\"'`]?({ways})[\"'`]?(?=\s*[:(]|\s+(?:when|for|if)\b)"
    heads = list(re.finditer(way, said, re.I))
    found: dict[object, list[str]] = {}
    for at, head in enumerate(heads):
        end = heads[at + 1].start() if at + 1 < len(heads) else len(said)
        option = names[
            head[1].lower().replace(" ", "_") if head[1].lower() not in names else head[1].lower()
        ]
        found.setdefault(option, []).extend(_quoted(said[head.end(1) + 1 : end]))
    return found
