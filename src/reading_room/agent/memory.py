"""Fronts in memory: for tests, and for development without Linux."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence, Set

from reading_room.dataplane.spec import ListenerLabel


class MemoryFronts:
    """Implements ``Fronts``."""

    def __init__(self) -> None:
        self.served: dict[str, tuple[ListenerLabel, ...]] = {}
        """The listeners of each VPC that has a front."""
        self.attached: set[str] = set()
        self.broken: set[str] = set()
        """The VPCs that get no front."""

    def arrange(self, vpcs: Set[str], listeners: Mapping[ListenerLabel, socket.socket]) -> None:
        """Remember which listeners are served."""
        self.served = {
            vpc_id: tuple(label for label in listeners if label.vpc_id == vpc_id) for vpc_id in vpcs - self.broken
        }
        self.attached &= set(self.served)

    def attach(self, send: Callable[[str, socket.socket], bool], *, fresh: bool) -> None:
        """Hand over a socket for each front without one."""
        if fresh:
            self.attached.clear()
        for vpc_id in set(self.served) - self.attached:
            ours, theirs = socket.socketpair()
            ours.close()
            if send(vpc_id, theirs):
                self.attached.add(vpc_id)

    def problems(self) -> Mapping[str, str]:
        """Return a problem for each VPC in ``broken``."""
        return dict.fromkeys(self.broken, "it is broken in this test")

    def descriptors(self) -> Sequence[int]:
        """Return nothing, because fronts in memory do not end."""
        return ()

    def close(self) -> None:
        """Forget everything."""
        self.served.clear()
