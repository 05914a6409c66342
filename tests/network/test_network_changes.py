"""Changes while packets flow: group membership, revoked rules, deleted endpoints and VPCs, failures of one VPC."""

from __future__ import annotations

import select
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.linux.connections import HALF_OPEN, LISTEN, Connection
from reading_room.dataplane.linux.libnftables import Rules
from reading_room.dataplane.linux.listeners import HANDSHAKE_SECONDS
from reading_room.dataplane.linux.router import Router
from reading_room.dataplane.spec import GroupPeer, Interface, PrefixList
from tests.worlds.network import (
    APP,
    EVERYTHING,
    S3,
    S3_ADDRESS,
    TCP,
    WEB,
    Network,
    World,
    ask_by_udp,
    expect_blocked,
    expect_reaches,
    rule,
    spec,
)
from tests.worlds.waiting import DEADLINE, eventually

pytestmark = pytest.mark.network


def is_cut(world: World, connection: socket.socket) -> bool:
    """Return whether a connection has ended, by a reset or in order."""
    world.let_arrive()
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def router_of(world: World, network: Network) -> Router:
    """Return the driver's open router of a network."""
    return world.driver._kernel.routers[network.vpc_id]


def endpoint_connection(world: World, network: Network, interface: Interface) -> tuple[socket.socket, socket.socket]:
    """Open a connection to the endpoint and accept it."""
    client = world.connect(interface, S3_ADDRESS, 443)
    accepted, _peer = world.listener(network, "endpoint-https").accept()
    return client, accepted


class Hesitant:
    """A connection that its client considers open, but whose handshake's last packet is withheld."""

    def __init__(self, world: World, interface: Interface, address: str) -> None:
        """Begin the connection."""
        self._world = world
        self.client = world.socket_in(interface)
        self.client.bind((interface.address, 0))
        port = self.client.getsockname()[1]
        self._rules = Rules(world.containers[str(interface.container_id)])
        self._table = f"mute{port}"
        self._rules.run(
            f"add table ip {self._table}; "
            f"add chain ip {self._table} out {{ type filter hook output priority 0; }};"
            f"add rule ip {self._table} out tcp sport {port} tcp flags & (syn | ack) == ack drop"
        )
        world.connect_from(self.client, address, 443)

    def speak(self) -> None:
        """Send the handshake's last packet."""
        self._rules.run(f"delete table ip {self._table}")
        self.client.send(b"x")
        self._world.let_arrive()


def endpoint_sockets(world: World, network: Network) -> list[Connection]:
    """Return the open and half-open connections to the endpoint in the router's namespace."""
    found = router_of(world, network).connections.sockets()
    return [each for each in found if each.port == 20003 and each.state != LISTEN]


def test_a_new_member_of_a_group_is_let_in_at_once(world: World) -> None:
    """Group references apply to the interfaces that have the group now."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    late = network.add(3, "10.0.1.9", WEB)
    world.realize(spec(network))
    with world.listen(app, 8443):
        expect_reaches(world, web, app, 8443)
        expect_reaches(world, late, app, 8443)
        network.interfaces.remove(late)
        world.realize(spec(network))
        back = network.add(3, "10.0.1.9", APP)
        world.realize(spec(network))
        expect_blocked(world, back, app, 8443)


def test_a_revoked_rule_is_closed_to_a_reused_source_port_and_open_connections_live_on(world: World) -> None:
    """A SYN with the ports of a connection closed a moment ago does not count as established."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    with world.listen(app, 8443) as server:
        closed = world.connect(web, app.address, 8443, from_port=40001)
        accepted, _peer = server.accept()
        closed.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        closed.close()
        accepted.close()
        with world.connect(web, app.address, 8443, from_port=40002) as living:
            other, _peer = server.accept()
            network.ingress[APP] = []
            world.realize(spec(network))
            for port in (40001, 40003):
                with pytest.raises(TimeoutError):
                    world.connect(web, app.address, 8443, from_port=port)
            living.sendall(b"still here")
            assert other.recv(10) == b"still here"
            other.close()


