"""Filter patterns, as documented in the CloudWatch Logs User Guide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.logs.errors import InvalidFilterPattern
from reading_room.logs.filter_patterns import parse_filter_pattern

FLOW = "2 000000000001 eni-1 10.0.1.5 52.216.0.10 40000 443 6 10 5000 1 2 REJECT OK"
JSON = '{"action": "REJECT", "bytes": 5000, "odd name": 1, "tags": ["a", {"k": null}], "on": true, "name": "job-7"}'


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("", "anything", True),
        ("  ", "anything", True),
        ("REJECT", FLOW, True),
        ("reject", FLOW, False),
        ("REJECT OK", FLOW, True),
        ("REJECT SKIPDATA", FLOW, False),
        ("?SKIPDATA ?REJECT", FLOW, True),
        ("?SKIPDATA ?NODATA", FLOW, False),
        ("REJECT -NODATA", FLOW, True),
        ("OK -REJECT", FLOW, False),
        ('"REJECT OK"', FLOW, True),
        ('"OK REJECT"', FLOW, False),
        ('-"52.216.0.10"', FLOW, False),
        (r'"say \"hi\""', 'say "hi"', True),
        ('{ $.action = "REJECT" }', JSON, True),
        ('{ $.action != "REJECT" }', JSON, False),
        ('{ $.missing != "REJECT" }', JSON, False),
        ("{ $.bytes = 5000 }", JSON, True),
        ("{ $.bytes >= 5000 && $.bytes < 5001 }", JSON, True),
        ("{ $.bytes > 5000 || $.action = RE* }", JSON, True),
        ("{ ($.bytes > 5000 || $.on IS TRUE) && $.name = job-* }", JSON, True),
        ("{ $.tags[0] = a }", JSON, True),
        ("{ $.tags[1].k IS NULL }", JSON, True),
        ("{ $.tags[7] NOT EXISTS }", JSON, True),
        ('{ $.["odd name"] = 1 }', JSON, True),
        ("{ $.action = REJECT }", FLOW, False),
        ('{ $.name = "job-[7]" }', JSON, False),
        ("[..., action = REJECT, status]", FLOW, True),
        ("[..., action = ACCEPT, status]", FLOW, False),
        ("[version, account, eni = eni-*, ...]", FLOW, True),
        ("[version, account, eni, source, dest, sport, dport = 443 || dport = 80, ..., status]", FLOW, True),
        ("[a, b, c, d, e, f, g, h, i, bytes > 4999 && bytes <= 5000, ...]", FLOW, True),
        ("[a, b, c, d, e, f, g, h, i, bytes > 5000, ...]", FLOW, False),
        ("[a, b, c]", FLOW, False),
        ('[ip, time = 10*, request = "GET *", code]', '192.0.2.1 [10/Oct 13:55] "GET /a HTTP/1.0" 200', True),
    ],
)
def test_a_pattern_matches(pattern: str, message: str, expected: bool) -> None:
    assert parse_filter_pattern(pattern).matches(message) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "52.216.0.10",
        '"open',
        "[version, account",
        "[]",
        "[a,]",
        "[a, , b]",
        "[..., a, ...]",
        "[a = ]",
        "[a = 1 && b = 2]",
        "[a > x]",
        "[1a]",
        "%a+%",
        "{ $.a = 1",
        "{ }",
        "{ a = 1 }",
        "{ $.a }",
        "{ $.a > x }",
        "{ ($.a = 1 }",
        "{ $.a = 1 ) }",
        "{" + "(" * 1000 + "}",
    ],
)
def test_an_unsupported_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidFilterPattern):
        parse_filter_pattern(pattern)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_breaks_the_parser(pattern: str, message: str) -> None:
    try:
        parse_filter_pattern(pattern).matches(message)
    except InvalidFilterPattern:
        pass
