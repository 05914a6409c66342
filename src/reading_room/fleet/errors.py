"""Why a host cannot join, or cannot be changed. Each message is one sentence that says what to change."""

from __future__ import annotations


class HostError(Exception):
    """A rule on hosts forbids a change; nothing was changed."""


class UnknownHost(HostError):
    """No host has this name."""

    def __init__(self, host: str) -> None:
        super().__init__(f"There is no host {host}: `reading-room host list` shows the names.")


class HostRefused(HostError):
    """A value of a host is not valid, or belongs to another host."""

    def __init__(self, what: str, value: object, expected: str) -> None:
        super().__init__(f"The {what} {ascii(value)[:80]} cannot be used: {expected}.")


class HostIsUsed(HostError):
    """A host that has containers of jobs cannot change its zone."""

    def __init__(self, host: str, containers: int) -> None:
        super().__init__(
            f"The host {host} has {containers} containers of jobs, whose subnets are in its zone: wait for their end."
        )


class HostIsActive(HostError):
    """A host that may have containers is not drained."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"The host {host} is active and holds a lease: drain it first (`reading-room host drain {host}`), or "
            "remove it with --force, which ends its containers."
        )


class HostLeaves(HostError):
    """A host is being removed."""

    def __init__(self, host: str) -> None:
        super().__init__(f"The host {host} is being removed: wait until `reading-room host list` no longer shows it.")


class FirstHostStays(HostError):
    """The host of ``serve`` cannot be removed."""

    def __init__(self, host: str) -> None:
        super().__init__(f"The host {host} runs the server and cannot be removed: drain it to keep jobs away from it.")


class TokenRefused(HostError):
    """A token does not let this host join."""


class TooManyTokens(HostError):
    """So many tokens are open that no further one is made."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} tokens are open, the most allowed: use them, or wait until they expire.")


class NoInvitation(HostError):
    """A text is not what ``reading-room host token`` prints."""

    def __init__(self) -> None:
        super().__init__(
            "This is not a token as `reading-room host token` prints it: copy the whole line, which begins with "
            "reading-room-host://"
        )
