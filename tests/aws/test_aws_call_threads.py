"""Threads for calls: a call that waits for a resource does not delay calls that do not need it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from reading_room.aws.call import IncomingRequest, NetworkPath
from reading_room.aws.call_threads import CallThreads
from reading_room.clock import system_clock
from tests.worlds.waiting import DEADLINE


def json_call(operation: str) -> IncomingRequest:
    """Return a call of a service with the JSON protocol."""
    return request((("x-amz-target", f"Comprehend_20171127.{operation}"),), b"{}")


def form_call(operation: str) -> IncomingRequest:
    """Return a call of a service with a query protocol, as SDKs encode it."""
    return request((), f"Action={operation}&Version=2016-11-15".encode())


def request(headers: tuple[tuple[str, str], ...], body: bytes, query: str = "") -> IncomingRequest:
    """Return a request."""
    return IncomingRequest("POST", "/", query, headers, body, NetworkPath(), "id", system_clock())


@pytest.fixture
def call_threads() -> Iterator[CallThreads]:
    """Yield call threads with one thread for each kind of call."""
    found = CallThreads(1)
    yield found
    found.close()


WAITING = [json_call("DetectEntities"), json_call("TagResource"), form_call("CreateTags"), form_call("AssumeRole")]
READING = [
    json_call("ListEntitiesDetectionJobs"),
    form_call("DescribeVpcs"),
    form_call("GetCallerIdentity"),
    request((), b"", "Action=ListUsers&Version=2010-05-08"),
]


@pytest.mark.parametrize("waiting", WAITING)
def test_reading_calls_run_while_others_wait(call_threads: CallThreads, waiting: IncomingRequest) -> None:
    may_end = threading.Event()
    held: Future[bool] = call_threads.of(waiting).submit(may_end.wait, DEADLINE)
    try:
        for reading in READING:
            assert call_threads.of(reading).submit(lambda: "answered").result(DEADLINE) == "answered"
        assert not held.done()
    finally:
        may_end.set()


def test_an_analysis_waiting_for_its_container_does_not_delay_changes(call_threads: CallThreads) -> None:
    may_end = threading.Event()
    held: Future[bool] = call_threads.of(json_call("BatchDetectSentiment")).submit(may_end.wait, DEADLINE)
    assert call_threads.of(form_call("CreateVpc")).submit(lambda: "made").result(DEADLINE) == "made"
    assert not held.done()
    may_end.set()


@pytest.mark.parametrize(
    "odd",
    [
        request((), b""),
        request((), b"Action="),
        request((), b"\xff\x00&Action=\xc3\xa4"),
        request((("x-amz-target", ""),), b"Action=DescribeVpcs"),
        request((), b"x" * 10_000 + b"&Action=DescribeVpcs"),
    ],
)
def test_a_call_that_names_no_reading_operation_runs_with_the_changes(
    call_threads: CallThreads, odd: IncomingRequest
) -> None:
    assert call_threads.of(odd) is call_threads.of(form_call("CreateVpc"))
