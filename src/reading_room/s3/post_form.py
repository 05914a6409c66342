"""Browser uploads: a form's ``multipart/form-data`` taken apart as it comes, turned into the PutObject that it means.

The fields must come before the file, whose bytes stream; what comes after it is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode, urlsplit
from xml.etree.ElementTree import Element  # nosec B405 # the type alone; defusedxml parses

from reading_room.aws.call import IncomingRequest
from reading_room.aws.protocols.xml import DECLARATION, element, read
from reading_room.s3.addressing import KEY_LIMIT, Address
from reading_room.s3.backends.backend import S3Response
from reading_room.s3.checksums import Digests
from reading_room.s3.errors import InvalidArgument, KeyTooLong, MalformedXML
from reading_room.s3.form_errors import FileTooSmall, FormTooLarge, MalformedPOSTRequest
from reading_room.s3.post_policy import PostPolicy
from reading_room.s3.streaming import Expectation, UploadBody
from reading_room.s3.tagging import OBJECT_TAGS, read_tag_set

FIELDS_LIMIT = 20 * 1024
"""Bytes that the fields before the file may have together, with their part headers."""
_BOUNDARY = re.compile(r'multipart/form-data\s*;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*(name|filename)=(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)
_PLAIN = frozenset({"cache-control", "content-disposition", "content-encoding", "content-type", "expires"})
_OF_FORM = frozenset({"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token"})


def is_form(method: str, address: Address, headers: Mapping[str, str]) -> bool:
    """Say whether a request is a browser's upload."""
    posted = method == "POST" and address.bucket is not None and address.key is None
    return posted and headers.get("content-type", "").lower().startswith("multipart/form-data")


