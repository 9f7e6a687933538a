"""A question beside tables: which of them it names, and which of its words are understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.offline.skills.schema_text import Column, Table
from shared.offline.skills.sql_words import LABELS, LIKE, UNITS
from shared.offline.words import STOP, stem


@dataclass(frozen=True, slots=True)
class Filter:
    column: Column
    op: str
    value: str | float


@dataclass(slots=True)
class Asked:
    """`measure` is "", count, sum, avg, max, min or share; `group` are columns; `order` is "",

    DESC or ASC.
    """

    measure: str = ""
    target: Column | None = None
    main: Table | None = None
    filters: list[Filter] = field(default_factory=list)
    group: Column | None = None
    order: str = ""
    limit: int = 0
    understood: float = 0.0


class Question:
    """Its words, the tables that it names, and which words were taken as understood."""

    def __init__(self, question: str, tables: Sequence[Table], before: str = "") -> None:
        self.text = question.strip()
        self.tables = tables
        self.columns = [column for table in tables for column in table.columns]
        self.words = [(m.start(), m.end(), m[0]) for m in re.finditer(r"[^\W_]+", self.text)]
        self.used: set[int] = set()
        self.mentioned = self._mentioned_tables()
        if not self.mentioned and before:
            self.mentioned = Question(before, tables).mentioned
        if not self.mentioned:
            self._implied()

    def label(self, table: Table) -> Column | None:
        names = {column.name: column for column in table.columns}
        return next((names[n] for n in LABELS if n in names), table.columns[0])

    def _implied(self) -> None:
        """No table is named whole: one whose last word is, or the one that holds what is asked."""
        stems = self._stems()
        for table in self.tables:
            last = stem(re.split(r"_|(?<=[a-z])(?=[A-Z])", table.name)[-1].lower())
            elsewhere = any(last in c.words for c in self.columns if c.table != table.name)
            if last in stems and not elsewhere:
                self.mentioned.append(table)
        if not self.mentioned:
            listed = [c for c in self.columns for v in c.values if self._says(v)]
            best = self._best_column(self.text, ("number", "any", "text", "date"))
            holders = [c.table for c in (*([best] if best else []), *listed)]
            self.used.clear()
            self.mentioned = [self._table(name) for name in dict.fromkeys(holders)][:1]

    def _says(self, value: str) -> bool:
        return len(value) > 1 and bool(
            re.search(rf"(?<![\w-]){re.escape(value)}(?:e?s)?(?![\w-])", self.text, re.I)
        )

    def _best_column(
        self,
        text: str,
        kinds: Sequence[str],
        but: set[Column] | None = None,
        *,
        everywhere: bool = True,
    ) -> Column | None:
        low = [w.lower() for w in re.findall(r"[^\W_]+", text)]
        stems = {stem(w) for w in low if w not in ("how", "many")}
        telling = [w for w in low if w in LIKE and w not in STOP] or low  # `earns` before `who`
        hinted = {stem(hint) for w in telling for hint in LIKE.get(w, "").split()}
        best: tuple[float, Column] | None = None
        for column in self.columns:
            if column.kind not in kinds or (but and column in but) or column.points:
                continue
            words = column.words - UNITS or column.words
            hits = len(words & stems) + 0.7 * len((words & hinted) - stems)
            if hinted and column.kind == "date" and "dat" in hinted:
                hits += 0.7
            if not hits:
                continue
            score = hits / len(words) + 0.01 * len(words) - 0.12 * self._far(column)
            if hits / len(words) >= 0.5 and (best is None or score > best[0] + 1e-9):
                best = (score, column)
        if best is None:
            return None
        self._take_stems(best[1].words & stems)
        self._take_stems({stem(w) for w in low if w in LIKE and w not in STOP})
        return best[1]

    def _mentioned_tables(self) -> list[Table]:
        stems = [stem(word.lower()) for *_, word in self.words]
        places = [
            (max(stems.index(w) for w in t.words), -len(t.words), t)
            for t in self.tables
            if t.words and t.words <= set(stems)
        ]
        places.sort(key=lambda one: one[:2])
        whole = [t for _, _, t in places]
        return [t for t in whole if not any(t.words < o.words for o in whole)]

    def _main(self, after: int) -> Table | None:
        """The table whose rows are meant: the first one that is named behind "how many"."""
        for start, _, word in self.words:
            if start < after:
                continue
            for table in self.mentioned:
                if stem(word.lower()) in table.words:
                    self._take_stems(set(table.words))
                    return table
        return self.mentioned[0] if self.mentioned else None

    def _far(self, column: Column) -> int:
        """0 for a column of a table that the question names, more for others."""
        names = [table.name for table in self.mentioned]
        if column.table in names:
            return names.index(column.table)
        return 2 + min((self._steps(name, column.table) for name in names), default=4)

    def _steps(self, one: str, other: str) -> int:
        """References between two tables, 4 when they are further apart."""
        here, seen = {one}, {one}
        for steps in range(1, 4):
            here = {
                b
                for c in self.columns if c.points
                for a, b in ((c.table, c.points[0]), (c.points[0], c.table)) if a in here
            } - seen  # fmt: skip
            if other in here:
                return steps
            seen |= here
        return 4

    def _table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)

    def _first_word(self, text: str) -> set[str]:
        for word in re.findall(r"[^\W_]+", text.lower()):
            if word not in STOP:
                return {stem(word)}
        return set()

    def _stems(self) -> set[str]:
        return {stem(word.lower()) for *_, word in self.words}

    def _take(self, start: int, end: int) -> None:
        self.used |= {at for at, (a, b, _) in enumerate(self.words) if a < end and start < b}

    def _take_stems(self, wanted: set[str] | frozenset[str]) -> None:
        self.used |= {at for at, (*_, w) in enumerate(self.words) if stem(w.lower()) in wanted}

    def _taken(self, start: int, end: int) -> bool:
        return any(
            at in self.used for at, (a, b, _) in enumerate(self.words) if a < end and start < b
        )
