"""Finds names of companies and people that no label announces: in the head, in address blocks.

A name is a short line of words without digits; a legal form (Ltd, GmbH, S.r.l., …) makes it
surer. Left out: names inside sentences, and names in a script without spaces but for companies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.offline.skills.folding import folded
from shared.offline.skills.lines import Cell, Line
from shared.offline.skills.marks import Mark

LEGAL = re.compile(
    r"(?<![^\W\d_])(?:Ltd|Limited|LLC|L\.L\.C"
    r"|LLP|PLC|plc|Inc|Incorporated|Corp|Corporation|Co\. KG|GmbH"
    r"|gGmbH|UG"
    r"|AG|KG|OHG|e\.\s?K|e\.\s?V|GbR|SARL|S\u00e0rl|S\.\s?[\u00e0a]\.?\s?r\.?\s?l|SAS|SASU|EURL|S\.?A\.?|S\.?L\.?U?"
    r"|S\.p\.A|S\.r\.l|SRL|S\.a\.s"
    r"|S\.n\.c|B\.?V|N\.?V|VOF|AB|HB|ApS|A/S|AS|ASA|Oy|Oyj|Sp\. ?z ?o\. ?o|S\.A"
    r"|s\. ?c|sp\. ?[jk]|s\. ?r\. ?o|a\. ?s"
    r"|spol\. s r\. ?o|Kft|Zrt|Nyrt|Bt|d\.o\.o|d\.d|EIRL|Ltda|Lda|S/A|ME|Pty|Pvt|Pte"
    r"|Sdn|Bhd|K\.K|CLG|DAC|enr|e\.U)"
    r"(?![^\W_])\.?|\u682a\u5f0f\u4f1a\u793e|\u6709\u9650\u4f1a\u793e|\u5408\u540c\u4f1a\u793e"
)
_CUT = re.compile(
    r"\s+[\u00b7\u2014\u2013|\u2022<(]|\s+-\s+|\s*[<(\uff08]|,\s*(?=[^,]*\d)|;|:\s|\s{2,}|\t"
)
_BAD = re.compile(r"[@%=?!#*]|https?:|www\.|\d{2}", re.I)
_SENTENCE = re.compile(r"[a-z]{2}[.!]$|^(?:dear|hi|hello|hallo|sehr|thank|page|seite)\b", re.I)
_HEADER = re.compile(r"^[^\W\d_]+\s?:(?:\s|$)")  # `Subject: …`: the word before is no name
_HEAD_LINES, _BLOCK_LINES, _LONGEST = 7, 5, 70
_BLOCKS_WITHIN = 25  # lines from the top


@dataclass(frozen=True, slots=True)
class Name:
    """`role` says where it stands: `head` or `block`; `rank` counts those of a role."""

    text: str
    line: int
    role: str
    rank: int = 0
    column: int = 0


def cut(raw: str, without: Sequence[str] = ()) -> str:
    """The name at the start of `raw`, without an address behind it or titles around it."""
    text = raw.lstrip(" \t:.,-\u2013\u2014*").rstrip(" \t:,-\u2013\u2014*")
    legal = LEGAL.search(text)
    gap = _CUT.search(text, legal.end() if legal else 0) or (None if legal else _CUT.search(text))
    name = text[: gap.start()] if gap else text
    if legal and not gap and re.match(r",", text[legal.end() :]):
        name = text[: legal.end()]
    name = re.sub(r"\s+", " ", name).strip(" ,;:\u2013\u2014-")
    for word in sorted(without, key=len, reverse=True):
        name = re.sub(
            rf"^{re.escape(word)}(?!\w)[\s.:,]*|(?<!\w)[\s,]*{re.escape(word)}$",
            "",
            name,
            flags=re.I,
        )
    return name


def is_name(text: str) -> bool:
    if not 3 <= len(text) <= _LONGEST or _BAD.search(text):
        return False
    if LEGAL.search(text):
        return True
    if _SENTENCE.search(text):
        return False
    plain = re.findall(r"[^\W\d_]+", text)
    return (
        1 <= len(plain) <= 8
        and (text[:1].isupper() or not text[:1].isascii())
        and not re.search(r"\d", text)
    )


def _capitals(name: str) -> bool:
    """Names begin most of their words with a capital, sentences do not."""
    plain = re.findall(r"[^\W\d_]+", name)
    small = sum(word[0].islower() for word in plain)
    return LEGAL.search(name) is not None or 2 * small <= len(plain)


def find(
    page: Sequence[Line], marks: Sequence[Sequence[Mark]], without: Sequence[str]
) -> list[Name]:
    """Names by role, the likeliest of each role first."""
    head = next(_head(page, marks, without), None)
    found = [head] if head else []
    seen = {folded(head.text)} if head else set()
    for name in _blocks(page, marks, without, head):
        if folded(name.text) not in seen:
            seen.add(folded(name.text))
            found.append(Name(name.text, name.line, "block", len(found) - bool(head)))
    return found


def _head(
    page: Sequence[Line], marks: Sequence[Sequence[Mark]], without: Sequence[str]
) -> Iterator[Name]:
    """Companies in the first lines before other names there."""
    lines = [
        Name(name, at, "head", column=cell.start)
        for at, line in enumerate(page[:_HEAD_LINES])
        for cell in line.parts[:2]
        if not _labelled(cell, marks[at])
        for name in [cut(cell.text, without)]
        if is_name(_digits_out(name))
    ]
    first = lines[0].line if lines else 0
    for before, name in zip([None, *lines], lines, strict=False):
        if LEGAL.search(name.text) and name.line <= first + 2:
            whole = before and name.text[:1].islower() and name.line == before.line + 1
            yield (
                Name(f"{before.text} {name.text}", name.line, "head", column=before.column)
                if before and whole
                else name
            )
    yield from lines


def _digits_out(name: str) -> str:
    """Scanned letters that look like digits inside a word are no digits."""
    return re.sub(r"(?<=[^\W\d_])[015](?=[^\W\d_])", "o", name)


def _labelled(cell: Cell, marks: Sequence[Mark]) -> bool:
    """A label at the start of the cell, one that ends its words, or one that is most of it."""
    here = [mark for mark in marks if mark.cell == cell]
    return bool(_HEADER.match(cell.text)) or any(
        mark.start <= cell.start + 1
        or (not mark.leads and mark.end >= cell.end - 1)
        or 2 * (mark.end - mark.start) > cell.end - cell.start
        for mark in here
    )


def _blocks(
    page: Sequence[Line], marks: Sequence[Sequence[Mark]], without: Sequence[str], head: Name | None
) -> Iterator[Name]:
    """First lines of address blocks: a name, and a line with digits soon beneath it."""
    taken: set[tuple[int, int]] = set()
    for at, line in enumerate(page[:_BLOCKS_WITHIN]):
        for cell in line.parts:
            if (at, cell.start) in taken or _labelled(cell, marks[at]):
                continue
            block = _column(page, at, cell)
            taken |= {(a, c.start) for a, c in block}
            if len(block) < 2 or (head and _of_head(page, head, block)):
                continue
            if re.search(r"\d[.,]\d\d(?!\d)", line.text):
                continue  # a row of a table
            name = _of_block(block, marks, without)
            if name:
                yield name


def _of_head(page: Sequence[Line], head: Name, block: Sequence[tuple[int, Cell]]) -> bool:
    """Whether the block is the head's own address: the same lines, or the same paragraph below."""
    if any(at == head.line and abs(cell.start - head.column) < 20 for at, cell in block):
        return True
    first, cell = block[0]
    joined = page[first].number - page[head.line].number == first - head.line
    return joined and first > head.line and abs(cell.start - head.column) < 20


