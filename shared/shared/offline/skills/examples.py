"""Finds solved examples in a prompt, and the text that is now to be worked on.

Knows four ways: earlier turns of user and assistant, `<example>` tags, `Input:` … `Output:` blocks,
and lines like `text -> label`. Left out: examples told in prose, and examples inside documents.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import Any

from shared.messages import Request
from shared.offline.skills import documents
from shared.offline.skills.documents import elements, without

_IN = (
    "Input|Text|Ticket|Message|Query|Question|Utterance|Sentence|Review|Email|E-mail|Mail|Invoice|"
    "Receipt|Document|Source text|Customer|User|Content"
)
_OUT = (
    "Expected output|Expected|Output|JSON|Answer|Label|Category|Class|Intent|Result|Response|"
    "Extraction|Extracted|Assistant|Sentiment|Priority|Verdict"
)
_LABEL = re.compile(
    rf"^[ \t#*]*(?:(?P<input>{_IN})|(?P<output>{_OUT}))\**(?:[ \t]*\d+)?[ \t]*:\**[ \t]*",
    re.M | re.I,
)
_HEAD = re.compile(r"^[ \t#*]*Example\**(?:[ \t]*\d+)?[ \t]*[:.]?\**[ \t]*$", re.M | re.I)
_ARROW = re.compile(
    r"[ \t]*(?:(?:[-*\u2022]|\d+[.)])[ \t]+)?(?P<input>\S.{2,400}?)[ \t]*(?:->|=>|\u2192)[ \t]*"
    r"(?P<output>\S.*)"
)
_ITEMS = (
    "text|input|document|ticket|invoice|receipt|email|message|content|query|utterance|review|"
    "letter|note|data|question|user|claim"
)
_OUTCOMES = "output|answer|label|json|result|expected|assistant|response|category"
_FENCE = re.compile(r"```\w*\n(?P<body>.*?)\n```", re.S)


@dataclass(frozen=True, slots=True)
class Example:
    input: str
    output: str

    @property
    def data(self) -> Any:
        """The output as JSON, or None."""
        return _json(self.output)


def of(request: Request) -> list[Example]:
    """Every solved example of the request, in the order of the prompt."""
    said = documents.last_user_text(request)
    return [*_in_text(request.system)[0], *_in_turns(request), *_in_text(said)[0]]


def material(request: Request) -> str:
    """The text to work on: the last turn without examples, labels, fences and instructions."""
    _, rest = _in_text(documents.last_user_text(request))
    given = documents.split(rest)[0]
    blocks = elements(rest, _ITEMS)
    fences = [m["body"] for m in _FENCE.finditer(rest)]
    if given and sum(len(d.text) for d in given) * 2 > len(rest):
        return "\n\n".join(document.text for document in given)
    if blocks and sum(len(b.body) for b in blocks) * 3 > len(rest):
        return "\n\n".join(block.body.strip("\n") for block in blocks)
    if fences and sum(map(len, fences)) * 2 > len(rest):
        return "\n\n".join(fences)
    return _without_task(rest)


def rules(request: Request) -> str:
    """What the prompt asks for, without documents and solved examples."""
    said = _in_text(documents.last_user_text(request))[1]
    return documents.split(_in_text(request.system)[1])[1] + "\n\n" + documents.split(said)[1]


def _without_task(text: str) -> str:
    labels = list(_LABEL.finditer(text))
    first = len(text) - len(text.lstrip())
    inputs = [m for m in labels if m["input"] and (m.start() <= first or _alone(text, m))]
    if inputs:
        after = [m.start() for m in labels if m["output"] and m.start() > inputs[-1].end()]
        empty = [at for at in after if not text[at : at + 300].split(":", 1)[-1].strip(" *\n`")]
        return text[inputs[-1].end() : empty[-1] if empty else len(text)].strip("\n")
    head, gap, tail = text.strip("\n").partition("\n")
    if gap and head.rstrip().endswith(":") and len(head.split()) > 3 and tail.strip():
        return tail.strip("\n")
    return text.strip("\n")


def _alone(text: str, match: re.Match[str]) -> bool:
    """A label that starts the text or a paragraph; inside a form `Customer: …` is a field."""
    return text.endswith("\n\n", 0, match.start())


def _in_turns(request: Request) -> list[Example]:
    turns = request.messages[:-1]
    pairs = itertools.pairwise(turns)
    return [
        Example(_without_task(one.text), other.text.strip())
        for one, other in pairs
        if one.role == "user" and other.role == "assistant" and one.text and other.text
    ]


def _in_text(text: str) -> tuple[list[Example], str]:
    tagged = elements(text, "example|shot")
    if tagged:
        found = [_split(element.body) for element in tagged]
        return [e for e in found if e], re.sub(r"</?examples>", "", without(text, tagged))
    blocks, rest = _blocks(text)
    if blocks:
        return blocks, rest
    return _arrows(text)


def _arrows(text: str) -> tuple[list[Example], str]:
    found, rest = [], []
    for line in text.split("\n"):
        short = len(line) < 800 and ("->" in line or "=>" in line or "\u2192" in line)
        match = _ARROW.fullmatch(line) if short else None
        if match:
            found.append(Example(_bare(match["input"]), _bare(match["output"])))
        else:
            rest.append(line)
    return found, "\n".join(rest)


def _split(body: str) -> Example | None:
    parts = elements(body, f"{_ITEMS}|{_OUTCOMES}")
    if len(parts) >= 2:
        return Example(parts[0].body.strip("\n"), _bare(parts[-1].body))
    found = _blocks(body)[0] or _arrows(body)[0]
    return found[0] if found else None


def _blocks(text: str) -> tuple[list[Example], str]:
    """Each `Output:` that has something after it ends an example that began at an `Input:`."""
    found: list[Example] = []
    cuts: list[tuple[int, int]] = []
    begun: re.Match[str] | None = None
    edge = 0
    for label in _LABEL.finditer(text):
        if label.start() < edge:
            continue
        if label["input"]:
            begun = begun or label
            continue
        if begun is None:
            continue
        end = _end(text, label.end())
        output = _bare(text[label.end() : end])
        if output:
            found.append(Example(text[begun.end() : label.start()].strip("\n "), output))
            cuts.append((begun.start(), end))
            begun, edge = None, end
    rest, at = "", 0
    for start, end in cuts:
        rest += _HEAD.sub("", text[at:start])
        at = end
    return found, rest + text[at:]


def _end(text: str, start: int) -> int:
    """The end of an output: of its JSON, or of its line."""
    opening = re.compile(r"\s*(?:```\w*\s*)?(?=[{\[])").match(text, start)
    if opening:
        try:
            _, end = json.JSONDecoder().raw_decode(text, opening.end())
        except (ValueError, RecursionError):
            pass
        else:
            fence = re.compile(r"\s*```").match(text, end)
            return fence.end() if fence else end
    line = text.find("\n", start)
    return line if line >= 0 else len(text)


def _bare(text: str) -> str:
    text = re.sub(r"^```\w*\s*|\s*```$", "", text.strip())
    quoted = re.fullmatch(r"[\"'`\u201c](.*)[\"'`\u201d]", text, re.S)
    return quoted[1] if quoted else text


def _json(text: str) -> Any:
    try:
        return json.loads(_bare(text))
    except (ValueError, RecursionError):
        return None


def template(request: Request) -> dict[str, Any] | None:
    """The schema of the JSON that a prompt without one asks for: written out, or by examples.

    Only when the instructions speak of JSON; a value in a template stands for its type.
    """
    rules = documents.instructions(request)
    if not re.search(r"\bJSON\b", rules):
        return None
    shots = [shot.data for shot in of(request) if isinstance(shot.data, dict)]
    if shots:
        return _shape(shots[0])
    for opening in itertools.islice(re.finditer(r"\{", rules), 20):
        try:
            value, _ = json.JSONDecoder().raw_decode(rules, opening.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and value:
            return value if "properties" in value else _shape(value)
    return None


def _shape(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        inner = {str(name): _shape(one) for name, one in value.items()}
        return {"type": "object", "properties": inner, "required": list(inner)}
    if isinstance(value, list):
        return {"type": ["array", "null"], "items": _shape(value[0]) if value else {}}
    if isinstance(value, bool):
        return {"type": ["boolean", "null"]}
    if isinstance(value, int | float):
        return {"type": ["number", "null"]}
    return {"type": ["string", "null"], "description": value if isinstance(value, str) else ""}
