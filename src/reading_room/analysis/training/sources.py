"""Training data in S3: the objects under a URI, and their lines as text.

Everything is read as a stream. Sizes come from the listing, so that data that is too large is refused before it is
read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from reading_room.analysis.documents import UTF8_BOM, Oversize, split_lines
from reading_room.analysis.job_file import Location
from reading_room.analysis.signatures import foreign, peeked
from reading_room.analysis.storage import JobFailure, Storage
from reading_room.analysis.training.places import INVALID, Place, Problem

LINE_LIMIT = 10_000_000
"""The greatest length of a line in bytes; a longer one is counted as a problem and not kept."""


class Source(NamedTuple):
    """An object of the training data."""

    bucket: str
    key: str
    size: int

    @property
    def file(self) -> str:
        """The last segment of the key, which annotations and messages call the file."""
        return self.key.rsplit("/", 1)[-1]

    @property
    def uri(self) -> str:
        """The object's full URI."""
        return f"s3://{self.bucket}/{self.key}"


class Line(NamedTuple):
    """A line of a file, with its number counting from 1."""

    number: int
    text: str


def location_of(uri: str) -> Location:
    """Return the bucket and key of an S3 URI. Raise ``JobFailure`` if it is not one."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise JobFailure(INVALID, f"{uri!r} is not an S3 URI; it should look like s3://bucket/key")
    return Location(bucket, key)


def sources(storage: Storage, uri: str, total_limit: int) -> list[Source]:
    """List the objects whose key begins with ``uri``.

    Raise ``JobFailure``: ``INPUT_NOT_FOUND`` if there is none, ``INPUT_TOO_LARGE`` if together they have more than
    ``total_limit`` bytes, ``INVALID_TRAINING_DATA`` if all are empty, and whatever the storage raises.
    """
    place = location_of(uri)
    found: list[Source] = []
    total = 0
    for entry in storage.list_input(place):
        found.append(Source(place.bucket, entry.key, entry.size))
        total += entry.size
        if total > total_limit:
            raise JobFailure("INPUT_TOO_LARGE", f"{uri} has more than {total_limit:,} bytes of training data")
    if not found:
        raise JobFailure("INPUT_NOT_FOUND", f"no object's key begins with {uri}")
    if total == 0:
        raise JobFailure(INVALID, f"{found[0].uri} is empty, and so is everything else under {uri}")
    return found


def lines(storage: Storage, source: Source, limit: int = LINE_LIMIT) -> Iterator[Line | Problem]:
    """Yield the lines of an object, or a problem for a line that is not UTF-8 or longer than ``limit`` bytes.

    Raise ``JobFailure`` (``INVALID_TRAINING_DATA``) if the object is not text at all, and whatever the storage raises.
    """
    for number, content in enumerate(split_lines(_text_only(storage, source), limit), 1):
        place = Place(source.file, number)
        if isinstance(content, Oversize):
            yield Problem(place, f"a line of more than {limit:,} bytes", f"it has {content.size:,}")
            continue
        kept = content.removeprefix(UTF8_BOM) if number == 1 else content
        try:
            yield Line(number, kept.decode())
        except UnicodeDecodeError as error:
            column = len(kept[: error.start].decode()) + 1
            yield Problem(place._replace(column=column), "text that is not UTF-8", f"byte 0x{kept[error.start]:02x}")


def whole_text(storage: Storage, source: Source, limit: int) -> str | Problem:
    """Return an object as one text with its own line ends, or a problem if it has more than ``limit`` bytes."""
    place = Place(source.file, 1)
    if source.size > limit:
        return Problem(place, f"a document of more than {limit:,} bytes", f"it has {source.size:,}")
    content = b"".join(_text_only(storage, source)).removeprefix(UTF8_BOM)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        place = Place(source.file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        return Problem(place, "text that is not UTF-8", f"byte 0x{content[error.start]:02x}")


def _text_only(storage: Storage, source: Source) -> Iterator[bytes]:
    """Yield an object's content, unless its first bytes show that it is not text."""
    head, chunks = peeked(storage.read(source.bucket, source.key))
    if what := foreign(head):
        raise JobFailure(
            INVALID, f"{source.uri} is {what}, not text in UTF-8: unpack or convert it, and store the text itself"
        )
    if b"\x00" in head:
        column = head.index(b"\x00")
        raise JobFailure(INVALID, f"{source.uri} is not text: it has a zero byte at offset {column}")
    yield from chunks
