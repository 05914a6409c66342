"""What a stranger's web server answers, and lists of allowed hosts."""

from __future__ import annotations

import re

from reading_room.checked_post import AllowList, Answer, PostRefused, check_url, read_answer
from tests.fuzz import assert_printable

ALLOWED = AllowList.parse("hooks.example,10.0.0.0/8,fd00::/8")


def webhook_answer(data: bytes) -> None:
    """The head of an answer: a status, perhaps with a redirect, which is followed to allowed hosts only."""
    try:
        answer = read_answer(data)
    except ConnectionError:
        return
    assert isinstance(answer, Answer)
    assert 100 <= answer.status <= 999
    if answer.location is None:
        return
    assert_printable(answer.location)
    try:
        parts = check_url(answer.location, ALLOWED)
    except PostRefused as refused:
        assert_printable(str(refused))
        return
    host = str(parts.hostname)
    assert parts.scheme == "https"
    assert host.rstrip(".") == "hooks.example" or re.match(r"10\.|fd", host) or ":" in host


def webhook_allow_list(data: bytes) -> None:
    """An allow list: refused, or the same when written and read again."""
    try:
        read = AllowList.parse(data.decode("latin-1"))
    except ValueError:
        return
    assert AllowList.parse(str(read)) == read
