"""The sentences about a packet for the user."""

from __future__ import annotations

from dataclasses import replace

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.compile.flow_logs import Fate, decode
from reading_room.dataplane.rules.semantics import Packet, Verdict, decide, storage_path
from reading_room.dataplane.rules.trace import trace
from reading_room.dataplane.spec import Endpoint, NetworkSpec, Route, RouteTable
from tests.worlds.dataplane import OTHER, S3, small_network


def verdict_of(
    spec: NetworkSpec, destination: str, port: int, *, sender: str = "eni-00001", protocol: int = 6
) -> Verdict:
    """Return the verdict on one packet of the small network, after checking that the compiled rules agree."""
    packet = Packet("vpc-01", sender, destination, protocol, port)
    verdict = decide(spec, packet)
    walked = trace(compile_host(spec), packet)
    assert (walked.outcome, walked.delivered_to) == (verdict.outcome, verdict.delivered_to)
    return verdict


def with_routes(*routes: Route) -> NetworkSpec:
    """Return the small network with these routes in the job's table."""
    spec = small_network()
    vpc = spec.vpcs[0]
    return replace(spec, vpcs=(replace(vpc, route_tables=(RouteTable("rtb-01", 1, routes), vpc.route_tables[1])),))


def test_a_job_reaches_s3_by_the_endpoint_of_its_route_table() -> None:
    """The rule, the route table and the endpoint are named."""
    verdict = verdict_of(small_network(), "52.216.0.10", 443)
    assert verdict.delivered_to == "vpce-01"
    assert [reason.about[0] for reason in verdict.reasons] == ["sgr-0s3", "rtb-01"]


def test_without_the_endpoint_the_missing_route_is_named_with_its_remedy() -> None:
    """The sentence says which table lacks which prefix list, and what to create."""
    verdict = verdict_of(small_network(endpoint=False), "52.216.0.10", 443)
    assert verdict.outcome == "unrouted"
    assert "rtb-01 has no route to pl-0000s3 (S3): create a gateway endpoint" in verdict.sentence


def test_a_port_that_no_egress_rule_allows_is_refused_at_the_sender() -> None:
    """The group that lacks the rule is named."""
    verdict = verdict_of(small_network(), "52.216.0.10", 80)
    assert verdict.outcome == "refused-egress"
    assert "sg-0job" in verdict.sentence
    assert "TCP 80" in verdict.sentence


def test_a_neighbour_that_does_not_admit_is_named() -> None:
    """Egress allows port 81, but the web server's group does not."""
    verdict = verdict_of(small_network(), "10.0.2.5", 81)
    assert verdict.outcome == "refused-ingress"
    assert "sg-0web" in verdict.sentence


def test_members_of_a_group_that_admits_itself_reach_each_other() -> None:
    """Nobody else reaches them."""
    assert verdict_of(small_network(), "10.0.1.6", 8786).delivered_to == "eni-00002"
    assert verdict_of(small_network(), "10.0.1.5", 8786, sender="eni-00003").outcome == "refused-egress"


def test_a_route_as_specific_as_the_prefix_list_wins_over_it() -> None:
    """A blackhole for one network of the list takes only that network away from the endpoint."""
    spec = with_routes(Route(S3, "vpce-01"), Route("52.216.0.0/15", "blackhole"), Route("3.5.0.0/25", "blackhole"))
    assert verdict_of(spec, "52.216.0.10", 443).outcome == "unrouted"
    assert verdict_of(spec, "3.5.0.1", 443).outcome == "unrouted"
    assert verdict_of(spec, "3.5.0.200", 443).delivered_to == "vpce-01"
    # The list's own, more specific network inside the blackhole is still reached.
    assert verdict_of(spec, "52.217.200.1", 443).delivered_to == "vpce-01"


def test_a_wider_route_does_not_take_the_prefix_list_away() -> None:
    """The longest prefix wins."""
    spec = with_routes(Route("0.0.0.0/0", "blackhole"), Route(S3, "vpce-01"))
    assert verdict_of(spec, "52.216.0.10", 443).delivered_to == "vpce-01"


def test_of_two_lists_with_the_same_network_the_first_route_wins() -> None:
    """AWS leaves the choice open. Here it is stable, and the same in the semantics and the rules."""
    first, second = Route(S3, "vpce-01"), Route(OTHER, "vpce-02")
    for routes, chosen in (((first, second), "vpce-01"), ((second, first), "vpce-02")):
        spec = with_routes(*routes)
        vpc = spec.vpcs[0]
        other = Endpoint("vpce-02", "gateway", "s3", OTHER, 2)
        spec = replace(spec, vpcs=(replace(vpc, endpoints=(*vpc.endpoints, other)),))
        assert verdict_of(spec, "52.217.200.1", 443).delivered_to == chosen


