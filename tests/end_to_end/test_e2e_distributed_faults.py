"""Failures under a distributed job: each row of the table in docs/distributed.md.

The kills happen while the containers work on parts. The archive has the same bytes as that of an undisturbed run.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from reading_room.cli import reading
from tests.worlds import made_documents as made
from tests.worlds.cluster import PATIENCE, SMALL_PARTS, Hall, long
from tests.worlds.machines import product_on_hosts
from tests.worlds.product import Product
from tests.worlds.waiting import eventually, settled

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.costs(15, reason="runs a job of several containers that loses a process"),
]

DOCUMENTS = 400
"""About 70 kB: nine parts, and a second of work."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A separate product for this module, whose processes are killed. The tests share it and what is left in it."""
    settings = SMALL_PARTS | {"LOG_LEVEL": "debug"}
    with product_on_hosts(tmp_path_factory.mktemp("product"), **settings) as found:
        yield found


@pytest.fixture(scope="module")
def hall(product: Product) -> Hall:
    """A place whose group has a rule that allows all traffic from itself."""
    found = Hall(product)
    found.write("in/", DOCUMENTS, files=2)
    return found


@pytest.fixture(scope="module")
def undisturbed(hall: Hall) -> bytes:
    """The archive that every job must produce."""
    return hall.completed(hall.run_many("in/", 1))


@pytest.fixture(autouse=True)
def stop_all_jobs(hall: Hall) -> Iterator[None]:
    """Stop the jobs that a failed test left running."""
    yield
    hall.stop_all()


def assert_undisturbed(hall: Hall, job: str, undisturbed: bytes) -> None:
    """Assert that a job writes the same bytes as an undisturbed one and leaves nothing."""
    assert hall.completed(hall.wait(job)) == undisturbed, hall.story(job)
    settled(hall.left)


def test_the_parts_of_a_killed_member_are_done_elsewhere_and_a_new_member_replaces_it(
    hall: Hall, undisturbed: bytes
) -> None:
    with hall.at_work("in/") as (job, members):
        hall.product.kill_processes([members[1].worker])
    eventually(lambda: set(hall.members(job)) - {0, 1} or hall.over(job), PATIENCE, "a member in its place")
    assert_undisturbed(hall, job, undisturbed)
    assert hall.attempts(job) == 1
    assert "SIGKILL" in hall.story(job)


@pytest.mark.chaos
def test_a_job_whose_members_are_killed_one_by_one_continues_with_fewer(hall: Hall, undisturbed: bytes) -> None:
    with hall.at_work("in/", 3) as (job, members):
        hall.product.kill_processes([members[1].worker])
        hall.product.kill_processes([members[2].worker])
    eventually(lambda: hall.over(job) or set(hall.members(job)) - {0, 1, 2}, PATIENCE, "another member")
    for number, member in hall.members(job).items():
        if number:
            hall.product.kill_processes([member.worker])
    assert_undisturbed(hall, job, undisturbed)
    assert hall.attempts(job) == 1


@pytest.mark.costs(30, reason="a job for comparison, and one that loses a process")
def test_redacted_copies_of_a_killed_member_are_written_once_and_billed_once(hall: Hall) -> None:
    # Each is a part of its own, because of what it has beside its text.
    heavy = " ".join(f"/Pad{number} ({'x' * 30_000})" for number in range(6))
    for number in range(10):
        lines = [f"Write to anna{number}@example.org on page {row}." for row in range(30)]
        hall.put_text(f"copies/{number}.pdf", made.pdf([lines] * 3, heavy if number else ""))
    more: dict[str, Any] = {
        "kind": "pii",
        "Tags": [{"Key": "reading-room:documents", "Value": "any"}],
        "InputDataConfig": {"S3Uri": f"s3://{hall.bucket}/copies/", "InputFormat": "ONE_DOC_PER_FILE"},
        "Mode": "ONLY_REDACTION",
        "RedactionConfig": {"PiiEntityTypes": ["ALL"]},
    }
    undisturbed = hall.run_many("copies/", 1, **more)
    expected = folder_of(hall, undisturbed)
    ends = ("out", "report.jsonl", "redacted.pdf")
    assert set(expected) == {f"{number}.pdf.{end}" for number in range(10) for end in ends}
    with hall.at_work("copies/", **more) as (job, members):
        hall.product.kill_processes([members[1].worker])
    properties = hall.wait(job)
    assert folder_of(hall, properties) == expected
    assert (hall.attempts(job), "SIGKILL" in hall.story(job)) == (1, True)
    settled(hall.left)
    jobs = hall.account.client("reading-room").get_usage(IncludeJobs=True)["Jobs"]
    counts = {each["JobId"]: [each[name] for name in ("Documents", "Characters", "Units")] for each in jobs}
    assert counts[job] == counts[undisturbed["JobId"]]
    assert counts[job][0] == 10


