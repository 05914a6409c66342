"""Every interleaving of leases, address sets and the reuse of addresses, up to a bound here, and all in ``make chaos``.

Each rule is also broken on purpose: the exploration must find what it is for.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from reading_room.agent.frames import Lease, LeaseRequest
from reading_room.agent.lease import HostLease
from tests.worlds.exploration import explore
from tests.worlds.lease_model import THIRD, Model, Rules, answered


def counted_from_the_answer(lease: HostLease, answer: Lease) -> HostLease:
    return answered(replace(lease, asked=tuple((request, 0.0) for request, _ in lease.asked)), answer)


def any_epoch(epoch: int, request: LeaseRequest) -> tuple[int, bool]:
    return (epoch if request.held else epoch + 1), True


def an_epoch_only_for_what_was_given_away(epoch: int, request: LeaseRequest) -> tuple[int, bool]:
    """Let a host that has ended everything begin in the epoch that the server chose when it lost the host."""
    if request.held:
        return epoch, request.epoch == epoch
    return (epoch + 1 if request.epoch == epoch else epoch), True


def any_epoch_to_begin(epoch: int, request: LeaseRequest) -> tuple[int, bool]:
    """Believe a host without a lease that nothing of it runs, whatever epoch it knows."""
    return (epoch, request.epoch == epoch) if request.held else (epoch + 1, True)


def model(rules: Rules, *faults: str, givers: tuple[int, ...] = (THIRD,), wire: int = 1) -> Model:
    return Model(rules, givers=givers, wire=wire, faults=faults)


LOST = ("a tick", "a tick", "a tick", "a is lost")
ASKED_TWICE = (
    *("a tick", "a tick"),
    "a looks at its lease, a ends its containers, a asks and realizes, a starts and reports",
    "a looks at its lease, a asks and realizes, a starts and reports",
    "a: epoch begins",
    "a takes an answer, a reads and realizes, a starts and reports",
)
BROKEN = {
    "the server waits for no margin": (model(Rules(margin_ticks=0), "slow"), ()),
    "the lease counts from the answer": (model(Rules(answered=counted_from_the_answer)), ()),
    "the server forgets the epoch": (model(Rules(decide=any_epoch), "paused"), ("a is paused", *LOST)),
    "the server believes a late request": (
        model(Rules(decide=any_epoch_to_begin), "paused", wire=2),
        (*ASKED_TWICE, "a is paused", *LOST),
    ),
    "a lease begins in an epoch that has begun": (model(Rules(decide=an_epoch_only_for_what_was_given_away)), LOST),
    "the agent forgets the epoch": (model(Rules(covers=lambda lease, epoch: lease.held)), LOST),
    "an address is given again at once": (model(Rules(reuse_waits=False), givers=(0,)), ()),
    "others accept packets of lost hosts": (
        model(Rules(lost_hosts_are_refused=False), "paused"),
        ("a is paused", *LOST),
    ),
    "only the agent stops packets": (model(Rules(kernel_ends=False)), ()),
    "the next agent does not know the lease": (model(Rules(recorded=False), "killed"), ()),
}


@pytest.mark.costs(1, reason="thousands of states are explored")
@pytest.mark.parametrize("rule", BROKEN)
def test_what_a_rule_is_for_is_found_when_it_is_broken(rule: str) -> None:
    """The steps that are given lead to where the search begins, which makes it short."""
    broken, first = BROKEN[rule]
    assert explore(broken, first=first).wrong
    kept = replace(broken, rules=Rules())
    assert not explore(kept, most=100, first=first).wrong


@pytest.mark.costs(2, reason="thousands of states are explored")
def test_nothing_is_wrong_in_the_nearest_states() -> None:
    """All faults, with another turn of the agent, message or tick between any two of them."""
    found = explore(Model(), most=3_000)
    assert (found.wrong, found.steps) == ("", ())
    assert {"a is lost", "a is paused", "a is started again", "0 is given to c", "a tick"} <= found.seen


@pytest.mark.chaos
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    "every",
    [
        Model(faults=()),
        Model(faults=("killed", "started again"), givers=(THIRD,)),
        Model(faults=("slow",), givers=(THIRD,)),
        Model(faults=("paused",), givers=(THIRD,)),
        Model(faults=("suspended",), givers=(THIRD,)),
    ],
    ids=["late messages", "crashes", "a slow clock", "paused", "suspended"],
)
def test_nothing_is_wrong_in_any_state(every: Model) -> None:
    found = explore(every)
    assert (found.wrong, found.steps) == ("", ())
    assert {"a is lost", "a: epoch begins", "0 is given to c"} <= found.seen


@pytest.mark.chaos
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    "every",
    [
        Model(wire=2),
        Model(addresses=2),
        Model(whole_turns=False),
        Model(addresses=2, leased=(0, 1), givers=(0, 1, THIRD), wire=2, whole_turns=False),
    ],
    ids=["reordered messages", "two addresses", "between steps", "two hosts and everything"],
)
def test_nothing_is_wrong_in_the_nearest_half_million_states(every: Model) -> None:
    found = explore(every, most=500_000)
    assert (found.wrong, found.steps) == ("", ())
