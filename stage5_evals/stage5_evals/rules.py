"""The graders that are functions: refusal, citations, numbers, words, form, time and money.

Each answers one question about one answer and says why when it is not 1. Left out: meaning. An
answer that is right in other words loses at `words` and `citations_support`; that is what a judge
is for.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.errors import UserError
from stage5_evals.answers import Answer
from stage5_evals.cases import Case
from stage5_evals.corpus import Corpus, plain
from stage5_evals.graders import RIGHT, Grade, Rule, answerable

SUPPORTED = 0.5  # of an answer's words, in what it quotes
SHORTEST_WORD = 4  # characters; shorter ones stand everywhere
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"\w+")


def refusal_rules() -> list[Rule]:
    return [
        Rule(
            "refuses",
            "is a question that the corpus does not answer declined?",
            lambda _, answer: RIGHT if answer.declined else Grade(0.0, "it was answered"),
            lambda case: not case.answerable,
        ),
        Rule(
            "answers",
            "is a question that the corpus answers not declined?",
            lambda _, answer: Grade(0.0, "it was declined") if answer.declined else RIGHT,
            answerable,
        ),
    ]


def citation_rules(corpus: Corpus) -> list[Rule]:
    def real(_: Case, answer: Answer) -> Grade:
        if not answer.citations:
            return Grade(0.0, "there is no citation")
        made_up = [one for one in answer.citations if not corpus.holds(one.document, one.quote)]
        share = 1 - len(made_up) / len(answer.citations)
        return Grade(share, f"not in {made_up[0].document}" if made_up else "")

    return [
        Rule("citations_real", "does each quote stand in its document?", real, answerable),
        Rule(
            "citations_support",
            "do the quotes hold the answer's numbers and most of its words?",
            citations_support,
            answerable,
        ),
        Rule(
            "citations_right",
            "which share of the needs is quoted where the label says?",
            citations_right,
            answerable,
        ),
    ]


def citations_support(case: Case, answer: Answer) -> Grade:
    if answer.declined or not answer.citations:
        return Grade(0.0, "there is no citation")
    quoted = plain(" ".join(one.quote for one in answer.citations))
    said = plain(answer.text)
    known = f"{quoted} {plain(case.question)}"
    invented = set(_NUMBER.findall(said)) - set(_NUMBER.findall(known))
    if invented:
        return Grade(0.0, f"the quotes do not hold {min(invented)}")
    words = {word for word in _WORD.findall(said) if len(word) >= SHORTEST_WORD}
    share = len(words & set(_WORD.findall(quoted))) / len(words) if words else 1.0
    return RIGHT if share >= SUPPORTED else Grade(0.0, f"the quotes hold {share:.0%} of its words")


def citations_right(case: Case, answer: Answer) -> Grade:
    """A label's quote and a citation meet when one holds half of the other's words in a row."""
    quotes = [(one.document, plain(one.quote).split()) for one in answer.citations]
    hit = [
        any(
            document == span.document and _overlap(quote, plain(span.quote).split())
            for span in need
            for document, quote in quotes
        )
        for need in case.needs
    ]
    if all(hit):
        return RIGHT
    return Grade(sum(hit) / len(hit), f"not quoted: {case.needs[hit.index(False)][0].document}")


def numbers_right(case: Case, answer: Answer) -> Grade:
    missing = set(_NUMBER.findall(case.answer or "")) - set(_NUMBER.findall(answer.text))
    return Grade(0.0, f"the answer lacks {min(missing)}") if missing else RIGHT


def words_right(case: Case, answer: Answer) -> Grade:
    """F1 of the words of the answer and the reference, as SQuAD counts (Rajpurkar, 2016)."""
    if answer.declined:
        return Grade(0.0, "it was declined")
    said = Counter(_WORD.findall(answer.text.casefold()))
    wanted = Counter(_WORD.findall((case.answer or "").casefold()))
    shared = sum((said & wanted).values())
    return Grade(2 * shared / (said.total() + wanted.total()) if shared else 0.0)


def reference_rules() -> list[Rule]:
    def has_number(case: Case) -> bool:
        return case.answerable and bool(_NUMBER.search(case.answer or ""))

    def has_answer(case: Case) -> bool:
        return case.answerable and bool(case.answer)

    return [
        Rule("numbers", "are the reference's numbers in the answer?", numbers_right, has_number),
        Rule("words", "F1 of the answer's words and the reference's", words_right, has_answer),
    ]


def limit_rules(seconds: float | None, usd: float | None) -> list[Rule]:
    """Time and money as a share of cases within a limit, which a gate can hold like any other."""

    def in_time(_: Case, answer: Answer) -> Grade:
        late = answer.seconds > (seconds or 0)
        return Grade(0.0, f"it took {answer.seconds:.2f} s") if late else RIGHT

    def in_budget(_: Case, answer: Answer) -> Grade:
        if answer.cost_usd is None:
            return Grade.failure("the target does not state cost_usd")
        dear = answer.cost_usd > (usd or 0)
        return Grade(0.0, f"it cost ${answer.cost_usd:.6f}") if dear else RIGHT

    rules = []
    if seconds is not None:
        rules.append(Rule("in_time", f"is it answered within {seconds:g} s?", in_time))
    if usd is not None:
        rules.append(Rule("in_budget", f"does it cost at most ${usd:g}?", in_budget))
    return rules


def regex_rule(name: str, pattern: str, *, must: bool = True) -> Rule:
    """Whether the answer's text has `pattern`, or must not have it."""
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise UserError(f"grader {name}: {pattern!r} is no regular expression: {error}") from None

    def check(_: Case, answer: Answer) -> Grade:
        right = bool(found.search(answer.text)) == must
        return RIGHT if right else Grade(0.0, f"{pattern} is {'missing' if must else 'there'}")

    return Rule(name, f"{'has' if must else 'lacks'} the answer {pattern}?", check)


def schema_rule(name: str, schema: dict[str, Any]) -> Rule:
    """Whether the answer's text is JSON of this schema."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise UserError(f"grader {name}: this is no JSON schema: {error.message}") from None
    validator = Draft202012Validator(schema)

    def check(_: Case, answer: Answer) -> Grade:
        try:
            data = json.loads(answer.text)
        except ValueError:
            return Grade(0.0, "it is no JSON")
        problem = next(iter(validator.iter_errors(data)), None)
        return Grade(0.0, problem.message[:200]) if problem else RIGHT

    return Rule(name, "is the answer JSON of the schema?", check)


def _overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    short, long = sorted((one, other), key=len)
    least = max(1, round(len(short) * SUPPORTED))
    text = f" {' '.join(long)} "
    return any(
        f" {' '.join(short[at : at + least])} " in text for at in range(len(short) - least + 1)
    )
