"""Whether a sentence can answer a question at all: it has the kind of thing that is asked for, and
the passage around it speaks of what the question names.

Signs only: a number for `how many`, the same proper names and identifiers. Left out: whether the
number is that of the thing asked about, and names that begin a question.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

_COUNT = re.compile(
    r"\bhow (?:many|much|long|old|far|often|large|big|fast|soon|high|deep)\b"
    r"|\b(?:what|which) (?:number|percentage|percent|share|rate|year|date|day|port|price|size)\b",
    re.I,
)
_AMOUNT = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?"
    r"|thousands?|millions?|half|once|twice|none|never|always|every|each|daily|weekly|monthly"
    r"|yearly|hourly|all|few|several|many|most|no)\b",
    re.I,
)
_NAME = re.compile(
    r"[^\W_]*(?:_[^\W_]+)+"  # snake_case
    r"|[^\W\d_]+\d[\w.-]*|\d+[^\W\d_][\w-]*"  # letters and digits
    r"|[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|[A-Z]{2,}\w*"  # camelCase, HyDE, MCP
    r"|(?<=[\w,;:)] )[A-Z][a-z]{2,}(?:-[A-Z]?[a-z]+)*"  # a capital inside a sentence
)
_AMBIENT = 0.4  # a name in so many of the passages tells none of them from the others
_ENOUGH_NAMES = 0.5


def names(question: str) -> set[str]:
    """Identifiers and proper names of a question, in lower case."""
    return {found[0].casefold() for found in _NAME.finditer(question)}


def telling(wanted: Collection[str], passages: Sequence[str]) -> set[str]:
    """Those of the names that only some of the passages speak of, or none."""
    lowered = [passage.casefold() for passage in passages]
    most = _AMBIENT * len(lowered)
    return {name for name in wanted if sum(name in passage for passage in lowered) < most}


def possible(question: str, wanted: Collection[str], sentence: str, passage: str) -> bool:
    """False when `sentence` of `passage` cannot be an answer, whatever it means.

    `wanted` are the telling names of the question; of several, a question over two passages finds
    one here and one there.
    """
    if _COUNT.search(question) and not _AMOUNT.search(sentence):
        return False
    there = f"{passage} {sentence}".casefold()
    met = sum(name in there for name in wanted)
    return not wanted or met / len(wanted) >= _ENOUGH_NAMES
