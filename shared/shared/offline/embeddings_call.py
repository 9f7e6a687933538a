"""OpenAI Embeddings: texts in, vectors of the bundled MiniLM out, as floats or base64.

Token arrays are refused, since they belong to another vocabulary; so are other dimensions than 384.
"""

from __future__ import annotations

import asyncio
import base64
from array import array
from collections.abc import Sequence
from dataclasses import asdict

from shared.offline.billing import encode
from shared.offline.call import Call, count_spent
from shared.offline.catalog import resolve
from shared.offline.fields import Fields, Rejected
from shared.offline.wire import Bill, Json

MAX_TEXTS = 2048
DIMENSIONS = 384
FORMATS = ("float", "base64")


class EmbeddingsCall(Call):
    async def answer(self, body: Fields, size: int) -> None:
        self.seen.model = body.text("model")
        resolve(self.seen.model, self.service.options.any_model, embed=True)
        texts = _texts(body)
        bill, vectors = await asyncio.to_thread(self._embed, texts)
        self.seen.billed = asdict(bill)
        self.seen.usage = {"prompt_tokens": bill.total, "total_tokens": bill.total}
        count_spent(self, bill.total)
        packed = body.text("encoding_format", "float") == "base64"
        rows = [_row(i, vector, packed=packed) for i, vector in enumerate(vectors)]
        page: Json = {"object": "list", "data": rows, "model": self.seen.model}
        await self.link.reply_json(200, page | {"usage": self.seen.usage}, self.headers)

    def _embed(self, texts: Sequence[str]) -> tuple[Bill, list[array[float]]]:
        embedder = self.service.embedder.get()
        if embedder is None:
            problem = "This server has no embedding model: install `stages-shared[embeddings]`"
            raise Rejected(400, problem, param="model")
        bill = Bill(sum(len(encode(text)) for text in texts))
        return bill, [array("f", vector.tolist()) for vector in embedder.embed(texts)]


def _texts(body: Fields) -> tuple[str, ...]:
    value = body.value.get("input")
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value:
        body.fail("input", "must be a text or an array of texts")
    if not all(isinstance(text, str) and text for text in value):
        body.fail("input", "must hold non-empty texts; token arrays are not understood here")
    if len(value) > MAX_TEXTS:
        body.fail("input", f"must hold at most {MAX_TEXTS} texts")
    if body.integer("dimensions", DIMENSIONS) != DIMENSIONS:
        body.fail("dimensions", f"must be {DIMENSIONS}, the size of this model's vectors")
    if body.text("encoding_format", "float") not in FORMATS:
        body.fail("encoding_format", "must be float or base64")
    return tuple(value)


def _row(index: int, vector: array[float], *, packed: bool) -> Json:
    """`base64` is little-endian float32, which `array("f")` holds on every usual machine."""
    value = base64.b64encode(vector.tobytes()).decode() if packed else vector.tolist()
    return {"object": "embedding", "index": index, "embedding": value}
