"""What a run adds, replaces, leaves alone, takes out and names, in a real store."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from shared.documents import UnreadableDocument
from shared.settings import Settings
from stage3_rag.contract import Document, Section
from stage3_rag.corpus import Corpus
from stage3_rag.ingest import Report, ingest_documents, ingest_path
from stage3_rag.reindex import reindex
from stage3_rag.snapshot import Stored
from stage3_rag.stats import stats
from stage3_rag.store import IndexMismatch, Store


class Counting:
    """An embedder by letters only that keeps what it was given; `fails` at that many calls."""

    def __init__(self, inner: Any, fails: int = 0) -> None:
        self.inner, self.fails = inner, fails
        self.name, self.dimensions, self.max_tokens = inner.name, inner.dimensions, 256
        self.texts: list[str] = []
        self.calls = 0

    def embed(self, texts: Sequence[str]) -> Any:
        self.calls += 1
        if self.calls == self.fails:
            raise RuntimeError("the embedder is gone")
        self.texts += texts
        return self.inner.embed(texts)

    def count_tokens(self, text: str) -> int:
        return int(self.inner.count_tokens(text))


@pytest.fixture
def embedder(made_up: Any) -> Counting:
    return Counting(made_up())


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.md").write_text("# Apples\n\nAn apple from Zanzibar.\n\n## Pears\n\nGreen.\n")
    (folder / "b.txt").write_text("Bananas\n\nA banana is yellow.\n")
    (folder / "sub" / "c.md").write_text("# Cherries\n\nA cherry is red.\n")
    return folder


async def ingest(folder: Path, store: Store, embedder: Counting) -> Report:
    embedder.texts.clear()
    return await ingest_path(folder, store, embedder)


def mentions(settings: Settings, word: str) -> list[str]:
    """Tables in which the word, or its stem, stands anywhere, whoever's; as the owner sees them."""
    assert settings.database_url
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        tables = [
            row[0]
            for row in connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'stage3'"
            )
        ]
        assert {"documents", "chunks", "postings"} <= set(tables)
        found = []
        for table in tables:
            query = sql.SQL("SELECT count(*) FROM stage3.{} AS t WHERE lower(t::text) LIKE %s")
            row = connection.execute(
                query.format(sql.Identifier(table)), (f"%{word.lower()}%",)
            ).fetchone()
            if row and row[0]:
                found.append(table)
        return sorted(found)


# --- what changed and what did not ---------------------------------------------------------------
async def test_an_unchanged_file_costs_nothing(
    notes: Path, store: Store, embedder: Counting
) -> None:
    first = await ingest(notes, store, embedder)
    assert sorted(first.added) == ["a.md", "b.txt", "sub/c.md"]
    assert len(embedder.texts) == first.chunks == 4
    again = await ingest(notes, store, embedder)
    assert sorted(again.unchanged) == ["a.md", "b.txt", "sub/c.md"]
    assert (again.added, again.changed, again.removed, again.chunks) == ([], [], [], 0)
    assert embedder.texts == []


async def test_other_line_ends_are_no_change(notes: Path, store: Store, embedder: Counting) -> None:
    await ingest(notes, store, embedder)
    text = (notes / "a.md").read_text()
    (notes / "a.md").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert len((await ingest(notes, store, embedder)).unchanged) == 3
    assert embedder.texts == []


async def test_a_changed_file_replaces_every_trace_of_the_old(
    notes: Path, store: Store, embedder: Counting, settings: Settings, tenant: str, consistent: Any
) -> None:
    (notes / "a.md").write_text("# Apples\n\nAn apple from Quelimane.\n\n## Pears\n\nGreen.\n")
    await ingest(notes, store, embedder)
    assert mentions(settings, "queliman") == ["chunks", "documents", "postings", "terms", "words"]
    (notes / "a.md").write_text("# Apples\n\nAn apple from Kent.\n")
    report = await ingest(notes, store, embedder)
    assert report.changed == ["a.md"]
    assert sorted(report.unchanged) == ["b.txt", "sub/c.md"]
    assert [text for text in embedder.texts if "Kent" not in text] == []
    assert mentions(settings, "queliman") == []
    assert consistent(tenant)[0] == 3


async def test_a_deleted_file_disappears_and_the_last_one_too(
    notes: Path, store: Store, embedder: Counting, tenant: str, consistent: Any
) -> None:
    await ingest(notes, store, embedder)
    (notes / "b.txt").unlink()
    report = await ingest(notes, store, embedder)
    assert report.removed == ["b.txt"]
    assert set(await store.hashes()) == {"a.md", "sub/c.md"}
    shutil.rmtree(notes / "sub")
    (notes / "a.md").unlink()
    assert sorted((await ingest(notes, store, embedder)).removed) == ["a.md", "sub/c.md"]
    assert consistent(tenant) == (0, 0)
    assert embedder.texts == []


