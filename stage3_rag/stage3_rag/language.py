"""Which language a text is in: enough to stem it and to know whether the embedder understands it.

The script decides where it can; among languages in Latin letters, the function words do. Left out:
languages without a list in `stop_words.txt`, which count as English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

DEFAULT = "english"
WORD = re.compile(r"[^\W\d_]+")
STRAY = 0.02  # of the commonest language: a listing or a name that looks like another one
SAMPLE = 4000  # characters: the start of a text shows its language


SCRIPTS = (  # first match wins; a stemmer's name, or the script's where there is none
    ("japanese", re.compile(r"[぀-ヿ]")),
    ("korean", re.compile(r"[가-힯]")),
    ("chinese", re.compile(r"[㐀-䶿一-鿿]")),
    ("thai", re.compile(r"[฀-๿]")),
    ("russian", re.compile(r"[Ѐ-ӿ]")),
    ("greek", re.compile(r"[Ͱ-Ͽἀ-῿]")),
    ("arabic", re.compile(r"[؀-ۿ]")),
    ("hindi", re.compile(r"[ऀ-ॿ]")),
    ("hebrew", re.compile(r"[֐-׿]")),
    ("armenian", re.compile(r"[԰-֏]")),
    ("tamil", re.compile(r"[஀-௿]")),
)
ASCII = re.compile(r"[\x00-\x7f]+")
LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
DENSE = frozenset({"japanese", "korean", "chinese", "thai"})  # a sign weighs 3 letters


@cache
def stop_words() -> Mapping[str, frozenset[str]]:
    text = Path(__file__).with_name("stop_words.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    named = (line.split(":", 1) for line in lines)
    return {name: frozenset(words.split()) for name, words in named}


@cache
def _speakers() -> Mapping[str, list[str]]:
    """The languages of each function word."""
    found: dict[str, list[str]] = {}
    for name, words in stop_words().items():
        for word in words:
            found.setdefault(word, []).append(name)
    return found


def languages() -> list[str]:
    return sorted({*stop_words(), *(name for name, _ in SCRIPTS)})


def tag(language: str) -> str:
    """A term that no text has, kept with a chunk's own: an index counts its languages by it."""
    return f"language:{language}"


def common(chunks: Mapping[str, int]) -> list[str]:
    """Languages by the number of chunks, most first; a few stray chunks make no language."""
    least = STRAY * max(chunks.values(), default=0)
    often = [name for name, count in chunks.items() if count and count >= least]
    return sorted(often, key=lambda name: -chunks[name])


def understood(embedder: str, language: str) -> bool:
    """Whether vectors in that language mean anything. Only the bundled model is known to be English
    only; what any other was trained on its name does not say."""
    return language == DEFAULT or not embedder.startswith("all-MiniLM-L")


def guess(text: str, among: Sequence[str] = ()) -> str:
    """The language of most of `text`; of `among`, when given, with the likeliest first."""
    sample = text[:SAMPLE]
    script = _script(sample)
    if script and (not among or script in among):
        return script
    default = among[0] if among else DEFAULT
    votes = {name: 0 for name in stop_words() if name != "russian" and (not among or name in among)}
    speakers = _speakers()
    for word in WORD.findall(sample):
        for name in speakers.get(word.casefold(), ()):
            if name in votes:
                votes[name] += 1
    best = max(votes, key=lambda name: votes[name], default=default)
    return best if votes.get(best, 0) > votes.get(default, 0) else default


def language_of_script(word: str) -> str:
    """For a word in letters of its own; empty for Latin letters and digits."""
    if word.isascii():
        return ""
    return next((name for name, letters in SCRIPTS if letters.search(word)), "")


def _script(sample: str) -> str:
    """The script that most of it is in, unless that is Latin."""
    foreign = ASCII.sub("", sample)
    if not foreign:
        return ""
    counts = {
        name: len(letters.findall(foreign)) * (3 if name in DENSE else 1)
        for name, letters in SCRIPTS
    }
    if counts["japanese"] * 10 > counts["chinese"]:  # Japanese is mostly Han with Kana between
        counts["japanese"] += counts["chinese"]
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] > len(LATIN.findall(sample)) else ""
