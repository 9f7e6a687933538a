"""Files as bad as they come: the text, or one sentence about that file."""

from __future__ import annotations

import io
import os
import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, NumberObject, StreamObject

from shared.documents import UnreadableDocument, decode
from stage2_extractor.documents import MOST_BYTES, find_documents, read_document, usable

DATA = Path(__file__).parents[2] / "stage2_extractor" / "data" / "invoices"
PDFS = sorted((DATA / "pdf").glob("*.pdf"))
POLISH = "Zażółć gęślą jaźń. Do zapłaty 1 234,50 zł"
FRENCH = "Café crème, à payer « 12,50 € » — œuvre naïve"
Made = Callable[[str, bytes], Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return make


def error_of(path: Path) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        read_document(path)
    told = str(caught.value)
    assert path.name in told
    assert "\n" not in told
    return told


def pdf(*pages: str, encrypt: str | None = None, owner: str | None = None) -> bytes:
    """A PDF whose pages say these words."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Courier"),
        }
    )
    for words in pages:
        page = writer.add_blank_page(width=400, height=200)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = StreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 100 Td ({words}) Tj ET".encode())
        page.replace_contents(stream)
    if encrypt is not None:
        writer.encrypt(encrypt, owner, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def image_only() -> bytes:
    writer = PdfWriter()
    page = writer.add_blank_page(width=400, height=200)
    image = StreamObject()
    image.set_data(b"\x80" * 64)
    for name, value in (
        ("/Type", "/XObject"),
        ("/Subtype", "/Image"),
        ("/ColorSpace", "/DeviceGray"),
    ):
        image[NameObject(name)] = NameObject(value)
    for name in ("/Width", "/Height", "/BitsPerComponent"):
        image[NameObject(name)] = NumberObject(8)
    images = DictionaryObject({NameObject("/Im1"): writer._add_object(image)})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): images})
    stream = StreamObject()
    stream.set_data(b"q 400 0 0 200 0 0 cm /Im1 Do Q")
    page.replace_contents(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# --- PDF -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", PDFS, ids=lambda path: path.stem)
def test_a_committed_pdf_says_what_its_text_says(path: Path) -> None:
    """Word for word and in the same order, but for the rules that are lines in a PDF."""
    text = (DATA / f"{path.stem}.txt").read_text(encoding="utf-8")
    words = [word for word in text.split() if not re.fullmatch("-{20,}", word)]
    assert read_document(path).split() == words


def test_ten_pdfs_are_committed() -> None:
    assert len(PDFS) == 10
    pages = [len(PdfReader(path).pages) for path in PDFS]
    assert max(pages) > 1


def test_pages_come_in_order_and_the_ending_does_not_matter(made: Made) -> None:
    path = made("no ending", b"\xef\xbb\xbf\n" + pdf("Total 12.50", "Page 2"))
    assert read_document(path).split() == ["Total", "12.50", "Page", "2"]


def test_three_hundred_pages(made: Made) -> None:
    path = made("book.pdf", pdf(*(f"page {n}" for n in range(300))))
    assert error_of(path).endswith("book.pdf has 300 pages; at most 50 make one document")


def test_an_encrypted_pdf(made: Made) -> None:
    assert "is encrypted: save it without" in error_of(made("a.pdf", pdf("x", encrypt="secret")))


def test_a_pdf_with_only_an_owner_password_is_read(made: Made) -> None:
    """Every viewer opens it; the password only guards printing and changing."""
    path = made("owner.pdf", pdf("Total 12.50", encrypt="", owner="secret"))
    assert b"/Encrypt" in path.read_bytes()
    assert read_document(path).split() == ["Total", "12.50"]


@pytest.mark.parametrize(("version", "method", "bits"), [(4, "AESV2", 128), (5, "AESV3", 256)])
def test_a_pdf_encrypted_with_aes(made: Made, version: int, method: str, bits: int) -> None:
    """Written by hand: nothing installed here can write AES, and nothing can read it."""
    size, revision = (32, 4) if version == 4 else (48, 6)
    keys = " ".join(f"/{name} <{'5a' * size}>" for name in ("O", "U"))
    more = " ".join(f"/{name} <{'5a' * 32}>" for name in ("OE", "UE")) + f" /Perms <{'5a' * 16}>"
    cipher = f"/CF << /StdCF << /CFM /{method} /Length {bits // 8} >> >> /StmF /StdCF /StrF /StdCF"
    kind = f"/Filter /Standard /V {version} /R {revision} /Length {bits} /P -4"
    encrypt = f"<< {kind} {keys} {more} {cipher} >>"
    plain = pdf("Total 12.50")
    trailer = plain.rindex(b"trailer")
    end = plain.index(b">>", trailer)
    ids = f" /Encrypt {encrypt} /ID [<{'5a' * 16}> <{'5a' * 16}>] ".encode()
    path = made("aes.pdf", plain[:end] + ids + plain[end:])
    assert "is encrypted: save it without" in error_of(path)


def test_an_image_only_pdf(made: Made) -> None:
    assert "has no text layer (a scan?): run it through OCR" in error_of(
        made("s.pdf", image_only())
    )


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7\n", b"%PDF-1.7\n%%EOF", b"%PDF-1.7\n" + b"x" * 999 + b"%%EOF"]
)
def test_a_broken_pdf(made: Made, data: bytes) -> None:
    assert "is a broken PDF" in error_of(made("b.pdf", data))


def test_a_cut_pdf_is_an_error_and_never_half_a_text(made: Made) -> None:
    whole = PDFS[5].read_bytes()
    for part in range(1, 20):
        assert "is a broken PDF" in error_of(made("cut.pdf", whole[: len(whole) * part // 20]))


def test_a_damaged_pdf_is_text_or_an_error(made: Made) -> None:
    """What pypdf raises on broken files goes far beyond its own errors."""
    draw = random.Random(3)
    for _ in range(60):
        data = bytearray(draw.choice(PDFS).read_bytes())
        for _ in range(draw.choice([1, 20, 400])):
            data[draw.randrange(len(data))] = draw.randrange(256)
        path = made("damaged.pdf", bytes(data))
        with suppress(UnreadableDocument):
            assert read_document(path).strip()


def test_pypdf_says_nothing_on_the_way(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    data = PDFS[0].read_bytes().replace(b"startxref\n", b"startxref\n9")
    read_document(made("odd.pdf", data))
    assert capfd.readouterr() == ("", "")


# --- text ----------------------------------------------------------------------------------------
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(str.strip))
@settings(deadline=None)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_any_text_comes_through_a_marked_encoding(encoding: str, text: str) -> None:
    if text.startswith("\ufeff"):
        return
    assert decode("x", text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (FRENCH.encode("cp1252"), FRENCH),
        (FRENCH.encode("utf-8"), FRENCH),
        (POLISH.encode("utf-8-sig"), POLISH),
        (b"\xfe\xff" + POLISH.encode("utf-16-be"), POLISH),
        (b"\xff\xfe" + POLISH.encode("utf-16-le"), POLISH),
        ("Größe 5 m³, ÄÖÜ, ÅÄÖ, 10¹".encode("cp1252"), "Größe 5 m³, ÄÖÜ, ÅÄÖ, 10¹"),
        ("¿Cuánto? ¡Señor!".encode("cp1252"), "¿Cuánto? ¡Señor!"),
        (b"Total\x0c12.50\x1b[0m", "Total\x0c12.50\x1b[0m"),
    ],
)
def test_a_text_in_a_known_encoding(made: Made, data: bytes, text: str) -> None:
    assert read_document(made("t.txt", data)) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (POLISH, "iso-8859-2"),
        (POLISH, "cp1250"),
        ("Счет-фактура, к оплате 12,50", "cp1251"),
        ("Счет-фактура, к оплате 12,50", "koi8-r"),
        ("請求書　合計 1,200円", "shift_jis"),
        ("請求書　合計 1,200円", "euc_jp"),
        ("发票 合计 壹佰元整", "gbk"),
        ("Τιμολόγιο, σύνολο 12,50", "iso-8859-7"),
        ("Total 12.50", "utf-16-le"),
        ("Total 12.50", "utf-16-be"),
    ],
)
def test_a_wrong_encoding_is_an_error_and_not_garbled_text(
    made: Made, text: str, encoding: str
) -> None:
    told = error_of(made("w.txt", text.encode(encoding)))
    assert "is not text in UTF-8" in told or "is neither text nor PDF" in told


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "holds no text"),
        (b" \n\t\r\n ", "holds no text"),
        (b"\xef\xbb\xbf", "holds no text"),
        (b"\xff\xfe", "holds no text"),
        (b"\xff\xfeT", "is not text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "is not"),
        (bytes(99), "is neither text nor PDF"),
        (random.Random(1).randbytes(999), "is not text"),
        (bytes(byte % 128 for byte in random.Random(1).randbytes(999)), "is neither text nor PDF"),
        (b"a" * 200_001, "has 200,001 characters; at most 200,000"),
        (b"a" * 30_000_000, f"is larger than {MOST_BYTES // 1_000_000} MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_text(made: Made, data: bytes, told: str) -> None:
    assert told in error_of(made("f.txt", data))


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_text_or_an_error(data: bytes) -> None:
    with suppress(UnreadableDocument):
        assert usable("x", decode("x", data)).strip()


def test_a_device_without_an_end_is_too_large() -> None:
    assert "/dev/zero is larger than 20 MB" in error_of(Path("/dev/zero"))


# --- folders -------------------------------------------------------------------------------------
def test_a_folder_gives_its_files_by_name(tmp_path: Path, made: Made) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "folder.pdf").mkdir()
    for name in ("b/2.TXT", "a.pdf", "c.eml", ".x.txt", ".hidden/y.txt", "no ending", "d.docx"):
        made(name, b"x")
    found = [str(path.relative_to(tmp_path)) for path in find_documents(tmp_path)]
    assert found == ["a.pdf", "b/2.TXT", "c.eml"]
    assert find_documents(tmp_path / "d.docx") == [tmp_path / "d.docx"]


def test_links_that_go_round_end(tmp_path: Path, made: Made) -> None:
    made("a.txt", b"x")
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "itself.txt").symlink_to(tmp_path / "itself.txt")
    (tmp_path / "nowhere.txt").symlink_to(tmp_path / "gone.txt")
    found = find_documents(tmp_path)
    assert [path.name for path in found] == ["a.txt", "itself.txt", "nowhere.txt"]
    assert "cannot be read: Too many levels of symbolic links" in error_of(found[1])
    assert "cannot be read: No such file" in error_of(found[2])


def test_a_pipe_in_a_folder_does_not_stop_the_run(tmp_path: Path, made: Made) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(UnreadableDocument, match="holds no"):
        find_documents(tmp_path)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gone", "does not exist"),
        ("x" * 5000, "File name too long"),
        ("a.txt/b", "Not a directory"),
    ],
)
def test_a_path_that_leads_nowhere(tmp_path: Path, made: Made, name: str, told: str) -> None:
    made("a.txt", b"x")
    with pytest.raises(UnreadableDocument, match=told) as caught:
        find_documents(tmp_path / name)
    assert len(str(caught.value)) < 300


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match=r"holds no \.pdf, \.txt"):
        find_documents(tmp_path)


@contextmanager
def nobody() -> Iterator[None]:
    """Root may read everything; who nobody is may not."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_files_and_folders_without_permission() -> None:
    """Each is told of by itself; the others are read."""
    folder = Path(tempfile.mkdtemp())
    try:
        for name in ("closed.txt", "open.txt", "shut/inside.txt"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("x")
            (folder / name).chmod(0o644)
        (folder / "closed.txt").chmod(0o000)
        (folder / "shut").chmod(0o000)
        folder.chmod(0o755)
        with nobody():
            found = find_documents(folder)
            assert [path.name for path in found] == ["closed.txt", "open.txt", "shut"]
            assert "closed.txt cannot be read: Permission denied" in error_of(found[0])
            assert read_document(found[1]) == "x"
            assert "shut cannot be read: Permission denied" in error_of(found[2])
            with pytest.raises(UnreadableDocument, match=r"inside\.txt cannot be read: Permission"):
                find_documents(folder / "shut" / "inside.txt")
    finally:
        (folder / "shut").chmod(0o755)
        shutil.rmtree(folder)
