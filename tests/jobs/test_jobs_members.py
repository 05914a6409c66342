"""Jobs of several containers in the controller: how they start, lose containers, and end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from reading_room.agent.spec import Capacity
from reading_room.analysis.job_file import Done, Failed, Progress, Ready
from reading_room.dataplane.spec import Problem
from reading_room.iam import roles
from reading_room.iam.role_sessions import issue
from reading_room.iam.tables import RoleSession
from reading_room.jobs import parts
from reading_room.jobs.errors import PreparationError
from reading_room.jobs.memory import MemoryObject
from reading_room.jobs.needs import placed
from reading_room.jobs.places import location_of, parts_of
from reading_room.jobs.ports import JobSize
from reading_room.jobs.record import containers_of
from reading_room.jobs.tables import PartRow
from reading_room.settings import Settings
from tests.worlds.jobs import ACCOUNT, CONTENT, DONE, ROLE, World

LEFT = Done(0, 0, 0, "")
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "comprehend.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
SELF_RULE = "sg-1 lets nothing in from itself: aws ec2 authorize-security-group-ingress --group-id sg-1 …"


@pytest.fixture
def world() -> Iterator[World]:
    """A controller that gives every job three containers."""
    world = World(None, containers=3)
    yield world
    world.database.close()


def running(world: World) -> str:
    """Return a job with three running containers."""
    job = world.submit()
    world.turn()
    assert world.numbers() == [0, 1, 2]
    return job


def settle(world: World) -> None:
    """Make the host confirm that everything dropped is gone."""
    world.host_says()
    world.turn(3)


def finish(world: World, job: str) -> None:
    """Write the output of the first worker."""
    world.write_output(job)
    world.host_says(world.member_state(0, Ready(), DONE, phase="exited", exit_code=0))
    world.turn()
    settle(world)


def assert_nothing_is_left(world: World) -> None:
    assert world.container_rows() == 0
    assert world.network.interfaces == {}
    assert world.network.attached_ids == set()


# Beginning


def test_every_container_has_an_interface_a_role_session_and_paths_of_its_own(world: World) -> None:
    job = running(world)
    specs = world.wanted()
    assert [spec.container_id for spec in specs] == [f"job-{job}-1", f"job-{job}-1-1", f"job-{job}-1-2"]
    assert {spec.interface_id for spec in specs} == world.network.attached_ids
    assert len({spec.credentials_path for spec in specs}) == 3
    places = [spec.job.cluster for spec in specs]
    assert [(place.member, place.containers) for place in places if place is not None] == [(0, 3), (1, 3), (2, 3)]
    assert len({place.path for place in places if place is not None}) == 3
    assert "network interfaces of 3 containers ready" in world.story(job)


def test_no_container_is_wanted_while_one_of_them_has_no_interface(world: World) -> None:
    job = world.submit()
    real, made = world.network.prepare, []

    def two_only(need):  # type: ignore[no-untyped-def]
        if need.member == 2:
            raise PreparationError("INSUFFICIENT_IP_ADDRESSES", "6 are needed, 4 are free")
        assert world.wanted() == ()
        made.append(need.member)
        return real(need)

    world.network.prepare = two_only  # type: ignore[method-assign]
    world.turn()
    assert made == [0, 1]
    assert world.wanted() == ()
    world.turn(2)
    assert world.message(job) == "INSUFFICIENT_IP_ADDRESSES: 6 are needed, 4 are free"
    assert_nothing_is_left(world)


def test_a_job_of_one_container_knows_nothing_of_clusters() -> None:
    world = World(None)
    job = world.submit()
    world.turn()
    (spec,) = world.wanted()
    assert spec.container_id == f"job-{job}-1"
    assert spec.job.cluster is None
    world.database.close()


def test_the_size_is_planned_once_and_stored_with_its_reason(world: World) -> None:
    world.sizing.size = JobSize(2, 700_000, "2 containers: 1,400,000 bytes of input")
    world.capacity = Capacity(8, 64_000_000_000, 32_000_000_000)
    world.host_says()
    job = world.submit()
    world.turn()
    assert "admitted; 2 containers: 1,400,000 bytes of input" in world.story(job)
    assert [spec.job.part_bytes for spec in world.wanted()] == [700_000] * 2
    world.sizing.size = JobSize(5, 1)
    world.host_says(world.member_state(0, phase="lost"))
    world.turn()
    assert world.numbers() == [0, 1]
    assert {(spec.job.attempt, spec.job.part_bytes) for spec in world.wanted()} == {(2, 700_000)}
    assert len(world.sizing.capacities) == 1
    assert world.sizing.capacities[0] is not None


def test_a_fault_while_planning_fails_only_that_job(world: World) -> None:
    def broken(session, row, capacity):  # type: ignore[no-untyped-def]
        raise RuntimeError("a bug")

    world.controller._starting._sizing = broken
    job = world.submit()
    world.turn(3)
    assert world.message(job) == "INTERNAL_ERROR: Planning its containers failed: RuntimeError: a bug"
    assert_nothing_is_left(world)


def test_a_job_whose_container_is_larger_than_the_host_fails_at_once_and_says_so() -> None:
    world = World(None, Settings(container_memory=4_000_000_000))
    world.capacity = Capacity(2, 2_000_000_000, 1_000_000_000)
    world.host_says()
    job = world.submit()
    world.turn(3)
    assert world.status(job) == "FAILED"
    assert "4,000,000,000" in str(world.message(job))
    assert str(world.message(job)).startswith("INSUFFICIENT_HOST_CAPACITY: ")
    world.database.close()


def test_containers_that_cannot_reach_one_another_fail_the_job_before_any_runs(world: World) -> None:
    job = world.submit()
    world.network.cut = SELF_RULE
    world.turn()
    assert world.wanted() == ()
    world.turn(2)
    assert world.message(job) == f"CONTAINERS_CANNOT_CONNECT: {SELF_RULE}"
    assert_nothing_is_left(world)


def test_a_job_whose_account_allows_only_one_container_runs_in_one_and_warns(world: World) -> None:
    job = world.submit()
    world.network.alone[job] = "allow s3:GetObject on arn:aws:s3:::papers/out/*"
    world.turn(2)
    (spec,) = world.wanted()
    assert spec.container_id == f"job-{job}-1"
    assert spec.job.cluster is None
    finish(world, job)
    assert world.status(job) == "COMPLETED"
    printed = [text for _, text in world.stories.written[job]]
    assert "Warning: allow s3:GetObject on arn:aws:s3:::papers/out/*" in printed
    assert_nothing_is_left(world)


# Working


def test_the_first_container_reports_for_the_job_and_ends_the_others(world: World) -> None:
    job = running(world)
    world.host_says(
        world.member_state(0, Ready(), Progress(5, 20)),
        world.member_state(1, Ready(), Progress(9, 90)),
        world.member_state(2, Ready()),
    )
    world.turn()
    assert (world.row(job).documents, world.row(job).documents_of) == (5, 20)
    finish(world, job)
    assert world.status(job) == "COMPLETED"
    assert world.row(job).documents == DONE.documents
    assert_nothing_is_left(world)
    assert world.identities.forgotten == [(job, 1), (job, None)]


def test_members_that_leave_are_let_go_one_by_one_and_nothing_follows(world: World) -> None:
    job = running(world)
    world.host_says(world.member_state(0, Ready()), world.member_state(1, Ready(), LEFT, phase="exited", exit_code=0))
    world.turn()
    assert world.numbers() == [0, 2]
    settle(world)
    assert len(world.network.interfaces) == 2
    finish(world, job)
    assert world.status(job) == "COMPLETED"


def test_a_member_that_is_killed_is_replaced_while_the_job_runs_on(world: World) -> None:
    job = running(world)
    before = world.member(0)
    world.host_says(world.member_state(0, Ready()), world.member_state(1, Ready(), phase="exited", exit_code=137))
    world.turn()
    assert world.numbers() == [0, 2, 3]
    assert world.member(0) == before
    place = world.member(3).job.cluster
    assert place is not None
    assert (place.member, place.containers) == (3, 3)
    assert world.member(3).job.attempt == 1
    assert "member 1 lost: SIGKILL ended its worker" in world.story(job)
    settle(world)
    assert len(world.network.interfaces) == 3
    finish(world, job)
    assert world.status(job) == "COMPLETED"
    assert_nothing_is_left(world)


def test_a_job_short_of_memory_continues_with_fewer_containers(world: World) -> None:
    job = running(world)
    for number in (1, 3, 2):
        world.host_says(world.member_state(0), world.member_state(number, phase="exited", exit_code=137))
        world.turn()
    assert world.numbers() == [0]
    finish(world, job)
    assert world.status(job) == "COMPLETED"
    assert world.row(job).attempt == 1


def test_a_job_continues_without_a_replacement_that_gets_no_interface(world: World) -> None:
    job = running(world)
    real = world.network.prepare

    def none_left(need):  # type: ignore[no-untyped-def]
        if need.member == 3:
            raise PreparationError("INSUFFICIENT_IP_ADDRESSES", "2 are needed, 1 is free")
        return real(need)

    world.network.prepare = none_left  # type: ignore[method-assign]
    world.host_says(world.member_state(0), world.member_state(1, phase="lost"))
    world.turn(2)
    assert world.numbers() == [0, 2]
    assert "member 3 lost: INSUFFICIENT_IP_ADDRESSES: 2 are needed, 1 is free" in world.story(job)
    finish(world, job)
    assert world.status(job) == "COMPLETED"
    assert_nothing_is_left(world)


def test_a_member_without_connection_fails_the_job_if_the_network_says_why_and_is_a_loss_if_not(world: World) -> None:
    job = running(world)
    alone = Failed("CONTAINERS_CANNOT_CONNECT", "nobody answers at 10.0.1.5:8786")
    world.host_says(world.member_state(0), world.member_state(1, Ready(), alone, phase="exited", exit_code=1))
    world.turn()
    assert world.numbers() == [0, 2, 3]
    world.network.cut = SELF_RULE
    world.host_says(world.member_state(0), world.member_state(3, Ready(), alone, phase="exited", exit_code=1))
    world.turn()
    settle(world)
    assert world.message(job) == f"CONTAINERS_CANNOT_CONNECT: {SELF_RULE}"
    assert_nothing_is_left(world)


@pytest.mark.costs(0.2, reason="a job of three containers has three attempts")
def test_a_broken_cluster_is_followed_by_a_new_one_and_the_last_attempt_is_alone(world: World) -> None:
    job = running(world)
    broken = Failed("CLUSTER_LOST", "the scheduler ended by SIGKILL")
    for attempt in (2, 3):
        # The members also notice it, perhaps earlier: they are not replaced.
        world.host_says(world.member_state(0), world.member_state(1, broken, phase="exited", exit_code=1))
        world.turn()
        assert world.numbers() == [0, 2]
        world.host_says(world.member_state(0, Ready(), broken, phase="exited", exit_code=1))
        world.turn()
        assert {spec.job.attempt for spec in world.wanted()} == {attempt}
        assert world.numbers() == ([0, 1, 2] if attempt == 2 else [0])
        settle(world)
    # It has the finished parts of the others, but runs alone.
    alone = world.wanted()[0].job.cluster
    assert alone is not None
    assert alone.containers == 1
    assert world.identities.forgotten == [(job, 1), (job, 2)]
    assert "its cluster broke: the scheduler ended by SIGKILL; attempt 2 follows" in world.story(job)
    assert "attempt 3 follows, in one container" in world.story(job)
    finish(world, job)
    assert world.status(job) == "COMPLETED"


def test_when_all_are_lost_at_once_one_attempt_follows_and_none_is_replaced(world: World) -> None:
    job = running(world)
    world.host_says(*(world.member_state(number, phase="lost") for number in range(3)))
    world.turn()
    assert world.numbers() == [0, 1, 2]
    assert {spec.job.attempt for spec in world.wanted()} == {2}
    assert "member" not in world.story(job)


def test_the_loss_of_the_first_container_ends_the_attempt_for_all(world: World) -> None:
    job = running(world)
    old = {spec.interface_id for spec in world.wanted()}
    world.host_says(world.member_state(0, phase="exited", exit_code=137), world.member_state(1, Ready()))
    world.turn()
    assert world.row(job).attempt == 2
    assert old.isdisjoint(spec.interface_id for spec in world.wanted())
    assert old.isdisjoint(world.network.attached_ids)


def test_a_member_s_interface_that_is_taken_away_fails_the_job(world: World) -> None:
    job = running(world)
    taken = world.member(1).interface_id
    world.network.attached_ids.remove(taken)
    world.turn()
    settle(world)
    assert str(world.message(job)).startswith(f"NO_PERMISSION_FOR_NETWORK_INTERFACE: {taken} was detached")
    assert_nothing_is_left(world)


def test_a_denial_of_a_member_is_reported_by_the_first_and_explained(world: World) -> None:
    job = running(world)
    world.denial = 'statement "OnlyReports" of endpoint vpce-1 does not allow s3:PutObject'
    world.denied = f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/Comprehend-{job}-2"
    world.host_says(world.member_state(0, Failed("NO_WRITE_ACCESS_TO_OUTPUT", "s3:PutObject: Access Denied")))
    world.turn()
    settle(world)
    assert '"OnlyReports" of endpoint vpce-1' in str(world.message(job))


def test_a_host_s_problem_is_noted_once_for_all_containers(world: World) -> None:
    job = running(world)
    for _ in range(3):
        world.host_says(problems=(Problem("enforcement", "the kernel has no nftables: install them"),))
        world.turn()
    assert world.story(job).count("the kernel has no nftables") == 1


def sessions(world: World) -> set[str]:
    """Return the names of the role's sessions with valid credentials."""
    with world.database.reading() as session:
        return set(session.scalars(select(RoleSession.session_name)))


