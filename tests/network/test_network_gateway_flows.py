"""Flow events of translated packets, endpoints and secondary addresses, as the interface's owner sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reading_room.dataplane.spec import FlowEvent, GroupPeer, Interface, Route
from tests.worlds.gateway import DEFAULT, EIP, NAT_EIP, OTHER_EIP, inbound, nat_network, public_network
from tests.worlds.network import (
    ANYWHERE,
    APP,
    EVERYTHING,
    INTERNET,
    MUTE,
    S3_ADDRESS,
    TCP,
    WEB,
    Network,
    World,
    expect_blocked,
    rule,
    spec,
)
from tests.worlds.waiting import DEADLINE

pytestmark = pytest.mark.network

Seen = tuple[str, str, str, str, str, str]


def seen_at(events: Sequence[FlowEvent], interface: Interface | str, action: str = "ACCEPT") -> set[Seen]:
    """Return direction, ends, and ends in the packet itself, of an interface's events."""
    about = interface if isinstance(interface, str) else interface.interface_id
    return {
        (
            each.direction,
            each.source,
            each.destination,
            each.packet_source or each.source,
            each.packet_destination or each.destination,
            str(each.destination_port if each.direction == "egress" else each.source_port),
        )
        for each in events
        if each.interface_id == about and each.action == action
    }


def both_ways(here: str, there: str, port: int) -> set[Seen]:
    """Return the events at the interface ``here``, which connected to ``there`` and got an answer."""
    return {("egress", here, there, here, there, str(port)), ("ingress", there, here, there, here, str(port))}


def test_an_elastic_ip_is_in_no_record_of_its_interface(world: World) -> None:
    """In both directions, the interface sees its private address and the true other end."""
    network = public_network()
    network.ingress[WEB] = [EVERYTHING]
    web = network.add(1, "10.0.1.5", WEB)
    network.elastic[EIP] = web.address
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    with world.internet_server(INTERNET, 80) as server, world.connect(web, INTERNET, 80):
        server.accept()[0].close()
    assert seen_at(world.flows(network), web) == both_ways(web.address, INTERNET, 80)
    with world.listen(web, 443) as inner, inbound(world, EIP, 443):
        inner.accept()[0].close()
    inward = {(each.direction, each.source, each.destination) for each in world.flows(network)}
    assert inward >= {("ingress", INTERNET, web.address), ("egress", web.address, INTERNET)}
    network.ingress[WEB] = []
    world.realize(spec(network))
    with pytest.raises(OSError):
        inbound(world, EIP, 22)
    refused = [each for each in world.flows(network) if each.action == "REJECT"]
    assert {(each.source, each.destination, each.direction) for each in refused} == {(INTERNET, web.address, "ingress")}


def test_two_vpcs_each_record_their_own_half(world: World) -> None:
    """The sender sees the other's Elastic IP; the receiver sees the sender's."""
    first, second = public_network(1), public_network(2)
    for network, public in ((first, EIP), (second, OTHER_EIP)):
        network.ingress[WEB] = [EVERYTHING]
        network.add(1, "10.0.1.5", WEB)
        network.elastic[public] = "10.0.1.5"
    world.realize(spec(first, second))
    with world.listen(second.interfaces[0], 80) as server, world.connect(first.interfaces[0], OTHER_EIP, 80):
        server.accept()[0].close()
    events = world.all_flows()
    assert seen_at(events, first.interfaces[0]) == both_ways("10.0.1.5", OTHER_EIP, 80)
    ends = {(each.direction, each.source, each.destination) for each in events if each.vpc_id == second.vpc_id}
    assert ends == {("ingress", EIP, "10.0.1.5"), ("egress", "10.0.1.5", EIP)}


def test_a_nat_gateways_interface_records_both_its_sides(world: World) -> None:
    """Toward the inside the packets have the true other end; the inner interface does not see the gateway."""
    network, inner, _nat = nat_network()
    gateway = network.interfaces[-1]
    world.make_internet()
    world.realize(spec(network))
    world.route_back()
    with world.internet_server(INTERNET, 80) as server, world.connect(inner, INTERNET, 80):
        server.accept()[0].close()
    events = world.flows(network)
    assert seen_at(events, inner) == both_ways(inner.address, INTERNET, 80)
    assert {each[:5] for each in seen_at(events, gateway)} == {
        ("ingress", inner.address, gateway.address, inner.address, INTERNET),
        ("egress", gateway.address, INTERNET, gateway.address, INTERNET),
        ("ingress", INTERNET, gateway.address, INTERNET, gateway.address),
        ("egress", gateway.address, inner.address, INTERNET, inner.address),
    }


@pytest.mark.parametrize("by", ["gateway endpoint", "far"])
def test_storage_through_a_nat_gateway_is_recorded_by_its_own_address(world: World, by: str) -> None:
    """Records have S3's address, whatever the listener's address is."""
    network, inner, _nat = nat_network()
    gateway = network.interfaces[-1]
    if by == "far":
        network.add_far()
    else:
        network.endpoint, network.endpoint_in = True, [1]
    world.realize(spec(network))
    world.connect(inner, S3_ADDRESS, 443).close()
    events = world.flows(network)
    assert seen_at(events, inner) == both_ways(inner.address, S3_ADDRESS, 443)
    assert ("egress", gateway.address, S3_ADDRESS, gateway.address, S3_ADDRESS, "443") in seen_at(events, gateway)
    ends = {address for each in events for address in (each.source, each.destination)}
    assert not {NAT_EIP, *(address for address in ends if address.startswith("169.254."))} & ends


