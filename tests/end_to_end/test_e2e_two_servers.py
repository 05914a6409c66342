"""Two ``serve`` on one database and beside one agent: the leader is killed, and the other one goes on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from reading_room.cli import reading
from reading_room.fleet.identity import identity_of
from reading_room.jobs.progress import LOG_GROUP
from reading_room.trail.chain import files_of
from tests.worlds.balancer import balancing
from tests.worlds.place import Place
from tests.worlds.two_servers import FOLLOWS, SECONDS, Patient, TwoServers, two_servers
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[TwoServers]:
    """Two processes, of which the product's own leads."""
    with two_servers(tmp_path) as found:
        yield found


@contextmanager
def calling(account: reading.Account) -> Iterator[list[BaseException]]:
    """Make calls in a thread during the block; yield the errors that a client saw."""
    errors: list[BaseException] = []
    ended = threading.Event()

    def call() -> None:
        number = 0
        while not ended.wait(0.05):
            number += 1
            try:
                account.logs.create_log_group(logGroupName=f"/calls/{number}")
                account.s3.list_buckets()
            except account.logs.exceptions.ResourceAlreadyExistsException:
                pass  # The answer to the first attempt was lost.
            except BaseException as error:
                errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield errors
    finally:
        ended.set()
        thread.join()


@pytest.mark.costs(60, reason="a product starts, a second serve beside it, and jobs run one after the other")
def test_another_serve_goes_on_when_the_leader_is_killed(two: TwoServers) -> None:
    assert two.leads(two.first.port)
    with balancing([two.first.port, two.port]) as port:
        account = Patient(replace(two.first.endpoint(), url=f"http://127.0.0.1:{port}"))
        place = Place(two.first, account=account)
        place.log_flows()
        place.put("long/", 20_000)
        place.put("in/", 3)
        with calling(account) as errors:
            jobs = [place.start("long/")]
            eventually(lambda: place.describe(jobs[0])["JobStatus"] != "SUBMITTED", SECONDS)
            jobs.append(place.start("in/"))
            two.kill_first()
            jobs.append(place.start("in/"))  # Nobody leads.
            eventually(lambda: two.leads(two.port), SECONDS, "the second serve leads")
            for job in jobs:
                eventually(lambda job=job: place.describe(job)["JobStatus"] in ("COMPLETED", "FAILED"), SECONDS)  # type: ignore[misc]
        assert errors == []
        assert [place.describe(job)["JobStatus"] for job in jobs] == ["COMPLETED"] * 3
        two.resume_first()
        assert two.says(two.first.port) == FOLLOWS
        assert two.second is not None
        two.second.terminate()
        assert two.second.wait(30) == 0
        eventually(lambda: two.leads(two.first.port), SECONDS, "the first serve leads again")
        last = place.start("in/")
        eventually(lambda: place.describe(last)["JobStatus"] == "COMPLETED", SECONDS)
        check_once(two, place, [*jobs, last])
        check_trails(two)


def check_trails(two: TwoServers) -> None:
    """Check that each process's trail is verified and names the other one, and that a line is missed in either."""
    folders = (two.first.data, two.data)
    identities = [identity_of(folder) for folder in folders]
    for folder, other in zip(folders, reversed(identities), strict=True):
        code, told = two.verify_trail(folder)
        assert (code, f"Another serve of this database, {other}, has a trail of its own" in told) == (0, True), told
    _, newest = files_of(two.data / "trail", "management")[-1]
    newest.write_bytes(b"".join(newest.read_bytes().splitlines(keepends=True)[:-1]))
    assert two.verify_trail(two.first.data)[0] == 0
    code, told = two.verify_trail(two.data)
    assert (code, "lines of the book management" in told) == (1, True), told


def check_once(two: TwoServers, place: Place, jobs: list[str]) -> None:
    """Check that the trail has each call, flow logs each record, and log streams each line exactly once."""
    ids = Counter(event["eventID"] for event in two.events())
    assert set(ids.values()) == {1}
    started = Counter(
        event["responseElements"]["jobId"]
        for event in two.events()
        if event["eventName"].startswith("Start") and event["eventName"].endswith("DetectionJob")
    )
    assert started.keys() == set(jobs)
    logs = place.account.logs
    for job in jobs:
        lines = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=job, startFromHead=True)["events"]
        told = Counter((each["timestamp"], each["message"]) for each in lines)
        assert set(told.values()) == {1}, told
        assert sum("Released" in message for _, message in told) == 1
    records = Counter(
        event["message"]
        for stream in logs.describe_log_streams(logGroupName=place.flows)["logStreams"]
        for event in logs.get_log_events(
            logGroupName=place.flows, logStreamName=str(stream["logStreamName"]), startFromHead=True
        )["events"]
        if event["message"].split()[-1] == "OK"
    )
    assert records
    assert set(records.values()) == {1}
