"""A job of several containers when one of its processes, or the service, is lost before the end."""

from __future__ import annotations

import io
import itertools
import os
import signal
import socket
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.analysis.cluster.member import wait_reachable
from reading_room.analysis.job import DocumentProgram
from reading_room.analysis.job_file import SCHEDULER_PORT, ClusterPlace, Done, Failed
from reading_room.analysis.memory import CapitalWords
from reading_room.analysis.storage import JobFailure
from tests.worlds.analysis_cluster import World
from tests.worlds.analysis_cluster_service import Service
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.costs(3, reason="containers are processes that form a cluster, and some are killed"),
]

PLAIN = b"Anna and Bo were in Rome\n"
HELD = b"hold Anna and Bo in Rome\n"
"""A document that is finished once the test releases it."""
NOT_BY_MEMBER = b"stay in 1 hold Anna Bo R\n"
"""The same, but the second container never finishes it."""
PART = 20
"""The documents in a part: all of these lines have the same length."""


@pytest.fixture
def service() -> Iterator[Service]:
    """A service that does not know of a job yet."""
    with Service() as service:
        yield service


@pytest.fixture
def world(tmp_path: Path, service: Service) -> Iterator[World]:
    """A file of 200 documents, which makes 10 parts."""
    with World(tmp_path, service) as world:
        world.user["in", "doc"] = PLAIN * 10 * PART
        yield world


def hold_from(world: World, part: int) -> None:
    """Let only the parts before this one finish until the test releases the others."""
    world.user["in", "doc"] = PLAIN * part * PART + HELD * (10 - part) * PART


def finished(world: World, parts: int) -> None:
    """Wait until this many parts are finished; the others are held, so there are no more."""
    eventually(lambda: len(world.service.done()) == parts)


def expected(world: World) -> bytes:
    """Return the archive that one container makes."""
    return world.alone(world.job(), DocumentProgram(CapitalWords()))


def expected_lines(world: World) -> list[bytes]:
    """Return the lines of that archive's member, with their ends."""
    with tarfile.open(fileobj=io.BytesIO(expected(world))) as archive:
        member = archive.extractfile("output")
        assert member is not None
        return member.read().splitlines(keepends=True)


def test_a_killed_containers_part_is_done_again_elsewhere(world: World) -> None:
    hold_from(world, 0)
    started = world.start_all(world.job(), 3)
    eventually(lambda: world.works(1) and world.works(2))
    # In the middle of a part, because none is released yet.
    started[1].process.kill()
    world.let_go()
    done = started[0].end()
    assert isinstance(done, Done)
    assert done.documents == 200
    assert world.archive() == expected(world)
    # An object that it wrote but did not report is in no row. The service removes it with the rest of the prefix.
    taken = {part.done["Key"] for part in world.service.parts if part.done is not None}
    assert taken.isdisjoint(world.objects_left())


def test_a_stopped_container_is_given_up(world: World) -> None:
    """After the configured seconds, and some time until the next look."""
    world.worker_ttl = 1.0
    world.user["in", "doc"] = NOT_BY_MEMBER * 10 * PART
    first, member = world.start_all(world.job(), 2)
    eventually(lambda: world.works(1))
    os.kill(member.pid, signal.SIGSTOP)
    world.let_go()
    done = first.end()
    assert isinstance(done, Done)
    assert done.documents == 200
    assert world.archive() == expected(world)
    # When the container continues, it finds that it is no longer in the cluster, and reports that.
    os.kill(member.pid, signal.SIGCONT)
    left = member.end()
    assert isinstance(left, Failed)
    assert left.code == "CLUSTER_LOST"
    assert world.objects_left() == []


def test_a_container_that_joins_late_takes_its_share(world: World) -> None:
    hold_from(world, 0)
    first = world.start(world.job(), 0, 2)
    eventually(lambda: world.works(0))
    late = world.start(world.job(), 2, 2)
    eventually(lambda: world.works(2))
    world.let_go()
    assert isinstance(first.end(), Done)
    assert late.end() == Done(0, 0, 0, "")


