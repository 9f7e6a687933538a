"""How far a judge agrees with people: the record that the gate reads before a judge may block.

A file of JSON lines, one for each judge, found by its `identity`: another prompt, model or setting
is another judge, and needs its own. Left out: how agreement is measured.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from shared.errors import UserError


@dataclass(frozen=True, slots=True)
class Calibration:
    """Cohen's kappa on `cases` rated answers, with its 95% interval."""

    identity: str
    kappa: float
    low: float
    high: float
    cases: int


def read_calibrations(file: Path | None) -> dict[str, Calibration]:
    """By identity; none where there is no file, and then no judge blocks."""
    if file is None or not file.exists():
        return {}
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
        names = Calibration.__slots__
        found = [Calibration(**{name: row[name] for name in names}) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is damaged: {error!r}: run `stage5 calibrate` again") from None
    return {one.identity: one for one in found}
