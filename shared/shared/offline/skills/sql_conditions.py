"""Which rows a question means: values, dates, names, codes, comparisons, yes-or-no columns.

Each step takes the words that it understood out of the question. Left out: "not" and "or".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shared.offline.skills import dates, values
from shared.offline.skills.schema_text import Column
from shared.offline.skills.sql_question import Asked, Filter, Question
from shared.offline.skills.sql_words import (
    DOWN,
    KINDS,
    LABELS,
    LIKE,
    MORE,
    OPS,
    PLACES,
    PROPER,
    QUOTED,
    SOFT,
    UNIT,
    UNITS,
    UP,
    YEAR,
)
from shared.offline.words import STOP, stem


class Conditions(Question):
    def _listed(self, asked: Asked) -> None:
        """Values that the schema lists, the longest first; a plural names the same value."""
        known = [(v, c) for c in self.columns for v in c.values if len(v) > 1]
        for value, column in sorted(known, key=lambda one: (-len(one[0]), self._far(one[1]))):
            match = re.search(rf"(?<![\w-]){re.escape(value)}(?:e?s)?(?![\w-])", self.text, re.I)
            if match and not self._taken(match.start(), match.end()):
                if self._says_more(match, column):
                    continue
                asked.filters.append(Filter(column, "=", value))
                self._take(match.start(), match.end())

    def _says_more(self, match: re.Match[str], column: Column) -> bool:
        """A word that is also the name of a table or column, and is used as that."""
        word = stem(match[0].lower())
        return any(word in t.words and t.name != column.table for t in self.tables)

    def _dates(self, asked: Asked) -> None:
        found: list[tuple[int, int, str]] = [
            (f.start, f.end, str(f.value)) for f in dates.dates(self.text, values.habits(self.text))
        ]
        taken = [range(start, end) for start, end, _ in found]
        for month in dates.months(self.text):
            if not any(month.start in span for span in taken):
                found.append((month.start, month.end, str(month.value)))
                taken.append(range(month.start, month.end))
        for year in YEAR.finditer(self.text):
            if not any(year.start() in span for span in taken):
                found.append((year.start(), year.end(), year[0]))
        column = self._date_column() if found else None
        if column is None:
            return
        for start, end, value in sorted(found):
            before = self.text[:start].lower().split()[-2:]
            op = "LIKE"
            if {"since", "from", "starting"} & set(before):
                op = ">="
            elif "after" in before:
                op = ">"
            elif {"before", "until"} & set(before):
                op = "<"
            literal = f"{value}%" if op == "LIKE" else value
            asked.filters.append(Filter(column, op, literal))
            self._take(start, end)
        two = [f for f in asked.filters if f.column == column and f.op == "LIKE"]
        if len(two) == 2 and re.search(r"\bbetween\b|\bfrom\b.*\bto\b", self.text, re.I):
            low, high = (str(f.value).rstrip("%") for f in two)
            asked.filters = [f for f in asked.filters if f not in two]
            asked.filters += [Filter(column, ">=", low), Filter(column, "<=", high + "~")]

    def _date_column(self) -> Column | None:
        dated = [column for column in self.columns if column.kind == "date"]
        return min(dated, key=self._far, default=None)

    def _named(self, asked: Asked) -> None:
        """Names and codes that no list holds, and rows by their number."""
        spans = [(m.start(), m.end(), m[0]) for m in values.EMAIL.finditer(self.text)]
        codes = [m for m in values.CODE.finditer(self.text) if not m[0].isdigit()]
        spans += [(m.start(), m.end(), m[0]) for m in codes]
        spans += [(m.start(), m.end(), m[0].rstrip(".")) for m in PROPER.finditer(self.text)]
        self._where(spans, asked)
        for table in self.mentioned:
            match = re.search(
                rf"\b{_singular(table.name)}\s+(?:number |no\.? |#)?(\d+)\b", self.text, re.I
            )
            key = next(
                (c for c in table.columns if c.name in ("id", f"{_singular(table.name)}_id")), None
            )
            if match and key and not self._taken(match.start(1), match.end(1)):
                asked.filters.append(Filter(key, "=", int(match[1])))
                self._take(match.start(1), match.end(1))

    def _quoted(self, asked: Asked) -> None:
        spans = [(m.start(), m.end(), m[1] or m[2]) for m in QUOTED.finditer(self.text)]
        self._where(spans, asked)

    def _where(self, spans: Sequence[tuple[int, int, str]], asked: Asked) -> None:
        for start, end, value in spans:
            if self._taken(start, end) or value.lower() in STOP:
                continue
            column = self._column_for(value, self.text[:start], self.text[end:])
            if column is not None:
                asked.filters.append(Filter(column, "=", value))
                self._take(start, end)

    def _column_for(self, value: str, before: str, after: str = "") -> Column | None:
        """`the Engineering department` is named by a label of the departments."""
        behind = self._first_word(after.lstrip(" \"'")[:30]) if after[:1] in " \"'" else set()
        own = next((t for t in self.tables if behind and behind == set(t.words)), None)
        if own is not None and " " not in value.strip():
            return self.label(own)
        near = [c for t in self.mentioned for c in t.columns if c.kind in ("text", "any")]
        if not near:
            return None
        names = {c.name: c for c in reversed(near) if not c.values}
        if "@" in value:
            return next((c for c in near if "email" in c.name or "mail" in c.name), None)
        place = before.lower().split()[-1:] in (["in"], ["from"], ["at"])
        if place:
            return next((c for c in near if c.name.lower() in PLACES and not c.values), None)
        coded = any(map(str.isdigit, value)) and " " not in value
        order = ("sku", "code", "number", "reference", *LABELS) if coded else LABELS
        return next((names[name] for name in order if name in names), None)

    def _kinds(self, asked: Asked) -> None:
        """`crime books`: an unknown word before the rows that are meant is their kind."""
        if asked.main is None:
            return
        kinds = [c for c in asked.main.columns if c.name in KINDS and not c.values]
        for at, (start, _, word) in enumerate(self.words[1:]):
            before = self.words[at]
            if self.text[before[1] : start].strip():
                continue
            low = before[2].lower()
            strange = at not in self.used and low not in STOP | SOFT | UP | DOWN | set(LIKE)
            if kinds and strange and stem(word.lower()) in asked.main.words and low.isalpha():
                asked.filters.append(Filter(kinds[0], "=", low))
                self._take(before[0], before[1])

    def _compared(self, asked: Asked) -> None:
        for match in MORE.finditer(self.text):
            column = self._nearest_number(match.start(), match.end())
            if column is None:
                continue
            op = OPS.get(match["op"].lower(), ">")
            asked.filters.append(Filter(column, op, float(match["n"].replace(",", ""))))
            self._take(match.start(), match.end())

    def _nearest_number(self, start: int, end: int) -> Column | None:
        """By the words around it, else by its unit."""
        unit = re.match(r"\s*([a-z]+|[€$%])", self.text[end:], re.I)
        sign = next((s for s in "$€" if s in self.text[start:end]), unit[1].lower() if unit else "")
        wanted = stem(UNIT.get(sign, "-"))
        for column in sorted(self.columns, key=self._far):
            if column.kind == "number" and wanted in column.words:
                if unit:
                    self._take(end, end + unit.end())
                return column
        around = self.text[max(0, start - 40) : start] + " " + self.text[end : end + 25]
        return self._best_column(around, ("number", "any"), everywhere=False)

    def _flags(self, asked: Asked) -> None:
        """`failed` of 0 and 1 in "how many calls failed" is a condition, not a sum."""
        if asked.measure not in ("count", "share"):
            return
        main = asked.main
        for column in main.columns if main else ():
            words = column.words - UNITS
            yes_or_no = re.search(r"\b(?:1|true|0|flag|whether)\b|BOOL", column.about, re.I)
            flagged = yes_or_no or column.name.startswith(("is_", "has_"))
            if column.kind in ("number", "any") and flagged and words and words <= self._stems():
                asked.filters.append(Filter(column, "=", 1))
                self._take_stems(words)
                asked.target = None


def _singular(name: str) -> str:
    return re.escape(name.removesuffix("s").replace("_", " "))
