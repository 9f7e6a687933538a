"""How well a label in a text fits a field of a schema.

Compared with the label: names that examples in the prompt showed, phrases quoted in the field's
description, the words of the field's name, and last the other words of the description. The large
model also compares meanings. There is no list of synonyms: what the prompt does not say, the small
model does not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.offline.skills.fields import Field
from shared.offline.skills.mind import Mind
from shared.offline.words import STOP, coverage, name_terms, overlap, stem

_QUOTED = re.compile(r"[\"\u201c`]([^\"\u201d`]{2,40})[\"\u201d`]|(?<!\w)'([^'\n]{2,40})'(?!\w)")
_CALLED = re.compile(
    r"\b(?:(?:also )?(?:called|labell?ed(?: as)?|printed as|written as|shown as|known as)"
    r"|synonyms?:?|aka|a\.k\.a\.)\s+"
    r"(?P<names>[^.;\n]{2,120})",
    re.I,
)
_STOP_STEMS = frozenset(stem(word) for word in STOP)
LEARNED, QUOTED, ENOUGH = 1.3, 1.15, 0.5
# MiniLM cosine of a label and a field: "Client" and customer name 0.49, "Supplier" and vendor name
# 0.63, unrelated labels at most 0.37 (21 labels, 11 fields); the value's type decides the rest.
_CLOSE = 0.44


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of one field before the text is read."""

    field: Field
    names: tuple[tuple[str, ...], ...]
    quoted: frozenset[str]
    described: frozenset[str]
    learned: frozenset[str]

    @property
    def line(self) -> str:
        names = [part for part in self.field.path if part != "[]"][-2:]
        name = " ".join(re.sub(r"[_-]|(?<=[a-z])(?=[A-Z])", " ", part) for part in names)
        return f"{name}: {self.field.description}"[:300] if self.field.description else name


def wanted(field: Field, learned: Sequence[str] = ()) -> Wanted:
    parts = [tuple(_words(part)) for part in field.path if part != "[]"]
    own = parts[-1] if parts else ()
    names = (own, (*parts[-2], *own)) if len(parts) > 1 else (own,)
    phrases = [a or b for a, b in _QUOTED.findall(field.description)]
    for match in _CALLED.finditer(field.description):
        phrases += re.split(r",\s*(?:or |and )?|\s+or\s+|\s+and\s+|/", match["names"])
    described = frozenset(_words(field.description))
    quoted = frozenset(filter(None, map(_key, phrases)))
    return Wanted(field, names, quoted, described, frozenset(filter(None, map(_key, learned))))


def _words(text: str) -> list[str]:
    found = name_terms(text)
    return [word for word in found if word not in _STOP_STEMS] or found


def _key(label: str) -> str:
    return " ".join(name_terms(label))


def score(want: Wanted, label: str) -> float:
    """0 to 1.3; from `ENOUGH` on the label probably names the field."""
    key = _key(label)
    if not key or len(key) > 80:
        return 0.0
    if key in want.learned:
        return LEARNED
    if key in want.quoted:
        return QUOTED
    words = _words(label)
    nested = len(want.names) > 1
    by_name = overlap(want.names[0], words) * (0.8 if nested else 1.0)
    by_path = overlap(want.names[1], words) if nested else 0.0
    known = want.described | set(want.names[-1])
    said = 0.75 * coverage(words, known) if len(words) <= 4 else 0.0
    near = max((overlap(k.split(), words) for k in want.learned), default=0.0)
    return max(by_name, by_path, said, 0.9 * near)


def meanings(
    wants: Sequence[Wanted], labels: Sequence[str], mind: Mind
) -> Mapping[tuple[int, str], float]:
    """For the large model: scores of (index of field, label) pairs that are close in meaning."""
    if not mind.large or not labels or not wants:
        return {}
    grid = mind.grid([want.line for want in wants], labels)
    return {
        (at, label): 0.3 + 0.6 * cosine
        for at, row in enumerate(grid)
        for label, cosine in zip(labels, row, strict=True)
        if cosine >= _CLOSE
    }
