"""The trace of a packet through a compiled host: the rules that it meets, and its fate. Pure; reads values, not text.

``trace`` follows the first packet of a flow, from one VPC to another if it leaves by the uplink for an Elastic IP, and
from host to host.
Established packets would pass by the first rules of the chains. For the answer, only its way back is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile.base_chains import NOBODY
from reading_room.dataplane.rules.compile.flow_logs import Fate
from reading_room.dataplane.rules.compile.names import MARKS
from reading_room.dataplane.rules.host import UPLINK_DEVICE, HostConfig, LinkConfig, RouterConfig, Through
from reading_room.dataplane.rules.nftables import (
    Accept,
    Answering,
    Chain,
    ClampSegments,
    Count,
    Drop,
    Element,
    Equals,
    Field,
    Fragment,
    Goto,
    Icmp,
    Ipv6,
    Jump,
    KeepMark,
    KeepMarkFrom,
    KeyType,
    Log,
    Lookup,
    MarkFrom,
    Match,
    NamedSet,
    NotOpening,
    NotTcp,
    Opening,
    OverCount,
    OverRate,
    Rule,
    SourceFrom,
    StateIn,
    Statement,
    Translated,
    TranslateFrom,
    VerdictFrom,
)
from reading_room.dataplane.rules.verdicts import ICMP, TCP, UDP, Inbound, Outcome, Packet

NO_HOSTS: Mapping[str, HostConfig] = {}
_ICMP_REQUESTS = (8, 13, 15, 17)


@dataclass(frozen=True, slots=True)
class Met:
    """A rule that decided something: its chain, its text, and the id behind it (a comment of a rule or element)."""

    chain: str
    rule: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """The fate of a packet, and the rules that it met.

    ``delivered_to`` is as in ``verdicts.Verdict``, or the underlay address of the host that a tunnel leads to.
    ``reported`` is what flow logs get about a packet that ended here.
    """

    outcome: Outcome
    delivered_to: str = ""
    met: tuple[Met, ...] = ()
    reported: Fate | None = None
    source: str = ""
    """The sender's address as the receiver or the internet sees it; empty unless the packet got there."""
    answered: bool = True
    """Whether the way back exists."""

    def table(self) -> str:
        """Return the rules that the packet met as a text table."""
        rows = [("chain", "because", "rule"), *((each.chain, each.because or "-", each.rule) for each in self.met)]
        first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines = [f"{chain:<{first}}  {because:<{second}}  {rule}" for chain, because, rule in rows]
        end = f"{self.outcome} to {self.delivered_to}" if self.delivered_to else self.outcome
        return "\n".join([*lines, f"=> {end}"])


@dataclass(slots=True)
class _State:
    """The current state of the packet."""

    fields: dict[Field, str]
    invalid: bool
    icmp: tuple[int, int] | None
    translated: bool = False
    answering: bool = False
    reported: Fate | None = None


def trace(
    config: HostConfig,
    packet: Packet | Inbound,
    others: Mapping[str, HostConfig] = NO_HOSTS,
    *,
    by_tunnel: bool = False,
) -> Trace:
    """Return the fate of ``packet`` by the rulesets.

    ``others`` are configurations of other hosts by their underlay addresses. A packet to a host that is not among them
    ends with the outcome ``tunnelled``. All hosts have one outside, which knows where each public address is.
    With ``by_tunnel`` an inbound packet comes by the tunnel of its VPC, as another host that lies may send it.
    """
    fields = {Field.DESTINATION: packet.destination, Field.PROTOCOL: str(packet.protocol), Field.FAMILY: "ipv4"}
    hosts = (config, *(each for each in others.values() if each is not config))
    if isinstance(packet, Inbound):
        state = _state(packet, fields | {Field.SOURCE: packet.source})
        if by_tunnel:
            return _come_by_tunnel(config, packet.vpc_id, state, (), others)
        return _arrive(hosts, state, (), others, packet.vpc_id) or Trace("unrouted")
    router = next((each for each in config.routers if each.vpc_id == packet.vpc_id), None)
    link = next((each for each in router.links if each.interface_id == packet.interface_id), None) if router else None
    if router is None or link is None:
        return Trace("no-wire")
    state = _state(packet, fields | {Field.INPUT_DEVICE: link.name, Field.SOURCE: packet.source or link.address})
    there = _follow(router, state, (), others)
    if there.outcome != "left":
        return there
    return _arrive(hosts, state, there.met, others) or there


