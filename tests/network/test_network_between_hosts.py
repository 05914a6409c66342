"""One VPC on two hosts, with real packets through a real tunnel between two namespaces."""

from __future__ import annotations

import errno
import socket

import pytest

from reading_room.dataplane.linux import namespaces, offloads, rtnetlink
from reading_room.dataplane.linux.rtnetlink import RouteSocket
from reading_room.dataplane.spec import CidrPeer, Interface, NetworkSpec, Route, Underlay
from tests.worlds.hosts import MTU, A, B, TwoHosts, counted, frame, transfer, udp_packet
from tests.worlds.network import (
    APP,
    UDP,
    WEB,
    Network,
    World,
    expect_blocked,
    expect_reaches,
    expect_silence,
    rule,
    summary,
)
from tests.worlds.waiting import DEADLINE

pytestmark = pytest.mark.network


def test_groups_are_enforced_between_hosts(world: World) -> None:
    """The receiver's host lets in what its groups allow from members on the other host, and nothing else."""
    hosts = TwoHosts(world)
    network = Network()
    web, app = network.add(1, "10.0.1.11", WEB), network.add(2, "10.0.2.12", APP, subnet=2)
    stranger = network.add(3, "10.0.1.13", APP)
    hosts.realize({web.interface_id: "a", stranger.interface_id: "a", app.interface_id: "b"}, network)
    server, closed = world.listen(app, 8443), world.listen(app, 8444)
    with world.connect(web, app.address, 8443) as client, server.accept()[0] as accepted:
        assert accepted.getpeername()[0] == web.address
        client.sendall(b"read this" * 1000)
        received = b""
        while len(received) < 9000:
            received += accepted.recv(9000)
        assert received == b"read this" * 1000
    expect_blocked(world, web, app, 8444)
    expect_blocked(world, stranger, app, 8443)
    expect_silence(world, closed, server)


def test_flows_are_recorded_once_by_the_host_of_each_interface(world: World) -> None:
    hosts = TwoHosts(world)
    network = Network()
    web, app = network.add(1, "10.0.1.11", WEB), network.add(2, "10.0.2.12", APP, subnet=2)
    hosts.realize({web.interface_id: "a", app.interface_id: "b"}, network)
    server = world.listen(app, 8443)
    with world.connect(web, app.address, 8443), server.accept()[0]:
        pass
    expect_blocked(world, web, app, 8444)
    found = {}
    for name, driver in hosts.drivers.items():
        driver._flows.flush(network.vpc_id, driver._kernel.routers[network.vpc_id].descriptor)
        found[name] = summary(driver.flows())
    ends = (web.address, app.address)
    assert (web.interface_id, "egress", *ends, 8443, "ACCEPT") in found["a"]
    assert (app.interface_id, "ingress", *ends, 8443, "ACCEPT") in found["b"]
    assert (app.interface_id, "ingress", *ends, 8444, "REJECT") in found["b"]
    assert {each[0] for each in found["a"]} == {web.interface_id}
    assert {each[0] for each in found["b"]} == {app.interface_id}


