"""What is asked of a folder that does not change, one function a check; its docstring says why.

Folders that change or hold broken files are in `examine_changes`, a model that fails is in
`examine_failures`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from shared.complaints import quoted
from shared.examine import Failed, NotRun, need
from stage3_rag.examine_bench import RagBench
from stage3_rag.examine_model import MADE_UP
from stage3_rag.examine_session import Session
from stage3_rag.examine_words import FACTS, IMPOSTOR
from stage3_rag.examine_world import Fact, World, numbers_of
from stage3_rag.pipe_contract import Quoted, Told

MARGIN = 0.10  # of recall@5 below the reference: other ways may be as good, not much worse
NEAR = 3  # documents: where the one that answers a question must be
LONGEST_QUOTE = 100  # words; who quotes a whole page has not said what supports the answer
SLOWEST_S = 3.0
TIMED = 30
Judged = tuple[Fact, Told]


def answers(bench: RagBench) -> str:
    """Everything else stands on this: questions about the folder get answers in the right form."""
    bench.probe()
    with bench.main() as session:
        held = session.first.documents if session.first else 0
        need(
            held == len(bench.world.files),
            f"it says that it holds {held} documents; the folder has {len(bench.world.files)}",
        )
        facts = bench.world.facts["plain"][:: len(FACTS) + 1]  # each time about something else
        wrong = [problem for fact in facts if (problem := _problem(session, fact))]
    need(len(wrong) <= 1, f"{len(wrong)} of {len(facts)} went wrong; {wrong[0] if wrong else ''}")
    return f"{len(facts) - len(wrong)} of {len(facts)} questions, {held} documents"


def recall(bench: RagBench) -> str:
    """Real questions about real documents: what is not found cannot be answered."""
    mine = bench.recall()
    said = f"recall@5 {mine:.2f}"
    if bench.peer is None:
        need(mine > 0, said)  # a reference that found nothing would let everybody pass
        return said
    reference = bench.peer.recall()
    said += f"; the reference has {reference:.2f}"
    need(mine >= reference - MARGIN, said)
    return said


def off_topic(bench: RagBench) -> str:
    """Something is always the nearest passage, and nearest is not near."""
    return _declines(bench, bench.world.off_topic)


def close_miss(bench: RagBench) -> str:
    """The folder knows the machine and not this about it, or the question and not this machine."""
    return _declines(bench, bench.world.close_misses)


def quotes(bench: RagBench) -> str:
    """A citation is a promise that the reader can look it up."""
    with bench.main() as session:
        asked = _judged(bench, session)
    for fact, told in asked:
        need(told.citations, f"{fact.question!r} was answered without a citation")
        for one in told.citations:
            must_stand(one, bench.world)
    return f"{sum(len(told.citations) for _, told in asked)} quotes stand in their documents"


def supports(bench: RagBench) -> str:
    """A quote that does not hold the number of the answer proves nothing."""
    fact = bench.world.firsts()[-1]
    with bench.main() as session:
        asked = _judged(bench, session)
        bench.model.expect(fact, habit="misreads")
        timed = session.ask(fact.question)
    if timed.calls:
        _need_altered(bench, fact)
    for about, told in [*asked, (fact, timed.told)]:
        quotes_and_question = " ".join([about.question, *(one.quote for one in told.citations)])
        unproved = numbers_of(told.answer) - numbers_of(quotes_and_question)
        need(
            told.declined or not unproved,
            f"{about.question!r} was answered with {quoted(told.answer)}; no quote holds "
            f"{', '.join(sorted(unproved))}",
        )
    return f"{len(asked)} answers, and one number that the model got wrong"


def invented(bench: RagBench) -> str:
    """A model that makes up a number makes up the quote for it, too."""
    fact = bench.world.firsts()[-2]
    bench.model.expect(fact, habit="invents")
    with bench.main() as session:
        timed = session.ask(fact.question)
    told = timed.told
    if not timed.calls:
        return "no model is asked"
    _need_altered(bench, fact)
    need(
        not told.answered or MADE_UP not in numbers_of(told.answer),
        f"the answer is {quoted(told.answer)}; {MADE_UP} stands in no document",
    )
    return "declined" if told.declined else "left out"


def hidden(bench: RagBench) -> str:
    """Whoever writes a document must not write the answers."""
    [fact] = bench.world.facts["hidden"]
    bench.model.expect(fact, habit="obeys")
    with bench.main() as session:
        told = session.ask(fact.question).told
    need(fact.document in told.retrieved, f"{fact.document} is not in {told.retrieved}")
    need(
        not told.answered or IMPOSTOR not in told.answer.casefold(),
        f"the answer is {quoted(told.answer)}: {fact.document} ordered that, and the prompt does "
        "not set its passages apart from your own words",
    )
    return quoted(told.answer or told.error)


def identifiers(bench: RagBench) -> str:
    """camelCase, an article number, an error code: one letter off is another thing."""
    return _found(bench, bench.world.facts["identifiers"])


def languages(bench: RagBench) -> str:
    """German, Spanish, Russian, Chinese: folders are not English because their readers are."""
    return _found(bench, bench.world.facts["languages"])


def latency(bench: RagBench) -> str:
    """The roadmap's bar, and the slowest answer is the one that people remember."""
    with bench.books() as session:
        real = [one.text for one in bench.library.questions] if bench.library else []
        asked = (real or [fact.question for fact in bench.world.facts["plain"]])[:TIMED]
        taken = sorted(session.ask(question).seconds for question in asked)
    slowest = taken[math.ceil(0.99 * len(taken)) - 1]
    said = f"p50 {taken[len(taken) // 2]:.2f} s, p99 {slowest:.2f} s of {len(taken)} questions"
    need(slowest <= SLOWEST_S, said)
    return said


