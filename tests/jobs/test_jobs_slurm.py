"""Slots of Slurm: found after a crash, cancelled when nobody needs them, and never the truth about a container."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reading_room.fleet.authority import of_installation
from reading_room.fleet.tables import HostRow
from reading_room.jobs.job import Phase
from reading_room.jobs.placement import MustWait
from reading_room.jobs.ports import JobSize
from reading_room.jobs.slurm.client import SlurmClient
from reading_room.jobs.slurm.documents import SlurmError
from reading_room.jobs.slurm.placer import AVOID_SECONDS, LIST_SECONDS, PROLOG_SECONDS, SlurmPlacer
from reading_room.jobs.slurm.slot import FAILURES, SCRIPT, SlotSize, request
from reading_room.settings import Settings
from tests.worlds.jobs import World
from tests.worlds.placement import attempt, homes
from tests.worlds.several_hosts import add_host
from tests.worlds.slurm import USER, FakeSlurm
from tests.worlds.slurm_bed import SlurmBed, rounds

pytestmark = pytest.mark.costs(0.3, reason="each round asks a server on a socket")
PAUSE = 130.0
"""Longer than any pause of the driver, in seconds."""


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[FakeSlurm]:
    """A Slurm with the nodes ``a`` and ``b``, two cores each."""
    found = FakeSlurm(tmp_path / "slurmrestd", {"a": 2, "b": 2})
    yield found
    found.stop()


class Clocked(SlurmBed):
    """A bed whose clock stands still until the test moves it."""

    def __init__(self, slurm: FakeSlurm, settle: float = 0.0) -> None:
        self.seconds = 1000.0
        super().__init__(slurm.path, rounds, USER, lambda: self.seconds, settle)

    def ask(self, containers: int = 1, job: str = "j", rounds: int = 4) -> dict[str, int]:
        """Ask for the hosts of a job, some rounds long; return how many containers each host gets."""
        self.want([attempt(containers, job)])
        for _ in range(rounds):
            found = self.driver.place([attempt(containers, job)], list(self.hosts.values()))
            self.driver.turn()
        found = self.driver.place([attempt(containers, job)], list(self.hosts.values()))
        return dict(homes(found, job))

    def why(self, containers: int = 1, job: str = "j") -> str:
        """Return why a job waits."""
        found = self.driver.place([attempt(containers, job)], list(self.hosts.values()))[job]
        assert isinstance(found, MustWait), found
        return found.reason

    def runs(self, job: str = "j") -> None:
        """Let a job of one container run."""
        assert self.ask(job=job)
        self.begin(self.driver.place([attempt(job=job)], list(self.hosts.values())))
        self.driver.place([], list(self.hosts.values()))


@pytest.fixture
def bed(slurm: FakeSlurm) -> Iterator[Clocked]:
    """Two empty hosts."""
    bed = Clocked(slurm)
    yield bed
    bed.database.close()


def submissions(slurm: FakeSlurm) -> int:
    return slurm.requests.count("POST /slurm/v0.0.42/job/submit")


def test_a_slot_has_the_cores_the_memory_and_the_time_of_a_container() -> None:
    settings = Settings(container_cpus=1.5, container_memory=2_000_000_000, job_seconds=600, slurm_partition="reading")
    asked = request(SlotSize.of(settings), "reading-room:0a:job-1-1", {"b", "a"})
    job = asked["job"]
    assert (job["name"], job["comment"]) == ("reading-room:0a:job-1-1",) * 2
    assert (job["cpus_per_task"], job["tasks"], job["maximum_nodes"]) == (2, 1, 1)
    assert job["memory_per_node"] == {"set": True, "infinite": False, "number": 1908}
    assert job["time_limit"]["number"] == 70
    assert (job["partition"], job["excluded_nodes"], job["requeue"]) == ("reading", ["a", "b"], False)
    assert asked["script"] == SCRIPT


def test_the_slots_of_a_killed_serve_are_found_by_name(slurm: FakeSlurm, bed: Clocked) -> None:
    bed.runs("running")
    assert bed.ask(job="held")
    slurm.take("b")
    assert not bed.ask(2, job="waiting")
    before = slurm.living()
    bed.restart()
    assert bed.ask(job="held")
    assert not bed.ask(2, job="waiting")
    assert slurm.living() == before
    assert submissions(slurm) == 4
    slurm.give_back("b")
    assert bed.ask(2, job="waiting") == {"b": 2}


def test_a_slot_without_a_container_is_cancelled_at_the_start_and_later(slurm: FakeSlurm, bed: Clocked) -> None:
    for job in ("ended-before", "ended-later", "goes-on"):
        bed.runs(job)
    bed.end("ended-before-0")
    bed.restart()
    bed.driver.turn()
    assert slurm.living() == ["ended-later-0", "goes-on-0"]
    bed.end("ended-later-0")
    bed.driver.turn()
    assert slurm.living() == ["goes-on-0"]


def test_a_slot_that_an_earlier_leader_asked_for_at_its_end_is_found_in_time(slurm: FakeSlurm, bed: Clocked) -> None:
    bed.runs()
    name = slurm.job_of("j-0").name
    slurm.submit(name)
    slurm.submit(name.replace("j-0", "of-nobody"))
    bed.driver.turn()
    assert len(slurm.living()) == 3
    bed.seconds += LIST_SECONDS
    bed.driver.turn()
    assert slurm.living() == ["j-0"]
    assert slurm.jobs[1].lives


def test_the_jobs_of_others_are_left_alone(slurm: FakeSlurm, bed: Clocked) -> None:
    """Another user can choose the same name, and another installation has slots of the same user."""
    bed.runs()
    name = slurm.job_of("j-0").name
    slurm.submit(name.replace("j-0", "k-0"), user=1)
    slurm.submit("reading-room:ffffffffffff:k-0")
    bed.restart()
    assert bed.ask(job="k")
    assert len(slurm.living()) == 4


@pytest.mark.parametrize("state", ["COMPLETED", "FAILED", "NODE_FAIL", "PENDING", "CANCELLED", "forgotten"])
def test_a_container_that_runs_goes_on_whatever_slurm_says(slurm: FakeSlurm, bed: Clocked, state: str) -> None:
    bed.runs()
    if state == "forgotten":
        slurm.forget("j-0")
    else:
        # A slurmctld that was killed lists a job that runs as "launch failed requeued held".
        slurm.end("j-0", state)
        slurm.job_of("j-0").reason = "JobHeldAdmin"
    for restarted in (False, True):
        if restarted:
            bed.restart()
        bed.seconds += LIST_SECONDS
        assert bed.ask(job="another")
        assert submissions(slurm) == 2
    cancelled = [each for each in slurm.requests if each.startswith("DELETE")]
    assert cancelled == []
    bed.end("j-0")
    bed.driver.turn()
    assert "j-0" not in slurm.living()


@pytest.mark.parametrize("state", ["CANCELLED", "NODE_FAIL", "TIMEOUT", "forgotten"])
def test_a_slot_that_is_lost_before_its_container_is_placed_is_asked_for_again(
    slurm: FakeSlurm, bed: Clocked, state: str
) -> None:
    assert bed.ask()
    first = slurm.job_of("j-0")
    if state == "forgotten":
        slurm.forget("j-0")
    else:
        slurm.end("j-0", state)
    assert bed.ask() == {}
    assert ("does not know its slot" if state == "forgotten" else f"its slot was lost ({state})") in bed.why()
    bed.seconds += PAUSE
    assert bed.ask()
    assert slurm.job_of("j-0") is not first


def test_a_job_that_got_the_id_of_a_lost_slot_is_left_alone(slurm: FakeSlurm, bed: Clocked) -> None:
    """A slurmctld that was killed forgets the newest jobs, and gives their ids away again."""
    bed.runs()
    slurm.job_of("j-0").name = "somebody's"
    bed.end("j-0")
    bed.driver.turn()
    assert slurm.living() == ["somebody's"]


@pytest.mark.parametrize("noticed", ["away", "forgot"])
def test_a_slot_that_slurm_revives_is_cancelled(slurm: FakeSlurm, bed: Clocked, noticed: str) -> None:
    """After a restart Slurm may say again that a job runs that had ended, and not know another one any more."""
    for job in ("revived", "forgotten", "goes-on"):
        bed.runs(job)
    bed.end("revived-0")
    bed.driver.turn()
    if noticed == "away":
        slurm.error = (1800, "Unable to contact slurm controller (connect failure)")
        bed.driver.turn()
        bed.ask()
        slurm.error = None
    slurm.job_of("revived-0").states = ["RUNNING"]
    slurm.forget("forgotten-0")
    bed.end("forgotten-0")
    assert bed.ask()
    assert sorted(slurm.living()) == ["goes-on-0", "j-0"]


@pytest.mark.parametrize("code", FAILURES)
def test_a_node_whose_prolog_refuses_is_avoided_for_a_while(slurm: FakeSlurm, bed: Clocked, code: int) -> None:
    assert bed.ask() == {"a": 1}
    slurm.end("j-0", "FAILED", code)
    assert bed.ask() == {}
    assert bed.why() == (f"Slurm has not given it a slot yet: the slot on the node a failed, because {FAILURES[code]}")
    bed.seconds += 3
    assert bed.ask() == {"b": 1}
    assert bed.ask(job="k") == {"b": 1}
    bed.seconds += AVOID_SECONDS
    assert bed.ask(job="l") == {"a": 1}


def test_a_container_is_not_placed_while_the_prolog_runs_or_before_the_slot_s_script_could_fail(
    slurm: FakeSlurm,
) -> None:
    bed = Clocked(slurm, settle=1.0)
    slurm.reason_of_running = "Prolog"
    assert bed.ask() == {}
    bed.seconds += 100
    assert bed.ask() == {}
    slurm.job_of("j-0").reason = "None"
    assert bed.ask() == {}
    assert bed.why() == "Slurm has not given it a slot yet: it begins on the node a"
    bed.seconds += 1
    assert bed.ask() == {"a": 1}
    bed.database.close()


def test_a_prolog_that_does_not_end_costs_a_job_only_its_slot(slurm: FakeSlurm, bed: Clocked) -> None:
    slurm.reason_of_running = "Prolog"
    assert bed.ask() == {}
    first = slurm.job_of("j-0")
    slurm.reason_of_running = "None"
    bed.seconds += PROLOG_SECONDS
    assert bed.ask() == {}
    assert "the prolog of the node a does not end" in bed.why()
    bed.seconds += PAUSE
    assert bed.ask()
    assert not first.lives


def test_a_host_that_is_drained_or_back_changes_what_slurm_is_asked_for(slurm: FakeSlurm, bed: Clocked) -> None:
    assert bed.ask() == {"a": 1}
    open_host = bed.hosts["a"]
    bed.close("a")
    slurm.closed.add("b")
    assert bed.ask() == {}
    assert "Resources" in bed.why()
    assert slurm.job_of("j-0").without == ("a",)
    bed.hosts["a"] = open_host
    assert bed.ask() == {"a": 1}
    assert len(slurm.living()) == 1


def test_a_node_that_is_no_host_is_not_used(slurm: FakeSlurm, bed: Clocked) -> None:
    slurm.nodes = {"stranger": 9} | slurm.nodes
    assert bed.ask() == {"a": 1}
    del slurm.nodes["stranger"]  # From now on Slurm refuses requests that name it.
    bed.ask(job="k")
    bed.seconds += PAUSE
    assert bed.ask(job="k")


def test_only_one_job_at_a_time_gathers_several_slots(slurm: FakeSlurm, bed: Clocked) -> None:
    """Two jobs of three containers, on four cores: neither would ever begin if each had two."""
    both = [attempt(3, "j"), attempt(3, "k")]
    bed.want(both)
    for _ in range(4):
        found = bed.driver.place(both, list(bed.hosts.values()))
        bed.driver.turn()
    assert homes(found, "j").total() == 3
    assert Counter(name[0] for name in slurm.living()) == {"j": 3}
    waits = found["k"]
    assert isinstance(waits, MustWait)
    assert waits.reason == "Slurm has given it 0 of 3 slots: another job gets its slots first"


def test_an_answer_that_is_lost_costs_no_second_slot(slurm: FakeSlurm, bed: Clocked) -> None:
    slurm.lose_answers = True
    assert bed.ask(rounds=1) == {}
    assert "slurmrestd does not answer" in bed.why()
    slurm.lose_answers = False
    assert bed.ask()
    assert submissions(slurm) == 1


def test_while_slurm_is_away_jobs_wait_and_say_so(slurm: FakeSlurm, bed: Clocked) -> None:
    bed.runs()
    slurm.stop()
    assert bed.ask(job="k") == {}
    assert bed.why(job="k").startswith(f"Slurm gives no slots now: {slurm.path} does not answer")
    slurm.start()
    slurm.error = (1800, "Unable to contact slurm controller (connect failure)")
    assert bed.ask(job="k") == {}
    assert "slurmctld does not answer" in bed.why(job="k")
    slurm.error = None
    assert bed.ask(job="k")
    assert slurm.living() == ["j-0", "k-0"]


def test_a_refused_request_is_repeated_ever_more_seldom(slurm: FakeSlurm, bed: Clocked) -> None:
    assert bed.ask()
    slurm.forget("j-0")
    slurm.refusal = (2000, "Invalid partition name specified")
    for _ in range(100):
        bed.seconds += 3
        bed.ask(rounds=1)
    assert 5 <= submissions(slurm) <= 12
    assert bed.why() == "Slurm has not given it a slot yet: Slurm refuses it: Invalid partition name specified"


@pytest.mark.parametrize(
    "answer", [b"", b"no", b"[]", b"{}", b'{"errors": []}', b'{"errors": [], "jobs": 1}', b'{"errors": [3]}']
)
def test_an_answer_that_is_none_of_slurm_s_is_an_error(slurm: FakeSlurm, answer: bytes) -> None:
    slurm.raw = answer
    client = SlurmClient(slurm.path)
    with pytest.raises(SlurmError):
        client.jobs("reading-room:")
    with pytest.raises(SlurmError):
        client.submit({})


def test_an_answer_that_never_ends_is_an_error(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    connection.sendall(b" ")
                    time.sleep(0.001)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(SlurmError, match="is not complete"):
            SlurmClient(tmp_path / "socket", timeout=0.05).job(1, "")


# With the controller


@pytest.fixture
def world(slurm: FakeSlurm) -> Iterator[World]:
    """Three hosts in two zones, of which ``second`` and ``third`` are nodes of Slurm."""
    slurm.nodes = {"second": 2, "Node3": 2}
    world = World(None, Settings(jobs_at_once=8))
    with world.database.transaction() as session:
        of_installation(session, world.now)
        for number, (host, zone) in enumerate((("local", "a"), ("second", "a"), ("third", "b")), 1):
            labels = {"slurm-node": "Node3"} if host == "third" else {}
            until = world.now.replace(year=2030)
            add_host(session, host, number, zone=f"us-east-1{zone}", lease_until=until, labels=labels)
    placer = SlurmPlacer(SlurmClient(slurm.path), world.database, SlotSize.of(world.settings), USER, settle=0.0)
    world.placer = placer
    world.restart()
    placer.on_change(lambda: world.controller.turn())
    yield world
    world.database.close()


def step(world: World, times: int = 3) -> None:
    """Run turns of the controller and of the driver."""
    for _ in range(times):
        world.turn()
        world.placer.turn()  # type: ignore[attr-defined]
    world.turn()


def test_a_job_waits_for_its_slots_runs_where_they_are_and_gives_them_back(slurm: FakeSlurm, world: World) -> None:
    for node in slurm.nodes:
        slurm.take(node)
    world.sizing.size = JobSize(2)
    job = world.submit()
    step(world)
    assert world.row(job).phase == Phase.PREPARING.value
    assert world.story(job).count("The job waits: Slurm has given it 0 of 2 slots: Slurm says Resources.") == 1
    slurm.give_back("Node3")
    step(world)
    assert {each.container_id for each in world.wanted("third")} == {f"job-{job}-1", f"job-{job}-1-1"}
    world.ask_to_stop(job)
    world.pass_seconds(61)
    step(world)
    world.host_says(interfaces=(), host="third")
    step(world)
    assert world.container_rows() == 0
    assert [each for each in slurm.living() if each.startswith("job-")] == []


def test_another_attempt_gets_another_slot(slurm: FakeSlurm, world: World) -> None:
    job = world.submit()
    step(world)
    (first,) = slurm.living()
    assert first == f"job-{job}-1"
    with world.database.transaction() as session:
        session.get_one(HostRow, "second").epoch = 2
    step(world, 5)
    world.host_says(interfaces=(), host="second")
    step(world)
    assert world.row(job).attempt == 2
    assert slurm.living() == [f"job-{job}-2"]


def test_without_other_hosts_jobs_wait_for_one(slurm: FakeSlurm) -> None:
    world = World(None)
    world.placer = SlurmPlacer(SlurmClient(slurm.path), world.database, SlotSize.of(world.settings), USER)
    world.restart()
    job = world.submit()
    world.turn(2)
    assert world.status(job) == "SUBMITTED"
    assert "READING_ROOM_PLACEMENT=slurm places containers on hosts that have joined" in world.story(job)
    world.placer.turn()
    assert slurm.requests == []
    world.database.close()


def test_a_job_with_no_host_in_its_zone_fails_as_without_slurm(slurm: FakeSlurm, world: World) -> None:
    world.network.free = {"us-east-1c": 9}
    job = world.submit()
    step(world)
    assert world.status(job) == "FAILED"
    assert "No host is in us-east-1c" in str(world.message(job))
    assert submissions(slurm) == 0