def test_a_device_that_merges_packets_is_named_in_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It also merges those inside tunnels, before they are counted. The device is not ours, so it is left alone."""
    hosts = TwoHosts(world)
    with namespaces.inside(hosts.underlays["a"]):
        offloads.switch_off("under0")  # Else the other end of the wire merges nothing.
    with namespaces.inside(hosts.underlays["b"]):
        offloads._command("under0", offloads.SET_GRO, 1)
    network = Network()
    web, app = network.add(1, "10.0.1.11", WEB), network.add(2, "10.0.2.12", APP, subnet=2)
    network.ingress[APP] = [*network.ingress[APP], *network.egress[WEB]]
    hosts.realize({web.interface_id: "a", app.interface_id: "b"}, network)
    (warned,) = [each.getMessage() for each in caplog.records if "merges" in each.getMessage()]
    assert warned.startswith("under0 merges packets, so flow logs count fewer"), warned
    transfer(world, web, app)
    sent, received = (counted(hosts, name, network, web) for name in ("a", "b"))
    assert 0 < received < sent
    with namespaces.inside(hosts.underlays["b"]):
        offloads.switch_off("under0")
    transfer(world, web, app)
    assert counted(hosts, "b", network, web) == counted(hosts, "a", network, web)


def test_networks_with_the_same_addresses_never_meet(world: World) -> None:
    """Each VPC has a tunnel of its own, so equal addresses in two of them are different interfaces."""
    hosts = TwoHosts(world)
    one, two = Network(1), Network(2)
    web, app = one.add(1, "10.0.1.11", WEB), one.add(2, "10.0.2.12", APP, subnet=2)
    other_web, other_app = two.add(1, "10.0.1.11", WEB), two.add(2, "10.0.2.12", APP, subnet=2)
    homes = {web.interface_id: "a", app.interface_id: "b", other_web.interface_id: "b", other_app.interface_id: "a"}
    hosts.realize(homes, one, two)
    first, second = world.listen(app, 8443), world.listen(other_app, 8443)
    with world.connect(web, app.address, 8443), first.accept()[0]:
        expect_silence(world, second)
    with world.connect(other_web, other_app.address, 8443), second.accept()[0]:
        expect_silence(world, first)


def test_an_address_that_left_its_host_takes_its_connections_with_it(world: World) -> None:
    hosts = TwoHosts(world)
    network = Network()
    web, app = network.add(1, "10.0.1.11", WEB), network.add(2, "10.0.2.12", APP, subnet=2)
    homes = {web.interface_id: "a", app.interface_id: "b"}
    hosts.realize(homes, network)
    server = world.listen(app, 8443)
    client = world.connect(web, app.address, 8443)
    accepted = server.accept()[0]
    hosts.realize_on("b", hosts.spec("b", {app.interface_id: "b"}, network))
    client.sendall(b"late")
    expect_silence(world, accepted)
    expect_blocked(world, web, app, 8443)
    # Back again, the old connection stays cut: its packets belong to no known flow.
    hosts.realize_on("b", hosts.spec("b", homes, network))
    expect_reaches(world, web, app, 8443)
    client.sendall(b"later")
    expect_silence(world, accepted)


def test_nothing_passes_without_a_lease(world: World) -> None:
    """The kernel drops every packet of a VPC, also between neighbours on one host, until the lease is renewed."""
    hosts = TwoHosts(world)
    network = Network()
    web, app, near = (
        network.add(1, "10.0.1.11", WEB),
        network.add(2, "10.0.2.12", APP, subnet=2),
        network.add(3, "10.0.1.13", APP),
    )
    homes = {web.interface_id: "a", near.interface_id: "a", app.interface_id: "b"}
    hosts.realize(homes, network, renew=False)
    servers = [world.listen(app, 8443), world.listen(near, 8443)]
    expect_blocked(world, web, app, 8443)
    expect_blocked(world, web, near, 8443)
    for driver in hosts.drivers.values():
        assert driver.renew_lease(600) == ()
    expect_reaches(world, web, app, 8443)
    expect_reaches(world, web, near, 8443)
    # Renewing changes nothing else: the rules in force are still known, and connections stay.
    held = world.connect(web, app.address, 8443)
    assert hosts.drivers["a"].renew_lease(600) == ()
    assert hosts.drivers["a"]._kernel.routers[network.vpc_id].ruleset is not None
    held.sendall(b"still here")
    # A host that hears that its lease is over need not wait for the timeout.
    assert hosts.drivers["a"].renew_lease(0) == ()
    expect_blocked(world, web, app, 8443)
    expect_blocked(world, web, near, 8443)
    for server in servers:
        server.close()


def test_a_lease_ends_by_itself(world: World) -> None:
    """Nobody has to act: a host whose agent stopped is silent after the time of its last renewal."""
    hosts = TwoHosts(world)
    network = Network()
    web, app = network.add(1, "10.0.1.11", WEB), network.add(2, "10.0.2.12", APP, subnet=2)
    hosts.realize({web.interface_id: "a", app.interface_id: "b"}, network)
    server = world.listen(app, 8443)
    expect_reaches(world, web, app, 8443)
    server.accept()[0].close()
    assert hosts.drivers["a"].renew_lease(1) == ()
    with pytest.raises(TimeoutError):
        connect_for_ever(world, web, app.address, server)


def connect_for_ever(world: World, sender: Interface, address: str, server: socket.socket) -> None:
    """Open connections until one is dropped: at most a second, after which the kernel has removed the lease."""
    while True:
        world.connect(sender, address, 8443).close()
        server.accept()[0].close()


def test_a_restarted_agent_finds_its_tunnels(world: World) -> None:
    hosts = TwoHosts(world)
    network = Network()
    web, app = network.add(1, "10.0.1.11", WEB), network.add(2, "10.0.2.12", APP, subnet=2)
    homes = {web.interface_id: "a", app.interface_id: "b"}
    hosts.realize(homes, network)
    tunnel = hosts.drivers["a"]._kernel.routers[network.vpc_id].observe().tunnel
    assert tunnel is not None
    assert (tunnel.device, len(tunnel.hosts), len(tunnel.routes)) == ("vx1", 1, 1)
    server = world.listen(app, 8443)
    client = world.connect(web, app.address, 8443)
    accepted = server.accept()[0]
    accepted.settimeout(DEADLINE)
    hosts.restart("a")
    hosts.realize_on("a", hosts.spec("a", homes, network))
    assert hosts.drivers["a"]._kernel.routers[network.vpc_id].observe().tunnel == tunnel
    client.sendall(b"still here")
    assert accepted.recv(100) == b"still here"
    expect_reaches(world, web, app, 8443)


def test_what_somebody_else_changed_at_a_tunnel_is_repaired(world: World) -> None:
    hosts = TwoHosts(world)
    network = Network()
    web, app = network.add(1, "10.0.1.11", WEB), network.add(2, "10.0.2.12", APP, subnet=2)
    homes = {web.interface_id: "a", app.interface_id: "b"}
    hosts.realize(homes, network)
    router = hosts.drivers["a"]._kernel.routers[network.vpc_id]
    with namespaces.inside(router.descriptor):
        meddler = RouteSocket()
    index = meddler.index_of("vx1")
    meddler.batch(
        [
            rtnetlink.delete_forwarding(index, "02:00:00:01:00:02", B.underlay),
            rtnetlink.add_forwarding(index, "02:00:00:01:00:02", "192.0.2.66"),
            rtnetlink.add_route(rtnetlink.RT_TABLE_MAIN, "unicast", "10.0.2.99/32", index, "169.254.16.2", onlink=True),
        ]
    )
    meddler.close()
    hosts.realize(homes, network)
    tunnel = router.observe().tunnel
    assert tunnel is not None
    assert [host.underlay for host in tunnel.hosts] == [B.underlay]
    assert [route.address for route in tunnel.routes] == [app.address]
    with world.listen(app, 8443):
        expect_reaches(world, web, app, 8443)


def open_to_everything(world: World) -> tuple[TwoHosts, Interface, Interface]:
    """Return two hosts, and an interface on each; the groups of the second one allow everything."""
    hosts = TwoHosts(world)
    network = Network()
    web, app = network.add(1, "10.0.1.11", WEB), network.add(2, "10.0.2.12", APP, subnet=2)
    network.ingress[APP] = [*network.ingress[APP], *network.egress[WEB]]
    hosts.realize({web.interface_id: "a", app.interface_id: "b"}, network)
    return hosts, web, app


def test_an_underlay_admits_known_hosts_only(world: World) -> None:
    """Whoever is on the underlay can forge frames; they pass only if they come from the address of a known host."""
    hosts, web, app = open_to_everything(world)
    receiver = world.socket_in(app, socket.SOCK_DGRAM)
    receiver.bind((app.address, 5353))
    # Without A's rules, which would not let this out either.
    with namespaces.inside(hosts.underlays["a"]):
        opened = RouteSocket()
    index = opened.index_of("under0")
    opened.batch([rtnetlink.add_address(index, "192.0.2.9", 24)])
    opened.close()
    hosts.drivers["a"]._kernel.underlay.rules.run("delete table inet vpc\n")  # type: ignore[union-attr]
    forged = frame(1, "02:00:00:01:00:02", udp_packet(web.address, app.address, 5353))
    for source, arrives in (("192.0.2.9", False), (A.underlay, True)):
        with namespaces.inside(hosts.underlays["a"]):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((source, 0))
        sender.sendto(forged, (B.underlay, 4789))
        sender.close()
        if arrives:
            receiver.settimeout(DEADLINE)
            assert receiver.recvfrom(100)[1] == (web.address, 40_000)
        else:
            expect_silence(world, receiver)


def test_a_host_takes_only_addresses_of_other_hosts_from_a_tunnel(world: World) -> None:
    """A frame from a known host with a source that is not placed there, or for nobody here, is dropped."""
    hosts, web, app = open_to_everything(world)
    receiver = world.socket_in(app, socket.SOCK_DGRAM)
    receiver.bind((app.address, 5353))
    hosts.drivers["a"]._kernel.underlay.rules.run("delete table inet vpc\n")  # type: ignore[union-attr]
    with namespaces.inside(hosts.underlays["a"]):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for source, destination in ((app.address, app.address), ("10.0.1.77", app.address), (web.address, "10.0.1.1")):
        sender.sendto(frame(1, "02:00:00:01:00:02", udp_packet(source, destination, 5353)), (B.underlay, 4789))
    expect_silence(world, receiver)
    sender.sendto(frame(1, "02:00:00:01:00:02", udp_packet(web.address, app.address, 5353)), (B.underlay, 4789))
    receiver.settimeout(DEADLINE)
    assert receiver.recvfrom(100)[1] == (web.address, 40_000)
    sender.close()


def test_a_host_without_an_underlay_says_so_and_opens_nothing(world: World) -> None:
    network = Network()
    web = network.add(1, "10.0.1.11", WEB)
    wish = NetworkSpec((network.build(),), (), Underlay(A, (B,), MTU))
    report = world.driver.realize(wish, {str(web.container_id): world.container(str(web.container_id))})
    messages = [each.message for each in report.problems]
    assert "there are other hosts, but no underlay is set up" in messages
    assert any("cannot reach the VPC's other hosts" in message for message in messages)
    assert (report.vpcs, report.interfaces) == ((), ())


def heard_at(world: World, interface: Interface, address: str) -> socket.socket:
    """Return a socket of a container that receives datagrams for an address that is not its interface's."""
    with namespaces.inside(world.container(str(interface.container_id))):
        inner = RouteSocket()
    inner.batch([rtnetlink.add_address(rtnetlink.LOOPBACK, address)])
    inner.close()
    heard = world.socket_in(interface, socket.SOCK_DGRAM)
    heard.bind((address, 9000))
    heard.settimeout(DEADLINE)
    return heard