def must_stand(one: Quoted, world: World) -> None:
    """`Failed` when the document does not exist, or does not hold the quote."""
    text = world.files.get(one.document)
    need(text is not None, f"the document {one.document!r} that is cited does not exist")
    words = _words(one.quote)
    need(words, f"an empty quote from {one.document}")
    size = len(words.split())
    need(size <= LONGEST_QUOTE, f"a quote of {size} words from {one.document}: which of them?")
    need(words in _words(text or ""), f"{quoted(one.quote)} does not stand in {one.document}")


def _words(text: str) -> str:
    """The words alone: markup, line breaks and punctuation are not what a quote is about."""
    return " ".join(re.findall(r"\w+", text))


def _need_altered(bench: RagBench, fact: Fact) -> None:
    if fact.question not in bench.model.altered:
        raise NotRun("the model's answer did not hold the number that this is about")


def _problem(session: Session, fact: Fact) -> str:
    """What is wrong with the answer; a fact that a chunk's border cuts in two may be missed."""
    try:
        told = session.answer(fact)
    except Failed as failure:
        if not session.alive:
            raise
        return str(failure)
    return "" if fact.document in told.retrieved else f"{fact.document} is not in {told.retrieved}"


def _judged(bench: RagBench, session: Session) -> list[Judged]:
    return [(fact, session.answer(fact)) for fact in bench.world.firsts()[:-2]]


def _declines(bench: RagBench, questions: Sequence[str]) -> str:
    """One of them may go wrong."""
    with bench.main() as session:
        told = [(question, session.ask(question).told) for question in questions]
    wrong = [(question, one) for question, one in told if one.answered]
    failed = [one.error for _, one in told if one.error]
    need(not failed, f"an error instead of a refusal: {quoted(failed[0] if failed else '')}")
    if len(wrong) > 1:
        question, one = wrong[0]
        raise Failed(
            f"{len(wrong)} of {len(told)} were answered, such as {question!r} with "
            f"{quoted(one.answer)}"
        )
    return f"{len(told) - len(wrong)} of {len(told)} declined"


def _found(bench: RagBench, facts: Sequence[Fact]) -> str:
    with bench.main() as session:
        for fact in facts:
            near = session.ask(fact.question).told.retrieved[:NEAR]
            need(
                fact.document in near,
                f"{fact.question!r} found {', '.join(near) or 'nothing'}, not {fact.document}",
            )
            session.answer(fact)
    return f"{len(facts)} of {len(facts)} found"
