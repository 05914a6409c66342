"""The document formats that jobs with the tag ``reading-room:documents`` read, as plain values for both sides.

``recognise`` in ``readers/`` decides by a file's content. Here are the suffixes of the names, for those who list files
before anything reads them, and how much of a file is text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DOCUMENTS_TAG = "reading-room:documents"
"""The tag with which a job accepts documents of every kind. Its only value is ``ANY``."""
COLUMN_TAG = "reading-room:column"
"""The tag that names the column of tables, and the member of JSON Lines, that is the text."""
ANY = "any"
COLUMN_LENGTH = 256
"""The most characters of a tag's value."""
DOCUMENTS, COLUMN, READER = "Documents", "Column", "DocumentReaderConfig"
"""The members of a job's ``request`` that say how its documents are read."""
TEXTS_MEMBER = "documents.jsonl"
"""The member of a job's archive with the texts that were extracted from documents."""
REPORT_MEMBER = "report.jsonl"
"""The last part of the name of an object that says, for each document of a file, what was replaced in it."""
COPY_PDF, COPY_WORD = "redacted.pdf", "redacted.docx"
"""The last parts of the names of redacted copies."""
CONTAINER_FACTOR = 8
"""How many times as many bytes of documents as of text one container is meant for."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name in results, what people call it, its suffixes, and about how many bytes make one of text."""

    name: str
    label: str
    suffixes: tuple[str, ...]
    bytes_of_text: int = 1
    document_type: str = "PLAIN_TEXT"
    """The API's DocumentType."""


FORMATS: tuple[Format, ...] = (
    Format("text", "plain text", (".txt", ".text", ".log")),
    Format("markdown", "Markdown", (".md", ".markdown")),
    Format("pdf", "PDF", (".pdf",), 20, "NATIVE_PDF"),
    Format("word", "Word", (".docx", ".docm", ".dotx"), 10, "MS_WORD"),
    Format("powerpoint", "PowerPoint", (".pptx", ".pptm"), 50),
    Format("excel", "Excel", (".xlsx", ".xlsm"), 2),
    Format("opendocument", "OpenDocument", (".odt", ".ods", ".odp"), 10),
    Format("epub", "EPUB", (".epub",), 5),
    Format("html", "HTML", (".html", ".htm", ".xhtml"), 4),
    Format("rtf", "RTF", (".rtf",), 5),
    Format("csv", "CSV", (".csv", ".tsv")),
    Format("jsonl", "JSON Lines", (".jsonl", ".ndjson"), 2),
    Format("email", "e-mail", (".eml",), 4),
    Format("mbox", "mailbox", (".mbox",), 4),
    Format("image", "image", (".png", ".jpg", ".jpeg", ".tif", ".tiff"), 20, "IMAGE"),
    Format("gzip", "gzip of one text", (".gz",)),
)
SCANNED = "SCANNED_PDF"
"""The DocumentType of a PDF whose text was recognised in images."""
BY_NAME: Mapping[str, Format] = {each.name: each for each in FORMATS}
BY_SUFFIX: Mapping[str, Format] = {suffix: each for each in FORMATS for suffix in each.suffixes}


def suffix_of(name: str) -> str:
    """Return the suffix of a file's name in lower case, with its dot; empty if it has none."""
    last = name.rpartition("/")[2]
    stem, dot, suffix = last.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def weight(name: str, size: int) -> int:
    """Return about how many bytes of text a file of ``size`` bytes has: what its analysis costs, and at least 1."""
    known = BY_SUFFIX.get(suffix_of(name))
    return max(1, size // known.bytes_of_text) if known else size
