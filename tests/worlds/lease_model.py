"""Leases, address sets and the reuse of addresses as a transition system, small enough to explore every interleaving.

Host ``a`` has a lease, and everything may happen to it: its agent is killed, its machine starts again, it is suspended
or paused, its clock runs slowly, and what it sends and receives comes late, in another order, or never. Host ``b``
shares the VPC. Its lease never ends, unless ``Model.leased`` says otherwise, but it may hear of a change late. A third
host, ``c``, does at once what it should: an address of the two others can be given again there.

The rules of leases are the product's own: ``HostLease`` of the agent and ``decide`` of the server. What the server does
with hosts and addresses is written here as the decisions on placement and leases describe it. Generations, epochs,
containers and requests are numbered anew in every state, in the same order, so there are finitely many states although
everything may happen any number of times. The server's clock is the one that ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from reading_room.agent.frames import Lease, LeaseRequest
from reading_room.agent.lease import HostLease
from reading_room.fleet.host_leases import decide

TICK = 4.0
"""Seconds."""
LEASE_TICKS = 2
SLOW_EVERY = 4
"""A host's clock may stand still in one tick of so many."""
THIRD = 2
"""The number of the host ``c``."""
NAMES = "abc"


def answered(lease: HostLease, answer: Lease) -> HostLease:
    """Count from the moment at which the request was sent. In the model it is always 0 o'clock."""
    return lease.answered(answer, 0.0)


def covers(lease: HostLease, epoch: int) -> bool:
    """Return whether the containers of a spec of this epoch may run."""
    return lease.held and lease.epoch == epoch


@dataclass(frozen=True)
class Rules:
    """The rules that the model follows. A test breaks one to see that the exploration notices."""

    margin_ticks: int = 1
    decide: Callable[[int, LeaseRequest], tuple[int, bool]] = decide
    answered: Callable[[HostLease, Lease], HostLease] = answered
    covers: Callable[[HostLease, int], bool] = covers
    reuse_waits: bool = True
    """Whether an address is given again only after every host with a lease has reported a spec without it."""
    lost_hosts_are_refused: bool = True
    """Whether the other hosts accept nothing from a host that has no lease."""
    kernel_ends: bool = True
    """Whether the kernel lets packets pass only until the lease ends, without the agent."""
    recorded: bool = True
    """Whether the next agent knows until when the lease lasts; otherwise it lets one begin."""


class Spec(NamedTuple):
    """A host's spec, as it is in the kernel: who has each address, and from which hosts packets are accepted."""

    generation: int
    epoch: int
    places: tuple[tuple[int, int] | None, ...]
    """By address, the host and the container."""
    known: tuple[bool, ...]


class Host(NamedTuple):
    """A host: its agent, its kernel, and what is on its way between it and the server."""

    state: str
    """``runs``, ``paused`` (no clock of the host notices) or ``suspended`` (the kernel's timers do not notice)."""
    strange: bool
    """Whether its kernel may let packets pass for too long, because it was paused or suspended."""
    step: int
    """The next step of the agent's turn."""
    slow: int
    """In how many ticks the clock may stand still again."""
    lease: HostLease
    has_spec: bool
    """Whether the agent, and not only the kernel, has the spec."""
    spec: Spec
    passing: int
    """For how many ticks the kernel lets packets pass."""
    alive: tuple[int | None, ...]
    """By address, the container that has it and runs."""
    requests: tuple[LeaseRequest, ...] = ()
    answers: tuple[Lease, ...] = ()


class State(NamedTuple):
    """One state of everything. By host: its epoch, and the ticks until it is lost (``None`` without a lease)."""

    generation: int
    epochs: tuple[int, ...]
    left: tuple[int | None, ...]
    places: tuple[tuple[int, int] | None, ...]
    waits: tuple[tuple[int, ...], ...]
    """By address and host, the generation that the host must report before the address is given again, or 0."""
    hosts: tuple[Host, ...]