def _follow(router: RouterConfig, state: _State, met: tuple[Met, ...], others: Mapping[str, HostConfig]) -> Trace:
    """Follow a packet through a router and, by tunnels, through those of the same VPC on other hosts."""
    there = _Walk(router, met).run(state)
    if there.outcome != "tunnelled" or there.delivered_to not in others:
        return there
    entered, public = state.fields[Field.INPUT_DEVICE] == UPLINK_DEVICE, state.fields[Field.ORIGINAL_DESTINATION]
    beyond = _come_by_tunnel(others[there.delivered_to], router.vpc_id, state, there.met, others)
    if not entered or beyond.outcome != "delivered" or router.tunnel is None:
        return beyond
    # The answer must also leave by the gateway on this host, in the other direction.
    walk = _Walk(router, beyond.met)
    private, outside = state.fields[Field.DESTINATION], state.fields[Field.SOURCE]
    answered = beyond.answered and walk.answers(router.tunnel.device, private, public, outside, state)
    return replace(beyond, answered=answered, met=tuple(walk.met))


_OF_ONE_ROUTER = (Field.INPUT_DEVICE, Field.OUTPUT_DEVICE, Field.MARK, Field.ORIGINAL_DESTINATION)
_ENDS: dict[str, Outcome] = {
    "pre_raw": "spoofed",
    "pre_egress": "refused-egress",
    "pre_route": "unrouted",
    "inp_local": "refused-ingress",
    "inp_service": "unanswered",
    "post_ingress": "refused-ingress",
}
"""The outcome for a packet that a base chain dropped, by the chain's name."""


def _state(packet: Packet | Inbound, fields: dict[Field, str]) -> _State:
    icmp = None
    if packet.protocol in (TCP, UDP):
        fields |= {Field.PORT: str(packet.port), Field.SOURCE_PORT: str(packet.source_port)}
    elif packet.protocol == ICMP:
        icmp = (packet.icmp_type, packet.icmp_code)
        # The first two bytes, which a rule reads as a source port for any protocol.
        fields[Field.SOURCE_PORT] = str(packet.icmp_type << 8 | packet.icmp_code)
    return _State(fields, icmp is not None and icmp[0] not in _ICMP_REQUESTS, icmp)


def _come_by_tunnel(
    config: HostConfig, vpc_id: str, state: _State, met: tuple[Met, ...], others: Mapping[str, HostConfig]
) -> Trace:
    """Come in at another host by the tunnel of a VPC; without the VPC there, the packet is lost."""
    router = next((each for each in config.routers if each.vpc_id == vpc_id), None)
    if router is None or router.tunnel is None:
        return Trace("unrouted", "", met)
    _enter(state, router.tunnel.device)
    return _follow(router, state, met, others)


def _arrive(
    hosts: Iterable[HostConfig],
    state: _State,
    met: tuple[Met, ...],
    others: Mapping[str, HostConfig],
    vpc_id: str = "",
) -> Trace | None:
    """Come in by the uplink of ``vpc_id``, or without it of the VPC that has the destination, if there is one."""
    destination = state.fields[Field.DESTINATION]
    for router in (each for config in hosts for each in config.routers):
        if router.uplink is None:
            continue
        if router.vpc_id == vpc_id if vpc_id else destination in router.uplink.public:
            _enter(state, UPLINK_DEVICE)
            return _follow(router, state, met, others)
    return None


def _enter(state: _State, device: str) -> None:
    """Come into another router by ``device``, without what the last one knew of the packet."""
    state.fields = {field: value for field, value in state.fields.items() if field not in _OF_ONE_ROUTER}
    state.fields[Field.INPUT_DEVICE] = device
    state.translated = False


