"""The chains in the kernel's hooks. They never change in a VPC's life, and are the same for every VPC on a single host.

Everything that differs between VPCs or changes is in the sets and maps that these chains look up (``names.py``), and in
the chains of groups that a verdict map leads to. A new packet meets them in this order:

=================  ============  ======================================================================
``pre_raw``        before        The sender: device and source address must belong together. The packet gets the
                   conntrack     number of the sender's route table as its mark. From the uplink, only packets to
                                 public addresses pass.
``pre_egress``     mangle        Established flows pass; the sender's groups judge all others, with the destination
                                 as the sender wrote it.
``pre_endpoint``   dstnat        Packets that the route table sends to an endpoint go to that endpoint's listener;
                                 packets to an Elastic IP go to its interface.
``pre_route``      after dstnat  Packets that nobody takes are reported as allowed, and dropped. Packets for an
                                 interface that receives them for other addresses get that interface's mark.
``inp_source``     input,        Packets from a NAT gateway or an Elastic IP to a listener get their new source.
                   srcnat
``inp_local``      input         Endpoints, the resolver and the credentials address; the groups of interface
                                 endpoints judge.
``inp_service``    after it      Of the packets that these groups allow, an interface endpoint takes TCP to 80 and 443.
``out_local``      output        Only answers pass.
``post_source``    srcnat        Packets that leave by the uplink, or pass a NAT gateway inside the VPC, get their new
                                 source.
``post_ingress``   after srcnat  Nothing leaves by the uplink with a private source; the receiver's groups judge, with
                                 the source as the receiver sees it.
=================  ============  ======================================================================

If there are other hosts, every VPC has a tunnel to them (``between_hosts.py``), and a few rules more: nothing passes
after the end of the host's lease, ``pre_egress`` and ``post_ingress`` leave a judgement to the other host, and packets
for the outside go to the host that owns the internet gateway.
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.dataplane.rules.compile import names
from reading_room.dataplane.rules.compile.between_hosts import (
    GATEWAY_BY,
    GATEWAY_MARK,
    HERE,
    LEASE_ENDED,
    LED,
    from_tunnel,
    to_tunnel,
)
from reading_room.dataplane.rules.compile.flow_logs import Fate, refusal
from reading_room.dataplane.rules.host import UPLINK_DEVICE
from reading_room.dataplane.rules.nftables import (
    Accept,
    Answering,
    Chain,
    ClampSegments,
    Count,
    Drop,
    Equals,
    Field,
    Fragment,
    Goto,
    Hook,
    Icmp,
    Ipv6,
    KeepMark,
    KeepMarkFrom,
    Lookup,
    MarkFrom,
    NotOpening,
    NotTcp,
    Opening,
    OverCount,
    OverRate,
    Rule,
    SourceFrom,
    StateIn,
    Translated,
    TranslateFrom,
    VerdictFrom,
)
from reading_room.dataplane.spec import LOCAL_ENDPOINT_ADDRESS

DNS_PACKETS_PER_SECOND = 1024
"""The resolver's limit per interface, as EC2 documents it."""
MOST_CONNECTIONS = 20_000
"""The limit of one source address's tracked connections at a time, without the resolver's datagrams. It is far beyond
the needs of any job, yet a dozen interfaces at their limit do not fill the kernel's table (262,144)."""

LINK_LOCAL = "169.254.0.0/16"
_SERVICE = (Field.DESTINATION, Field.PROTOCOL, Field.PORT)
_TCP, _UDP = "6", "17"
_ESTABLISHED = (
    Rule((NotOpening(), StateIn(("established", "related"))), (Accept(),), "a known connection"),
    Rule((NotTcp(), StateIn(("established", "related"))), (Accept(),), "a known flow or its error"),
)
_EXEMPT = Rule((Lookup(_SERVICE, names.EXEMPT),), (Accept(),), "groups do not filter it")
_TO_LISTENER = (Translated(), Equals(Field.DESTINATION, LOCAL_ENDPOINT_ADDRESS))
_FROM_OUTSIDE = Equals(Field.INPUT_DEVICE, UPLINK_DEVICE)
_TO_OUTSIDE = Equals(Field.OUTPUT_DEVICE, UPLINK_DEVICE)
_BY_TABLE = (Field.MARK, Field.ORIGINAL_DESTINATION, Field.SOURCE_PORT)
_INSIDE = (Field.SOURCE, Field.DESTINATION, Field.SOURCE_PORT)
_BY_INTERNET = (
    Lookup((Field.MARK, Field.DESTINATION), names.BY_INTERNET),
    Lookup((Field.SOURCE,), names.FROM_ELASTIC),
)
_BY_NAT = (
    Lookup((Field.MARK, Field.DESTINATION), names.BY_NAT),
    Lookup((Field.PROTOCOL,), names.NAT_PROTOCOLS),
)

