"""Verdicts on packets through gateways and interface endpoints, with sentences that a user can act on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.invariants import check
from reading_room.dataplane.rules.semantics import Inbound, Packet, Verdict, decide, storage_path
from reading_room.dataplane.rules.trace import trace
from reading_room.dataplane.spec import NetworkSpec, Route, Vpc
from tests.dataplane.test_dataplane_agreement import compare
from tests.worlds.dataplane_far import far_network, sweep

S3, API, STRANGER = "52.216.0.10", "52.94.0.10", "203.0.113.9"


def fate(packet: Packet | Inbound, spec: NetworkSpec | None = None) -> Verdict:
    """Return the verdict on a packet, after checking that the compiled rules agree."""
    spec = spec or far_network()
    verdict = decide(spec, packet)
    compare(spec, packet, verdict, trace(compile_host(spec), packet))
    return verdict


def sent(number: int, destination: str, protocol: int = 6, port: int = 443, **more: str | int) -> Verdict:
    """Return the verdict on a packet of one of the first VPC's interfaces, or the second's (from 11)."""
    vpc_id = "vpc-02" if number > 10 else "vpc-01"
    source, source_port = str(more.get("source", "")), int(more.get("source_port", 40_000))
    about = (vpc_id, f"eni-{number:05d}", destination, protocol, port)
    return fate(Packet(*about, source=source, source_port=source_port))


def in_first(change: Vpc) -> NetworkSpec:
    """Return the network with this VPC in the place of the first."""
    spec = far_network()
    return replace(spec, vpcs=(change, spec.vpcs[1]))


def test_the_swept_network_keeps_the_invariants_and_every_packet_has_the_promised_fate() -> None:
    spec = far_network()
    config = compile_host(spec)
    assert check(config, spec) == []
    for packet in sweep(spec):
        compare(spec, packet, decide(spec, packet), trace(config, packet))


def test_an_interface_with_an_elastic_ip_leaves_with_it() -> None:
    verdict = sent(1, STRANGER, port=22)
    assert (verdict.outcome, verdict.source) == ("left", "198.51.100.11")
    assert [hop.kind for hop in verdict.hops] == ["interface", "egress", "route-table", "internet-gateway"]
    assert verdict.hops[-1].allocation_id == "eipalloc-01"
    assert "uplink" in verdict.sentence


def test_an_interface_without_one_gets_nothing_through_the_internet_gateway() -> None:
    for number, source in ((2, ""), (1, "10.0.1.7")):
        verdict = sent(number, STRANGER, source=source)
        assert verdict.outcome == "unrouted"
        assert "has no Elastic IP" in verdict.sentence


def test_our_services_lie_behind_every_gateway_and_see_the_public_address() -> None:
    verdict = sent(1, S3)
    assert (verdict.delivered_to, verdict.source) == ("far-s3", "198.51.100.11")
    verdict = sent(3, API)
    assert (verdict.delivered_to, verdict.source) == ("far-api", "198.51.100.1")
    assert sent(1, S3, port=8080).outcome == "left"


def test_the_addresses_of_a_nat_gateway_share_the_connections() -> None:
    assert {sent(3, API, source_port=port).source for port in (1024, 40_000, 50_000, 65_535)} == {
        "198.51.100.1",
        "198.51.100.2",
    }


def test_a_nat_gateway_reaches_s3_by_the_gateway_endpoint_of_its_own_subnet() -> None:
    """S3 sees the gateway's private address, also behind a private NAT gateway."""
    for number, source in ((3, "10.0.3.4"), (4, "10.0.3.9")):
        verdict = sent(number, S3)
        assert (verdict.delivered_to, verdict.source) == ("vpce-01", source)
        assert [hop.kind for hop in verdict.hops][2:] == ["route-table", "route-table", "nat-gateway", "endpoint"]
        assert [hop.component_id for hop in verdict.hops][4:] == [f"nat-0{number - 2}", "vpce-01"]


def test_nothing_of_a_private_nat_gateway_passes_the_internet_gateway() -> None:
    verdict = sent(4, STRANGER)
    assert verdict.outcome == "unrouted"
    assert "nat-02 is private" in verdict.sentence


def test_a_nat_gateway_passes_three_protocols() -> None:
    assert [sent(3, STRANGER, protocol).outcome for protocol in (1, 6, 17, 47)] == ["left", "left", "left", "unrouted"]


def test_a_blackhole_does_not_fall_through_to_a_shorter_prefix() -> None:
    assert sent(3, "192.0.2.7").outcome == "unrouted"
    assert sent(3, "192.0.2.200").outcome == "left"


def test_a_route_for_a_subnet_is_more_specific_than_local() -> None:
    """It leads to nobody, or to a NAT gateway, which gives its private address."""
    verdict = sent(3, "10.0.1.6", port=80)
    assert verdict.outcome == "unrouted"
    assert "blackhole" in verdict.sentence
    verdict = sent(4, "10.0.2.5", port=80)
    assert (verdict.delivered_to, verdict.source) == ("eni-00003", "10.0.3.4")
    assert "sgr-0nat" in [hop.rule_id for hop in verdict.hops]


