"""Numbers, timestamps, blobs and booleans as text and back, for every protocol that writes text.

The readers raise ``ValueError`` with the expected type, from which the protocol makes its own error.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from botocore.model import Shape

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?|NaN|-?Infinity", re.ASCII)
_FRACTION = re.compile(r"\.([0-9]+)")
INTEGER_BOUNDS = {"integer": 2**31, "long": 2**63}
EXPECTED = {
    "boolean": "a Boolean",
    "integer": "an Integer",
    "long": "a Long",
    "float": "a Float",
    "double": "a Double",
    "timestamp": "a Timestamp",
    "blob": "a base64 encoded string",
    "string": "a String",
}
"""The name of each type in messages."""


def read_text(shape: Shape, text: str) -> Any:
    """Read the text of a scalar of an XML body or a form. Raises ``ValueError``."""
    kind = shape.type_name
    if kind == "string" or kind == "character":
        return text
    text = text.strip()
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise ValueError(EXPECTED[kind])
        return text.lower() == "true"
    if kind in INTEGER_BOUNDS:
        return read_integer(kind, text)
    if kind in ("float", "double"):
        if not _FLOAT.fullmatch(text):
            raise ValueError(EXPECTED[kind])
        return float(text)
    if kind == "timestamp":
        return read_timestamp(text)
    if kind == "blob":
        return read_blob(text)
    raise ValueError(f"a {kind}")


def read_integer(kind: str, text: str) -> int:
    """Read an integer within the bounds of its type. Raises ``ValueError``."""
    bound = INTEGER_BOUNDS[kind]
    if not _INTEGER.fullmatch(text) or not -bound <= int(text) < bound:
        raise ValueError(EXPECTED[kind])
    return int(text)


def read_blob(text: str) -> bytes:
    """Decode base64. Raises ``ValueError``."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(EXPECTED["blob"]) from None


def read_timestamp(text: str) -> dt.datetime:
    """Read a timestamp: ISO 8601, an HTTP date, or seconds since the epoch. Raises ``ValueError``."""
    try:
        if _FLOAT.fullmatch(text):
            return epoch(float(text))
        if len(text) > 3 and text[3] == ",":
            moment = parsedate_to_datetime(text)
        else:
            # The wire allows more than six digits of a fraction, datetime does not.
            moment = dt.datetime.fromisoformat(_FRACTION.sub(lambda m: "." + m[1][:6].ljust(6, "0"), text))
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(EXPECTED["timestamp"]) from None


def epoch(seconds: float) -> dt.datetime:
    """Return the time some seconds after the epoch. Raises ``ValueError`` outside the range of ``datetime``."""
    try:
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise ValueError(EXPECTED["timestamp"]) from None


def write_timestamp(moment: dt.datetime, style: str) -> str:
    """Write a time as ``iso8601`` (milliseconds), ``rfc822`` or ``unixTimestamp``."""
    moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    if style == "rfc822":
        return format_datetime(moment, usegmt=True)
    if style == "unixTimestamp":
        return str(write_epoch(moment))
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def write_epoch(moment: dt.datetime) -> int | float:
    """Return seconds since the epoch with milliseconds, an integer if there are none."""
    moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
    milliseconds = (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000


def write_float(value: float) -> str:
    """Write a number so that it reads back the same, and infinities as in the protocols."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(float(value))


def write_text(shape: Shape, value: Any, style: str = "iso8601") -> str:
    """Write a scalar as text; ``style`` is the timestamp format if the shape names none."""
    kind = shape.type_name
    if kind == "string":
        return str(value)
    if kind == "boolean":
        return "true" if value else "false"
    if kind in INTEGER_BOUNDS:
        return str(int(value))
    if kind in ("float", "double"):
        return write_float(value)
    if kind == "timestamp":
        return write_timestamp(value, shape.serialization.get("timestampFormat", style))
    if kind == "blob":
        return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
    return str(value)
