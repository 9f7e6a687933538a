"""Near-duplicates: two documents that say the same in almost the same words.

MinHash over runs of three words estimates the share of runs that two documents have in common
(Jaccard; Broder 1997). 128 numbers a document, so the estimate is off by about 0.04. Left out:
translations and paraphrases, which share meaning and no words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from stage3_rag.contract import Document

ALIKE = 0.7  # 500 words with ten of them replaced share 0.85 of their runs
RUN = 3
NUMBERS = 128
BANDS = 32  # of four numbers each: two documents at 0.7 share one with a probability of 0.9998
SEED = 1
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Signature:
    """`digest` is 128 numbers of 4 bytes; documents that share no number in `bands` are unlike."""

    digest: bytes
    bands: tuple[int, ...]


def signature(document: Document) -> Signature:
    import numpy as np
    from rensa import RMinHash  # type: ignore[import-untyped]

    words = _WORD.findall(document.text.casefold())
    runs = {" ".join(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1))}
    made = RMinHash(NUMBERS, SEED)
    made.update(sorted(runs))
    digest = np.array(made.digest(), np.uint32)
    bands = (_number(part.tobytes()) for part in digest.reshape(BANDS, -1))
    return Signature(digest.tobytes(), tuple(bands))


def closest(own: bytes, others: Mapping[str, bytes]) -> str:
    """Which of the others says almost the same; empty when none does."""
    shares = {id: likeness(own, digest) for id, digest in others.items()}
    best = max(shares, key=lambda id: shares[id], default="")
    return best if best and shares[best] >= ALIKE else ""


def _number(data: bytes) -> int:
    """The same in every process, and within PostgreSQL's bigint."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big", signed=True)


def likeness(first: bytes, second: bytes) -> float:
    """The estimated share of common runs, 0 to 1, from two digests."""
    import numpy as np

    return float((np.frombuffer(first, np.uint32) == np.frombuffer(second, np.uint32)).mean())
