"""A Word document with paragraphs of text and nothing else: no metadata, no comments, no tracked changes.

The same text always gives the same bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from html import escape

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONSHIPS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_NO_XML = re.compile("[^\t\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DAY = (1980, 1, 1, 0, 0, 0)
"""The oldest date that an archive can have: when a copy was made is nobody's business."""


def word_file(text: str) -> bytes:
    """Return a document (docx) with a paragraph for each line of a text."""
    paragraphs = "".join(map(_paragraph, text.removesuffix("\n").split("\n")))
    document = f'<w:document xmlns:w="{_W}"><w:body>{paragraphs}</w:body></w:document>'
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, part in (
            ("[Content_Types].xml", _TYPES),
            ("_rels/.rels", _RELATIONSHIPS),
            ("word/document.xml", document),
        ):
            entry = zipfile.ZipInfo(name, _DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, (_HEAD + part).encode())
    return content.getvalue()


def _paragraph(line: str) -> str:
    if not line:
        return "<w:p/>"
    runs = "<w:tab/>".join(
        f'<w:t xml:space="preserve">{escape(each, quote=False)}</w:t>' if each else ""
        for each in _NO_XML.sub(" ", line).split("\t")
    )
    return f"<w:p><w:r>{runs}</w:r></w:p>"
