"""The worker's second session: its own credentials, and error messages that name the model's bucket."""

from __future__ import annotations

import datetime as dt
import http.server
import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.job_file import Location
from reading_room.analysis.objects import Blame, S3Storage, model_blame
from reading_room.analysis.s3.credentials import ContainerKeys, FixedKeys, KeySource
from reading_room.analysis.s3.patience import Patience
from reading_room.analysis.s3.signing import Keys
from reading_room.analysis.s3.wire import HttpWire
from reading_room.analysis.storage import JobFailure

BUCKET = "reading-room-models-us-east-1"
ARTIFACT = Location(BUCKET, "111122223333/0123/model")
BUCKETS = model_blame(BUCKET)


class Address(http.server.BaseHTTPRequestHandler):
    """The credentials address: each key names the path of its request. ``brief`` serves one that must be renewed soon.

    Everything below the bucket is answered with the error of the server.
    """

    server: Server

    def do_GET(self) -> None:
        if self.path.startswith(f"/{BUCKET}/"):
            status, code, text = self.server.error
            self.answer(status, f"<Error><Code>{code}</Code><Message>{text}</Message></Error>".encode())
            return
        brief = self.path.endswith("/brief")
        if self.path.endswith("/nobody") or (brief and self.path in self.server.requested):
            self.answer(404, b"{}")
            return
        self.server.requested.add(self.path)
        minutes = self.server.minutes if brief else 60
        if self.path.endswith("/old") or self.server.clock_behind:
            self.server.clock_behind = False
            minutes = -1440
        expires = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
        body = json.dumps(
            {
                "AccessKeyId": self.path,
                "SecretAccessKey": "s",
                "Token": "t",
                "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        ).encode()
        self.answer(200, body)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def answer(self, status: int, body: bytes) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Remembers the paths at which it served keys."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Address)
        self.requested: set[str] = set()
        self.error = (404, "NoSuchKey", "gone")
        self.minutes = 5
        """How long the brief key is valid."""
        self.clock_behind = False
        """Whether the clock is a day behind until the next answer has been sent."""

    def keys(self, path: str) -> ContainerKeys:
        """Return the keys at a path."""
        seconds = itertools.count()
        patience = Patience(clock=lambda: float(next(seconds)), sleep=lambda _: None)
        return ContainerKeys(HttpWire(), path, patience, self.url)

    def storage(self, keys: KeySource = FixedKeys(Keys("AKIA", "secret")), blame: Blame = BUCKETS) -> S3Storage:
        """Return the storage of the model."""
        return S3Storage(HttpWire(), keys, "us-east-1", blame, endpoint=self.url)

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_session_uses_its_own_path(server: Server) -> None:
    paths = ["/v2/credentials/of-the-model", "/v2/credentials/of-the-role"]
    assert [server.keys(path).keys() for path in paths] == [Keys(path, "s", "t") for path in paths]


def test_a_refusal_names_the_bucket_and_the_statement_that_would_allow_it(server: Server, tmp_path: Path) -> None:
    storage = server.storage()
    text = "no VPC endpoint policy allows the s3:PutObject action"
    server.error = (403, "AccessDenied", text)
    (tmp_path / "model").write_bytes(b"x")
    with pytest.raises(JobFailure) as raised:
        storage.write(ARTIFACT, tmp_path / "model")
    with pytest.raises(JobFailure) as also:
        list(storage.read(ARTIFACT.bucket, ARTIFACT.key))
    for failure in (raised.value, also.value):
        assert failure.code == "NO_ACCESS_TO_MODEL_BUCKET"
        assert f'"Resource": "arn:aws:s3:::{BUCKET}/*"' in failure.message
        assert text in failure.message


def test_a_missing_artifact_and_a_missing_session_have_their_own_messages(server: Server) -> None:
    with pytest.raises(JobFailure, match="MODEL_NOT_FOUND"):
        list(server.storage().read(ARTIFACT.bucket, ARTIFACT.key))

    ended = server.storage(server.keys("/v2/credentials/brief"))
    with pytest.raises(JobFailure, match="NO_CREDENTIALS_FOR_MODEL: no credentials for the model's bucket"):
        list(ended.read(ARTIFACT.bucket, ARTIFACT.key))


def test_keys_are_renewed_before_they_expire_and_used_until_they_must_be(server: Server) -> None:
    server.minutes = 12
    keys = server.keys("/v2/credentials/brief")
    # There are no new ones, but these are valid for long enough.
    assert keys.keys() == keys.keys()
    server.requested.clear()
    server.minutes = 60
    keys.keys()
    server.minutes = 0
    keys.keys()
    assert server.requested == {"/v2/credentials/brief"}


def test_an_unknown_session_fails_the_job_before_it_begins(server: Server) -> None:
    unknown = server.keys("/v2/credentials/nobody")
    with pytest.raises(JobFailure, match="NO_CREDENTIALS_FOR_MODEL"):
        server.storage(unknown)
    with pytest.raises(JobFailure, match="ROLE_NOT_ASSUMABLE"):
        server.storage(unknown, Blame())


def test_keys_that_have_expired_already_are_none(server: Server) -> None:
    with pytest.raises(JobFailure, match=r"ROLE_NOT_ASSUMABLE.*have expired"):
        server.storage(server.keys("/v2/credentials/old"), Blame())


def test_keys_that_were_issued_before_the_clock_was_set_are_asked_for_again(server: Server) -> None:
    server.clock_behind = True
    assert server.keys("/v2/credentials/of-the-role").keys() == Keys("/v2/credentials/of-the-role", "s", "t")
