"""LangChain's PGVectorStore as its documentation has it, for `rag_peer` in its own environment.

It is given our chunks, so it neither reads nor cuts. A full-text column is kept for its hybrid
search, the nearest it has to ours. mypy sees nothing of its classes: only their environment has
them.
"""

from __future__ import annotations

from typing import Any

from rag_clock import asked

SCHEMA, TABLE = "langchain", "handbook"
K, CANDIDATES = 5, 30  # passages that are given back; hits that go into a fusion, 4 by default
ROWS = 100  # handed over at once; each is committed by itself
Json = dict[str, Any]


class LangChain:
    def __init__(self, task: Json) -> None:
        from langchain_core.embeddings import Embeddings  # type: ignore[import-not-found]

        from shared.embeddings import MiniLM

        model = MiniLM()

        class Embedded(Embeddings):  # type: ignore[misc]
            def embed_documents(self, texts: list[str]) -> list[list[float]]:
                vectors: list[list[float]] = model.embed(texts).tolist()
                return vectors

            def embed_query(self, text: str) -> list[float]:
                return self.embed_documents([text])[0]

        self._texts = task["texts"]
        self._url = task["url"].replace("postgresql://", "postgresql+psycopg://", 1)
        self._embedded = Embedded()

    async def open(self, table: str = TABLE) -> None:
        from langchain_postgres import PGEngine  # type: ignore[import-not-found]
        from langchain_postgres import PGVectorStore as Store
        from sqlalchemy.ext.asyncio import create_async_engine  # type: ignore[import-not-found]

        self._table = table
        self.engine = PGEngine.from_engine(create_async_engine(self._url))
        try:
            self.store = await self._store(Store)
        except ValueError:  # there is no such table yet
            await self._create()
            self.store = await self._store(Store)

    async def close(self) -> None:
        await self.engine.close()

    async def _store(self, store: Any) -> Any:
        return await store.create(
            self.engine,
            self._embedded,
            self._table,
            schema_name=SCHEMA,
            hybrid_search_config=self.hybrid(),
        )

    async def _create(self) -> None:
        await self.engine.ainit_vectorstore_table(
            self._table,
            384,
            schema_name=SCHEMA,
            overwrite_existing=True,
            hybrid_search_config=self.hybrid(),
        )

    async def fresh(self) -> None:
        await self._create()

    async def ingest(self) -> None:
        metadatas = [{"place": place} for place in range(len(self._texts))]
        await self.store.aadd_texts(self._texts, metadatas)
        await self.store.aapply_hybrid_search_index()

    async def ask(self, way: str, question: str) -> list[int]:
        config = self.hybrid() if way == "hybrid" else None
        found = await self.store.asimilarity_search(question, K, hybrid_search_config=config)
        return [one.metadata["place"] for one in found]

    def hybrid(self) -> Any:
        """Made for each question: a config keeps the words of the first one it was used for."""
        from langchain_postgres.v2.hybrid_search_config import (  # type: ignore[import-not-found]
            HybridSearchConfig,
            reciprocal_rank_fusion,
        )

        return HybridSearchConfig(
            tsv_column="content_tsv",
            fusion_function=reciprocal_rank_fusion,
            primary_top_k=CANDIDATES,
            secondary_top_k=CANDIDATES,
            index_name=f"{self._table}_tsv",
        )


class Grown:
    """A made-up corpus in a table of its own, written and then asked with ready vectors."""

    def __init__(self, side: LangChain, size: int, questions: int) -> None:
        from store_corpus import Corpus

        self._side = side
        self._corpus = Corpus(size)
        self._chunks = [one for _, chunks in self._corpus.documents() for one in chunks]
        self._questions = self._corpus.questions(questions)

    async def step(self, name: str) -> Json:
        """Milliseconds of every piece of it, and CPU milliseconds a piece."""
        from langchain_postgres.v2.indexes import HNSWIndex  # type: ignore[import-not-found]

        store = self._side.store
        if name == "write":
            return await asked(self._write, range(0, self._corpus.size, ROWS))
        if name == "text index":
            return await asked(lambda _: store.aapply_hybrid_search_index(), [0])
        if name == "HNSW index":
            return await asked(store.aapply_vector_index, [HNSWIndex()])
        return await asked(self._vectors if name == "vectors" else self._hybrid, self._questions)

    async def _write(self, start: int) -> None:
        rows = self._chunks[start : start + ROWS]
        texts, vectors = [one.chunk.text for one in rows], [one.vector.tolist() for one in rows]
        await self._side.store.aadd_embeddings(texts, vectors)

    async def _vectors(self, question: Any) -> None:
        await self._side.store.asimilarity_search_by_vector(
            question[0].tolist(), CANDIDATES, hybrid_search_config=None
        )

    async def _hybrid(self, question: Any) -> None:
        config = self._side.hybrid()
        config.fts_query = " ".join(question[1])
        await self._side.store.asimilarity_search_by_vector(
            question[0].tolist(), K, hybrid_search_config=config
        )
