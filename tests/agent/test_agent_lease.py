"""The lease of a host, as its agent counts it and as the next agent finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reading_room.agent.frames import Lease
from reading_room.agent.lease import ASK_SECONDS, HUNG_SECONDS, LONGEST_SECONDS, HostLease, LeaseKeeper

ENDED = HostLease(epoch=4)


class Clock:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def kept(path: Path, clock: Clock, boot: str = "one") -> LeaseKeeper:
    """Return the keeper of an agent that has just started."""
    return LeaseKeeper(path, boot, clock)


def granted(path: Path, clock: Clock) -> LeaseKeeper:
    """Return the keeper of an agent that holds a lease of epoch 0 until 10 s after 1000."""
    keeper = kept(path, clock)
    keeper.share()
    request = keeper.request(fresh=False)
    assert request is not None
    assert not keeper.take([Lease(request.renewal, 10, 0)])
    return keeper


def test_a_lease_counts_from_its_request_however_late_the_answer_is() -> None:
    asked, request = ENDED.request(7, now=100.0)
    held = asked.answered(Lease(7, 10, 5), now=106.0)
    assert (request.held, held.held, held.epoch, held.until) == (False, True, 5, 110.0)
    assert asked.answered(Lease(7, 10, 5), now=109.0).held is False


@pytest.mark.parametrize(
    "answer", [Lease(6, 10, 5), Lease(7, LONGEST_SECONDS + 1, 5), Lease(7, -1, 5), Lease(7, 10, 4)]
)
def test_an_answer_that_cannot_be_meant_begins_no_lease(answer: Lease) -> None:
    """It is to a request that was never sent, longer than any lease, shorter than none, or of the epoch that ended."""
    assert not ENDED.request(7, now=100.0)[0].answered(answer, now=100.0).held


def test_an_answer_that_was_overtaken_changes_nothing() -> None:
    first, _ = HostLease(1, 105.0, held=True, granted=True).request(7, now=100.0)
    second, _ = first.request(8, now=102.0)
    renewed = second.answered(Lease(8, 10, 1), now=103.0)
    assert renewed.answered(Lease(7, 0, 1), now=103.0) == renewed
    assert renewed.until == 112.0


def test_a_refusal_of_an_earlier_request_does_not_end_the_lease_that_began_since() -> None:
    twice, _ = ENDED.request(7, now=100.0)[0].request(8, now=102.0)
    held = twice.answered(Lease(7, 10, 5), now=103.0)
    assert held.answered(Lease(8, 0, 5), now=103.0).held
    assert not held.answered(Lease(8, 0, 6), now=103.0).held


def test_a_host_learns_the_epoch_from_a_refusal_and_asks_at_once(tmp_path: Path) -> None:
    clock = Clock()
    keeper = granted(tmp_path / "lease.json", clock)
    asked = keeper.request(fresh=True)
    assert asked is not None
    assert keeper.take([Lease(asked.renewal, 0, 3)])
    keeper.gone()
    request = keeper.request(fresh=False)
    assert request is not None
    assert (request.epoch, request.held) == (3, False)
    assert not keeper.take([Lease(request.renewal, 10, 4)])
    assert keeper.covers(4)


def test_requests_that_nobody_answers_are_forgotten() -> None:
    lease = ENDED
    for number in range(1000):
        lease, _ = lease.request(number, now=number * ASK_SECONDS)
    assert len(lease.asked) <= LONGEST_SECONDS / ASK_SECONDS + 1


def test_a_request_is_sent_every_two_seconds_and_to_a_new_server_at_once(tmp_path: Path) -> None:
    clock = Clock()
    keeper = granted(tmp_path / "lease.json", clock)
    clock.now += 1
    assert keeper.request(fresh=False) is None
    assert keeper.request(fresh=True) is not None
    clock.now += ASK_SECONDS
    assert keeper.request(fresh=False) is not None


def test_the_next_agent_has_the_same_lease_and_higher_numbers(tmp_path: Path) -> None:
    """So an upgrade of the agent ends no job."""
    clock, path = Clock(), tmp_path / "lease.json"
    before = granted(path, clock)
    assert path.stat().st_mode & 0o777 == 0o600
    clock.now += 3
    after = kept(path, clock)
    assert not after.take([])
    assert after.covers(0)
    assert after.seconds_left() == 7
    requests = before.request(fresh=True), after.request(fresh=True)
    assert requests[0] is not None
    assert requests[1] is not None
    assert requests[0].renewal < requests[1].renewal
    clock.now += 6
    assert after.take([])
    assert not after.covers(0)


@pytest.mark.parametrize("fate", ["late", "another start of the machine", "damaged"])
def test_the_next_agent_ends_what_it_has_no_lease_for(fate: str, tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "lease.json"
    granted(path, clock)
    if fate == "late":
        clock.now += 10
    if fate == "damaged":
        path.write_bytes(b"{")
    after = kept(path, clock, "two" if fate.startswith("another") else "one")
    assert after.take([])
    assert after.request(fresh=True) is None, "it asked for another lease while containers of the last one live"
    after.gone()
    request = after.request(fresh=True)
    assert request is not None
    assert not request.held


def test_a_lease_that_ended_stays_ended_for_the_next_agent(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "lease.json"
    keeper = granted(path, clock)
    request = keeper.request(fresh=True)
    assert request is not None
    assert keeper.take([Lease(request.renewal, 0, 1)])
    assert kept(path, clock).take([])


@pytest.mark.parametrize(("seconds", "lasts"), [(HUNG_SECONDS, True), (HUNG_SECONDS + 20, False)])
def test_a_turn_that_takes_long_does_not_end_the_lease_and_an_agent_that_hangs_does(
    seconds: float, lasts: bool, tmp_path: Path
) -> None:
    clock = Clock()
    keeper = granted(tmp_path / "lease.json", clock)
    answers: list[Lease] = []
    for _ in range(int(seconds)):
        clock.now += 1
        request = keeper.renew(answers)
        answers = [] if request is None else [Lease(request.renewal, 10, 0)]
    assert keeper.take(answers) is not lasts
