"""Each format to documents, from files that real writers made; bad files in one sentence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from docx import Document as Word

from shared.documents import UnreadableDocument
from stage3_rag.contract import Document
from stage3_rag.reading import MOST_BYTES, content_hash, find_sources, load, read_source

PDFS = Path(__file__).parents[2] / "stage2_extractor" / "data" / "invoices" / "pdf"
Made = Callable[[str, bytes | str], list[Document]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(name: str, data: bytes | str) -> list[Document]:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        source = next(one for one in find_sources(tmp_path) if one.path == path)
        return read_source(source, load(source))

    return make


def paths(document: Document) -> list[tuple[tuple[str, ...], str]]:
    return [(section.path, section.text) for section in document.sections]


def word_file() -> bytes:
    word = Word()
    word.core_properties.title = "Handbook"
    word.add_paragraph("Before any heading.")
    word.add_heading("Leave", 1)
    word.add_paragraph("Ask first.")
    word.add_paragraph("a day", style="List Bullet")
    word.add_heading("Abroad", 2)
    table = word.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Spain", "5 days"
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


# --- formats -------------------------------------------------------------------------------------
def test_markdown_with_front_matter(made: Made) -> None:
    [got] = made(
        "guide.md",
        "---\ntitle: A guide\ntopics: [one, two]\nupdated: 2026-09-01\ntenant: acme\n"
        "superseded_by: new.md\n---\n\nIntro.\n\n# Top\n\n```sh\n# no heading\n```\n\n"
        "## Sub *one*\n\nText.\n\n# Next\nLast.\n",
    )
    assert (got.id, got.title, got.tags) == ("guide.md", "A guide", ("one", "two"))
    assert (got.updated, got.tenant, got.superseded_by) == (date(2026, 9, 1), "acme", "new.md")
    assert paths(got) == [
        ((), "Intro."),
        (("Top",), "```sh\n# no heading\n```"),
        (("Top", "Sub one"), "Text."),
        (("Next",), "Last."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: [\n---\nBody",
        "---\nno end",
        "---\n- a list\n---\nBody",
        "---\nd: 2026-99-99\n---\nB",
    ],
)
def test_what_is_no_front_matter_is_text(made: Made, text: str) -> None:
    [got] = made("a.md", text)
    assert got.text.strip()
    assert got.tags == ()


def test_headings_alone_are_a_document(made: Made) -> None:
    [got] = made("a.md", "# Only\n\n## Headings\n")
    assert "Headings" in got.text


def test_html_as_a_reader_sees_it(made: Made) -> None:
    [got] = made(
        "page.html",
        "<html><head><title>T &amp; U</title><style>p{}</style></head><body><nav>menu</nav>"
        "<h1>Big <b>one</b></h1><p>Hello <i>there</i>.</p><ul><li>a<li>b</ul><h2>Sub</h2>"
        "<table><tr><th>x</th><th>y</th></tr><tr><td>1</td><td>2</td></tr></table>"
        "<pre>if a:\n    b()</pre><script>evil()</script></body></html>",
    )
    assert got.title == "T & U"
    assert paths(got) == [
        (("Big one",), "Hello there.\n\na\nb"),
        (("Big one", "Sub"), "x | y\n1 | 2\n\nif a:\n    b()"),
    ]


def test_html_in_the_encoding_it_declares(made: Made) -> None:
    page = '<meta charset="iso-8859-5"><p>Привет, мир</p>'
    [got] = made("page.htm", page.encode("iso-8859-5"))
    assert got.text.strip() == "Привет, мир"


def test_word_by_its_heading_styles(made: Made) -> None:
    [got] = made("book.docx", word_file())
    assert got.title == "Handbook"
    assert paths(got) == [
        ((), "Before any heading."),
        (("Leave",), "Ask first.\n\n- a day"),
        (("Leave", "Abroad"), "Spain | 5 days"),
    ]


def test_pdf_a_section_a_page(tmp_path: Path) -> None:
    source = next(one for one in find_sources(PDFS) if one.id == "inv-16.pdf")
    [got] = read_source(source, load(source))
    assert [section.path for section in got.sections] == [("page 1",), ("page 2",), ("page 3",)]
    wanted = (PDFS.parent / "inv-16.txt").read_text(encoding="utf-8").split()
    assert set(wanted[:20]) <= set(got.text.split())


ISSUE = {
    "number": 7,
    "title": "It crashes",
    "body": "On start.\r\nAlways.",
    "state": "closed",
    "labels": [{"name": "bug"}, "p1"],
    "updated_at": "2026-03-04T05:06:07Z",
    "comments": [{"user": {"login": "ann"}, "body": "Fixed in 2.1"}],
}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([ISSUE, {"title": "No number"}]),
        json.dumps({"issues": [ISSUE, {"title": "No number"}]}),
        json.dumps(ISSUE) + "\n" + json.dumps({"title": "No number"}),
    ],
    ids=["list", "object", "lines"],
)
def test_issues(made: Made, text: str) -> None:
    first, second = made("issues.json", text)
    assert (first.id, second.id) == ("issues.json#7", "issues.json#2")
    assert first.tags == ("bug", "p1")
    assert first.updated == date(2026, 3, 4)
    assert paths(first) == [
        (("It crashes",), "On start.\nAlways.\n\nState: closed"),
        (("It crashes", "comment by ann"), "Fixed in 2.1"),
    ]


def test_only_a_change_that_matters_changes_the_hash(made: Made) -> None:
    first, again, other = (
        made("a.md", text)[0] for text in ("# A\nx\n", "# A\r\nx\n\n", "# A\ny\n")
    )
    assert content_hash(first) == content_hash(again) != content_hash(other)


# --- bad files -----------------------------------------------------------------------------------
def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * 150_000_000)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.md", b"", "holds no text"),
        ("a.txt", b" \n\t\n", "holds no text"),
        ("a.md", bytes(range(256)) * 40, "not text|neither text"),
        ("a.html", b"<html><body></body></html>", "holds no text"),
        ("a.json", b'{"a": 1}', "without issues"),
        ("a.json", b"[" * 100_000, "not valid JSON"),
        ("a.docx", b"PK\x03\x04 broken", "not a readable Word file"),
        ("a.docx", word_file()[:-200], "not a readable Word file"),
        ("a.pdf", b"%PDF-1.7\nbroken", "broken PDF"),
        ("a.txt", b"%PDF-1.7\nbroken", "broken PDF"),
        ("a.md", b"caf\xe9 \x81", "save it as UTF-8"),
    ],
)
def test_a_bad_file_is_one_sentence(made: Made, name: str, data: bytes, told: str) -> None:
    with pytest.raises(UnreadableDocument, match=told) as caught:
        made(name, data)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_zip_bomb_is_not_unpacked(made: Made) -> None:
    with pytest.raises(UnreadableDocument, match="unpacks to 150 MB"):
        made("a.docx", bomb())


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(UnreadableDocument, match="larger than 50 MB"):
        load(find_sources(path)[0])


def test_ids_are_paths_within_the_corpus(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.md", "sub/a.txt", ".hidden.md", "x.exe"):
        (tmp_path / name).write_text("x")
    assert [one.id for one in find_sources(tmp_path)] == ["b.md", "sub/a.txt"]
    assert [one.id for one in find_sources(tmp_path / "sub" / "a.txt")] == ["a.txt"]