def test_only_a_lost_member_s_credentials_end_with_it(world: World) -> None:
    job = running(world)
    with world.database.transaction() as session:
        role = roles.create(session, ACCOUNT, "Reader", TRUST, world.now, path="/service-role/")
        assert role.arn == ROLE
        for row in containers_of(session, job):
            issue(session, role, session_name=row.session_name, seconds=3600, now=world.now)
    everybody = {f"Comprehend-{job}", f"Comprehend-{job}-1", f"Comprehend-{job}-2"}
    assert sessions(world) == everybody
    world.host_says(world.member_state(0), world.member_state(1, phase="lost"))
    world.turn()
    assert sessions(world) == everybody - {f"Comprehend-{job}-1"}
    finish(world, job)
    assert sessions(world) == set()


# Parts


def register_and_finish(world: World, job: str, attempt: int, documents: int) -> None:
    holder = world.member(0).container_id
    output = parts_of(location_of(world.row(job).output_uri))
    with world.database.transaction() as session:
        first, _ = parts.register(session, job, attempt, holder, "ab" * 32, [(10, None), (10, None)], world.now)
        if first.done is None:
            done = parts.PartObject(f"{output.key}1/0-0-x", 10, "cd" * 32, documents, 0)
            assert parts.finish(session, job, 0, holder, first.fence, done)
            world.store.objects[output.bucket, done.key] = MemoryObject(10, done.sha256)


