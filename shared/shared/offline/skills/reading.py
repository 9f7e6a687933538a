"""Reads the value of a field out of a piece of text, in each form in which it could be wanted.

Which form is wanted comes from the examples, else from the schema and its descriptions. Left out:
translation, spelling, joining of several lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from shared.offline.skills import currencies, dates, fields, names, values
from shared.offline.skills.dates import Habits
from shared.offline.skills.fields import Field
from shared.offline.skills.folding import mended
from shared.offline.words import name_terms

_CODE_NAMES = frozenset(("numb", "identifi", "code", "referenc", "sku", "iban", "vat"))
_CODE_SAID = re.compile(r"\b(?:number|reference|code|identifier)\b", re.I)
_NAME_NAMES = frozenset(
    ("sell", "buy", "vend", "suppli", "custom", "client", "merchant", "company", "employ", "pay")
)
_THINGS = frozenset(("product", "item", "fil", "field", "project", "event", "colum"))
_NAME_SAID = re.compile(
    r"\b(?:company|person|name of|who (?:is|was|has)|organi[sz]ation|merchant)\b", re.I
)
_MONEY = frozenset(
    ("total", "subtotal", "sum", "amount", "pric", "tax", "vat", "discount", "cost", "fee",
     "balanc", "net", "gross", "paid", "tip", "due")
)  # fmt: skip
_ASKED_FORMS = (
    ("upper", re.compile(r"\bupper ?-?case\b|\bcapital letters\b", re.I)),
    ("lower", re.compile(r"\blower ?-?case\b", re.I)),
    ("digits", re.compile(r"\bdigits only\b|\bonly (?:the )?digits\b", re.I)),
    ("date", re.compile(r"YYYY-MM-DD|ISO[- ]?8601", re.I)),
    ("fraction", re.compile(r"\b(?:as a|decimal) fraction\b|\bbetween 0 and 1\b", re.I)),
    ("cents", re.compile(r"\bin cents\b|\bminor units\b", re.I)),
    ("positive", re.compile(r"\bpositive number\b|\bwithout (?:its|the) sign\b", re.I)),
)
_TEXT_FORMS: Mapping[str, Callable[[str], str]] = {
    "whole": lambda raw: raw,
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "digits": lambda raw: re.sub(r"\D", "", raw),
    "unspaced": lambda raw: re.sub(r"\s+", "", raw),
    "code": lambda raw: next((m[0] for m in values.CODE.finditer(raw)), ""),
    "plain code": lambda raw: next((m[0].lstrip("#") for m in values.CODE.finditer(raw)), ""),
    "before comma": lambda raw: raw.split(",")[0].strip(),
    "before bracket": lambda raw: raw.split("(")[0].strip(),
    "id": lambda raw: identifier(raw),  # noqa: PLW0108 - defined below
    "name": lambda raw: _name(raw),  # noqa: PLW0108
}
# The words of an identifier: up to two short ones in capitals before its first digit, later ones
# only with digits, and what tax offices put behind a number.
_ID_WORD = re.compile(r"#?[A-Za-z0-9][\w./\-\u2013&]*")
_ID_DIGITS = re.compile(r"(?<![a-z])[A-Z]?(?=[\dOlI]*\d[\dOlI]*\d[\dOlI]*\d)[\dOlI]{8,}(?![^\W_])")
_DIGITS = str.maketrans("OlI", "011")
_NUMBER_WORD = re.compile(
    r"^\W*(?:(?:[Nn]o|[Nn]r|NR|[Nn]um(?:ber|mer)?)\b[\s.:#]*|NO[.:#][\s.:#]*)"
)
_TAX_WORDS = ("MWST", "MVA", "TVA", "IVA")


def forms(field: Field, raw: str, how: Habits) -> dict[str, Any]:
    """Every value that `raw` can be read as for this field, by the name of the form."""
    raw = raw.strip()
    found = _forms(field, raw, how)
    return {
        form: v for form, v in found.items() if v is not None and fields.allowed(v, field.schema)
    }


def _forms(field: Field, raw: str, how: Habits) -> dict[str, Any]:
    kind = field.kind
    if kind in ("number", "integer"):
        return _number_forms(raw, how, whole=kind == "integer")
    if kind == "date":
        seen = [found.value for found in dates.dates(raw, how) or dates.dates(mended(raw), how)]
        return {"date": seen[0], "last date": seen[-1]} if seen else {}
    if kind == "datetime":
        return {"datetime": _moment(raw, how)}
    if kind == "time":
        return {"time": next((found.value for found in dates.times(raw)), None)}
    if kind == "currency":
        return {"currency": next((found.value for found in currencies.currencies(raw)), None)}
    if kind == "boolean":
        return {"boolean": values.boolean(raw)}
    if kind in ("email", "url"):
        match = (values.EMAIL if kind == "email" else values.URL).search(raw)
        return {kind: match[0].rstrip(".,") if match else None}
    if kind == "enum":
        return {"option": option(field, raw)}
    found: dict[str, Any] = {name: form(raw) or None for name, form in _TEXT_FORMS.items()}
    found["date"] = next((one.value for one in dates.dates(raw, how)), None)
    found["currency"] = next((one.value for one in currencies.currencies(raw)), None)
    number = next((one.value for one in values.numbers(raw, how)), None)
    found["number"] = None if number is None else f"{number:.2f}" if number % 1 else str(number)
    return found


def wanted(field: Field, raw: str) -> str:
    """The form to use where no example shows one."""
    asked = _asked(field.description)
    if asked:
        return asked
    if field.kind == "text":
        return {"id": "id", "name": "name"}.get(shape(field), "whole")
    return {"number": "first", "integer": "first", "enum": "option"}.get(field.kind, field.kind)


def shape(field: Field) -> str:
    """Whether a text is an `id` such as a number with letters, a `name`, or neither."""
    return _shape(field.name, field.description) if field.kind == "text" else ""


@lru_cache(maxsize=1024)
def _shape(name: str, description: str) -> str:
    terms = name_terms(name)
    first = re.split("[;,]", description, maxsplit=1)[0]
    if _CODE_NAMES & set(terms):
        return "id"
    if _NAME_NAMES & set(terms) or ("nam" in terms[1:] and not _THINGS & set(terms)):
        return "name"
    if _CODE_SAID.search(first):
        return "id"
    return "name" if _NAME_SAID.search(first) else ""


def is_money(field: Field) -> bool:
    return field.kind == "number" and bool(_MONEY & set(name_terms(field.name)))


def identifier(raw: str) -> str:
    """The identifier that `raw` starts with, in one piece; empty when there is none."""
    raw = _NUMBER_WORD.sub("", raw)
    words = (
        _ID_DIGITS.sub(lambda match: match[0].translate(_DIGITS), mended(raw))
        .strip(" \t:.#\u00b0\u00ba=\u2013-*")
        .split(" ")
    )
    kept: list[str] = []
    for at, word in enumerate(words):
        match = _ID_WORD.fullmatch(word.rstrip(".,;:)"))
        digits = any(map(str.isdigit, word))
        if not match or re.fullmatch(r"\d+[.,]\d\d?", match[0]):
            break
        if not digits and (
            any(map(str.isdigit, "".join(kept))) or at > 1 or len(word) > 4 or not word.isupper()
        ):
            if word in _TAX_WORDS and kept:
                kept.append(word)
            break
        if (
            digits
            and kept
            and any(map(str.isdigit, "".join(kept)))
            and not re.fullmatch(r"[A-Z\d][A-Z\d./-]*", match[0])
        ):
            break
        kept.append(match[0])
        if match[0] != word:
            break
    found = " ".join(kept)
    rest = " ".join(words[len(kept) :])
    if (
        not any(map(str.isdigit, found))
        or re.match(r"%|\d[\d.,]*[.,]\d\d(?!\d)", rest)
        or len(found) > 40
    ):
        return ""
    return (
        ""
        if dates.dates(found) and len(dates.dates(found)) == 1 and len(found) <= 10
        else found.lstrip("#")
    )


def _name(raw: str) -> str:
    name = names.cut(raw)
    return name if names.is_name(name) or re.search(r"[^\W\d_]{3}", name) else ""


@lru_cache(maxsize=1024)
def _asked(description: str) -> str:
    return next((form for form, way in _ASKED_FORMS if way.search(description)), "")


def value(field: Field, raw: str, how: Habits, learned: str = "") -> Any:
    """The value in the wanted form, or None when `raw` does not hold one."""
    form = learned or wanted(field, raw)
    if field.kind == "text" and form in _TEXT_FORMS:
        read = _TEXT_FORMS[form](raw.strip())
        return read if read and fields.allowed(read, field.schema) else None
    found = forms(field, raw, how)
    return found.get(form, found.get("first") if field.kind in ("number", "integer") else None)


def money(raw: str, how: Habits, *, plain: bool = True) -> tuple[float, float] | None:
    """The sum of money that a line with its label cut off states, and how sure that is, 0 to 1.

    The last number with a fraction or a sign; rates, counts and codes are passed over.
    """
    text = mended(raw)
    best: tuple[float, float] | None = None
    for found in values.numbers(text, how):
        after, written = text[found.end : found.end + 3].lstrip(), text[found.start : found.end]
        if after.startswith(("%", "\u2030")) or len(re.sub(r"\D", "", written)) > 18:
            continue
        fraction = bool(re.search(r"[.,]\d{1,3}\W*$|[,.'\u2019 ]\d{3}\W*$", written))
        near = text[max(0, found.start - 4) : found.start] + " " + text[found.end : found.end + 4]
        sign = bool(list(currencies.currencies(near)))
        sure = 1.0 if fraction or sign else 0.6 if plain else 0.4
        if best is None or sure >= best[1]:
            best = (float(found.value), sure)
    return best


def option(field: Field, raw: str) -> Any:
    """The enum value whose words stand in `raw`; a code such as EUR also by its sign."""
    said = f" {' '.join(name_terms(raw))} "
    codes = {found.value for found in currencies.currencies(raw)}
    for choice in field.schema.get("enum") or [field.schema.get("const")]:
        words = " ".join(name_terms(str(choice)))
        if choice in codes or (words and f" {words} " in said):
            return choice
    return None


def _number_forms(raw: str, how: Habits, *, whole: bool) -> dict[str, Any]:
    found = [one.value for one in values.numbers(mended(raw), how)]
    if not found:
        return {}
    first, last = float(found[0]), float(found[-1])
    shapes = {
        "first": first, "last": last, "fraction": round(first / 100, 6),
        "cents": round(first * 100, 4), "positive": abs(first), "negative": -abs(first),
    }  # fmt: skip
    if whole:
        return {form: int(v) for form, v in shapes.items() if v == int(v)}
    return {form: int(v) if v == int(v) else v for form, v in shapes.items()}


def _moment(raw: str, how: Habits) -> str | None:
    day = next((found.value for found in dates.dates(raw, how)), None)
    clock = next((found.value for found in dates.times(raw)), "00:00:00")
    return f"{day}T{clock}Z" if day else None
