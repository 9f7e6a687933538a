"""A passage as lines that a claim can be held against: sentences, and rows of tables.

A row is read as "head: cell" pairs, since a bare number in a cell says nothing. Left out: tables
without a line of dashes, cells that span rows, and what a list's introduction adds to its items.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from shared.offline.words import sentences, stem, terms, tokens

_RULE = re.compile(r"^\s*\|?\s*:?-{2,}[-|:\s]*$")
_CITED = re.compile(r"\[[^\]\n]{1,40}\](?!\()|[*_`]{1,2}(?=\S)|(?<=\S)[*_`]{1,2}")
_LINK = re.compile(r"\[([^\]\n]+)\]\([^)\n]*\)")
_NAME = re.compile(r"(?<![.!?:|]\s)(?<!^)\b[A-Z][\w-]*[a-z][\w-]*")
_YEAR = re.compile(r"(?<=[A-Za-z])[-_](?=\d{4}\b)")  # as in the name of a file
_PHRASES = tuple(
    (re.compile(rf"\b(?:{phrase})\b", re.I), instead)
    for phrase, instead in (
        (
            r"free of charge|for free|(?:at|with) no (?:extra )?(?:charge|cost)"
            r"|without (?:charge|paying)",
            "free",
        ),
        (r"(?:pays?|costs?) nothing", "free"),
        (r"except (?:when|if|where)|apart from when", "unless"),
        (r"no longer", "not"),
        (r"as well as", "and"),
        (r"as long as|provided that|only if|only when", "if"),
        (r"took place|takes place", "happened"),
        (r"rather than|instead of|in place of", "not"),
    )
)
BACK = 2  # lines before, to which a pronoun may refer


@dataclass(frozen=True, slots=True)
class Line:
    """`terms` are its stems, `near` also those of the lines just before it; `row`: of a table."""

    text: str
    terms: frozenset[str]
    near: frozenset[str]
    row: bool = False


@lru_cache(maxsize=256)
def lines(passage: str, most: int = 1_000) -> tuple[Line, ...]:
    texts = list(_texts(passage))[:most]
    bags = [frozenset(wide_terms(text)) for text, _ in texts]
    title = bags[0] if bags else frozenset()
    return tuple(
        Line(text, bag, bag | title | frozenset().union(*bags[max(0, at - BACK) : at]), row)
        for at, ((text, row), bag) in enumerate(zip(texts, bags, strict=True))
    )


def plain(text: str) -> str:
    """Without the marks of Markdown and the numbers of citations; set phrases in one wording."""
    bare = _YEAR.sub(" ", _CITED.sub("", _LINK.sub(r"\1", text)))
    for phrase, instead in _PHRASES:
        bare = phrase.sub(instead, bare)
    return bare


def wide_terms(text: str) -> list[str]:
    """As `terms`, and the parts of words with a hyphen or an underscore as well as numbers."""
    return [term for term in terms(text) if len(term) > 1 or term.isdigit()]


def names(text: str) -> list[str]:
    """Stems of words with a capital inside a sentence."""
    return [stem(word) for found in _NAME.findall(text) for word in tokens(found)]


def _texts(passage: str) -> Iterator[tuple[str, bool]]:
    head: list[str] = []
    prose: list[str] = []
    rows = passage.splitlines()
    for at, row in enumerate(rows):
        ruled = at + 1 < len(rows) and _RULE.match(rows[at + 1]) and "|" in row
        if row.count("|") < 2 or _RULE.match(row):
            if not _RULE.match(row):
                prose.append(row)
                head = []
            continue
        yield from ((plain(text), False) for text in sentences("\n".join(prose)))
        prose = []
        if ruled:
            head = _cells(row)
        else:
            yield plain(_row(head, _cells(row))), True
    yield from ((plain(text), False) for text in sentences("\n".join(prose)))


def _row(head: list[str], cells: list[str]) -> str:
    """The first cell names the row; it is said again before the head of each other one."""
    named = head if len(head) == len(cells) else [""] * len(cells)
    label = f"{named[0]} {cells[0]}".strip()
    rest = zip(named[1:], cells[1:], strict=True)
    return "; ".join(f"{label} {name}: {cell}" for name, cell in rest) or label


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]