def test_an_interface_endpoint_has_records_of_its_own(world: World) -> None:
    """Packets are accepted at both ends, refused by its groups, or allowed at a port without a listener."""
    network = Network(endpoint=False)
    web, mute = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", MUTE)
    network.ingress[APP] = [rule(5, GroupPeer(WEB), TCP, 443), rule(6, GroupPeer(WEB), TCP, 22)]
    network.egress[MUTE] = [EVERYTHING]
    service = network.add_service(3, "10.0.2.20", APP, subnet=2)
    world.realize(spec(network))
    world.connect(web, service.address, 443).close()
    expect_blocked(world, web, service.address, 22)
    expect_blocked(world, mute, service.address, 443)
    events = world.flows(network)
    assert both_ways(web.address, service.address, 443) <= seen_at(events, web)
    at_service = {(e.direction, e.source, e.action) for e in events if e.interface_id == service.interface_id}
    assert at_service == {
        ("ingress", web.address, "ACCEPT"),
        ("egress", service.address, "ACCEPT"),
        ("ingress", mute.address, "REJECT"),
    }
    assert ("egress", web.address, service.address, web.address, service.address, "22") in seen_at(events, web)
    (unanswered,) = [e for e in events if e.interface_id == service.interface_id and e.destination_port == 22]
    assert unanswered.action == "ACCEPT"


def test_a_record_names_an_interface_by_its_primary_address(world: World) -> None:
    """The packet's true address is recorded beside it, and the other side sees the true one."""
    network = Network()
    network.ingress[WEB] = [EVERYTHING]
    one = network.add(1, "10.0.1.5", WEB, secondary=("10.0.1.50",))
    two = network.add(2, "10.0.1.6", WEB)
    world.realize(spec(network))
    with world.listen(two, 80) as server:
        client = world.socket_in(one)
        client.bind(("10.0.1.50", 0))
        world.connect_from(client, two.address, 80)
        server.accept()[0].close()
        client.close()
    events = world.flows(network)
    assert seen_at(events, one) == {
        ("egress", one.address, two.address, "10.0.1.50", two.address, "80"),
        ("ingress", two.address, one.address, two.address, "10.0.1.50", "80"),
    }
    assert {(each[0], each[1], each[2]) for each in seen_at(events, two)} == {
        ("ingress", "10.0.1.50", two.address),
        ("egress", two.address, "10.0.1.50"),
    }


def test_a_refusal_behind_a_nat_gateway_is_the_receivers(world: World) -> None:
    """The receiver refuses the gateway's address; sender and gateway accepted the packet."""
    network = public_network()
    inner = network.add(1, "10.0.2.5", WEB, subnet=2)
    app = network.add(2, "10.0.1.6", APP)
    nat = network.add_nat(3, "10.0.1.9")
    gateway = network.interfaces[-1]
    network.ingress[APP] = [rule(5, replace(ANYWHERE, cidr="10.0.2.5/32"), TCP, 8443)]
    network.routes[2] = [Route(DEFAULT, nat), Route("10.0.1.0/24", nat)]
    world.realize(spec(network))
    expect_blocked(world, inner, app, 8443)
    events = world.flows(network)
    assert {each[:3] for each in seen_at(events, app, "REJECT")} == {("ingress", gateway.address, app.address)}
    assert {each[:3] for each in seen_at(events, inner)} == {("egress", inner.address, app.address)}
    assert {each[:3] for each in seen_at(events, gateway)} == {
        ("ingress", inner.address, gateway.address),
        ("egress", gateway.address, app.address),
    }


def test_bytes_and_packets_through_gateways_are_exact(world: World) -> None:
    """Of a hundred kilobytes to a service beyond a NAT gateway, the gateway passed exactly what the interface sent."""
    network, inner, _nat = nat_network()
    gateway = network.interfaces[-1]
    network.add_far()
    world.realize(spec(network))
    listener = world.listener(network, "endpoint-https", "far-s3")
    listener.settimeout(DEADLINE)
    with world.connect(inner, S3_ADDRESS, 443) as client:
        accepted, _peer = listener.accept()
        for sender, receiver in ((client, accepted), (accepted, client)):
            sender.sendall(b"x" * 100_000)
            got = 0
            while got < 100_000:
                got += len(receiver.recv(65_536))
        accepted.close()
    events = world.flows(network)

    def total(interface: Interface, direction: str, source: str) -> tuple[int, int]:
        found = [
            each
            for each in events
            if (each.interface_id, each.direction, each.packet_source or each.source)
            == (interface.interface_id, direction, source)
        ]
        return sum(each.packets for each in found), sum(each.bytes for each in found)

    sent, received = total(inner, "egress", inner.address), total(inner, "ingress", S3_ADDRESS)
    assert total(gateway, "ingress", inner.address) == total(gateway, "egress", gateway.address) == sent
    assert total(gateway, "ingress", S3_ADDRESS) == total(gateway, "egress", S3_ADDRESS) == received
    for packets, size in (sent, received):
        # Every packet has 52 bytes of headers (20 more of options in the first), and none is longer than the MTU.
        assert 100_000 + 52 * packets <= size <= 100_000 + 52 * packets + 20
        assert packets >= 100_000 / 8949
