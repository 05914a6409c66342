"""Ranges and preconditions of reads and writes: pure functions on header values.

AWS source: GetObject and PutObject in the S3 API reference; RFC 9110, sections 13 and 14.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from reading_room.s3.errors import InvalidArgument, InvalidRange, InvalidRequest, NotModified, PreconditionFailed

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return offset and length of ``bytes=A-B``, ``A-`` or ``-N`` in an object of ``size`` bytes.

    ``None`` means that the header is ignored, as S3 ignores several ranges and malformed ones. Raises ``InvalidRange``
    if no byte of the range exists.
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        if not length:
            raise InvalidRange(header, size)
        return size - length, length
    first = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < first:
        return None
    if first >= size:
        raise InvalidRange(header, size)
    return first, min(last, size - 1) - first + 1


def parse_copy_range(header: str, size: int) -> tuple[int, int]:
    """Return offset and length of ``bytes=A-B`` for a part that is copied from a source of ``size`` bytes.

    Unlike the range of a read, it must have this form and exist completely. Raises ``InvalidArgument``, and
    ``InvalidRequest`` if no byte of it exists.
    """
    match = _RANGE.fullmatch(header)
    if match is None or not match[1] or not match[2] or int(match[1]) > int(match[2]):
        problem = (
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy"
        )
        raise InvalidArgument("x-amz-copy-source-range", header, problem)
    first, last = int(match[1]), int(match[2])
    if first >= size:
        raise InvalidRequest("The specified copy range is invalid for the source object size")
    if last >= size:
        problem = f"Range specified is not valid for source object of size: {size}"
        raise InvalidArgument("x-amz-copy-source-range", header, problem)
    return first, last - first + 1


def check_read(
    parameters: Mapping[str, Any], etag: str, last_modified: dt.datetime, headers: Mapping[str, str]
) -> None:
    """Check the If-… parameters of a read. Raises ``PreconditionFailed``, or ``NotModified`` with ``headers``."""
    modified = last_modified.replace(microsecond=0)
    if_match, if_none_match = parameters.get("IfMatch"), parameters.get("IfNoneMatch")
    if if_match is not None:
        if not matches(if_match, etag):
            raise PreconditionFailed("If-Match")
    elif (since := parameters.get("IfUnmodifiedSince")) is not None and modified > since:
        raise PreconditionFailed("If-Unmodified-Since")
    if if_none_match is not None:
        if matches(if_none_match, etag):
            raise NotModified(headers)
    elif (since := parameters.get("IfModifiedSince")) is not None and modified <= since:
        raise NotModified(headers)


def check_copy_source(parameters: Mapping[str, Any], etag: str, last_modified: dt.datetime) -> None:
    """Check the x-amz-copy-source-if-… parameters. Raises ``PreconditionFailed``."""
    names = ("IfMatch", "IfNoneMatch", "IfUnmodifiedSince", "IfModifiedSince")
    plain = {name: parameters.get(f"CopySource{name}") for name in names}
    try:
        check_read({k: v for k, v in plain.items() if v is not None}, etag, last_modified, {})
    except NotModified:
        condition = "If-None-Match" if plain["IfNoneMatch"] is not None else "If-Modified-Since"
        raise PreconditionFailed(f"x-amz-copy-source-{condition}") from None
    except PreconditionFailed as error:
        raise PreconditionFailed(f"x-amz-copy-source-{error.extra['Condition']}") from None


def matches(header: str, etag: str) -> bool:
    """Say whether a list of entity tags, quoted or not, or ``*``, includes this one."""
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")}
    return "*" in tags or etag in tags
