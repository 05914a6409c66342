"""The network of each of several hosts, read from the tables, and the owner of each VPC's way out."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from reading_room.agent.check import check
from reading_room.agent.spec import HostSpec
from reading_room.clock import system_clock
from reading_room.dataplane.rules import invariants
from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.semantics import decide
from reading_room.dataplane.rules.trace import trace
from reading_room.dataplane.rules.verdicts import Packet
from reading_room.dataplane.spec import HostPlace, NetworkSpec, Placement, Underlay
from reading_room.fleet import members
from reading_room.fleet.members import Member
from reading_room.fleet.tables import ACTIVE, DRAINING, HostRow
from reading_room.vpc import network_spec
from reading_room.vpc.gateways import gateway_hosts
from reading_room.vpc.gateways.gateway_hosts import Owner, OwnerChanged
from reading_room.vpc.host_networks import HostNetworks
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.tables import NetworkInterface
from tests.worlds.dataplane import Seeded
from tests.worlds.several_hosts import add_host, any_vpc, attach
from tests.worlds.vpc import ACCOUNT, NOW, Network, network

HOSTS = ["local", "second", "third"]


def interface(world: Network) -> NetworkInterface:
    return network_interfaces.create(world.session, ACCOUNT, world.subnet, [], NOW, requester_id="me")


def specs(world: Network) -> dict[str, NetworkSpec]:
    """Return each host's network, with the owners of the gateways written first."""
    networks = HostNetworks(world.session, members.read(world.session))
    changes = networks.changed_owners()
    gateway_hosts.write(world.session, changes, networks.gone)
    return networks.specs({**networks.owners, **changes})


def test_a_container_s_interface_is_on_its_host_and_a_placement_elsewhere() -> None:
    with network() as world:
        for number, host in enumerate(HOSTS, 1):
            add_host(world.session, host, number, mtu=1500 - number)
        here, there, spare = interface(world), interface(world), interface(world)
        attach(world.session, here, "local", "job-1-1")
        attach(world.session, there, "second", "job-2-1")
        found = specs(world)
        (vpc,) = found["local"].vpcs
        assert [each.interface_id for each in vpc.interfaces] == sorted([here.interface_id, spare.interface_id])
        assert vpc.placements == (Placement(there.address, "second", there.interface_id),)
        assert vpc.groups[0].members == (here.address, there.address, spare.address)
        assert found["local"].underlay == Underlay(
            HostPlace("local", 1, "192.0.2.1"),
            (HostPlace("second", 2, "192.0.2.2"), HostPlace("third", 3, "192.0.2.3")),
            1497,
        )
        assert found["second"].vpcs[0].placements == (Placement(here.address, "local", here.interface_id),)
        assert found["third"].vpcs == ()


def test_what_is_on_a_lost_host_is_nowhere() -> None:
    with network() as world:
        for number, host in enumerate(HOSTS, 1):
            add_host(world.session, host, number)
        here, there = interface(world), interface(world)
        attach(world.session, here, "local", "job-1-1")
        attach(world.session, there, "second", "job-2-1")
        lost = world.session.get_one(HostRow, "second")
        lost.lease_until = lost.joined_at
        assert specs(world)["local"].vpcs[0].placements != (), "it may not have ended yet"
        lost.lease_until, lost.epoch = None, 2
        found = specs(world)
        assert found["second"].vpcs == ()
        assert [each.host for each in _others(found["second"])] == ["local", "third"]
        (vpc,) = found["local"].vpcs
        assert vpc.placements == ()
        assert vpc.groups[0].members == (here.address,)
        assert [each.host for each in _others(found["local"])] == ["third"]


def test_a_host_that_has_joined_and_never_had_a_lease_is_not_among_the_others() -> None:
    with network() as world:
        for number, host in enumerate(HOSTS, 1):
            add_host(world.session, host, number)
        new = world.session.get_one(HostRow, "third")
        new.epoch, new.lease_until, new.mtu = 0, None, 1400
        found = specs(world)
        assert [each.host for each in _others(found["local"])] == ["second"]
        assert [each.host for each in _others(found["third"])] == ["local", "second"]
        new.epoch, new.lease_until = 1, system_clock()
        assert [each.host for each in _others(specs(world)["local"])] == ["second", "third"]


def _others(spec: NetworkSpec) -> tuple[HostPlace, ...]:
    assert spec.underlay is not None
    return spec.underlay.others


@pytest.mark.costs(6, reason="40 networks are written to tables, and read and compiled for three hosts")
def test_random_networks_on_three_hosts_do_what_they_do_on_one() -> None:
    ends: Counter[str] = Counter()
    for seed in range(40):
        choose = Seeded(seed)
        with network() as world:
            for number, host in enumerate(HOSTS, 1):
                add_host(world.session, host, number)
            for _ in range(2):
                any_vpc(world.session, choose, HOSTS)
            whole, found = network_spec.read(world.session), specs(world)
            rows = world.session.execute(select(NetworkInterface.interface_id, NetworkInterface.host))
            homes = dict(rows.all())
        configs = {}
        places = {}
        for host, one in found.items():
            check(HostSpec(host, 1, one), host, 0)
            config = compile_host(one)
            assert invariants.check(config, one) == [], seed
            assert one.underlay is not None
            places[host] = one.underlay.here.underlay
            configs[places[host]] = config
        wired = [(vpc, each) for vpc in whole.vpcs for each in vpc.interfaces if each.container_id]
        for _ in range(15):
            vpc, sender = choose.pick(wired)
            addresses = [address for each in vpc.interfaces for address in each.addresses]
            where = choose.pick((choose.pick(addresses), choose.pick(addresses), "52.216.0.10", "203.0.113.9"))
            packet = Packet(vpc.vpc_id, sender.interface_id, where, 6, choose.pick((80, 443)))
            promised = decide(whole, packet)
            done = trace(configs[places[str(homes[sender.interface_id])]], packet, configs)
            assert (done.outcome, done.delivered_to, done.source, done.answered) == (
                promised.outcome,
                promised.delivered_to,
                promised.source,
                promised.answered,
            ), (seed, packet, done.table())
            ends[done.outcome] += any("the host of the receiver" in met.rule for met in done.met)
    assert ends["delivered"] > 5, ends
    assert ends["left"] > 3, ends


