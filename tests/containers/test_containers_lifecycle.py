"""The life of containers: hand-over, ends of every kind, limits, and the agent's death at any moment."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reading_room.containers.bubblewrap import ENDED_FOR_OUTPUT
from reading_room.containers.processes import start_time
from tests.worlds import wall_clock
from tests.worlds.containers import OWN_KIND, DriverWorld, below, command_of, leftovers
from tests.worlds.waiting import settled

pytestmark = pytest.mark.network

Start = Callable[..., DriverWorld]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a driver in a holder; afterwards nothing may be left."""
    started: list[DriverWorld] = []

    def start(**options: bool) -> DriverWorld:
        started.append(DriverWorld(tmp_path, OWN_KIND, **options))
        return started[-1]

    yield start
    for each in started:
        each.close()
    assert leftovers(tmp_path) == set()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DriverWorld]:
    """A driver for tests that leave it running."""
    folder = tmp_path_factory.mktemp("shared")
    driver = DriverWorld(folder, OWN_KIND)
    yield driver
    driver.close()
    assert leftovers(folder) == set()


@pytest.fixture
def driver(shared: DriverWorld) -> Iterator[DriverWorld]:
    """The same, without containers; afterwards there are none again."""
    yield shared
    shared.call("standby", count=0)
    for record in shared.records():
        shared.call("remove", name=record["container_id"])
    shared.until(lambda: shared.call("states") == [] and not list((shared.folder / "containers").iterdir()))


def worker_of(world: DriverWorld) -> int:
    """Return the one worker that runs."""
    workers = [pid for pid in world.processes() if command_of(pid).startswith(sys.executable)]
    assert len(workers) == 1
    return workers[0]


def test_the_exit_code_of_a_worker_is_reported(driver: DriverWorld) -> None:
    driver.run("a", "exit:0", ahead=False)
    driver.run("b", "exit:7", ahead=False)
    assert driver.ended("a")["exit_code"] == 0
    assert driver.ended("b")["exit_code"] == 7


def test_a_start_that_lacks_file_descriptors_leaves_nothing_and_is_tried_again(driver: DriverWorld) -> None:
    lost = []
    for spare in range(100):
        found = driver.call("reserve_with", name="a", task="exit:0", spare=spare)
        if found is None:
            break
        lost.append(found)
        driver.call("states")
        assert driver.records() == []
    # It has failed at every step of a start, and in the end it succeeded.
    assert len(lost) > 10
    assert set(lost) == {0}
    driver.call("start", name="a", task="exit:0")
    assert driver.ended("a")["exit_code"] == 0


def test_on_a_full_disk_nothing_of_a_start_is_left_and_it_is_tried_again(driver: DriverWorld) -> None:
    assert "File too large" in driver.call("on_full_disk", what="reserve", name="a", task="exit:0")
    driver.call("states")
    assert driver.records() == []
    driver.call("reserve", name="a", task="exit:0")
    # Without the record, another agent would not know that the container has its job.
    assert "File too large" in driver.call("on_full_disk", what="start", name="a", task="exit:0")
    driver.call("start", name="a", task="exit:0")
    assert driver.ended("a")["exit_code"] == 0


def test_on_a_full_disk_containers_are_ended_as_ever_and_it_is_recorded_later(driver: DriverWorld) -> None:
    driver.call("reserve", name="a", task="wait")
    assert driver.call("on_full_disk", what="stop", name="a") is None
    assert driver.ended("a")["exit_code"] == 143
    assert [record["exit_code"] for record in driver.call("launchers")] == [143]


def test_a_container_started_ahead_is_used_once(driver: DriverWorld) -> None:
    driver.run("a", "exit:0", ahead=True)
    driver.run("b", "exit:0", ahead=False)
    assert driver.ended("a")["started_ahead"] is True
    assert driver.ended("b")["started_ahead"] is False


def test_a_repeated_reservation_is_the_same_namespace(driver: DriverWorld) -> None:
    first = driver.call("reserve", name="a", task="wait")
    assert driver.call("reserve", name="a", task="wait") == first
    assert driver.call("reserve", name="b", task="wait") != first


def test_handing_over_twice_does_nothing_the_second_time(driver: DriverWorld) -> None:
    driver.run("a", "exit:3", ahead=False)
    driver.call("start", name="a", task="exit:4")
    assert driver.ended("a")["exit_code"] == 3


