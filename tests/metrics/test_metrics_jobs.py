"""The metrics of jobs: what runs, what waits, what ended, and each document once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from reading_room.analysis.job_file import Done, Progress, Ready
from reading_room.metrics import job_metrics
from reading_room.metrics.job_metrics import JobMetrics
from reading_room.settings import Settings
from tests.worlds.jobs import CONTENT, KIND, World


class Scraped:
    """A world of jobs, one at a time, and its metrics."""

    def __init__(self, folder: Path) -> None:
        self.jobs = World(folder, Settings(jobs_at_once=1))
        self.restart()

    def restart(self) -> None:
        """Begin anew, like a new process."""
        self.registry = CollectorRegistry()
        self.metrics = JobMetrics(self.registry, self.jobs.database, lambda: self.jobs.now)

    def value(self, name: str, **labels: str) -> float | None:
        """Scrape, and return a value."""
        self.metrics.read()
        return self.registry.get_sample_value(f"reading_room_{name}", labels)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Scraped]:
    """A world of jobs."""
    found = Scraped(tmp_path)
    yield found
    found.jobs.database.close()


def test_active_jobs_are_counted_by_phase_and_the_oldest_waiting_one_has_an_age(world: Scraped) -> None:
    jobs = world.jobs
    assert world.value("jobs_oldest_queued_age_seconds") == 0
    jobs.submit()
    jobs.turn(2)
    jobs.submit()
    jobs.pass_seconds(40)
    jobs.submit()
    assert world.value("jobs", kind=KIND, phase="running") == 1
    assert world.value("jobs", kind=KIND, phase="queued") == 2
    assert world.value("jobs_oldest_queued_age_seconds") == 40


def test_a_job_is_counted_once_when_it_ends_with_its_time_and_its_documents(world: Scraped) -> None:
    jobs = world.jobs
    identifier = jobs.submit()
    jobs.pass_seconds(3)
    jobs.turn(2)
    jobs.host_says(jobs.state(Ready(), Progress(10, 50)))
    jobs.turn()
    assert world.value("job_documents_total", kind=KIND) == 10
    jobs.write_output(identifier)
    said = Done(50, 0, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), characters=700, units=150)
    jobs.host_says(jobs.state(Ready(), said, phase="exited", exit_code=0))
    jobs.pass_seconds(57)
    jobs.turn()
    jobs.host_says(interfaces=())
    jobs.turn(2)
    assert jobs.status(identifier) == "COMPLETED"
    for _ in range(2):
        assert world.value("jobs_ended_total", kind=KIND, outcome="completed") == 1
        assert world.value("job_documents_total", kind=KIND) == 50
        assert world.value("job_characters_total", kind=KIND) == 700
        assert world.value("job_duration_seconds_sum", kind=KIND, outcome="completed") == 60
        assert world.value("job_queue_duration_seconds_sum", kind=KIND) == 3
        assert world.value("jobs", kind=KIND, phase="running") is None


def test_a_job_that_is_stopped_while_it_waits_is_counted_too(world: Scraped) -> None:
    identifier = world.jobs.submit()
    assert world.jobs.ask_to_stop(identifier) == "STOPPED"
    assert world.value("jobs_ended_total", kind=KIND, outcome="stopped") == 1
    assert world.value("jobs_ended_total", kind=KIND, outcome="stopped") == 1


def test_a_new_process_counts_nothing_that_an_earlier_one_has_counted(world: Scraped) -> None:
    jobs = world.jobs
    jobs.submit()
    jobs.turn(2)
    jobs.host_says(jobs.state(Ready(), Progress(10, 50)))
    jobs.turn()
    world.restart()
    jobs.host_says(jobs.state(Ready(), Progress(15, 50)))
    jobs.turn()
    assert world.value("job_documents_total", kind=KIND) == 5


def test_one_scrape_reads_a_bounded_number_of_events_and_the_next_ones_the_rest(
    world: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_metrics, "EVENTS_READ", 4)
    for _ in range(4):  # Two events each.
        world.jobs.ask_to_stop(world.jobs.submit())
    seen = [world.value("jobs_ended_total", kind=KIND, outcome="stopped") for _ in range(4)]
    assert seen == sorted(seen, key=lambda value: value or 0)
    assert (seen[0], seen[-1]) == (2, 4)
