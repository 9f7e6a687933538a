"""What a program must do so that `make compare STAGE=3 MINE='…'` can examine it, in any language.

Called as      `MINE`, the command that you name, without a shell, in the folder that you start
               from, without arguments. It stays alive: one request a line on standard input, one
               answer a line on standard output, in order and at once (flush!), nothing else there.
Ingest         {"op": "ingest", "folder": "/path"} -> {"documents": 12}, which counts what the index
               now holds. The same folder is sent again after files changed, appeared or vanished;
               a program sees one folder in its life, and is asked nothing before it.
Ask            {"op": "ask", "question": "…"} -> {"answer": "…", "declined": false, "citations":
               [{"document": "path/in/folder.md", "quote": "words of it"}], "retrieved": ["a.md"]}
               `retrieved`: documents, best first, each once, up to 10, also when it declined.
               `quote`: word for word, at most 100 words; between them, the quotes hold every number
               of the answer. `declined`: true when the folder does not answer; `answer` is then
               free, and `citations` empty.
Failure        {"error": "one sentence"} when it cannot do what was asked, for example because the
               model is overloaded; the program goes on. That is not the same as `declined`.
End            at the end of its input it ends with exit code 0.
Environment    ANTHROPIC_BASE_URL, OPENAI_BASE_URL (ends in /v1), ANTHROPIC_API_KEY, OPENAI_API_KEY.
               Both addresses lead to the examiner, which speaks Anthropic Messages, OpenAI Chat
               Completions, Responses and Embeddings. A program without any model is examined too.
               STAGES_HOME is a new and empty folder: keep there what you keep. The program runs
               several times at once, each run with a folder and a STAGES_HOME of its own.
Models         any id is answered, by the offline model. About the examiner's own folders it reads
               with care: it takes the sentence that answers, and declines when no passage of the
               prompt has it. In some answers it does what models do: it gets a number wrong, or
               obeys an order that stands in a passage, unless the prompt sets the passage apart
               by tags, fences or as JSON (`examine_model`).

`examine_checks`, `examine_changes` and `examine_failures` hold what is asked. Left out: filters,
tenants, follow-up questions, formats other than Markdown, Windows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

MOST_RETRIEVED = 10
KINDS = {str: "text", bool: "truth value", list: "list"}


class BadReply(Exception):
    """The message says what is missing or of the wrong kind."""


@dataclass(frozen=True, slots=True)
class Quoted:
    document: str
    quote: str


@dataclass(frozen=True, slots=True)
class Told:
    """An answer; `error` is the sentence when it failed, and then the rest is empty."""

    answer: str = ""
    declined: bool = False
    citations: tuple[Quoted, ...] = ()
    retrieved: tuple[str, ...] = ()
    error: str = ""

    @property
    def answered(self) -> bool:
        return not self.declined and not self.error


def read_count(line: str) -> int:
    """How many documents a program says it holds."""
    payload = _object(line)
    if "error" in payload:
        raise BadReply(f"the folder was not ingested: {_text(payload, 'error')!r}")
    count = payload.get("documents")
    if not isinstance(count, int) or isinstance(count, bool):
        raise BadReply(f"an ingestion was answered with {_short(line)}, not {{'documents': 12}}")
    return count


def read_told(line: str) -> Told:
    payload = _object(line)
    if "error" in payload:
        return Told(error=_text(payload, "error") or "an error without a sentence")
    told = Told(
        _text(payload, "answer"),
        _of(payload, "declined", bool),
        tuple(_quoted(one) for one in _of(payload, "citations", list)),
        tuple(_of(payload, "retrieved", list)[:MOST_RETRIEVED]),
    )
    if not all(isinstance(name, str) for name in told.retrieved):
        raise BadReply(f"retrieved holds something other than a document's path: {_short(line)}")
    if told.answered and not told.answer.strip():
        raise BadReply("an empty answer, and declined is false")
    return told


def _quoted(one: Any) -> Quoted:
    if not isinstance(one, dict):
        raise BadReply(f"a citation is {_short(one)}, not an object")
    return Quoted(_text(one, "document"), _text(one, "quote"))


def _object(line: str) -> dict[str, Any]:
    try:
        payload = json.loads(line)
    except (ValueError, RecursionError):
        raise BadReply(f"a line on standard output is no JSON: {_short(line)}") from None
    if not isinstance(payload, dict):
        raise BadReply(f"a line on standard output is no JSON object: {_short(line)}")
    return payload


def _text(payload: dict[str, Any], name: str) -> str:
    return str(_of(payload, name, str))


def _of(payload: dict[str, Any], name: str, kind: type[str | bool | list[Any]]) -> Any:
    if name not in payload:
        raise BadReply(f"an answer lacks {name!r}; it has {', '.join(payload) or 'nothing'}")
    if not isinstance(payload[name], kind):
        raise BadReply(f"{name} is {_short(payload[name])}, not a {KINDS[kind]}")
    return payload[name]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "…"
