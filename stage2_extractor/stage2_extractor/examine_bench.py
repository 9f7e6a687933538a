"""One program on the examiner's server: how it is run, what it printed, what the server saw of it.

Nothing here knows what is asked; that is in `examine_checks` and `examine_failures`.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.complaints import must_report, new_key, quoted
from shared.examine import Failed, NotRun, need
from shared.offline.app import CALLS
from shared.offline.log import Entry
from shared.offline.server import LocalServer
from shared.programs import Program, Run
from stage2_extractor.contract import BadRecord, read_record
from stage2_extractor.dataset import Case
from stage2_extractor.examine_model import ExaminersModel
from stage2_extractor.examine_papers import PLAIN, Paper, paper
from stage2_extractor.metrics import Judged, judge
from stage2_extractor.records import Invoice

RUN_S = 30.0  # a paper takes about a second
DOCUMENT_S = 120.0  # a real document four, and most of it is the offline model's
AT_A_TIME = 2  # real documents of one program


@dataclass(frozen=True, slots=True)
class Extracted:
    """One run and what the server saw of it; `calls` are the model calls alone."""

    run: Run
    calls: list[Entry]

    @property
    def record(self) -> Invoice:
        """`Failed` when the program gave none, or one that is not valid."""
        run = self.run
        need(run.exit_code == 0, f"exit code {run.exit_code}, standard error {quoted(run.stderr)}")
        try:
            return read_record(run.stdout)
        except BadRecord as problem:
            raise Failed(str(problem)) from None

    def must_report(self) -> str:
        """A failure with a sentence on standard error, which is returned."""
        return must_report(self.run, self.run.stderr.strip())

    def record_or_report(self) -> Invoice | None:
        """A valid record, or None after a failure that was reported."""
        if self.run.exit_code == 0:
            return self.record
        self.must_report()
        return None


class ExtractBench:
    """One program. Every run has a key, and so a script, and a home folder of its own.

    `peer` is the reference's bench, by which real documents are judged; None for itself.
    """

    def __init__(
        self,
        program: Program,
        server: LocalServer,
        model: ExaminersModel,
        home: Path,
        *,
        cases: Sequence[Case] = (),
        peer: ExtractBench | None = None,
        run_s: float = RUN_S,
    ) -> None:
        self.server, self.model, self.peer = server, model, peer
        self.leaks: list[str] = []
        self._program, self._home, self._run_s = program, home, run_s
        self._cases = cases
        self._number = f"{secrets.randbelow(900_000) + 100_000}"
        self._runs = itertools.count(1)
        self._probing, self._judging = threading.Lock(), threading.Lock()
        self._probe: Extracted | Failed | None = None
        self._judged: list[Judged] = []
        self.failures: list[str] = []  # of real documents

    def paper(self, kind: str) -> Paper:
        return paper(kind, self._number)

    def extract(
        self,
        text: str | bytes,
        script: Sequence[Any] = (),
        key: str = "",
        run_s: float | None = None,
    ) -> Extracted:
        """One run from start to end."""
        run_s = run_s or self._run_s
        key = key or new_key()
        self.server.script(key, script)
        environment = {
            "ANTHROPIC_BASE_URL": self.server.base_url,
            "OPENAI_BASE_URL": self.server.openai_base_url,
            "ANTHROPIC_API_KEY": key,
            "OPENAI_API_KEY": key,
            "STAGES_HOME": str(self._home / str(next(self._runs))),  # ours: nothing is remembered
        }
        given = text.encode() if isinstance(text, str) else text
        with self._program.start([], environment, given) as running:
            run = running.finish(run_s)
        if key in run.stdout + run.stderr:
            where = "output" if key in run.stdout else "error"
            self.leaks.append(f"the API key was printed on standard {where}")
        need(run.ending != "timeout", f"still running after {run_s:g} s, and was stopped")
        need(run.ending != "flood", "printed more than 8 MB, and was stopped")
        seen = self.server.log(key)
        seen = self.server.wait_finished(key, len(seen), timeout_s=2.0) if seen else seen
        return Extracted(run, [entry for entry in seen if entry.path in CALLS])

    def probe(self) -> Extracted:
        """The plain paper, asked about once; nothing else can be examined until that works."""
        with self._probing:
            if self._probe is None:
                self._probe = self._first_run()
        if isinstance(self._probe, Failed):
            raise Failed(str(self._probe))
        return self._probe

    def call(self) -> Entry:
        """The call that the program makes about a paper; `NotRun` when it makes none that works."""
        try:
            return self.probe().calls[-1]
        except Failed:
            raise NotRun("a plain invoice gave no record") from None

    def judged(self) -> list[Judged]:
        """Each of the real documents, extracted once; one that failed counts as an empty record."""
        self.call()
        with self._judging:
            if not self._judged:
                with ThreadPoolExecutor(AT_A_TIME) as pool:
                    self._judged = list(pool.map(self._judge, self._cases))
        return self._judged

    def _judge(self, case: Case) -> Judged:
        assert isinstance(case.record, Invoice)
        try:
            given: Invoice | None = self.extract(case.text, run_s=DOCUMENT_S).record
        except Failed as failure:
            self.failures.append(f"{case.id}: {failure}")
            given = None
        return judge(case.record, given, case.text)

    def _first_run(self) -> Extracted | Failed:
        try:
            found = self.extract(self.paper(PLAIN).text)
            need(found.calls, _no_call(found))
            _ = found.record
            return found
        except Failed as failure:
            return failure


def _no_call(found: Extracted) -> str:
    return (
        "no model call reached the examiner: are ANTHROPIC_BASE_URL or OPENAI_BASE_URL obeyed? "
        f"Exit code {found.run.exit_code}, standard error {quoted(found.run.stderr)}"
    )
