"""What is asked of a folder that changes, or that holds files which cannot be read."""

from __future__ import annotations

from shared.complaints import quoted
from shared.examine import need
from stage3_rag.examine_bench import RagBench
from stage3_rag.examine_checks import must_stand
from stage3_rag.examine_world import numbers_of

FOUND_S = 3.0
AGAIN = 0.5  # of the time of the first ingestion: most of it must be saved
AT_ONCE_S = 0.5  # an ingestion this fast needs no saving


def updated(bench: RagBench) -> str:
    """A file was changed: its old text is wrong from now on."""
    world = bench.shifting
    old = world.firsts()[0]
    with bench.changing() as session:
        session.answer(old)
        new = world.change(old)
        bench.model.expect(old, new)
        world.write(session.folder)
        session.ingest()
        told = session.answer(new)
    said = f"{told.answer} {' '.join(one.quote for one in told.citations)}"
    need(
        old.value not in numbers_of(said),
        f"{new.document} says {new.value} now; the answer still holds {old.value}: {quoted(said)}",
    )
    for one in told.citations:
        must_stand(one, world)
    return f"{new.value} instead of {old.value}"


def deleted(bench: RagBench) -> str:
    """A file was deleted, maybe for a good reason: nothing of it may be told any more."""
    world = bench.shifting
    with bench.changing() as session:
        gone = world.firsts()[-1]
        session.answer(gone)
        del world.files[gone.document]
        (session.folder / gone.document).unlink()
        session.ingest()
        told = session.ask(gone.question).told
    need(
        gone.value not in numbers_of(told.answer),
        f"{gone.document} was deleted, and {gone.question!r} is answered from it: "
        f"{quoted(told.answer)}",
    )
    need(gone.document not in told.retrieved, f"{gone.document} was deleted, and is retrieved")
    return "nothing of it is left"


def added(bench: RagBench) -> str:
    """Who writes a document wants to ask about it at once."""
    world = bench.shifting
    with bench.changing() as session:
        world.add_machine()
        bench.model.know(world)
        world.write(session.folder)
        session.ingest()
        fact = world.firsts()[-1]
        timed = session.ask(fact.question)
        session.answer(fact)
    need(
        timed.seconds <= FOUND_S,
        f"the first question after the ingestion took {timed.seconds:.1f} s",
    )
    return f"{timed.seconds:.2f} s after it was ingested"


def unchanged(bench: RagBench) -> str:
    """A folder is ingested every night, and nearly nothing in it has changed."""
    with bench.changing() as session:
        again = session.ingest()
        again = min(again, session.ingest(), key=lambda one: one.seconds)
        first = session.first or again
    need(not again.calls, f"{len(again.calls)} model calls about a folder that has not changed")
    said = f"{again.seconds:.2f} s, the first time {first.seconds:.2f} s"
    need(again.seconds <= max(AT_ONCE_S, AGAIN * first.seconds), said)
    return said


def broken_files(bench: RagBench) -> str:
    """Every real folder has a file that cannot be read; the others can."""
    world = bench.few
    with bench.broken() as session:
        held = session.first.documents if session.first else 0
        need(
            held >= len(world.files),
            f"it says that it holds {held} documents; {len(world.files)} of them can be read",
        )
        for fact in world.firsts():
            session.answer(fact)
    return f"{held} documents of a folder with {len(world.files)} good ones"
