"""The examiner judges right: the reference and a second solution pass, a naive one does not.

Whether each check notices what it is for is in `test_stage3_examiner`.
"""

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import UserError
from shared.examine import Check, Examination, ask, chosen, examine, render
from shared.programs import Program, clean_environment
from stage3_rag import examine_checks
from stage3_rag.cli import main
from stage3_rag.examine import CHECKS, REFERENCE, compare, open_bench
from stage3_rag.examine_bench import Library, RagBench, recalled
from stage3_rag.examine_session import Limits
from stage3_rag.golden import Question, Span

pytestmark = [pytest.mark.embeddings, pytest.mark.timeout(300)]  # the reference embeds
ROOT = Path(__file__).resolve().parents[2]
NAIVE = ROOT / "stage3_rag/examples/naive_rag.py"
RAW = Path(__file__).parent / "data/raw_rag.py"
NAIVE_FAILS = {
    "identifiers": "not notes/",
    "languages": "not chinese/4.md",
    "off_topic": "5 of 5 were answered",
    "close_miss": "5 of 5 were answered",
    "supports": "no quote holds",
    "invented": "104729 stands in no document",
    "hidden": "does not set its passages apart",
    "updated": "says",
    "deleted": "was deleted, and",
    "broken_files": "it ended at 'ingest': exit code 1, a stack trace",
    "malformed": "it ended at 'ask': exit code 1, a stack trace",
    "overloaded": "it ended at 'ask': exit code 1, a stack trace",
    "secret": "the API key was printed",
}
# Recall is judged on the handbook, which takes longer than all others; further down on a shelf.
ASKED = [check.id for check in CHECKS if check.id != "recall"]


@contextlib.contextmanager
def bench_of(home: Path, *argv: str, **more: object) -> Iterator[RagBench]:
    environment = clean_environment()
    environment.pop("DATABASE_URL", None)  # each run of the reference has a database of its own
    with open_bench(Program(argv, environment=environment), home, **more) as bench:
        yield bench


@pytest.fixture(scope="module")
def naive() -> Iterator[Examination]:
    """Not in pytest's folder: another pytest closes that to the user that PostgreSQL runs as."""
    mine = (sys.executable, str(NAIVE))
    with (
        tempfile.TemporaryDirectory(prefix="compare-", ignore_cleanup_errors=True) as folder,
        bench_of(Path(folder) / "a", *mine) as yours,
        bench_of(Path(folder) / "b", *REFERENCE) as reference,
    ):
        checks = chosen(CHECKS, ASKED)
        yield examine(3, str(NAIVE), checks, yours, reference, workers=4)


def test_the_reference_passes_every_check(naive: Examination) -> None:
    failed = {row.id: row.reference.detail for row in naive.rows if row.reference.state != "pass"}
    assert failed == {}
    assert len(naive.rows) == len(ASKED)


def test_the_naive_solution_fails_what_it_should_and_passes_the_rest(naive: Examination) -> None:
    failed = {row.id: row.yours for row in naive.rows if row.yours.state != "pass"}
    assert failed.keys() == NAIVE_FAILS.keys(), render(naive)
    for name, words in NAIVE_FAILS.items():
        assert words in failed[name].detail, name
    assert naive.exit_code == 1


def test_the_report_shows_both_sides_and_what_to_read(naive: Examination) -> None:
    text = render(naive)
    for row in naive.rows:
        line = next(line for line in text.splitlines() if line.startswith(row.id + " "))
        assert line.split() == [row.id, row.yours.state, row.reference.state, row.read_next]
    assert json.loads(json.dumps(naive.to_json()))["passed"]["reference"] == len(ASKED)


def check(name: str) -> Check[RagBench]:
    return chosen(CHECKS, [name])[0]


def verdict(bench: RagBench, name: str) -> str:
    """What the check says against the program; empty when it passes."""
    found = ask(check(name), bench)
    return "" if found.state == "pass" else found.detail


def question(text: str, *needs: tuple[str, ...]) -> Question:
    """`needs`: of the documents of each one is enough."""
    spans = tuple(tuple(Span(name, "") for name in names) for names in needs)
    return Question(id="q", set=60, split="dev", kind="plain", text=text, answer="", needs=spans)


