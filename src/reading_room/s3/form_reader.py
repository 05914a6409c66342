"""The ``multipart/form-data`` of a browser's form, taken apart as it comes.

The fields must come before the file, whose bytes stream. What follows the file is ignored.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping

from reading_room.s3.errors import InvalidArgument
from reading_room.s3.form_errors import FormTooLarge, MalformedPOSTRequest

FIELDS_LIMIT = 20 * 1024
"""Bytes that the fields before the file may have together, with their part headers."""
_BOUNDARY = re.compile(r'multipart/form-data\s*;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*(name|filename)=(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)


async def read_fields(
    content_type: str, chunks: AsyncIterator[bytes]
) -> tuple[Mapping[str, str], str, AsyncIterator[bytes]]:
    """Read a form up to the first byte of its file. Return the fields, the file's name and the file's bytes.

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
            return fields, file_name, reader.file()
        if name in fields:
            raise MalformedPOSTRequest
        fields[name] = _text(await reader.until(reader.delimiter))
    raise InvalidArgument("file", "0", "POST requires exactly one file upload per request.")


class _Reader:
    """Reads a stream up to delimiters, and then the file, without holding the whole stream in memory."""

    def __init__(self, chunks: AsyncIterator[bytes], delimiter: bytes) -> None:
        self.delimiter = delimiter
        self._chunks = chunks
        # No line precedes the first delimiter.
        self._buffer = bytearray(b"\r\n")
        self._taken = 0

    async def open(self) -> None:
        """Read the first delimiter, with which the body must begin."""
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
        """Return the bytes before a mark, and continue after the mark."""
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
    """Return the name and the file name, if any, in the headers of a part."""
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
