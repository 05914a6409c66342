"""Scalars as text: which notations are accepted, which are refused, and which are written."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from botocore.model import Shape

from reading_room.aws.protocols import scalars

NEW_YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NAIVE = NEW_YEAR.replace(tzinfo=None)
IN_THE_EAST = dt.datetime(2026, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2)))
LATER = NEW_YEAR + dt.timedelta(microseconds=250_999)


def shape(kind: str, **more: str) -> Shape:
    """Return a shape of a type."""
    return Shape("Given", {"type": kind, **more})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", " kept as it is ", " kept as it is "),
        ("character", " ", " "),
        ("boolean", "true", True),
        ("boolean", " FALSE ", False),
        ("integer", "-2147483648", -(2**31)),
        ("integer", "+2147483647", 2**31 - 1),
        ("integer", " 7 ", 7),
        ("long", "-9223372036854775808", -(2**63)),
        ("long", "9223372036854775807", 2**63 - 1),
        ("float", "1.5e2", 150.0),
        ("double", ".5", 0.5),
        ("double", "-Infinity", -math.inf),
        ("timestamp", "2026-01-01T00:00:00Z", NEW_YEAR),
        ("timestamp", "2026-01-01T02:00:00+02:00", NEW_YEAR),
        ("timestamp", "2026-01-01T00:00:00", NEW_YEAR),
        ("timestamp", "2026-01-01T00:00:00.250999123Z", LATER),
        ("timestamp", "2026-01-01T00:00:00.25Z", NEW_YEAR + dt.timedelta(milliseconds=250)),
        ("timestamp", "Thu, 01 Jan 2026 00:00:00 GMT", NEW_YEAR),
        ("timestamp", "1767225600", NEW_YEAR),
        ("timestamp", "1767225600.25", NEW_YEAR + dt.timedelta(milliseconds=250)),
        ("blob", "YWI=", b"ab"),
    ],
)
def test_text_is_parsed_by_its_type(kind: str, text: str, value: object) -> None:
    read = scalars.read_text(shape(kind), text)
    assert (type(read), read) == (type(value), value)


def test_nan_is_parsed() -> None:
    assert math.isnan(scalars.read_text(shape("double"), "NaN"))


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("boolean", "yes", "a Boolean"),
        ("integer", "2147483648", "an Integer"),
        ("integer", "-2147483649", "an Integer"),
        ("integer", "1.0", "an Integer"),
        ("integer", "1_000", "an Integer"),
        ("integer", "", "an Integer"),
        ("integer", "١", "an Integer"),
        ("long", "9223372036854775808", "a Long"),
        ("float", "1e", "a Float"),
        ("double", "nan", "a Double"),
        ("double", ".", "a Double"),
        ("timestamp", "yesterday", "a Timestamp"),
        ("timestamp", "Thu, 99 Jan 2026 00:00:00 GMT", "a Timestamp"),
        ("timestamp", "1e30", "a Timestamp"),
        ("timestamp", "NaN", "a Timestamp"),
        ("blob", "YWI", "a base64 encoded string"),
        ("blob", "Y WI=", "a base64 encoded string"),
        ("map", "anything", "a map"),
    ],
)
def test_the_error_for_text_of_a_wrong_type_names_the_expected_type(kind: str, text: str, expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        scalars.read_text(shape(kind), text)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("written_as", "value", "text"),
    [
        (shape("string"), "ab", "ab"),
        (shape("boolean"), True, "true"),
        (shape("boolean"), False, "false"),
        (shape("integer"), 7, "7"),
        (shape("long"), 2**40, "1099511627776"),
        (shape("float"), 0.1, "0.1"),
        (shape("double"), 2, "2.0"),
        (shape("double"), math.inf, "Infinity"),
        (shape("double"), -math.inf, "-Infinity"),
        (shape("double"), math.nan, "NaN"),
        (shape("blob"), b"ab", "YWI="),
        (shape("blob"), "ab", "YWI="),
        (shape("character"), "x", "x"),
        (shape("timestamp"), LATER, "2026-01-01T00:00:00.250Z"),
        (shape("timestamp"), NAIVE, "2026-01-01T00:00:00.000Z"),
        (shape("timestamp"), IN_THE_EAST, "2026-01-01T00:00:00.000Z"),
        (shape("timestamp", timestampFormat="rfc822"), IN_THE_EAST, "Thu, 01 Jan 2026 00:00:00 GMT"),
        (shape("timestamp", timestampFormat="unixTimestamp"), NEW_YEAR, "1767225600"),
        (shape("timestamp", timestampFormat="unixTimestamp"), NAIVE, "1767225600"),
        (shape("timestamp", timestampFormat="unixTimestamp"), LATER, "1767225600.25"),
    ],
)
def test_a_value_is_formatted_by_its_type(written_as: Shape, value: Any, text: str) -> None:
    assert scalars.write_text(written_as, value) == text


def test_a_timestamp_has_the_format_of_its_shape_or_else_of_the_protocol() -> None:
    assert scalars.write_text(shape("timestamp"), NEW_YEAR, "rfc822") == "Thu, 01 Jan 2026 00:00:00 GMT"
    iso = shape("timestamp", timestampFormat="iso8601")
    assert scalars.write_text(iso, NEW_YEAR, "rfc822") == "2026-01-01T00:00:00.000Z"


def test_timestamps_before_the_epoch_are_supported() -> None:
    assert scalars.epoch(-0.5) == dt.datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=dt.UTC)
    assert scalars.write_epoch(scalars.epoch(-0.5)) == -0.5
