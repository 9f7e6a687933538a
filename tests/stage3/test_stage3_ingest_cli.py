"""`stage3 ingest`, `stats` and `reindex` as a stranger meets them, with the real embedder."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docx import Document as Word

from shared.offline.server import LocalServer
from shared.settings import Settings
from stage3_rag.cli import main

PARAGRAPH = "A semantic cache answers a question from the answer to a similar one."


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], settings: Settings, tenant: str
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command on this test's collection: exit code, standard output, standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*map(str, words), "--tenant", tenant])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("word/document.xml", b"\0" * 110_000_000)
    return out.getvalue()


def half_a_word_file() -> bytes:
    out = io.BytesIO()
    word = Word()
    word.add_paragraph("Hello.")
    word.save(out)
    return out.getvalue()[:-100]


BAD: dict[str, Callable[[], bytes]] = {
    "binary.txt": lambda: bytes(range(256)) * 100,
    "bomb.docx": bomb,
    "broken.pdf": lambda: b"%PDF-1.7\n1 0 obj\n<< /Type /Cat",
    "half.docx": half_a_word_file,
    "half.json": lambda: b'[{"title": "x", "body": "y"',
    "invalid.md": lambda: b"# Caf\xe9\n\nna\x81ve \xff\xfe",
}


def test_bad_files_are_a_sentence_each_and_the_rest_is_ingested(call: Any, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for name, data in BAD.items():
        (folder / name).write_bytes(data())
    with (folder / "huge.txt").open("wb") as file:
        file.truncate(200_000_000)
    (folder / "good.md").write_text(f"# Caches\n\n{PARAGRAPH}\n")
    (folder / "good.txt").write_text("Another one.\n\nIt is plain text.\n")
    (folder / "empty.md").write_text("")
    code, out, errors = call("ingest", folder)
    assert (code, errors) == (1, "")
    assert f"2 added, {len(BAD) + 1} failed" in out
    for name in [*BAD, "huge.txt", "empty.md"]:
        assert out.count(f"{folder / name} ") == 1
    assert "Traceback" not in out
    code, out, _ = call("ingest", folder, "--json")
    report = json.loads(out)
    assert (code, set(report["failed"])) == (1, {*BAD, "huge.txt"})
    assert sorted(report["unchanged"]) == ["good.md", "good.txt"]
    assert "larger than 50 MB" in report["failed"]["huge.txt"]
    code, out, _ = call("stats", "--json")
    assert (code, json.loads(out)["documents"]) == (0, 2)


def test_from_nothing_to_a_rebuilt_collection(call: Any, tmp_path: Path, tenant: str) -> None:
    assert call("stats")[1].startswith(f'The collection "{tenant}" is empty')
    code, _, errors = call("reindex")
    assert (code, errors.count("\n")) == (2, 1)
    file = tmp_path / "note.md"
    file.write_text(f"# Caches\n\n{PARAGRAPH}\n")
    code, out, _ = call("ingest", file)
    assert (code, "1 added; 1 chunk written" in out) == (0, True)
    code, out, _ = call("reindex", "--chunker", "fixed")
    assert code == 0
    assert "stage3 calibrate" in out
    found = json.loads(call("stats", "--json")[1])
    assert (found["documents"], found["chunks"], found["chunker"]) == (1, 1, "fixed")
    code, _, errors = call("reindex", "--chunker", "clever")
    assert (code, "fixed, sliding, semantic, parent, heading" in errors) == (2, True)


@pytest.mark.parametrize("name", ["none", "empty"])
def test_nothing_there(call: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    code, out, errors = call("ingest", tmp_path / name)
    assert (code, out, errors.count("\n")) == (6, "", 1)
    assert str(tmp_path / name) in errors


# --- lines of context by a model -----------------------------------------------------------------
@pytest.fixture
def model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with LocalServer() as served:
        monkeypatch.setenv("OFFLINE_BASE_URL", served.base_url)
        yield served


@pytest.fixture
def long(tmp_path: Path) -> Path:
    file = tmp_path / "cache.md"
    parts = [f"## Part {n}\n\n{PARAGRAPH} It is part {n}." for n in range(3)]
    file.write_text("\n\n".join(["# Semantic caches", *parts]))
    return file


async def contexts(store: Any) -> list[str]:
    return [one.chunk.context for one in await store.chunks_of("cache.md")]


async def test_a_line_of_context_stands_under_the_headings(
    call: Any, model: LocalServer, long: Path, opened: Any, settings: Settings, tenant: str
) -> None:
    words = ("ingest", long, "--context-model", "offline-small", "--json")
    code, out, errors = await asyncio.to_thread(call, *words)
    assert (code, errors) == (0, "")
    paid = json.loads(out)["contexts"]
    assert (paid["written"], paid["failed"]) == (3, 0)
    assert paid["cost_usd"] > 0
    async with opened() as store:
        for n, context in enumerate(await contexts(store)):
            headings, line = context.split("\n")
            assert headings == f"Semantic caches > Part {n}"
            assert line.strip()
        again = json.loads((await asyncio.to_thread(call, *words))[1])
        assert (again["unchanged"], again["contexts"]["written"]) == (["cache.md"], 0)
        plain = json.loads((await asyncio.to_thread(call, "ingest", long, "--json"))[1])
        assert plain["unchanged"] == ["cache.md"]  # paid lines are not thrown away
        assert all("\n" in context for context in await contexts(store))


async def test_a_call_that_fails_leaves_the_headings_and_is_made_up_for(
    call: Any, model: LocalServer, long: Path, opened: Any
) -> None:
    model.script("offline", [None, {"kind": "refusal"}])
    words = ("ingest", long, "--context-model", "offline-small", "--json")
    code, out, _ = await asyncio.to_thread(call, *words)
    paid = json.loads(out)["contexts"]
    assert (code, paid["written"], paid["failed"]) == (0, 2, 1)
    async with opened() as store:
        assert sum("\n" in context for context in await contexts(store)) == 2
        again = json.loads((await asyncio.to_thread(call, *words))[1])
        assert (again["changed"], again["contexts"]["written"]) == (["cache.md"], 3)
        assert all("\n" in context for context in await contexts(store))


def test_a_refused_key_ends_the_run(
    call: Any, model: LocalServer, long: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unauthorised = {"kind": "status", "status": 401, "message": "no such key"}
    model.script("offline", [unauthorised] * 3)
    code, out, errors = call("ingest", long, "--context-model", "offline-small")
    assert (code, out, errors.count("\n")) == (3, "", 1)
    assert call("stats")[1].endswith("fill it with `stage3 ingest FOLDER`.\n")


def test_the_budget_is_kept(call: Any, model: LocalServer, long: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("STAGES_BUDGET_USD", "0.00001")
    code, out, errors = call("ingest", long, "--context-model", "offline-small")
    assert (code, out) == (2, "")
    assert "STAGES_BUDGET_USD" in errors
    assert model.log() == []


def test_the_document_is_read_from_the_providers_cache(
    call: Any, model: LocalServer, long: Path
) -> None:
    """The whole document is in every prompt, and after the first of them it is a cached prefix."""
    long.write_text(f"{long.read_text()}\n\n## End\n\n{'More words are here. ' * 600}")
    out = call("ingest", long, "--context-model", "offline-small", "--json")[1]
    paid = json.loads(out)["contexts"]
    assert paid["written"] > 10
    prompt = paid["input_tokens"] / paid["written"]
    assert prompt > 2500
    assert paid["cached_tokens"] > 0.8 * prompt * (paid["written"] - 1)
