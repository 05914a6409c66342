"""A worker waits for a service that is restarting or short of resources, and for nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import botocore.exceptions as errors
import botocore.session
import pytest
from botocore.config import Config

from reading_room.analysis.patience import PATIENCE_SECONDS, wait_for_answers, with_credentials


class Answers(HTTPServer):
    """A server that gives these answers in turn, and repeats the last one."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.requests = 0
        self.body = b""
        """What is sent with answers other than 200."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Answers)
        self.server.requests += 1
        status, headers = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.send_response(status)
        body = b"" if status == 200 else self.server.body
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


@pytest.fixture
def server() -> Iterator[Answers]:
    """A server on loopback."""
    with Answers() as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


class Clock:
    """A clock that advances by a second with each look, and whether the job is stopped."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stopped = False

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def client_of(server: Answers, clock: Clock) -> Any:
    """Return the worker's client for a server."""
    client = botocore.session.Session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        aws_access_key_id="x",
        aws_secret_access_key="y",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )
    wait_for_answers(client, lambda: clock.stopped, clock, first_pause=0.001)
    return client


@pytest.mark.costs(0.3, reason="a client of the SDK is made")
def test_a_request_is_repeated_until_the_service_answers(server: Answers) -> None:
    server.answers = [(503, {"Retry-After": "1"})] * 4 + [(200, {})]
    client_of(server, Clock()).get_object(Bucket="b", Key="k")
    assert server.requests == 5


@pytest.mark.costs(0.3, reason="a client of the SDK is made")
def test_other_errors_are_reported_at_once_and_patience_ends(server: Answers) -> None:
    client = client_of(server, Clock())
    for answer in ((503, {}), (500, {"Retry-After": "1"}), (403, {})):
        server.answers, server.requests = [answer], 0
        with pytest.raises(errors.ClientError):
            client.get_object(Bucket="b", Key="k")
        assert server.requests == 1
    server.answers, server.requests = [(503, {"Retry-After": "1"})], 0
    with pytest.raises(errors.ClientError):
        client.get_object(Bucket="b", Key="k")
    assert 2 < server.requests <= PATIENCE_SECONDS + 1


@pytest.mark.costs(0.3, reason="a client of the SDK is made")
def test_a_job_that_is_stopped_does_not_wait(server: Answers) -> None:
    clock = Clock()
    clock.stopped = True
    server.answers = [(503, {"Retry-After": "1"})]
    with pytest.raises(errors.ClientError):
        client_of(server, clock).get_object(Bucket="b", Key="k")
    assert server.requests == 1
    with pytest.raises(errors.CredentialRetrievalError):
        with_credentials(credentials("Read timeout on endpoint URL"), lambda: True)


def credentials(*messages: str) -> Any:
    """Return a function that fails with these messages in turn, and then succeeds."""
    left = list(messages)

    def make() -> str:
        if left:
            raise errors.CredentialRetrievalError(provider="container-role", error_msg=left.pop(0))
        return "made"

    return make


def test_credentials_are_awaited_unless_they_are_refused() -> None:
    pauses: list[float] = []

    def go_on() -> bool:
        return False

    late = credentials("Read timeout on endpoint URL", "Received non 200 response 503 from container metadata: {}")
    assert with_credentials(late, go_on, Clock(), pauses.append) == "made"
    assert len(pauses) == 2
    with pytest.raises(errors.CredentialRetrievalError):
        with_credentials(
            credentials("Received non 200 response 403 from container metadata: {}"), go_on, Clock(), pauses.append
        )
    with pytest.raises(errors.CredentialRetrievalError):
        with_credentials(credentials(*["Read timeout on endpoint URL"] * 200), go_on, Clock(), pauses.append)


@pytest.mark.costs(0.3, reason="a client of the SDK is made")
@pytest.mark.parametrize("code", ["RequestTimeTooSkewed", "ExpiredToken"])
def test_a_request_that_was_signed_before_the_clock_was_set_is_signed_again_a_few_times(
    server: Answers, code: str
) -> None:
    client = client_of(server, Clock())
    server.answers, server.body = [(403, {}), (200, {})], f"<Error><Code>{code}</Code></Error>".encode()
    client.get_object(Bucket="b", Key="k")
    assert server.requests == 2
    server.answers, server.requests = [(403, {})], 0
    with pytest.raises(errors.ClientError, match=code):
        client.get_object(Bucket="b", Key="k")
    assert server.requests == 4