def test_documents_of_finished_parts_stay_finished_when_another_attempt_begins(world: World) -> None:
    job = running(world)
    register_and_finish(world, job, 1, documents=700)
    world.host_says(world.member_state(0, Progress(900, 2000)))
    world.turn()
    assert world.row(job).documents == 900
    world.host_says(world.member_state(0, Progress(900, 2000), phase="lost"))
    world.turn()
    world.host_says(world.member_state(0, Progress(0)))
    world.turn()
    assert (world.row(job).documents, world.row(job).documents_of) == (700, 2000)


def test_nothing_is_left_of_the_parts_when_the_job_ends(world: World) -> None:
    job = running(world)
    register_and_finish(world, job, 1, documents=3)
    place = parts_of(location_of(world.row(job).output_uri))
    world.store.uploads.add((place.bucket, f"{place.key}1/1-1-y"))
    finish(world, job)
    assert world.status(job) == "COMPLETED"
    output = location_of(world.row(job).output_uri)
    assert set(world.store.objects) == {(output.bucket, output.key)}
    assert world.store.uploads == set()
    with world.database.reading() as session:
        assert session.query(PartRow).count() == 0


def test_a_part_beside_the_archive_does_not_count_as_the_archive(world: World) -> None:
    job = running(world)
    place = parts_of(location_of(world.row(job).output_uri))
    assert place.key == f"out/{ACCOUNT}-NER-{job}/output/parts/"
    digest = hashlib.sha256(CONTENT).hexdigest()
    world.store.objects[place.bucket, f"{place.key}output.tar.gz"] = MemoryObject(len(CONTENT), digest)
    world.host_says(world.member_state(0, DONE, phase="exited", exit_code=0))
    world.turn()
    settle(world)
    assert "the object is missing" in str(world.message(job))