def test_what_stays_in_a_subnet_meets_no_route() -> None:
    spec = far_network()
    first = spec.vpcs[0]
    own = replace(first.route_tables[0], routes=(Route("10.0.1.0/24", "eni-00003"),))
    spec = in_first(replace(first, route_tables=(own, *first.route_tables[1:])))
    assert fate(Packet("vpc-01", "eni-00001", "10.0.1.6", 6, 80), spec).delivered_to == "eni-00002"


def test_the_groups_of_an_interface_endpoint_judge_and_only_its_ports_are_open() -> None:
    assert sent(3, "10.0.2.8").delivered_to == "vpce-02"
    assert sent(1, "10.0.2.8").outcome == "refused-ingress"
    assert "sg-0guard" in sent(1, "10.0.2.8").sentence
    verdict = sent(3, "10.0.2.8", port=8080)
    assert (verdict.outcome, verdict.sentence) == (
        "unanswered",
        "vpce-02 takes TCP to port 80 and 443, not TCP 8080",
    )
    assert sent(3, "10.0.2.8", protocol=1).outcome == "unanswered"


def test_an_interface_endpoint_behind_a_nat_gateway_sees_the_gateways_address() -> None:
    verdict = sent(4, "10.0.2.8")
    assert (verdict.delivered_to, verdict.source) == ("vpce-02", "10.0.3.4")
    assert (verdict.hops[-1].kind, verdict.hops[-1].component_id) == ("endpoint", "vpce-02")


def test_two_vpcs_reach_each_other_by_elastic_ips_and_by_nothing_else() -> None:
    verdict = sent(1, "198.51.100.111", port=80)
    assert (verdict.delivered_to, verdict.source) == ("eni-00011", "198.51.100.11")
    assert [hop.vpc_id for hop in verdict.hops if hop.kind == "internet-gateway"] == ["vpc-01", "vpc-02"]
    assert sent(11, "198.51.100.1", port=80).outcome == "unrouted"
    assert sent(11, "198.51.100.11", port=80).outcome == "refused-ingress"


def test_a_stranger_reaches_an_elastic_ip_whose_group_admits_it() -> None:
    verdict = fate(Inbound(STRANGER, "198.51.100.11", 6, 80))
    assert (verdict.delivered_to, verdict.source, verdict.answered) == ("eni-00001", STRANGER, True)
    assert fate(Inbound(STRANGER, "198.51.100.11", 6, 22)).outcome == "refused-ingress"
    assert fate(Inbound(STRANGER, "198.51.100.1", 6, 80)).outcome == "unrouted"


def test_without_a_route_back_an_answer_never_leaves() -> None:
    verdict = fate(Inbound(STRANGER, "198.51.100.112", 6, 80))
    assert (verdict.delivered_to, verdict.answered) == ("eni-00012", False)
    assert "rtb-12 does not send answers" in verdict.sentence


@pytest.mark.parametrize("source", ["10.0.1.9", "127.0.0.1", "169.254.170.1", "224.0.0.1"])
def test_no_stranger_has_an_address_of_the_vpc_or_an_impossible_one(source: str) -> None:
    assert fate(Inbound(source, "198.51.100.11", 6, 80)).outcome == "spoofed"


def test_a_stranger_that_knows_private_addresses_reaches_none() -> None:
    for destination in ("10.0.1.5", "10.0.2.8", "169.254.170.1", "10.0.0.2"):
        assert fate(Inbound(STRANGER, destination, 6, 80, vpc_id="vpc-01")).outcome == "spoofed"


def test_without_an_internet_gateway_no_public_address_works() -> None:
    spec = in_first(replace(far_network().vpcs[0], internet_gateway=None))
    assert fate(Packet("vpc-01", "eni-00001", S3, 6, 443), spec).outcome == "unrouted"
    assert fate(Packet("vpc-01", "eni-00003", API, 6, 443), spec).outcome == "unrouted"
    assert fate(Inbound(STRANGER, "198.51.100.11", 6, 80), spec).outcome == "unrouted"
    assert fate(Packet("vpc-01", "eni-00003", S3, 6, 443), spec).delivered_to == "vpce-01"


def test_route_tables_that_lead_in_a_circle_lead_nowhere() -> None:
    spec = far_network()
    first = spec.vpcs[0]
    public = replace(first.route_tables[2], routes=(Route("0.0.0.0/0", "nat-02"),))
    spec = in_first(replace(first, route_tables=(*first.route_tables[:2], public, first.route_tables[3])))
    verdict = fate(Packet("vpc-01", "eni-00003", STRANGER, 6, 443), spec)
    assert verdict.outcome == "unrouted"
    assert "lead from nat-02 back to it" in verdict.sentence


def test_a_secondary_address_is_the_senders_own_and_another_is_not() -> None:
    assert sent(1, "10.0.2.5", source="10.0.1.7").delivered_to == "eni-00003"
    assert sent(3, "10.0.4.5", source="10.0.1.7").outcome == "spoofed"
    assert "which has 10.0.2.5" in sent(3, "10.0.4.5", source="10.0.1.7").sentence


def test_the_path_to_storage_counts_gateways() -> None:
    spec = far_network()
    assert storage_path(spec, "vpc-01", "eni-00001", 443).delivered_to == "far-s3"
    assert storage_path(spec, "vpc-01", "eni-00003", 443, S3).delivered_to == "vpce-01"
    assert "no Elastic IP" in storage_path(spec, "vpc-01", "eni-00002", 443).sentence
