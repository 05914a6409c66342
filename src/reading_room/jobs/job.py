"""A job as the state machine sees it: its phase, the events that move it, the changes that follow. All frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ATTEMPTS = 3
"""How often a job is begun in all, when its first container is lost through no fault of the job. The last attempt has
one container: nothing of a cluster can be lost there."""
CONTAINERS = 16
"""How many containers an attempt may begin with."""
REPLACEMENTS = 2
"""How many containers an attempt may be given for lost ones."""


class Phase(StrEnum):
    """Where a job is. Each phase says what the service is doing about it."""

    QUEUED = "queued"
    """Accepted; waits for a place among the running jobs."""
    PREPARING = "preparing"
    """Admitted; the role is being assumed and the interfaces made. Nothing of the attempt runs yet."""
    RUNNING = "running"
    """Every interface exists and the containers are wanted."""
    STOPPING = "stopping"
    """The first worker was asked to finish early."""
    FINISHING = "finishing"
    """How it ends is decided; its containers and interfaces are on their way out."""
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


TERMINAL = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.STOPPED})
ADMITTED = frozenset({Phase.PREPARING, Phase.RUNNING, Phase.STOPPING, Phase.FINISHING})
"""The phases that hold one of the places of ``settings.jobs_at_once``."""
ACTIVE = ADMITTED | {Phase.QUEUED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ends: ``phase`` is terminal; a failed one has a code (``NO_READ_ACCESS_TO_INPUT``) and a sentence.

    A completed one has a sentence alone, where documents of it failed.
    """

    phase: Phase
    code: str | None = None
    text: str | None = None

    @property
    def message(self) -> str | None:
        """What ``Message`` shows: ``CODE: sentence`` as the service has it, or a completed job's sentence."""
        return self.text if self.code is None else f"{self.code}: {self.text}"


@dataclass(frozen=True, slots=True)
class Job:
    """What decides about a job's next step; everything else about it is in its row.

    ``members`` are the numbers of the present attempt's containers that are wanted, in order; the first, 0, speaks for
    the job and is there as long as any is. ``made`` is how many numbers the attempt has used, ``replacements`` how
    many of the containers that it may be given for lost ones are used up. ``story`` is what happened so far, a line
    per event, oldest first; it is carried for ``InvalidTransition``.
    """

    job_id: str
    phase: Phase = Phase.QUEUED
    attempt: int = 0
    stop_requested: bool = False
    outcome: Outcome | None = None
    containers: int = 1
    """How many containers were planned for it."""
    members: tuple[int, ...] = ()
    made: int = 0
    replacements: int = 0
    story: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many containers the present attempt began with, or is beginning with."""
        return width(self.containers, self.attempt)


def counted(containers: int) -> str:
    """Return a number of containers in words."""
    return "1 container" if containers == 1 else f"{containers} containers"


def width(containers: int, attempt: int) -> int:
    """Return how many containers an attempt begins with, of a job for which so many were planned."""
    return 1 if attempt >= ATTEMPTS else containers


# Events: what happened to a job. A docstring says who saw it.


@dataclass(frozen=True, slots=True)
class Admitted:
    """The controller found a free place for it, and so many containers. Raises ``ValueError`` for an absurd number."""

    containers: int = 1
    reason: str = ""
    """In words, for the story: why so many."""

    def __post_init__(self) -> None:
        """Check the number."""
        if not 1 <= self.containers <= CONTAINERS:
            raise ValueError(f"{self.containers} containers: expected 1 to {CONTAINERS}")


@dataclass(frozen=True, slots=True)
class Placement:
    """The interface of one container."""

    member: int
    interface_id: str
    vpc_id: str
    place: str
    """In words, for the story: the subnet and address, or the service's own network."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The controller made the network interfaces of every container of the attempt."""

    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class Reduced:
    """What is asked of the account for several containers is refused: the job runs in fewer."""

    containers: int
    reason: str


@dataclass(frozen=True, slots=True)
class PreparationFailed:
    """The role or the network did not allow it to run, or no host can ever run it."""

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
    """The first worker said it was done, and the controller saw the object it wrote, of that size and checksum."""

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
    """A worker gave a reason why the job cannot go on, the output was not as it said, or the first one crashed."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ContainerLost:
    """The first container ended through no fault of the job: its host, its holder or somebody's signal ended it."""

    reason: str


@dataclass(frozen=True, slots=True)
class MemberPrepared:
    """The controller made the interface of a container that was added for a lost one."""

    placement: Placement

    @property
    def member(self) -> int:
        """The container's number."""
        return self.placement.member


@dataclass(frozen=True, slots=True)
class MemberLost:
    """A container that is not the first ended before its work was done: the others do its parts."""

    member: int
    reason: str
    replace: bool = True
    """Whether another one in its place would fare better."""
    killed: bool = False
    """Whether SIGKILL ended it, as a host does that is short of memory."""


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """A container that is not the first ended because there was nothing left to do for it."""

    member: int


@dataclass(frozen=True, slots=True)
class TimedOut:
    """It was not done ``seconds`` after its admission."""

    seconds: int


@dataclass(frozen=True, slots=True)
class StopOverdue:
    """The first worker did not end within ``seconds`` of being asked to."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Released:
    """Its interfaces are gone, and nothing of it is left in the network or half-written in the store."""


Event = (
    Admitted
    | Prepared
    | Reduced
    | PreparationFailed
    | StopRequested
    | OutputSeen
    | WorkerFailed
    | ContainerLost
    | MemberPrepared
    | MemberLost
    | MemberLeft
    | TimedOut
    | StopOverdue
    | Released
)


# Changes: rows that are written together with the event that caused them.


@dataclass(frozen=True, slots=True)
class AddContainer:
    """Note a container of this attempt; it is not wanted on a host before it has an interface."""

    attempt: int
    member: int = 0


@dataclass(frozen=True, slots=True)
class PlaceContainer:
    """Give a container of this attempt its interface; from now on a host should run it."""

    attempt: int
    member: int
    interface_id: str
    vpc_id: str


@dataclass(frozen=True, slots=True)
class AskToStop:
    """Have the first worker of this attempt told to finish early; it tells the others."""

    attempt: int


@dataclass(frozen=True, slots=True)
class DropContainer:
    """No host should run this container of this attempt any more, and its interface is to be removed."""

    attempt: int
    member: int = 0


Change = AddContainer | PlaceContainer | AskToStop | DropContainer


def job_status(job: Job) -> str:
    """Return the ``JobStatus`` that clients see."""
    if job.phase in TERMINAL:
        return job.phase.value.upper()
    if job.phase is Phase.QUEUED:
        return "SUBMITTED"
    return "STOP_REQUESTED" if job.stop_requested else "IN_PROGRESS"
