"""Jobs of several containers in the controller: all interfaces or none, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.comprehend.sizing import JobSizing
from reading_room.jobs.controller import JobController
from reading_room.jobs.tables import JobRow, JobTagRow
from reading_room.settings import Settings
from reading_room.vpc.groups.permissions import Permission
from tests.worlds.container_needs import open_group
from tests.worlds.preparation import ACCOUNT, NINE, Killed, actions
from tests.worlds.storage_policy import PARTS, STORAGE, PolicyWorld


class TaggedWorld(PolicyWorld):
    """A world whose jobs have the size of their tags, and whose group has the self rule."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        open_group(self, Permission("tcp", 8786, 8788, group=self.group))

    def restart(self) -> None:
        """Restart with sizing by tags."""
        super().restart()
        network = self.controller._network
        self.controller = JobController(
            database=self.database,
            settings=Settings(),
            clock=self.clock,
            network=network,
            store=self.store,
            denials=lambda session_arn: None,
            storyteller=self.stories,
            sizing=JobSizing(self.backend, Settings()),
        )

    def submit_tagged(self, containers: int, **where: Any) -> str:
        """Submit a job that asks for so many containers."""
        job = self.submit(**where)
        with self.database.transaction() as session:
            arn = session.get_one(JobRow, job).arn
            session.add(JobTagRow(arn=arn, key="reading-room:containers", value=str(containers)))
        return job


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TaggedWorld]:
    """The world of these tests."""
    world = TaggedWorld(tmp_path)
    yield world
    world.backend.close()
    world.database.close()


def test_a_job_s_containers_are_wanted_together_each_with_its_interface(world: TaggedWorld) -> None:
    other = world.make_subnet(world.vpc, "10.0.2.0/24")
    job = world.submit_tagged(3, subnet_ids=(world.subnet, other))
    world.run(job)
    assert world.status(job) == "IN_PROGRESS", world.message(job)
    wanted = world.wanted()
    assert len(wanted) == 3
    assert {spec.interface_id for spec in wanted} == {row.interface_id for row in world.interfaces()}
    assert {row.subnet_id for row in world.interfaces()} == {world.subnet, other}
    assert "3 containers, because of its tag reading-room:containers" in world.story(job)
    world.end()
    assert world.interfaces() == []
    assert world.free(world.subnet) == world.free(other) == 0


def test_without_the_self_rule_the_job_fails_with_the_command_and_leaves_nothing(world: TaggedWorld) -> None:
    world.silence_group()
    open_group(world, Permission("-1", None, None, cidr_ipv4="0.0.0.0/0"), egress=True)
    job = world.submit_tagged(2)
    world.run(job)
    message = world.message(job)
    assert world.status(job) == "FAILED"
    assert message.startswith("CONTAINERS_CANNOT_CONNECT: The 2 containers of the job cannot reach each other: ")
    assert f"`aws ec2 authorize-security-group-ingress --group-id {world.group} " in message
    assert world.interfaces() == []
    assert world.wanted() == ()
    # One container needs no such rule.
    alone = world.submit_tagged(1)
    world.run(alone)
    assert world.status(alone) == "IN_PROGRESS", world.message(alone)


def test_too_few_addresses_fail_the_job_with_the_numbers(world: TaggedWorld) -> None:
    small = world.make_subnet(world.vpc, "10.0.3.0/28")
    world.fill(small, 7)
    job = world.submit_tagged(4, subnet_ids=(small,))
    world.run(job)
    assert world.message(job).startswith("INSUFFICIENT_IP_ADDRESSES: ")
    assert "7 free IP addresses together, but 8 are needed for 4 containers" in world.message(job)
    assert world.interfaces() == []


@pytest.mark.parametrize("inside", [True, False])
def test_a_job_without_permission_to_share_results_runs_in_one_container_and_its_story_says_what_to_allow(
    world: TaggedWorld, inside: bool
) -> None:
    world.allow(actions(NINE), STORAGE, {"Effect": "Deny", "Action": "s3:GetObject", "Resource": PARTS})
    job = world.submit_tagged(3, **({} if inside else {"subnet_ids": None, "group_ids": None}))
    for _ in range(3):
        world.run(job)
    assert world.status(job) == "IN_PROGRESS", world.message(job)
    assert len(world.wanted()) == 1
    assert len(world.interfaces()) == 1
    assert f"needs s3:GetObject on s3://papers/out/{ACCOUNT}-NER-{job}/output/parts/1/" in world.story(job)
    assert '"Action": ["s3:GetObject", "s3:PutObject"]' in world.story(job)


@pytest.mark.costs(0.2, reason="two containers are prepared, by one controller after another")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, 15))
def test_a_kill_at_any_call_of_preparing_two_containers_is_healed(world: TaggedWorld, step: int, after: bool) -> None:
    job = world.submit_tagged(2)
    world.dispatcher.kill_at(step, after=after)
    with pytest.raises(Killed):
        world.controller.turn()
    world.restart()
    world.run(job)
    assert world.status(job) == "IN_PROGRESS", world.message(job)
    assert len(world.interfaces()) == len(world.wanted()) == 2
    world.end()
    assert world.interfaces() == []
    assert world.free(world.subnet) == 0
