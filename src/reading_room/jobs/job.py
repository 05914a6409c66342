"""A job as the state machine sees it: its phase, the events that advance it, and the resulting changes. All frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ATTEMPTS = 3
"""How many attempts a job has if its first container is lost through no fault of the job. The last attempt has one
container, so that no other container of a cluster can be lost."""
CONTAINERS = 16
"""The most containers that an attempt can begin with."""
REPLACEMENTS = 2
"""The most containers that can replace lost ones in an attempt."""


class Phase(StrEnum):
    """The phase of a job, that is, what the service is doing for it."""

    QUEUED = "queued"
    """Accepted; waiting for a place among the running jobs."""
    PREPARING = "preparing"
    """Admitted; the role is being assumed and the interfaces are being created. No container runs yet."""
    RUNNING = "running"
    """Every interface exists and the containers are wanted."""
    STOPPING = "stopping"
    """The first worker must finish early."""
    FINISHING = "finishing"
    """The outcome is decided; containers and interfaces are being removed."""
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


TERMINAL = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.STOPPED})
ADMITTED = frozenset({Phase.PREPARING, Phase.RUNNING, Phase.STOPPING, Phase.FINISHING})
"""The phases that count towards ``settings.jobs_at_once``."""
ACTIVE = ADMITTED | {Phase.QUEUED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ends. ``phase`` is terminal; a failed job has a code (``NO_READ_ACCESS_TO_INPUT``) and a sentence.

    A completed job has only a sentence, if some of its documents failed.
    """

    phase: Phase
    code: str | None = None
    text: str | None = None

    @property
    def message(self) -> str | None:
        """The value of ``Message``: ``CODE: sentence`` as in the service, or a completed job's sentence."""
        return self.text if self.code is None else f"{self.code}: {self.text}"


@dataclass(frozen=True, slots=True)
class Job:
    """The state that determines a job's next step; everything else about the job is in its row.

    ``members`` are the numbers of the wanted containers of the current attempt, in order. The first one, 0, reports for
    the job and is wanted while any other is. ``made`` is how many numbers the attempt has used, and ``replacements``
    how many containers have replaced lost ones. ``story`` is what has happened so far, a line per event, oldest first;
    it is only used by ``InvalidTransition``.
    """

    job_id: str
    phase: Phase = Phase.QUEUED
    attempt: int = 0
    stop_requested: bool = False
    outcome: Outcome | None = None
    containers: int = 1
    """How many containers were planned for the job."""
    members: tuple[int, ...] = ()
    made: int = 0
    replacements: int = 0
    story: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many containers the current attempt begins with."""
        return width(self.containers, self.attempt)


def counted(containers: int) -> str:
    """Return a number of containers as text: ``1 container`` or ``3 containers``."""
    return "1 container" if containers == 1 else f"{containers} containers"


def width(containers: int, attempt: int) -> int:
    """Return how many containers an attempt begins with if ``containers`` were planned for the job."""
    return 1 if attempt >= ATTEMPTS else containers


# Events: what happened to a job.


@dataclass(frozen=True, slots=True)
class Admitted:
    """The controller found a free place and a number of containers. Raises ``ValueError`` for an invalid number."""

    containers: int = 1
    reason: str = ""
    """Why it has this number, for the story."""

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
    """The subnet and address, or the service's own network, for the story."""
    host: str
    """The host that runs it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The controller created the network interfaces of all containers of the attempt."""

    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class Reduced:
    """The account's policies do not allow what several containers need, so the job runs in fewer."""

    containers: int
    reason: str


@dataclass(frozen=True, slots=True)
class PreparationFailed:
    """The role or the network did not allow the job to run, or no host can ever run it."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A caller requested the end of the job."""


@dataclass(frozen=True, slots=True)
class ModelSeen:
    """The artifact of a training as the controller found it, and the validated metadata that the training reported.

    For other work that describes its output in metadata, it is the output.
    """

    size: int
    sha256: str
    metadata: str
    warning: str


@dataclass(frozen=True, slots=True)
class Consumed:
    """What a worker says that its job used: characters and units of documents, and bytes of input for topics."""

    characters: int = 0
    units: int = 0
    input_bytes: int = 0


@dataclass(frozen=True, slots=True)
class OutputSeen:
    """The first worker reported that it is done, and the controller found its object with that size and checksum."""

    documents: int
    errors: int
    stopped: bool
    """Whether the worker ended early because it was stopped."""
    model: ModelSeen | None = None
    """The artifact of a training, or an output with a description, which is what was found."""
    warning: str = ""
    """A warning of the worker about something that its results do not show."""
    consumed: Consumed = Consumed()


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """A worker reported a failure, its output was not as it reported, or the first worker crashed."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ContainerLost:
    """The first container ended through no fault of the job: its host, its holder or a signal ended it."""

    reason: str


@dataclass(frozen=True, slots=True)
class MemberPrepared:
    """The controller created the interface of a container that replaces a lost one."""

    placement: Placement

    @property
    def member(self) -> int:
        """The container's number."""
        return self.placement.member


@dataclass(frozen=True, slots=True)
class MemberLost:
    """A container other than the first ended before its work was done; the others take over its parts."""

    member: int
    reason: str
    replace: bool = True
    """Whether a replacement could succeed."""
    killed: bool = False
    """Whether SIGKILL ended it, which usually means that the host is short of memory."""


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """A container other than the first ended because no work was left for it."""

    member: int


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The job was not done ``seconds`` after its admission."""

    seconds: int


@dataclass(frozen=True, slots=True)
class StopOverdue:
    """The first worker did not end within ``seconds`` of the stop."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Released:
    """The interfaces are removed, and nothing is left in the network or half-written in the store."""


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


# Changes: rows to write together with the event that caused them.


@dataclass(frozen=True, slots=True)
class AddContainer:
    """Add a container to this attempt; no host should run it before it has an interface."""

    attempt: int
    member: int = 0


@dataclass(frozen=True, slots=True)
class PlaceContainer:
    """Give a container of this attempt its interface and its host, which should run it from now on."""

    attempt: int
    member: int
    interface_id: str
    vpc_id: str
    host: str


@dataclass(frozen=True, slots=True)
class AskToStop:
    """Ask the first worker of this attempt to finish early; it asks the others."""

    attempt: int


@dataclass(frozen=True, slots=True)
class DropContainer:
    """Stop wanting a container of this attempt, so that its interface is removed."""

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
