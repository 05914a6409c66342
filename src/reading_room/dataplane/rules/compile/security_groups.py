"""Security groups: a chain for each group and direction, and for each interface a jump into its groups' chains.

A rule about a network becomes an element of one interval set per group and direction, so that a connection costs the
same with one rule or sixty. A rule about a group or a prefix list is a rule of the chain that looks up the set of its
members. Every element and rule names its ``sgr-…``. Nothing in such a chain refuses: a packet that reaches its end
continues with the interface's next group, and finally with the drop of the base chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, collapse_addresses

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile.names import EGRESS, INGRESS, SERVICE_INGRESS, SERVICE_KEY
from reading_room.dataplane.rules.host import link_name
from reading_room.dataplane.rules.nftables import (
    Accept,
    Chain,
    Element,
    Equals,
    Field,
    Icmp,
    Jump,
    KeyType,
    Lookup,
    Match,
    NamedSet,
    Rule,
    Verdict,
)
from reading_room.dataplane.spec import (
    ALL_PROTOCOLS,
    CidrPeer,
    GroupPeer,
    Interface,
    PrefixListPeer,
    SecurityGroup,
    SecurityGroupRule,
    Vpc,
)

ICMP, TCP, UDP = 1, 6, 17
_LAST_PORT = 65535
Span = tuple[int, int]
Kept = frozenset[tuple[str, ...]]
"""Combinations of groups that interfaces have or had, each sorted."""


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction: the prefix of chains and sets, the field with the other side's address, and the verdict map."""

    prefix: str
    field: Field
    map_name: str


OUT = Direction("eg", Field.DESTINATION, EGRESS)
IN = Direction("ig", Field.SOURCE, INGRESS)


@dataclass(frozen=True, slots=True)
class GroupRules:
    """The unsorted sets and chains of a VPC's groups."""

    sets: tuple[NamedSet, ...]
    chains: tuple[Chain, ...]


def compile_groups(
    vpc: Vpc,
    interfaces: Sequence[Interface],
    services: Sequence[Interface],
    prefix_lists: Mapping[str, tuple[str, ...]],
    kept: Kept = frozenset(),
) -> GroupRules:
    """Return the sets and chains for the groups of attached ``interfaces`` and of interface endpoints (``services``).

    The groups of ``kept`` stay, too, as long as the VPC has them: removing a group's chains and creating them again
    costs several transactions, and the next interface probably needs them.
    """
    by_id = {group.group_id: group for group in vpc.groups}
    kept = frozenset(groups for groups in kept if all(group_id in by_id for group_id in groups))
    combinations = kept | {carried_groups(interface) for interface in (*interfaces, *services)}
    carried = sorted({group_id for groups in combinations for group_id in groups})
    missing = [group_id for group_id in carried if group_id not in by_id]
    if missing:
        raise ValueError(f"{', '.join(missing)}: carried by an interface of {vpc.vpc_id}, but not a group of it")
    sets: list[NamedSet] = []
    chains: list[Chain] = []
    for group_id in carried:
        group = by_id[group_id]
        for direction, rules in ((OUT, group.egress), (IN, group.ingress)):
            own_sets, chain = _group_chain(direction, group, rules)
            sets += own_sets
            chains.append(chain)
    peers = [rule.peer for group_id in carried for rule in (*by_id[group_id].egress, *by_id[group_id].ingress)]
    for referred in sorted({peer.group_id for peer in peers if isinstance(peer, GroupPeer)}):
        members = by_id[referred].members if referred in by_id else ()
        elements = tuple(Element((address,)) for address in sorted(set(members)))
        sets.append(NamedSet(f"member_{referred}", (KeyType.ADDRESS,), elements))
    for listed in sorted({peer.prefix_list_id for peer in peers if isinstance(peer, PrefixListPeer)}):
        networks = collapse_addresses(parsed.network(cidr) for cidr in prefix_lists.get(listed, ()))
        elements = tuple(Element((str(network),)) for network in networks)
        sets.append(NamedSet(f"prefix_{listed}", (KeyType.ADDRESS,), elements, interval=True))
    for direction in (OUT, IN):
        ways, joined = _ways_in(direction, combinations)
        chains += joined
        # An interface without a group has no element: its packets reach the base chain's drop.
        carriers = [(each, ways[carried_groups(each)]) for each in interfaces if each.group_ids]
        elements = tuple(Element((link_name(each.interface_id),), way) for each, way in carriers)
        sets.append(NamedSet(direction.map_name, (KeyType.DEVICE,), elements, value="verdict"))
    guards = [(each, ways[carried_groups(each)]) for each in services if each.group_ids]
    elements = tuple(Element((address,), way) for each, way in guards for address in each.addresses)
    sets.append(NamedSet(SERVICE_INGRESS, (KeyType.ADDRESS,), elements, value="verdict"))
    return GroupRules(tuple(sets), tuple(chains))


def carried_groups(interface: Interface) -> tuple[str, ...]:
    """Return an interface's groups, each once and sorted."""
    return tuple(sorted(set(interface.group_ids)))


