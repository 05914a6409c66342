"""What is promised when something dies under a distributed job: each row of the table in docs/distributed.md.

The kills come while parts are being worked on; afterwards the archive has the bytes of an undisturbed run.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from reading_room.containers.processes import ProcessHandle
from tests.worlds.cluster import PATIENCE, SMALL_PARTS, Hall, Member, long
from tests.worlds.product import Product, running_product
from tests.worlds.waiting import eventually, settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

DOCUMENTS = 1200
"""Some 210 kB: 11 parts, and a few seconds of work."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product; what one case leaves the next one finds."""
    with running_product(tmp_path_factory.mktemp("product"), LOG_LEVEL="debug", **SMALL_PARTS) as found:
        yield found


@pytest.fixture(scope="module")
def hall(product: Product) -> Hall:
    """A place whose group opens everything to itself."""
    found = Hall(product)
    found.write("in/", DOCUMENTS, files=2)
    return found


@pytest.fixture(scope="module")
def undisturbed(hall: Hall) -> bytes:
    """The archive that every job must come to."""
    return hall.completed(hall.run_many("in/", 1))


@pytest.fixture(autouse=True)
def nothing_runs_on(hall: Hall) -> Iterator[None]:
    """Stop what a failed test left running."""
    yield
    hall.stop_all()


def begin(hall: Hall, containers: int = 2) -> tuple[str, dict[int, Member]]:
    """Start a job and wait until all its containers work and a few parts are done."""
    job = hall.start_many("in/", containers)
    return job, hall.at_work(job, containers, parts=2)


def end(hall: Hall, job: str, undisturbed: bytes) -> None:
    """Insist that a job comes to the undisturbed bytes, and that nothing stays of it."""
    assert hall.completed(hall.wait_for(job)) == undisturbed, hall.story(job)
    settled(hall.left)


def test_a_killed_member_s_parts_are_done_elsewhere_and_another_takes_its_place(hall: Hall, undisturbed: bytes) -> None:
    job, members = begin(hall)
    hall.product.kill_processes([members[1].worker])
    eventually(lambda: set(hall.members(job)) - {0, 1} or hall.over(job), PATIENCE, "a member in its place")
    end(hall, job, undisturbed)
    assert hall.attempts(job) == 1
    assert "SIGKILL" in hall.story(job)


@pytest.mark.chaos
def test_members_killed_one_after_the_other_leave_fewer_but_no_dead_job(hall: Hall, undisturbed: bytes) -> None:
    job, members = begin(hall, 3)
    hall.product.kill_processes([members[1].worker])
    hall.product.kill_processes([members[2].worker])
    eventually(lambda: hall.over(job) or set(hall.members(job)) - {0, 1, 2}, PATIENCE, "another member")
    for number, member in hall.members(job).items():
        if number:
            hall.product.kill_processes([member.worker])
    end(hall, job, undisturbed)
    assert hall.attempts(job) == 1


def test_a_killed_scheduler_costs_an_attempt_and_no_finished_part(hall: Hall, undisturbed: bytes) -> None:
    job, members = begin(hall)
    before = hall.finished_keys(job)
    hall.product.kill_processes([hall.scheduler(members[0])])
    eventually(lambda: hall.attempts(job) == 2, PATIENCE, "the second attempt")
    eventually(lambda: hall.over(job) or hall.attempt_of_parts(job) == 2, PATIENCE, "its plan")
    assert hall.over(job) or before <= hall.finished_keys(job)
    end(hall, job, undisturbed)
    assert hall.attempts(job) == 2
    assert "its cluster broke" in hall.story(job), hall.story(job)


def test_a_killed_first_container_costs_an_attempt_and_no_finished_part(hall: Hall, undisturbed: bytes) -> None:
    job, members = begin(hall)
    before = hall.finished_keys(job)
    hall.product.kill_processes([members[0].worker])
    eventually(lambda: hall.attempts(job) == 2, PATIENCE, "the second attempt")
    eventually(lambda: hall.over(job) or hall.attempt_of_parts(job) == 2, PATIENCE, "its plan")
    assert hall.over(job) or before <= hall.finished_keys(job)
    end(hall, job, undisturbed)
    assert hall.attempts(job) == 2


