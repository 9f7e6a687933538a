"""Takes secrets and personal data out of a text or of nested data. Used before a trace is kept.

What is looked for is in `redaction_rules`; here: values known to be secret, the order, and the walk
through JSON. A known value shorter than eight characters is not looked for, since it would tear
holes into ordinary words; a field with a telling name (`password`) is emptied whatever it holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from shared.redaction_rules import NAMED_SECRET, RULES, SECRET

_SHORTEST_KNOWN = 8
_CARD_NUMBERS = (10**12, 10**19)
_ROUNDS = 6  # a placeholder changes what its neighbours stand beside, so look again until still


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with typed placeholders such as `[email]`; redacting twice changes nothing more."""
    return Redactor(secrets).text(text)


class Redactor:
    """`redact` with its patterns made ready once."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if known else None
        self._rules = [(rule, re.compile(rule.hint), re.compile(rule.pattern)) for rule in RULES]
        self._named = re.compile(NAMED_SECRET)

    def text(self, text: str) -> str:
        for _ in range(_ROUNDS):
            before, text = text, self._once(text)
            if text == before:
                break
        return text

    def value(self, value: Any, name: str = "") -> Any:
        """The same shape with every string, key and long number redacted.

        A string that holds JSON is read as JSON: its escapes would hide where a word begins.
        """
        if self._named.search(name) and value not in (None, "") and not isinstance(value, bool):
            return SECRET
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, Mapping):
            return {self.text(str(k)): self.value(v, str(k)) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return self._number(value)
        return self.text(str(value))

    def _number(self, value: float | None) -> float | str | None:
        """A card number can be written as an integer; shorter numbers are counts and prices."""
        if not isinstance(value, int) or not _CARD_NUMBERS[0] <= value < _CARD_NUMBERS[1]:
            return value
        text = str(value)
        clean = self.text(text)
        return value if clean == text else clean

    def _string(self, text: str) -> str:
        if text[:1] in ("{", "["):
            try:
                read = json.loads(text)
                clean = self.value(read)
                if clean != read:
                    text = json.dumps(clean, ensure_ascii=False)
            except (ValueError, RecursionError):
                pass  # not JSON, or nested too deep to read: then it is text
        return self.text(text)

    def _once(self, text: str) -> str:
        if self._known:
            text = self._known.sub(SECRET, text)
        lower = text.lower()
        for rule, hint, pattern in self._rules:
            if hint.search(lower):
                text = rule.replace(text, pattern)
        return text


def _forms(secret: str) -> Iterable[str]:
    """The secret as it is and as it looks inside JSON, a Python repr and a URL."""
    if len(secret) < _SHORTEST_KNOWN:
        return
    yield secret
    if not re.fullmatch(r"[A-Za-z0-9_.~-]+", secret):
        from urllib.parse import quote, quote_plus

        yield from (json.dumps(secret)[1:-1], repr(secret)[1:-1])
        yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