def test_a_lost_scheduler_fails_the_attempt_at_once_and_the_next_attempt_continues(world: World) -> None:
    hold_from(world, 3)
    first, member = world.start_all(world.job(), 2)
    finished(world, 3)
    eventually(lambda: world.works(1))
    (scheduler,) = first.children()
    os.kill(scheduler, signal.SIGKILL)
    # At once, and not when its current part is finished, since that one is held.
    assert first.end() == Failed("CLUSTER_LOST", "the cluster's scheduler ended by signal 9")
    left = member.end()
    assert isinstance(left, Failed)
    assert left.code == "CLUSTER_LOST"

    before = {number: world.service.parts[number].done for number in world.service.done()}
    world.service.posted.clear()
    world.let_go()
    first, _ = world.start_all(world.job(attempt=2), 2)
    done = first.end()
    assert isinstance(done, Done)
    assert done.documents == 200
    assert set(world.service.posted).isdisjoint(before)
    assert {number: world.service.parts[number].done for number in before} == before
    assert world.archive() == expected(world)


def test_a_last_attempt_of_one_container_continues_alone(world: World) -> None:
    hold_from(world, 3)
    first, member = world.start_all(world.job(), 2)
    finished(world, 3)
    eventually(lambda: world.works(1))
    (scheduler,) = first.children()
    os.kill(scheduler, signal.SIGKILL)
    assert isinstance(first.end(), Failed)
    assert isinstance(member.end(), Failed)
    before = set(world.service.done())
    world.service.posted.clear()

    world.let_go()
    done = world.start(world.job(attempt=3), 0, 1).end()
    assert isinstance(done, Done)
    assert done.documents == 200
    # Finished parts are not analysed again, and the rest is reported part by part.
    assert set(world.service.posted) == set(range(10)) - before
    assert world.archive() == expected(world)
    assert world.objects_left() == []


def test_a_stopped_single_container_keeps_its_finished_documents(world: World) -> None:
    hold_from(world, 2)
    alone = world.start(world.job(attempt=3), 0, 1)
    finished(world, 2)
    alone.stop()
    world.let_go()
    done = alone.end()
    assert isinstance(done, Done)
    assert done.stopped
    # Two parts, and at most the current document.
    assert 2 * PART <= done.documents <= 2 * PART + 1
    assert world.objects_left() == []


def test_a_lost_first_container_takes_its_scheduler_and_the_others_with_it(world: World) -> None:
    hold_from(world, 0)
    first, member = world.start_all(world.job(), 2)
    eventually(lambda: world.works(1))
    (scheduler,) = first.children()
    first.process.kill()
    left = member.end()
    assert isinstance(left, Failed)
    assert left.code == "CLUSTER_LOST"
    eventually(lambda: not Path(f"/proc/{scheduler}").exists())


def test_an_attempt_whose_parts_are_all_finished_needs_no_cluster(world: World) -> None:
    assert isinstance(world.start(world.job(), 0, 2).end(), Done)
    was = world.archive()
    # The attempt ended after its last part and before its archive: the objects exist, and their rows.
    results = [part.done for part in world.service.parts]
    lines = iter(b"0\t" + line for line in expected_lines(world))
    for part in results:
        assert part is not None
        world.user["out", part["Key"]] = b"".join(itertools.islice(lines, part["Documents"]))
    del world.user["out", "x/output/output.tar.gz"]
    done = world.start(world.job(attempt=2), 0, 2).end()
    assert isinstance(done, Done)
    assert world.archive() == was
    assert world.objects_left() == []


def test_an_object_that_differs_from_its_row_is_never_used(world: World) -> None:
    assert isinstance(world.start(world.job(), 0, 2).end(), Done)
    results = [part.done for part in world.service.parts]
    # The attempt ended after its last part and before its archive.
    for part in results:
        assert part is not None
        world.user["out", part["Key"]] = b""
    del world.user["out", "x/output/output.tar.gz"]
    failed = world.start(world.job(attempt=2), 0, 2).end()
    # An object that differs from its row is never used.
    assert isinstance(failed, Failed)
    assert "is not what part 0 of the job wrote there" in failed.message


