"""One program on the examiner's server: its runs, each with a folder of its own.

A run that ended in one check is started anew for the next, so that a crash is one failed check and
not all of them. Nothing here knows what is asked; that is in `examine_checks` and beside it.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.complaints import new_key
from shared.examine import Failed, NotRun
from shared.offline.server import LocalServer
from shared.programs import Program
from stage3_rag.examine_model import ExaminersModel
from stage3_rag.examine_session import Limits, Session
from stage3_rag.examine_world import Source, World, add_broken_files, full_world, small_world
from stage3_rag.golden import Question
from stage3_rag.pipe_contract import Told

CHANGING = 24  # machines in the folder that changes: a second ingestion is told from a first
FEW = 3
DEPTH = 5
STRICT = Limits()


@dataclass(frozen=True, slots=True)
class Library:
    """A folder of real documents, and what a reader asked of them."""

    folder: Path
    questions: Sequence[Question]


class Place:
    """A folder and the run that has it; one check at a time."""

    def __init__(self, folder: Path, start: Callable[[Path], Session]) -> None:
        self.folder = folder
        self._start = start
        self._session: Session | None = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def live(self) -> Iterator[Session]:
        """A run that has ingested the folder."""
        with self._lock:
            if self._session is None or not self._session.alive:
                self._session = self._start(self.folder)
                self._session.first = self._session.ingest()
            yield self._session


class RagBench:
    """`peer` is the reference's bench, by which recall is judged; None for itself."""

    def __init__(
        self,
        program: Program,
        server: LocalServer,
        model: ExaminersModel,
        home: Path,
        *,
        library: Library | None = None,
        peer: RagBench | None = None,
        limits: Limits = STRICT,
    ) -> None:
        self.server, self.model, self.library, self.peer = server, model, library, peer
        self._program, self._home, self._limits = program, home, limits
        self._runs = itertools.count(1)
        self._sessions: list[Session] = []
        self._probing, self._recalling = threading.Lock(), threading.Lock()
        self._probe: Told | Failed | None = None
        self._recall: float | None = None
        source = Source(random.SystemRandom())
        self.world, self._main = self._place("main", full_world(source))
        self.shifting, self._changing = self._place("changing", small_world(source, CHANGING))
        self.few, self._broken = self._place("broken", small_world(source, FEW))
        add_broken_files(self._broken.folder)
        self._books = Place(library.folder, self.start) if library else self._main

    def main(self) -> Live:
        """A run that has ingested `world`."""
        return self._live(self._main)

    def changing(self) -> Live:
        """One that has ingested `shifting`, which its checks change."""
        return self._live(self._changing)

    def broken(self) -> Live:
        """One that has ingested `few`, with files beside it that nobody can read."""
        return self._live(self._broken)

    def books(self) -> Live:
        """One that has ingested real documents, when there are any."""
        return self._live(self._books)

    def start(self, folder: Path) -> Session:
        """A new run of the program, which was told nothing yet."""
        home = self._home / f"run-{next(self._runs)}"
        home.mkdir(parents=True)
        session = Session(self._program, self.server, new_key(), home, folder, self._limits)
        self._sessions.append(session)
        return session

    def probe(self) -> Told:
        """A first question, asked once; nothing else can be examined until that is answered."""
        with self._probing:
            if self._probe is None:
                try:
                    with self._main.live() as session:
                        self._probe = session.answer(self.world.firsts()[0])
                except Failed as failure:
                    self._probe = failure
        if isinstance(self._probe, Failed):
            raise Failed(str(self._probe))
        return self._probe

    def need_probe(self) -> None:
        try:
            self.probe()
        except Failed:
            raise NotRun("a first question was not answered") from None

    def recall(self) -> float:
        """Mean share, over the questions of the library, of what each needs in its first five."""
        if self.library is None:
            raise NotRun("no library of real documents")
        with self.books() as session, self._recalling:
            if self._recall is None:
                questions = self.library.questions
                found = [recalled(one, session.ask(one.text).told.retrieved) for one in questions]
                self._recall = sum(found) / max(1, len(found))
            return self._recall

    def leaked(self) -> bool:
        return any(session.leaked for session in self._sessions)

    def close(self) -> None:
        """Ends every run that is left, politely: a database of its own wants to be put away."""
        left = [session for session in self._sessions if session.alive]
        for session in left:
            session.hang_up()
        for session in left:
            session.end()

    @contextlib.contextmanager
    def _live(self, place: Place) -> Iterator[Session]:
        self.need_probe()
        with place.live() as session:
            yield session

    def _place(self, name: str, world: World) -> tuple[World, Place]:
        self.model.know(world)
        return world, Place(world.write(self._home / name), self.start)


Live = contextlib.AbstractContextManager[Session]


def recalled(question: Question, retrieved: Sequence[str]) -> float:
    """Share of what the question needs that is in the first five documents."""
    first = set(retrieved[:DEPTH])
    found = [any(span.document in first for span in spans) for spans in question.needs]
    return sum(found) / len(found)
