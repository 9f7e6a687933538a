"""One engine that keeps BM25 in memory, asked in a process of its own: ENGINE FILE -> JSON."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

Ask = Callable[[list[str]], object]


def rank_bm25(chunks: list[list[str]], k: int) -> Ask:
    import numpy as np
    from rank_bm25 import BM25Okapi

    engine = BM25Okapi(chunks)
    return lambda terms: np.argsort(-engine.get_scores(terms))[:k]


def bm25s(chunks: list[list[str]], k: int) -> Ask:
    import bm25s as library

    engine = library.BM25(method="lucene", k1=1.5, b=0.75)
    engine.index(chunks, show_progress=False)
    return lambda terms: engine.retrieve([terms], k=k, show_progress=False)


def memory_mb() -> float:
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


def main(name: str, file: str) -> None:
    given = json.loads(Path(file).read_text())
    before = memory_mb()
    start = time.perf_counter()
    ask = {"rank-bm25": rank_bm25, "bm25s": bm25s}[name](given["chunks"], given["k"])
    built = time.perf_counter() - start
    walls = []
    for terms in given["questions"]:
        start = time.perf_counter()
        ask(terms)
        walls.append(1000 * (time.perf_counter() - start))
    found = {
        "ms": walls,
        "p99": [statistics.quantiles(walls, n=100)[-1]],
        "build s": [built],
        "MB in memory": [memory_mb() - before],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
