"""Tags of objects and buckets: their forms in a header and in XML, and their rules.

AWS source: "Categorizing your objects using tags" and "Using cost allocation tags", S3 user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from reading_room.s3.errors import InvalidArgument, MalformedXML
from reading_room.s3.setting_errors import InvalidTag, TooManyTags

_KEY_LIMIT, _VALUE_LIMIT = 128, 256
_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*")
_HEADER_TEXT = (
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
    "without tag name duplicates."
)

Tags = dict[str, str]


@dataclass(frozen=True, slots=True)
class TagRules:
    """The rules for the tags of one kind of resource, and S3's messages about them."""

    most: int
    counted_as: str
    reserved: str
    """The message about the prefix ``aws:``."""


OBJECT_TAGS = TagRules(10, "Object tags", "Your TagKey cannot be prefixed with aws:")
BUCKET_TAGS = TagRules(50, "Bucket tag count", "System tags cannot be added/updated by requester")


def read_header(header: str) -> Tags:
    """Return the tags of an ``x-amz-tagging`` header. Raises ``InvalidArgument``, ``InvalidTag``, ``TooManyTags``."""
    pairs: list[tuple[str, str]] = []
    for part in filter(None, header.split("&")):
        name, _, value = part.partition("=")
        if "=" in value:
            raise InvalidArgument("x-amz-tagging", header, _HEADER_TEXT)
        try:
            pairs.append((_decode(name), _decode(value)))
        except UnicodeDecodeError:
            raise InvalidArgument("x-amz-tagging", header, _HEADER_TEXT) from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise InvalidArgument("x-amz-tagging", header, _HEADER_TEXT)
    return _checked(pairs, OBJECT_TAGS)


def read_tag_set(tagging: Mapping[str, Any] | None, rules: TagRules) -> Tags:
    """Return the tags of a ``Tagging`` document. Raises ``MalformedXML``, ``InvalidTag``, ``TooManyTags``."""
    entries: Sequence[Mapping[str, str]] | None = (tagging or {}).get("TagSet")
    if entries is None or any("Key" not in entry or "Value" not in entry for entry in entries):
        raise MalformedXML
    pairs = [(entry["Key"], entry["Value"]) for entry in entries]
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise InvalidTag("Cannot provide multiple Tags with the same key", repeated)
    return _checked(pairs, rules)


def tag_set(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    """Return tags in the form of a response."""
    return [{"Key": name, "Value": value} for name, value in (tags or {}).items()]


def requested_tags(parameters: Mapping[str, Any]) -> Tags:
    """Return the tags that a request sets on an object, from its header or its body; empty if there are none."""
    tagging = parameters.get("Tagging")
    if isinstance(tagging, str):
        return read_header(tagging)
    return read_tag_set(tagging, OBJECT_TAGS) if tagging is not None else {}


def _checked(pairs: Iterable[tuple[str, str]], rules: TagRules) -> Tags:
    tags = dict(pairs)
    if len(tags) > rules.most:
        raise TooManyTags(rules.counted_as, rules.most)
    for name, value in tags.items():
        if not 1 <= len(name) <= _KEY_LIMIT or not _ALLOWED.fullmatch(name):
            raise InvalidTag("The TagKey you have provided is invalid", name)
        if name.lower().startswith("aws:"):
            raise InvalidTag(rules.reserved, name)
        if len(value) > _VALUE_LIMIT or not _ALLOWED.fullmatch(value):
            raise InvalidTag("The TagValue you have provided is invalid", name, value)
    return tags


def _decode(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode()
