# /// script
# requires-python = ">=3.11"
# dependencies = ["fpdf2==2.8.*"]
# ///
"""Draw ten of the invoice texts as PDF pages: `uv run stage2_extractor/data/make_pdfs.py`.

The words come from `invoices/*.txt`, so that text and PDF have one label. What is decided here is
the page: real columns in tables, sums at the right, letter heads, one till roll. No new content.

The fonts are DejaVu, from Debian's `fonts-dejavu-core` and `fonts-dejavu-extra`. Their licence
(Bitstream Vera and public domain) permits embedding. A second run writes the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from fpdf import FPDF

HERE = Path(__file__).parent / "invoices"
FONTS = Path("/usr/share/fonts/truetype/dejavu")
SERIF = "DejaVuSerifCondensed"
PADDING = 1.6  # mm at each side of a table cell
AMOUNT = re.compile(r"\W*\d[\d.,' ]*[.,]\d\d(?: (?:€|EUR|Kč|SEK))?-?")
TURN = "-" * 80  # so long a rule, or a form feed, ends a page


@dataclass(frozen=True)
class Sheet:
    """How one document looks. `head` begins its table's first row, `strong` marks bold lines."""

    head: str
    strong: str
    table: str = "rules"  # or "grid", "stripes", "plain"
    font: str = "DejaVuSansCondensed"
    size: float = 10.0
    colour: tuple[int, int, int] = (40, 60, 90)
    paper: str = "a4"
    foot: bool = False  # the last lines stand at the foot of the last page
    left_first: bool = False  # write the left column before the right one, as many programs do


class Cell(NamedTuple):
    text: str
    start: int
    end: int


BROWN, RED, GREEN, WINE = (90, 60, 30), (150, 60, 20), (20, 90, 60), (120, 20, 40)
SHEETS = {
    "inv-01": Sheet("Description", "INVOICE$|TOTAL DUE", paper="letter"),
    "inv-03": Sheet("Désignation", "^FACTURE|RESTE|Total TTC", table="grid", colour=RED, foot=True),
    "inv-04": Sheet("(none)", "TOTAL|FENNINGS", font="DejaVuSansMono", size=7.5, paper="roll"),
    "inv-05": Sheet("Pos.", "RECHNUNG|TOTAL INKL", table="plain", colour=BROWN),
    "inv-08": Sheet("Lp", "FAKTURA|Do zapłaty|RAZEM", table="grid", size=8.4),
    "inv-16": Sheet("Pos ", "^RECHNUNG|RECHNUNGSBETRAG|Übertrag", table="stripes", foot=True),
    "inv-17": Sheet("Work", "INVOICE$|Invoice total", "plain", SERIF, foot=True, left_first=True),
    "inv-35": Sheet("Descrição", "^Fatura FT|a pagar", table="stripes", colour=GREEN, foot=True),
    "inv-40": Sheet("Part No", "INVOICE", size=9.2, paper="letter", foot=True),
    "inv-45": Sheet("Tekst", "FAKTURA|Å betale", table="grid", colour=WINE, left_first=True),
}


def cells(line: str) -> list[Cell]:
    """The pieces of a line that two or more spaces keep apart."""
    return [Cell(m[0], m.start(), m.end()) for m in re.finditer(r"\S+(?: \S+)*", line)]


