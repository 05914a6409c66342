"""One VPC on two hosts: rules, compiled for each host from its own part, do what they do on a single host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from reading_room.dataplane.rules.compile import compile_host, compile_vpc
from reading_room.dataplane.rules.host import HostConfig
from reading_room.dataplane.rules.invariants import check, check_router
from reading_room.dataplane.rules.semantics import decide
from reading_room.dataplane.rules.trace import trace
from reading_room.dataplane.rules.verdicts import Packet
from reading_room.dataplane.spec import HostPlace, NetworkSpec, Placement, Route, Underlay, Vpc
from tests.worlds.dataplane import Chooser, Seeded, any_network, any_packet, small_network

A, B = HostPlace("a", 1, "192.0.2.1"), HostPlace("b", 2, "192.0.2.2")
MTU = 1500


def without_gateways(spec: NetworkSpec) -> NetworkSpec:
    """Return a network without what is on one host only: gateways, and interfaces that routes lead to."""

    def stays(route: Route) -> bool:
        return not route.target.startswith(("igw-", "nat-", "eni-", "far-"))

    return replace(
        spec,
        vpcs=tuple(
            replace(
                vpc,
                route_tables=tuple(
                    replace(table, routes=tuple(filter(stays, table.routes))) for table in vpc.route_tables
                ),
                endpoints=tuple(each for each in vpc.endpoints if each.kind != "far"),
                internet_gateway=None,
                elastic_addresses=(),
                nat_gateways=(),
            )
            for vpc in spec.vpcs
        ),
    )


def part(vpc: Vpc, mine: frozenset[str], other: HostPlace) -> Vpc:
    """Return a host's part of a VPC. Interface endpoints are on every host, interfaces with a container on one."""
    wired = [each for each in vpc.interfaces if each.container_id is not None]
    away = [each for each in wired if each.interface_id not in mine]
    return replace(
        vpc,
        interfaces=tuple(each for each in vpc.interfaces if each not in away),
        placements=tuple(sorted((Placement(a, other.host) for each in away for a in each.addresses), key=str)),
    )


def on_two_hosts(spec: NetworkSpec, choose: Chooser) -> tuple[dict[str, NetworkSpec], dict[str, str]]:
    """Return the spec of each host by its underlay address, and the host of each interface with a container."""
    homes = {
        each.interface_id: choose.pick((A, B)).underlay
        for vpc in spec.vpcs
        for each in vpc.interfaces
        if each.container_id is not None
    }
    hosts = {}
    for here, other in ((A, B), (B, A)):
        mine = frozenset(interface for interface, home in homes.items() if home == here.underlay)
        vpcs = tuple(part(vpc, mine, other) for vpc in spec.vpcs)
        hosts[here.underlay] = replace(spec, vpcs=vpcs, underlay=Underlay(here, (other,), MTU))
    return hosts, homes


def agree(seeds: Iterable[int]) -> int:
    """Compare one host with two, and both with the plain words; return how many packets crossed the hosts."""
    crossed = 0
    for seed in seeds:
        choose = Seeded(seed)
        spec = without_gateways(any_network(choose))
        hosts, homes = on_two_hosts(spec, choose)
        configs = {name: compile_host(each) for name, each in hosts.items()}
        for name, config in configs.items():
            assert check(config, hosts[name]) == [], seed
        for _ in range(12):
            packet = any_packet(choose, spec)
            if not isinstance(packet, Packet):
                continue
            promised = decide(spec, packet)
            home = homes.get(packet.interface_id, A.underlay)
            done = trace(configs[home], packet, configs)
            found = (done.outcome, done.delivered_to, done.source)
            assert found == (promised.outcome, promised.delivered_to, promised.source), (seed, packet, done.table())
            crossed += homes.get(promised.delivered_to, home) != home
    return crossed


def test_two_hosts_do_what_one_host_does() -> None:
    assert agree(range(300)) > 20


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
