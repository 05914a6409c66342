"""Analyses of paths in random networks: every existing path is found, and every obstacle has one of AWS's codes."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from reading_room.dataplane.rules.semantics import decide
from reading_room.dataplane.rules.verdicts import TCP, UDP, Inbound, Packet
from reading_room.dataplane.spec import NetworkSpec
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.reachability.paths import Header, Path, analyse, answer_for, vpc_of
from reading_room.vpc.reachability.views import Region, components, explanations
from tests.worlds.dataplane import Seeded, any_network, any_packet
from tests.worlds.dataplane_far import far_network, sweep

HERE = Region("us-east-1", "000000000001")
MOST_TRIES = Quotas().network_insights_tries
CODES = {
    "BAD_STATE_ATTACHMENT",
    "BAD_STATE_ROUTE",
    "COMPONENT_FILTER_RESTRICTION",
    "ENI_ADDRESS_RESTRICTION",
    "ENI_SG_RULES_MISMATCH",
    "ENI_SOURCE_DEST_CHECK_RESTRICTION",
    "GATEWAY_REJECTS_SPOOFED_TRAFFIC",
    "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
    "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
    "NGW_SOURCE_ADDRESS_REASSIGN",
    "NO_POSSIBLE_DESTINATION",
    "NO_ROUTE_TO_DESTINATION",
    "PROTOCOL_RESTRICTION",
    "REMAP_EPHEMERAL_PORT",
    "VPCE_GATEWAY_PROTOCOL_RESTRICTION",
}
"""The codes of the Reachability Analyzer guide that can occur here."""


def path_of(spec: NetworkSpec, packet: Packet | Inbound) -> Path | None:
    """Return the path of a packet that is delivered, without its port; ``None`` for any other packet."""
    verdict = decide(spec, packet)
    ends = ("eni-", "vpce-")
    arrives = verdict.delivered and verdict.answered and verdict.delivered_to.startswith(ends)
    if packet.protocol not in (TCP, UDP) or not arrives:
        return None
    if isinstance(packet, Packet):
        source = packet.interface_id
    else:
        entered = next(hop for hop in verdict.hops if hop.kind == "internet-gateway")
        source, owner = entered.component_id, vpc_of(spec, entered.component_id)
        if owner is None or owner.vpc_id != entered.vpc_id:
            return None  # In these networks, gateways of two VPCs may have the same id.
    return Path(source, verdict.delivered_to, packet.protocol, Header(destination=packet.destination))


def check(spec: NetworkSpec, path: Path) -> None:
    """Check that the answer has numbered components, and one of AWS's codes if there is no path."""
    answer = analyse(spec, path, MOST_TRIES)
    if answer is None:
        return
    for back in (False, True):
        views = components(HERE, spec, answer, back=back)
        assert [view["SequenceNumber"] for view in views] == list(range(1, len(views) + 1))
        named = [view["Component"]["Id"] for view in views]
        # Two interfaces may have one group, two subnets one table, and all subnets one access list.
        twice = [one for one, other in pairwise(named) if one == other]
        assert all(each.startswith(("acl-", "rtb-", "sg-")) for each in twice), named
    if not answer.found:
        (explanation,) = explanations(HERE, spec, path.destination, answer)
        assert explanation["ExplanationCode"] in CODES


@pytest.mark.parametrize("seed", range(150))
def test_a_path_on_which_some_packet_gets_there_is_found(seed: int) -> None:
    choose = Seeded(seed)
    spec = any_network(choose)
    for packet in [any_packet(choose, spec) for _ in range(30)]:
        path = path_of(spec, packet)
        if path is not None:
            answer = analyse(spec, path, MOST_TRIES)
            assert answer is not None
            assert answer.found, (packet, path, answer)
            assert answer.verdict.delivered_to == path.destination


@pytest.mark.costs(0.05, reason="six paths of a random network are analysed")
@pytest.mark.parametrize("seed", range(60))
def test_any_two_ends_of_a_random_network_get_an_answer_with_known_codes(seed: int) -> None:
    chosen, choose = random.Random(seed), Seeded(seed)
    spec = any_network(choose)
    ends = [each.interface_id for vpc in spec.vpcs for each in vpc.interfaces]
    ends += [each.endpoint_id for vpc in spec.vpcs for each in vpc.endpoints if each.endpoint_id.startswith("vpce-")]
    ends += [vpc.internet_gateway for vpc in spec.vpcs if vpc.internet_gateway]
    for _ in range(6):
        source, destination = chosen.choice(ends), chosen.choice(ends)
        port = chosen.choice([(0, 65_535), (443, 443), (8080, 8080)])
        check(spec, Path(source, destination, chosen.choice([TCP, UDP]), Header(destination_ports=port)))


@pytest.mark.costs(0.08, reason="every way through a network is analysed")
def test_every_way_through_every_gateway_is_explained_in_both_directions() -> None:
    spec = far_network()
    arrived = 0
    for packet in sweep(spec):
        answer = answer_for(spec, packet)
        forward, back = components(HERE, spec, answer), components(HERE, spec, answer, back=True)
        if answer.found and answer.verdict.delivered_to.startswith(("eni-", "vpce-")):
            arrived += 1
            assert forward[0]["Component"] == back[-1]["Component"]
            assert forward[-1]["Component"] == back[0]["Component"]
            nats = [
                [hop.component_id for hop in way if hop.kind == "nat-gateway"] for way in (answer.forward, answer.back)
            ]
            assert nats[0] == nats[1][::-1]
            ports = back[0].get("OutboundHeader", back[0].get("InboundHeader"))
            assert ports is not None
    assert arrived > 100
