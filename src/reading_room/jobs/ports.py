"""The protocols through which the controller uses the rest of the service; ``wiring`` connects the implementations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity
from reading_room.jobs.tables import JobRow


class OneContainerOnly(Exception):
    """The account does not allow what several containers of a job need, but the job can run in one.

    ``reason`` says what to allow.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class JobSize:
    """How a job is divided: the number of containers, 1 to 16, and the bytes of input of each part.

    ``reason`` explains the number for the story; it is empty if no explanation is needed.
    """

    containers: int = 1
    part_bytes: int = 1_000_000
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NetworkNeed:
    """A container that needs an interface, or had one. It has only ids, so it can be read again after a crash.

    ``subnets`` and ``security_groups`` are ``None`` for a job in the service's own network. ``member`` is its number
    among the ``containers`` that the attempt begins with; a container with a higher number replaces a lost one. With
    several hosts, ``zone`` is that of its host, where its subnet must be.
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
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class PreparedInterface:
    """An interface that is ready for its container. ``place`` is its subnet and address as text.

    ``warnings`` are sentences for the job's owner about problems that do not prevent the job from running.
    """

    interface_id: str
    vpc_id: str
    place: str
    warnings: tuple[str, ...] = ()


class JobNetwork(Protocol):
    """Creates and removes the interfaces of jobs. Every method can be called again after a crash at any point."""

    def zones(self, session: Session, subnets: Sequence[str] | None) -> dict[str, int] | None:
        """Return how many addresses are free in each zone of a job's subnets, or ``None`` if any zone will do.

        It is only used with several hosts. Whether the subnets can be used is checked by ``prepare``.
        """
        ...

    def prepare(self, need: NetworkNeed) -> PreparedInterface:
        """Create the interface, or find the one that was created before. Call it for the first container first.

        Raises ``PreparationError``; ``release`` then removes what was created. Raises ``OneContainerOnly`` for the
        first of several containers if the account allows only one.
        """
        ...

    def check_cluster(self, needs: Sequence[NetworkNeed]) -> None:
        """Check that the containers of an attempt, each with its interface, can reach each other.

        Raises ``PreparationError``, CONTAINERS_CANNOT_CONNECT, naming the rule to add.
        """
        ...

    def explain_cluster(self, need: NetworkNeed) -> str | None:
        """Return a sentence on why a container cannot reach the others of its attempt, or ``None`` if it should."""
        ...

    def attach(self, session: Session, need: NetworkNeed, interface_id: str) -> None:
        """Attach the interface to the container, in the transaction that records it."""
        ...

    def detached(self, session: Session, needs: Sequence[NetworkNeed]) -> list[NetworkNeed]:
        """Return those of the containers that do not have their interfaces any more."""
        ...

    def detach(self, session: Session, interface_id: str) -> None:
        """Detach the interface, in the transaction that drops its container."""
        ...

    def release(self, need: NetworkNeed) -> tuple[str, ...]:
        """Remove every interface of the container, recorded or not; return messages for its owner."""
        ...

    def remove_leftovers(self) -> None:
        """Remove interfaces that were created for jobs and belong to no container row."""
        ...

    def explain(self, need: NetworkNeed) -> str | None:
        """Return a sentence for the owner on why the interface cannot reach the storage, or ``None`` if it should."""
        ...


class ObjectFacts(Protocol):
    """What the store knows about an object."""

    @property
    def size(self) -> int:
        """The size in bytes."""
        ...

    @property
    def sha256(self) -> str | None:
        """The digest of the content in hexadecimal, or ``None`` if it is not known."""
        ...


class OutputStore(Protocol):
    """The store as the service itself uses it, without policies."""

    def head(self, bucket: str, key: str) -> ObjectFacts | None:
        """Return the facts of an object, or ``None`` if it does not exist."""
        ...

    def objects_below(self, bucket: str, prefix: str) -> Iterator[tuple[str, ObjectFacts]]:
        """Yield the keys below a prefix in order, each with the facts of its object."""
        ...

    def delete(self, bucket: str, key: str) -> object:
        """Delete an object, if it exists."""
        ...

    def abort_uploads(self, bucket: str, key: str) -> object:
        """Abort the unfinished uploads of one key, if there are any, or below a key that ends in a slash."""
        ...

    def delete_prefix(self, bucket: str, prefix: str) -> object:
        """Delete everything below a prefix: objects, versions, delete markers and unfinished uploads.

        Do nothing if there is nothing, or no such bucket.
        """
        ...


class Sizing(Protocol):
    """How a job is divided among containers."""

    def __call__(self, session: Session, row: JobRow, capacity: Capacity | None, /) -> JobSize:
        """Return the size of a job. ``capacity`` is the free capacity of its host, ``None`` if it is not known yet."""
        ...


class Identities(Protocol):
    """The certificates of jobs' containers."""

    def forget(self, job_id: str, attempt: int | None = None) -> None:
        """Forget the certificates, if any, of an attempt, or of all attempts of a job."""
        ...


class ModelCheck(Protocol):
    """Validates the metadata that a training reports."""

    def __call__(self, analysis: str, metadata: str, /) -> None:
        """Raise ``ValueError`` unless the text is valid metadata of a model of this kind of training."""
        ...


class Denials(Protocol):
    """The recent denials of the store."""

    def __call__(self, session_arn: str, /) -> str | None:
        """Return the last denial of a role session with the deciding statement, or ``None``."""
        ...


class Storyteller(Protocol):
    """Writes the stories of jobs to their log streams."""

    def __call__(self, session: Session, job_id: str, lines: Sequence[tuple[dt.datetime, str]], /) -> None:
        """Append lines to the job's log stream, in the transaction that marks them as copied."""
        ...
