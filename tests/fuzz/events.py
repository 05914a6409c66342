"""What a stranger's web server answers to a state event, and what the process that asked it says."""

from __future__ import annotations

import re

from reading_room.checked_post import AllowList, Answer, PostRefused, check_url, read_answer
from reading_room.codec import DocumentError, encode
from reading_room.state_events import sender_socket
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


def webhook_posted(data: bytes) -> None:
    """The answer of the process that sends: refused, or the same when written and read again."""
    try:
        posted = sender_socket.read_answer(data)
    except DocumentError:
        return
    assert len(posted.reason) <= 1_000
    assert sender_socket.read_answer(encode(posted)) == posted
