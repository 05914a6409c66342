"""Flow events: both ends, exact counts, refusals, packets without a route, and packets that are not recorded."""

from __future__ import annotations

import socket
import time
from collections import Counter

import pytest

from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.spec import LOCAL_CREDENTIALS_ADDRESS, CidrPeer
from tests.worlds.network import (
    APP,
    EVERYTHING,
    MUTE,
    S3_ADDRESS,
    UDP,
    WEB,
    Network,
    World,
    ask_by_udp,
    expect_blocked,
    ping,
    rule,
    spec,
    summary,
)
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.network


def test_an_accepted_connection_is_seen_at_both_ends_and_in_both_directions(world: World) -> None:
    """There are four events: packets that the sender sent and got, and packets that the receiver got and sent."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    before = time.time()
    with world.listen(app, 8443) as server, world.connect(web, app.address, 8443) as client:
        accepted, peer = server.accept()
        accepted.close()
        events = world.flows(network)
        port = client.getsockname()[1]
        assert peer[1] == port
    seen = {
        (each.interface_id, each.direction, each.source, each.source_port, each.destination_port) for each in events
    }
    assert seen == {
        (web.interface_id, "egress", web.address, port, 8443),
        (web.interface_id, "ingress", app.address, 8443, port),
        (app.interface_id, "ingress", web.address, port, 8443),
        (app.interface_id, "egress", app.address, 8443, port),
    }
    assert {each.action for each in events} == {"ACCEPT"}
    assert {each.protocol for each in events} == {6}
    for each in events:
        assert before - 1 <= each.start <= each.end <= time.time() + 1


def test_translation_is_undone_so_that_the_service_address_is_recorded(world: World) -> None:
    """The container connected to S3's address; the listener's address does not appear."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    world.connect(web, S3_ADDRESS, 443).close()
    events = world.flows(network)
    assert summary(events) >= {(web.interface_id, "egress", web.address, S3_ADDRESS, 443, "ACCEPT")}
    assert not [each for each in events if "169.254" in each.source + each.destination]


def test_refusals_are_recorded_where_they_happened(world: World) -> None:
    """At egress it is REJECT at the sender; at ingress it is ACCEPT at the sender and REJECT at the receiver."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    expect_blocked(world, app, web, 80)
    expect_blocked(world, web, app, 22)
    assert summary(world.flows(network)) == {
        (app.interface_id, "egress", app.address, web.address, 80, "REJECT"),
        (web.interface_id, "egress", web.address, app.address, 22, "ACCEPT"),
        (app.interface_id, "ingress", web.address, app.address, 22, "REJECT"),
    }
    drops = world.driver.drops()
    assert set(drops) == {"refused_egress", "refused_ingress"}
    assert min(drops.values()) > 0


def test_what_no_route_takes_is_accepted_in_the_log_and_dropped_in_silence(world: World) -> None:
    """Such are a foreign address, an unassigned address of the VPC, and S3 if the table has no endpoint."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    far = network.add(2, "10.0.2.5", WEB, subnet=2)
    world.realize(spec(network))
    for address in ("198.51.100.7", "10.0.1.77"):
        expect_blocked(world, web, address, 443)
    expect_blocked(world, far, S3_ADDRESS, 443)
    events = world.flows(network)
    assert summary(events) == {
        (web.interface_id, "egress", web.address, "198.51.100.7", 443, "ACCEPT"),
        (web.interface_id, "egress", web.address, "10.0.1.77", 443, "ACCEPT"),
        (far.interface_id, "egress", far.address, S3_ADDRESS, 443, "ACCEPT"),
    }
    assert {each.tcp_flags for each in events} == {2}


def test_a_forged_source_is_a_refusal_of_the_link_it_came_by(world: World) -> None:
    """The addresses are the packet's; the interface is the one of the link."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    assert web.container_id is not None
    with namespaces.inside(world.containers[web.container_id]):
        liar = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    header = b"\x45\x00\x00\x20\x00\x01\x00\x00\x40\x11\x00\x00" + socket.inet_aton("10.0.1.6")
    liar.sendto(header + socket.inet_aton("10.0.2.9") + b"\x23\x28\x23\x28\x00\x0c\x00\x00lies", ("10.0.2.9", 0))
    liar.close()
    (event,) = world.flows(network)
    assert (event.interface_id, event.direction, event.action) == (web.interface_id, "egress", "REJECT")
    assert (event.source, event.destination, event.packets, event.bytes) == (app.address, "10.0.2.9", 1, 32)


def test_resolver_credentials_and_router_are_not_recorded(world: World) -> None:
    """As in AWS, traffic with Amazon's own services at reserved addresses is not recorded."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    ask_by_udp(world, web, "10.0.0.2", 53).close()
    ask_by_udp(world, web, "169.254.169.253", 53).close()
    world.connect(web, LOCAL_CREDENTIALS_ADDRESS, 80).close()
    expect_blocked(world, web, "10.0.1.1", 80)
    assert not ping(world, web, "10.0.1.1")
    assert world.flows(network) == []


