"""Requests that wait for their clients: which one is cut for which, by what each has proven."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from reading_room.hosts.unfinished import Proof, Room, Standing, Unfinished

ROOM = {Proof.NOTHING: Room(3, 5, 100), Proof.KEY_NAMED: Room(2, 4, 100), Proof.ACCOUNT: Room(3, 4)}


@dataclass
class Listener:
    """Requests by name, and which of them were cut, in order."""

    requests: Unfinished = field(default_factory=lambda: Unfinished(ROOM))
    cut: list[str] = field(default_factory=list)

    def begins(self, name: str, source: str = "192.0.2.1", *, key: str = "", account: str = "") -> Standing:
        """Begin a request whose body is awaited."""
        standing = Standing(self.requests, source, lambda: self.cut.append(name))
        if key:
            standing.names_key(key)
        if account:
            standing.proves(account)
        standing.await_body(waits=True)
        return standing


def test_the_oldest_of_an_address_makes_room() -> None:
    here = Listener()
    for number in range(5):
        here.begins(str(number))
    assert here.cut == ["0", "1"]


def test_an_address_does_not_keep_its_room_by_sending_slowly() -> None:
    here = Listener()
    first = here.begins("first")
    for number in range(3):
        first.received(1)
        here.begins(str(number))
    assert here.cut == ["first"]


def test_an_address_with_few_is_not_cut_for_one_with_many() -> None:
    here = Listener()
    here.begins("own", "192.0.2.9")
    for number in range(9):
        here.begins(str(number), f"192.0.2.{number % 3}")
    assert "own" not in here.cut
    assert here.requests.count(Proof.NOTHING) == 5


def test_a_request_with_proof_is_never_cut_for_one_without() -> None:
    here = Listener()
    here.begins("keyed", key="AKIA1")
    here.begins("proven", account="111122223333")
    for number in range(100):
        here.begins(str(number), f"192.0.2.{number % 7}")
    assert here.cut
    assert {"keyed", "proven"}.isdisjoint(here.cut)


def test_the_idle_request_of_a_key_is_cut_and_not_the_one_that_makes_progress() -> None:
    """A client that only knows a key's id can fill that key's room; the owner's request keeps making progress."""
    here = Listener()
    owner = here.begins("owner", key="AKIA1")
    for number in range(20):
        owner.received(1)
        here.begins(str(number), key="AKIA1")
    assert "owner" not in here.cut
    assert len(here.cut) == 19


def test_a_later_proof_moves_a_request_to_other_room() -> None:
    here = Listener()
    standing = here.begins("one")
    standing.names_key("AKIA1")
    assert (here.requests.count(Proof.NOTHING), here.requests.count(Proof.KEY_NAMED)) == (0, 1)
    standing.proves("111122223333")
    standing.names_key("AKIA2")
    assert (here.requests.count(Proof.KEY_NAMED), here.requests.count(Proof.ACCOUNT)) == (0, 1)
    standing.await_body(waits=False)
    assert len(here.requests) == 0


def test_an_answer_that_is_not_taken_waits_as_a_body_does() -> None:
    here = Listener()
    standing = here.begins("one")
    standing.await_body(waits=False)
    standing.await_taking(waits=True)
    for number in range(3):
        here.begins(str(number))
    assert here.cut == ["one"]


def test_bodies_in_memory_are_limited_together_and_the_largest_is_cut() -> None:
    here = Listener()
    small, large = here.begins("small"), here.begins("large")
    stored = here.begins("stored", "192.0.2.2")
    stored.streams()
    stored.received(10_000)
    small.received(30)
    large.received(71)
    assert here.cut == ["large"]


def test_without_descriptors_a_request_is_cut_and_unauthenticated_ones_first() -> None:
    here = Listener()
    here.begins("proven", account="111122223333")
    here.begins("nobody")
    assert here.requests.cut_one()
    assert here.cut == ["nobody"]
    assert here.requests.cut_one()
    assert not here.requests.cut_one()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begins", "key", "account", "moves", "whole", "untaken", "taken", "streams", "ends"]),
            st.integers(0, 11),
            st.sampled_from("abc"),
        ),
        max_size=80,
    )
)
def test_no_order_of_events_leaves_more_requests_than_there_is_room_for(events: list[tuple[str, int, str]]) -> None:
    here = Listener()
    known: dict[int, Standing] = {}
    cut: set[int] = set()
    for event, number, holder in events:
        standing = known.get(number)
        if event == "begins" and number not in known:
            known[number] = Standing(here.requests, holder, partial(cut.add, number))
            known[number].await_body(waits=True)
        elif standing is None or number in cut:
            continue
        elif event == "key":
            standing.names_key(holder)
        elif event == "account":
            standing.proves(holder)
        elif event == "moves":
            standing.received(40)
        elif event == "whole":
            standing.await_body(waits=False)
        elif event in ("untaken", "taken"):
            standing.await_taking(waits=event == "untaken")
        elif event == "streams":
            standing.streams()
        elif event == "ends":
            standing.end()
        waiting = [each for each in known.values() if each.waits]
        assert len(here.requests) == len(waiting)
        assert not any(known[each].waits for each in cut)
        for proof, room in ROOM.items():
            own = [each for each in waiting if each.proof is proof]
            assert here.requests.count(proof) == len(own) <= room.of_all
            assert max(Counter(each.holder for each in own).values(), default=0) <= room.of_one
            assert room.bytes is None or sum(each.bytes for each in own) <= room.bytes
