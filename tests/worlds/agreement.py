"""The random rules of networks whose specification, compiled rules and kernel are compared."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

from reading_room.dataplane.spec import Peer, SecurityGroupRule
from tests.worlds.network import TCP, ident, rule

PORTS = (22, 80, 443)
GROUPS = (ident("sg", 1), ident("sg", 2), ident("sg", 3))


class RandomRules:
    """Draws rules of security groups, numbered from ``first``."""

    def __init__(self, chance: random.Random, peers: Sequence[Peer], first: int) -> None:
        self._chance = chance
        self._peers = peers
        self._numbers = itertools.count(first)

    def __call__(self, most: int) -> list[SecurityGroupRule]:
        """Return at most this many rules: for everything, or for a range of TCP ports."""
        chance, found = self._chance, []
        for _ in range(chance.randint(0, most)):
            first = chance.choice((*PORTS, 0))
            last = chance.choice([port for port in (*PORTS, 65_535) if port >= first])
            ports = (-1, -1, -1) if chance.random() < 0.4 else (TCP, first, last)
            found.append(rule(next(self._numbers), chance.choice(self._peers), *ports))
        return found