def test_a_stopped_worker_finishes_early(driver: DriverWorld) -> None:
    driver.run("a", "wait", ahead=False)
    driver.until(lambda: (driver.state("a") or {})["phase"] == "running")
    driver.call("stop", name="a")
    state = driver.ended("a")
    assert state["exit_code"] == 0
    assert state["messages"][-1][0] == "Done"
    assert state["messages"][-1][1]["stopped"] is True


def test_a_container_stopped_before_its_job_arrived_ends_and_reports_it(driver: DriverWorld) -> None:
    driver.call("reserve", name="a", task="wait")
    driver.call("stop", name="a")
    assert driver.ended("a")["exit_code"] == 143


def test_a_container_that_is_removed_leaves_nothing(driver: DriverWorld) -> None:
    driver.run("a", "wait", ahead=False)
    driver.until(lambda: (driver.state("a") or {})["phase"] == "running")
    processes = driver.processes()
    driver.call("remove", name="a")
    driver.until(lambda: driver.call("states") == [] and driver.call("launchers") == [])
    driver.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))


def test_a_worker_killed_from_outside_is_reported_with_its_signal(driver: DriverWorld) -> None:
    driver.run("a", "wait", ahead=False)
    driver.until(lambda: (driver.state("a") or {})["phase"] == "running")
    os.kill(worker_of(driver), signal.SIGKILL)
    assert driver.ended("a")["exit_code"] == 128 + signal.SIGKILL


def test_a_job_whose_launcher_is_killed_dies_and_is_lost(driver: DriverWorld) -> None:
    driver.run("a", "wait", ahead=False)
    driver.until(lambda: (driver.state("a") or {})["phase"] == "running")
    worker = worker_of(driver)
    os.kill(driver.records()[0]["pid"], signal.SIGKILL)
    assert driver.ended("a")["phase"] == "lost"
    driver.until(lambda: not Path(f"/proc/{worker}").exists())


def test_a_job_beyond_its_time_is_ended(driver: DriverWorld) -> None:
    driver.run("a", "wait", ahead=False, seconds=1)
    assert driver.ended("a")["exit_code"] == 124


@pytest.mark.skipif(not wall_clock.can_be_moved(), reason="the clock of processes can be moved on x86-64 only")
def test_a_job_is_not_ended_because_the_clock_is_set_forward(driver: DriverWorld) -> None:
    driver.run("a", "wait", ahead=False)
    driver.until(lambda: (driver.state("a") or {})["phase"] == "running")
    with wall_clock.moved(lambda: [driver.agent()], 86_400):
        driver.state("a")
    assert driver.records()[0]["exit_code"] is None


def test_a_worker_that_writes_without_end_blocks_no_other_and_its_last_output_is_kept(driver: DriverWorld) -> None:
    driver.run("a", "flood", ahead=False)
    state = driver.ended("a")
    assert state["exit_code"] == 0
    assert "the very last line \\x1b[31m" in state["diagnostics"]
    assert "\x1b" not in state["diagnostics"]
    sizes = [path.stat().st_size for path in driver.folder.glob("containers/*/*")]
    assert max(sizes) <= 1_000_000


SURROGATE = '{"type": "Failed", "code": "INTERNAL_ERROR", "message": "\\ud800"}'
WIDE = '{"type": "Progress", "documents": 18446744073709551616}'
NO_MESSAGES = {
    "half-of-a-surrogate-pair": SURROGATE,
    "a-number-wider-than-64-bits": WIDE,
    "a-deep-nest": "[" * 50_000,
    "a-line-that-is-no-message": "loading the model",
}
LIST = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"


@pytest.mark.costs(3, reason="five containers, and another driver that finds them")
def test_a_malformed_message_ends_only_its_own_container(world: Start) -> None:
    text = LIST.read_text().partition("a worker says")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)
    assert listed == list(NO_MESSAGES)
    driver = world()
    driver.run("innocent", "wait", ahead=False)
    for name, line in NO_MESSAGES.items():
        driver.run(name, f"say:{line}", ahead=False)
    for name in NO_MESSAGES:
        state = driver.ended(name)
        assert state["exit_code"] == ENDED_FOR_OUTPUT
        kind, message = state["messages"][-1]
        assert kind == "Failed"
        assert "wrote something that is not a worker's message" in message["message"]
    # What stays on the disk does not keep the driver from starting.
    driver.kill()
    driver.restart()
    assert {name: driver.ended(name)["exit_code"] for name in NO_MESSAGES} == dict.fromkeys(
        NO_MESSAGES, ENDED_FOR_OUTPUT
    )
    assert (driver.state("innocent") or {})["phase"] == "running"
    driver.call("stop", name="innocent")
    assert driver.ended("innocent")["messages"][-1][0] == "Done"