async def test_a_file_that_became_unreadable_keeps_what_was_read(
    notes: Path, store: Store, embedder: Counting
) -> None:
    await ingest(notes, store, embedder)
    (notes / "b.txt").write_bytes(bytes(range(256)) * 8)
    report = await ingest(notes, store, embedder)
    assert list(report.failed) == ["b.txt"]
    assert "b.txt is" in report.failed["b.txt"]
    assert (report.removed, len(report.unchanged)) == ([], 2)
    assert "b.txt" in await store.hashes()


async def test_an_emptied_file_is_no_failure_and_its_text_is_gone(
    notes: Path, store: Store, embedder: Counting
) -> None:
    await ingest(notes, store, embedder)
    (notes / "b.txt").write_text("\n")
    report = await ingest(notes, store, embedder)
    assert (report.failed, list(report.skipped), report.removed) == ({}, ["b.txt"], ["b.txt"])
    alone = await ingest(notes / "b.txt", store, embedder)
    assert list(alone.failed) == ["b.txt"]


def test_a_closed_folder_keeps_what_it_held() -> None:
    """Everybody is let in as root, so this is asked of the rule itself."""
    held = [
        Stored(id, "", (), None, "", "/notes", "h", "f", 1)
        for id in ("sub/a.md", "subway.md", "x.json#7", "x.json.md")
    ]
    corpus = Corpus(Path("/notes"), False, "/notes", [])
    assert corpus.gone(held, (), ("sub", "x.json")) == ["subway.md", "x.json.md"]


async def test_an_issue_that_left_the_export_disappears(
    tmp_path: Path, store: Store, embedder: Counting
) -> None:
    issues = [{"number": n, "title": f"Issue {n}", "body": f"Body {n}."} for n in range(4)]
    file = tmp_path / "issues.json"
    file.write_text(json.dumps(issues))
    assert len((await ingest(file, store, embedder)).added) == 4
    issues[1]["body"] = "Other."
    file.write_text(json.dumps(issues[:3]))
    report = await ingest(file, store, embedder)
    assert (report.changed, report.removed) == (["issues.json#1"], ["issues.json#3"])
    assert sorted(report.unchanged) == ["issues.json#0", "issues.json#2"]
    assert len(embedder.texts) == 1
    assert len((await ingest(file, store, embedder)).unchanged) == 3


# --- names ---------------------------------------------------------------------------------------
async def test_a_file_of_a_known_folder_keeps_its_name(
    notes: Path, store: Store, embedder: Counting
) -> None:
    await ingest(notes, store, embedder)
    (notes / "sub" / "c.md").write_text("# Cherries\n\nA cherry is sweet.\n")
    assert (await ingest(notes / "sub" / "c.md", store, embedder)).changed == ["sub/c.md"]
    (notes / "sub" / "d.md").write_text("# Dates\n\nA date.\n")
    report = await ingest(notes / "sub", store, embedder)
    assert (report.added, report.unchanged, report.removed) == (["sub/d.md"], ["sub/c.md"], [])
    assert len(await store.hashes()) == 4


async def test_a_folder_around_takes_over(notes: Path, store: Store, embedder: Counting) -> None:
    await ingest(notes / "sub", store, embedder)
    assert set(await store.hashes()) == {"c.md"}
    report = await ingest(notes, store, embedder)
    assert report.removed == ["c.md"]
    assert report.alike == {}
    assert set(await store.hashes()) == {"a.md", "b.txt", "sub/c.md"}


async def test_two_folders_with_a_file_of_the_same_name(
    notes: Path, tmp_path: Path, store: Store, embedder: Counting
) -> None:
    await ingest(notes, store, embedder)
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("# Another\n\nNot about apples.\n")
    (other / "z.md").write_text("# Zebras\n\nStriped.\n")
    report = await ingest(other, store, embedder)
    assert report.added == ["z.md"]
    assert str(notes) in report.failed["a.md"]
    document = await store.whole("a.md")
    assert document
    assert "Zanzibar" in document.text


async def test_a_folder_that_was_moved_is_the_same_collection(
    notes: Path, tmp_path: Path, store: Store, embedder: Counting
) -> None:
    await ingest(notes, store, embedder)
    moved = tmp_path / "elsewhere"
    shutil.move(notes, moved)
    assert len((await ingest(moved, store, embedder)).unchanged) == 3
    assert embedder.texts == []
    (moved / "b.txt").unlink()
    assert (await ingest(moved, store, embedder)).removed == ["b.txt"]


# --- tenants and twins ---------------------------------------------------------------------------
async def test_a_document_of_another_tenant_is_refused_and_taken_out(
    notes: Path, store: Store, embedder: Counting, settings: Settings
) -> None:
    text = "# Apples\n\nAn apple from Inhambane.\n"
    (notes / "a.md").write_text(text)
    await ingest(notes, store, embedder)
    (notes / "a.md").write_text(f"---\ntenant: acme\n---\n{text}")
    report = await ingest(notes, store, embedder)
    assert report.foreign == {"a.md": "acme"}
    assert report.removed == ["a.md"]
    assert mentions(settings, "inhamban") == []