def test_a_part_that_another_container_finished_is_used(world: World) -> None:
    hold_from(world, 2)
    first = world.start(world.job(), 0, 2)
    finished(world, 2)
    mine = world.service.parts[0].done
    assert mine is not None
    # Another container had part 9, and has finished it; this container does not know yet.
    theirs = {**mine, "Key": "x/output/parts/1/9-7-theirs"}
    world.user["out", theirs["Key"]] = world.user["out", mine["Key"]]
    with world.service.lock:
        world.service.parts[9].fence += 1
        world.service.parts[9].done = theirs
    world.let_go()
    done = first.end()
    assert isinstance(done, Done)
    assert 9 in world.service.posted
    assert world.service.parts[9].done == theirs
    # Nothing refers to the container's own object of part 9, which is deleted too.
    assert world.objects_left() == []


def test_a_part_that_another_container_holds_ends_the_attempt(world: World) -> None:
    hold_from(world, 2)
    first = world.start(world.job(), 0, 2)
    finished(world, 2)
    with world.service.lock:
        world.service.parts[9].fence += 1
    world.let_go()
    failed = first.end()
    assert isinstance(failed, Failed)
    assert failed.code == "CLUSTER_LOST"
    assert "part 9" in failed.message


def test_work_continues_while_the_service_restarts(world: World) -> None:
    hold_from(world, 2)
    first, _ = world.start_all(world.job(), 2)
    finished(world, 2)
    world.service.away = True
    world.let_go()
    # Meanwhile the rest is analysed, and reporting it fails.
    eventually(lambda: len(world.objects_left()) == 10 and world.service.turned_away > 1)
    assert len(world.service.done()) == 2
    world.service.away = False
    assert isinstance(first.end(), Done)
    assert world.archive() == expected(world)


def test_without_a_certificate_there_is_no_cluster(world: World) -> None:
    world.service.authority = None
    for container in world.start_all(world.job(), 2):
        failed = container.end()
        assert isinstance(failed, Failed)
        assert failed.code == "CLUSTER_LOST"
        assert "certificate" in failed.message


def test_lasting_silence_is_reported_as_a_fault_of_the_network() -> None:
    place = ClusterPlace(1, 2, "127.0.0.1", "127.77.0.1", "/1")
    with socket.socket() as listener:
        # A listener with a full queue does not answer, like a security group that drops the packets.
        listener.bind((place.scheduler, SCHEDULER_PORT))
        listener.listen(0)
        with socket.create_connection((place.scheduler, SCHEDULER_PORT)):
            began = time.monotonic()
            with pytest.raises(JobFailure) as caught:
                wait_reachable(place, silent=1)
            assert time.monotonic() - began >= 1
    assert caught.value.code == "CONTAINERS_CANNOT_CONNECT"
    assert "(127.77.0.1, TCP port 8786) within 1 s" in caught.value.message
    assert "8786 to 8788" in caught.value.message


def test_a_scheduler_that_does_not_listen_yet_is_waited_for() -> None:
    place = ClusterPlace(1, 2, "127.0.0.1", "127.77.0.2", "/1")
    with pytest.raises(JobFailure, match="CLUSTER_LOST: no scheduler listens at"):
        wait_reachable(place, start=0.1)


def test_a_stopped_container_leaves_its_part_to_the_others(world: World) -> None:
    world.user["in", "doc"] = NOT_BY_MEMBER * 10 * PART
    first, member = world.start_all(world.job(), 2)
    eventually(lambda: world.works(1))
    member.stop()
    assert member.end() == Done(0, 0, 0, "", stopped=True)
    world.let_go()
    done = first.end()
    assert isinstance(done, Done)
    assert (done.documents, done.stopped) == (200, False)
    assert world.archive() == expected(world)
