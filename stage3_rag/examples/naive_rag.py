"""A first attempt at a RAG, written in an afternoon. It looks right and it works.

Examine it with `make compare STAGE=3 MINE='python stage3_rag/examples/naive_rag.py'`, then find and
mend what the failed checks name. It is wrong on purpose: do not build on it.
"""

# ruff: noqa: T201 (printing is its work)
import json
import sys
from pathlib import Path

from openai import OpenAI
from rank_bm25 import BM25Okapi

CHUNK_WORDS = 200
PROMPT = """Answer the question using only the context below.

Context:
{context}

Question: {question}
Answer:"""

client = OpenAI()
chunks: list[dict[str, str]] = []
seen: set[str] = set()


def ingest(folder: str) -> int:
    for path in sorted(Path(folder).rglob("*.md")):
        name = path.relative_to(folder).as_posix()
        if name in seen:  # already in the index
            continue
        seen.add(name)
        words = path.read_text(encoding="utf-8").split()
        for start in range(0, len(words), CHUNK_WORDS):
            chunks.append({"name": name, "text": " ".join(words[start : start + CHUNK_WORDS])})
    return len(seen)


def ask(question: str) -> dict[str, object]:
    bm25 = BM25Okapi([chunk["text"].lower().split() for chunk in chunks])
    top = bm25.get_top_n(question.lower().split(), chunks, n=5)
    context = "\n\n".join(chunk["text"] for chunk in top)
    reply = client.chat.completions.create(
        model="gpt-4.1-mini",
        messages=[
            {"role": "user", "content": PROMPT.format(context=context, question=question)},
        ],
    )
    return {
        "answer": reply.choices[0].message.content,
        "declined": False,
        "citations": [{"document": top[0]["name"], "quote": top[0]["text"][:200]}],
        "retrieved": list(dict.fromkeys(chunk["name"] for chunk in top)),
    }


for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "ingest":
        print(json.dumps({"documents": ingest(request["folder"])}), flush=True)
    else:
        print(json.dumps(ask(request["question"])), flush=True)
