"""The worker's client of S3 signs as the SDK does, finds the same hosts, and uses connections again."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from reading_room.analysis.s3.client import S3Client
from reading_room.analysis.s3.credentials import FixedKeys
from reading_room.analysis.s3.document import BadDocument, completion, deletion, read_document
from reading_room.analysis.s3.patience import Patience
from reading_room.analysis.s3.signing import Keys, signed
from reading_room.analysis.s3.wire import Answer, HttpWire, NoAnswer, Request, whole

KEYS = FixedKeys(Keys("AKIA", "secret", "token"))


class Recorder:
    """Keeps requests, and answers none."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    def send(self, request: Request) -> Answer:
        """Keep a request."""
        self.sent.append(request)
        raise NoAnswer("none")


def sent(region: str, bucket: str, key: str) -> Request:
    """Return the request with which a client reads an object."""
    wire = Recorder()
    client = S3Client(wire, KEYS, region, Patience(tries=1), {})
    with pytest.raises(NoAnswer):
        client.get_object(bucket, key, {})
    return wire.sent[0]


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    "target",
    ["/", "/a%20b~/%C3%A4", "//", "/?list-type=2&prefix=a%2Fb%20c", "/k?uploads=", "/k?partNumber=1&uploadId=x"],
)
def test_a_signature_is_that_of_the_sdk(method: str, target: str) -> None:
    now = dt.datetime.now(dt.UTC)
    headers: Mapping[str, str] = {"range": "bytes=0-1", "x-amz-checksum-crc32": "AAAAAA=="}
    ours = signed(
        Request(method, "https://b.s3.eu-west-1.amazonaws.com", target, headers, b"body"),
        KEYS.fixed,
        "eu-west-1",
        now.timestamp(),
    )
    theirs = AWSRequest(method, ours.url, dict(headers), b"body")
    theirs.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    theirs.context["payload_signing_enabled"] = True
    S3SigV4Auth(Credentials("AKIA", "secret", "token"), "s3", "eu-west-1").add_auth(theirs)
    assert ours.headers["authorization"] == theirs.headers["Authorization"]


@pytest.mark.costs(0.5, reason="two clients of the SDK are made")
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_requests_go_to_the_hosts_of_the_sdk(region: str) -> None:
    client: Any = botocore.session.Session().create_client(
        "s3", region, aws_access_key_id="AKIA", aws_secret_access_key="secret"
    )
    for bucket in ("library", "dotted.library", "a-1", "0library0"):
        for key in ("a b", "in/ä~+.txt", "/a", "a//b"):
            url = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key})
            # Without a regional endpoint, the SDK's URLs of us-east-1 name no region.
            expected = urlsplit(url.replace("s3.amazonaws.com", f"s3.{region}.amazonaws.com"))
            ours = urlsplit(sent(region, bucket, key).url)
            assert (ours.netloc, ours.path) == (expected.netloc, expected.path)


@pytest.fixture
def server() -> Iterator[tuple[str, list[int]]]:
    """A server's address, and the number of requests on each of its connections; the third request closes."""
    counts: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                counts.append(0)
                with connection:
                    while connection.recv(65_536):
                        counts[-1] += 1
                        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                        if counts[-1] == 3:
                            break

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", counts
        listening.shutdown(socket.SHUT_RDWR)


def test_a_connection_is_used_again_until_the_server_closes_it(server: tuple[str, list[int]]) -> None:
    origin, counts = server
    wire = HttpWire()
    for _ in range(4):
        assert whole(wire.send(Request("GET", origin, "/"))) == b"ok"
    assert counts == [3, 1]


def test_a_connection_whose_answer_is_not_read_is_not_used_again(server: tuple[str, list[int]]) -> None:
    origin, counts = server
    wire = HttpWire()
    wire.send(Request("GET", origin, "/")).close()
    assert whole(wire.send(Request("GET", origin, "/"))) == b"ok"
    assert counts == [1, 1]


def test_a_name_that_is_unknown_is_no_refused_connection(server: tuple[str, list[int]]) -> None:
    with pytest.raises(NoAnswer) as unknown:
        HttpWire().send(Request("GET", "https://b.invalid", "/"))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer, match="refused") as refused:
            HttpWire().send(Request("GET", f"http://127.0.0.1:{closed.getsockname()[1]}", "/"))
    assert (unknown.value.name_unknown, refused.value.name_unknown) == (True, False)


def test_documents_are_read_and_written() -> None:
    found = read_document(b'<?xml version="1.0"?><R xmlns="http://s3/"><A>1 &lt; 2</A><B><C/></B><A>3</A></R>')
    assert (found.name, found.text("A"), found.text("C"), len(list(found.each("A")))) == ("R", "1 < 2", "", 2)
    assert read_document(deletion(["a<&\r\n"])).elements[0].text("Key") == "a<&\r\n"
    part = read_document(completion([('"e"', "c=")])).elements[0]
    assert [(each.name, each.content) for each in part.elements] == [
        ("PartNumber", "1"),
        ("ETag", '"e"'),
        ("ChecksumCRC32", "c="),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no",
        b"<a>",
        b"<a/><b/>",
        b"\xff",
        b"<!DOCTYPE a><a/>",
        b"<a>" * 20,
        b'<?xml version="1.0" encoding="x"?><a/>',
    ],
)
def test_other_documents_are_refused(content: bytes) -> None:
    with pytest.raises(BadDocument):
        read_document(content)
