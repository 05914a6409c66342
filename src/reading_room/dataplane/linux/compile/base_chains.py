"""The chains that hang in the kernel's hooks: the same for every VPC, made once, never changed while it lives.

What differs between VPCs, and all that changes, is in the sets and maps that these chains ask and in the chains of
groups that a verdict map leads to. The order a new packet meets them:

=================  ============  ======================================================================
``pre_raw``        before        Whose packet is it? Device and source address must belong together; the mark
                   conntrack     becomes the number of the sender's route table.
``pre_egress``     mangle        Established flows pass; the sender's groups judge the others, with the
                                 destination as the sender wrote it.
``pre_endpoint``   dstnat        What the route table sends to an endpoint goes to that endpoint's listener.
``pre_route``      after dstnat  Is there anybody to take it? If not: reported as allowed, and gone.
``fwd_ingress``    forward       The receiver's groups judge.
``inp_local``      input         Only endpoints, the resolver and the credentials address.
``out_local``      output        Only answers.
=================  ============  ======================================================================
"""

from __future__ import annotations

from reading_room.dataplane.linux.compile.flow_logs import Fate, refusal
from reading_room.dataplane.linux.nftables import (
    Accept,
    Chain,
    Drop,
    Equals,
    Field,
    Fragment,
    Hook,
    Icmp,
    Ipv6,
    KeyType,
    Lookup,
    MarkFrom,
    NamedSet,
    NotOpening,
    NotTcp,
    OverRate,
    Rule,
    StateIn,
    Translated,
    TranslateFrom,
    VerdictFrom,
)
from reading_room.dataplane.spec import LOCAL_ENDPOINT_ADDRESS

MARKS = "if_mark"
"""Map: device and source address to the mark of the interface's route table."""
EGRESS = "if_egress"
"""Verdict map: the sender's device to the chain of its groups."""
INGRESS = "if_ingress"
"""Verdict map: the receiver's device to the chain of its groups."""
ATTACHED = "to_attached"
"""Set: the addresses of the interfaces that have a wire here."""
ROUTER = "to_router"
"""Set: the router's own addresses."""
EXEMPT = "to_exempt"
"""Set: address, protocol and port of what groups do not filter (``topology.exempt``)."""
ENDPOINTS = "to_endpoint"
"""Map: route table's mark, destination and port to the listener of an endpoint."""
DNS_RATE = "rate_dns"
"""Dynamic set: sources that ask the resolver."""
DNS_PACKETS_PER_SECOND = 1024
"""What the resolver takes from an interface, as EC2 documents it."""
ENDPOINT_KEY = (KeyType.MARK, KeyType.ADDRESS, KeyType.PORT)
SERVICE_KEY = (KeyType.ADDRESS, KeyType.PROTOCOL, KeyType.PORT)
_SERVICE = (Field.DESTINATION, Field.PROTOCOL, Field.PORT)
_TCP, _UDP = "6", "17"

_ESTABLISHED_TCP = Rule((NotOpening(), StateIn(("established", "related"))), (Accept(),), "a known connection")
_ESTABLISHED_OTHER = Rule((NotTcp(), StateIn(("established", "related"))), (Accept(),), "a known flow or its error")
_EXEMPT = Rule((Lookup(_SERVICE, EXEMPT),), (Accept(),), "groups do not filter it")

DNS_RATE_SET = NamedSet(DNS_RATE, (KeyType.ADDRESS,), counts_rate=True)
BASE_CHAINS = (
    Chain(
        "fwd_ingress",
        (
            _ESTABLISHED_TCP,
            _ESTABLISHED_OTHER,
            Rule((), (VerdictFrom((Field.OUTPUT_DEVICE,), INGRESS),)),
            refusal(Fate.REFUSED_INGRESS, device=Field.OUTPUT_DEVICE),
            refusal(Fate.REFUSED_INGRESS, device=Field.INPUT_DEVICE),
        ),
        Hook("filter", "forward", 0),
    ),
    Chain(
        "inp_local",
        (
            _ESTABLISHED_TCP,
            _ESTABLISHED_OTHER,
            Rule((Translated(), Equals(Field.DESTINATION, LOCAL_ENDPOINT_ADDRESS)), (Accept(),), "an endpoint"),
            _EXEMPT,
        ),
        Hook("filter", "input", 0),
    ),
    Chain(
        "out_local",
        (
            Rule((StateIn(("established",)),), (Accept(),), "an answer"),
            # Nothing else is said of a packet that failed: VPCs drop in silence.
            Rule((StateIn(("related",)), Icmp(3, 4)), (Accept(),), "packet too big"),
        ),
        Hook("filter", "output", 0),
    ),
    Chain(
        "pre_egress",
        (
            _ESTABLISHED_TCP,
            # Before the line for known flows, since repeated questions from one port are one flow.
            Rule(
                (
                    Equals(Field.PROTOCOL, _UDP),
                    Equals(Field.PORT, "53"),
                    Lookup((Field.DESTINATION,), ROUTER),
                    OverRate(DNS_RATE, DNS_PACKETS_PER_SECOND),
                ),
                (Drop(),),
                "resolver rate",
            ),
            _ESTABLISHED_OTHER,
            _EXEMPT,
            refusal(Fate.REFUSED_EGRESS, (StateIn(("invalid",)),)),
            Rule((StateIn(("invalid",)),), (Drop(),), "no flow can start so"),
            Rule((), (VerdictFrom((Field.INPUT_DEVICE,), EGRESS),)),
            refusal(Fate.REFUSED_EGRESS),
        ),
        Hook("filter", "prerouting", -150),
    ),
    Chain(
        "pre_endpoint",
        (
            Rule(
                (Equals(Field.PROTOCOL, _TCP),),
                (TranslateFrom((Field.MARK, Field.DESTINATION, Field.PORT), ENDPOINTS),),
                "gateway endpoints",
            ),
        ),
        Hook("nat", "prerouting", -100, "accept"),
    ),
    Chain(
        "pre_raw",
        (
            Rule((Fragment(),), (Drop(),), "no ports to judge"),
            Rule((), (MarkFrom((Field.INPUT_DEVICE, Field.SOURCE), MARKS), Accept()), "its own address"),
            Rule((Ipv6(),), (Drop(),), "no IPv6"),
            refusal(Fate.SPOOFED),
        ),
        Hook("filter", "prerouting", -300),
    ),
    Chain(
        "pre_route",
        (
            _ESTABLISHED_TCP,
            _ESTABLISHED_OTHER,
            Rule((Lookup((Field.DESTINATION,), ATTACHED),), (Accept(),), "an interface of the VPC"),
            Rule((Translated(),), (Accept(),), "an endpoint"),
            _EXEMPT,
            Rule((Lookup((Field.DESTINATION,), ROUTER),), (Drop(),), "the router answers nobody"),
            refusal(Fate.UNROUTED),
        ),
        Hook("filter", "prerouting", -90),
    ),
)