def test_the_third_attempt_runs_in_one_container(hall: Hall, undisturbed: bytes) -> None:
    job, members = begin(hall)
    hall.product.kill_processes([members[0].worker])
    eventually(lambda: hall.attempts(job) == 2, PATIENCE, "the second attempt")
    again = hall.together(job, 2)
    hall.product.kill_processes([again[0].worker])
    eventually(lambda: hall.attempts(job) == 3, PATIENCE, "the third attempt")
    seen: set[int] = set()
    while not hall.over(job):
        seen |= set(hall.members(job))
        time.sleep(0.05)
    end(hall, job, undisturbed)
    assert seen == {0}
    assert hall.attempts(job) == 3


@pytest.mark.parametrize("victim", ["serve", "everything", *long("agent", "holder", "services")])
def test_a_kill_of_the_product_s_own_processes_costs_an_attempt_at_most(
    hall: Hall, undisturbed: bytes, victim: str
) -> None:
    job, _ = begin(hall)
    hall.product.kill(victim)
    end(hall, job, undisturbed)
    assert hall.attempts(job) <= 2


@pytest.mark.parametrize("number", [*long(1), 0], ids=["a member", "the first"])
def test_a_container_that_stands_still_for_a_while_does_no_harm(hall: Hall, undisturbed: bytes, number: int) -> None:
    job, members = begin(hall)
    _freeze(members[number].worker, 5.0)
    end(hall, job, undisturbed)


@pytest.mark.chaos
@pytest.mark.parametrize("number", [1, 0], ids=["a member", "the first"])
def test_a_container_that_stands_still_for_a_minute_does_no_harm(hall: Hall, undisturbed: bytes, number: int) -> None:
    job, members = begin(hall)
    _freeze(members[number].worker, 60)
    end(hall, job, undisturbed)


def test_an_endpoint_removed_in_the_middle_fails_by_name_and_nothing_stays(product: Product) -> None:
    place = Hall(product, "10.41.0.0/16")
    place.write("in/", DOCUMENTS)
    job = place.start_many("in/", 2)
    place.at_work(job, 2)
    place.ec2.delete_vpc_endpoints(VpcEndpointIds=[str(place.network.endpoint)])
    properties = place.wait_for(job)
    assert properties["JobStatus"] == "FAILED", place.told(properties)
    assert properties["Message"].startswith("NO_ROUTE_TO_STORAGE"), place.told(properties)
    assert place.outputs("in/") == []
    settled(place.left)


def test_a_rule_removed_in_the_middle_is_named_or_does_no_harm(product: Product, hall: Hall) -> None:
    place = Hall(product, "10.42.0.0/16")
    place.write("in/", DOCUMENTS, files=2)
    job = place.start_many("in/", 2)
    place.at_work(job, 2)
    place.shut_to_itself()
    properties = place.wait_for(job)
    if properties["JobStatus"] == "FAILED":
        assert properties["Message"].startswith("CONTAINERS_CANNOT_CONNECT: "), place.told(properties)
        assert place.network.group in properties["Message"]
    else:
        assert place.completed(properties) == hall.completed(place.run_many("in/", 1))
    settled(place.left)


def test_a_stop_while_a_member_is_gone_keeps_what_is_finished(hall: Hall) -> None:
    job, members = begin(hall)
    hall.product.kill_processes([members[1].worker])
    hall.account.comprehend.stop_entities_detection_job(JobId=job)
    properties = hall.wait_for(job)
    assert properties["JobStatus"] in ("STOPPED", "COMPLETED"), hall.told(properties)
    found = hall.lines(properties)
    assert 0 < len(found) <= DOCUMENTS
    assert found == sorted(set(found)), "out of order, or twice"
    settled(hall.left)


def _freeze(pid: int, seconds: float) -> None:
    handle = ProcessHandle.open(pid)
    assert handle is not None, "it has ended"
    with closing(handle):
        handle.signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            handle.signal(signal.SIGCONT)
