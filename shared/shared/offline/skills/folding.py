"""Makes writings of the same label equal: case, accents, scanned look-alikes, ways to write "no.".

Every function keeps the place of each letter, so that what is found can be read where it stands.
Left out: spelling mistakes, and labels cut by the end of a line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

# Letters that a scan confuses become one; letters that Unicode does not take apart lose their bar.
_ALIKE = str.maketrans("01|!5\u0142\u00f8\u0111\u00df\u0131\u30fc", "ollls" + "lodsl\u4e00")
_WORD = re.compile(r"[^\W_]+|#")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NUMBER_WORDS = ("nummer", "number", "numero", "numer", "nr")
_DIGIT_LIKE = re.compile(
    r"(?<![^\W_])(?=[^\d\s]{0,12}\d)(?:[\dOolIZ]+(?:[.,'][\dOolIZ]+)*)(?![^\W_])"
)
_DIGITS = str.maketrans("OolIZ", "00112")
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Word:
    key: str
    start: int
    end: int


@lru_cache(maxsize=4096)
def _letter(sign: str) -> str:
    return unicodedata.normalize("NFKD", sign)[0].lower()[0]


def folded(text: str) -> str:
    """The text in plain small letters, sign for sign."""
    if text.isascii():
        plain = text.lower()
    else:
        plain = "".join(sign.lower() if sign.isascii() else _letter(sign) for sign in text)
    return plain.translate(_ALIKE).replace("i", "l")


def words(text: str) -> list[Word]:
    plain = folded(text)
    found: list[Word] = []
    for match in _WORD.finditer(plain):
        last = found[-1] if found else None
        if match[0] == "o" and last and last.key == "no" and plain[last.end : match.start()] == ".":
            found[-1] = Word("no", last.start, match.end())  # the Spanish "n.\u00ba"
        else:
            found.append(Word(_canonical(match[0]), match.start(), match.end()))
    return found


@lru_cache(maxsize=20_000)
def _canonical(word: str) -> str:
    if word in ("#", "n", "num"):
        return "no"
    for tail in _NUMBER_WORDS:
        if word.endswith(tail):
            return word[: -len(tail)] + "no"
    return word


@lru_cache(maxsize=20_000)
def key(phrase: str) -> str:
    """What two writings of the same label have in common: `Invoice No.`, `INVOICE #`."""
    return "".join(word.key for word in words(phrase))


def is_wide(text: str) -> bool:
    """Whether the text is in a script without spaces between words."""
    return _WIDE.search(text) is not None


def runs(found: list[Word], longest: int) -> Iterator[tuple[int, int, str]]:
    """Every run of words as (first, past the last, joined key), shortest first for each start."""
    for first in range(len(found)):
        joined = ""
        for last in range(first, min(first + _MOST_WORDS, len(found))):
            joined += found[last].key
            if len(joined) > longest:
                break
            yield first, last + 1, joined


def mended(text: str) -> str:
    """Scanned numbers such as `l2.4O` with digits in place of letters, sign for sign."""
    return _DIGIT_LIKE.sub(lambda match: match[0].translate(_DIGITS), text)