@pytest.mark.costs(7.5, reason="the network changes fifty times while a client connects")
def test_unrelated_changes_do_not_cost_a_single_connection(world: World) -> None:
    """A client keeps connecting while rules, members and interfaces come and go."""
    network = Network()
    network.ingress[WEB] = [rule(9, GroupPeer(WEB), TCP, 80)]
    one, two = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", WEB)
    world.realize(spec(network))
    server = world.listen(two, 80)
    failures: list[str] = []
    done = threading.Event()
    count = 0

    def keep_connecting() -> None:
        nonlocal count
        while not done.is_set():
            try:
                world.connect(one, two.address, 80).close()
                server.accept()[0].close()
                count += 1
            except OSError as error:
                failures.append(repr(error))

    thread = threading.Thread(target=keep_connecting)
    thread.start()
    for turn in range(25):
        network.ingress[WEB].append(rule(100 + turn, GroupPeer(APP), TCP, 1000 + turn))
        network.egress[APP].append(rule(200 + turn, GroupPeer(WEB), TCP, 2000 + turn))
        extra = network.add(10 + turn, f"10.0.2.{10 + turn}", APP, WEB, subnet=2)
        world.realize(spec(network))
        network.interfaces.remove(extra)
        world.realize(spec(network))
    done.set()
    thread.join()
    server.close()
    assert failures == []
    assert count > 20


def test_deleting_an_endpoint_cuts_its_connections_at_once(world: World) -> None:
    """Accepted connections end at both sides, the listener closes, and new connections are dropped."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    client, accepted = endpoint_connection(world, network, web)
    network.endpoint = False
    world.realize(spec(network))
    assert is_cut(world, client)
    assert is_cut(world, accepted)
    assert not [each for each in world.driver.listeners() if each.endpoint_id]
    expect_blocked(world, web, S3_ADDRESS, 443)
    assert not [each for each in router_of(world, network).connections.sockets() if each.port == 20003]


def test_deleting_an_interface_endpoint_cuts_its_connections(world: World) -> None:
    """Both sides get a reset, although the endpoint's address is gone."""
    late: list[Hesitant] = []
    world.start_driver(pause=lambda _: late.pop().speak())
    network = Network(endpoint=False)
    web = network.add(1, "10.0.1.5", WEB)
    network.ingress[APP] = [rule(5, GroupPeer(WEB), TCP, 443)]
    service = network.add_service(3, "10.0.2.20", APP, subnet=2)
    world.realize(spec(network))
    client = world.connect(web, service.address, 443)
    accepted, _peer = world.listener(network, "endpoint-https", service.endpoint_id).accept()
    hesitant = Hesitant(world, web, service.address)
    late.append(hesitant)
    network.interfaces.remove(service)
    network.endpoints.clear()
    world.realize(spec(network))
    assert is_cut(world, client)
    assert is_cut(world, accepted)
    assert is_cut(world, hesitant.client)
    expect_blocked(world, web, service.address, 443)


def test_removing_a_route_tables_association_cuts_only_its_own_subnets(world: World) -> None:
    """The other subnet's connection continues."""
    network = Network()
    network.endpoint_in = [1, 2]
    near = network.add(1, "10.0.1.5", WEB)
    far = network.add(2, "10.0.2.5", WEB, subnet=2)
    world.realize(spec(network))
    near_client, near_accepted = endpoint_connection(world, network, near)
    far_client, far_accepted = endpoint_connection(world, network, far)
    network.endpoint_in = [2]
    world.realize(spec(network))
    assert is_cut(world, near_client)
    assert is_cut(world, near_accepted)
    far_client.sendall(b"alive")
    assert far_accepted.recv(5) == b"alive"
    expect_blocked(world, near, S3_ADDRESS, 443)
    expect_reaches(world, far, S3_ADDRESS, 443)


@pytest.mark.parametrize("gone", ["association", "endpoint"])
def test_a_connection_whose_handshake_ends_late_is_cut_as_well(world: World, gone: str) -> None:
    """Its sender considers it open already. Without a reset it would wait for an answer until it times out."""
    late: list[Hesitant] = []
    world.start_driver(pause=lambda _: late.pop().speak())
    network = Network()
    network.endpoint_in = [1]
    web = network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    hesitant = Hesitant(world, web, S3_ADDRESS)
    late.append(hesitant)
    assert [each.state for each in endpoint_sockets(world, network)] == [HALF_OPEN]
    if gone == "association":
        network.endpoint_in = []
    else:
        network.endpoint = False
    world.realize(spec(network))
    assert late == [], "nobody waited for the last packet"
    assert is_cut(world, hesitant.client)
    assert endpoint_sockets(world, network) == []
    expect_blocked(world, web, S3_ADDRESS, 443)