CONTAINED = Chain(
    "end_contained",
    (Rule((), (Count(),), "contained"), refusal(Fate.CONTAINED), Rule((), (Drop(),), "contained")),
)
NOBODY = Chain("end_nobody", (refusal(Fate.UNROUTED), Rule((), (Drop(),), "no interface takes it")))
INNER_NAT = Chain(
    "way_nat",
    (Rule((Lookup((Field.PROTOCOL,), names.NAT_PROTOCOLS, negated=True),), (Goto(NOBODY.name),), "no NAT for it"),),
)
FIXED_CHAINS = (CONTAINED, NOBODY, INNER_NAT)
"""The chains of every VPC that base chains or elements of ``names.INNER`` lead to. They never change either."""


@dataclass(frozen=True, slots=True)
class _Between:
    """The rules that only a VPC with a tunnel to other hosts has, by the place where they stand."""

    raw: tuple[Rule, ...] = ()
    strange: tuple[Rule, ...] = ()
    errors: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    endpoint: tuple[Rule, ...] = ()
    route: tuple[Rule, ...] = ()
    out: tuple[Rule, ...] = ()
    source: tuple[Rule, ...] = ()
    leaving: tuple[Rule, ...] = ()
    ingress: tuple[Rule, ...] = ()


def _between(device: str) -> _Between:
    comes = from_tunnel(device)
    strange = Lookup((Field.INPUT_DEVICE, Field.SOURCE), names.MARKS, negated=True)
    elsewhere = Lookup((Field.DESTINATION,), HERE, negated=True)
    unled = Lookup((Field.SOURCE, Field.DESTINATION), LED, negated=True)
    by_gateway = Lookup((Field.INPUT_DEVICE,), GATEWAY_BY)
    by_host = KeepMarkFrom((Field.FAMILY,), GATEWAY_MARK)
    drop = (Count(), Drop())
    return _Between(
        raw=(
            LEASE_ENDED,
            # Neither other hosts' interfaces, nor the router and its listeners.
            Rule((comes, elsewhere, unled, Lookup((Field.DESTINATION,), names.CLOSED)), drop, "no interface here"),
            Rule((comes, elsewhere, unled, by_gateway), drop, "the gateway is not here"),
        ),
        strange=(
            Rule(
                (comes, by_gateway, Lookup((Field.SOURCE,), names.CLOSED, negated=True)),
                (Accept(),),
                "by the gateway on another host",
            ),
            Rule((comes,), drop, "no address of another host"),
        ),
        errors=(Rule((comes, strange, StateIn(("related",))), (Accept(),), "an error from outside"),),
        egress=(
            Rule(
                (comes, strange, Lookup((Field.DESTINATION,), names.FROM_ELASTIC)), (by_host, Accept()), "Elastic IPs"
            ),
            Rule((comes, strange), drop, "no Elastic IP leads there"),
            Rule((comes,), (Accept(),), "the host of the sender has judged"),
        ),
        endpoint=(Rule((comes,), (Accept(),), "endpoints are on every host"),),
        route=(
            Rule(
                (comes,),
                (MarkFrom((Field.SOURCE, Field.DESTINATION), names.INNER_INTERFACE), KeepMark(), Accept()),
                "an interface that takes it inside the VPC",
            ),
            Rule((comes, Lookup((Field.DESTINATION,), HERE)), (Accept(),), "an interface of this host"),
            Rule(
                (comes,),
                (MarkFrom((Field.MARK, Field.DESTINATION), names.BY_INTERFACE), KeepMark(), Accept()),
                "an interface that takes it",
            ),
            Rule((comes, *_BY_INTERNET), (Accept(),), "the internet gateway for another host"),
            Rule((comes, *_BY_NAT), (Accept(),), "a NAT gateway for another host"),
            Rule((comes,), drop, "nobody here takes it"),
        ),
        out=(
            Rule(_BY_INTERNET, (by_host, Accept()), "the internet gateway on another host"),
            Rule(_BY_NAT, (by_host, Accept()), "a NAT gateway on another host"),
        ),
        source=(Rule((to_tunnel(device),), (Accept(),), "the host of the receiver or the gateway translates"),),
        leaving=(
            Rule((comes, to_tunnel(device)), drop, "nothing passes from host to host"),
            # A tunnel carries less than the devices at its ends, and the internet gets no errors from a router.
            Rule((to_tunnel(device), Opening()), (ClampSegments(),), "segments that fit"),
        ),
        ingress=(Rule((to_tunnel(device),), (Accept(),), "the host of the receiver judges"),),
    )


def base_chains(tunnel: str = "") -> tuple[Chain, ...]:
    """Return the base chains of a VPC, sorted by name. ``tunnel`` is the device to other hosts, if there are any."""
    return _chains(_between(tunnel)) if tunnel else BASE_CHAINS


