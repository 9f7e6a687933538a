"""Finds the documents in a prompt, and what is said outside of them.

Knows four ways of writing them: tags (`<document id="a">…</document>`), passages that start with
`[a]`, headers such as `Source: a` or `Document 2:`, and markdown headings. Mixed ways in one prompt
are read as the first of these that occurs. Left out: what a document says is never read as an
instruction, so a prompt that hides its task inside a document is not understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from shared.messages import Request, ToolResult

_KINDS = "document|doc|passage|source|chunk|context|snippet|excerpt|article|page|result|item"
_PARTS = "id|source|title|name|url|date|document_content|content|text|body"
_WRAPPER = re.compile(
    r"</?(?:documents|docs|passages|sources|chunks|contexts?|results|excerpts)\s*>", re.I
)
_ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*[\"']?([^\"'>]+?)[\"']?(?=\s+[\w-]+\s*=|\s*/?$)")
_NUMBERED = re.compile(r"^[ \t]*\[(?P<id>[\w.:/#-][\w .:/#-]{0,79})\](?!\()[ \t:]*", re.M)
_HEADER = re.compile(
    r"^[ \t]*(?:[-=*#]{2,}[ \t]*)?(?:Source|Document|Doc|Passage|Chunk|Excerpt|File)"
    r"(?:[ \t]+(?P<number>[\w.-]{1,20}))?[ \t]*(?:\((?P<title>[^)\n]+)\))?[ \t]*:"
    r"[ \t]*(?P<id>[^\n]{0,80})$",
    re.M | re.I,
)
_HEADING = re.compile(r"^#{1,4}[ \t]+(?P<id>[^\n]{1,80})$", re.M)
_CONTEXT = re.compile(
    r"^[ \t]*(?:#+[ \t]*)?(?:Context|Background|Reference text)[ \t]*:", re.M | re.I
)
_QUESTION = re.compile(
    r"(?:^[ \t#*]*(?:User |My )?(?:Question|Query)\**[ \t]*:\**|<(?:question|query)>)(?P<body>.*?)"
    r"(?=</(?:question|query)>|\n[ \t]*\n"
    r"|^[ \t#*]*(?:Answer|Context|Sources|Documents)\**[ \t]*:|\Z)",
    re.M | re.S | re.I,
)


@dataclass(frozen=True, slots=True)
class Document:
    id: str
    text: str
    title: str = ""

    def sections(self) -> list[tuple[str, str]]:
        """(heading, text) of its parts; text before the first markdown heading has the title."""
        parts, _ = _cut(self.text, _HEADING, lambda match, _at: match["id"].strip())
        heads = _HEADING.search(self.text)
        before = self.text[: heads.start()] if heads else self.text
        return [(self.title, before), *((f"{self.title} {part.id}", part.text) for part in parts)]


Found = tuple[list[Document], str]


def split(text: str) -> Found:
    """The documents in `text` and the rest of it."""
    for way in (_tagged, _numbered, _headed, _labelled):
        documents, rest = way(text)
        if documents:
            return documents, rest
    return [], text


def in_request(request: Request) -> list[Document]:
    """The documents of the system prompt and of every turn of the user, oldest first."""
    texts = [request.system, *(m.text for m in request.messages if m.role == "user")]
    found = [document for text in texts for document in split(text)[0]]
    return [d for d in found if d.text]


def results(request: Request) -> list[ToolResult]:
    return [p for m in request.messages for p in m.parts if isinstance(p, ToolResult)]


def last_user_text(request: Request) -> str:
    said = [m.text for m in request.messages if m.role == "user" and m.text.strip()]
    return said[-1] if said else ""


def instructions(request: Request) -> str:
    """What the prompt asks for: the system prompt and the last turn, without their documents."""
    return split(request.system)[1] + "\n\n" + split(last_user_text(request))[1]


def question(request: Request) -> str:
    """The question of the last turn: after its label if it has one, else its last paragraph."""
    rest = split(last_user_text(request))[1].strip()
    labelled = [m["body"].strip() for m in _QUESTION.finditer(rest)]
    if labelled and labelled[-1]:
        return labelled[-1]
    rest = re.sub(r"(?im)^[ \t#*]*answer\**[ \t]*:?[ \t]*$", "", rest)
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", rest) if part.strip()]
    asking = [part for part in paragraphs if part.rstrip().endswith(("?", "\uff1f"))]
    return (asking or paragraphs or [""])[-1]


@dataclass(frozen=True, slots=True)
class Element:
    tag: str
    attributes: str
    body: str
    start: int
    end: int


def elements(text: str, tags: str) -> list[Element]:
    """Closed elements with one of the `tags` (`a|b`), outermost first opened, none overlapping."""
    lowered, found, at = text.lower(), list[Element](), 0
    unclosed: set[str] = set()
    for opening in re.finditer(rf"<({tags})((?:\s[^<>]*)?)>", text, re.I):
        tag = opening[1].lower()
        if opening.start() < at or tag in unclosed:
            continue
        close = lowered.find(f"</{tag}>", opening.end())
        if close < 0:
            unclosed.add(tag)  # so that a hostile text of openings is read only once
            continue
        at = close + len(tag) + 3
        body = text[opening.end() : close]
        found.append(Element(tag, opening[2], body, opening.start(), at))
    return found


def without(text: str, found: list[Element]) -> str:
    """`text` with a paragraph break where each element was."""
    cuts = [0, *(at for element in found for at in (element.start, element.end)), len(text)]
    return "\n\n".join(text[a:b] for a, b in zip(cuts[::2], cuts[1::2], strict=True))


def _tagged(text: str) -> Found:
    text = _WRAPPER.sub("", text)
    found = elements(text, _KINDS)
    return [_document(one, at) for at, one in enumerate(found, start=1)], without(text, found)


def _document(element: Element, at: int) -> Document:
    parts = elements(element.body, _PARTS)
    about = {part.tag: part.body.strip() for part in parts}
    about |= {k.lower(): v.strip() for k, v in _ATTRIBUTE.findall(element.attributes)}
    bodies = [p.body for p in parts if p.tag in ("document_content", "content", "text", "body")]
    names = ("id", "index", "number", "name", "source", "url", "title")
    name = next((about[key] for key in names if key in about), str(at))
    body = bodies[0] if bodies else without(element.body, parts)
    return Document(name, body.strip(), about.get("title", about.get("source", "")))


def _numbered(text: str) -> Found:
    return _cut(text, _NUMBERED, lambda match, _at: match["id"])


def _headed(text: str) -> Found:
    return _cut(
        text,
        _HEADER,
        lambda match, at: match["id"].strip() or match["title"] or match["number"] or str(at),
    )


def _labelled(text: str) -> Found:
    """`Context: …` up to the question, cut at its markdown headings when it has some."""
    start = _CONTEXT.search(text)
    if not start:
        return [], text
    end = next((m.start() for m in _QUESTION.finditer(text, start.end())), len(text))
    body, rest = text[start.end() : end], text[: start.start()] + "\n\n" + text[end:]
    sections, _ = _cut(body, _HEADING, lambda match, _at: match["id"].strip())
    return sections or [Document("context", body.strip())], rest


def _cut(text: str, header: re.Pattern[str], name: Callable[[re.Match[str], int], str]) -> Found:
    """Documents from each header to the next one; the last ends where the question starts."""
    heads = list(header.finditer(text))
    if not heads:
        return [], text
    after = next((m.start() for m in _QUESTION.finditer(text, heads[-1].end())), None)
    if after is None:
        after = _last_question(text, heads[-1].end())
    ends = [head.start() for head in heads[1:]] + [after]
    documents = [
        Document(name(head, at), text[head.end() : end].strip())
        for at, (head, end) in enumerate(zip(heads, ends, strict=True), start=1)
    ]
    return documents, text[: heads[0].start()] + "\n\n" + text[after:]


def _last_question(text: str, start: int) -> int:
    """Without a label, the last paragraph of a prompt is the question if it ends with a mark."""
    gap = text.rstrip().rfind("\n\n")
    asks = text.rstrip().endswith(("?", "\uff1f"))
    return gap if asks and gap >= start else len(text)
