"""Requests that wait for their client, limited by what the client has proven.

A request waits while its body is incomplete, or while its answer is not taken. An unauthenticated client is identified
by its address, one that names an existing key by that key, and one whose signature is right by its account. Each of
these three kinds has its own room, so that clients that proved less never take the room of those that proved more. A
request beyond the limit of a holder, or of all holders of a kind, cuts another one: for an address, or a kind without
room, the request that has waited longest; for a key or an account, the one that has made no progress for longest,
because a slow client makes progress and one that hoards connections does not.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass


class Proof(enum.IntEnum):
    """What a request has proven so far."""

    NOTHING = 0
    KEY_NAMED = 1
    """It names an existing key. The signature covers the body, so it is not verified yet."""
    ACCOUNT = 2
    """Its signature is right."""


@dataclass(frozen=True, slots=True)
class Room:
    """The most requests of one holder that may wait, of all holders of the kind, and bytes of all their bodies."""

    of_one: int
    of_all: int
    bytes: int | None = None
    """``None`` if bodies do not wait in memory, or if their holder is accountable."""


ROOM: Mapping[Proof, Room] = {
    Proof.NOTHING: Room(500, 1000, 64 << 20),
    Proof.KEY_NAMED: Room(250, 500, 256 << 20),
    Proof.ACCOUNT: Room(500, 1000),
}
"""The room of one listener."""


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
        """Bytes of the body so far, if it waits in memory for the rest."""

    @property
    def awaits_body(self) -> bool:
        """Whether part of the body has not arrived."""
        return self._body

    @property
    def waits(self) -> bool:
        """Whether it waits for its client."""
        return self._body or self._answer

    def names_key(self, access_key_id: str) -> None:
        """Note that the request names an existing key."""
        self._proves(Proof.KEY_NAMED, access_key_id)

    def proves(self, account: str) -> None:
        """Note that the request's signature is right, and which account signed it."""
        self._proves(Proof.ACCOUNT, account)

    def streams(self) -> None:
        """Note that the body no longer waits in memory."""
        if self.waits:
            self._requests.moved(self, -self.bytes)
        self._keeps, self.bytes = False, 0

    def await_body(self, *, waits: bool) -> None:
        """Note that the body is awaited, or is complete."""
        self._change(waits, self._answer)

    def await_taking(self, *, waits: bool) -> None:
        """Note that the client does not take its answer, or takes it again."""
        self._change(self._body, waits)

    def received(self, size: int) -> None:
        """Note that ``size`` bytes of the body have arrived."""
        kept = size if self._keeps else 0
        self.bytes += kept
        if self.waits:
            self._requests.moved(self, kept)

    def end(self) -> None:
        """Note that the connection has ended."""
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
        self._requests: dict[Proof, dict[str, dict[Standing, None]]] = {proof: {} for proof in Proof}
        """The requests of each holder, with the next one to be cut first."""
        self._bytes = dict.fromkeys(Proof, 0)

    def __len__(self) -> int:
        """Return the number of waiting requests."""
        return sum(map(self.count, Proof))

    def count(self, proof: Proof) -> int:
        """Return the number of waiting requests that have proven exactly ``proof``."""
        return sum(map(len, self._requests[proof].values()))

    def add(self, standing: Standing) -> None:
        """Add a request that now waits."""
        holders = self._requests[standing.proof]
        holders.setdefault(standing.holder, {})[standing] = None
        self._bytes[standing.proof] += standing.bytes
        self._make_room(standing.proof, standing.holder)

    def remove(self, standing: Standing) -> None:
        """Remove a request that no longer waits."""
        own = self._requests[standing.proof][standing.holder]
        del own[standing]
        self._bytes[standing.proof] -= standing.bytes
        if not own:
            del self._requests[standing.proof][standing.holder]

    def moved(self, standing: Standing, size: int) -> None:
        """Note that a waiting request has made progress, and keeps ``size`` more bytes in memory."""
        proof = standing.proof
        self._bytes[proof] += size
        if proof is not Proof.NOTHING:
            own = self._requests[proof][standing.holder]
            del own[standing]
            own[standing] = None
        most = self._room[proof].bytes
        while most is not None and self._bytes[proof] > most:
            max((each for own in self._requests[proof].values() for each in own), key=lambda each: each.bytes).cut()

    def cut_one(self) -> bool:
        """Cut one request, of the clients that have proven least; return whether there was one."""
        for holders in self._requests.values():
            if holders:
                next(iter(_fullest(holders))).cut()
                return True
        return False

    def _make_room(self, proof: Proof, holder: str) -> None:
        holders, room = self._requests[proof], self._room[proof]
        if len(holders[holder]) > room.of_one:
            next(iter(holders[holder])).cut()
        elif self.count(proof) > room.of_all:
            next(iter(_fullest(holders))).cut()


def _fullest(holders: Mapping[str, dict[Standing, None]]) -> dict[Standing, None]:
    """Return the requests of the holder that has most, so that holders of few are spared."""
    return max(holders.values(), key=len)
