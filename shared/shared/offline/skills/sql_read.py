"""What a question asks of tables that are known: rows of which, which column, which conditions.

A word counts as understood when it names a table, a column or a value, or is one of the few dozen
words of counting and comparing. A question with too many other words is not one for these tables.
Left out: nested questions, "not", "or", and comparing one column with another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.offline.skills import dates, values
from shared.offline.skills.schema_text import Column, Table
from shared.offline.words import STOP, stem

# Words that ask for a kind of column; general English, whatever the tables are called.
_LIKE = {
    "cost": "price cost amount total", "costs": "price cost amount total",
    "expensive": "price cost", "priciest": "price cost", "cheapest": "price cost",
    "cheap": "price cost", "dearest": "price cost", "spent": "total amount price",
    "spend": "total amount price", "paid": "total amount", "revenue": "revenue total amount",
    "turnover": "total amount", "sales": "sales total amount", "worth": "total amount price",
    "earns": "salary wage income", "earn": "salary wage income", "paying": "salary price",
    "heaviest": "weight", "lightest": "weight", "weigh": "weight", "weighs": "weight",
    "oldest": "age date birth", "youngest": "age date birth", "tallest": "height",
    "longest": "length duration", "shortest": "length duration", "newest": "date",
    "latest": "date", "earliest": "date", "recent": "date", "when": "date", "where": "city country",
    "who": "name", "sold": "quantity", "populous": "population",
}  # fmt: skip
_UP_WORDS = """
    most highest largest biggest greatest maximum max top priciest dearest heaviest longest
    tallest newest latest recent youngest best
"""
_UP = frozenset(_UP_WORDS.split())
_DOWN_WORDS = """
    least lowest smallest fewest minimum min cheapest lightest shortest earliest oldest
    worst
"""
_DOWN = frozenset(_DOWN_WORDS.split())
_SOFT_WORDS = """
    currently database table tables record records row rows entry entries shop store company
    live lives living placed place made make registered called come came exist exists have
    has list names name many number count total sum average mean overall altogether combined
    value values percentage percent share proportion per each every by top different
    distinct unique sold bought ordered buy belong belongs work works kind kinds type types
    us ours please usd dollars dollar piece pieces first last sort sorted order highest
    result amount based given
