"""What the API defines for documents with pages: DocumentMetadata, DocumentType, Blocks, Errors and Warnings.

Result lines of jobs with a custom model and a DocumentReaderConfig have them, with the members' names and values of
DetectEntities and ClassifyDocument in the API.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reading_room.analysis.engine import Members, Result
from reading_room.analysis.formats import BY_NAME, SCANNED
from reading_room.analysis.readers.results import Block, Extracted

_PLAIN_MODEL = {
    "WarnCode": "INFERENCING_NATIVE_DOCUMENT_WITH_PLAINTEXT_TRAINED_MODEL",
    "WarnMessage": "The model was trained on plain text, and this page is of a document of another format.",
}


def with_pages(result: Result | Members, name: str, extracted: Extracted) -> Members:
    """Return the result of a document with the members for its pages. ``name`` is that of a result that is a list."""
    members: Members = dict(result) if isinstance(result, dict) else {name: result}
    count = max(extracted.pages or 1, 1)
    members["DocumentMetadata"] = {"Pages": count, "ExtractedCharacters": _characters(extracted)}
    members["DocumentType"] = [{"Page": page, "Type": _type(extracted, page)} for page in range(1, count + 1)]
    if name == "Entities" and extracted.blocks:
        members["Blocks"] = [_block(number, each, extracted.text) for number, each in enumerate(extracted.blocks)]
        begins = [each.begin for each in extracted.blocks]
        members[name] = [
            each | {"BlockReferences": _references(each, extracted.blocks, begins)} for each in members[name]
        ]
    if extracted.bad_pages:
        message = "The page is damaged and has no text."
        members["Errors"] = [
            {"Page": page, "ErrorCode": "TEXTRACT_BAD_PAGE", "ErrorMessage": message} for page in extracted.bad_pages
        ]
    if BY_NAME[extracted.format].document_type != "PLAIN_TEXT":
        members["Warnings"] = [{"Page": page, **_PLAIN_MODEL} for page in range(1, count + 1)]
    return members


def _characters(extracted: Extracted) -> list[dict[str, int]]:
    if not extracted.blocks:
        return [{"Page": 1, "Count": len(extracted.text)}]
    counts: Counter[int] = Counter()
    for each in extracted.blocks:
        counts[each.page] += each.end - each.begin
    return [{"Page": page, "Count": count} for page, count in sorted(counts.items())]


def _type(extracted: Extracted, page: int) -> str:
    return (
        SCANNED if extracted.format == "pdf" and page in extracted.scanned else BY_NAME[extracted.format].document_type
    )


def _block(number: int, block: Block, text: str) -> dict[str, Any]:
    members: dict[str, Any] = {
        "Id": _id(number),
        "BlockType": "LINE",
        "Text": text[block.begin : block.end],
        "Page": block.page,
    }
    if block.box is not None:
        left, top, width, height = block.box
        corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
        members["Geometry"] = {
            "BoundingBox": {"Left": left, "Top": top, "Width": width, "Height": height},
            "Polygon": [{"X": round(x, 6), "Y": round(y, 6)} for x, y in corners],
        }
    return members


def _references(entity: Mapping[str, Any], blocks: Sequence[Block], begins: Sequence[int]) -> list[dict[str, Any]]:
    """Return the lines that an entity is in, with its offsets in each of them."""
    begin, end = entity["BeginOffset"], entity["EndOffset"]
    found = []
    for number in range(max(bisect_right(begins, begin) - 1, 0), len(blocks)):
        block = blocks[number]
        if block.begin >= end:
            break
        if block.end > begin:
            within = {
                "BeginOffset": max(begin, block.begin) - block.begin,
                "EndOffset": min(end, block.end) - block.begin,
            }
            found.append({"BlockId": _id(number), **within})
    return found


def _id(number: int) -> str:
    return f"line-{number + 1}"
