"""Reads numbers and yes or no from text, with the place of each.

Left out: numbers in words, units, and a number whose writing is ambiguous beyond what the rest of
the text shows.
"""

from __future__ import annotations

import re

from shared.offline.skills.dates import Found, Habits, dates, day_first, times

_SIGN = "[$\u20ac\u00a3\u00a5\u20b9\u20a9\uffe5]"
_NUMBER = re.compile(
    rf"(?:(?<![\w.,/:-])(?P<minus>[-\u2212]\s?|\()(?:{_SIGN}\s?)?|(?<={_SIGN})|(?<![\w.,/:-]))"
    r"(?P<digits>\d{1,3}(?:,\d{2})+,\d{3}(?:\.\d+)?(?!\d)"
    r"|\d{1,3}(?:[.,'\u2019\u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)"
    r"|\d{1,3}(?: \d{3})+,\d{1,2}(?!\d)|\d+(?:[.,]\d+)?)"
    r"(?![\d:]|/\d|[.,-]\d|[A-Za-z]*\d|-[A-Za-z])(?P<after>\)|-(?=\s|$))?"
)
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
URL = re.compile(r"\bhttps?://[^\s<>\"')\]]+|\bwww\.[^\s<>\"')\]]+")
CODE = re.compile(r"(?<![\w@.-])#?(?=[A-Za-z/_-]*\d)[A-Za-z0-9]+(?:[-_/][A-Za-z0-9]+)*(?![\w@])")
_LONGEST_NUMBER = 30
_YES = re.compile(
    r"^\W*(?:yes|true|y|on|enabled|checked|x|ja|oui|si|1)\b|\[x\]|\u2611|\u2713", re.I
)
_NO = re.compile(r"^\W*(?:no|false|n|off|disabled|none|nein|non|0|not)\b|\[ \]|\u2610|\u2717", re.I)


def habits(text: str, rules: str = "") -> Habits:
    """Read from the text; the rules of the prompt decide where the text leaves it open."""
    commas = len(re.findall(r"\d,\d{1,2}(?!\d)", text))
    points = len(re.findall(r"\d\.\d{1,2}(?![\d.])", text))
    return Habits(commas > points, day_first(text, rules))


_USUAL = Habits()


def numbers(text: str, how: Habits = _USUAL) -> list[Found]:
    """Numbers that stand alone: parts of dates, times and codes are none."""
    taken = {at for f in (*dates(text, how), *times(text)) for at in range(f.start, f.end)}
    found: list[Found] = []
    for match in _NUMBER.finditer(text):
        start, end = match.span("digits")
        if start in taken or end - start > _LONGEST_NUMBER:
            continue
        value = _number(match["digits"], how)
        paren = match["minus"] == "(" and match["after"] == ")"
        if paren or (match["minus"] or "(")[0] in "-\u2212" or match["after"] == "-":
            value = -value
        found.append(Found(value, match.start(), match.end()))
    return found


def _number(digits: str, how: Habits) -> int | float:
    marks = re.findall(r"[.,]", digits)
    plain = re.sub(r"[ '\u2019\u00a0\u202f]", "", digits)
    if not marks:
        return int(plain)
    last = marks[-1]
    tail = len(plain) - plain.rindex(last) - 1
    several = len(marks) > 1 and len(set(marks)) == 1
    decimal = "," if how.comma else "."
    if several or (tail == 3 and len(set(marks)) == 1 and last != decimal):
        return int(re.sub(r"[.,]", "", plain))
    head, fraction = plain.rsplit(last, 1)
    return float(re.sub(r"[.,]", "", head) + "." + fraction)


def boolean(text: str) -> bool | None:
    return True if _YES.search(text) else False if _NO.search(text) else None