"""
_SOFT = frozenset(_SOFT_WORDS.split())
_UNITS = {
    stem(w)
    for w in [
        "usd",
        "eur",
        "gbp",
        "id",
        "kg",
        "g",
        "cm",
        "m",
        "km",
        "pct",
        "percent",
        "unit",
        "on",
        "at",
        "up",
    ]
}
_UNITS |= {"identifi"}
_LABELS = ("name", "title", "label", "full_name", "username", "email", "sku", "code", "id")
_KINDS = {"category", "genre", "type", "kind", "status", "state", "class", "segment", "brand"}
_PLACES = {"city", "country", "location", "region", "town", "state", "place", "address", "office"}
_MORE = re.compile(
    r"\b(?P<op>more than|greater than|larger than|higher than|over|above|exceeding|at least|"
    r"no less than|less than|fewer than|lower than|under|below|at most|no more than|up to|exactly|"
    r"equal to)\s+[$€£]?(?P<n>-?\d[\d,]*(?:\.\d+)?)", re.I,
)  # fmt: skip
_OPS = {
    "at least": ">=", "no less than": ">=", "at most": "<=", "no more than": "<=", "up to": "<=",
    "exactly": "=", "equal to": "=", "less than": "<", "fewer than": "<", "lower than": "<",
    "under": "<", "below": "<",
}  # fmt: skip
_QUOTED = re.compile(r"[\"\u201c`]([^\"\u201d`]+)[\"\u201d`]|(?<!\w)'([^']+)'(?!\w)")
_PROPER = re.compile(r"(?<![.?!] )(?<!^)\b[A-Z][\w.&-]*(?: [A-Z][\w.&-]*)*")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b(?![-/])")
_COUNTS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10,
}  # fmt: skip
_NUMERAL = rf"(?P<n>\d{{1,3}}|{'|'.join(_COUNTS)})"
_TOP = re.compile(
    rf"\b(?:top|which|what|the) {_NUMERAL}\b(?! (?:percent|%))|"
    rf"\b{_NUMERAL.replace('<n>', '<m>')} (?:most|least|highest|lowest|cheapest|largest|biggest|"
    r"newest|oldest|latest)\b",
    re.I,
)
_UNIT = {"dollars": "usd", "dollar": "usd", "$": "usd", "usd": "usd", "euros": "eur", "€": "eur",
         "euro": "eur", "eur": "eur", "kg": "kg", "kilograms": "kg", "kilos": "kg"}  # fmt: skip
_SOLD = re.compile(r"\b(?:sold|bought|purchased|ordered)\b", re.I)
_AMOUNT = {stem(w) for w in ["quantity", "qty", "units", "pieces"]}
ENOUGH = 0.6


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


class Reader:
    """Reads one question; each step takes the words that it understood out of the question."""

    def __init__(self, question: str, tables: Sequence[Table], before: str = "") -> None:
        self.text = question.strip()
        self.tables = tables
        self.columns = [column for table in tables for column in table.columns]
        self.words = [(m.start(), m.end(), m[0]) for m in re.finditer(r"[^\W_]+", self.text)]
        self.used: set[int] = set()
        self.mentioned = self._mentioned_tables()
        if not self.mentioned and before:
            self.mentioned = Reader(before, tables).mentioned
        if not self.mentioned:
            self._implied()

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

    # --- conditions -------------------------------------------------------------------------------

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
        for year in _YEAR.finditer(self.text):
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
        spans += [(m.start(), m.end(), m[0].rstrip(".")) for m in _PROPER.finditer(self.text)]
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
        spans = [(m.start(), m.end(), m[1] or m[2]) for m in _QUOTED.finditer(self.text)]
        self._where(spans, asked)

    def _where(self, spans: Sequence[tuple[int, int, str]], asked: Asked) -> None:
        for start, end, value in spans:
            if self._taken(start, end) or value.lower() in STOP:
                continue
            column = self._column_for(value, self.text[:start], self.text[end:])
            if column is not None:
                asked.filters.append(Filter(column, "=", value))
                self._take(start, end)

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
            return next((c for c in near if c.name.lower() in _PLACES and not c.values), None)
        coded = any(map(str.isdigit, value)) and " " not in value
        order = ("sku", "code", "number", "reference", *_LABELS) if coded else _LABELS
        return next((names[name] for name in order if name in names), None)

    def _kinds(self, asked: Asked) -> None:
        """`crime books`: an unknown word before the rows that are meant is their kind."""
        if asked.main is None:
            return
        kinds = [c for c in asked.main.columns if c.name in _KINDS and not c.values]
        for at, (start, _, word) in enumerate(self.words[1:]):
            before = self.words[at]
            if self.text[before[1] : start].strip():
                continue
            low = before[2].lower()
            strange = at not in self.used and low not in STOP | _SOFT | _UP | _DOWN | set(_LIKE)
            if kinds and strange and stem(word.lower()) in asked.main.words and low.isalpha():
                asked.filters.append(Filter(kinds[0], "=", low))
                self._take(before[0], before[1])

    def _compared(self, asked: Asked) -> None:
        for match in _MORE.finditer(self.text):
            column = self._nearest_number(match.start(), match.end())
            if column is None:
                continue
            op = _OPS.get(match["op"].lower(), ">")
            asked.filters.append(Filter(column, op, float(match["n"].replace(",", ""))))
            self._take(match.start(), match.end())

    def _nearest_number(self, start: int, end: int) -> Column | None:
        """By the words around it, else by its unit."""
        unit = re.match(r"\s*([a-z]+|[€$%])", self.text[end:], re.I)
        sign = next((s for s in "$€" if s in self.text[start:end]), unit[1].lower() if unit else "")
        wanted = stem(_UNIT.get(sign, "-"))
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
            words = column.words - _UNITS
            yes_or_no = re.search(r"\b(?:1|true|0|flag|whether)\b|BOOL", column.about, re.I)
            flagged = yes_or_no or column.name.startswith(("is_", "has_"))
            if column.kind in ("number", "any") and flagged and words and words <= self._stems():
                asked.filters.append(Filter(column, "=", 1))
                self._take_stems(words)
                asked.target = None

    # --- what is wanted ---------------------------------------------------------------------------

    def _measure(self, asked: Asked) -> None:
        low = self.text.lower()
        said = {word.lower() for *_, word in self.words}
        asked.order = "DESC" if said & _UP else "ASC" if said & _DOWN else ""
        top = _TOP.search(self.text)
        said_n = (top["n"] or top["m"]).lower() if top else ""
        asked.limit = int(_COUNTS.get(said_n, said_n or 0)) or (1 if asked.order else 0)
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
            starts = bool(first & (asked.target.words - _UNITS))
            in_stock = re.search(r"\bin stock\b", low) and "stock" in asked.target.name
            sold = _SOLD.search(low) and asked.target.words & _AMOUNT
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
            re.search(rf"\b(?:which|what)\s+(?:{_NUMERAL}\s+)?(?P<of>[a-z]+)", self.text, re.I)
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
                and column.words - _UNITS <= set(words)
                and column.words - _UNITS
            ):
                return column
        for table in self.tables:
            if set(table.words) <= set(words):
                return self.label(table)
        return None

    def label(self, table: Table) -> Column | None:
        names = {column.name: column for column in table.columns}
        return next((names[n] for n in _LABELS if n in names), table.columns[0])

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
        telling = [w for w in low if w in _LIKE and w not in STOP] or low  # `earns` before `who`
        hinted = {stem(hint) for w in telling for hint in _LIKE.get(w, "").split()}
        best: tuple[float, Column] | None = None
        for column in self.columns:
            if column.kind not in kinds or (but and column in but) or column.points:
                continue
            words = column.words - _UNITS or column.words
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
        self._take_stems({stem(w) for w in low if w in _LIKE and w not in STOP})
        return best[1]

    # --- tables and words -------------------------------------------------------------------------

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

    def _hinted(self, asked: Asked) -> bool:
        """Whether what costs, weighs or is spent is what was found; else the question goes on."""
        found = [asked.target, *(one.column for one in asked.filters), asked.group]
        words = {w for column in found if column for w in column.words}
        for *_, word in self.words:
            hints = {stem(h) for h in _LIKE.get(word.lower(), "").split()}
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
            idle = low in STOP or low in _SOFT or low in _UP or low in _DOWN or low in _LIKE
            left += at not in self.used and not idle
        return known / (known + left) if known else 0.0


def _singular(name: str) -> str:
    return re.escape(name.removesuffix("s").replace("_", " "))