def folder_of(hall: Hall, properties: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the objects of a completed job's folder by their names."""
    assert properties["JobStatus"] == "COMPLETED", hall.description(properties)
    bucket, _, folder = properties["OutputDataConfig"]["S3Uri"].removeprefix("s3://").partition("/")
    s3 = hall.account.s3
    return {
        key.removeprefix(folder): s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        for key in reading.objects_below(hall.account, bucket, folder)
    }


def test_a_killed_scheduler_costs_an_attempt_but_no_finished_part(hall: Hall, undisturbed: bytes) -> None:
    with hall.at_work("in/") as (job, members):
        before = hall.finished_keys(job)
        hall.product.kill_processes([hall.scheduler(members[0])])
    eventually(lambda: hall.attempts(job) == 2, PATIENCE, "the second attempt")
    eventually(lambda: hall.over(job) or hall.attempt_of_parts(job) == 2, PATIENCE, "its plan")
    assert hall.over(job) or before <= hall.finished_keys(job)
    assert_undisturbed(hall, job, undisturbed)
    assert hall.attempts(job) == 2
    assert "its cluster broke" in hall.story(job), hall.story(job)


@dataclass
class KilledTwice:
    """What was observed of a job whose first container was killed in each of its first two attempts."""

    job: str
    before: set[str]
    """The objects of the parts that were finished before the first kill."""
    after: set[str]
    """The objects of the parts that were finished when the second attempt had its plan."""
    last: set[int]
    """The numbers of the containers of the third attempt."""


@pytest.fixture(scope="module")
def killed_twice(hall: Hall) -> KilledTwice:
    """Kill the first container of a job, and kill it again."""
    with hall.at_work("in/") as (job, members):
        before = hall.finished_keys(job)
        hall.product.kill_processes([members[0].worker])
    eventually(lambda: hall.attempts(job) == 2, PATIENCE, "the second attempt")
    again = hall.together(job, 2)
    eventually(lambda: hall.attempt_of_parts(job) == 2, PATIENCE, "its plan")
    after = hall.finished_keys(job)
    hall.product.kill_processes([again[0].worker])
    eventually(lambda: hall.attempts(job) == 3, PATIENCE, "the third attempt")
    last: set[int] = set()

    def watched() -> bool:
        last.update(hall.members(job))
        return hall.over(job)

    eventually(watched, PATIENCE, "the end")
    return KilledTwice(job, before, after, last)


def test_a_killed_first_container_costs_an_attempt_but_no_finished_part(killed_twice: KilledTwice) -> None:
    assert killed_twice.before
    assert killed_twice.before <= killed_twice.after


def test_the_third_attempt_runs_in_one_container(hall: Hall, undisturbed: bytes, killed_twice: KilledTwice) -> None:
    assert_undisturbed(hall, killed_twice.job, undisturbed)
    assert killed_twice.last == {0}
    assert hall.attempts(killed_twice.job) == 3


@pytest.mark.parametrize("victim", ["serve", "everything", *long("agent", "holder", "services")])
def test_killing_processes_of_the_product_costs_at_most_one_attempt(
    hall: Hall, undisturbed: bytes, victim: str
) -> None:
    with hall.at_work("in/") as (job, _):
        hall.product.kill(victim)
    assert_undisturbed(hall, job, undisturbed)
    assert hall.attempts(job) <= 2


@pytest.mark.parametrize("number", [*long(1), 0], ids=["a member", "the first"])
def test_a_container_that_freezes_for_seconds_does_no_harm(hall: Hall, undisturbed: bytes, number: int) -> None:
    _freeze(hall, number, 5.0, undisturbed)


@pytest.mark.chaos
@pytest.mark.parametrize("number", [1, 0], ids=["a member", "the first"])
def test_a_container_that_freezes_for_a_minute_does_no_harm(hall: Hall, undisturbed: bytes, number: int) -> None:
    _freeze(hall, number, 60.0, undisturbed)


def test_removing_the_endpoint_during_a_job_fails_it_with_a_message_and_leaves_nothing(product: Product) -> None:
    place = Hall(product, "10.41.0.0/16")
    place.write("in/", DOCUMENTS)
    with place.at_work("in/") as (job, _):
        place.ec2.delete_vpc_endpoints(VpcEndpointIds=[place.endpoint])
    properties = place.wait(job)
    assert properties["JobStatus"] == "FAILED", place.description(properties)
    assert properties["Message"].startswith("NO_ROUTE_TO_STORAGE"), place.description(properties)
    assert place.outputs("in/") == []
    settled(place.left)


def test_removing_the_rule_during_a_job_is_reported_or_does_no_harm(product: Product, hall: Hall) -> None:
    place = Hall(product, "10.42.0.0/16")
    place.write("in/", DOCUMENTS, files=2)
    with place.at_work("in/") as (job, _):
        place.shut_to_itself()
    properties = place.wait(job)
    if properties["JobStatus"] == "FAILED":
        assert properties["Message"].startswith("CONTAINERS_CANNOT_CONNECT: "), place.description(properties)
        assert place.network.group in properties["Message"]
    else:
        assert place.completed(properties) == hall.completed(place.run_many("in/", 1))
    settled(place.left)


def test_a_job_stopped_while_a_member_is_missing_keeps_its_finished_documents(hall: Hall) -> None:
    with hall.at_work("in/") as (job, members):
        hall.product.kill_processes([members[1].worker])
        hall.stop(job)
    properties = hall.wait(job)
    assert properties["JobStatus"] in ("STOPPED", "COMPLETED"), hall.description(properties)
    found = hall.lines(properties)
    assert 0 < len(found) <= DOCUMENTS
    assert found == sorted(set(found)), "out of order or duplicated"
    settled(hall.left)


def _freeze(hall: Hall, number: int, seconds: float, undisturbed: bytes) -> None:
    """Freeze the container with this number for some seconds while the others continue."""
    with hall.at_work("in/") as (job, members):
        for other, member in members.items():
            if other != number:
                os.kill(member.worker, signal.SIGCONT)
        time.sleep(seconds)
    assert_undisturbed(hall, job, undisturbed)
