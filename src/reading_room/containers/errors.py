"""The errors of containers; each message says what to do."""

from __future__ import annotations


class ContainerError(Exception):
    """A container could not be started or handed its job."""


class NoFreeUserId(ContainerError):
    """Every user id in the range belongs to a living container."""

    def __init__(self, first: int, count: int) -> None:
        super().__init__(
            f"all {count} user ids from {first} on belong to living containers: "
            "raise READING_ROOM_CONTAINER_UID_COUNT or run fewer jobs at once"
        )


class ContainerNotReserved(ContainerError):
    """A job was to be handed to a container that was not reserved."""

    def __init__(self, container_id: str) -> None:
        super().__init__(f"container {container_id} was not reserved, so it has no namespace to run in")


class ContainerNamespaceGone(ContainerError):
    """The container has ended, and its network namespace no longer exists."""

    def __init__(self, container_id: str) -> None:
        super().__init__(f"container {container_id} has ended and its network namespace is gone")


class HandOverFailed(ContainerError):
    """The waiting process did not take its job."""

    def __init__(self, container_id: str, reason: str) -> None:
        super().__init__(f"container {container_id} did not take its job: {reason}")


class ReaderFailed(ContainerError):
    """The process that reads what workers write does not run."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the output of workers cannot be read: {reason}")


class LaunchFailed(ContainerError):
    """The process of a container could not be started at all."""

    def __init__(self, engine: str, reason: str) -> None:
        super().__init__(f"no container for engine {engine} could be started: {reason}")


class ProgramMissing(ContainerError):
    """A program that containers need is not installed."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"{program} was not found: install the Debian package {package}")


class BadNameServers(ContainerError):
    """A name server is not an address, or a search domain is not a domain, so no ``resolv.conf`` is written."""

    def __init__(self, container_id: str, value: str) -> None:
        super().__init__(f"container {container_id} cannot use {value!r} as a name server or search domain")
