"""Fronts that only remember: for tests, and for developing where there is no Linux."""

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
        """VPCs that get no front."""

    def arrange(self, vpcs: Set[str], listeners: Mapping[ListenerLabel, socket.socket]) -> None:
        """Remember whose listeners are served."""
        self.served = {
            vpc_id: tuple(label for label in listeners if label.vpc_id == vpc_id) for vpc_id in vpcs - self.broken
        }
        self.attached &= set(self.served)

    def attach(self, send: Callable[[str, socket.socket], bool], *, fresh: bool) -> None:
        """Hand over a socket for each front that has none."""
        if fresh:
            self.attached.clear()
        for vpc_id in set(self.served) - self.attached:
            ours, theirs = socket.socketpair()
            ours.close()
            if send(vpc_id, theirs):
                self.attached.add(vpc_id)

    def problems(self) -> Mapping[str, str]:
        """Return what was said to be broken."""
        return dict.fromkeys(self.broken, "it was said to be broken")

    def descriptors(self) -> Sequence[int]:
        """Return nothing: no front ends."""
        return ()

    def close(self) -> None:
        """Forget everything."""
        self.served.clear()