# The owner of a VPC's way out


def member(host: str, number: int = 1, **changed: object) -> Member:
    given: dict[str, object] = {
        "state": ACTIVE,
        "zone": "us-east-1a",
        "labels": {},
        "underlay": f"192.0.2.{number}",
        "mtu": 1500,
        "cores": 4,
        "memory_bytes": 1 << 34,
        "epoch": 1,
        "leased": True,
        "lost": False,
    }
    return Member(host=host, number=number, **(given | changed))  # type: ignore[arg-type]


def test_an_owner_stays_while_it_is_active_and_follows_when_it_is_lost() -> None:
    a, b = member("a"), member("b", 2)
    first = gateway_hosts.choose({"vpc-1": {"b"}}, {}, (a, b))
    assert first == {"vpc-1": Owner("b", 1)}
    assert gateway_hosts.choose({"vpc-1": {"a"}}, first, (a, b)) == {}
    gone = member("b", 2, leased=False, lost=True)
    assert gateway_hosts.choose({"vpc-1": {"a"}}, first, (a, gone)) == {"vpc-1": Owner("a", 2)}


def test_the_next_owner_waits_for_one_that_is_drained() -> None:
    a, b, c = member("a"), member("b", 2, state=DRAINING), member("c", 3)
    moved = gateway_hosts.choose({"vpc-1": {"b", "c"}}, {"vpc-1": Owner("b", 1)}, (a, b, c))
    assert moved == {"vpc-1": Owner("c", 2, previous="b")}
    # Drained before it has begun to act: the one that may still act stays the one to wait for.
    again = gateway_hosts.choose({"vpc-1": {"b", "c"}}, moved, (a, b, member("c", 3, state=DRAINING)))
    assert again == {"vpc-1": Owner("a", 3, previous="b")}
    lost = member("b", 2, state=DRAINING, leased=False, lost=True)
    assert gateway_hosts.choose({"vpc-1": {"c"}}, moved, (a, lost, c)) == {"vpc-1": Owner("c", 3)}


def test_hosts_with_an_uplink_own_gateways_before_all_others() -> None:
    hosts = (member("a"), member("b", 2, labels={gateway_hosts.UPLINK: "veth"}))
    assert gateway_hosts.choose({"vpc-1": {"a"}}, {}, hosts) == {"vpc-1": Owner("b", 1)}


STATES = (ACTIVE, DRAINING, "ended", "lost")


@given(
    states=st.lists(st.sampled_from(STATES), min_size=1, max_size=4),
    turns=st.lists(st.tuples(st.integers(0, 3), st.sampled_from((*STATES, "confirms"))), max_size=10),
)
def test_no_host_acts_as_the_owner_beside_another(states: list[str], turns: list[tuple[int, str]]) -> None:
    """Whatever becomes of the hosts, and whenever the earlier owner confirms that it does not act any more."""
    owners: dict[str, Owner] = {}
    acting: set[str] = set()
    for index, event in [(0, states[0]), *turns]:
        if event != "confirms":
            states[index % len(states)] = event
        elif "vpc-1" in owners and owners["vpc-1"].previous is not None:
            acting.discard(owners["vpc-1"].previous)
            owners["vpc-1"] = Owner(owners["vpc-1"].host, owners["vpc-1"].fence + 1)
        hosts = [
            member(
                f"h{number}",
                number + 1,
                state=DRAINING if state == DRAINING else ACTIVE,
                leased=state not in ("ended", "lost"),
                lost=state == "lost",
            )
            for number, state in enumerate(states)
        ]
        acting -= {each.host for each in hosts if each.lost}
        changes = gateway_hosts.choose({"vpc-1": {"h0"}}, owners, hosts)
        for vpc_id, owner in changes.items():
            assert owner.fence == (owners[vpc_id].fence if vpc_id in owners else 0) + 1
        owners |= changes
        known = {each.host for each in hosts if not each.lost}
        if "vpc-1" in owners and owners["vpc-1"].previous is None and owners["vpc-1"].host in known:
            assert acting <= {owners["vpc-1"].host}, (acting, owners)
            acting = {owners["vpc-1"].host}


def test_a_decision_on_an_earlier_state_changes_no_owner() -> None:
    with network() as world:
        gateway_hosts.write(world.session, {"vpc-1": Owner("a", 1)})
        gateway_hosts.write(world.session, {"vpc-1": Owner("b", 2, previous="a")})
        assert gateway_hosts.read(world.session) == {"vpc-1": Owner("b", 2, "a")}
        for stale in (Owner("c", 1), Owner("c", 2)):
            with pytest.raises(OwnerChanged):
                gateway_hosts.write(world.session, {"vpc-1": stale})
        gateway_hosts.write(world.session, {}, gone={"vpc-1"})
        assert gateway_hosts.read(world.session) == {}