def test_interfaces_that_no_flow_log_covers_have_no_events(world: World) -> None:
    """Only the covered end of a flow is reported."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    network.logged = False
    app = network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    with world.listen(app, 8443):
        world.connect(web, app.address, 8443).close()
    expect_blocked(world, app, web, 80)
    assert {each.interface_id for each in world.flows(network)} == {web.interface_id}


def test_counts_are_exact_over_many_flows_and_sweeps(world: World) -> None:
    """3,000 flows of two datagrams, while counters are reset every second: not one packet or byte is missing."""
    network = Network()
    network.ingress[APP].append(rule(6, CidrPeer("10.0.1.5/32"), UDP, 9000))
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    server = world.socket_in(app, socket.SOCK_DGRAM)
    server.bind((app.address, 9000))
    flows, events = 3000, []
    for number in range(flows):
        with world.socket_in(web, socket.SOCK_DGRAM) as client:
            client.bind((web.address, 20_000 + number))
            client.sendto(b"x" * 100, (app.address, 9000))
            client.sendto(b"x" * 100, (app.address, 9000))
        if number % 1000 == 0:
            events += world.flows(network)
    server.close()
    events += world.flows(network)
    totals: Counter[tuple[str, str]] = Counter()
    for each in events:
        totals[each.interface_id, "packets"] += each.packets
        totals[each.interface_id, "bytes"] += each.bytes
    for interface in (web, app):
        assert totals[interface.interface_id, "packets"] == 2 * flows
        assert totals[interface.interface_id, "bytes"] == 2 * flows * 128
    assert len({each.source_port for each in events}) == flows


def test_bulk_bytes_equal_what_the_link_counted(world: World) -> None:
    """Without offloads every packet counts as one, so the log's sums are those of the device."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    total = 0
    with world.listen(app, 8443) as server, world.connect(web, app.address, 8443) as client:
        accepted, _peer = server.accept()
        block = b"x" * 65536
        for _ in range(200):
            client.sendall(block)
            got = 0
            while got < len(block):
                got += len(accepted.recv(len(block) - got))
            total += got
        accepted.close()
    world.let_arrive()
    sent = [
        each for each in world.flows(network) if (each.interface_id, each.direction) == (web.interface_id, "egress")
    ]
    router = world.driver._kernel.routers[network.vpc_id]
    with namespaces.inside(router.descriptor), open("/proc/thread-self/net/dev", encoding="ascii") as lines:
        fields = next(line.split() for line in lines if "e003e9" in line)
    assert sum(each.packets for each in sent) == int(fields[2])
    assert sum(each.bytes for each in sent) == int(fields[1]) - 14 * int(fields[2])
    assert sum(each.bytes for each in sent) > total


def test_the_flows_of_a_removed_interface_are_in_the_next_answer(world: World) -> None:
    """Refused packets that the kernel still gathered, and counts of open connections, are read before it is gone."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    with world.listen(app, 8443), world.connect(web, app.address, 8443):
        ask_by_udp(world, app, "192.0.2.1", 9).close()
        network.interfaces = []
        report = world.realize(spec(network))
        events = world.driver.flows()
    assert report.interfaces == ()
    assert summary(events) >= {
        (web.interface_id, "egress", web.address, app.address, 8443, "ACCEPT"),
        (app.interface_id, "ingress", web.address, app.address, 8443, "ACCEPT"),
        (app.interface_id, "egress", app.address, "192.0.2.1", 9, "REJECT"),
    }
    assert world.driver._kernel.routers[network.vpc_id].conntrack.count() == 0


def test_flows_survive_the_end_of_the_container_before_the_interface_goes(world: World) -> None:
    """The wire goes with the container's namespace, but its flows are still reported, and its address is clean."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    with world.listen(app, 8443):
        world.connect(web, app.address, 8443).close()
        assert web.container_id is not None
        world.end_container(web.container_id)
        router = world.driver._kernel.routers[network.vpc_id]
        eventually(lambda: len([each for each in router.routes.links() if each.kind == "veth"]) == 1)
        network.interfaces = [app]
        world.realize(spec(network))
    assert web.interface_id in {each.interface_id for each in world.driver.flows()}
    assert not [each for each in router.conntrack.entries(zero=False) if web.address in each.original.source]


def test_the_background_reader_needs_no_forced_flush(world: World) -> None:
    """This holds for refusals and for counts."""
    network = Network()
    web, app, mute = (
        network.add(1, "10.0.1.5", WEB),
        network.add(2, "10.0.1.6", APP),
        network.add(3, "10.0.1.7", MUTE),
    )
    world.realize(spec(network))
    ask_by_udp(world, mute, "192.0.2.1", 9).close()
    seen: set[str] = set()

    def has(interface_id: str) -> bool:
        seen.update(each.interface_id for each in world.driver.flows())
        return interface_id in seen

    eventually(lambda: has(mute.interface_id))
    with world.listen(app, 8443), world.connect(web, app.address, 8443):
        eventually(lambda: has(app.interface_id))


def test_an_address_that_changes_hands_is_the_new_owners_from_then_on(world: World) -> None:
    """The address changes its interface in one turn, and no event of one is attributed to the other."""
    network = Network()
    network.ingress[WEB] = [EVERYTHING]
    server = network.add(1, "10.0.1.5", WEB)
    first = network.add(2, "10.0.1.6", WEB)
    world.realize(spec(network))
    with world.listen(server, 80), world.listen(server, 81):
        with world.connect(first, server.address, 80):
            network.interfaces = [server]
            second = network.add(3, "10.0.1.6", WEB)
            world.realize(spec(network))
        world.connect(second, server.address, 81).close()
        events = world.flows(network)
    ports = {
        (each.interface_id, port)
        for each in events
        for port in (each.source_port, each.destination_port)
        if port in (80, 81) and each.interface_id != server.interface_id
    }
    assert ports == {(first.interface_id, 80), (second.interface_id, 81)}
