"""Bodies that never end, at a listener of the APIs: signed requests are served meanwhile, and slow ones can finish."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from reading_room.aws.sigv4 import Credential
from reading_room.client import connect
from reading_room.hosts.unfinished import Proof, Room
from tests.worlds.aws import KEY, SESSION, world
from tests.worlds.aws_sockets import BUFFER, Listening, fronted, listening
from tests.worlds.waiting import DEADLINE, eventually

ROOM = {Proof.NOTHING: Room(10, 20, 1 << 20), Proof.KEY_NAMED: Room(5, 10, 1 << 20), Proof.ACCOUNT: Room(5, 10)}
BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
HALF = (
    b"POST / HTTP/1.1\r\nHost: sts.us-east-1.amazonaws.com\r\nContent-Length: 43\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nAction=Get"
)


@pytest.fixture(params=[listening, fronted], ids=["direct", "fronted"])
def here(request: pytest.FixtureRequest) -> Iterator[Listening]:
    """The APIs behind a listener with little room, on loopback and as for other machines."""
    with world() as made, request.param(made.app, unfinished=ROOM) as found:
        yield found


def signed(here: Listening, key: Credential = KEY, **headers: str) -> bytes:
    """Return a signed request up to its body."""
    request = AWSRequest(
        "POST",
        f"http://127.0.0.1:{here.port}/",
        data=BODY,
        headers={"Content-Type": "application/x-www-form-urlencoded", **headers},
    )
    SigV4Auth(Credentials(key.access_key_id, key.secret_access_key, key.session_token), "sts", "us-east-1").add_auth(
        request
    )
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join(["POST / HTTP/1.1", f"Host: 127.0.0.1:{here.port}", f"Content-Length: {len(BODY)}", *lines])
    return head.encode() + b"\r\n\r\n"


@contextmanager
def sent(here: Listening, *data: bytes) -> Iterator[list[socket.socket]]:
    """Send each piece of data over its own connection, and keep the connections open."""
    with ExitStack() as stack:
        found = []
        for each in data:
            found.append(stack.enter_context(socket.socket()))
            found[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)  # Before it connects, to have an effect.
            found[-1].settimeout(DEADLINE)
            found[-1].connect(("127.0.0.1", here.port))
            found[-1].sendall(each)
        yield found


def is_cut(connection: socket.socket) -> bool:
    """Wait for the end of a connection that was not answered."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def everything(connection: socket.socket) -> bytes:
    """Return what is received until a connection ends."""
    found = b""
    try:
        while data := connection.recv(1 << 16):
            found += data
    except ConnectionError:
        pass
    return found


def sts(here: Listening) -> Any:
    """Return a client that signs."""
    url = f"http://127.0.0.1:{here.port}"
    return connect("sts", url, access_key_id=KEY.access_key_id, secret_access_key=KEY.secret_access_key)


def test_unauthenticated_half_sent_requests_do_not_shut_others_out_on_loopback(here: Listening) -> None:
    with sent(here, *[HALF] * 50) as held:
        assert is_cut(held[0])
        assert sts(here).get_caller_identity()["Arn"] == KEY.principal.arn
        # One less if the body of the call came after its head, which had a place for a moment.
        eventually(lambda: here.unfinished.count(Proof.NOTHING) in (9, 10))
        assert all(map(is_cut, held[:40]))


@pytest.mark.parametrize(
    ("key", "headers"),
    [(SESSION, {}), (KEY, {"X-Amz-Content-SHA256": hashlib.sha256(BODY).hexdigest()})],
    ids=["the token of a temporary key", "the hash of the body"],
)
def test_a_slow_client_that_has_proven_itself_by_its_head_is_waited_for(
    here: Listening, key: Credential, headers: dict[str, str]
) -> None:
    with sent(here, signed(here, key, **headers) + BODY[:10]) as (slow,):
        eventually(lambda: here.unfinished.count(Proof.ACCOUNT) == 1)
        with sent(here, *[HALF] * 50) as held:
            assert is_cut(held[0])
            slow.sendall(BODY[10:])
            assert slow.recv(12) == b"HTTP/1.1 200"


def test_a_slow_client_whose_signature_covers_its_body_has_places_of_its_key(here: Listening) -> None:
    with sent(here, signed(here) + BODY[:10]) as (slow,):
        eventually(lambda: here.unfinished.count(Proof.KEY_NAMED) == 1)
        with sent(here, *[HALF] * 50) as held:
            assert is_cut(held[0])
            slow.sendall(BODY[10:])
            assert slow.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        (replace(KEY, access_key_id="AKIAEXAMPLE000000009"), {}),
        (replace(SESSION, session_token="another token"), {}),
        (replace(KEY, secret_access_key="wrong"), {"X-Amz-Content-SHA256": hashlib.sha256(BODY).hexdigest()}),
    ],
    ids=["an unknown key", "a wrong token", "a wrong signature"],
)
def test_a_head_that_proves_nothing_gets_no_more_room(
    here: Listening, key: Credential, headers: dict[str, str]
) -> None:
    request = signed(here, key, **headers) + BODY[:10]
    with sent(here, *[request] * 20) as held:
        assert is_cut(held[0])
        eventually(lambda: here.unfinished.count(Proof.NOTHING) == 10)
        assert here.unfinished.count(Proof.KEY_NAMED) == here.unfinished.count(Proof.ACCOUNT) == 0


def test_a_client_that_knows_a_keys_id_has_only_the_room_of_that_key(here: Listening) -> None:
    forged = signed(here, replace(KEY, secret_access_key="wrong")) + BODY[:10]
    with sent(here, *[forged] * 20):
        eventually(lambda: here.unfinished.count(Proof.KEY_NAMED) == 5)
        assert sts(here).get_caller_identity()["Arn"] == KEY.principal.arn


def test_an_answer_that_is_not_taken_makes_room_too(here: Listening) -> None:
    """Large answers, as a public bucket gives to anybody."""
    get = b"GET /large HTTP/1.1\r\nHost: s3.us-east-1.amazonaws.com\r\n\r\n"
    with sent(here, get) as (greedy,):
        eventually(lambda: here.unfinished.count(Proof.NOTHING) == 1)
        with sent(here, *[HALF] * 10):
            assert sts(here).get_caller_identity()["Arn"] == KEY.principal.arn
            assert len(everything(greedy)) < 4_000_000
