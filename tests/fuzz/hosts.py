"""Documents of hosts that have no certificate yet, and the answers of a server that is not verified yet."""

from __future__ import annotations

from dataclasses import replace

from reading_room.codec import DocumentError, decode, encode
from reading_room.fleet import hosts
from reading_room.fleet.certificates import key_digest, requested_key
from reading_room.fleet.errors import HostRefused
from reading_room.fleet.hosts import NewHost
from reading_room.hosts.joining.documents import (
    Answer,
    JoinWanted,
    Question,
    Welcome,
    read_answer,
    read_question,
)
from reading_room.versions import is_older


def join_question(data: bytes) -> None:
    """A question: refused, or one that stays the same; a host that wants to join is checked, too."""
    try:
        question = read_question(data)
    except DocumentError as error:
        str(error).encode()
        return
    assert decode(Question, encode(question)) == question
    is_older(question.program.program, "0.1.0")
    wanted = question.wanted
    if not isinstance(wanted, JoinWanted):
        return
    assert repr(replace(wanted, token="")) == repr(wanted)
    try:
        key = key_digest(requested_key(wanted.request))
    except HostRefused as error:
        str(error).encode()
        key = ""
    labels = {each.key: each.value for each in wanted.labels}
    new = NewHost(
        host=wanted.host,
        zone=wanted.zone,
        underlay=wanted.underlay,
        mtu=wanted.mtu,
        cores=wanted.cores,
        memory_bytes=wanted.memory_bytes,
        public_key=key,
        program="0.1.0",
        labels=labels,
    )
    try:
        hosts.check(new, ("us-east-1a",))
    except HostRefused as error:
        str(error).encode()
        return
    assert new.host.isascii()
    assert len(new.labels) <= hosts.MOST_LABELS


def join_answer(data: bytes) -> None:
    """An answer: refused, or one that stays the same."""
    try:
        answer = read_answer(data)
    except DocumentError as error:
        str(error).encode()
        return
    assert decode(Answer, encode(answer)) == answer
    if isinstance(answer.body, Welcome):
        assert isinstance(answer.body.number, int)