class _Walk:
    """One packet through one router."""

    def __init__(self, router: RouterConfig, met: tuple[Met, ...]) -> None:
        self.router = router
        self.sets = {each.name: each for each in router.ruleset.sets}
        self.chains = {chain.name: chain for chain in router.ruleset.chains}
        self.met = list(met)

    def hook(self, hook: str) -> list[Chain]:
        """Return the chains of a hook in the order of their priorities."""
        found = [
            (chain.hook.priority, chain) for chain in self.chains.values() if chain.hook and chain.hook.hook == hook
        ]
        return [chain for _, chain in sorted(found, key=lambda each: each[0])]

    def run(self, state: _State) -> Trace:
        """Follow the hooks in order: prerouting, routing, then input, or forward and postrouting."""
        state.fields[Field.ORIGINAL_DESTINATION] = state.fields[Field.DESTINATION]
        from_outside = self.is_outside(state)
        if ended := self.through("prerouting", state):
            return ended
        destination = state.fields[Field.DESTINATION]
        if destination in (*self.router.addresses, *self.router.endpoint_addresses):
            return self.through("input", state) or self.listener(state)
        taker = self.taker(state)
        if taker is not None and self.router.tunnel is not None and taker.device == self.router.tunnel.device:
            return self.tunnelled(self.host_of(taker.address), state)
        receiver = next((link for link in self.router.links if taker is not None and link.name == taker.device), None)
        receiver = receiver or next((link for link in self.router.links if destination in _addresses(link)), None)
        if receiver is None and (host := self.other_host(destination)):
            return self.tunnelled(host, state)
        leads_out = receiver is None and self.leads_out(state, destination)
        if leads_out and self.router.remote_gateway is not None:
            return self.tunnelled(self.host_of(self.router.remote_gateway.hop), state)
        if receiver is None and not leads_out:
            self.met.append(Met("routing", f"blackhole {destination}"))
            return self.end("unrouted", state)
        state.fields[Field.OUTPUT_DEVICE] = UPLINK_DEVICE if receiver is None else receiver.name
        if ended := self.through("forward", state) or self.through("postrouting", state):
            return ended
        source = state.fields[Field.SOURCE]
        if receiver is None:
            return Trace("left", "", tuple(self.met), None, source)
        answered = not from_outside or self.answers(
            receiver.name, destination, state.fields[Field.ORIGINAL_DESTINATION], source, state
        )
        outcome: Outcome = "delivered" if destination in _addresses(receiver) else "forwarded"
        return Trace(outcome, receiver.interface_id, tuple(self.met), None, source, answered)

    def other_host(self, destination: str) -> str:
        """Return the underlay address of the host that has a destination, or empty text."""
        tunnel = self.router.tunnel
        if tunnel is None:
            return ""
        return self.host_of(next((route.hop for route in tunnel.routes if route.address == destination), ""))

    def host_of(self, hop: str) -> str:
        """Return the underlay address of the host behind a next hop, or empty text."""
        hosts = self.router.tunnel.hosts if self.router.tunnel is not None else ()
        return next((host.underlay for host in hosts if host.hop == hop), "")

    def tunnelled(self, host: str, state: _State) -> Trace:
        """Return the trace of a packet that routing sends to another host."""
        if self.router.tunnel is None:
            raise ValueError(f"{self.router.vpc_id} has no tunnel")
        state.fields[Field.OUTPUT_DEVICE] = self.router.tunnel.device
        if ended := self.through("forward", state) or self.through("postrouting", state):
            return ended
        return Trace("tunnelled", host, tuple(self.met), None, state.fields[Field.SOURCE])

    def through(self, hook: str, state: _State) -> Trace | None:
        """Follow the chains of a hook; return the trace if one of them drops the packet."""
        for chain in self.hook(hook):
            if not self.base(chain, state):
                outcome = _ENDS.get(chain.name, "unrouted")
                if outcome == "unrouted" and self.met[-1].chain != NOBODY.name:
                    outcome = "ignored" if state.fields[Field.DESTINATION] in self.router.addresses else outcome
                elif outcome == "refused-egress" and state.fields[Field.INPUT_DEVICE] == UPLINK_DEVICE:
                    outcome = "refused-ingress"
                return self.end(outcome, state)
        return None

    def taker(self, state: _State) -> Through | None:
        """Return the way to the interface that a route led the packet to, by its mark, if there is one."""
        mark = state.fields.get(Field.MARK, "")
        return next((each for each in self.router.through if str(each.number) == mark), None)

    def leads_out(self, state: _State, destination: str) -> bool:
        """Return whether routing sends a destination to the internet gateway, by the packet's mark."""
        mark = state.fields.get(Field.MARK, "")
        out = self.router.uplink or self.router.remote_gateway
        return out is not None and any(
            parsed.address(destination) in parsed.network(network)
            for routes in out.routes
            if str(routes.number) == mark
            for network in routes.networks
        )

    def is_outside(self, state: _State) -> bool:
        """Return whether the packet came from outside: by the uplink, or from the host that has it."""
        if self.router.tunnel is None or state.fields[Field.INPUT_DEVICE] != self.router.tunnel.device:
            return state.fields[Field.INPUT_DEVICE] == UPLINK_DEVICE
        there = {Field.INPUT_DEVICE: self.router.tunnel.device, Field.SOURCE: state.fields[Field.SOURCE]}
        return self.find(self.sets[MARKS], (Field.INPUT_DEVICE, Field.SOURCE), _State(there, False, None)) is None

    def answers(self, device: str, private: str, public: str, outside: str, state: _State) -> bool:
        """Return whether an answer of ``private``, which comes by ``device``, leaves for ``outside`` by the gateway.

        The packet that it answers went to ``public``.
        """
        there = {Field.INPUT_DEVICE: device, Field.SOURCE: private}
        element = self.find(self.sets[MARKS], (Field.INPUT_DEVICE, Field.SOURCE), _State(there, False, None))
        if element is None or not isinstance(element.value, tuple):
            return False
        answer = _State(
            {
                Field.INPUT_DEVICE: device,
                Field.OUTPUT_DEVICE: UPLINK_DEVICE,
                Field.MARK: element.value[0],
                # Its source is translated back to the destination that the sender wrote.
                Field.SOURCE: public,
                Field.DESTINATION: outside,
                Field.PROTOCOL: state.fields[Field.PROTOCOL],
            },
            False,
            None,
            answering=True,
        )
        if not self.leads_out(answer, answer.fields[Field.DESTINATION]):
            self.met.append(Met("routing", f"blackhole {answer.fields[Field.DESTINATION]}", "the way back"))
            return False
        if self.router.remote_gateway is not None:
            return True  # The gateway's host judges it.
        # The connection's translation applies, so no chain of type nat is consulted.
        judges = (chain for chain in self.hook("postrouting") if chain.hook and chain.hook.type == "filter")
        return all(self.base(chain, answer) for chain in judges)

    def end(self, outcome: Outcome, state: _State) -> Trace:
        """Return the trace of a packet that ended in the router."""
        return Trace(outcome, "", tuple(self.met), state.reported)

    def listener(self, state: _State) -> Trace:
        """Return the trace of a packet that arrived at the router: at a listener, if there is one."""
        where = (state.fields[Field.DESTINATION], int(state.fields.get(Field.PORT, "0")))
        kinds = {TCP: ("resolver-tcp", "credentials", "endpoint-http", "endpoint-https"), UDP: ("resolver-udp",)}
        for label in self.router.listeners:
            fits = label.kind in kinds.get(int(state.fields[Field.PROTOCOL]), ())
            if fits and (label.address, label.port) == where:
                name = label.endpoint_id or label.kind.removesuffix("-udp").removesuffix("-tcp")
                return Trace("delivered", name, tuple(self.met), None, state.fields[Field.SOURCE])
        return self.end("ignored", state)

    def base(self, chain: Chain, state: _State) -> bool:
        """Return whether a base chain lets the packet pass."""
        verdict = self.chain(chain, state)
        if verdict is None:
            passes = chain.hook is not None and chain.hook.policy == "accept"
            if not passes:
                self.met.append(Met(chain.name, "policy drop"))
            return passes
        return isinstance(verdict, Accept)

    def chain(self, chain: Chain, state: _State) -> Accept | Drop | None:
        """Follow a chain; return its decision, or ``None`` if it does not decide."""
        for rule in chain.rules:
            comments = [rule.comment] if rule.comment else []
            if not all(self.matches(match, state, comments) for match in rule.matches):
                continue
            decided, stop = self.statements(chain, rule, state, comments)
            if decided is not None or stop:
                return decided
        return None

    def statements(
        self, chain: Chain, rule: Rule, state: _State, comments: list[str]
    ) -> tuple[Accept | Drop | None, bool]:
        """Carry out a rule's statements. The flag says that the chain ends here, perhaps undecided (after a goto)."""
        met = False
        for statement in rule.statements:
            verdict: Statement = statement
            if isinstance(statement, Count | KeepMark | ClampSegments):
                continue
            if isinstance(statement, KeepMarkFrom):
                if self.find(self.sets[statement.map_name], statement.fields, state) is None:
                    return None, False
                continue
            if isinstance(statement, VerdictFrom | MarkFrom | TranslateFrom | SourceFrom):
                element = self.find(self.sets[statement.map_name], statement.fields, state)
                if element is None:
                    return None, False
                if element.comment:
                    comments.append(element.comment)
                if isinstance(statement, VerdictFrom):
                    if element.value is None or isinstance(element.value, tuple):
                        raise ValueError(f"{statement.map_name} holds no verdicts")
                    verdict = element.value
                else:
                    self.edit(statement, element, state)
            if isinstance(statement, Log):
                state.reported = Fate(statement.prefix)
                continue
            if not met:
                self.met.append(Met(chain.name, rule.text(), comments[-1] if comments else ""))
                met = True
            if isinstance(verdict, Accept | Drop):
                return verdict, True
            if isinstance(verdict, Jump | Goto):
                decided = self.chain(self.chains[verdict.chain], state)
                if decided is not None or isinstance(verdict, Goto):
                    return decided, True
        return None, False

    def edit(self, statement: MarkFrom | TranslateFrom | SourceFrom, element: Element, state: _State) -> None:
        """Set the mark, or translate an address."""
        if not isinstance(element.value, tuple):
            raise ValueError(f"{statement.map_name} holds no values")
        if isinstance(statement, MarkFrom):
            (state.fields[Field.MARK],) = element.value
        elif isinstance(statement, SourceFrom):
            (state.fields[Field.SOURCE],) = element.value
        else:
            state.fields[Field.DESTINATION] = element.value[0]
            state.translated = True
            if len(element.value) > 1:
                state.fields[Field.PORT] = element.value[1]

    def matches(self, match: Match, state: _State, comments: list[str]) -> bool:
        """Return whether a match holds, and add the comment of the matching element to ``comments``."""
        fields = state.fields
        match match:
            case Equals(field, value):
                return field in fields and _covers(_KINDS.get(field, KeyType.PORT), value, fields[field])
            case Lookup(_, set_name, negated) if self.sets[set_name].filled == "lease":
                return not negated  # The host has its lease.
            case Lookup(names, set_name, negated):
                element = self.find(self.sets[set_name], names, state)
                if element is not None and element.comment:
                    comments.append(element.comment)
                return (element is None) == negated
            case Icmp(kind_wanted, code):
                return state.icmp is not None and kind_wanted in (None, state.icmp[0]) and code in (None, state.icmp[1])
            case StateIn(states):
                return "invalid" in states if state.invalid else state.answering and "established" in states
            case Answering():
                return state.answering
            case NotTcp():
                return fields[Field.PROTOCOL] != str(TCP)
            case Translated():
                return state.translated
            case Opening():
                return not state.answering and fields[Field.PROTOCOL] == str(TCP)
            case NotOpening():
                return state.answering and fields[Field.PROTOCOL] == str(TCP)
            case Fragment() | Ipv6() | OverRate() | OverCount():
                return False  # The packet is a whole IPv4 packet and within its limits.

    def find(self, each: NamedSet, names: Iterable[Field], state: _State) -> Element | None:
        """Return the element that covers the packet's fields."""
        parts = [state.fields.get(name) for name in names]
        for element in each.elements:
            if all(
                part is not None and _covers(kind, value, part)
                for kind, value, part in zip(each.key, element.key, parts, strict=True)
            ):
                return element
        return None


_KINDS = {Field.SOURCE: KeyType.ADDRESS, Field.DESTINATION: KeyType.ADDRESS, Field.INPUT_DEVICE: KeyType.DEVICE}


def _addresses(link: LinkConfig) -> tuple[str, ...]:
    return (link.address, *link.secondary)


def _covers(kind: KeyType, value: str, part: str) -> bool:
    if kind is KeyType.ADDRESS:
        return parsed.address(part) in parsed.network(value) if "/" in value else part == value
    if kind is KeyType.PORT and "-" in value:
        first, last = value.split("-")
        return int(first) <= int(part) <= int(last)
    return value == part