# Ending early


def test_a_stop_is_sent_to_the_first_container_which_stops_the_others(world: World) -> None:
    job = running(world)
    world.host_says(*(world.member_state(number, Ready()) for number in range(3)))
    world.ask_to_stop(job)
    assert [spec.stop for spec in world.wanted()] == [True, False, False]
    world.host_says(world.member_state(0, Ready()), world.member_state(1, LEFT, phase="exited", exit_code=0))
    world.turn()
    assert world.numbers() == [0, 2]
    early = Done(DONE.documents, DONE.errors, DONE.size, DONE.sha256, stopped=True)
    world.write_output(job)
    world.host_says(world.member_state(0, early, phase="exited", exit_code=0))
    world.turn()
    settle(world)
    assert world.status(job) == "STOPPED"
    assert_nothing_is_left(world)


def test_while_a_job_stops_a_lost_member_is_not_replaced_and_a_missing_rule_does_not_cost_its_results(
    world: World,
) -> None:
    job = running(world)
    world.ask_to_stop(job)
    world.network.cut = SELF_RULE
    cut_off = Failed("CONTAINERS_CANNOT_CONNECT", "nobody answers")
    world.host_says(
        world.member_state(0, Ready()),
        world.member_state(1, phase="exited", exit_code=137),
        world.member_state(2, cut_off, phase="exited", exit_code=1),
    )
    world.turn()
    assert world.numbers() == [0]
    assert world.status(job) == "STOP_REQUESTED"


def test_a_stop_while_a_replacement_waits_for_its_interface_leaves_nothing(world: World) -> None:
    job = running(world)
    world.network.refusals[job] = RuntimeError("not now")  # type: ignore[assignment]
    world.host_says(world.member_state(0, Ready()), world.member_state(1, phase="lost"))
    with world.database.reading() as session:
        wanted = placed(session)
    world.controller._host_reports.apply(world.controller._reports["local"], wanted)
    assert world.numbers() == [0, 2]
    world.ask_to_stop(job)
    world.turn()
    world.host_says(world.member_state(0, phase="lost"))
    world.turn()
    settle(world)
    assert world.status(job) == "STOPPED"
    assert_nothing_is_left(world)