def test_an_unreadable_record_affects_only_its_own_container(world: Start) -> None:
    driver = world()
    driver.run("a", "exit:3", ahead=False)
    driver.ended("a")
    driver.kill()
    odd = driver.folder / "containers" / "0123456789abcdef"
    odd.mkdir()
    (odd / "record.json").write_text('{"kind": "job", "limits": {"memory_bytes": 99999999999999999999}}')
    driver.restart()
    assert driver.ended("a")["exit_code"] == 3
    assert not odd.exists()


def test_records_are_readable_only_by_the_agent(driver: DriverWorld) -> None:
    driver.run("a", "exit:0", ahead=False)
    driver.ended("a")
    for path in driver.folder.glob("containers/**/*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert (driver.folder / "containers").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("groups", [True, False], ids=["control-groups", "resource-limits"])
def test_a_job_that_takes_too_much_memory_fails(world: Start, groups: bool) -> None:
    driver = world(groups=groups)
    driver.run("a", "memory", ahead=False)
    assert driver.ended("a")["exit_code"] != 0


@pytest.mark.parametrize("groups", [True, False], ids=["control-groups", "resource-limits"])
def test_a_job_cannot_have_more_processes_than_its_limit(world: Start, groups: bool) -> None:
    driver = world(groups=groups)
    driver.run("a", "fork", ahead=False)
    forks, _ = driver.findings("a")["forks"]
    assert 20 < forks <= 32


def test_a_running_job_outlives_the_agent_and_its_end_is_reported_by_the_next(world: Start) -> None:
    driver = world()
    driver.run("a", "wait", ahead=True)
    driver.until(lambda: (driver.state("a") or {})["phase"] == "running")
    namespace = driver.call("reserve", name="a", task="wait")
    worker = worker_of(driver)
    driver.kill()
    assert Path(f"/proc/{worker}").exists()
    driver.restart()
    state = driver.state("a")
    assert state is not None
    assert (state["phase"], state["started_ahead"]) == ("running", True)
    assert [name for name, _ in state["messages"]] == ["Ready", "Progress"]
    assert driver.call("reserve", name="a", task="wait") == namespace
    driver.call("stop", name="a")
    assert driver.ended("a")["exit_code"] == 0


def test_a_job_that_ended_while_no_agent_lived_is_reported(world: Start) -> None:
    driver = world()
    driver.run("a", "wait", ahead=False)
    driver.until(lambda: (driver.state("a") or {})["phase"] == "running")
    worker = worker_of(driver)
    driver.kill()
    os.kill(worker, signal.SIGTERM)
    driver.restart()
    state = driver.ended("a")
    assert state["exit_code"] == 0
    assert state["messages"][-1][0] == "Done"


def test_waiting_containers_end_by_themselves_when_the_agent_is_killed(world: Start) -> None:
    driver = world()
    driver.standby_loaded(2)
    driver.call("reserve", name="claimed", task="wait")
    waiting = driver.processes()
    driver.kill()
    end = [pid for pid in waiting if "container_probe" in command_of(pid)]
    settled(lambda: {"processes": [pid for pid in end if Path(f"/proc/{pid}").exists()]})
    driver.restart()
    assert driver.call("states") == []
    driver.until(lambda: driver.call("states") == [] and driver.call("launchers") == [])


def test_a_job_killed_with_its_agent_is_lost(world: Start) -> None:
    driver = world()
    driver.run("a", "wait", ahead=False)
    driver.until(lambda: (driver.state("a") or {})["phase"] == "running")
    launcher = driver.records()[0]["pid"]
    driver.kill()
    os.kill(launcher, signal.SIGKILL)
    driver.restart()
    assert driver.ended("a")["phase"] == "lost"


def test_a_job_whose_holder_was_killed_with_the_agent_is_ended_and_lost(world: Start) -> None:
    driver = world()
    if driver.kind == "subordinate":
        pytest.skip("a new user namespace has no right to end processes of the old one")
    driver.run("a", "wait", ahead=False)
    driver.until(lambda: (driver.state("a") or {})["phase"] == "running")
    worker = worker_of(driver)
    driver.kill()
    os.kill(json.loads((driver.folder / "holder.json").read_text())["pid"], signal.SIGKILL)
    driver.restart()
    assert driver.ended("a")["phase"] == "lost"
    driver.until(lambda: not Path(f"/proc/{worker}").exists())


def test_a_process_that_never_got_the_job_of_a_dying_agent_is_forgotten_so_that_another_can(world: Start) -> None:
    driver = world()
    driver.run("a", "exit:0", ahead=False)
    driver.ended("a")
    driver.kill()
    (record,) = (driver.folder / "containers").glob("*/record.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"phase": "handing"}))
    driver.restart()
    assert driver.call("states") == []
    driver.run("a", "exit:5", ahead=False)
    assert driver.ended("a")["exit_code"] == 5


def test_a_half_written_record_is_removed(world: Start) -> None:
    driver = world()
    driver.run("a", "exit:0", ahead=False)
    driver.ended("a")
    driver.kill()
    (folder,) = (driver.folder / "containers").iterdir()
    (folder / "record.json").write_text('{"kind": "jo')
    driver.restart()
    assert driver.call("states") == []
    assert list((driver.folder / "containers").iterdir()) == []


def test_an_engine_that_does_not_load_is_a_problem_and_not_tried_in_a_loop(world: Start) -> None:
    driver = world(probe=False)
    driver.call("freeze_pauses")
    assert driver.call("standby", count=0) == [0, {}]
    driver.call("standby", count=1)
    driver.until(lambda: driver.call("standby", count=1)[0] == 1)
    os.kill(driver.records()[0]["pid"], signal.SIGKILL)
    driver.until(lambda: driver.call("standby", count=1)[1] != {})
    driver.until(lambda: driver.call("states") == [] and driver.call("launchers") == [])
    assert "ended by itself" in driver.call("standby", count=1)[1]["standby entities-en"]


def test_a_realtime_container_answers_on_its_socket_and_ends_with_its_spec(world: Start) -> None:
    driver = world(probe=False)
    assert driver.call("realtime", ids=["rt-1"]) == ["rt-1"]
    ready, answer = driver.call("ask", name="rt-1", text="Der Himmel ist blau.")
    assert ready == {"ready": True}
    assert answer["results"][0][0]["LanguageCode"] == "de"
    assert driver.call("realtime", ids=[]) == []
    driver.until(lambda: driver.call("states") == [] and driver.call("launchers") == [])


def test_a_model_whose_container_dies_at_once_does_not_delay_others_of_its_engine(world: Start) -> None:
    driver = world(probe=False)
    driver.call("freeze_pauses")
    models = {"rt-1": "a" * 32, "rt-2": "a" * 32, "rt-3": "b" * 32}
    assert driver.call("realtime", ids=["rt-1"], models=models) == ["rt-1"]
    os.kill(driver.records()[0]["pid"], signal.SIGKILL)
    driver.until(lambda: driver.call("realtime", ids=["rt-1"], models=models) == [])
    assert driver.call("realtime", ids=["rt-2", "rt-3"], models=models) == ["rt-3"]


def test_ending_everything_leaves_no_process_and_the_jobs_are_lost(world: Start) -> None:
    driver = world()
    driver.run("before", "wait", ahead=False)
    driver.standby_loaded(1)
    waiting = driver.call("standby", count=1)
    # At the end of a lease only the jobs end: what waits without one belongs to no lease.
    driver.call("end_jobs")
    assert driver.ended("before")["phase"] == "lost"
    assert driver.call("standby", count=1) == waiting
    driver.run("a", "wait", ahead=False)
    processes = driver.processes()
    agent = driver.agent()
    driver.call("end_all")
    driver.until(lambda: not any(start_time(pid) for pid in processes))
    assert below(agent) == []
    driver.kill()
    driver.restart()
    assert driver.ended("a")["phase"] == "lost"
