"""What a question asks of tables that are known: rows of which, which column, which conditions.

A word counts as understood when it names a table, a column or a value, or is one of the few dozen
words of counting and comparing. A question with too many other words is not one for these tables.
Left out: nested questions, "not", "or", and comparing one column with another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shared.offline.skills.schema_text import Column
from shared.offline.skills.sql_conditions import Conditions
from shared.offline.skills.sql_question import Asked
from shared.offline.skills.sql_words import (
    AMOUNT,
    COUNTS,
    DOWN,
    LIKE,
    NUMERAL,
    SOFT,
    SOLD,
    TOP,
    UNITS,
    UP,
)
from shared.offline.words import STOP, stem

ENOUGH = 0.6  # of the words with a meaning: below, the question is not one for these tables


class Reader(Conditions):
    """Reads one question; each step takes the words that it understood out of the question."""

    def read(self) -> Asked:
        asked = Asked()
        self._quoted(asked)
        self._listed(asked)
        self._dates(asked)
        self._named(asked)
        self._compared(asked)
        self._measure(asked)
        self._kinds(asked)
        self._flags(asked)
        asked.understood = self._understood(asked)
        return asked

    def _measure(self, asked: Asked) -> None:
        low = self.text.lower()
        said = {word.lower() for *_, word in self.words}
        asked.order = "DESC" if said & UP else "ASC" if said & DOWN else ""
        top = TOP.search(self.text)
        said_n = (top["n"] or top["m"]).lower() if top else ""
        asked.limit = int(COUNTS.get(said_n, said_n or 0)) or (1 if asked.order else 0)
        if top and not asked.order and low.startswith(("top", "the top")):
            asked.order = "DESC"
        counted = re.search(
            r"\bhow many\b|(?:^|\b(?:the|a|total|is|and|,) )number of\b|\bcount (?:of|the|all)\b",
            low,
        )
        if re.search(r"\b(?:percentage|percent|share|proportion|fraction) of\b", low):
            asked.measure = "share"
        elif re.search(r"\b(?:average|mean)\b", low):
            asked.measure = "avg"
        elif re.search(
            r"\b(?:total|sum|revenue|turnover|altogether|combined|overall|sales)\b", low
        ):
            asked.measure = "sum"
        elif counted:
            asked.measure = "count"
        asked.main = self._main(counted.end() if counted else 0)
        self._group(asked)
        others = [t for t in self.mentioned if asked.group and t.name != asked.group.table]
        if others and asked.group and asked.main and asked.main.name == asked.group.table:
            asked.main = others[0]  # of each department its employees are counted
        head = self.text[counted.end() :] if counted else self.text
        if asked.measure != "share":
            asked.target = self._target(asked, head)
        if asked.measure == "count" and asked.target is not None:
            numeric = asked.target.kind == "number" and not asked.target.points
            first = self._first_word(head)
            starts = bool(first & (asked.target.words - UNITS))
            in_stock = re.search(r"\bin stock\b", low) and "stock" in asked.target.name
            sold = SOLD.search(low) and asked.target.words & AMOUNT
            asked.measure = "sum" if numeric and (starts or in_stock or sold) else "count"
            asked.target = asked.target if asked.measure == "sum" else None
        held = [asked.target] if asked.target else [f.column for f in asked.filters]
        if asked.main is None and held:
            asked.main = self._table(held[0].table)
        if asked.measure == "sum" and asked.target is None and asked.main and counted:
            asked.measure = "count"

    def _group(self, asked: Asked) -> None:
        match = re.search(
            r"\b(?:per|by|for each|each|for every)\s+(?:the\s+)?([a-z_ ]{3,30})", self.text, re.I
        )
        which = (
            re.search(rf"\b(?:which|what)\s+(?:{NUMERAL}\s+)?(?P<of>[a-z]+)", self.text, re.I)
            if asked.order
            else None
        )
        for found, asks in ((match, False), (which, True)):
            if not found:
                continue
            said = found["of"] if asks else found[1]
            words = [stem(w) for w in said.lower().split()[:2]]
            column = self._grouping(words, asked)
            if column is not None:
                asked.group = column
                self._take_stems(set(words))
                if not asks:
                    asked.limit, asked.order = asked.limit if asked.order else 0, asked.order
                return

    def _grouping(self, words: Sequence[str], asked: Asked) -> Column | None:
        for column in sorted(self.columns, key=self._far):
            if (
                column.kind != "number"
                and not column.points
                and column.words - UNITS <= set(words)
                and column.words - UNITS
            ):
                return column
        for table in self.tables:
            if set(table.words) <= set(words):
                return self.label(table)
        return None

    def _target(self, asked: Asked, head: str) -> Column | None:
        kinds = (
            ("number", "any")
            if asked.measure in ("sum", "avg")
            else ("number", "any", "text", "date")
        )
        filtered = {f.column for f in asked.filters if f.op in ("=", "LIKE")}
        found = self._best_column(
            head, kinds, but=filtered | ({asked.group} if asked.group else set())
        )
        return found

    def _hinted(self, asked: Asked) -> bool:
        """Whether what costs, weighs or is spent is what was found; else the question goes on."""
        found = [asked.target, *(one.column for one in asked.filters), asked.group]
        words = {w for column in found if column for w in column.words}
        for *_, word in self.words:
            hints = {stem(h) for h in LIKE.get(word.lower(), "").split()}
            if hints & {"pric", "weight", "salary", "height", "population"} and not hints & words:
                return False
        return True

    def _understood(self, asked: Asked) -> float:
        """Share of the words with a meaning that were understood."""
        for table in self.mentioned:
            self._take_stems(set(table.words))
        if not self._hinted(asked):
            return 0.0
        left, known = 0, len(self.used)
        for at, (*_, word) in enumerate(self.words):
            low = word.lower()
            idle = low in STOP or low in SOFT or low in UP or low in DOWN or low in LIKE
            left += at not in self.used and not idle
        return known / (known + left) if known else 0.0
