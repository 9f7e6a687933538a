"""A judge that needs no model: are the answer's words in what was retrieved? It shows the protocol.

A real one asks a model with a versioned prompt; this one is as good as its kappa says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stage5_evals.answers import Answer
from stage5_evals.cases import Case
from stage5_evals.graders import Grade

WORD = re.compile(r"[a-z0-9]{3,}")


@dataclass(frozen=True)
class WordJudge:
    """Version 1 asks for four words in five; version 2 was never held against people."""

    version: str
    share: float
    name: str = "grounded"

    @property
    def identity(self) -> str:
        return f"ferry-words-{self.version}"

    def applies(self, case: Case) -> bool:
        return case.answerable

    async def grade(self, case: Case, answer: Answer, repeat: int) -> Grade:
        if answer.declined:
            return Grade(0.0, "it was declined")
        said = set(WORD.findall(answer.text.lower()))
        read = set(WORD.findall(" ".join(one.text for one in answer.retrieved).lower()))
        share = len(said & read) / len(said) if said else 0.0
        return Grade(float(share >= self.share), f"{share:.0%} of the words were retrieved")


def open_judge(version: str) -> WordJudge:
    return WordJudge(version, {"1": 0.8, "2": 0.1}[version])
