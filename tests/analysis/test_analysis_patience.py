"""A worker waits for a service that is restarting or short of resources, and for nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from reading_room.analysis.s3.client import S3Client
from reading_room.analysis.s3.credentials import FixedKeys
from reading_room.analysis.s3.patience import PATIENCE_SECONDS, Patience
from reading_room.analysis.s3.refusal import Refusal
from reading_room.analysis.s3.signing import Keys
from reading_room.analysis.s3.wire import HttpWire, NoAnswer


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


def client_of(server: Answers, clock: Clock, tries: int = 1) -> S3Client:
    """Return the worker's client for a server."""
    patience = Patience(lambda: clock.stopped, clock, first_pause=0.001, tries=tries)
    endpoint = f"http://127.0.0.1:{server.server_port}"
    return S3Client(HttpWire(), FixedKeys(Keys("x", "y")), "us-east-1", patience, {}, endpoint)


def get(client: S3Client) -> None:
    client.get_object("b", "k", {}).close()


def test_a_request_is_repeated_until_the_service_answers(server: Answers) -> None:
    server.answers = [(503, {"Retry-After": "1"})] * 4 + [(200, {})]
    get(client_of(server, Clock()))
    assert server.requests == 5


def test_other_errors_are_reported_at_once_and_patience_ends(server: Answers) -> None:
    client = client_of(server, Clock())
    for answer in ((503, {}), (500, {"Retry-After": "1"}), (403, {})):
        server.answers, server.requests = [answer], 0
        with pytest.raises(Refusal):
            get(client)
        assert server.requests == 1
    server.answers, server.requests = [(503, {"Retry-After": "1"})], 0
    with pytest.raises(Refusal):
        get(client)
    assert 2 < server.requests <= PATIENCE_SECONDS + 1


@pytest.mark.parametrize(("status", "requests"), [(500, 2), (502, 2), (503, 2), (504, 2), (429, 2), (400, 1), (404, 1)])
def test_an_error_that_may_pass_is_reported_after_a_second_try(server: Answers, status: int, requests: int) -> None:
    server.answers = [(status, {})]
    with pytest.raises(Refusal, match=str(status)):
        get(client_of(server, Clock(), tries=2))
    assert server.requests == requests


def test_a_job_that_is_stopped_does_not_wait(server: Answers) -> None:
    clock = Clock()
    clock.stopped = True
    server.answers = [(503, {"Retry-After": "1"})]
    with pytest.raises(Refusal):
        get(client_of(server, clock))
    assert server.requests == 1
    with pytest.raises(NoAnswer):
        Patience(lambda: True).awaited(fetched(NoAnswer("timed out")))


def fetched(*failures: Exception) -> Any:
    """Return a function that fails with these errors in turn, and then succeeds."""
    left = list(failures)

    def fetch() -> str:
        if left:
            raise left.pop(0)
        return "fetched"

    return fetch


def test_credentials_are_awaited_unless_they_are_refused() -> None:
    pauses: list[float] = []
    patience = Patience(clock=Clock(), sleep=pauses.append)
    assert patience.awaited(fetched(NoAnswer("timed out"), Refusal(503, "503", ""))) == "fetched"
    assert len(pauses) == 2
    with pytest.raises(Refusal):
        patience.awaited(fetched(Refusal(403, "403", "")))
    with pytest.raises(NoAnswer):
        patience.awaited(fetched(*[NoAnswer("timed out")] * 200))


@pytest.mark.parametrize("code", ["RequestTimeTooSkewed", "ExpiredToken"])
def test_a_request_that_was_signed_before_the_clock_was_set_is_signed_again_a_few_times(
    server: Answers, code: str
) -> None:
    client = client_of(server, Clock())
    server.answers, server.body = [(403, {}), (200, {})], f"<Error><Code>{code}</Code></Error>".encode()
    get(client)
    assert server.requests == 2
    server.answers, server.requests = [(403, {})], 0
    with pytest.raises(Refusal, match=code):
        get(client)
    assert server.requests == 4
