"""Documents of every format: their text, with pages and boxes where the format has them."""

from __future__ import annotations

import datetime as dt
import gzip

import pytest

from reading_room.analysis.readers.reading import read
from reading_room.analysis.readers.results import Extracted, Limits, Wishes
from tests.worlds import made_documents as made
from tests.worlds import made_pictures as pictures

ANNA = "Anna Schmidt lives in Tromsø."
BO = "Bo Lund lives in Köln."


def only(content: bytes, name: str = "a", wishes: Wishes = Wishes(), limits: Limits = Limits()) -> Extracted:
    """Return the one document of a file, and check that each block is a part of its text."""
    (found,) = read(content, name, limits, wishes)
    for block in found.blocks:
        assert found.text[block.begin : block.end].strip()
        assert block.box is None or (
            block.box[0] + block.box[2] <= 1.000002 and block.box[1] + block.box[3] <= 1.000002
        )
    return found


@pytest.mark.costs(2, reason="the first call loads the libraries")
def test_a_pdf_has_the_lines_of_its_text_with_page_and_box() -> None:
    found = only(made.pdf([[ANNA, "second"], [BO]]))
    assert (found.format, found.pages, found.error) == ("pdf", 2, None)
    assert [found.text[block.begin : block.end] for block in found.blocks] == [ANNA, "second", BO]
    assert [block.page for block in found.blocks] == [1, 1, 2]
    box = found.blocks[0].box
    assert box is not None
    # 72 of 612 points from the left; the line stands on 720 of 792 points from the bottom.
    left, top, width, height = box
    assert left == pytest.approx(72 / 612, abs=0.01)
    assert top + height == pytest.approx(1 - 720 / 792, abs=0.01)
    assert 0.2 < width < 0.5


def test_the_boxes_of_a_turned_page_are_those_of_the_page_as_it_is_shown() -> None:
    box = only(made.pdf([[ANNA]], extra="/Rotate 90")).blocks[0].box
    assert box is not None
    # Turned to the right, the first line runs down the right edge.
    left, top, width, height = box
    assert left > 0.85
    assert top == pytest.approx(72 / 612, abs=0.01)
    assert height > width


def test_a_blank_page_of_a_pdf_has_no_text_and_needs_no_recognition() -> None:
    found = only(made.pdf([[], [ANNA]]))
    assert (found.pages, found.scanned, found.error) == (2, (), None)
    assert found.text.strip() == ANNA


@pytest.mark.costs(0.5, reason="pages are drawn")
def test_a_scanned_page_is_recognised_with_the_dots_that_it_has_and_another_one_with_300() -> None:
    sizes: list[list[bytes]] = []

    def recognise(image: bytes, language: str | None, pages: int) -> bytes:
        sizes.append(image[:20].split()[1:3])
        return b""

    page = pictures.page_of([ANNA], inches=2)
    # The page is 8.5 inches wide, and 2 inches high.
    read(pictures.scanned_pdf([page]), "a.pdf", ocr=recognise)
    read(made.pdf([[ANNA]]), "a.pdf", wishes=Wishes(force_ocr=True), ocr=recognise)
    found = [(int(width), int(height)) for width, height in sizes]
    assert found == [pytest.approx((1_700, 400), abs=2), pytest.approx((2_550, 3_300), abs=2)]


def test_a_word_document_has_a_line_for_each_paragraph_and_its_notes_and_headers() -> None:
    broken = '<w:p><w:r><w:t>new</w:t><w:br w:type="page"/><w:t>page</w:t><w:delText>gone</w:delText></w:r></w:p>'
    table = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    found = only(made.docx([ANNA, broken, table], footnotes="a note", comments="a comment", header1="a header"))
    assert found.text.split("\n") == [ANNA, "new", "page", "cell", "a note", "a comment", "a header", ""]
    assert found.pages == 2
    assert [block.page for block in found.blocks][:3] == [1, 1, 2]


def test_a_presentation_has_a_page_for_each_slide_in_their_order() -> None:
    found = only(made.pptx([f"slide {n}" for n in range(1, 12)], notes=ANNA))
    assert found.text.split("\n") == [*(f"slide {n}" for n in range(1, 12)), ANNA, ""]
    assert (found.pages, found.blocks[10].page, found.blocks[11].page) == (11, 11, 1)


def test_open_document_and_epub_have_their_paragraphs() -> None:
    assert only(made.odt([ANNA, '<text:p>a<text:s text:c="3"/>b<text:tab/>c</text:p>'])).text == f"{ANNA}\na   b\tc\n"
    found = only(made.epub([f"<h1>One</h1><p>{ANNA}</p>", f"<p>{BO}</p>"]))
    assert found.text == f"One\n{ANNA}\n{BO}\n"
    assert (found.pages, [block.page for block in found.blocks]) == (2, [1, 1, 2])


def test_html_has_what_a_reader_sees_and_no_script_is_run() -> None:
    page = (
        '<html><head><meta charset="latin1"><title>Title</title><script>document.write("x")</script></head><body>'
        "<p>Anna <b>Schmidt</b>\n lives</p><div>in<br>Troms\xf8<ul><li>one<li>two</ul>end</div>"
        '<img src="http://example.org/x.png"><style>p {}</style><!-- hidden --></body></html>'
    )
    found = only(page.encode("latin1"), "a.html")
    assert found.text.split("\n") == ["Title", "Anna Schmidt lives", "in", "Tromsø", "one", "two", "end", ""]
    assert found.encoding == "cp1252"


