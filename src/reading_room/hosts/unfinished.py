"""Requests that wait for their client, bounded by who it has proven to be.

A request waits while its body is not whole, or while its answer is not taken. Whoever proved nobody is told apart by
the address it comes from, whoever names a key that exists by the key, and whoever proved an account by the account.
Each of the three kinds has places of its own, so that those who proved less never take the place of those who proved
more. One more than a holder, or all holders of a kind, may have cuts another: of an address, or a kind without room,
the request that has waited longest; of a key or an account the one that has not moved for longest, because a slow
client moves and one that hoards need not.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass


class Proof(enum.IntEnum):
    """What the head of a request has proven so far."""

    NOTHING = 0
    KEY_NAMED = 1
    """It names a key that exists. Its signature covers the body, so it is not known yet whether it is right."""
    ACCOUNT = 2
    """Its signature is right."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many requests of one holder may wait, how many of all holders of the kind, and bytes of all their bodies."""

    of_one: int
    of_all: int
    bytes: int | None = None
    """``None`` where bodies do not wait in memory, or their holder answers for them."""


ROOM: Mapping[Proof, Room] = {
    Proof.NOTHING: Room(500, 1000, 64 << 20),
    Proof.KEY_NAMED: Room(250, 500, 256 << 20),
    Proof.ACCOUNT: Room(500, 1000),
}
"""Of one listener."""


class Standing:
    """One request: what it has proven, and whether it waits for its client."""

    __slots__ = ("_answer", "_body", "_cut", "_keeps", "_requests", "bytes", "holder", "proof")

    def __init__(self, requests: Unfinished, source: str, cut: Callable[[], object]) -> None:
        """``source`` is the address that it comes from; ``cut`` ends its connection."""
        self._requests = requests
        self._cut = cut
        self._body = False
        self._answer = False
        self._keeps = True
        self.proof = Proof.NOTHING
        self.holder = source
        self.bytes = 0
        """Of the body, so far, if it waits in memory for the rest."""

    @property
    def awaits_body(self) -> bool:
        """Whether some of the body has not arrived."""
        return self._body

    @property
    def waits(self) -> bool:
        """Whether it waits for its client."""
        return self._body or self._answer

    def names_key(self, access_key_id: str) -> None:
        """Hear that the request names a key that exists."""
        self._proves(Proof.KEY_NAMED, access_key_id)

    def proves(self, account: str) -> None:
        """Hear that the request's signature is right, and whose key signed it."""
        self._proves(Proof.ACCOUNT, account)

    def streams(self) -> None:
        """Hear that the body does not wait in memory from now on."""
        if self.waits:
            self._requests.moved(self, -self.bytes)
        self._keeps, self.bytes = False, 0

    def await_body(self, *, waits: bool) -> None:
        """Hear that the body is awaited, or is whole."""
        self._change(waits, self._answer)

    def await_taking(self, *, waits: bool) -> None:
        """Hear that the client does not take its answer, or that it goes on."""
        self._change(self._body, waits)

    def received(self, size: int) -> None:
        """Hear that so many bytes of the body arrived."""
        kept = size if self._keeps else 0
        self.bytes += kept
        if self.waits:
            self._requests.moved(self, kept)

    def end(self) -> None:
        """Hear that the connection has ended."""
        self._change(False, False)

    def cut(self) -> None:
        """End the connection."""
        self.end()
        self._cut()

    def _proves(self, proof: Proof, holder: str) -> None:
        if proof <= self.proof:
            return
        waits = self.waits
        if waits:
            self._requests.remove(self)
        self.proof, self.holder = proof, holder
        if waits:
            self._requests.add(self)

    def _change(self, body: bool, answer: bool) -> None:
        before = self.waits
        self._body, self._answer = body, answer
        if self.waits and not before:
            self._requests.add(self)
        elif before and not self.waits:
            self._requests.remove(self)


class Unfinished:
    """The requests of one listener that wait for their clients. For one thread."""

    def __init__(self, room: Mapping[Proof, Room] = ROOM) -> None:
        self._room = room
        self._held: dict[Proof, dict[str, dict[Standing, None]]] = {proof: {} for proof in Proof}
        """The requests of each holder, the next to be cut first."""
        self._bytes = dict.fromkeys(Proof, 0)

    def __len__(self) -> int:
        """Return how many wait."""
        return sum(map(self.count, Proof))

    def count(self, proof: Proof) -> int:
        """Return how many wait that have proven just that."""
        return sum(map(len, self._held[proof].values()))

    def add(self, standing: Standing) -> None:
        """Take a request that waits from now on."""
        holders = self._held[standing.proof]
        holders.setdefault(standing.holder, {})[standing] = None
        self._bytes[standing.proof] += standing.bytes
        self._make_room(standing.proof, standing.holder)

    def remove(self, standing: Standing) -> None:
        """Forget a request that waits no more."""
        own = self._held[standing.proof][standing.holder]
        del own[standing]
        self._bytes[standing.proof] -= standing.bytes
        if not own:
            del self._held[standing.proof][standing.holder]

    def moved(self, standing: Standing, size: int) -> None:
        """Hear that a request that waits has moved, and keeps so many bytes more."""
        proof = standing.proof
        self._bytes[proof] += size
        if proof is not Proof.NOTHING:
            own = self._held[proof][standing.holder]
            del own[standing]
            own[standing] = None
        most = self._room[proof].bytes
        while most is not None and self._bytes[proof] > most:
            max((each for own in self._held[proof].values() for each in own), key=lambda each: each.bytes).cut()

    def cut_one(self) -> bool:
        """Cut the request whose place is needed most; say whether there was one."""
        for holders in self._held.values():
            if holders:
                next(iter(_fullest(holders))).cut()
                return True
        return False

    def _make_room(self, proof: Proof, holder: str) -> None:
        holders, room = self._held[proof], self._room[proof]
        if len(holders[holder]) > room.of_one:
            next(iter(holders[holder])).cut()
        elif self.count(proof) > room.of_all:
            next(iter(_fullest(holders))).cut()


def _fullest(holders: Mapping[str, dict[Standing, None]]) -> dict[Standing, None]:
    """Return the requests of the holder that has most: whoever has few is not cut for whoever has many."""
    return max(holders.values(), key=len)
