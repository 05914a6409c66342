"""Bytes from sockets: DNS packets, and the heads and bodies of HTTP requests."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from reading_room.aws.errors import AwsError
from reading_room.aws.identify import identify
from reading_room.aws.receive import read_headers
from reading_room.hosts.front import dns_messages
from reading_room.hosts.front.records import NameRecord
from reading_room.hosts.http_listener import _Connection
from reading_room.hosts.unfinished import Unfinished
from reading_room.s3.addressing import KEY_LIMIT, locate, parse_copy_source
from reading_room.s3.metadata import decode, encode
from reading_room.s3.post_form import read_form
from reading_room.s3.post_policy import PostPolicy
from reading_room.s3.ranges import parse_copy_range, parse_range
from reading_room.s3.streaming import ChunkDecoder, ChunkSigner
from reading_room.s3.versions import rank_of
from reading_room.vpc.endpoints.resolver import Zones, look_up

ZONES = Zones("us-east-1", "ec2.internal", True, frozenset({"10.0.0.4"}), {"*.db.example": ("10.0.0.9",)})
BASES = frozenset({"127.0.0.1", "localhost", "s3.localhost"})
SIGNER = ChunkSigner(b"key", "20260101T000000Z", "20260101/us-east-1/s3/aws4_request", "0" * 64)
LOOP = asyncio.new_event_loop()


def dns(data: bytes) -> None:
    """A datagram to the resolver: no answer, or an answer that is not much longer."""
    question = dns_messages.read(data)
    if isinstance(question, bytes):
        reply = question
    else:
        found = look_up(question.name, question.kind, ZONES)
        assert found is not None
        records = None if found.records is None else [NameRecord(*record) for record in found.records]
        reply = dns_messages.answer(question, records)
    assert len(reply) <= max(12, len(data)) + 512
    if reply:
        assert reply[:2] == data[:2]
        assert reply[2] & 0x80


class _Heads:
    """An application that records requests and answers without reading the body, which might never end."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


HEADS = _Heads()
CONFIG = uvicorn.Config(HEADS, loop="none", http="httptools", ws="none", lifespan="off", log_config=None)
CONFIG.load()


def http_head(data: bytes) -> None:
    """Bytes of a connection: requests with heads that every step can read, or 400; then the connection ends."""
    HEADS.scopes.clear()
    answered = LOOP.run_until_complete(_converse(data[:65_536]))
    statuses = re.findall(rb"HTTP/1\.1 (\d{3})", answered)
    assert set(statuses) <= {b"100", b"204", b"400"}, answered
    for scope in HEADS.scopes:
        headers = read_headers(scope)
        identify(scope["method"], scope["query_string"].decode("latin-1"), headers)
        host = next((value for name, value in headers if name == "host"), "")
        try:
            locate(host, scope["raw_path"].decode("latin-1"), BASES)
        except AwsError:
            pass


async def _converse(data: bytes) -> bytes:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    ended = asyncio.Event()
    state = ServerState()
    connection = _Connection(
        CONFIG,
        state,
        frozenset(),
        30.0,
        lambda *_, **__: None,
        ended.set,
        Unfinished(),
        lambda _: None,
        "127.0.0.1",
        lambda: False,
    )
    with theirs:
        theirs.setblocking(False)
        await LOOP.connect_accepted_socket(lambda: connection, sock=ours)
        connection.data_received(data)
        while state.tasks:
            await asyncio.wait(set(state.tasks))
        connection.transport.close()
        await ended.wait()
        answered = b""
        while piece := await LOOP.sock_recv(theirs, 65_536):
            answered += piece
        return answered


def aws_chunked(data: bytes) -> None:
    """A body in chunks: the same data or the same refusal, however the body is cut in transit."""
    if not data:
        return
    signer = SIGNER if data[0] & 1 else None
    cut = 1 + data[0] % 9
    body = data[1:]
    assert _decoded([body], signer, bool(data[0] & 2)) == _decoded(
        [body[at : at + cut] for at in range(0, len(body), cut)], signer, bool(data[0] & 2)
    )


def _decoded(pieces: list[bytes], signer: ChunkSigner | None, with_trailer: bool) -> tuple[bytes, object]:
    if signer is not None:
        signer = ChunkSigner(signer.signing_key, signer.amz_date, signer.scope, signer.previous)
    decoder = ChunkDecoder(signer, with_trailer)
    out = b""
    try:
        for piece in pieces:
            for part in decoder.feed(piece):
                out += part
        return out, dict(decoder.finish())
    except AwsError as error:
        # The output before a refusal depends on the cuts, and is discarded.
        return b"", (error.code, error.message)


def multipart_form(data: bytes) -> None:
    """A browser's form: the same fields and file, or the same refusal, however it is cut in transit."""
    whole = LOOP.run_until_complete(_form([data]))
    assert whole == LOOP.run_until_complete(_form([data[at : at + 3] for at in range(0, len(data), 3)]))


async def _form(pieces: list[bytes]) -> object:
    try:
        form = await read_form("multipart/form-data; boundary=b", _stream(pieces))
        file = b"".join([piece async for piece in form.file])
        found = [dict(form.fields), form.file_name, file, form.key, form.headers({"host": "h"})]
        if "policy" in form.fields:
            PostPolicy.parse(form.fields["policy"])
    except AwsError as error:
        error.message.encode()
        return error.code, error.message
    return found


async def _stream(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def post_policy(data: bytes) -> None:
    """The JSON policy of a form: parsed and compared with fields, or refused with a message that can be sent."""
    try:
        policy = PostPolicy.parse(base64.b64encode(data).decode())
        policy.check({"key": "a", "content-type": "text/a,text/b"}, "bucket", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    except AwsError as error:
        error.message.encode()


def s3_address(data: bytes) -> None:
    """A host and a path, a copy's source, ranges, a version: read, or refused. Metadata: read and written."""
    text = data.decode("latin-1")
    host, _, path = text.partition("\n")
    try:
        found = locate(host, path, BASES)
        assert found.key is None or 0 < len(found.key.encode()) <= KEY_LIMIT
    except AwsError:
        pass
    try:
        bucket, key, _ = parse_copy_source(text)
        assert bucket
        assert key
    except AwsError:
        pass
    try:
        part = parse_range(text, 1000)
        assert part is None or (part[0] >= 0 and part[1] > 0 and sum(part) <= 1000)
    except AwsError:
        pass
    try:
        start, length = parse_copy_range(text, 1000)
        assert 0 <= start < start + length <= 1000
    except AwsError:
        pass
    rank = rank_of(text)
    assert rank is None or -(2**40) < rank <= 0
    stored = decode(text)
    stored.encode()
    written = encode(stored)
    assert all(" " <= character <= "~" or character == "\t" for character in written)
