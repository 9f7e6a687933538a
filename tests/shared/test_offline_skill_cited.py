"""An answer from documents in a JSON form names its sources and says when there is no answer."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from shared.messages import OutputSchema, Request, user
from shared.offline.brain import think

DOCUMENTS = (
    '<document id="faq">Returns are accepted within 30 days of delivery.</document>\n'
    '<document id="pay">Refunds are paid to the card within 10 days.</document>\n\n'
)


class Source(BaseModel):
    document_id: str
    quote: str


class Cited(BaseModel):
    answer: str | None
    citations: list[str]
    sources: list[Source]
    answerable: bool


def asked(question: str, size: str = "small", embedder: Any = None) -> Cited:
    request = Request(
        messages=(user(f"{DOCUMENTS}Question: {question}"),),
        output=OutputSchema("it", Cited.model_json_schema()),
    )
    answer = think(request, size, embedder)  # type: ignore[arg-type]
    return Cited.model_validate(json.loads(answer.text))


def test_answer_with_its_source() -> None:
    got = asked("When are returns accepted?")
    assert got.answer == "Returns are accepted within 30 days of delivery."
    assert got.citations == ["faq"]
    assert got.sources == [Source(document_id="faq", quote=got.answer)]
    assert got.answerable


def test_no_answer_no_source() -> None:
    got = asked("Who is the chief executive?")
    assert got == Cited(answer=None, citations=[], sources=[], answerable=False)


def test_statements_that_each_name_their_source() -> None:
    class Point(BaseModel):
        text: str
        source: str
        quote: str

    class Points(BaseModel):
        answerable: bool
        statements: list[Point]

    def points(question: str) -> Points:
        request = Request(
            messages=(user(f"{DOCUMENTS}Question: {question}"),),
            output=OutputSchema("it", Points.model_json_schema()),
        )
        return Points.model_validate(json.loads(think(request, "small", None).text))

    sentence = "Returns are accepted within 30 days of delivery."
    one = Point(text=sentence, source="faq", quote=sentence)
    assert points("When are returns accepted?") == Points(answerable=True, statements=[one])
    assert points("Who is the chief executive?") == Points(answerable=False, statements=[])


def test_a_number_beside_the_answer_is_the_documents_and_one_called_score_is_not() -> None:
    class Numbered(BaseModel):
        answer: str
        source: int
        score: float

    shown = DOCUMENTS.replace('"faq"', '"7"').replace('"pay"', '"8"')
    request = Request(
        messages=(user(f"{shown}Question: When are returns accepted?"),),
        output=OutputSchema("it", Numbered.model_json_schema()),
    )
    got = Numbered.model_validate(json.loads(think(request, "small", None).text))
    assert got.source == 7
    assert 0 < got.score <= 1


@pytest.mark.embeddings
def test_only_the_large_model_finds_a_paraphrase() -> None:
    from shared.embeddings import MiniLM

    question = "When do I get my money back?"
    assert not asked(question).answerable
    assert asked(question, "large", MiniLM()).citations[0] == "pay"
