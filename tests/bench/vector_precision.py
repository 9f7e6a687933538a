"""What half-precision vectors cost in an HNSW index: size, time to build, time to ask, recall.

One table, two indexes in turn, the same questions, and no re-sorting by the full vectors, which the
store does: this is the index alone. Made-up vectors (`store_corpus`).
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import psycopg
from pgvector.psycopg import register_vector
from series import Section, Table
from store_corpus import DIMENSIONS, Corpus
from store_speed import _best, _home

from shared.embedded_postgres import embedded_postgres

SIZE, QUESTIONS = 20_000, 100
WIDTHS = (40, 100, 200)  # of the search, `hnsw.ef_search`
PRECISIONS = ("vector", "halfvec")


def precision_section() -> Section:
    corpus = Corpus(SIZE)
    questions = [vector for vector, _ in corpus.questions(QUESTIONS)]
    truth = [set(_best(corpus.vectors, question)) for question in questions]
    table: Table = {}
    with (
        _home() as home,
        embedded_postgres(home / "postgres") as address,
        psycopg.connect(address, autocommit=True) as connection,
    ):
        _fill(connection, corpus)
        for kind in PRECISIONS:
            built = _build(connection, kind)
            for width in WIDTHS:
                connection.execute(f"SET hnsw.ef_search = {width}")
                asked = _ask(connection, kind, questions, truth)
                table[f"{kind}, ef_search {width}"] = built | asked
    note = f"{SIZE:,} vectors of {DIMENSIONS} numbers, ten hits; recall against exact search."
    return Section("5d Half precision in the approximate index", note, table)


def _fill(connection: Any, corpus: Corpus) -> None:
    connection.execute("CREATE EXTENSION vector")
    register_vector(connection)
    connection.execute(f"CREATE TABLE v (id int, embedding vector({DIMENSIONS}))")
    copy = "COPY v FROM STDIN WITH (FORMAT BINARY)"
    with connection.cursor().copy(copy) as rows:
        rows.set_types(["int4", "vector"])
        for row in enumerate(corpus.vectors):
            rows.write_row(row)
    connection.execute("VACUUM ANALYZE v")
    connection.execute("SET maintenance_work_mem = '512MB'")


def _build(connection: Any, kind: str) -> dict[str, list[float]]:
    connection.execute("DROP INDEX IF EXISTS i")
    start = time.perf_counter()
    connection.execute(
        f"CREATE INDEX i ON v USING hnsw ((embedding::{kind}({DIMENSIONS})) {kind}_cosine_ops)"
    )
    built = time.perf_counter() - start
    (size,) = connection.execute("SELECT pg_relation_size('i') / 1e6").fetchone()
    return {"build s": [built], "MB": [float(size)]}


def _ask(
    connection: Any, kind: str, questions: list[Any], truth: list[set[int]]
) -> dict[str, list[float]]:
    cast = f"{kind}({DIMENSIONS})"
    query = f"SELECT id FROM v ORDER BY embedding::{cast} <=> %s::vector::{cast} LIMIT 10"
    walls, recalls = [], []
    for question, best in zip(questions, truth, strict=True):
        start = time.perf_counter()
        found = connection.execute(query, (question,)).fetchall()
        walls.append(1000 * (time.perf_counter() - start))
        recalls.append(len(best & {row[0] for row in found}) / 10)
    return {"ms": walls, "recall@10": [float(np.mean(recalls))]}