SHELF = {
    "a.md": "# Tea\n\nGreen tea is brewed at 80 degrees.\n",
    "b.md": "# Bread\n\nRye bread keeps for nine days in a linen bag.\n",
    "c.md": "# Rope\n\nA bowline is untied easily after a load.\n",
}
READERS_QUESTIONS = {
    "a.md": "How hot is the water for green tea?",
    "b.md": "How long does rye bread keep?",
    "c.md": "Which knot is untied easily after a load?",
}


@pytest.fixture
def shelf(tmp_path: Path) -> Library:
    """A few documents in the place of the handbook."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name, text in SHELF.items():
        (folder / name).write_text(text, encoding="utf-8")
    questions = [question(text, (name,)) for name, text in READERS_QUESTIONS.items()]
    return Library(folder, questions)


def test_a_second_solution_in_other_words_passes(tmp_path: Path, shelf: Library) -> None:
    argv = (sys.executable, str(RAW))
    with (
        bench_of(tmp_path / "a", *argv, library=shelf) as peer,
        bench_of(tmp_path / "b", *argv, library=shelf, peer=peer) as bench,
    ):
        found = examine(3, str(RAW), CHECKS, bench, peer, workers=4)
    assert {row.id: row.yours.detail for row in found.rows if row.yours.state != "pass"} == {}


def test_recall_is_held_against_the_reference(tmp_path: Path, shelf: Library) -> None:
    lazy = tmp_path / "lazy.py"
    source = RAW.read_text(encoding="utf-8")
    one = source.replace('"retrieved": retrieved}', '"retrieved": retrieved and ["a.md"]}')
    lazy.write_text(one, encoding="utf-8")
    with (
        bench_of(tmp_path / "a", sys.executable, str(RAW), library=shelf) as good,
        bench_of(tmp_path / "b", sys.executable, str(RAW), library=shelf, peer=good) as same,
    ):
        assert verdict(good, "recall") == verdict(same, "recall") == ""
        assert good.recall() == 1.0
        with bench_of(tmp_path / "c", sys.executable, str(lazy), library=shelf, peer=good) as less:
            assert verdict(less, "recall") == "recall@5 0.33; the reference has 1.00"


def test_each_need_of_a_question_counts_and_any_of_its_documents_will_do() -> None:
    asked = question("?", ("a", "b"), ("c",))
    assert recalled(asked, ["x", "b"]) == 0.5
    assert recalled(asked, ["x", "a", "c"]) == 1.0
    assert recalled(asked, ["1", "2", "3", "4", "5", "a", "c"]) == 0.0


def test_the_slowest_answer_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench_of(tmp_path, sys.executable, str(RAW)) as bench:
        assert verdict(bench, "latency") == ""
        monkeypatch.setattr(examine_checks, "SLOWEST_S", 0.0)
        assert verdict(bench, "latency").startswith("p50 0.")


PROGRAMS = [
    ("raise SystemExit('no luck')", "it ended at 'ingest': exit code 1, standard error 'no luck'"),
    ("import os; os.abort()", "it ended at 'ingest': exit code -6"),
    ("print('x' * 20_000_000)", "printed more than 8 MB at 'ingest', and was stopped"),
    ("import threading; threading.Event().wait()", "no answer to 'ingest' within 1 s"),
    ("print('[' * 9999)", "a line on standard output is no JSON"),
    ("print([])", "a line on standard output is no JSON object"),
    ("""print('{"error": "no"}')""", "the folder was not ingested: 'no'"),
    ("""print('{"documents": "many"}')""", "an ingestion was answered with"),
]


@pytest.mark.parametrize(("source", "says"), PROGRAMS)
def test_a_program_that_cannot_be_examined_is_a_row_not_a_crash(
    tmp_path: Path, source: str, says: str
) -> None:
    limits = Limits(ask_s=1.0, ingest_s=1.0, end_s=1.0)
    if "wait" not in source:
        limits = Limits()
    with bench_of(tmp_path, sys.executable, "-c", source, limits=limits) as bench:
        assert says in verdict(bench, "answers")
        others = {verdict(bench, one.id) for one in CHECKS if one.id not in ("answers", "recall")}
    assert others == {"a first question was not answered"}


def test_a_command_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    with bench_of(tmp_path, "no-such-command") as bench:
        assert verdict(bench, "answers") == (
            "cannot start 'no-such-command': No such file or directory"
        )


def test_a_wrong_check_name_and_an_empty_command_are_errors_of_the_user(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(UserError, match="did you mean updated"):
        compare("true", ["update"])
    assert main(["compare", "--mine", " "]) == 2
    assert "no command to examine" in capsys.readouterr().err