async def test_twins_are_named_and_both_stay(notes: Path, store: Store, embedder: Counting) -> None:
    words = [f"word{n}" for n in range(300)]
    (notes / "one.txt").write_text(" ".join(words))
    (notes / "two.txt").write_text(" ".join([*words[:-3], "another", "last", "line"]))
    report = await ingest(notes, store, embedder)
    assert report.alike == {"two.txt": "one.txt"}
    [pair] = (await stats(store)).alike
    assert (pair.first, pair.second) == ("one.txt", "two.txt")
    assert pair.likeness > 0.9
    (notes / "two.txt").write_text("Nothing of it is left.")
    await ingest(notes, store, embedder)
    assert (await stats(store)).alike == ()


# --- several at once, and without files ----------------------------------------------------------
async def test_two_runs_over_one_folder_at_once(
    notes: Path, store: Store, embedder: Counting, made_up: Any, tenant: str, consistent: Any
) -> None:
    for n in range(20):
        (notes / f"{n}.md").write_text(f"# Note {n}\n\nText {n}.\n")
    runs = [ingest_path(notes, store, Counting(made_up())) for _ in range(2)]
    await asyncio.gather(*runs)
    assert len(await store.hashes()) == 23
    assert consistent(tenant)[0] == 24
    assert len((await ingest(notes, store, embedder)).unchanged) == 23


async def test_documents_of_a_list(store: Store, embedder: Counting, settings: Settings) -> None:
    given = [Document(id=f"d{n}", title="T", sections=(Section(("H",), f"x{n}"),)) for n in "123"]
    assert len((await ingest_documents(given, store, embedder)).added) == 3
    bad = Document(id="d1", title="NUL \0", sections=(Section(("\0",), "half \ud800 pair \0"),))
    report = await ingest_documents([bad, bad], store, embedder)
    assert report.changed == ["d1"]
    assert list(report.failed) == ["d1"]
    assert len(await store.hashes()) == 3


@pytest.mark.parametrize("name", ["none", "empty"])
async def test_nothing_to_read_is_said(
    tmp_path: Path, store: Store, embedder: Counting, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableDocument, match=f"{name} (does not exist|holds no)"):
        await ingest(tmp_path / name, store, embedder)
    assert await store.index() is None


# --- a rebuild -----------------------------------------------------------------------------------
async def test_a_rebuild_cuts_anew_and_needs_no_file(
    notes: Path, store: Store, embedder: Counting, opened: Any
) -> None:
    (notes / "long.txt").write_text(" ".join(f"Sentence {n} is here." for n in range(200)))
    await ingest(notes, store, embedder)
    await store.set_setting("refusal", 1)
    before = await store.hashes()
    shutil.move(notes, notes.with_name("away"))
    async with opened() as plain:
        rebuilt = await reindex(plain, embedder, "sliding")
        assert (rebuilt.documents, rebuilt.kept, rebuilt.chunker) == (4, 0, "sliding")
        assert await plain.hashes() == before
        assert await plain.setting("refusal") is None
        found = await plain.chunks_of("long.txt")
        assert len(found) > 3
        for one, after in itertools.pairwise(found):
            assert after.chunk.text.split(". ")[0] in one.chunk.text
    shutil.move(notes.with_name("away"), notes)
    (notes / "new.txt").write_text(" ".join(f"Line {n} is new." for n in range(200)))
    report = await ingest(notes, store, embedder)
    assert (report.added, len(report.unchanged)) == (["new.txt"], 4)
    first, second, *_ = await store.chunks_of("new.txt")
    assert second.chunk.text.split(". ")[0] in first.chunk.text  # by the index's own chunker


async def test_a_rebuild_that_broke_off_goes_on(
    notes: Path, store: Store, made_up: Any, opened: Any, tenant: str
) -> None:
    for n in range(30):
        (notes / f"{n}.txt").write_text(" ".join(f"S{n} {m} is here." for m in range(100)))
    await ingest_path(notes, store, Counting(made_up()))
    old = await store.index()
    async with opened() as plain:
        with pytest.raises(RuntimeError, match="gone"):
            await reindex(plain, Counting(made_up(), fails=3), "parent")
        assert await plain.index() == old  # everybody is still answered from it
        (notes / "0.txt").write_text("Changed meanwhile.")
        await ingest_path(notes, store, Counting(made_up()))
        second = Counting(made_up())
        rebuilt = await reindex(plain, second, "parent")
        assert 0 < rebuilt.kept < rebuilt.documents == 33
        assert {one.id for one in await plain.documents()} == set(await plain.hashes())
        changed = await plain.whole("0.txt")
        assert changed
        assert changed.text == "Changed meanwhile."


async def test_another_embedder_needs_a_rebuild(
    notes: Path, store: Store, embedder: Counting, made_up: Any, opened: Any
) -> None:
    await ingest(notes, store, embedder)
    other = Counting(made_up("made-up@2", 16))
    async with opened(embedder=other) as theirs:
        with pytest.raises(IndexMismatch, match="stage3 reindex"):
            await ingest_path(notes, theirs, other)
    async with opened() as plain:
        await reindex(plain, other)
    async with opened(embedder=other) as theirs:
        assert len((await ingest(notes, theirs, other)).unchanged) == 3
