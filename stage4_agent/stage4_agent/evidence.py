"""What an answer rests on: results that hold its numbers and words, and numbers nobody said.

A number that is in no result and not in the task was made up, or reckoned in the head, which for a
model is the same. Left out: whether the words between the numbers follow from the results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stage4_agent.contract import Evidence

# A date or a code is one number here: 2026-03 in an answer is not proven by a 3 somewhere.
_NUMBER = re.compile(r"(?<![\w.])\d{4}-\d{2}(?:-\d{2})?(?!\w)|\d[\d,_]*(?:\.\d+)?(?![\w]*-\d)")
_LABEL = re.compile(r"\[(?:https?:|r\d)[^\]\n]{0,200}\]|\br\d{1,3}\b")
_WORDS = re.compile(r"[^\W\d_]{4,}")
_SMALL = frozenset({"0", "1", "2"})  # "one of the two" is style, not a finding


@dataclass(frozen=True, slots=True)
class Found:
    """A tool result that the run has, in full."""

    call_id: str
    tool: str
    arguments: Mapping[str, object]
    text: str
    ok: bool = True
    numbers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", tuple(numbers(self.text)))


def numbers(text: str) -> list[str]:
    """Numbers in plain writing: `1,204.50` is `1204.5`; labels such as [r3] are none."""
    return list(dict.fromkeys(map(_plain, _NUMBER.findall(_LABEL.sub(" ", text)))))


def evidence(answer: str, results: Sequence[Found]) -> tuple[Evidence, ...]:
    """The results that share a number or at least three longer words with the answer."""
    said, words = set(numbers(answer)) - _SMALL, set(map(str.lower, _WORDS.findall(answer)))
    found = []
    for result in results:
        if not result.ok:
            continue
        same = [n for n in result.numbers if n in said or _rounds_to(n, said)]
        common = sorted(words & set(map(str.lower, _WORDS.findall(result.text))))
        if same or len(common) >= 3:
            found.append(
                Evidence(result.call_id, result.tool, result.arguments, tuple(same or common[:6]))
            )
    return tuple(found)


def unsupported(answer: str, task: str, results: Sequence[Found]) -> tuple[str, ...]:
    """Numbers of the answer that neither the task nor any result holds, rounding allowed.

    A failure is a result too: what it says may be repeated.
    """
    known = set(numbers(task)) | _SMALL
    for result in results:
        known.update(result.numbers)
        known |= {n for value in result.arguments.values() for n in numbers(str(value))}
    shown = numbers(answer)
    return tuple(n for n in shown if n not in known and not any(_rounds_to(k, {n}) for k in known))


def _plain(number: str) -> str:
    if "-" in number:
        return number
    plain = number.replace(",", "").replace("_", "").rstrip(".")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain.lstrip("0") or "0"


def _rounds_to(long: str, short: set[str]) -> bool:
    """3.14159 supports 3.14; 31 does not support 3."""
    if "." not in long or "-" in long:
        return False
    places = len(long.partition(".")[2])
    value = float(long)
    return any(_plain(f"{value:.{n}f}") in short for n in range(min(places, 6)))
