"""E-mail: messages (eml) and mailboxes (mbox). Each attachment is a document of its own."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.message import EmailMessage, Message
from typing import cast

from reading_room.analysis.readers.html import html_text
from reading_room.analysis.readers.plain import decode
from reading_room.analysis.readers.results import BROKEN, Builder, Extracted, Limits, ReadError

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_BEGIN = re.compile(rb"(?:\A|\n\r?\n)From [^\n]*\n")
_NAME_LENGTH = 120
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]+")
_ERRORS = (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError, AssertionError)
"""What the standard library's parser raises for headers and bodies that are no e-mail's."""

Attachment = tuple[str, bytes]
"""The name and the content of an attachment."""


def read_message(content: bytes, limits: Limits) -> tuple[Extracted, list[Attachment]]:
    """Return the text of a message, its headers first, and its attachments. Raise ``ReadError``."""
    builder = Builder(limits)
    attachments: list[Attachment] = []
    try:
        message = email.message_from_bytes(content, policy=email.policy.default)
        for name in _HEADERS:
            if (value := _header(message, name)) is not None:
                builder.line(f"{name}: {value}")
        builder.line("")
        for part in _parts(message, limits):
            kind = part.get_content_type()
            given = part.get_filename()
            if kind == "message/rfc822":
                attachments.append((_named(given, attachments, ".eml"), _inner(part)))
            elif given or part.get_content_disposition() == "attachment" or part.get_content_maintype() != "text":
                attachments.append((_named(given, attachments, ""), _payload(part)))
            elif kind == "text/html":
                html_text(_text(part), builder)
            else:
                for line in _text(part).splitlines():
                    builder.line(line)
    except _ERRORS as error:
        raise ReadError(BROKEN, f"it is not an e-mail that can be read: {type(error).__name__}") from None
    return Extracted("", "email", builder.text(), tuple(builder.blocks)), attachments


def messages(content: bytes, limits: Limits) -> Iterator[Attachment]:
    """Yield the messages of a mailbox. Raise ``ReadError``."""
    found = list(_BEGIN.finditer(content))
    if not found:
        raise ReadError(BROKEN, "it is a mailbox without a message")
    begins, ends = [each.end() for each in found], [each.start() for each in found[1:]]
    for number, (begin, end) in enumerate(zip(begins, [*ends, len(content)], strict=True), 1):
        if number > limits.documents:
            raise ReadError(BROKEN, f"it has more than {limits.documents:,} messages")
        yield f"message-{number}", content[begin:end].replace(b"\n>From ", b"\nFrom ")


def _parts(message: EmailMessage, limits: Limits) -> Iterator[EmailMessage]:
    """Yield the parts that have content, of alternatives only the one that has the text."""
    left: list[tuple[int, EmailMessage]] = [(0, message)]
    count = 0
    while left:
        depth, part = left.pop()
        count += 1
        if count > limits.documents:
            raise ReadError(BROKEN, f"it has more than {limits.documents:,} parts")
        if depth > limits.depth:
            raise ReadError(BROKEN, f"its parts are more than {limits.depth} deep in each other")
        if part.get_content_type() == "message/rfc822" or not part.is_multipart():
            yield part
            continue
        below = [cast(EmailMessage, each) for each in part.get_payload()]
        if part.get_content_subtype() == "alternative":
            plain = [each for each in below if each.get_content_type() == "text/plain"]
            below = plain or below[-1:]
        left += [(depth + 1, each) for each in reversed(below)]


def _header(message: EmailMessage, name: str) -> str | None:
    try:
        value = message[name]
    except _ERRORS:
        return None
    return None if value is None else " ".join(str(value).encode("utf-8", "replace").decode().split())


def _payload(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _inner(part: EmailMessage) -> bytes:
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        return inner[0].as_bytes()
    return _payload(part)


def _text(part: Message) -> str:
    content = _payload(part)
    declared = part.get_content_charset()
    if declared is not None:
        try:
            return content.decode(declared)
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(content)[0]


def _named(name: str | None, others: list[Attachment], suffix: str) -> str:
    """Return a name for an attachment that no other one has, and that is only a name."""
    cleaned = _UNSAFE.sub("_", (name or "").encode("utf-8", "replace").decode()).strip(" .")[-_NAME_LENGTH:]
    wanted = cleaned or f"attachment-{len(others) + 1}"
    if suffix and not wanted.lower().endswith(suffix):
        wanted += suffix
    taken = {each for each, _ in others}
    return wanted if wanted not in taken else f"{len(others) + 1}-{wanted}"