def _chains(between: _Between) -> tuple[Chain, ...]:
    return (
        Chain(
            "inp_local",
            (
                *_ESTABLISHED,
                Rule(_TO_LISTENER, (Accept(),), "an endpoint"),
                _EXEMPT,
                Rule((), (VerdictFrom((Field.DESTINATION,), names.SERVICE_INGRESS),)),
                refusal(Fate.REFUSED_INGRESS),
                refusal(Fate.REFUSED_INGRESS, seen=Field.DESTINATION),
            ),
            Hook("filter", "input", 110),
        ),
        Chain(
            "inp_service",
            (
                *_ESTABLISHED,
                Rule(_TO_LISTENER, (Accept(),), "an endpoint"),
                _EXEMPT,
                Rule((Lookup(_SERVICE, names.SERVICES),), (Accept(),), "an interface endpoint"),
                refusal(Fate.UNANSWERED),
                refusal(Fate.UNANSWERED, seen=Field.DESTINATION),
            ),
            Hook("filter", "input", 120),
        ),
        Chain(
            "inp_source",
            (
                Rule((), (SourceFrom(_BY_TABLE, names.SOURCE_NAT),), "NAT gateways"),
                Rule(
                    (Equals(Field.DESTINATION, LOCAL_ENDPOINT_ADDRESS), Lookup((Field.PORT,), names.FAR_PORTS)),
                    (SourceFrom((Field.SOURCE,), names.SOURCE_ELASTIC),),
                    "Elastic IPs",
                ),
                Rule((), (SourceFrom(_INSIDE, names.SOURCE_INNER),), "NAT gateways inside the VPC"),
            ),
            Hook("nat", "input", 100, "accept"),
        ),
        Chain(
            "out_local",
            (
                Rule((StateIn(("established",)),), (Accept(),), "an answer"),
                # No other error is sent about a dropped packet: VPCs drop silently.
                Rule((StateIn(("related",)), Icmp(3, 4)), (Accept(),), "packet too big"),
            ),
            Hook("filter", "output", 0),
        ),
        Chain(
            "post_ingress",
            (
                *between.leaving,
                Rule(
                    (_TO_OUTSIDE, Lookup((Field.SOURCE,), names.PUBLIC, negated=True)),
                    (Count(), Drop()),
                    "nothing private leaves",
                ),
                # An Elastic IP answers only by the internet gateway. What the table sends elsewhere is dropped.
                Rule(
                    (
                        _TO_OUTSIDE,
                        Answering(),
                        Lookup((Field.MARK, Field.DESTINATION), names.BY_INTERNET, negated=True),
                    ),
                    (Drop(),),
                    "an answer by another way",
                ),
                *_ESTABLISHED,
                Rule((_TO_OUTSIDE,), (Accept(),), "the internet gateway"),
                *between.ingress,
                Rule((), (VerdictFrom((Field.OUTPUT_DEVICE,), names.INGRESS),)),
                refusal(Fate.REFUSED_INGRESS, seen=Field.OUTPUT_DEVICE),
                refusal(Fate.REFUSED_INGRESS),
            ),
            Hook("filter", "postrouting", 110),
        ),
        Chain(
            "post_source",
            (
                *between.source,
                Rule((_TO_OUTSIDE,), (SourceFrom(_BY_TABLE, names.SOURCE_NAT),), "NAT gateways"),
                Rule((_TO_OUTSIDE,), (SourceFrom((Field.SOURCE,), names.SOURCE_ELASTIC),), "Elastic IPs"),
                Rule((), (SourceFrom(_INSIDE, names.SOURCE_INNER),), "NAT gateways inside the VPC"),
            ),
            Hook("nat", "postrouting", 100, "accept"),
        ),
        Chain(
            "pre_egress",
            (
                _ESTABLISHED[0],
                # Before the rule for known flows, since repeated questions from one port are one flow.
                Rule(
                    (
                        Equals(Field.PROTOCOL, _UDP),
                        Equals(Field.PORT, "53"),
                        Lookup((Field.DESTINATION,), names.ROUTER),
                        OverRate(names.DNS_RATE, DNS_PACKETS_PER_SECOND),
                    ),
                    (Count(), Drop()),
                    "resolver rate",
                ),
                Rule((NotTcp(), StateIn(("established",))), (Accept(),), "a known flow"),
                # An ICMP error is related to the flow that it quotes, whoever sends it. Among containers, only the
                # flow's own ends may send it: any other could send a neighbour packets that no group allows.
                Rule((_FROM_OUTSIDE, StateIn(("related",))), (Accept(),), "an error from outside"),
                *between.errors,
                *(
                    Rule(
                        (StateIn(("related",)),),
                        (MarkFrom((Field.INPUT_DEVICE, end), names.MARKS), Accept()),
                        "its flow",
                    )
                    for end in (Field.ORIGINAL_SOURCE, Field.REPLY_SOURCE)
                ),
                _EXEMPT,
                refusal(Fate.REFUSED_EGRESS, (StateIn(("invalid", "related")),)),
                Rule((StateIn(("invalid", "related")),), (Drop(),), "no flow can start so"),
                Rule((_FROM_OUTSIDE,), (Accept(),), "the receiver judges"),
                *between.egress,
                Rule((), (VerdictFrom((Field.INPUT_DEVICE,), names.EGRESS),)),
                refusal(Fate.REFUSED_EGRESS),
            ),
            Hook("filter", "prerouting", -150),
        ),
        Chain(
            "pre_endpoint",
            (
                *between.endpoint,
                Rule((_FROM_OUTSIDE,), (TranslateFrom((Field.DESTINATION,), names.ELASTIC),), "Elastic IPs"),
                Rule(
                    (Equals(Field.PROTOCOL, _TCP),),
                    (TranslateFrom((Field.MARK, Field.DESTINATION, Field.PORT), names.ENDPOINTS),),
                    "endpoints",
                ),
                Rule(
                    (Equals(Field.PROTOCOL, _TCP), Lookup((Field.SOURCE,), names.FROM_ELASTIC)),
                    (TranslateFrom((Field.MARK, Field.DESTINATION, Field.PORT), names.FAR),),
                    "services beyond the internet gateway",
                ),
            ),
            Hook("nat", "prerouting", -100, "accept"),
        ),
        Chain(
            "pre_raw",
            (
                *between.raw,
                Rule((Fragment(),), (Goto(CONTAINED.name),), "no ports to judge"),
                Rule((), (MarkFrom((Field.INPUT_DEVICE, Field.SOURCE), names.MARKS), Accept()), "its own address"),
                *between.strange,
                Rule((_FROM_OUTSIDE, Lookup((Field.SOURCE,), names.CLOSED)), (Count(), Drop()), "not from outside"),
                Rule((_FROM_OUTSIDE, Lookup((Field.DESTINATION,), names.PUBLIC)), (Accept(),), "a public address"),
                Rule((_FROM_OUTSIDE,), (Count(), Drop()), "nothing else comes in"),
                Rule((Ipv6(),), (Count(), Drop()), "no IPv6"),
                Rule((), (Count(),), "not its own address"),
                refusal(Fate.SPOOFED),
            ),
            Hook("filter", "prerouting", -300),
        ),
        Chain(
            "pre_route",
            (
                *_ESTABLISHED,
                Rule(
                    (_FROM_OUTSIDE, Translated(), Lookup((Field.DESTINATION,), names.ATTACHED)),
                    (Accept(),),
                    "an Elastic IP",
                ),
                Rule((_FROM_OUTSIDE,), (Drop(),), "no interface has it"),
                # Datagrams to the resolver have their own limit.
                Rule((Equals(Field.PROTOCOL, _UDP), Lookup(_SERVICE, names.EXEMPT)), (Accept(),), "the resolver"),
                Rule(
                    (OverCount(names.CONNECTIONS, MOST_CONNECTIONS),), (Goto(CONTAINED.name),), "too many connections"
                ),
                *between.route,
                _EXEMPT,
                Rule(
                    (),
                    (MarkFrom((Field.SOURCE, Field.DESTINATION), names.INNER_INTERFACE), KeepMark(), Accept()),
                    "an interface that takes it inside the VPC",
                ),
                Rule((), (VerdictFrom((Field.SOURCE, Field.DESTINATION), names.INNER),)),
                Rule((Lookup((Field.DESTINATION,), names.ATTACHED),), (Accept(),), "an interface of the VPC"),
                Rule(_TO_LISTENER, (Accept(),), "an endpoint"),
                Rule((Lookup((Field.DESTINATION,), names.ROUTER),), (Count(), Drop()), "the router answers nobody"),
                # As in AWS, such packets are not in flow logs, so they are counted here.
                Rule((Equals(Field.DESTINATION, LINK_LOCAL),), (Count(),), "nobody at this link-local address"),
                Rule(
                    (),
                    (MarkFrom((Field.MARK, Field.DESTINATION), names.BY_INTERFACE), KeepMark(), Accept()),
                    "an interface that takes it",
                ),
                *between.out,
                Rule(_BY_INTERNET, (Accept(),), "the internet gateway"),
                Rule(_BY_NAT, (Accept(),), "a NAT gateway"),
                refusal(Fate.UNROUTED),
            ),
            Hook("filter", "prerouting", -90),
        ),
    )


BASE_CHAINS = _chains(_Between())
"""The base chains of a VPC on a single host."""
