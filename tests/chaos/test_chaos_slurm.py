"""Debian's Slurm as a driver of placement: the contract, and what it does when it is killed or its nodes fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reading_room.agent.in_force import NAME, InForce
from reading_room.jobs.placement import MustWait, Placed
from reading_room.jobs.slurm.placer import SETTLE_SECONDS
from reading_room.jobs.slurm.slot import FAILURES
from tests.worlds.placement import attempt, homes
from tests.worlds.placement_contract import CONTRACT, Clause, has_home
from tests.worlds.slurm_bed import SlurmBed
from tests.worlds.slurm_cluster import USER, SlurmCluster, cluster
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(300),
    pytest.mark.costs(30, reason="Slurm schedules every second, and a killed slurmctld takes some to begin"),
]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    """A Slurm with the nodes ``a`` and ``b``, two cores each."""
    with cluster(tmp_path_factory.mktemp("slurm"), ("a", "b")) as found:
        yield found


class Agents:
    """The agents of both nodes, as far as a prolog sees them."""

    def __init__(self, slurm: SlurmCluster) -> None:
        self.files: dict[str, InForce] = {}
        for node in slurm.nodes:
            folder = slurm.folder / f"state-{node}" / "fd00-17" / "server"
            folder.mkdir(parents=True, exist_ok=True)
            self.files[node] = InForce(folder / NAME)
        self.containers: dict[str, set[str]] = {node: set() for node in slurm.nodes}

    def turn(self) -> None:
        """Let each agent that lives take a turn."""
        for node, file in self.files.items():
            file.tell(7, leased=True, problem="", containers=self.containers[node])

    def end(self, node: str) -> None:
        """End the agent of a node."""
        self.files.pop(node).end()


@pytest.fixture
def agents(slurm: SlurmCluster) -> Agents:
    """Two agents that are ready."""
    return Agents(slurm)


@pytest.fixture
def bed(slurm: SlurmCluster, agents: Agents) -> Iterator[SlurmBed]:
    """Two empty hosts."""
    bed = bed_on(slurm, agents)
    yield bed
    bed.database.close()
    slurm.cancel_all()


def bed_on(slurm: SlurmCluster, agents: Agents) -> SlurmBed:
    """Return a bed, whose agents take a turn in each round."""

    def wait(done: Callable[[], bool]) -> None:
        def turn() -> bool:
            agents.turn()
            return done()

        eventually(turn, what="an answer of Slurm")

    return SlurmBed(slurm.socket, wait, USER, settle=SETTLE_SECONDS, prolog=10.0)


@pytest.mark.parametrize("clause", CONTRACT)
def test_slurm_keeps_the_contract(bed: SlurmBed, clause: Clause) -> None:
    clause(bed)


def runs(bed: SlurmBed, job: str = "j") -> str:
    """Place a job of one container, let it run, and return its host."""
    found = bed.place([attempt(job=job)], lambda found: bool(homes(found, job)))
    bed.begin(found)
    return next(iter(homes(found, job)))


def test_a_slot_is_held_as_long_as_its_container_runs(slurm: SlurmCluster, bed: SlurmBed, agents: Agents) -> None:
    host = runs(bed)
    agents.containers[host] = {"j-0"}
    agents.turn()
    bed.end("j-0")
    bed.driver.turn()
    eventually(lambda: slurm.jobs() == {}, what="the end of the slot")


def test_a_killed_slurmctld_ends_no_container_and_keeps_no_job_waiting(tmp_path: Path) -> None:
    """One container runs, one has its slot, and one's slot was submitted a moment before.

    Such a slurmctld forgets the newest jobs, revives some that had ended, and gives ids away again.
    """
    with cluster(tmp_path, ("a", "b")) as slurm:
        bed = bed_on(slurm, Agents(slurm))
        kill_slurmctld(slurm, bed)
        bed.database.close()


def kill_slurmctld(slurm: SlurmCluster, bed: SlurmBed) -> None:
    runs(bed, "running")
    bed.place([attempt(job="held")], lambda found: bool(homes(found, "held")))
    both = [attempt(job="held"), attempt(job="asked")]
    bed.want(both)
    bed.driver.place(both, list(bed.hosts.values()))
    bed.driver.turn()
    slurm.kill_controller()
    bed.driver.turn()
    waits = bed.driver.place(both, list(bed.hosts.values()))
    assert homes(waits, "held").total() == 1, "what is known of a slot stays known"
    assert isinstance(waits["asked"], MustWait)
    assert "slurmctld does not answer" in waits["asked"].reason
    slurm.start_controller()
    found = bed.place(both, lambda found: bool(homes(found, "held") and homes(found, "asked")))
    assert homes(found, "asked").total() == homes(found, "held").total() == 1
    bed.begin(found)
    names = {f"{each}-0" for each in ("running", "held", "asked")}
    for each in names:
        bed.end(each)
    bed.place([], lambda found: not names & set(slurm.jobs()))
    assert not names & set(slurm.jobs())


def test_a_killed_serve_finds_its_slots_and_cancels_the_others(slurm: SlurmCluster, bed: SlurmBed) -> None:
    for job in ("j", "k"):
        bed.place([attempt(job=job)], lambda found, job=job: bool(homes(found, job)))  # type: ignore[misc]
    kept = slurm.ids("k-0")
    bed.end("j-0")
    bed.restart()
    bed.place([attempt(job="k")], lambda found: bool(homes(found, "k")))
    eventually(lambda: set(slurm.jobs()) == {"k-0"}, what="one slot")
    assert slurm.ids("k-0") == kept


def test_a_host_whose_agent_is_away_fails_the_slot_and_keeps_its_node(
    slurm: SlurmCluster, bed: SlurmBed, agents: Agents
) -> None:
    agents.end("a")
    # A slot counts as held only once its script has had the time to fail, and a busy machine starts scripts late.
    bed.restart(settle=10.0)
    reasons: set[str] = set()

    def placed(found: Placed) -> bool:
        waits = found["j"]
        reasons.update([waits.reason] if isinstance(waits, MustWait) else [])
        return has_home(found)

    assert set(homes(bed.place([attempt()], placed))) == {"b"}
    assert f"Slurm has not given it a slot yet: the slot on the node a failed, because {FAILURES[72]}" in reasons
    assert slurm.states()["a"] == "IDLE", "a prolog that exits with 1 drains the node"


def test_a_slot_of_a_failed_node_is_asked_for_again(slurm: SlurmCluster, bed: SlurmBed) -> None:
    (host,) = homes(bed.place([attempt()], has_home))
    first = slurm.ids("j-0")
    # It is up again as soon as its slurmd speaks.
    slurm.run("scontrol", "update", f"nodename={host}", "state=down", "reason=test")
    found = bed.place([attempt()], lambda found: has_home(found) and slurm.ids("j-0") not in ([], first))
    assert has_home(found)
    assert len(slurm.ids("j-0")) == 1


def test_a_container_goes_on_when_its_slot_is_cancelled_or_requeued(slurm: SlurmCluster, bed: SlurmBed) -> None:
    runs(bed)
    slurm.run("scancel", "--name", *slurm.run("squeue", "--noheader", "--format=%j").split())
    found = bed.place([attempt(job="k")], lambda found: bool(homes(found, "k")))
    assert homes(found, "k").total() == 1
    assert set(slurm.jobs()) == {"k-0"}, "nobody asks for the first one again"


def test_nothing_of_a_slot_is_left_on_its_node(slurm: SlurmCluster, bed: SlurmBed) -> None:
    runs(bed)
    mine = slurm.ids("j-0")
    left = set(slurm.run("ls", "/run/reading-room-slots").split())
    assert len(mine) == 1
    assert left >= set(mine)
    slurm.cancel_all()
    eventually(lambda: not set(mine) & set(slurm.run("ls", "/run/reading-room-slots").split()), what="an epilog")
    assert not Path("/run/reading-room-slots").exists(), "it is not this machine's own"
