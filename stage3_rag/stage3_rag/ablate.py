"""Chunkers by rankings, on the same questions: what each part of the retriever is worth.

A question is judged by what its best chunks hold, never by chunk numbers, so that chunkers can be
compared. Everything runs in memory (`library`), with the code that also ranks the store's chunks.
Left out: the page made from it (`ablate_page`), and answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from shared.embeddings import Embedder
from shared.resampling import Interval, bootstrap
from shared.tables import table
from stage3_rag.chunking import CHUNKERS
from stage3_rag.contract import Chunk, Document
from stage3_rag.library import METHODS, Corpus, Method
from stage3_rag.metrics import ndcg, recall, reciprocal_rank

DEPTH = 10
METRICS = ("recall@1", "recall@5", "recall@10", "MRR", "nDCG@10")
Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Case:
    """`holds` says which of the question's needs (numbered from 0) a chunk meets."""

    question: str
    needs: int
    holds: Callable[[Chunk], set[int]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One ranking over one chunker. `cpu_ms` is of one question, without what is common to all."""

    chunker: str
    method: Method
    chunks: int
    metrics: dict[str, Interval]
    cpu_ms: float


def ablate(
    documents: Sequence[Document],
    cases: Sequence[Case],
    embedder: Embedder,
    *,
    chunkers: Sequence[str] = tuple(CHUNKERS),
    methods: Sequence[Method] = METHODS,
    step: Step = lambda: None,
) -> list[Outcome]:
    """CPU work. `cases` are questions that the documents answer; `step` follows each row."""
    found = []
    for chunker in chunkers:
        corpus = Corpus(documents, embedder=embedder, chunker=chunker)
        for method in methods:
            found.append(_outcome(corpus, chunker, method, cases))
            step()
    return found


def _outcome(corpus: Corpus, chunker: str, method: Method, cases: Sequence[Case]) -> Outcome:
    started = time.thread_time()
    ranked = [corpus.chunks(one.question, k=DEPTH, method=method) for one in cases]
    spent = time.thread_time() - started
    values = [measured(case, chunks) for case, chunks in zip(cases, ranked, strict=True)]
    metrics = {
        name: bootstrap([one[name] for one in values], fmean, resamples=1000) for name in METRICS
    }
    return Outcome(chunker, method, len(corpus), metrics, 1000 * spent / len(cases))


def measured(case: Case, chunks: Sequence[Chunk]) -> dict[str, float]:
    """Each need counts once, at the first chunk that meets it."""
    ranking = list(_first_met(case, chunks))
    wanted = set(range(case.needs))
    return {
        "recall@1": _recall(ranking, wanted, 1),
        "recall@5": _recall(ranking, wanted, 5),
        "recall@10": _recall(ranking, wanted, 10),
        "MRR": reciprocal_rank(ranking, {one for one in ranking if one}),
        "nDCG@10": ndcg(_slots(ranking), wanted, DEPTH),
    }


def _first_met(case: Case, chunks: Sequence[Chunk]) -> Iterator[frozenset[int]]:
    seen: set[int] = set()
    for chunk in chunks:
        new = case.holds(chunk) - seen
        seen |= new
        yield frozenset(new)


def _recall(ranking: Sequence[frozenset[int]], wanted: set[int], k: int) -> float:
    return recall([need for met in ranking[:k] for need in met], wanted, len(wanted))


def _slots(ranking: Sequence[frozenset[int]]) -> list[int]:
    """One need a rank: a chunk that meets two is counted for one, so that no nDCG exceeds 1."""
    return [min(met) if met else -1 - at for at, met in enumerate(ranking)]


def render(outcomes: Sequence[Outcome]) -> str:
    """The table as text, the best of each column marked."""
    best = {name: max(one.metrics[name].value for one in outcomes) for name in METRICS}
    rows = [["chunker", "chunks", "ranking", *METRICS, "CPU ms"]]
    for one in outcomes:
        cells = [_cell(one.metrics[name].value, best[name]) for name in METRICS]
        rows.append([one.chunker, str(one.chunks), one.method, *cells, f"{one.cpu_ms:.1f}"])
    return table(rows, rule=True)


def _cell(value: float, best: float) -> str:
    return f"{value:.3f}{' *' if value == best else ''}"


def to_json(outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    return [
        {
            "chunker": one.chunker,
            "ranking": one.method,
            "chunks": one.chunks,
            "cpu_ms": round(one.cpu_ms, 2),
            "metrics": {
                name: {"value": round(n.value, 4), "low": round(n.low, 4), "high": round(n.high, 4)}
                for name, n in one.metrics.items()
            },
        }
        for one in outcomes
    ]