@dataclass(frozen=True, slots=True)
class Form:
    """A form whose file is still to be read. Field names are in lower case."""

    fields: Mapping[str, str]
    file_name: str
    file: AsyncIterator[bytes]

    @property
    def key(self) -> str:
        """The object's key, ``${filename}`` filled in. Raises ``InvalidArgument`` and ``KeyTooLong``."""
        name = re.split(r"[/\\]", self.file_name)[-1]
        key = self.fields.get("key", "").replace("${filename}", name)
        if not key:
            raise InvalidArgument(
                "key",
                "",
                "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the "
                "fields.",
            )
        if len(key.encode()) > KEY_LIMIT:
            raise KeyTooLong(len(key.encode()))
        return key

    def headers(self, request: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that a PutObject of the same meaning has. Raises ``MalformedXML`` for tags."""
        headers = {name: value for name, value in request.items() if name in ("host", "origin", "user-agent")}
        for name, value in self.fields.items():
            if not value.isprintable():
                raise InvalidArgument(name, value, "A field that becomes a header must be printable.")
            if name == "acl":
                headers["x-amz-acl"] = value
            elif name in _PLAIN or (name.startswith("x-amz-") and name not in _OF_FORM):
                headers[name] = value
        if "tagging" in self.fields:
            headers["x-amz-tagging"] = urlencode(_tags(self.fields["tagging"]), quote_via=quote)
        return headers

    def as_put(self, incoming: IncomingRequest, headers: Mapping[str, str]) -> IncomingRequest:
        """Return the request that means the same without a form."""
        return replace(incoming, method="PUT", query_string="", headers=tuple(headers.items()))

    def answer(self, stored: S3Response, address: Address, incoming: IncomingRequest) -> S3Response:
        """Return the answer that the form asks for: a redirect, or a status with or without a document."""
        assert address.bucket is not None
        etag = dict(stored.headers)["etag"]
        scheme, host = "https" if incoming.path.secure else "http", incoming.header("host") or ""
        folder = "" if address.virtual else f"/{address.bucket}"
        location = f"{scheme}://{host}{folder}/{quote(self.key, safe='/~')}"
        target = self.fields.get("success_action_redirect") or self.fields.get("redirect") or ""
        if _is_address(target):
            told = urlencode({"bucket": address.bucket, "key": self.key, "etag": etag})
            return S3Response(303, (*stored.headers, ("location", f"{target}{'&' if '?' in target else '?'}{told}")))
        headers = (*stored.headers, ("location", location))
        status = self.fields.get("success_action_status")
        if status == "201":
            facts = {"Location": location, "Bucket": address.bucket, "Key": self.key, "ETag": etag}
            document = "".join(element(name, value) for name, value in facts.items())
            body = f"{DECLARATION}<PostResponse>{document}</PostResponse>".encode()
            return S3Response(201, (*headers, ("content-type", "application/xml")), body)
        return S3Response(200 if status == "200" else 204, headers)


class FormUpload(UploadBody):
    """The file of a form: as long as its policy allows."""

    def __init__(self, form: Form, headers: Mapping[str, str], policy: PostPolicy | None, executor: Executor) -> None:
        expectation = replace(Expectation.of({**headers, "content-length": "0"}, "UNSIGNED-PAYLOAD"), length=None)
        super().__init__(lambda: form.file, expectation, executor)
        self._range = policy.length if policy is not None else None

    async def drain(self, consume: Callable[[bytes], object], limit: int, algorithms: Sequence[str] = ()) -> Digests:
        """Read the file as any body. Raises ``EntityTooLarge`` and ``FileTooSmall`` besides."""
        least, most = self._range or (0, limit)
        digests = await super().drain(consume, min(limit, most), algorithms)
        if digests.size < least:
            raise FileTooSmall(digests.size, least)
        return digests


async def read_form(content_type: str, chunks: AsyncIterator[bytes]) -> Form:
    """Read a form up to the first byte of its file.

    Raises ``MalformedPOSTRequest``, ``FormTooLarge``, and ``InvalidArgument`` for a form without a file.
    """
    match = _BOUNDARY.fullmatch(content_type)
    if match is None:
        raise MalformedPOSTRequest
    reader = _Reader(chunks, b"\r\n--" + (match[1] or match[2]).encode())
    fields: dict[str, str] = {}
    await reader.open()
    while await reader.has_part():
        name, file_name = _disposition(await reader.until(b"\r\n\r\n"))
        if name == "file":
            return Form(fields, file_name, reader.file())
        if name in fields:
            raise MalformedPOSTRequest
        fields[name] = _text(await reader.until(reader.delimiter))
    raise InvalidArgument("file", "0", "POST requires exactly one file upload per request.")


class _Reader:
    """Bytes up to marks, and at last the file's, of a stream that is never held whole."""

    def __init__(self, chunks: AsyncIterator[bytes], delimiter: bytes) -> None:
        self.delimiter = delimiter
        self._chunks = chunks
        # The first delimiter has no line before it.
        self._buffer = bytearray(b"\r\n")
        self._taken = 0

    async def open(self) -> None:
        """Take the first delimiter, which must be the first thing."""
        if await self.until(self.delimiter):
            raise MalformedPOSTRequest

    async def has_part(self) -> bool:
        """Say, after a delimiter, whether a part follows it."""
        while len(self._buffer) < 2:
            await self._fill()
        end = bytes(self._buffer[:2])
        del self._buffer[:2]
        if end not in (b"\r\n", b"--"):
            raise MalformedPOSTRequest
        return end == b"\r\n"

    async def until(self, mark: bytes) -> bytes:
        """Return the bytes before a mark, and go on after it."""
        position = 0
        while (found := self._buffer.find(mark, position)) < 0:
            position = max(len(self._buffer) - len(mark) + 1, 0)
            if self._taken + len(self._buffer) > FIELDS_LIMIT:
                raise FormTooLarge
            await self._fill()
        taken = bytes(self._buffer[:found])
        self._taken += found + len(mark)
        if self._taken > FIELDS_LIMIT:
            raise FormTooLarge
        del self._buffer[: found + len(mark)]
        return taken

    async def file(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes."""
        while (found := self._buffer.find(self.delimiter)) < 0:
            safe = len(self._buffer) - len(self.delimiter) + 1
            if safe > 0:
                yield bytes(self._buffer[:safe])
                del self._buffer[:safe]
            await self._fill()
        if found:
            yield bytes(self._buffer[:found])

    async def _fill(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            raise MalformedPOSTRequest
        self._buffer += chunk


def _disposition(head: bytes) -> tuple[str, str]:
    """Return the name and the file name, if any, that a part's headers say."""
    headers: dict[str, str] = {}
    for line in _text(head).split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedPOSTRequest
        headers[name.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    found = {match[1].lower(): match[2] or match[3] or "" for match in _PARAMETER.finditer(disposition)}
    if not disposition.lower().startswith("form-data") or not found.get("name"):
        raise MalformedPOSTRequest
    return found["name"].lower(), found.get("filename", "")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MalformedPOSTRequest from None


def _tags(document: str) -> Mapping[str, str]:
    try:
        root: Element = read(document.encode())
    except ValueError:
        raise MalformedXML from None
    entries = [{child.tag: child.text or "" for child in tag} for tag in root.iterfind("TagSet/Tag")]
    return read_tag_set({"TagSet": entries}, OBJECT_TAGS)


def _is_address(text: str) -> bool:
    try:
        return text.isascii() and text.isprintable() and urlsplit(text).scheme in ("http", "https")
    except ValueError:
        return False
