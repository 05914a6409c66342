"""The user ids of containers. No process in a container may run as the host's user 0."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from reading_room.containers.errors import ContainerError, NoFreeUserId


class WouldRunAsHostRoot(ContainerError):
    """Containers have no separate user ids, and the agent's own id is the host's user 0."""

    def __init__(self) -> None:
        super().__init__("a container would run as the host's user 0: give containers a range of user ids")


def host_user_id(user: int, mapping: Path = Path("/proc/self/uid_map")) -> int | None:
    """Return a user id of this user namespace as an id of the parent namespace; ``None`` if it is not mapped."""
    for line in mapping.read_text().splitlines():
        inside, outside, count = (int(number) for number in line.split())
        if inside <= user < inside + count:
            return outside + user - inside
    return None


def inner_user_id(user: int, mapping: Path = Path("/proc/self/uid_map")) -> int | None:
    """Return a user id of the parent namespace as an id of this user namespace; ``None`` if it is not mapped."""
    for line in mapping.read_text().splitlines():
        inside, outside, count = (int(number) for number in line.split())
        if outside <= user < outside + count:
            return inside + user - outside
    return None


@dataclass(frozen=True, slots=True)
class UserIds:
    """A range of user ids: one for each living container, and the last ones for fronts, encryption and the reader."""

    first: int
    count: int

    @property
    def reader(self) -> int:
        """The user id of the reader."""
        return self.first + self.count - 1

    @property
    def fronts(self) -> range:
        """The user ids of the fronts, one for each VPC with containers."""
        return range(self.tunnels - self.count // 6, self.tunnels)

    @property
    def tunnels(self) -> int:
        """The user id of the program that encrypts the underlay."""
        return self.reader - 1

    def take(self, used: Collection[int]) -> int:
        """Return an unused id for a container. Raises ``NoFreeUserId``."""
        return _free(range(self.first, self.fronts.start), used)

    def take_for_front(self, used: Collection[int | None]) -> int:
        """Return an unused id for a front. Raises ``NoFreeUserId``."""
        return _free(self.fronts, used)


def _free(users: range, used: Collection[int | None]) -> int:
    for user in users:
        if user not in used:
            return user
    raise NoFreeUserId(users.start, len(users))


def container_users(first: int, count: int) -> UserIds | None:
    """Return the ids for containers; ``None`` if only the agent's own user is mapped, which they then share.

    Raises ``WouldRunAsHostRoot`` if that is the host's user 0.
    """
    mapped = [host_user_id(user) for user in (first, first + count - 1)]
    if count > 0 and None not in mapped and 0 not in mapped and first > 0:
        return UserIds(first, count)
    if host_user_id(os.geteuid()) == 0:
        raise WouldRunAsHostRoot()
    return None