def _ways_in(direction: Direction, combinations: Kept) -> tuple[dict[tuple[str, ...], Verdict], list[Chain]]:
    """Return the verdict for each combination of groups, and the chains that join several groups.

    Interfaces with the same groups share one chain, so that attaching another one changes only elements.
    """
    joined = []
    ways: dict[tuple[str, ...], Verdict] = {}
    for groups in sorted(combinations):
        if len(groups) == 1:
            ways[groups] = Jump(f"{direction.prefix}_{groups[0]}")
        elif groups:
            digest = hashlib.sha256(" ".join(groups).encode()).hexdigest()[:24]
            name = f"{direction.prefix}all_{digest}"
            joined.append(Chain(name, tuple(Rule((), (Jump(f"{direction.prefix}_{g}"),), g) for g in groups)))
            ways[groups] = Jump(name)
    return ways, joined


def _group_chain(
    direction: Direction, group: SecurityGroup, rules: Sequence[SecurityGroupRule]
) -> tuple[list[NamedSet], Chain]:
    whole: dict[IPv4Network, str] = {}
    spans: dict[tuple[int, IPv4Network], list[tuple[Span, str]]] = {}
    plain: list[Rule] = []
    for rule in rules:
        if isinstance(rule.peer, CidrPeer) and rule.protocol == ALL_PROTOCOLS:
            whole.setdefault(parsed.network(rule.peer.cidr), rule.rule_id)
        elif isinstance(rule.peer, CidrPeer) and rule.protocol in (TCP, UDP):
            if 0 <= rule.from_port <= rule.to_port <= _LAST_PORT:
                span = (rule.from_port, rule.to_port)
                spans.setdefault((rule.protocol, parsed.network(rule.peer.cidr)), []).append((span, rule.rule_id))
        elif (matches := _plain(direction, rule)) is not None:
            plain.append(Rule(matches, (Accept(),), rule.rule_id))
    sets: list[NamedSet] = []
    lines: list[Rule] = []
    if whole:
        name = f"{direction.prefix}cidr_{group.group_id}"
        lengths = sorted({network.prefixlen for network in whole})
        outermost = [network for network in whole if whole.keys().isdisjoint(_around(network, lengths))]
        elements = tuple(Element((str(network),), None, whole[network]) for network in sorted(outermost))
        sets.append(NamedSet(name, (KeyType.ADDRESS,), elements, interval=True))
        lines.append(Rule((Lookup((direction.field,), name),), (Accept(),), group.group_id))
    if spans:
        name = f"{direction.prefix}port_{group.group_id}"
        sets.append(NamedSet(name, SERVICE_KEY, _disjoint(spans), interval=True))
        fields = (direction.field, Field.PROTOCOL, Field.PORT)
        lines.append(Rule((Lookup(fields, name),), (Accept(),), group.group_id))
    return sets, Chain(f"{direction.prefix}_{group.group_id}", (*lines, *plain))


def _plain(direction: Direction, rule: SecurityGroupRule) -> tuple[Match, ...] | None:
    """Return a rule's matches, or ``None`` if no packet can match."""
    peer: Match
    match rule.peer:
        case CidrPeer(cidr):
            peer = Equals(direction.field, cidr)
        case GroupPeer(group_id):
            peer = Lookup((direction.field,), f"member_{group_id}")
        case PrefixListPeer(prefix_list_id):
            peer = Lookup((direction.field,), f"prefix_{prefix_list_id}")
    if rule.protocol == ALL_PROTOCOLS:
        return (peer,)
    if rule.protocol == ICMP:
        kind = None if rule.from_port == -1 else rule.from_port
        return (peer, Icmp(kind, None if rule.to_port == -1 else rule.to_port))
    protocol = Equals(Field.PROTOCOL, str(rule.protocol))
    if rule.protocol not in (TCP, UDP):
        return (peer, protocol)
    if not 0 <= rule.from_port <= rule.to_port <= _LAST_PORT:
        return None
    return (peer, protocol, Equals(Field.PORT, _span(rule.from_port, rule.to_port)))


def _disjoint(spans: Mapping[tuple[int, IPv4Network], list[tuple[Span, str]]]) -> tuple[Element, ...]:
    """Return elements that cover the same packets without overlap, because an interval set refuses overlaps.

    Two networks are either disjoint or one contains the other. So it is enough to remove from a network's ports those
    that an enclosing network already allows. An element names the first rule that it comes from.
    """
    elements = []
    done: dict[tuple[int, IPv4Network], list[Span]] = {}
    lengths = sorted({network.prefixlen for _, network in spans})
    for key in sorted(spans, key=lambda each: (each[0], each[1].prefixlen, each[1])):
        protocol, network = key
        taken = [span for other in _around(network, lengths) for span in done.get((protocol, other), ())]
        mine: list[Span] = []
        for span, rule_id in spans[key]:
            for first, last in _subtract(span, taken + mine):
                mine.append((first, last))
                elements.append(Element((str(network), str(protocol), _span(first, last)), None, rule_id))
        done[key] = mine
    return tuple(sorted(elements, key=lambda element: element.key))


def _around(network: IPv4Network, lengths: Iterable[int]) -> Iterator[IPv4Network]:
    """Yield the larger networks of these prefix lengths that contain a network."""
    return (network.supernet(new_prefix=length) for length in lengths if length < network.prefixlen)


def _subtract(span: Span, taken: Sequence[Span]) -> list[Span]:
    first, last = span
    left = []
    for low, high in sorted(taken):
        if high < first or low > last:
            continue
        if low > first:
            left.append((first, low - 1))
        first = high + 1
        if first > last:
            return left
    left.append((first, last))
    return left


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
