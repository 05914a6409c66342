"""A job as the state machine sees it: its phase, the events that move it, the changes that follow. All frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ATTEMPTS = 3
"""How often a job's container is started in all, when containers are lost through no fault of the job."""


class Phase(StrEnum):
    """Where a job is. Each phase says what the service is doing about it."""

    QUEUED = "queued"
    """Accepted; waits for a place among the running jobs."""
    PREPARING = "preparing"
    """Admitted; the role is being assumed and the interface made. Nothing of the job runs yet."""
    RUNNING = "running"
    """Its interface exists and its container is wanted."""
    STOPPING = "stopping"
    """The worker was asked to finish early."""
    FINISHING = "finishing"
    """How it ends is decided; its container and interface are on their way out."""
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


TERMINAL = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.STOPPED})
ADMITTED = frozenset({Phase.PREPARING, Phase.RUNNING, Phase.STOPPING, Phase.FINISHING})
"""The phases that hold one of the places of ``settings.jobs_at_once``."""
ACTIVE = ADMITTED | {Phase.QUEUED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ends: ``phase`` is terminal; a failed one has a code (``NO_READ_ACCESS_TO_INPUT``) and a sentence."""

    phase: Phase
    code: str | None = None
    text: str | None = None

    @property
    def message(self) -> str | None:
        """What ``Message`` shows: ``CODE: sentence``, in the service's own style."""
        return None if self.code is None else f"{self.code}: {self.text}"


@dataclass(frozen=True, slots=True)
class Job:
    """What decides about a job's next step; everything else about it is in its row.

    ``story`` is what happened so far, a line per event, oldest first; it is carried for ``InvalidTransition``.
    """

    job_id: str
    phase: Phase = Phase.QUEUED
    attempt: int = 0
    stop_requested: bool = False
    outcome: Outcome | None = None
    story: tuple[str, ...] = ()


# Events: what happened to a job. A docstring says who saw it.


@dataclass(frozen=True, slots=True)
class Admitted:
    """The controller found a free place for it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The controller made its network interface."""

    interface_id: str
    vpc_id: str
    place: str
    """In words, for the story: the subnet and address, or the service's own network."""


@dataclass(frozen=True, slots=True)
class PreparationFailed:
    """The role or the network did not allow it to run."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A caller asked for its end."""


@dataclass(frozen=True, slots=True)
class ModelSeen:
    """The artifact that a training wrote, as it was seen, and what the training says of it: checked, but its word."""

    size: int
    sha256: str
    metadata: str
    warning: str


@dataclass(frozen=True, slots=True)
class OutputSeen:
    """The worker said it was done, and the controller saw the object it wrote, of that size and checksum."""

    documents: int
    errors: int
    stopped: bool
    """Whether the worker ended early because it was asked to."""
    model: ModelSeen | None = None
    """Of a training: the artifact, which is the object that was seen."""
    warning: str = ""
    """What the worker says that its results do not show."""


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """The worker gave a reason why the job cannot go on, its output was not as it said, or it crashed."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ContainerLost:
    """The container ended through no fault of the job: its host, its holder or somebody's signal ended it."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimedOut:
    """It was not done ``seconds`` after its admission."""

    seconds: int


@dataclass(frozen=True, slots=True)
class StopOverdue:
    """The worker did not end within ``seconds`` of being asked to."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Released:
    """Its interface is gone, and nothing of it is left in the network or half-written in the store."""


Event = (
    Admitted
    | Prepared
    | PreparationFailed
    | StopRequested
    | OutputSeen
    | WorkerFailed
    | ContainerLost
    | TimedOut
    | StopOverdue
    | Released
)


# Changes: rows that are written together with the event that caused them.


@dataclass(frozen=True, slots=True)
class AddContainer:
    """Note the container of this attempt; it is not wanted on a host before it has an interface."""

    attempt: int


@dataclass(frozen=True, slots=True)
class PlaceContainer:
    """Give the container of this attempt its interface; from now on a host should run it."""

    attempt: int
    interface_id: str
    vpc_id: str


@dataclass(frozen=True, slots=True)
class AskToStop:
    """Have the worker of this attempt told to finish early."""

    attempt: int


@dataclass(frozen=True, slots=True)
class DropContainer:
    """No host should run the container of this attempt any more, and its interface is to be removed."""

    attempt: int


Change = AddContainer | PlaceContainer | AskToStop | DropContainer


def job_status(job: Job) -> str:
    """Return the ``JobStatus`` that clients see."""
    if job.phase in TERMINAL:
        return job.phase.value.upper()
    if job.phase is Phase.QUEUED:
        return "SUBMITTED"
    return "STOP_REQUESTED" if job.stop_requested else "IN_PROGRESS"