def test_connections_that_never_end_their_handshake_delay_no_others(world: World) -> None:
    """A job could open any number of them. A cut waits for all of them together, and no longer than for one."""
    waited: list[float] = []
    world.start_driver(pause=waited.append)
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    begun = [Hesitant(world, web, S3_ADDRESS) for _ in range(20)]
    network.endpoint = False
    world.realize(spec(network))
    assert sum(waited) == pytest.approx(HANDSHAKE_SECONDS)
    assert endpoint_sockets(world, network) == []
    for each in begun:
        each.client.close()


def test_deleting_a_vpc_cuts_everything_and_leaves_nothing(world: World) -> None:
    """Connections end although the server still holds their descriptors; pin, links and listeners are gone."""
    network, other = Network(), Network(2)
    web = network.add(1, "10.0.1.5", WEB)
    other.add(1, "10.0.1.5", WEB)
    world.realize(spec(network, other))
    client, accepted = endpoint_connection(world, network, web)
    kept = socket.fromfd(world.listener(network, "credentials").fileno(), socket.AF_INET, socket.SOCK_STREAM)
    assert web.container_id is not None
    report = world.realize(spec(other))
    assert report.vpcs == (other.vpc_id,)
    assert is_cut(world, accepted)
    assert world.driver._kernel.board.names() == (other.vpc_id,)
    assert {label.vpc_id for label in world.driver.listeners()} == {other.vpc_id}
    with namespaces.inside(world.containers[web.container_id]):
        assert "eth0" not in Path("/proc/thread-self/net/dev").read_text()
    client.close()
    kept.close()


def test_a_vpc_that_comes_back_works_like_new(world: World) -> None:
    """It works even while a server still holds a listening socket from before its deletion."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    kept = [socket.fromfd(each.fileno(), socket.AF_INET, each.type) for each in world.driver.listeners().values()]
    world.realize(spec())
    world.end_container(str(web.container_id))
    world.realize(spec(network))
    client, accepted = endpoint_connection(world, network, web)
    client.close()
    accepted.close()
    for each in kept:
        each.close()


def test_a_spec_that_breaks_an_invariant_changes_nothing_and_the_others_are_served(world: World) -> None:
    """All old rules of the VPC stay, its problem is reported, and a second VPC is realized."""
    network, other = Network(), Network(2)
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    network.add(3, "10.0.1.6", WEB)
    other.add(1, "10.0.1.5", WEB)
    world.container("c1-3")
    world.container("c2-1")
    report = world.driver.realize(spec(network, other), world.containers)
    assert report.vpcs == (other.vpc_id,)
    assert [problem.about for problem in report.problems] == [network.vpc_id]
    assert "10.0.1.6" in report.problems[0].message
    assert {web.interface_id, app.interface_id} <= set(report.interfaces)
    with world.listen(app, 8443), world.listen(app, 80):
        expect_reaches(world, web, app, 8443)
        expect_blocked(world, web, app, 80)


def test_an_interface_that_cannot_be_made_is_its_own_problem(world: World) -> None:
    """Its namespace already has an eth0: the interface is not in place, but its neighbours are."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    taken = network.add(2, "10.0.1.6", WEB)
    world.container("c1-1")
    world.containers["c1-2"] = world.container("c1-1")
    report = world.driver.realize(spec(network), world.containers)
    assert report.vpcs == (network.vpc_id,)
    assert len(report.interfaces) == 1
    assert [problem.about for problem in report.problems] == [taken.interface_id]
    assert "File exists" in report.problems[0].message
    del world.containers["c1-2"]
    network.interfaces = [web]
    assert world.realize(spec(network)).interfaces == (web.interface_id,)


def test_an_interface_without_its_container_waits_and_is_made_when_it_comes(world: World) -> None:
    """It has no wire and is not in place, but this is no problem. Packets to it are in the flow log of their sender."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.container(str(web.container_id))
    report = world.driver.realize(spec(network), world.containers)
    assert (report.interfaces, report.problems) == ((web.interface_id,), ())
    expect_blocked(world, web, app, 8443)
    report = world.realize(spec(network))
    assert report.interfaces == (web.interface_id, app.interface_id)
    with world.listen(app, 8443):
        expect_reaches(world, web, app, 8443)


def test_rules_changed_from_outside_are_replaced(world: World) -> None:
    """The generation id reveals the change. A table that was opened by hand does not stay open."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    desired = spec(network)
    world.realize(desired)
    router_of(world, network).rules.run("flush chain inet vpc post_ingress\nadd rule inet vpc post_ingress accept\n")
    with world.listen(app, 22):
        expect_reaches(world, web, app, 22)
        world.realize(desired)
        expect_blocked(world, web, app, 22)