class Page(FPDF):
    """One document being drawn, from the top of the first page."""

    def __init__(self, sheet: Sheet, lines: list[str]) -> None:
        self.sheet, self.step = sheet, sheet.size * 0.3528 * 1.34
        self.side = 6.0 if sheet.paper == "roll" else 18.0
        roll = (80.0, 12 + self.step * len(lines))
        super().__init__(format=roll if sheet.paper == "roll" else sheet.paper)
        self.unit = (self.w - 2 * self.side) / max(map(len, lines))
        self.set_creation_date(datetime(2026, 11, 1, tzinfo=UTC))
        self.set_auto_page_break(False)
        self.add_font("body", "", FONTS / f"{sheet.font}.ttf")
        self.add_font("body", "B", FONTS / f"{sheet.font}-Bold.ttf")

    def turn(self) -> None:
        self.add_page()
        self.set_y(self.side * 0.8)

    def rule(self) -> None:
        self.set_y(self.get_y() + self.step)
        y = self.get_y() - self.step / 2
        self.line(self.side, y, self.w - self.side, y)

    def text_block(self, lines: list[str]) -> None:
        """Lines up to the table's head, and the table from there on."""
        start = next((n for n, line in enumerate(lines) if line.startswith(self.sheet.head)), None)
        if start != 0:
            self.free(lines[:start], heading=self.get_y() < self.side)
        if start is not None:
            self.grid(lines[start:])

    def put(self, text: str, x: float, width: float, *, right: bool = False) -> None:
        """`text` in one line; made smaller when the room is too narrow for it."""
        size = self.font_size_pt
        while self.get_string_width(text) > width and self.font_size_pt > 5:
            self.set_font_size(self.font_size_pt - 0.2)
        x += width - self.get_string_width(text) if right else 0
        self.text(x, self.get_y() + self.step * 0.75, text)
        self.set_font_size(size)

    def free(self, lines: list[str], *, heading: bool) -> None:
        """Lines outside the table: each piece at its place."""
        top, taller = self.get_y(), self.step * 0.5 * heading
        parts = [
            (top + row * self.step + taller * (row > 0), *piece)
            for row, line in enumerate(lines)
            for piece in self._pieces(line, heading=heading and row == 0)
        ]
        if self.sheet.left_first:
            parts.sort(key=lambda piece: piece[1].start > 30)
        for y, piece, follows, strong, large in parts:
            self.set_y(y)
            self.set_font("body", "B" if strong or large else "", self.sheet.size + 4 * large)
            self.set_text_color(*(self.sheet.colour if large else (0, 0, 0)))
            self._piece(piece, follows)
        self.set_y(top + len(lines) * self.step + taller)

    def _pieces(self, line: str, *, heading: bool) -> Iterator[tuple[Cell, int | None, bool, bool]]:
        pieces = cells(line)
        strong = False
        for place, piece in enumerate(pieces):
            follows = pieces[place + 1].start if place + 1 < len(pieces) else None
            strong = strong or re.search(self.sheet.strong, piece.text) is not None
            yield piece, follows, strong, heading and not place and not re.search(r"\d", piece.text)

    def _piece(self, piece: Cell, follows: int | None) -> None:
        """An amount at the end of a line keeps its right edge, all else its left one."""
        x = self.side + piece.start * self.unit
        if follows is None and piece.start > 30 and AMOUNT.fullmatch(piece.text):
            edge = self.side + piece.end * self.unit
            self.put(piece.text, x, edge - x, right=True)
        else:
            edge = self.w - self.side if follows is None else self.side + follows * self.unit - 1
            self.put(piece.text, x, edge - x)

    def grid(self, lines: list[str]) -> None:
        """The table: each piece goes to the column whose head it stands under."""
        head = cells(lines[0])
        rows = [placed(line, head) for line in lines]
        self.set_font("body", "B", self.sheet.size)
        widths = [
            max(self.get_string_width(row.get(n, "")) for row in rows) + 2 * PADDING
            for n in range(len(head))
        ]
        widths[widths.index(max(widths))] += self.w - 2 * self.side - sum(widths)
        right = [is_numeric([row[n] for row in rows[1:] if n in row]) for n in range(len(head))]
        for number, row in enumerate(rows):
            self._row(number, row, widths, right)

    def _row(
        self, number: int, row: dict[int, str], widths: list[float], right: list[bool]
    ) -> None:
        height, top, x = self.step * 1.5, self.get_y(), self.side
        self._back(number, top, sum(widths), height)
        self.set_font("body", "" if number else "B", self.sheet.size)
        self.set_text_color(0, 0, 0)
        for column, width in enumerate(widths):
            if self.sheet.table == "grid":
                self.rect(x, top, width, height)
            self.set_y(top + height * 0.16)
            self.put(row.get(column, ""), x + PADDING, width - 1.9 * PADDING, right=right[column])
            x += width
        self.set_y(top + height)

    def _back(self, number: int, top: float, width: float, height: float) -> None:
        striped = self.sheet.table == "stripes" and number % 2 == 0
        if self.sheet.table != "plain" and (number == 0 or striped):
            self.set_fill_color(*((243, 244, 247) if number else (222, 226, 232)))
            self.rect(self.side, top, width, height, style="F")
        if number == 0 or self.sheet.table == "rules":
            self.line(self.side, top + height, self.side + width, top + height)


def column_of(piece: Cell, head: list[Cell]) -> int:
    """The head that overlaps most nearly; otherwise the nearest one."""

    def distance(n: int) -> tuple[int, int]:
        start, end = head[n].start - piece.start, head[n].end - piece.end
        return max(head[n].start - piece.end, piece.start - head[n].end, 0), min(
            abs(start), abs(end)
        )

    return min(range(len(head)), key=distance)


def placed(line: str, head: list[Cell]) -> dict[int, str]:
    row: dict[int, str] = {}
    for piece in cells(line):
        column = column_of(piece, head)
        row[column] = f"{row.get(column, '')} {piece.text}".strip()
    return row


def is_numeric(texts: list[str]) -> bool:
    return sum(text[0] in "-0123456789" and text[-1].isdigit() for text in texts) * 2 > len(texts)


def kind(line: str) -> str:
    letters = line.strip(" ")
    return {"\f": "turn", "": "gap"}.get(letters) or ("text" if letters.strip("-") else "rule")


def prepared(lines: list[str], head: str) -> Iterator[str]:
    """Page ends as lines of their own; the rule right below a table's head is the table's own."""
    for before, line in pairwise(["", *lines]):
        if line.startswith(("\f", TURN)):
            yield "\f"
        if line.startswith(TURN) or (kind(line) == "rule" and before.startswith(head)):
            continue
        yield line.removeprefix("\f")


def draw(name: str, sheet: Sheet) -> Page:
    lines = (HERE / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    page = Page(sheet, lines)
    page.turn()
    runs = [(what, list(run)) for what, run in groupby(prepared(lines, sheet.head), key=kind)]
    for number, (what, block) in enumerate(runs):
        if sheet.foot and number == len(runs) - 1:
            page.set_y(page.h - page.side - page.step * len(block))
        match what:
            case "turn":
                page.turn()
            case "gap":
                page.set_y(page.get_y() + page.step * 0.7 * len(block))
            case "rule":
                page.rule()
            case _:
                page.text_block(block)
    return page


if __name__ == "__main__":
    (HERE / "pdf").mkdir(exist_ok=True)
    for name, sheet in SHEETS.items():
        draw(name, sheet).output(str(HERE / "pdf" / f"{name}.pdf"))
