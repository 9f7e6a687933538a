"""The few dozen words of counting, comparing and ordering that questions for a database have.

General English, whatever the tables are called. Left out: other languages.
"""

from __future__ import annotations

import re

from shared.offline.words import stem

# Words that ask for a kind of column; general English, whatever the tables are called.
LIKE = {
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
UP_WORDS = """
    most highest largest biggest greatest maximum max top priciest dearest heaviest longest
    tallest newest latest recent youngest best
"""
UP = frozenset(UP_WORDS.split())
DOWN_WORDS = """
    least lowest smallest fewest minimum min cheapest lightest shortest earliest oldest
    worst
"""
DOWN = frozenset(DOWN_WORDS.split())
SOFT_WORDS = """
    currently database table tables record records row rows entry entries shop store company
    live lives living placed place made make registered called come came exist exists have
    has list names name many number count total sum average mean overall altogether combined
    value values percentage percent share proportion per each every by top different
    distinct unique sold bought ordered buy belong belongs work works kind kinds type types
    us ours please usd dollars dollar piece pieces first last sort sorted order highest
    result amount based given
"""
SOFT = frozenset(SOFT_WORDS.split())
UNITS = {
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
UNITS |= {"identifi"}
LABELS = ("name", "title", "label", "full_name", "username", "email", "sku", "code", "id")
KINDS = {"category", "genre", "type", "kind", "status", "state", "class", "segment", "brand"}
PLACES = {"city", "country", "location", "region", "town", "state", "place", "address", "office"}
MORE = re.compile(
    r"\b(?P<op>more than|greater than|larger than|higher than|over|above|exceeding|at least|"
    r"no less than|less than|fewer than|lower than|under|below|at most|no more than|up to|exactly|"
    r"equal to)\s+[$€£]?(?P<n>-?\d[\d,]*(?:\.\d+)?)", re.I,
)  # fmt: skip
OPS = {
    "at least": ">=", "no less than": ">=", "at most": "<=", "no more than": "<=", "up to": "<=",
    "exactly": "=", "equal to": "=", "less than": "<", "fewer than": "<", "lower than": "<",
    "under": "<", "below": "<",
}  # fmt: skip
QUOTED = re.compile(r"[\"\u201c`]([^\"\u201d`]+)[\"\u201d`]|(?<!\w)'([^']+)'(?!\w)")
PROPER = re.compile(r"(?<![.?!] )(?<!^)\b[A-Z][\w.&-]*(?: [A-Z][\w.&-]*)*")
YEAR = re.compile(r"\b(?:19|20)\d\d\b(?![-/])")
COUNTS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10,
}  # fmt: skip
NUMERAL = rf"(?P<n>\d{{1,3}}|{'|'.join(COUNTS)})"
TOP = re.compile(
    rf"\b(?:top|which|what|the) {NUMERAL}\b(?! (?:percent|%))|"
    rf"\b{NUMERAL.replace('<n>', '<m>')} (?:most|least|highest|lowest|cheapest|largest|biggest|"
    r"newest|oldest|latest)\b",
    re.I,
)
UNIT = {"dollars": "usd", "dollar": "usd", "$": "usd", "usd": "usd", "euros": "eur", "€": "eur",
         "euro": "eur", "eur": "eur", "kg": "kg", "kilograms": "kg", "kilos": "kg"}  # fmt: skip
SOLD = re.compile(r"\b(?:sold|bought|purchased|ordered)\b", re.I)
AMOUNT = {stem(w) for w in ["quantity", "qty", "units", "pieces"]}
