"""Calls that wait keep none waiting that need not wait for the same."""

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
    """Return a call of a service that speaks JSON."""
    return request((("x-amz-target", f"Comprehend_20171127.{operation}"),), b"{}")


def form_call(operation: str) -> IncomingRequest:
    """Return a call of a service that speaks in forms, as SDKs write it."""
    return request((), f"Action={operation}&Version=2016-11-15".encode())


def request(headers: tuple[tuple[str, str], ...], body: bytes, query: str = "") -> IncomingRequest:
    """Return a request."""
    return IncomingRequest("POST", "/", query, headers, body, NetworkPath(), "id", system_clock())


@pytest.fixture
def threads() -> Iterator[CallThreads]:
    """One thread for each kind of calls."""
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
def test_a_call_that_reads_is_run_while_others_wait(threads: CallThreads, waiting: IncomingRequest) -> None:
    may_end = threading.Event()
    held: Future[bool] = threads.of(waiting).submit(may_end.wait, DEADLINE)
    try:
        for reading in READING:
            assert threads.of(reading).submit(lambda: "answered").result(DEADLINE) == "answered"
        assert not held.done()
    finally:
        may_end.set()


def test_an_analysis_that_waits_for_its_container_keeps_no_change_waiting(threads: CallThreads) -> None:
    may_end = threading.Event()
    held: Future[bool] = threads.of(json_call("BatchDetectSentiment")).submit(may_end.wait, DEADLINE)
    assert threads.of(form_call("CreateVpc")).submit(lambda: "made").result(DEADLINE) == "made"
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
def test_what_names_no_operation_that_reads_is_run_with_what_changes(
    threads: CallThreads, odd: IncomingRequest
) -> None:
    assert threads.of(odd) is threads.of(form_call("CreateVpc"))
