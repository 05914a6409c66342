"""What the controller needs of the rest of the service, as protocols; ``wiring`` connects the implementations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity
from reading_room.jobs.tables import JobRow


class OneContainerOnly(Exception):
    """The account does not allow what several containers of a job need; the job can still run in one.

    ``reason`` says what to allow.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class JobSize:
    """How a job is divided: among so many containers, 1 to 16, in parts of so many bytes of input.

    ``reason`` says in words why, for the story; empty where nothing is worth saying.
    """

    containers: int = 1
    part_bytes: int = 1_000_000
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NetworkNeed:
    """A container that needs an interface, or that had one: ids only, so that it can be read again after a crash.

    ``subnets`` and ``security_groups`` are ``None`` for a job in the service's own network. ``member`` is its number
    among the ``containers`` that the attempt begins with; one with a higher number was added for a lost one.
    """

    container_id: str
    attempt: int
    host: str
    job_id: str
    job_arn: str
    account: str
    region: str
    role_arn: str
    subnets: tuple[str, ...] | None
    security_groups: tuple[str, ...] | None
    interface_id: str | None = None
    member: int = 0
    containers: int = 1


@dataclass(frozen=True, slots=True)
class PreparedInterface:
    """An interface that waits for its container. ``place`` says in words where it is.

    ``warnings`` are sentences for the job's owner about what does not keep the job from running.
    """

    interface_id: str
    vpc_id: str
    place: str
    warnings: tuple[str, ...] = ()


class JobNetwork(Protocol):
    """Makes and removes the interfaces of jobs. Every method may be called again after a crash at any point."""

    def prepare(self, need: NetworkNeed) -> PreparedInterface:
        """Make the interface, or find the one made before. Of the containers of an attempt the first comes first.

        Raises ``PreparationError``; what was made before that is removed by ``release``. Raises ``OneContainerOnly``
        for the first of several, before it has an interface, where the account allows one only.
        """
        ...

    def check_cluster(self, needs: Sequence[NetworkNeed]) -> None:
        """Check that the containers of an attempt, each with its interface, will reach one another.

        Raises ``PreparationError``, CONTAINERS_CANNOT_CONNECT, naming the rule to add.
        """
        ...

    def explain_cluster(self, need: NetworkNeed) -> str | None:
        """Say why a container does not reach the others of its attempt, in a sentence; ``None`` if it should."""
        ...

    def attach(self, session: Session, need: NetworkNeed, interface_id: str) -> None:
        """Give the interface to the container, in the transaction that notes it."""
        ...

    def attached(self, session: Session, need: NetworkNeed) -> bool:
        """Say whether the container still has its interface."""
        ...

    def detach(self, session: Session, interface_id: str) -> None:
        """Take the interface's wire away, in the transaction that drops its container."""
        ...

    def release(self, need: NetworkNeed) -> tuple[str, ...]:
        """Remove every interface of the container, whether noted or not; return the notes worth telling its owner."""
        ...

    def remove_leftovers(self) -> None:
        """Remove interfaces that were made for jobs and belong to no container row."""
        ...

    def explain(self, need: NetworkNeed) -> str | None:
        """Say why the interface does not reach the storage, in a sentence for its owner; ``None`` if it should."""
        ...


class ObjectFacts(Protocol):
    """What the store knows of an object."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def sha256(self) -> str | None:
        """Of the content, in hexadecimal; ``None`` if it is not known."""
        ...


class OutputStore(Protocol):
    """The store as the service itself looks at it, outside any policy."""

    def head(self, bucket: str, key: str) -> ObjectFacts | None:
        """Return the facts of an object, or ``None`` when there is none."""
        ...

    def delete(self, bucket: str, key: str) -> object:
        """Delete an object; none is no error."""
        ...

    def abort_uploads(self, bucket: str, key: str) -> object:
        """Abort the unfinished uploads of one key; none, or no such bucket, is no error."""
        ...

    def delete_prefix(self, bucket: str, prefix: str) -> object:
        """Delete everything whose key begins so: objects, versions, delete markers and unfinished uploads.

        None, or no such bucket, is no error.
        """
        ...


class Sizing(Protocol):
    """How a job is divided among containers."""

    def __call__(self, session: Session, row: JobRow, capacity: Capacity | None, /) -> JobSize:
        """Return the size of a job. ``capacity`` is what its host can give it, ``None`` while that is not known."""
        ...


class Identities(Protocol):
    """The certificates of jobs' containers."""

    def forget(self, job_id: str, attempt: int | None = None) -> None:
        """Forget those of an attempt, or of all of a job's attempts; none is no error."""
        ...


class ModelCheck(Protocol):
    """What a training may say of its model."""

    def __call__(self, analysis: str, metadata: str, /) -> None:
        """Raise ``ValueError`` unless the text is the metadata of a model that this kind of training makes."""
        ...


class Denials(Protocol):
    """What the store refused lately."""

    def __call__(self, session_arn: str, /) -> str | None:
        """Return the last denial of a role session with the statement that decided, or ``None``."""
        ...


class Storyteller(Protocol):
    """Where people read a job's story."""

    def __call__(self, job_id: str, lines: Sequence[tuple[dt.datetime, str]], /) -> None:
        """Append lines to the job's log stream. Called again with the same lines only after a crash."""
        ...
