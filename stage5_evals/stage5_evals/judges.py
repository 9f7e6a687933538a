"""LLM judges: faithfulness statement by statement, answer relevance, correctness.

A judge says yes or no, 1 or 0, as the people did whom it was calibrated against: an answer is
faithful when every statement is supported by what it cites. The parts stand in `why`. An answer
that makes no statement, or a statement without a verdict, is a failure and no score. An answer
that was declined gets 0 where the case can be answered: nobody leaves the sum by saying nothing.
Statements are the answer's sentences, cut by code, so that their number never depends on a model.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.errors import UserError
from shared.offline.words import sentences
from stage5_evals.answers import Answer, Passage
from stage5_evals.cases import Case
from stage5_evals.graders import Grade, answerable
from stage5_evals.judge_model import (
    ClaimVerdict,
    CorrectnessVerdict,
    Given,
    JudgeModel,
    RelevanceVerdict,
    open_judge_model,
)
from stage5_evals.judge_prompts import JudgePrompt, load_prompt

MODEL = "offline-small"
DECLINED = Grade(0.0, "it was declined")


@dataclass(frozen=True, slots=True)
class Faithfulness:
    model: JudgeModel
    prompt: JudgePrompt
    name: str = "faithfulness"

    @property
    def identity(self) -> str:
        return self.model.identity(self.prompt, ClaimVerdict)

    def applies(self, case: Case) -> bool:
        return answerable(case)

    async def grade(self, case: Case, answer: Answer, repeat: int) -> Grade:
        if answer.declined:
            return DECLINED
        passages = cited(answer)
        if not passages:
            return Grade(0.0, "it cites nothing that was retrieved")
        return await self.held(case.question, answer.text, passages, repeat)

    async def held(
        self, question: str, text: str, passages: tuple[Passage, ...], repeat: int
    ) -> Grade:
        """The answer against the passages, whoever chose them."""
        statements = sentences(text)
        if not statements:
            return Grade.failure("the answer makes no statement")
        shown = "\n\n".join(f"{one.document}:\n{one.text}" for one in passages)
        given = await asyncio.gather(
            *(
                self.model.ask(
                    self.prompt,
                    ClaimVerdict,
                    repeat,
                    question=question,
                    passages=shown,
                    claim=statement,
                )
                for statement in statements
            )
        )
        wrong = [
            f"{one.verdict.verdict}: {statement}"
            for one, statement in zip(given, statements, strict=True)
            if one.verdict.verdict != "supported"
        ]
        why = f"{len(given) - len(wrong)} of {len(given)} statements supported; " + "; ".join(wrong)
        return _grade(float(not wrong), why if wrong else "", *given)


@dataclass(frozen=True, slots=True)
class Relevance:
    model: JudgeModel
    prompt: JudgePrompt
    name: str = "relevance"

    @property
    def identity(self) -> str:
        return self.model.identity(self.prompt, RelevanceVerdict)

    def applies(self, case: Case) -> bool:
        return answerable(case)

    async def grade(self, case: Case, answer: Answer, repeat: int) -> Grade:
        if answer.declined:
            return DECLINED
        parts = {"question": case.question, "answer": answer.text}
        given = await self.model.ask(self.prompt, RelevanceVerdict, repeat, **parts)
        good = given.verdict.verdict == "relevant"
        return _grade(float(good), "" if good else given.verdict.reason, given)


@dataclass(frozen=True, slots=True)
class Correctness:
    model: JudgeModel
    prompt: JudgePrompt
    name: str = "correctness"

    @property
    def identity(self) -> str:
        return self.model.identity(self.prompt, CorrectnessVerdict)

    def applies(self, case: Case) -> bool:
        return answerable(case) and bool(case.answer)

    async def grade(self, case: Case, answer: Answer, repeat: int) -> Grade:
        if answer.declined:
            return DECLINED
        parts = {"question": case.question, "answer": answer.text, "reference": case.answer or ""}
        given = await self.model.ask(self.prompt, CorrectnessVerdict, repeat, **parts)
        good = given.verdict.verdict == "correct"
        return _grade(float(good), "" if good else given.verdict.reason, given)


LLMJudge = Faithfulness | Relevance | Correctness
JUDGES: Mapping[str, Callable[[JudgeModel, JudgePrompt], LLMJudge]] = {
    "faithfulness": Faithfulness,
    "relevance": Relevance,
    "correctness": Correctness,
}


def judge_of(name: str, version: str, model: JudgeModel) -> LLMJudge:
    if name not in JUDGES:
        raise UserError(f"there is no judge {name!r}: there are {', '.join(JUDGES)}")
    return JUDGES[name](model, load_prompt(name, version))


@asynccontextmanager
async def open_judge(
    name: str = "faithfulness", model: str = MODEL, prompt: str = "1"
) -> AsyncIterator[LLMJudge]:
    """What a suite names: `use = "stage5_evals.judges:open_judge"`, `name`, `model`, `prompt`."""
    async with open_judge_model(model) as opened:
        yield judge_of(name, prompt, opened)


def cited(answer: Answer) -> tuple[Passage, ...]:
    """Retrieved passages in which a cited quote stands; a quote that stands in none is no help."""
    quotes = [(one.document, _flat(one.quote)) for one in answer.citations]
    return tuple(
        passage
        for passage in answer.retrieved
        if any(doc == passage.document and quote in _flat(passage.text) for doc, quote in quotes)
    )


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()


def _grade(
    value: float,
    why: str,
    *given: Given[ClaimVerdict] | Given[RelevanceVerdict] | Given[CorrectnessVerdict],
) -> Grade:
    cost = sum(one.cost_usd for one in given)
    return Grade(value, why, "", cost, all(one.cached for one in given))