@dataclass
class Model:
    """The transitions, and what must never be."""

    rules: Rules = field(default_factory=Rules)
    addresses: int = 1
    leased: tuple[int, ...] = (0,)
    """The hosts whose lease may end."""
    givers: tuple[int, ...] = (0, THIRD)
    """The hosts that get addresses."""
    wire: int = 1
    """How many requests and answers of a host are on their way at most. A further one replaces the oldest."""
    whole_turns: bool = True
    """Whether nothing happens between two steps of a turn."""
    faults: tuple[str, ...] = ("killed", "started again", "paused", "suspended", "slow")

    def first(self) -> State:
        """Return the state in which both hosts have a lease, and a container on ``a`` has address 0."""
        nothing = (None,) * (self.addresses - 1)
        places: tuple[tuple[int, int] | None, ...] = ((0, 1), *nothing)
        lease = HostLease(0, LEASE_TICKS * TICK, held=True, granted=True)
        spec = Spec(1, 0, places, (True, True))
        host = Host("runs", False, 0, 0, lease, True, spec, LEASE_TICKS, (1, *nothing))
        whole = LEASE_TICKS + self.rules.margin_ticks
        hosts = (host, host._replace(alive=(None, *nothing)))
        return State(1, (0, 0), (whole, whole), places, ((0, 0),) * self.addresses, hosts)

    def next(self, state: State) -> Iterator[tuple[str, State]]:
        """Yield everything that can happen next, with a name."""
        for what, after in self._next(state):
            yield what, normal(after)

    def _next(self, state: State) -> Iterator[tuple[str, State]]:
        yield from self._server(state)
        for number, host in enumerate(state.hosts):
            if number not in self.leased:
                if host.spec.generation != state.generation:
                    after = put_host(state, number, self._read(state, number))
                    yield f"{NAMES[number]} realizes", self._report(after, number)
                continue
            yield from self._turn(state, number) if self.whole_turns else self._agent(state, number, host)
            if host.state == "runs":
                yield from self._faults(state, number, host)
            for index in range(len(host.requests)):
                yield self._answer(state, number, host, index)
        yield from self._time(state)

    # The server

    def _server(self, state: State) -> Iterator[tuple[str, State]]:
        for number in self.leased:
            if state.left[number] == 0:
                yield f"{NAMES[number]} is lost", self._lose(state, number)
        for address, place in enumerate(state.places):
            if place is not None:
                yield f"{address} is freed", self._free(state, address)
            elif not self.rules.reuse_waits or not any(state.waits[address]):
                for number in self.givers:
                    if number == THIRD or state.left[number] is not None:
                        container = 1 + max((each for each in containers(state) if each is not None), default=0)
                        yield (
                            f"{address} is given to {NAMES[number]}",
                            state._replace(
                                generation=state.generation + 1,
                                places=put(state.places, address, (number, container)),
                            ),
                        )

    def _free(self, state: State, address: int) -> State:
        generation = state.generation + 1
        waits = tuple(0 if left is None else generation for left in state.left)
        return state._replace(
            generation=generation, places=put(state.places, address, None), waits=put(state.waits, address, waits)
        )

    def _lose(self, state: State, number: int) -> State:
        """Begin another epoch of a host, wait for it no longer, and take from it what it had."""
        state = state._replace(
            generation=state.generation + 1,
            epochs=put(state.epochs, number, state.epochs[number] + 1),
            left=put(state.left, number, None),
            waits=tuple(put(each, number, 0) for each in state.waits),
        )
        for address, place in enumerate(state.places):
            if place is not None and place[0] == number:
                state = self._free(state, address)
        return state

    def _answer(self, state: State, number: int, host: Host, index: int) -> tuple[str, State]:
        request = host.requests[index]
        epoch, granted = self.rules.decide(state.epochs[number], request)
        answer = Lease(request.renewal, int(LEASE_TICKS * TICK) if granted else 0, epoch)
        requests = host.requests[:index] + host.requests[index + 1 :]
        host = host._replace(requests=requests, answers=(*host.answers, answer))
        if granted:
            changed = epoch != state.epochs[number] or state.left[number] is None
            state = state._replace(
                generation=state.generation + changed,
                epochs=put(state.epochs, number, epoch),
                left=put(state.left, number, LEASE_TICKS + self.rules.margin_ticks),
            )
        what = f"epoch {'goes on' if request.held else 'begins'}" if granted else "is refused"
        return f"{NAMES[number]}: {what}", put_host(state, number, host)

    # The agent, one step of its turn after the other

    def _agent(self, state: State, number: int, host: Host) -> Iterator[tuple[str, State]]:
        name = NAMES[number]
        if host.state != "runs":
            yield f"{name} runs again", put_host(state, number, host._replace(state="runs"))
        elif host.step == 0:
            for index, answer in enumerate(host.answers):
                lease = self.rules.answered(host.lease, answer).passed(0.0)
                answers = host.answers[:index] + host.answers[index + 1 :]
                after = host._replace(step=1, lease=lease, answers=answers)
                yield f"{name} takes an answer", put_host(state, number, after)
            yield (
                f"{name} looks at its lease",
                put_host(state, number, host._replace(step=1, lease=host.lease.passed(0.0))),
            )
        elif host.step == 1 and not host.lease.held and any(host.alive):
            ended = host._replace(alive=(None,) * self.addresses)
            yield f"{name} ends its containers", put_host(state, number, ended)
        elif host.step == 1:
            numbers = [each.renewal for each in flying(host)]
            lease, request = host.lease.request(max(numbers, default=0) + 1, 0.0)
            asked = host._replace(lease=lease, requests=(*host.requests, request))
            if len(numbers) == self.wire:
                asked = (
                    asked._replace(requests=asked.requests[1:])
                    if host.requests
                    else asked._replace(answers=asked.answers[1:])
                )
            for asks, after in (("", host), (" asks and", asked)):
                if after.has_spec:
                    yield f"{name}{asks} realizes", put_host(state, number, self._realize(number, after))
                else:
                    yield f"{name}{asks} has no spec", put_host(state, number, after._replace(step=0))
                if not after.has_spec or after.spec.generation != state.generation:
                    fresh = after._replace(has_spec=True, spec=self._read(state, number).spec)
                    yield f"{name}{asks} reads and realizes", put_host(state, number, self._realize(number, fresh))
        else:
            spec, lease = host.spec, host.lease
            granted = lease.granted and self.rules.covers(lease, spec.epoch)
            passing = max(0, int(lease.until // TICK)) if granted else 0
            started = host._replace(step=0, passing=passing, alive=self._wanted(number, host))
            yield f"{name} starts and reports", self._report(put_host(state, number, started), number)

    def _turn(self, state: State, number: int) -> Iterator[tuple[str, State]]:
        """Yield every end of a whole turn."""
        pending = list(self._agent(state, number, state.hosts[number]))
        while pending:
            what, after = pending.pop()
            if after.hosts[number].step == 0:
                yield what, after
            else:
                pending += ((f"{what}, {then}", last) for then, last in self._agent(after, number, after.hosts[number]))

    def _read(self, state: State, number: int) -> Host:
        known = tuple(left is not None or not self.rules.lost_hosts_are_refused for left in state.left)
        spec = Spec(state.generation, state.epochs[number], state.places, known)
        return state.hosts[number]._replace(spec=spec)

    def _realize(self, number: int, host: Host) -> Host:
        wanted = self._wanted(number, host)
        alive = tuple(each if each == want else None for each, want in zip(host.alive, wanted, strict=True))
        return host._replace(step=2, alive=alive)

    def _wanted(self, number: int, host: Host) -> tuple[int | None, ...]:
        if not self.rules.covers(host.lease, host.spec.epoch):
            return (None,) * self.addresses
        return tuple(None if place is None or place[0] != number else place[1] for place in host.spec.places)

    def _report(self, state: State, number: int) -> State:
        generation = state.hosts[number].spec.generation
        waits = tuple(put(each, number, 0) if 0 < each[number] <= generation else each for each in state.waits)
        return state._replace(waits=waits)

    # Faults

    def _faults(self, state: State, number: int, host: Host) -> Iterator[tuple[str, State]]:
        name = NAMES[number]
        if "killed" in self.faults:
            lease = (
                host.lease
                if self.rules.recorded
                else replace(host.lease, until=LEASE_TICKS * TICK, held=True, granted=True)
            )
            after = host._replace(step=0, lease=replace(lease, asked=()), has_spec=False)
            yield f"{name}: its agent is killed", put_host(state, number, after)
        if "started again" in self.faults:
            nothing: tuple[None, ...] = (None,) * self.addresses
            after = host._replace(
                strange=False,
                step=0,
                lease=HostLease(host.lease.epoch),
                has_spec=False,
                spec=Spec(0, 0, nothing, (False, False)),
                passing=0,
                alive=nothing,
            )
            yield f"{name} is started again", put_host(state, number, after)
        for what in ("paused", "suspended"):
            if what in self.faults:
                yield f"{name} is {what}", put_host(state, number, host._replace(state=what, strange=True))

    # Time

    def _time(self, state: State) -> Iterator[tuple[str, State]]:
        left = tuple(
            ticks if ticks is None or number not in self.leased else max(0, ticks - 1)
            for number, ticks in enumerate(state.left)
        )
        after = state._replace(left=left)
        for number in self.leased:
            after = put_host(after, number, self._later(state.hosts[number]))
        yield "a tick", after
        for number in self.leased:
            host = state.hosts[number]
            if "slow" in self.faults and host.slow == 0 and host.state == "runs":
                yield (
                    f"a tick that {NAMES[number]} does not notice",
                    put_host(after, number, host._replace(slow=SLOW_EVERY - 1)),
                )

    def _later(self, host: Host) -> Host:
        if host.state == "paused":
            return host
        if host.state == "runs" and self.rules.kernel_ends:
            host = host._replace(passing=max(0, host.passing - 1))
        lease = host.lease
        # What is older than a lease cannot begin one, however much older it is.
        asked = tuple((each, max(sent - TICK, -LEASE_TICKS * TICK)) for each, sent in lease.asked)
        if lease.held or lease.asked:
            lease = replace(lease, until=max(lease.until - TICK, 0.0) if lease.held else 0.0, asked=asked)
        return host._replace(lease=lease, slow=max(0, host.slow - 1))

    # What must never be

    def wrong(self, state: State) -> str:
        """Return what must not be so, or empty text."""
        for number, host in enumerate(state.hosts):
            for address, container in enumerate(host.alive):
                place = state.places[address]
                revoked = place != (number, container) and (place is not None or not any(state.waits[address]))
                if container is None or not revoked or not self._sends(number, host, address, container):
                    continue
                if not host.strange:
                    return f"{NAMES[number]} sends from address {address}, which it lost"
                if any(self._accepts(state, other, number, address) for other in range(2) if other != number):
                    return f"another host accepts address {address} from {NAMES[number]}, which lost it"
            if not host.passing or host.strange:
                continue
            for place, now in zip(host.spec.places, state.places, strict=True):
                if place is not None and now is not None and place != now:
                    return f"{NAMES[number]} takes the container with an address for the one that had it"
        return ""

    def _sends(self, number: int, host: Host, address: int, container: int) -> bool:
        return host.state == "runs" and host.passing > 0 and host.spec.places[address] == (number, container)

    def _accepts(self, state: State, receiver: int, sender: int, address: int) -> bool:
        host = state.hosts[receiver]
        place = host.spec.places[address]
        return host.passing > 0 and host.spec.known[sender] and place is not None and place[0] != receiver


def containers(state: State) -> Iterator[int | None]:
    """Yield the container of every place in a state."""
    for host in state.hosts:
        yield from host.alive
        yield from (None if place is None else place[1] for place in host.spec.places)
    yield from (None if place is None else place[1] for place in state.places)


def flying(host: Host) -> tuple[LeaseRequest | Lease, ...]:
    """Return what is on its way between a host and the server."""
    return (*host.requests, *host.answers)


def normal(state: State) -> State:
    """Return a state with everything numbered anew in its order."""
    generations = ranks(
        {state.generation, *(n for each in state.waits for n in each), *(host.spec.generation for host in state.hosts)}
    )
    named = ranks({each for each in containers(state) if each is not None})
    if generations or named:
        state = state._replace(
            generation=generations.get(state.generation, state.generation),
            places=tuple(_named(place, named) for place in state.places),
            waits=tuple(tuple(generations.get(n, n) for n in each) for each in state.waits),
            hosts=tuple(_same_numbers(host, generations, named) for host in state.hosts),
        )
    for number, host in enumerate(state.hosts):
        there = {each.renewal for each in flying(host)}
        numbers = ranks(there)
        epochs = ranks(
            {state.epochs[number], host.spec.epoch, host.lease.epoch, *(each.epoch for each in flying(host))}
        )
        if (
            numbers
            or epochs
            or host.strange
            or not host.lease.held
            or any(each.renewal not in there for each, _ in host.lease.asked)
        ):
            state = state._replace(
                epochs=put(state.epochs, number, epochs.get(state.epochs[number], state.epochs[number])),
                hosts=put(state.hosts, number, _same_messages(host, numbers, epochs, there)),
            )
    return state


def _same_numbers(host: Host, generations: dict[int, int], named: dict[int, int]) -> Host:
    spec = host.spec._replace(
        generation=generations.get(host.spec.generation, host.spec.generation),
        places=tuple(_named(place, named) for place in host.spec.places),
    )
    return host._replace(spec=spec, alive=tuple(each and named.get(each, each) for each in host.alive))


def _same_messages(host: Host, numbers: dict[int, int], epochs: dict[int, int], there: set[int]) -> Host:
    def renamed(each: Any) -> Any:
        return replace(each, renewal=numbers.get(each.renewal, each.renewal), epoch=epochs.get(each.epoch, each.epoch))

    lease = host.lease
    # A request whose answer is lost is as good as none. What it said of the epoch does not matter to the agent.
    asked = tuple(
        (replace(each, renewal=numbers.get(each.renewal, each.renewal), epoch=0), sent)
        for each, sent in lease.asked
        if each.renewal in there
    )
    return host._replace(
        # What was paused is as good as new once nothing of it is left, and nothing that it asked for.
        strange=host.strange
        and (host.state != "runs" or host.passing > 0 or any(host.alive) or lease.held or bool(asked)),
        lease=replace(
            lease, until=lease.until if lease.held else 0.0, epoch=epochs.get(lease.epoch, lease.epoch), asked=asked
        ),
        spec=host.spec._replace(epoch=epochs.get(host.spec.epoch, host.spec.epoch)),
        requests=tuple(map(renamed, host.requests)),
        answers=tuple(map(renamed, host.answers)),
    )


def _named(place: tuple[int, int] | None, named: dict[int, int]) -> tuple[int, int] | None:
    return place and (place[0], named.get(place[1], place[1]))


def ranks(numbers: set[int]) -> dict[int, int]:
    """Return small numbers in the same order for those that have another one; 0 stays."""
    return {number: rank for rank, number in enumerate(sorted({0, *numbers})) if number != rank}


def put(items: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    """Return a tuple with another item at an index."""
    return (*items[:index], item, *items[index + 1 :])


def put_host(state: State, number: int, host: Host) -> State:
    """Return a state with a host in another state."""
    return state._replace(hosts=put(state.hosts, number, host))
