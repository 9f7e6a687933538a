"""Each format to documents, from files that real writers made; bad files in one sentence."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from docx import Document as Word

from shared.documents import NothingToRead, UnreadableDocument
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
        json.dumps([ISSUE, {"title": "No number", "body": None}]),
        json.dumps({"issues": [ISSUE, {"title": "No number", "body": None}]}),
        json.dumps(ISSUE) + "\n" + json.dumps({"title": "No number", "body": None}),
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


# --- what other people's files are like ----------------------------------------------------------
def titled(document: Document) -> tuple[str, list[tuple[str, ...]]]:
    return document.title, [section.path for section in document.sections]


@pytest.mark.parametrize(
    ("name", "text", "title", "heads"),
    [
        ("a.md", "Top\n===\n\na\n\nSub\n---\n\nb", "Top", [("Top",), ("Top", "Sub")]),
        ("my-notes.md", "- one\n- two", "my-notes", [()]),
        ("my-notes.md", "## A {#a}\n\nx\n\n## `B` ##\n\ny", "my-notes", [("A",), ("B",)]),
        ("README.md", "<h1 align=center>The <b>tool</b></h1>\n\n## A\n\nx\n\n## B\n\ny", "The tool",
         [(), ("A",), ("B",)]),
        ("index.md", "Hello.", "corpus", [()]),
        ("a.md", "# [Linked][1] *name*\n\nx\n\n[1]: http://x", "Linked name", [("Linked name",)]),
        ("a.md", "#\n\nx\n\n## B\n\ny", "a", [(), ("B",)]),
        ("a.md", "+++\ntitle = 'Of Hugo'\n+++\nx", "Of Hugo", [()]),
        ("a.md", "---\ntitle: [a, b]\n---\n# Real\n\nx", "Real", [("Real",)]),
        ("a.md", "---\n---\n# Real\n\nx", "Real", [("Real",)]),
    ],
)  # fmt: skip
def test_titles_and_headings_of_markdown(
    tmp_path: Path, name: str, text: str, title: str, heads: list[tuple[str, ...]]
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / name).write_text(text)
    [source] = find_sources(folder)
    [got] = read_source(source, load(source))
    assert titled(got) == (title, heads)


def test_facts_of_other_peoples_front_matter(made: Made) -> None:
    [got] = made("a.md", "---\ntags: '#one, two'\nlastmod: 2024-05-06 07:08:09\n---\nx")
    assert (got.tags, got.updated) == (("one", "two"), date(2024, 5, 6))
    [got] = made("a.md", "+++\ntags = ['one']\ndate = 2024-05-06\n+++\nx")
    assert (got.tags, got.updated) == (("one",), date(2024, 5, 6))


def test_comments_and_pictures_are_no_text(made: Made) -> None:
    picture = "iVBORw0KGgo" * 5000
    [got] = made(
        "a.md",
        f"<!-- licence\n\nof it -->\n\n# A\n\nx ![p](data:image/png;base64,{picture})\n\n"
        "```\n<!-- shown -->\n```\n",
    )
    assert "licence" not in got.text
    assert "<!-- shown -->" in got.text
    assert len(got.text) < 80


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<article>one</article><article>two</article>", "one\n\ntwo"),
        ("<main></main><div>app</div>", "app"),
        ("<form><p>all of an old page</p><input></form>", "all of an old page"),
        ("<main>a<aside>a note</aside></main><aside>advert</aside>", "a\n\na note"),
        ("<p>seen</p><p style='color:red; display: none'>hidden</p>", "seen"),
        ("<p>Press <b>Ctrl</b>-<i>C</i>.</p>", "Press Ctrl-C."),
        ("<table><tr><td><p>a</p></td><td>b</td></tr><tr><td>c</td><td>d</td></table>",
         "a | b\nc | d"),
        ("<dl><dt>T<dd>D</dl><pre>$ a | b\n  c   d</pre>", "T\nD\n\n$ a | b\n  c   d"),
        ("<svg><title>icon</title></svg><p>x</p>", "x"),
    ],
)  # fmt: skip
def test_pages_of_the_wild(made: Made, page: str, text: str) -> None:
    [got] = made("page.html", f"<html><body>{page}</body></html>")
    assert got.text.strip() == text
    assert got.title != "icon"


@pytest.mark.parametrize(
    "head",
    [
        "<h2>Set up<a class=headerlink href=#a>¶</a></h2>",
        "<h2 class='anchor x'>Set up<a class=hash-link href=#a>\u200b</a></h2>",
        "<h2><a class=header-anchor href=#a>Set up</a></h2>",
        "<h2>Set <span>up</span><span class=mw-editsection>[edit]</span></h2>",
    ],
)
def test_signs_at_headings_are_not_words(made: Made, head: str) -> None:
    [got] = made("page.html", f"{head}<p>x</p>")
    assert paths(got) == [(("Set up",), "x")]


def test_a_page_in_latin_1_is_in_windows_1252(made: Made) -> None:
    [got] = made("a.html", '<meta charset="ISO-8859-1"><p>It\x92s</p>'.encode("latin-1"))
    assert got.text.strip() == "It\u2019s"


def test_a_page_that_nests_deep_is_read(made: Made) -> None:
    [got] = made("a.html", "<div>" * 3000 + "deep" + "</div>" * 3000)
    assert got.text.strip() == "deep"


def saved(word: Any) -> bytes:
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


def test_tables_in_tables_and_merged_cells(made: Made) -> None:
    word = Word()
    table = word.add_table(rows=2, cols=2)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(1, 0).text = "left"
    inner = table.cell(1, 1).add_table(rows=1, cols=2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "in", "side"
    [got] = made("a.docx", saved(word))
    assert got.text.split("\n")[-2:] == ["wide", "left | in | side"]
    assert got.text.count("wide") == 1


def test_controls_and_tracked_changes_of_word(made: Made) -> None:
    from docx.oxml import parse_xml

    name = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    word = Word()
    word.add_paragraph("first")
    for xml in (
        f"<w:sdt {name}><w:sdtContent><w:p><w:r><w:t>in a control</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>",
        f"<w:p {name}><w:r><w:t>It is </w:t></w:r><w:del><w:r><w:delText>old</w:delText></w:r>"
        "</w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>",
        f'<w:sdt {name}><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/>'
        "</w:docPartObj></w:sdtPr><w:sdtContent><w:p><w:r><w:t>contents</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>",
    ):
        word.element.body.insert(len(word.element.body) - 1, parse_xml(xml))
    style = word.styles.add_style("Chapter", 1)
    style.base_style = word.styles["Heading 2"]
    word.add_paragraph("Own style", style="Chapter")
    word.add_paragraph("last")
    [got] = made("a.docx", saved(word))
    assert paths(got) == [((), "first\n\nin a control\n\nIt is new"), (("Own style",), "last")]


def test_a_word_file_without_properties_has_no_made_up_date(made: Made) -> None:
    whole, out = io.BytesIO(word_file()), io.BytesIO()
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "_rels/.rels":
                data = re.sub(rb"<Relationship [^>]*core-properties[^>]*>", b"", data)
            if part.filename != "docProps/core.xml":
                new.writestr(part.filename, data)
    [got] = made("a.docx", out.getvalue())
    assert (got.title, got.updated) == ("Leave", None)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([ISSUE]) + json.dumps([{**ISSUE, "number": 8}]),
        json.dumps([[ISSUE], [ISSUE, {**ISSUE, "number": 8}]]),
        json.dumps(
            {"data": {"repository": {"issues": {"nodes": [ISSUE, {**ISSUE, "number": 8}]}}}}
        ),
    ],
    ids=["pages", "slurped, overlapping", "graphql"],
)
def test_exports_of_gh(made: Made, text: str) -> None:
    assert [one.id for one in made("i.json", text)] == ["i.json#7", "i.json#8"]


def test_what_gh_writes_about_an_issue(made: Made) -> None:
    [got, other] = made(
        "i.json",
        json.dumps(
            [
                {
                    "number": 7,
                    "title": "Crash",
                    "body": "<!-- fill in -->\n### Steps\n\nRun it.\n\n### Expected\n\nNo crash.",
                    "state": "OPEN",
                    "stateReason": "",
                    "labels": {"nodes": [{"name": "bug"}]},
                    "comments": {"nodes": [{"author": None, "body": "Me too."}]},
                    "updatedAt": "2026-03-04T05:06:07Z",
                },
                {"number": 7, "title": "Of another repository", "body": "x"},
            ]
        ),
    )
    assert (got.tags, other.id) == (("bug",), "i.json#7-2")
    assert paths(got) == [
        (("Crash", "Steps"), "Run it.\n\nState: open"),
        (("Crash", "Expected"), "No crash."),
        (("Crash", "comment by somebody"), "Me too."),
    ]


@pytest.mark.parametrize("text", ['{"name": "x", "version": "1"}', "[]", '{"title": "a schema"}'])
def test_other_json_is_no_failure(made: Made, text: str) -> None:
    with pytest.raises(NothingToRead, match="without issues"):
        made("package.json", text)
