"""A packet through a compiled host: which rules it meets and what becomes of it. Pure; walks values, not text.

Only the first packet of a flow is walked: what is established passes by the first lines of the chains.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from reading_room.dataplane.linux.compile.flow_logs import Fate
from reading_room.dataplane.linux.host import HostConfig, RouterConfig
from reading_room.dataplane.linux.nftables import (
    Accept,
    Chain,
    Drop,
    Element,
    Equals,
    Field,
    Fragment,
    Goto,
    Icmp,
    Ipv6,
    Jump,
    KeyType,
    Log,
    Lookup,
    MarkFrom,
    Match,
    NamedSet,
    NotOpening,
    NotTcp,
    OverRate,
    Rule,
    StateIn,
    Statement,
    Translated,
    TranslateFrom,
    VerdictFrom,
)
from reading_room.dataplane.semantics import ICMP, TCP, UDP, Outcome, Packet

_ICMP_REQUESTS = (8, 13, 15, 17)


@dataclass(frozen=True, slots=True)
class Met:
    """A rule that decided something: its chain, its text, and the id behind it (a comment of a rule or element)."""

    chain: str
    rule: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """What becomes of a packet, and the rules met on the way.

    ``delivered_to`` as in ``semantics.Verdict``; ``reported`` is what flow logs hear of a packet that ended here.
    """

    outcome: Outcome
    delivered_to: str = ""
    met: tuple[Met, ...] = ()
    reported: Fate | None = None

    def table(self) -> str:
        """Return the rules met as lines of text, columns aligned."""
        rows = [("chain", "because", "rule"), *((each.chain, each.because or "-", each.rule) for each in self.met)]
        first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines = [f"{chain:<{first}}  {because:<{second}}  {rule}" for chain, because, rule in rows]
        end = f"{self.outcome} to {self.delivered_to}" if self.delivered_to else self.outcome
        return "\n".join([*lines, f"=> {end}"])


@dataclass(slots=True)
class _State:
    """The packet on its way."""

    fields: dict[Field, str]
    invalid: bool
    icmp: tuple[int, int] | None
    translated: bool = False
    reported: Fate | None = None


def trace(config: HostConfig, packet: Packet) -> Trace:
    """Return what the ruleset does with ``packet``."""
    router = next((each for each in config.routers if each.vpc_id == packet.vpc_id), None)
    link = next((each for each in router.links if each.interface_id == packet.interface_id), None) if router else None
    if router is None or link is None:
        return Trace("no-wire")
    fields = {
        Field.INPUT_DEVICE: link.name,
        Field.SOURCE: packet.source or link.address,
        Field.DESTINATION: packet.destination,
        Field.PROTOCOL: str(packet.protocol),
    }
    if packet.protocol in (TCP, UDP):
        fields[Field.PORT] = str(packet.port)
    icmp = (packet.icmp_type, packet.icmp_code) if packet.protocol == ICMP else None
    state = _State(fields, icmp is not None and icmp[0] not in _ICMP_REQUESTS, icmp)
    return _Walk(router).run(state)


class _Walk:
    """One packet through one router."""

    def __init__(self, router: RouterConfig) -> None:
        self.router = router
        self.sets = {each.name: each for each in router.ruleset.sets}
        self.chains = {chain.name: chain for chain in router.ruleset.chains}
        self.met: list[Met] = []

    def run(self, state: _State) -> Trace:
        """Walk the hooks in their order: prerouting by priority, routing, then input or forward."""
        base = [chain for chain in self.router.ruleset.chains if chain.hook]
        before = [chain for chain in base if chain.hook and chain.hook.hook == "prerouting"]
        outcomes: dict[str, Outcome] = {
            "pre_raw": "spoofed",
            "pre_egress": "refused-egress",
            "pre_route": "unrouted",
        }
        for chain in sorted(before, key=lambda each: each.hook.priority if each.hook else 0):
            if not self.base(chain, state):
                outcome = outcomes.get(chain.name, "unrouted")
                router = state.fields[Field.DESTINATION] in self.router.addresses
                return self.end("ignored" if outcome == "unrouted" and router else outcome, state)
        destination = state.fields[Field.DESTINATION]
        if destination in self.router.addresses:
            if not all(self.base(chain, state) for chain in base if chain.hook and chain.hook.hook == "input"):
                return self.end("ignored", state)
            return self.listener(state)
        receiver = next((link for link in self.router.links if link.address == destination), None)
        if receiver is None:
            self.met.append(Met("routing", f"blackhole {destination}"))
            return self.end("unrouted", state)
        state.fields[Field.OUTPUT_DEVICE] = receiver.name
        if not all(self.base(chain, state) for chain in base if chain.hook and chain.hook.hook == "forward"):
            return self.end("refused-ingress", state)
        return Trace("delivered", receiver.interface_id, tuple(self.met))

    def end(self, outcome: Outcome, state: _State) -> Trace:
        """Return the trace of a packet that ended in the router."""
        return Trace(outcome, "", tuple(self.met), state.reported)

    def listener(self, state: _State) -> Trace:
        """Return who listens where the packet arrived, if somebody does."""
        where = (state.fields[Field.DESTINATION], int(state.fields.get(Field.PORT, "0")))
        kinds = {TCP: ("resolver-tcp", "credentials", "endpoint-http", "endpoint-https"), UDP: ("resolver-udp",)}
        for label in self.router.listeners:
            fits = label.kind in kinds.get(int(state.fields[Field.PROTOCOL]), ())
            if fits and (label.address, label.port) == where:
                name = label.endpoint_id or label.kind.removesuffix("-udp").removesuffix("-tcp")
                return Trace("delivered", name, tuple(self.met))
        return self.end("ignored", state)

    def base(self, chain: Chain, state: _State) -> bool:
        """Return whether a base chain lets the packet on."""
        verdict = self.chain(chain, state)
        if verdict is None:
            passes = chain.hook is not None and chain.hook.policy == "accept"
            if not passes:
                self.met.append(Met(chain.name, "policy drop"))
            return passes
        return isinstance(verdict, Accept)

    def chain(self, chain: Chain, state: _State) -> Accept | Drop | None:
        """Walk a chain; return what it decides, or ``None`` at its end."""
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
        """Carry a rule's statements out; the flag says that the chain ends here without a verdict (after a goto)."""
        met = False
        for statement in rule.statements:
            verdict: Statement = statement
            if isinstance(statement, VerdictFrom | MarkFrom | TranslateFrom):
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

    def edit(self, statement: MarkFrom | TranslateFrom, element: Element, state: _State) -> None:
        """Set the mark, or translate the destination."""
        if not isinstance(element.value, tuple):
            raise ValueError(f"{statement.map_name} holds no values")
        if isinstance(statement, MarkFrom):
            (state.fields[Field.MARK],) = element.value
        else:
            state.fields[Field.DESTINATION], state.fields[Field.PORT] = element.value
            state.translated = True

    def matches(self, match: Match, state: _State, comments: list[str]) -> bool:
        """Return whether a match holds; the comment of an element that made it hold is added to ``comments``."""
        fields = state.fields
        match match:
            case Equals(field, value):
                kind = {Field.SOURCE: KeyType.ADDRESS, Field.DESTINATION: KeyType.ADDRESS}.get(field, KeyType.PORT)
                return field in fields and _covers(kind, value, fields[field])
            case Lookup(names, set_name, negated):
                element = self.find(self.sets[set_name], names, state)
                if element is not None and element.comment:
                    comments.append(element.comment)
                return (element is None) == negated
            case Icmp(kind_wanted, code):
                return state.icmp is not None and kind_wanted in (None, state.icmp[0]) and code in (None, state.icmp[1])
            case StateIn(states):
                return state.invalid and "invalid" in states
            case NotTcp():
                return fields[Field.PROTOCOL] != str(TCP)
            case Translated():
                return state.translated
            case NotOpening() | Fragment() | Ipv6() | OverRate():
                return False  # A flow's first packet is whole, IPv4, within its rate, and opens if it is TCP.

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


def _covers(kind: KeyType, value: str, part: str) -> bool:
    if kind is KeyType.ADDRESS:
        return IPv4Address(part) in IPv4Network(value) if "/" in value else part == value
    if kind is KeyType.PORT and "-" in value:
        first, last = value.split("-")
        return int(first) <= int(part) <= int(last)
    return value == part