def _column(page: Sequence[Line], at: int, cell: Cell) -> list[tuple[int, Cell]]:
    block = [(at, cell)]
    for below in range(at + 1, min(at + _BLOCK_LINES + 1, len(page))):
        if page[below].number != page[below - 1].number + 1:
            break
        next_cell = next((c for c in page[below].parts if abs(c.start - cell.start) <= 1), None)
        if next_cell is None:
            break
        block.append((below, next_cell))
    return block


def _of_block(
    block: Sequence[tuple[int, Cell]], marks: Sequence[Sequence[Mark]], without: Sequence[str]
) -> Name | None:
    names = [
        (at, cut(cell.text, without)) for at, cell in block[:3] if not _labelled(cell, marks[at])
    ]
    good = [(at, name) for at, name in names if is_name(name) and _capitals(name)]
    address = any(
        re.search(r"\d", cell.text) and re.search(r"[^\W\d_]{3}", cell.text)
        and len(cell.text) < 60 and not _labelled(cell, marks[at])
        and not re.search(r"\d[.,]\d\d\b|%", cell.text)
        for at, cell in block[1:]
    )  # fmt: skip
    if not good or not address or good[0][0] > block[0][0] + 1:
        return None
    legal = [(at, name) for at, name in good if LEGAL.search(name)]
    at, name = (legal or good)[0]
    return Name(name, at, "block")


def clean(name: str, page: Sequence[Line]) -> tuple[str, int] | None:
    """The same name written without scanned digits elsewhere in the page, with its line."""
    if not re.search(r"[^\W\d_]\d|\d[^\W\d_]", name):
        return None
    wanted = re.sub(r"\W", "", folded(name))
    for at, line in enumerate(page):
        for cell in line.parts:
            other = cell.text[: len(name)]
            ends = not cell.text[len(name) : len(name) + 1].isalnum()
            if ends and not re.search(r"\d", other) and re.sub(r"\W", "", folded(other)) == wanted:
                return other, at
    return None
