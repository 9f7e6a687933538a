"""Answers a question from documents in a JSON form: an answer with its sources, or statements.

The form has a text field for the answer, or a list of statements that each name a source or quote
it. A statement is a sentence of a document and so its own quote. Otherwise as `answer`.
"""

from __future__ import annotations

import re
from typing import Any

from shared.messages import Request
from shared.offline.skills import answer, documents, fields, wishes
from shared.offline.skills.answer import Quote
from shared.offline.skills.fields import Field, Schema
from shared.offline.skills.mind import Mind

_ANSWER = re.compile(r"^(?:final_?)?(?:answer|response|reply)(?:_?text)?$", re.I)
_STATEMENT = re.compile(r"^(?:text|content|statement|sentence|claim|point|answer)$", re.I)
_SOURCES = re.compile(r"citation|source|reference|document|passage|chunk|\bids?\b|evidence", re.I)
_QUOTES = re.compile(r"quote|excerpt|snippet|text|span|sentence|evidence", re.I)
_FOUND = re.compile(r"answerable|found|supported|grounded|sufficient|has_answer|can_answer", re.I)
_DECLINED = re.compile(r"declin|refus|unanswer|abstain|insufficient|no_answer|unknown", re.I)


def fits(request: Request, schema: Schema) -> bool:
    """True when there are documents and the schema has a place for an answer."""
    has_answer = any(
        (_ANSWER.match(one.name) and one.kind == "text") or _is_statements(one, schema)
        for one in _inner(schema)
    )
    return has_answer and bool(documents.in_request(request) or documents.results(request))


def reply(request: Request, schema: Schema, mind: Mind) -> str:
    question = documents.question(request)
    given = documents.in_request(request)
    for result in documents.results(request):
        inside, _ = documents.split(result.content)
        given += inside or [documents.Document(result.call_id, result.content)]
    wish = wishes.read(documents.instructions(request))
    quotes = answer.quotes(question, given, mind)[: wish.sentences or (2 if mind.large else 1)]
    made = {one.name: _value(one, quotes, wish, schema) for one in _inner(schema)}
    return fields.as_json(made)


def _inner(schema: Schema) -> list[Field]:
    resolved, nullable = fields.resolve(schema, schema)
    return fields.children(Field((), resolved, nullable), schema)


def _is_statements(one: Field, root: Schema) -> bool:
    """A list of objects with a text and, for each, where it comes from."""
    if one.kind != "array":
        return False
    item = fields.item(one, root)
    inner = fields.children(item, root) if item.kind == "object" else []
    said = any(_STATEMENT.match(f.name) and f.kind == "text" for f in inner)
    proved = any(
        not _STATEMENT.match(f.name) and (_SOURCES.search(f.name) or _QUOTES.search(f.name))
        for f in inner
    )
    return said and proved


def _value(one: Field, quotes: list[Quote], wish: wishes.Wishes, root: Schema) -> Any:
    """What a field holds is told by its name and kind."""
    if _ANSWER.match(one.name) and one.kind == "text":
        if not quotes:
            return None if one.may_be_null and not wish.decline else wish.decline or answer.DECLINE
        return wishes.shaped([answer.spoken(quote.sentence) for quote in quotes], wish, len(quotes))
    if one.kind == "boolean":
        return not quotes if _DECLINED.search(one.name) else bool(quotes)
    if one.kind == "integer" and quotes and _SOURCES.search(one.name):
        return _cited(one, quotes[0], root)
    if one.kind in ("number", "integer"):
        score = round(quotes[0].score, 2) if quotes else 0
        return score if fields.allowed(score, one.schema) else fields.blank(one, root)
    if one.kind == "array" and (_SOURCES.search(one.name) or _is_statements(one, root)):
        return _listed(one, quotes, root)
    if one.kind == "text" and quotes and (_SOURCES.search(one.name) or _QUOTES.search(one.name)):
        return _cited(one, quotes[0], root)
    return fields.blank(one, root)


def _listed(one: Field, quotes: list[Quote], root: Schema) -> list[Any]:
    item = fields.item(one, root)
    if item.kind == "object":
        inner = fields.children(item, root)
        return [{f.name: _cited(f, quote, root) for f in inner} for quote in quotes]
    named = Field(one.path, item.schema, item.nullable)
    return list(dict.fromkeys(_cited(named, quote, root) for quote in quotes))


def _cited(one: Field, quote: Quote, root: Schema) -> Any:
    """The sentence for a field that asks for words, else the id of the document."""
    if one.kind in ("integer", "number"):
        return int(quote.document.id) if quote.document.id.isdigit() else fields.blank(one, root)
    if one.kind == "enum":
        options = one.schema.get("enum", ())
        same = [o for o in options if str(o) == quote.document.id]
        return same[0] if same else fields.blank(one, root)
    wants_id = re.search(r"id|source|document|citation|reference|url|title", one.name, re.I)
    if _STATEMENT.match(one.name):
        return answer.spoken(quote.sentence)
    return quote.sentence if _QUOTES.search(one.name) and not wants_id else quote.document.id