def test_a_route_leads_to_an_interface_on_another_host(world: World) -> None:
    """Beyond the VPC, and past a neighbour there whose address the packet has. The receiver's groups judge."""
    hosts = TwoHosts(world)
    network = Network(endpoint=False)
    network.ingress[APP] = [rule(7, CidrPeer("10.0.1.0/24"), UDP, 9000)]
    network.egress[WEB] = [rule(8, CidrPeer("0.0.0.0/0"), -1, -1)]
    sender = network.add(1, "10.0.1.5", WEB)
    taker, neighbour = network.add(2, "10.0.2.5", APP, subnet=2), network.add(3, "10.0.2.6", APP, subnet=2)
    network.routes[1] = [Route(each, taker.interface_id) for each in ("192.0.2.0/24", "10.0.2.0/24")]
    hosts.realize({sender.interface_id: "a", taker.interface_id: "b", neighbour.interface_id: "b"}, network)
    beyond, past = heard_at(world, taker, "192.0.2.7"), heard_at(world, taker, neighbour.address)
    straight = world.socket_in(neighbour, socket.SOCK_DGRAM)
    straight.bind((neighbour.address, 9000))
    client = world.socket_in(sender, socket.SOCK_DGRAM)
    for address, receiver in (("192.0.2.7", beyond), (neighbour.address, past)):
        client.sendto(b"led", (address, 9000))
        assert receiver.recvfrom(100)[1][0] == sender.address
        client.sendto(b"refused", (address, 9001))
    expect_silence(world, straight, beyond, past)


def test_large_packets_learn_the_mtu_of_the_tunnel(world: World) -> None:
    """Containers have 9,001 bytes, the tunnel 1,450: the router says so, as EC2's path MTU discovery does."""
    _hosts, web, app = open_to_everything(world)
    client = world.socket_in(web, socket.SOCK_DGRAM)
    client.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
    client.connect((app.address, 5353))
    client.send(b"x" * 4000)
    world.let_arrive()
    with pytest.raises(OSError) as refused:
        client.send(b"x" * 4000)
    assert refused.value.errno == errno.EMSGSIZE
    assert client.getsockopt(socket.IPPROTO_IP, 14) == MTU - 50  # IP_MTU
    client.close()