def test_rtf_has_its_text() -> None:
    found = only(rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Anna lives in Troms\'f8.\par Bo \u8364? 5}")
    assert found.text.strip() == "Anna lives in Tromsø.\nBo € 5"
    assert found.format == "rtf"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (ANNA.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + ANNA.encode(), "utf-8"),
        (ANNA.encode("utf-16"), "utf-16-le"),
        (ANNA.encode("utf-16-le"), "utf-16-le"),
        (ANNA.encode("utf-16-be"), "utf-16-be"),
        (ANNA.encode("latin1"), "windows-1252"),
    ],
)
def test_text_is_decoded_and_its_encoding_reported(content: bytes, encoding: str) -> None:
    found = only(content, "a.txt")
    assert (found.text, found.encoding, found.error) == (ANNA, encoding, None)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Анна Шмидт живёт в Москве и работает в библиотеке.", "cp1251"),
        (
            "Łódź leży w środkowej Polsce, a Kraków na południu. Książki są w bibliotece, która jest otwarta w środę.",
            "cp1250",
        ),
        ("東京は日本の首都であり、世界最大の都市のひとつです。", "cp932"),
    ],
)
def test_other_alphabets_are_recognised(text: str, encoding: str) -> None:
    assert only((text * 5).encode(encoding), "a.txt").text == text * 5


def test_tables_have_a_line_for_each_cell_or_those_of_one_column() -> None:
    rows = [["Name", "Comment", "Since"], ["Anna", ANNA, "2021"], ["Bo", "", "2022"], ["Cy", BO, "2023"]]
    csv = "\n".join(";".join(row) for row in rows).encode("latin1")
    assert only(csv, "a.csv").text.split("\n")[:4] == ["Name", "Comment", "Since", "Anna"]
    assert only(csv, "a.csv", Wishes(column="comment")).text == f"{ANNA}\n{BO}\n"
    assert only(made.xlsx(rows), "a.xlsx", Wishes(column="Comment")).text == f"{ANNA}\n{BO}\n"
    error = only(csv, "a.csv", Wishes(column="Nothing")).error
    assert error is not None
    assert "Name, Comment, Since" in error[1]


def test_a_workbook_shows_dates_and_numbers_as_a_person_sees_them() -> None:
    days = (dt.date(2021, 5, 3) - dt.date(1899, 12, 30)).days
    rows: list[list[object]] = [["when", "how much", "is it"], [days, 1.5, True], [days + 0.5, 2, False]]
    found = only(made.xlsx(rows, {0: "dd.mm.yyyy"}))
    assert found.text.split("\n")[3:] == ["2021-05-03", "1.5", "TRUE", "2021-05-03 12:00:00", "2", "FALSE", ""]
    assert (found.format, found.pages) == ("excel", 1)


def test_json_lines_have_one_member_or_all_strings() -> None:
    lines = b'{"id": 1, "text": "Anna", "tags": ["x", {"y": "z"}]}\n\n{"text": "Bo"}\n'
    assert only(lines, "a.jsonl", Wishes(column="text")).text == "Anna\nBo\n"
    assert only(lines, "a.jsonl").text == "Anna\nx\nz\nBo\n"


def test_each_attachment_of_an_e_mail_is_a_document_of_its_own() -> None:
    inner = made.eml("inner text", {"deep.txt": b"deep"})
    message = made.eml(ANNA, {"report.pdf": made.pdf([[BO]]), "../../x.docx": made.docx([BO])}, inner)
    found = read(message, "a.eml")
    assert [(each.path, each.format) for each in found] == [
        ("", "email"),
        ("report.pdf", "pdf"),
        ("_.._x.docx", "word"),
        ("attachment-3.eml", "email"),
        ("attachment-3.eml/deep.txt", "text"),
    ]
    head = ["From: Anna Schmidt <anna@example.org>", "To: bo@example.org", "Subject: Grüße aus Tromsø", "", ANNA]
    assert found[0].text.split("\n")[:5] == head
    assert [each.text.strip() for each in found[1:3]] == [BO, BO]


def test_each_message_of_a_mailbox_is_a_document() -> None:
    box = b"".join(b"From x@example.org Mon Nov 30 10:00:00 2026\n" + made.eml(text) + b"\n" for text in (ANNA, BO))
    found = read(box, "a.mbox")
    assert [each.path for each in found] == ["message-1", "message-2"]
    assert [each.text.split("\n")[4] for each in found] == [ANNA, BO]


def test_a_gzip_file_holds_one_text_of_any_kind() -> None:
    assert only(gzip.compress(ANNA.encode("latin1")), "a.txt.gz").text == ANNA
    assert only(gzip.compress(b'{"text": "Anna"}'), "a.jsonl.gz").text == "Anna\n"


def test_content_decides_before_the_name() -> None:
    assert only(made.pdf([[ANNA]]), "a.docx").format == "pdf"
    assert only(made.docx([ANNA]), "a.pdf").format == "word"
    assert only(ANNA.encode(), "a.pdf").format == "text"
    assert only(b"<!DOCTYPE html><p>Anna", "a.txt").text == "Anna\n"