def test_the_port_of_an_endpoint_is_not_reachable_directly() -> None:
    """No route table leads to the listener's own address."""
    spec = small_network()
    vpc = spec.vpcs[0]
    groups = tuple(
        replace(group, egress=(replace(group.egress[-1], protocol=-1, from_port=-1, to_port=-1),))
        if group.egress
        else group
        for group in vpc.groups
    )
    spec = replace(spec, vpcs=(replace(vpc, groups=groups),))
    for port in (20002, 20003, 80, 443):
        assert verdict_of(spec, "169.254.170.1", port).outcome == "ignored"


def test_the_resolver_and_the_credentials_address_are_exempt_from_groups() -> None:
    """Even an interface without egress rules reaches them, but only on their ports."""
    spec = small_network()
    assert verdict_of(spec, "169.254.169.253", 53, sender="eni-00003", protocol=17).delivered_to == "resolver"
    assert verdict_of(spec, "10.0.0.2", 53, sender="eni-00003").delivered_to == "resolver"
    assert verdict_of(spec, "169.254.170.2", 80, sender="eni-00003").delivered_to == "credentials"
    assert verdict_of(spec, "169.254.170.2", 443, sender="eni-00003").outcome == "refused-egress"


def test_without_dns_support_no_name_is_resolved() -> None:
    """Then the resolver's addresses are like any others."""
    spec = small_network()
    spec = replace(spec, vpcs=(replace(spec.vpcs[0], dns_support=False),))
    assert verdict_of(spec, "169.254.169.253", 53, protocol=17).outcome == "refused-egress"


def test_the_service_network_needs_no_route_to_the_public_endpoint() -> None:
    """Its public endpoint serves every table, but only on the service's ports."""
    spec = with_routes()
    vpc = replace(spec.vpcs[0], endpoints=(Endpoint("vpce-00pub", "public", "s3", S3, 7),))
    spec = replace(spec, vpcs=(vpc,))
    assert verdict_of(spec, "52.216.0.10", 443).delivered_to == "vpce-00pub"


def test_the_path_to_storage_is_judged_before_a_job_starts() -> None:
    """The check uses the address that names resolve to, or leniently any network of the list."""
    assert storage_path(small_network(), "vpc-01", "eni-00001", 443).delivered
    half = with_routes(Route(S3, "vpce-01"), Route("3.5.0.0/24", "blackhole"))
    assert storage_path(half, "vpc-01", "eni-00001", 443).delivered
    assert storage_path(half, "vpc-01", "eni-00001", 443, "52.216.0.10").delivered
    assert storage_path(half, "vpc-01", "eni-00001", 443, "3.5.0.10").outcome == "unrouted"
    assert "pl-0000s3" in storage_path(small_network(endpoint=False), "vpc-01", "eni-00001", 443).sentence
    assert storage_path(small_network(), "vpc-01", "eni-00003", 443).outcome == "refused-egress"


def test_an_unknown_or_unattached_sender_sends_nothing() -> None:
    """The two have different messages."""
    spec = small_network()
    assert decide(spec, Packet("vpc-01", "eni-09999", "10.0.1.5", 6, 80)).outcome == "no-interface"
    assert decide(spec, Packet("vpc-01", "eni-00004", "10.0.1.5", 6, 80)).outcome == "no-wire"


def test_a_trace_prints_the_rules_met_with_their_ids() -> None:
    """The table has chain, reason and rule, and ends with the verdict."""
    spec = small_network()
    text = trace(compile_host(spec), Packet("vpc-01", "eni-00001", "52.216.0.10", 6, 443)).table()
    lines = text.splitlines()
    assert lines[0].split() == ["chain", "because", "rule"]
    assert any("sgr-0s3" in line for line in lines)
    assert any("vpce-01" in line and "pre_endpoint" in line for line in lines)
    assert lines[-1] == "=> delivered to vpce-01"


def test_only_packets_of_logged_interfaces_are_copied() -> None:
    """A copy costs time, and nobody would read it."""
    packet = Packet("vpc-01", "eni-00001", "198.51.100.7", 6, 8786)
    assert trace(compile_host(small_network()), packet).reported is Fate.UNROUTED
    assert trace(compile_host(small_network(logged=False)), packet).reported is None


def test_every_log_prefix_is_read_back() -> None:
    """The writer and the reader of NFLOG prefixes agree."""
    assert [decode(fate.value) for fate in Fate] == list(Fate)