def test_a_deleted_link_is_recreated(world: World) -> None:
    """A netlink event reveals the deletion."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    desired = spec(network)
    world.realize(desired)
    router = router_of(world, network)
    name = next(name for name in router.indexes if name.endswith("3ea"))
    router.routes.batch([rtnetlink.delete_link(router.indexes[name], name)])
    world.realize(desired)
    with world.listen(app, 8443):
        expect_reaches(world, web, app, 8443)


def test_a_turn_with_nothing_to_change_touches_nothing(world: World) -> None:
    """Same report, same generation, no look at the kernel. But the kernel's events of earlier turns may come late."""
    network = Network()
    network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    generation = router_of(world, network).generation()
    eventually(lambda: world.realize(spec(network)) is world.realize(spec(network)), what="a turn without a look")
    assert router_of(world, network).generation() == generation


def test_a_stale_listening_socket_of_an_earlier_agent_does_not_stop_the_next(world: World) -> None:
    """A server that outlived the agent still holds the old sockets, but the new ones get the connections."""
    network = Network()
    web = network.add(1, "10.0.1.5", WEB)
    world.realize(spec(network))
    kept = [socket.fromfd(each.fileno(), socket.AF_INET, each.type) for each in world.driver.listeners().values()]
    world.restart()
    world.realize(spec(network))
    client, accepted = endpoint_connection(world, network, web)
    client.close()
    accepted.close()
    for label, opened in world.driver.listeners().items():
        if label.kind == "resolver-udp":
            with ask_by_udp(world, web, label.address, 53, b"question"):
                opened.settimeout(DEADLINE)
                assert opened.recv(100) == b"question"
    listening = [each for each in router_of(world, network).connections.sockets() if each.state == LISTEN]
    assert len(listening) == len([label for label in world.driver.listeners() if label.kind != "resolver-udp"])
    for each in kept:
        each.close()


def test_a_changed_prefix_list_acts_in_an_unchanged_vpc(world: World) -> None:
    """A rule of a group names the list, so the rule's peers change with the list."""
    network = Network()
    app = network.add(2, "10.0.1.6", APP)
    desired = spec(network)
    world.realize(desired)
    expect_reaches(world, app, S3_ADDRESS, 443)
    others = tuple(each for each in desired.prefix_lists if each.prefix_list_id != S3)
    world.realize(replace(desired, prefix_lists=(*others, PrefixList(S3, ("3.5.0.0/19",)))))
    expect_blocked(world, app, S3_ADDRESS, 443)
    world.realize(desired)
    expect_reaches(world, app, S3_ADDRESS, 443)


def test_ingress_rules_opened_later_work_at_once(world: World) -> None:
    """Authorize, connect, revoke, be blocked: without waiting at any point."""
    network = Network()
    web, app = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", APP)
    world.realize(spec(network))
    with world.listen(app, 80):
        for _ in range(5):
            network.ingress[APP] = [EVERYTHING]
            world.realize(spec(network))
            expect_reaches(world, web, app, 80)
            network.ingress[APP] = []
            world.realize(spec(network))
            expect_blocked(world, web, app, 80)


def test_a_rule_acts_with_its_turn_and_never_disturbs_what_it_does_not_concern(world: World) -> None:
    """The rule is authorized and revoked again and again beside a busy permitted connection."""
    network = Network()
    network.ingress[WEB] = [rule(9, GroupPeer(WEB), TCP, 80)]
    one, two = network.add(1, "10.0.1.5", WEB), network.add(2, "10.0.1.6", WEB)
    world.realize(spec(network))
    with world.listen(two, 80) as permitted, world.listen(two, 81) as changing:
        client = world.connect(one, two.address, 80)
        accepted, _peer = permitted.accept()
        for number in range(15):
            network.ingress[WEB].append(rule(100 + number, GroupPeer(WEB), TCP, 81))
            world.realize(spec(network))
            expect_reaches(world, one, two, 81)
            changing.accept()[0].close()
            network.ingress[WEB].pop()
            world.realize(spec(network))
            with world.socket_in(one) as refused:
                refused.setblocking(False)
                refused.connect_ex((two.address, 81))
                client.sendall(b"x" * 1000)
                assert accepted.recv(1000, socket.MSG_WAITALL) == b"x" * 1000
                world.let_arrive()
                assert select.select([], [refused], [], 0)[1] == []
        client.close()
        accepted.close()
