"""Following a job to its end with plain AWS calls: its state, and its progress from its log stream."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reading_room.cli import reading
from reading_room.cli.screen import output as console
from reading_room.cli.training_story import find_training
from reading_room.jobs import progress
from reading_room.jobs.progress import ProgressLine

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

SUCCEEDED = frozenset({"COMPLETED", "TRAINED", "TRAINED_WITH_WARNING"})
"""The states of jobs and models that ended successfully."""
OVER = SUCCEEDED | {*reading.OVER, "IN_ERROR"}
LOG_SECONDS = 1.0
"""How often the log stream is read by default."""
_INTERFACE = re.compile(r"\beni-[0-9a-f]+")

Describe = Callable[[], dict[str, Any]]
"""Returns the properties of a job or model, as its Describe operation does."""


@dataclass(frozen=True, slots=True)
class View:
    """A job as it was last seen."""

    status: str = ""
    reported: ProgressLine | None = None
    """Its progress when it was last reported."""
    reported_at: float = 0.0
    """When it was reported, in seconds since 1970."""
    containers: int = 1
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether the job has ended."""
        return self.status in OVER

    def words(self, now: float | None = None) -> str:
        """Return the state and the progress; with ``now``, the time since the report is taken from the time left."""
        words = [self.status]
        reported = self.reported
        if reported is not None and not self.over:
            of = "" if reported.of is None else f" of {reported.of:,}"
            words.append(f"{reported.documents:,}{of} documents")
            if reported.rate is not None:
                words.append(reported.rate)
            if reported.left is not None:
                since = 0.0 if now is None else now - self.reported_at
                left = progress.Left(reported.left.least - since, reported.left.most - since)
                words.append(f"{progress.about(left)} left" if left.most >= 1 else "nearly done")
        if self.containers > 1 and not self.over:
            words.append(f"in {self.containers} containers")
        return ", ".join(words)


class Follower:
    """Polls one job. ``job`` is its id, which is also the name of its log stream."""

    def __init__(
        self, logs: CloudWatchLogsClient, job: str, describe: Describe, log_seconds: float = LOG_SECONDS
    ) -> None:
        self._logs = logs
        self._job = job
        self._describe = describe
        self._every = log_seconds
        self._token: str | None = None
        self._read_at = -log_seconds
        self.view = View()

    def look(self) -> View:
        """Return the job as it is now."""
        properties = self._describe()
        status = properties.get("JobStatus") or properties["Status"]
        self.view = replace(self.view, status=status, properties=properties)
        if time.monotonic() - self._read_at >= self._every and not self.view.over:
            self._read_at = time.monotonic()
            for at, message in self._new_lines():
                self.view = _updated(self.view, at, message)
        return self.view

    def _new_lines(self) -> list[tuple[float, str]]:
        where = {"logGroupName": progress.LOG_GROUP, "logStreamName": self._job}
        given: Any = where | ({"startFromHead": True} if self._token is None else {"nextToken": self._token})
        try:
            page = self._logs.get_log_events(**given)
        except self._logs.exceptions.ResourceNotFoundException:
            # Its first line is written a moment after the job was accepted.
            return []
        self._token = page["nextForwardToken"]
        return [(event["timestamp"] / 1000, event["message"]) for event in page["events"]]

    def to_the_end(self, show: Callable[[View], None], pause: float = 0.01) -> View:
        """Poll until the job is over, with pauses that grow from ``pause`` to half a second; return the last view."""
        while True:
            view = self.look()
            show(view)
            if view.over:
                return view
            time.sleep(pause)
            pause = min(pause * 1.3, 0.5)


def _updated(view: View, at: float, message: str) -> View:
    """Return a view updated with one more line of the job's story."""
    reported = progress.read(message)
    if reported is not None:
        return replace(view, reported=reported, reported_at=at, containers=reported.containers)
    if message.startswith("Prepared: "):
        # The line names one interface for each container.
        return replace(view, containers=max(1, len(set(_INTERFACE.findall(message)))))
    return view


def of_job(account: reading.Account, job: str) -> Follower | None:
    """Return a follower of a job of any kind; ``None`` if there is no job with this id."""
    describe = reading.describer(account, job)
    return None if describe is None else Follower(account.logs, job, describe)


def of_model(account: reading.Account, arn: str) -> Follower:
    """Return a follower of the training of a custom model. Raises ``reading.NoTrainingError``."""
    _, job = find_training(account, arn)
    return Follower(account.logs, job, reading.model_describer(account, arn))


@contextmanager
def shown(title: str, *, states: bool = True) -> Iterator[Callable[[View], None]]:
    """Yield a function that shows a view: on a terminal in a line that it updates, otherwise in a line for each change.

    Without a terminal and without ``states``, only reported progress is a change.
    """
    if console.is_terminal:
        with console.status(title) as status:
            yield lambda view: status.update(f"{title}: {view.words(time.time())}")
        return
    last: tuple[str, ProgressLine | None] | None = None

    def show(view: View) -> None:
        nonlocal last
        now = (view.status if states else "", view.reported)
        if now == last or view.over or (not states and view.reported is None):
            return
        last = now
        console.print(view.words(), soft_wrap=True, markup=False)

    yield show
