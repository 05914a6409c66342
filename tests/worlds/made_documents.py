"""Documents of every kind, made by the tests that read them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from html import escape

import xlsxwriter

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"


def pdf(pages: Sequence[Sequence[str]], extra: str = "", trailer: str = "") -> bytes:
    """Return a PDF of letter pages with lines of text in Helvetica, from the top; ``extra`` goes into each page."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>")
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    for number, lines in enumerate(pages):
        shown = "".join(
            f"BT /F1 12 Tf 72 {720 - 20 * row} Td ({_string(line)}) Tj ET\n" for row, line in enumerate(lines)
        )
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {extra} "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>"
        )
        objects.append(f"<< /Length {len(shown)} >>\nstream\n{shown}endstream")
    return file_of(objects, trailer)


def file_of(objects: Sequence[str], trailer: str = "") -> bytes:
    """Return a PDF of objects, the first of which is the catalogue."""
    found = bytearray(b"%PDF-1.7\n")
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(found))
        found += f"{number} 0 obj\n{each}\nendobj\n".encode("cp1252")
    begin = len(found)
    found += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    found += b"".join(b"%010d 00000 n \n" % place for place in places)
    found += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{begin}\n%%EOF\n".encode()
    return bytes(found)


def _string(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def zipped(files: Mapping[str, str | bytes], stored: Sequence[str] = ()) -> bytes:
    """Return a zip archive; the files named in ``stored`` are not compressed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text, zipfile.ZIP_STORED if name in stored else None)
    return content.getvalue()


def docx(paragraphs: Sequence[str], **parts: str) -> bytes:
    """Return a Word document. A paragraph that begins with ``<`` is XML. ``parts`` are such as ``footnotes``."""
    body = "".join(
        each if each.startswith("<") else f"<w:p><w:r><w:t>{escape(each)}</w:t></w:r></w:p>" for each in paragraphs
    )
    files = {"word/document.xml": f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'}
    for name, text in parts.items():
        files[f"word/{name}.xml"] = f'<w:x xmlns:w="{W}"><w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p></w:x>'
    return zipped({"[Content_Types].xml": "<Types/>", **files})


def pptx(slides: Sequence[str], notes: str = "") -> bytes:
    """Return a presentation with one paragraph on each slide, and notes of the first."""

    def page(text: str) -> str:
        return f'<sld xmlns:a="{A}"><a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p></sld>'

    files = {"ppt/presentation.xml": "<p/>"}
    files |= {f"ppt/slides/slide{number}.xml": page(text) for number, text in enumerate(slides, 1)}
    return zipped(files | ({"ppt/notesSlides/notesSlide1.xml": page(notes)} if notes else {}))


def xlsx(rows: Sequence[Sequence[object]], formats: Mapping[int, str] | None = None) -> bytes:
    """Return a workbook with one sheet; ``formats`` are number formats of columns."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet("people")
        for column, code in (formats or {}).items():
            sheet.set_column(column, column, 12, book.add_format({"num_format": code}))
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                form = book.add_format({"num_format": formats[column]}) if formats and column in formats else None
                sheet.write(number, column, value, form)
    return content.getvalue()


def odt(paragraphs: Sequence[str]) -> bytes:
    """Return an OpenDocument text."""
    names = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    names += 'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    body = "".join(each if each.startswith("<") else f"<text:p>{escape(each)}</text:p>" for each in paragraphs)
    content = f"<office:document-content {names}><office:body>{body}</office:body></office:document-content>"
    kind = "application/vnd.oasis.opendocument.text"
    return zipped({"mimetype": kind, "content.xml": content}, ("mimetype",))


def epub(chapters: Sequence[str]) -> bytes:
    """Return a book; each chapter is the body of a page in XHTML."""
    items = "".join(f'<item id="c{n}" href="text/c%20{n}.xhtml"/>' for n in range(len(chapters)))
    order = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="book/b.opf"/></rootfiles></container>',
        "book/b.opf": f"<package><manifest>{items}</manifest><spine>{order}</spine></package>",
    }
    files |= {
        f"book/text/c {number}.xhtml": f'<?xml version="1.0"?><!DOCTYPE html><html><body>{body}</body></html>'
        for number, body in enumerate(chapters)
    }
    return zipped(files, ("mimetype",))


def eml(text: str, attachments: Mapping[str, bytes] | None = None, inner: bytes | None = None) -> bytes:
    """Return a message with attachments; ``inner`` is another message that it forwards."""
    message = EmailMessage()
    message["From"], message["To"] = "Anna Schmidt <anna@example.org>", "bo@example.org"
    message["Subject"] = "Grüße aus Tromsø"
    message.set_content(text)
    for name, content in (attachments or {}).items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    if inner is not None:
        import email
        import email.policy

        message.add_attachment(email.message_from_bytes(inner, policy=email.policy.default))
    return message.as_bytes()


def png(width: int, height: int, rows: bytes | None = None) -> bytes:
    """Return a grey image; without ``rows`` it has a header and no pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = b"" if rows is None else b"".join(b"\0" + rows[n * width : (n + 1) * width] for n in range(height))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
