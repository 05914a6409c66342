"""One VPC on two hosts: rules, compiled for each host from its own part, do what they do on a single host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from reading_room.dataplane.rules.compile import compile_host, compile_vpc
from reading_room.dataplane.rules.host import HostConfig
from reading_room.dataplane.rules.invariants import check, check_router
from reading_room.dataplane.rules.semantics import decide
from reading_room.dataplane.rules.trace import trace
from reading_room.dataplane.rules.verdicts import Inbound, Packet
from reading_room.dataplane.spec import HostPlace, NetworkSpec, Placement, Underlay, Vpc
from tests.worlds.dataplane import Chooser, Seeded, any_network, any_packet, small_network

A, B = HostPlace("a", 1, "192.0.2.1"), HostPlace("b", 2, "192.0.2.2")
MTU = 1500


def part(vpc: Vpc, mine: frozenset[str], other: HostPlace, *, gateway: bool = True) -> Vpc:
    """Return a host's part of a VPC. Interface endpoints are on every host, interfaces with a container on one.

    ``gateway`` says whether this host owns the internet gateway.
    """
    wired = [each for each in vpc.interfaces if each.container_id is not None]
    away = [each for each in wired if each.interface_id not in mine]
    return replace(
        vpc,
        interfaces=tuple(each for each in vpc.interfaces if each not in away),
        placements=tuple(Placement(a, other.host, each.interface_id) for each in away for a in each.addresses),
        gateway_host=None if gateway else other.host,
    )


def on_two_hosts(spec: NetworkSpec, choose: Chooser) -> tuple[dict[str, NetworkSpec], dict[str, str]]:
    """Return the spec of each host by its underlay address, and the host of each interface with a container."""
    homes = {
        each.interface_id: choose.pick((A, B)).underlay
        for vpc in spec.vpcs
        for each in vpc.interfaces
        if each.container_id is not None
    }
    owners = {vpc.vpc_id: choose.pick((A, B)) for vpc in spec.vpcs}
    hosts = {}
    for here, other in ((A, B), (B, A)):
        mine = frozenset(interface for interface, home in homes.items() if home == here.underlay)
        vpcs = tuple(part(vpc, mine, other, gateway=owners[vpc.vpc_id] == here) for vpc in spec.vpcs)
        hosts[here.underlay] = replace(spec, vpcs=vpcs, underlay=Underlay(here, (other,), MTU))
    return hosts, homes


def agree(seeds: Iterable[int]) -> Counter[str]:
    """Compare one host with two, and both with the plain words; count the packets that crossed, by their end."""
    crossed: Counter[str] = Counter()
    for seed in seeds:
        choose = Seeded(seed)
        spec = any_network(choose)
        hosts, homes = on_two_hosts(spec, choose)
        configs = {name: compile_host(each) for name, each in hosts.items()}
        for name, config in configs.items():
            assert check(config, hosts[name]) == [], seed
        for _ in range(12):
            packet = any_packet(choose, spec)
            promised = decide(spec, packet)
            home = homes.get(packet.interface_id, A.underlay) if isinstance(packet, Packet) else A.underlay
            done = trace(configs[home], packet, configs)
            found = (done.outcome, done.delivered_to, done.source, done.answered)
            expected = (promised.outcome, promised.delivered_to, promised.source, promised.answered)
            assert found == expected, (seed, packet, done.table())
            if any("the host of the receiver" in met.rule for met in done.met):
                crossed[f"in {done.outcome}" if isinstance(packet, Inbound) else done.outcome] += 1
    return crossed


@pytest.mark.costs(3, reason="300 networks are compiled, each for two hosts")
def test_two_hosts_do_what_one_host_does() -> None:
    crossed = agree(range(300))
    assert min(crossed[each] for each in ("delivered", "left", "in delivered")) > 10, crossed
    assert crossed["forwarded"] > 2, crossed


@pytest.mark.costs(1, reason="100 networks are compiled, each for two hosts")
def test_what_a_lying_host_sends_reaches_only_interfaces_and_never_another_host() -> None:
    """Not the router, no listener and no third host. With a public source, only interfaces with an Elastic IP."""
    ends: Counter[str] = Counter()
    for seed in range(100):
        choose = Seeded(seed)
        spec = any_network(choose)
        hosts, _ = on_two_hosts(spec, choose)
        configs = {name: compile_host(each) for name, each in hosts.items()}
        for _ in range(20):
            name, vpc = choose.pick(tuple(hosts)), choose.pick(spec.vpcs)
            mine = next(each for each in hosts[name].vpcs if each.vpc_id == vpc.vpc_id)
            packet = any_packet(choose, spec)
            away = [each.address for each in mine.placements]
            source = choose.pick((*away, *away, "203.0.113.9", "10.0.0.1", "10.0.1.5", "169.254.170.1"))
            about = (packet.protocol, packet.port, packet.icmp_type, packet.icmp_code)
            here = {each.interface_id: each for each in mine.interfaces if each.container_id is not None}
            own = [address for each in here.values() for address in each.addresses]
            destination = choose.pick((packet.destination, *own, *away, "203.0.113.7"))
            lie = Inbound(source, destination, *about, vpc_id=vpc.vpc_id)
            done = trace(configs[name], lie, configs, by_tunnel=True)
            ends[done.outcome] += 1
            elastic = {each.private for each in vpc.elastic_addresses}
            if done.outcome == "delivered" and "up0" not in str(done.met):
                assert done.delivered_to in here, (seed, lie, done.table())
                if source not in away:
                    assert source == "203.0.113.9", (seed, lie, done.table())
                    assert mine.gateway_host is not None, (seed, lie, done.table())
                    assert elastic.intersection(here[done.delivered_to].addresses), (seed, lie, done.table())
            elif done.outcome == "forwarded":
                # A route leads it to an interface here, whose groups let it in.
                assert done.delivered_to in here, (seed, lie, done.table())
                assert source in away, (seed, lie, done.table())
            elif done.outcome not in ("spoofed", "unrouted", "refused-egress", "refused-ingress"):
                assert source in away, (seed, lie, done.table())
                assert mine.gateway_host is None, (seed, lie, done.table())
    assert min(ends["delivered"], ends["spoofed"]) > 50, ends
    assert ends["left"] > 0, ends


@pytest.mark.fuzz
@pytest.mark.parametrize("number", range(10))
def test_two_hosts_agree_with_one_about_thousands_of_networks(number: int) -> None:
    agree(range(1_000 + number * 2_000, 1_000 + (number + 1) * 2_000))


def small_parts() -> tuple[NetworkSpec, dict[str, NetworkSpec]]:
    """Return the small network, and its parts on two hosts: the web server is on B."""
    spec = small_network()
    mine = frozenset({"eni-00001", "eni-00002"})
    web = frozenset({"eni-00003"})
    return spec, {
        A.underlay: replace(spec, vpcs=(part(spec.vpcs[0], mine, B),), underlay=Underlay(A, (B,), MTU)),
        B.underlay: replace(spec, vpcs=(part(spec.vpcs[0], web, A),), underlay=Underlay(B, (A,), MTU)),
    }


def test_a_packet_is_judged_where_it_starts_and_where_it_ends() -> None:
    _, hosts = small_parts()
    configs = {name: compile_host(each) for name, each in hosts.items()}
    done = trace(configs[A.underlay], Packet("vpc-01", "eni-00001", "10.0.2.5", 6, 80), configs)
    assert (done.outcome, done.delivered_to) == ("delivered", "eni-00003")
    assert [met.because for met in done.met if met.because.startswith("sgr-")] == ["sgr-0vpc", "sgr-0web"]
    # The egress rule allows port 81 here; only the web server's own host knows that nothing allows it there.
    refused = Packet("vpc-01", "eni-00001", "10.0.2.5", 6, 81)
    assert trace(configs[A.underlay], refused).outcome == "tunnelled"
    assert trace(configs[A.underlay], refused, configs).outcome == "refused-ingress"


def test_nothing_passes_from_one_host_through_a_second_to_a_third() -> None:
    """A host that has not heard of a move yet drops what is for another host, instead of sending it on."""
    _, hosts = small_parts()
    configs = {name: compile_host(each) for name, each in hosts.items()}
    moved = hosts[B.underlay].vpcs[0]
    elsewhere = replace(moved, interfaces=(), placements=(*moved.placements, Placement("10.0.2.5", "c")))
    third = HostPlace("c", 3, "192.0.2.3")
    stale = NetworkSpec((elsewhere,), hosts[B.underlay].prefix_lists, Underlay(B, (A, third), MTU))
    configs[B.underlay] = compile_host(stale)
    done = trace(configs[A.underlay], Packet("vpc-01", "eni-00001", "10.0.2.5", 6, 80), configs)
    assert done.outcome == "spoofed"
    assert "no interface here" in done.met[-1].rule


def test_the_hosts_of_an_address_must_be_known() -> None:
    _, hosts = small_parts()
    spec = hosts[A.underlay]
    with pytest.raises(ValueError, match=r"10\.0\.2\.5 is on b, which is not a host that is known here"):
        compile_vpc(spec.vpcs[0], spec.prefix_lists, underlay=Underlay(A, (), MTU))


def test_the_host_of_the_gateways_must_be_known() -> None:
    _, hosts = small_parts()
    spec = hosts[A.underlay]
    away = replace(spec.vpcs[0], gateway_host="c")
    with pytest.raises(ValueError, match="the gateways are on c, which is not a host that is known here"):
        compile_vpc(away, spec.prefix_lists, underlay=spec.underlay)
    alone = compile_vpc(away, spec.prefix_lists)
    alone_away = replace(away, placements=())
    assert any("its gateways are on c" in each for each in check_router(alone, alone_away))


def test_a_router_whose_gateway_is_on_the_wrong_host_is_refused() -> None:
    """Else two hosts could use one public address, or none."""
    _, hosts = small_parts()
    spec = hosts[A.underlay]
    owner = replace(spec.vpcs[0], internet_gateway="igw-01")
    other = replace(owner, gateway_host="b")
    for built, wanted in ((owner, other), (other, owner)):
        router = compile_vpc(built, spec.prefix_lists, underlay=spec.underlay)
        assert check_router(router, built) == []
        assert any("its internet gateway is on another host" in each for each in check_router(router, wanted))


def test_an_address_on_two_hosts_changes_nothing() -> None:
    """A spec that places an address here and elsewhere is refused for that VPC, so its old rules stay."""
    _, hosts = small_parts()
    spec = hosts[A.underlay]
    (vpc,) = spec.vpcs
    twice = replace(vpc, placements=(*vpc.placements, Placement("10.0.1.5", "b")))
    router = compile_vpc(twice, spec.prefix_lists, underlay=spec.underlay)
    assert any("10.0.1.5 is on this host and on another" in each for each in check_router(router, twice))


def test_a_single_host_has_no_tunnel_and_no_rule_for_one() -> None:
    spec = small_network()
    router = compile_host(spec).routers[0]
    assert router.tunnel is None
    assert "host_lease" not in router.ruleset.text()
    placed = replace(spec.vpcs[0], placements=(Placement("10.0.2.9", "b"),))
    assert any("there is no tunnel" in each for each in check(HostConfig((router,)), replace(spec, vpcs=(placed,))))
