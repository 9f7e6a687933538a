"""Field by field: what an extraction gave against what is right.

A wrong value is a false positive and a false negative; a value where the label is absent is a false
positive; no value where there is one is a false negative; absent on both sides counts for nothing.
Numbers and dates must be equal. Words are compared without case, accents, spacing and punctuation,
and nothing else is forgiven: "Lindner" is not "Lindner GmbH". Left out: intervals (`resampling`)
and tickets (`confusion`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from stage2_extractor.evidence import JUDGED, normal, unsupported
from stage2_extractor.matching import pair_rows, same_row
from stage2_extractor.records import Invoice, LineItem

FIELDS = tuple(name for name in Invoice.model_fields if name != "lines")
CELLS = tuple(LineItem.model_fields)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts; a ratio without anything to count is None, not zero."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float | None:
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        return ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float | None:
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def flawless(self) -> bool:
        return not (self.fp or self.fn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One extraction against its label. `failed`: there was no record at all.

    `rows` counts line items that are the same row as a right one; `cells` compares the paired rows
    value by value. `claims` are values and rows given that a document can bear out (all but
    judgements such as the type); `unsupported` of them stand nowhere in the document. `absent`
    counts fields that the label leaves out, `false_where_absent` those that were given anyway.
    """

    fields: Mapping[str, Tally]
    rows: Tally
    cells: Mapping[str, Tally]
    claims: int
    unsupported: int
    absent: int
    false_where_absent: int
    failed: bool

    @property
    def overall(self) -> Tally:
        """All fields together; the line items are counted apart."""
        return total(self.fields.values())

    @property
    def exact(self) -> bool:
        """Every field and every cell of every row is right."""
        tallies = (*self.fields.values(), self.rows, *self.cells.values())
        return not self.failed and all(tally.flawless for tally in tallies)

    @property
    def share_right(self) -> float:
        """Share of fields that are right, rightly absent included."""
        right = sum(tally.flawless for tally in self.fields.values())
        return 0.0 if self.failed else right / len(self.fields)


def judge(
    right: Invoice,
    given: Invoice | None,
    text: str,
    *,
    evidence: Mapping[str, str | None] | None = None,
    flagged: Iterable[str] = (),
) -> Judged:
    """`given` against `right`. `flagged` names claims that the extractor itself threw out.

    A claim that was thrown out still counts as a claim without a span: the model made it.
    """
    pairs = pair_rows(right.lines, given.lines) if given else []
    rows = _rows(right, given, [same_row(*pair) for pair in pairs])
    invented = unsupported(given, evidence or {}, text) if given else {}
    thrown_out = [name for name in set(flagged) if given and not _holds(given, name)]
    absent = [name for name in FIELDS if getattr(right, name) is None]
    return Judged(
        fields={name: compare(getattr(right, name), _value(given, name)) for name in FIELDS},
        rows=rows,
        cells={name: _cells(name, right, given, pairs) for name in CELLS},
        claims=_claims(given) + len(thrown_out),
        unsupported=len(invented) + len(thrown_out),
        absent=len(absent),
        false_where_absent=sum(_value(given, name) is not None for name in absent),
        failed=given is None,
    )


def compare(right: Any, given: Any) -> Tally:
    if right is None and given is None:
        return Tally()
    if given is None:
        return Tally(fn=1)
    if right is None:
        return Tally(fp=1)
    return Tally(tp=1) if same(right, given) else Tally(fp=1, fn=1)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return _squeezed(one) == _squeezed(other)
    return bool(one == other)


def total(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


def by_field(judged: Iterable[Judged]) -> dict[str, Tally]:
    """The tally of every field and, as `lines.…`, of every cell."""
    judged = list(judged)
    fields = {name: total(one.fields[name] for one in judged) for name in FIELDS}
    cells = {f"lines.{name}": total(one.cells[name] for one in judged) for name in CELLS}
    return fields | cells


def macro_f1(tallies: Iterable[Tally]) -> float | None:
    """The mean F1 of the fields that were given or should have been at least once."""
    known = [tally.f1 for tally in tallies if tally.f1 is not None]
    return fmean(known) if known else None


def flips(answers: Iterable[Iterable[Invoice | None]], names: Iterable[str]) -> float | None:
    """Share of fields whose value is not the same in all repeats of a document."""
    changed = [
        _differ([_value(one, name) for one in repeats])
        for repeats in map(list, answers)
        for name in names
    ]
    return fmean(changed) if changed else None


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _rows(right: Invoice, given: Invoice | None, found: list[bool]) -> Tally:
    tp = sum(found)
    return Tally(tp, len(given.lines) - tp if given else 0, len(right.lines) - tp)


def _cells(
    name: str, right: Invoice, given: Invoice | None, pairs: list[tuple[LineItem, LineItem]]
) -> Tally:
    """Paired rows value by value; in a row that stands alone every value is false or missing."""
    tp = total(compare(_value(one, name), _value(other, name)) for one, other in pairs).tp
    wanted = sum(_value(line, name) is not None for line in right.lines)
    offered = sum(_value(line, name) is not None for line in given.lines) if given else 0
    return Tally(tp, offered - tp, wanted - tp)


def _claims(given: Invoice | None) -> int:
    if given is None:
        return 0
    named = (name for name in FIELDS if name not in JUDGED)
    return sum(getattr(given, name) is not None for name in named) + len(given.lines)


def _holds(given: Invoice, name: str) -> bool:
    """Whether the record still has the claim; a row that was thrown out is no longer in `lines`."""
    return not name.startswith("lines.") and getattr(given, name, None) is not None


def _value(given: Any, name: str) -> Any:
    return None if given is None else getattr(given, name)


def _differ(values: list[Any]) -> bool:
    return any(not _agree(values[0], other) for other in values[1:])


def _agree(one: Any, other: Any) -> bool:
    return compare(one, other).flawless


def _squeezed(text: str) -> str:
    """Only letters and digits; a text without any is compared as it stands."""
    return re.sub(r"[\W_]+", "", normal(text)) or text.strip()
