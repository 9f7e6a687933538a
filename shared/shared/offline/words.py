"""Words, stems, sentences and how rare a word is: all that the small model knows of language.

The stemmer is a short suffix stripper. `snowballstemmer` is better kept, but loads every language
it knows at import (0.2 s), which is longer than this model takes to answer. Left out: spelling
mistakes, synonyms, word order, and any grammar but English endings.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:['\u2019][^\W_]+)?")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SENTENCE_END = re.compile(
    r"(?<=[.!?\u3002\uff01\uff1f])[\"'”\u2019)\]]*\s+(?=[\"'“\u2018(\[*]*[^\W_a-z])|(?<=[\u3002\uff01\uff1f])|\n+"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|no|nr|dr|mr|mrs|ms|st|fig|cf)\.|\b[A-Z]\.)$", re.I
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")

_STOP_WORDS = """
    a an the this that these those it its i me my we us our you your he him his she her they them
    their is are was were be been being am do does did done has have had having will would shall
    should can could may might must of in on at to from by for with about as into onto over under
    and or but if then than so such not no nor only own same too very just also there here what
    which who whom whose when where why how any all each some more most other out up down off
    please tell give show explain describe know want need let get got s t don doesn isn aren
    many much until while during since because through between among per via upon yes
"""
STOP = frozenset(_STOP_WORDS.split())
# What people write short on forms, spelled out. Nothing here is specific to one kind of document.
_SHORT = {
    "no": "number", "nr": "number", "num": "number", "qty": "quantity", "amt": "amount",
    "tel": "telephone", "phone": "telephone", "addr": "address", "desc": "description",
    "ref": "reference", "acct": "account", "dept": "department", "id": "identifier",
}  # fmt: skip
_ENDINGS = (
    ("isations", "is"), ("izations", "is"), ("isation", "is"), ("ization", "is"), ("ising", "is"),
    ("izing", "is"), ("ised", "is"), ("ized", "is"), ("ises", "is"), ("izes", "is"), ("ise", "is"),
    ("ize", "is"), ("ations", ""), ("ation", ""), ("ating", ""), ("ated", ""), ("ates", ""),
    ("ate", ""), ("ions", ""), ("ion", ""), ("ments", ""), ("ment", ""), ("ingly", ""),
    ("edly", ""), ("ings", ""), ("ing", ""), ("ied", "y"), ("ies", "y"), ("sses", "ss"), ("ed", ""),
    ("ers", ""), ("er", ""), ("ors", ""), ("or", ""), ("ly", ""), ("ness", ""), ("es", ""),
    ("ss", "ss"), ("us", "us"), ("s", ""), ("e", ""), ("y", "y"),
)  # fmt: skip


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """`word` in lower case without its English ending; at least three letters stay."""
    word = word.lower().replace("\u2019", "'").removesuffix("'s")
    if not word.isascii() or not word.isalpha() or len(word) < 4:
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            root = word[: -len(ending)] + instead
            return root[:-1] if len(root) > 3 and root[-1] == root[-2] not in "ls" else root
    return word


def tokens(text: str) -> list[str]:
    """Words and numbers as written; scripts without spaces are cut into pairs of signs."""
    found: list[str] = []
    for word in _WORD.findall(text):
        if _WIDE.search(word):
            found += [word[at : at + 2] for at in range(max(1, len(word) - 1))]
        else:
            found.append(word)
    return found


def terms(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order, repeats included."""
    lowered = (token.lower().replace("\u2019", "'").removesuffix("'s") for token in tokens(text))
    return [stem(token) for token in lowered if token not in STOP]


def name_terms(name: str) -> list[str]:
    """Stems of an identifier (`invoiceNo`, `invoice_no`) or a label (`Invoice No.:`)."""
    lowered = (part.lower() for part in tokens(_CAMEL.sub(" ", name).replace("#", " number ")))
    return [stem(_SHORT.get(part, part)) for part in lowered]


def sentences(text: str) -> list[str]:
    """Sentences and lines, without bullets; a markdown heading is not a sentence."""
    pieces: list[str] = []
    for piece in _SENTENCE_END.split(text):
        clean = (piece or "").strip()
        if pieces and clean and _ABBREVIATION.search(pieces[-1]):
            pieces[-1] += " " + clean
        elif clean and not clean.startswith("#"):
            pieces.append(clean)
    clean_pieces = (_BULLET.sub("", piece) for piece in pieces)
    return [piece for piece in clean_pieces if any(map(str.isalnum, piece))]


Rarity = Callable[[str], float]


def rarity(texts: Iterable[Iterable[str]]) -> Rarity:
    """BM25's inverse document frequency over `texts`, each an iterable of terms.

    A term that no text has weighs as much as one that a single text has: it may be a synonym.
    """
    seen: Counter[str] = Counter()
    count = 0
    for text in texts:
        count += 1
        seen.update(set(text))

    def weigh(term: str) -> float:
        often = max(1, seen[term])
        return math.log(1 + (count - often + 0.5) / (often + 0.5))

    return weigh


def coverage(wanted: Sequence[str], given: Iterable[str], weight: Rarity | None = None) -> float:
    """Share of the wanted terms that are given, each weighing its rarity; 0 when none is wanted."""
    have = set(given)
    weigh: Rarity = weight or (lambda _term: 1.0)
    total = sum(weigh(term) for term in set(wanted))
    return sum(weigh(term) for term in set(wanted) if term in have) / total if total else 0.0


def overlap(one: Sequence[str], other: Sequence[str], weight: Rarity | None = None) -> float:
    """How much two lists of terms share, 0 to 1: the harmonic mean of both coverages."""
    there, back = coverage(one, other, weight), coverage(other, one, weight)
    return 2 * there * back / (there + back) if there + back else 0.0
